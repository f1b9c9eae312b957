// Score every gene set in every sample (ssGSEA).
process SAMPLE_ENRICHMENT {
    container "${params.registry}/sample_enrichment:${workflow.manifest.version}"
    publishDir "${params.outdir}/sample_enrichment", mode: params.publish_dir_mode, overwrite: 'deep', saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'
    memory { (1.GB + 10.B * log_cpm.size()) * task.attempt }

    input:
    path samples          // sample, line, condition, role, replicate
    path log_cpm          // gene_id, gene_name, a column a sample
    path 'gene_sets/*'    // a GMT file a collection
    val options           // map: ssgsea_dialect, gene_set_min, gene_set_max, highlight_sets

    output:
    path 'scores.tsv', emit: scores    // collection, gene_set, identifier, size, status, reason, a column a sample
    path 'highlighted.{svg,png,tsv}', emit: figures
    path '*_mqc.json', emit: sections
    tuple val('sample_enrichment'), path('*.{tsv,svg,png,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    sample_enrichment.py \\
        --samples ${samples} \\
        --log-cpm ${log_cpm} \\
        --gene-sets gene_sets \\
        --ssgsea-dialect ${options.ssgsea_dialect} \\
        --gene-set-min ${options.gene_set_min} \\
        --gene-set-max ${options.gene_set_max} \\
        --highlight-sets '${options.highlight_sets}'
    """

    stub:
    """
    touch scores.tsv highlighted.{svg,png,tsv} sample_enrichment_mqc.json versions.tsv
    """
}
