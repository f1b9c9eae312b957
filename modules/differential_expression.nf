// Fold changes and tests of every gene in every contrast.
process DIFFERENTIAL_EXPRESSION {
    container "${params.registry}/differential_expression:${workflow.manifest.version}"
    publishDir "${params.outdir}/differential_expression", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'

    input:
    path samples                       // sample, line, condition, role, replicate, further columns to block by
    path counts                        // gene_id, gene_name, a column a sample
    path contrasts                     // contrast, reference, target, lines, blocking
    val accept_additive_dispersion     // true or false
    val q_value_max                    // in (0, 1)

    output:
    path '*.genes.tsv', emit: genes              // a file a contrast, a row a gene
    path 'summary.tsv', emit: summary            // a row a contrast
    path '*.volcano_ma.{svg,png,tsv}', emit: figures
    path '*_mqc.json', emit: sections
    tuple val('differential_expression'), path('*.{tsv,svg,png,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    differential_expression.py \\
        --samples ${samples} \\
        --counts ${counts} \\
        --contrasts ${contrasts} \\
        --accept-additive-dispersion ${accept_additive_dispersion} \\
        --q-value-max ${q_value_max}
    """

    stub:
    """
    touch stub.genes.tsv summary.tsv stub.volcano_ma.{svg,png,tsv} differential_expression_mqc.json versions.tsv
    """
}
