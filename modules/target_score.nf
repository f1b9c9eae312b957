// How active the NRF2 axis is by its target genes: scores by line and condition, changes by contrast.
process TARGET_SCORE {
    container "${params.registry}/target_score:${workflow.manifest.version}"
    publishDir "${params.outdir}/target_score", mode: params.publish_dir_mode, overwrite: 'deep', saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'
    memory { (1.GB + 10.B * log_cpm.size()) * task.attempt }

    input:
    path samples        // sample, line, condition, role, replicate
    path log_cpm        // gene_id, gene_name, a column a sample: expressed genes
    path summary        // summary.tsv of differential_expression
    path 'genes/*'      // <contrast>.genes.tsv of differential_expression
    path gene_panels    // panel, gene_name
    val options         // map: confidence, q_value_max

    output:
    path '{scores,genes,changes}.tsv', emit: tables
    path 'target_score_evidence.tsv', emit: evidence            // for mmc_candidates
    path 'target_score.{svg,png,tsv}', emit: figures, optional: true    // none where no gene of the panel is expressed
    path '*_mqc.json', emit: sections
    tuple val('target_score'), path('*.{tsv,svg,png,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    target_score.py \\
        --samples ${samples} \\
        --log-cpm ${log_cpm} \\
        --summary ${summary} \\
        --genes genes \\
        --gene-panels ${gene_panels} \\
        --confidence ${options.confidence} \\
        --q-value-max ${options.q_value_max}
    """

    stub:
    """
    touch {scores,genes,changes,target_score_evidence,versions}.tsv target_score_mqc.json
    """
}
