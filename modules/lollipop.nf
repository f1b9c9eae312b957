// Draw proteins with their domains and the variants in them.
process LOLLIPOP {
    container "${params.registry}/lollipop:${workflow.manifest.version}"
    publishDir "${params.outdir}/lollipop", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name - 'proteins/' }
    cache 'deep'

    input:
    path amplicons       // sample, line, condition, role
    path coverage        // coverage.tsv of ALIGN_AMPLICONS_TABLE: which residues were read
    path comparison      // comparison.tsv of VARIANT_COMPARISON
    path domains         // gene, kind, name, start, end, source
    path annotation      // GTF: the lengths of proteins
    path target_genes    // gene, transcript, cds_start, cds_end
    path genome          // [genome.fa, genome.fa.fai]

    output:
    path 'proteins.tsv', emit: proteins     // a row a target gene
    path 'proteins/*', optional: true       // <gene>.svg, <gene>.png and <gene>.tsv
    path '*_mqc.json', emit: sections
    tuple val('lollipop'), path('{*.tsv,*.json,proteins/*}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    lollipop.py \\
        --amplicons ${amplicons} \\
        --coverage ${coverage} \\
        --comparison ${comparison} \\
        --domains ${domains} \\
        --annotation ${annotation} \\
        --target-genes ${target_genes} \\
        --genome ${genome[0]}
    """

    stub:
    """
    mkdir proteins
    touch proteins.tsv proteins/KEAP1.{svg,png,tsv} lollipop_mqc.json versions.tsv
    """
}
