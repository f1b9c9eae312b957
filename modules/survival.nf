// Compare overall and disease-free survival between groups of patients.
process SURVIVAL {
    container "${params.registry}/survival:${workflow.manifest.version}"
    publishDir "${params.outdir}/survival", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'

    input:
    path patients                               // patients.tsv: a row a patient
    path scores, stageAs: 'scores/*'            // groups.tsv and corrected.tsv of BIOMARKER_CUTOFF, or none
    val options                                 // map: survival_groups, survival_horizon, confidence

    output:
    path 'km.tsv', emit: km                     // a row an endpoint, grouping, group and time
    path 'medians.tsv'                          // a row an endpoint, grouping and group
    path 'times.tsv'                            // survival at 12, 24, 36, 60 months
    path 'tests.tsv', emit: tests               // log-rank, Cox
    path '*.{svg,png}', optional: true
    path '*.curves.tsv', optional: true         // what each figure draws
    path '*_mqc.json', emit: sections
    tuple val('survival'), path('*.{tsv,svg,png,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    survival.py \\
        --patients ${patients} \\
        --scores scores \\
        --survival-groups '${options.survival_groups}' \\
        --survival-horizon ${options.survival_horizon} \\
        --confidence ${options.confidence}
    """

    stub:
    """
    touch {km,medians,times,tests}.tsv survival_mqc.json versions.tsv
    """
}
