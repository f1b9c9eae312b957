// Draw proteins with their domains and the variants in them.
process LOLLIPOP {
    container "${params.registry}/lollipop:${workflow.manifest.version}"
    publishDir "${params.outdir}/lollipop", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'

    input:
    path comparison      // comparison.tsv of variant_comparison
    path domains         // gene, kind, name, start, end, source
    path annotation      // GTF: the lengths of proteins
    path target_genes    // gene, transcript, cds_start, cds_end
    path genome          // [genome.fa, genome.fa.fai]

    output:
    path '*.{svg,png}', optional: true
    path '*.tsv', includeInputs: false
    path '*_mqc.json', emit: sections
    path 'versions.tsv', topic: versions

    script:
    """
    lollipop.py \\
        --comparison ${comparison} \\
        --domains ${domains} \\
        --annotation ${annotation} \\
        --target-genes ${target_genes} \\
        --genome ${genome[0]}
    """

    stub:
    """
    touch KEAP1.tsv lollipop_mqc.json versions.tsv
    """
}
