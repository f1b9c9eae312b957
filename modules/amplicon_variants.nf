// Count alleles in the amplicons of all samples together, and judge which are variants.
process AMPLICON_VARIANTS {
    container "${params.registry}/amplicon_variants:${workflow.manifest.version}"
    publishDir "${params.outdir}/amplicon_variants", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    memory { 4.GB * task.attempt }

    input:
    path amplicons         // sample, line, condition, role
    path 'alignments/*'    // <sample>.bam with its index, primers soft-clipped; a sample without has its rows
    path primers           // chrom, start, end, amplicon, pool, left_start, left_end, right_start, right_end
    path genome            // [genome.fa, genome.fa.fai]
    val options            // map: amplicon_min_depth, min_vaf, min_base_quality, min_mapping_quality, confidence

    output:
    path 'variants.tsv', emit: variants                      // a row a sample and candidate
    path 'variants.vcf.gz{,.tbi}', emit: vcf                 // [VCF, its index]: all samples; FILTER PASS if any sample has it
    path '*_mqc.json', emit: sections
    path 'versions.tsv', topic: versions

    script:
    """
    amplicon_variants.py \\
        --amplicons ${amplicons} \\
        --alignments alignments \\
        --primers ${primers} \\
        --genome ${genome[0]} \\
        --amplicon-min-depth ${options.amplicon_min_depth} \\
        --min-vaf ${options.min_vaf} \\
        --min-base-quality ${options.min_base_quality} \\
        --min-mapping-quality ${options.min_mapping_quality} \\
        --confidence ${options.confidence}
    """

    stub:
    """
    touch variants.tsv variants.vcf.gz{,.tbi} amplicon_variants_mqc.json versions.tsv
    """
}
