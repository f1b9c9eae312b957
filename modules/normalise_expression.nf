// Choose expressed genes, TMM factors, log-CPM.
process NORMALISE_EXPRESSION {
    container "${params.registry}/normalise_expression:${workflow.manifest.version}"
    publishDir "${params.outdir}/normalise_expression", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'

    input:
    path samples    // sample, line, condition, role, replicate
    path counts     // gene_id, gene_name, a column a sample

    output:
    path 'log_cpm.tsv', emit: log_cpm            // gene_id, gene_name, a column a sample: expressed genes
    path 'factors.tsv', emit: factors            // a row a sample
    path '*.{svg,png}', emit: figures
    path 'library_sizes.tsv', emit: drawn
    path '*_mqc.json', emit: sections
    tuple val('normalise_expression'), path('*.{tsv,svg,png,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    normalise_expression.py \\
        --samples ${samples} \\
        --counts ${counts}
    """

    stub:
    """
    touch log_cpm.tsv factors.tsv library_sizes.{svg,png,tsv} normalise_expression_mqc.json versions.tsv
    """
}
