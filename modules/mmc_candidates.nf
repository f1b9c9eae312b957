// Call which lines are candidates for mitomycin C: NRF2 active and NQO1 functional, from what all analyses found.
process MMC_CANDIDATES {
    container "${params.registry}/mmc_candidates:${workflow.manifest.version}"
    publishDir "${params.outdir}/mmc_candidates", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'

    input:
    path 'evidence/*'                     // <analysis>_evidence.tsv of all analyses that ran and bear on the call
    path rules, stageAs: 'rules/*'        // YAML: evidence, thresholds, points, order
    path schema, stageAs: 'schema/*'      // JSON Schema of the rules

    output:
    path 'candidates.tsv', emit: candidates    // a row a line and condition
    path 'evidence.tsv', emit: evidence        // a row a piece of evidence, with what it weighed
    path 'leave_one_out.tsv'                   // the call without each piece, without each analysis
    path '*.{svg,png}', optional: true
    path '{evidence_matrix,quadrants}*.tsv', optional: true    // what each figure draws
    path '*_mqc.json', emit: sections
    tuple val('mmc_candidates'), path('*.{tsv,svg,png,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    mmc_candidates.py \\
        --evidence evidence \\
        --rules ${rules} \\
        --schema ${schema}
    """

    stub:
    """
    touch {candidates,evidence,leave_one_out,versions}.tsv mmc_candidates_mqc.json
    """
}
