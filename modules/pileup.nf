// Draw the reads at each locus: a figure a locus and line.
process PILEUP {
    container "${params.registry}/pileup:${workflow.manifest.version}"
    publishDir "${params.outdir}/pileup", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }

    input:
    path samples         // sample, line, condition, role, replicate
    path 'alignments/*'  // <sample>.bam or .cram, with an index or none
    path genome          // [genome.fa, genome.fa.fai]
    path annotation      // GTF
    path target_genes    // gene, transcript, cds_start, cds_end
    path genotypes       // genotypes.tsv of LOCUS_GENOTYPE: a figure for each locus and line
    path discovery       // discovery.tsv of LOCUS_GENOTYPE: a figure where a line has a further coding variant
    val options          // map: min_base_quality, min_mapping_quality, seed

    output:
    path '*.{svg,png}', emit: figures, optional: true
    path '*.tsv', emit: drawn
    path '*_mqc.json', emit: sections
    tuple val('pileup'), path('*.{tsv,svg,png,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    pileup.py \\
        --samples ${samples} \\
        --alignments alignments \\
        --genome ${genome[0]} \\
        --annotation ${annotation} \\
        --target-genes ${target_genes} \\
        --genotypes ${genotypes} \\
        --discovery ${discovery} \\
        --min-base-quality ${options.min_base_quality} \\
        --min-mapping-quality ${options.min_mapping_quality} \\
        --seed ${options.seed}
    """

    stub:
    """
    touch pileup.svg pileup.png pileup.tsv pileup_mqc.json versions.tsv
    """
}
