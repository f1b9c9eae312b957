// Principal components of the samples, of gene set scores and of log-CPM; how each line moves on them.
process SAMPLE_PROJECTION {
    container "${params.registry}/sample_projection:${workflow.manifest.version}"
    publishDir "${params.outdir}/sample_projection", mode: params.publish_dir_mode, overwrite: 'deep', saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'
    memory { (1.GB + 10.B * log_cpm.size()) * task.attempt }

    input:
    path samples            // sample, line, condition, role, replicate
    path log_cpm            // gene_id, gene_name, a column a sample
    path 'scores/*'         // scores.tsv of sample_enrichment, where it ran
    val projection_scale    // true or false

    output:
    path '{projections,coordinates,loadings,variance,displacement,cosine}.tsv', emit: tables
    path '*.projection.{svg,png,tsv}', emit: figures    // a figure a projection, and exactly what it draws
    path '*_mqc.json', emit: sections
    tuple val('sample_projection'), path('*.{tsv,svg,png,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    sample_projection.py \\
        --samples ${samples} \\
        --log-cpm ${log_cpm} \\
        --scores scores \\
        --projection-scale ${projection_scale}
    """

    stub:
    """
    touch {projections,coordinates,loadings,variance,displacement,cosine}.tsv log_cpm.projection.{svg,png,tsv} sample_projection_mqc.json versions.tsv
    """
}
