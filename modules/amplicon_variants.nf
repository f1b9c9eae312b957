// Judge in which samples the candidates of all amplicons are variants, and what could have been seen.
process AMPLICON_VARIANTS {
    container "${params.registry}/amplicon_variants:${workflow.manifest.version}"
    publishDir "${params.outdir}/amplicon_variants", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'

    input:
    path amplicons    // sample, line, condition, role
    path alleles      // a row a sample, candidate and amplicon
    path sites        // a row a sample and base of the inserts
    path primers      // chrom, start, end, amplicon, pool, left_start, left_end, right_start, right_end
    path genome       // [genome.fa, genome.fa.fai]
    val options       // map: amplicon_min_depth, min_vaf, confidence

    output:
    path 'variants.tsv', emit: variants       // a row a sample and candidate
    path 'variants.vcf.gz{,.tbi}', emit: vcf  // [VCF, its index]: all samples; FILTER PASS if any sample has it
    path 'detection_limits.tsv'               // a row a sample and amplicon
    path 'error_rates.tsv'                    // a row a trinucleotide change or kind of indel
    path '*_mqc.json', emit: sections
    tuple val('amplicon_variants'), path('*.{tsv,json,gz,tbi}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    amplicon_variants.py \\
        --amplicons ${amplicons} \\
        --alleles ${alleles} \\
        --sites ${sites} \\
        --primers ${primers} \\
        --genome ${genome[0]} \\
        --amplicon-min-depth ${options.amplicon_min_depth} \\
        --min-vaf ${options.min_vaf} \\
        --confidence ${options.confidence}
    """

    stub:
    """
    touch variants.tsv variants.vcf.gz{,.tbi} {detection_limits,error_rates}.tsv amplicon_variants_mqc.json versions.tsv
    """
}
