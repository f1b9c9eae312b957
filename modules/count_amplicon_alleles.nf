// Count alleles per fragment in the amplicons of all samples: at every site, and of what may be a variant.
process COUNT_AMPLICON_ALLELES {
    container "${params.registry}/count_amplicon_alleles:${workflow.manifest.version}"
    publishDir "${params.outdir}/count_amplicon_alleles", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    memory { 2.GB * task.attempt }

    input:
    path amplicons         // sample, line, condition, role
    path 'alignments/*'    // <sample>.bam with its index, primers soft-clipped; a sample without has its rows
    path primers           // chrom, start, end, amplicon, pool, left_start, left_end, right_start, right_end
    path genome            // [genome.fa, genome.fa.fai]
    val options            // map: min_vaf, min_base_quality, min_mapping_quality

    output:
    path 'alleles.tsv', emit: alleles    // a row a sample, candidate and amplicon
    path 'sites.tsv', emit: sites        // a row a sample and base of the inserts
    tuple val('count_amplicon_alleles'), path('*.tsv'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    count_amplicon_alleles.py \\
        --amplicons ${amplicons} \\
        --alignments alignments \\
        --primers ${primers} \\
        --genome ${genome[0]} \\
        --min-vaf ${options.min_vaf} \\
        --min-base-quality ${options.min_base_quality} \\
        --min-mapping-quality ${options.min_mapping_quality}
    """

    stub:
    """
    touch {alleles,sites,versions}.tsv
    """
}
