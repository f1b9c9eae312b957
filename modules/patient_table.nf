// Tabulate the characteristics of patients by group.
process PATIENT_TABLE {
    container "${params.registry}/patient_table:${workflow.manifest.version}"
    publishDir "${params.outdir}/patient_table", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'

    input:
    path patients                         // patients.tsv: a row a patient
    path scores, stageAs: 'scores/*'      // groups.tsv and corrected.tsv of BIOMARKER_CUTOFF, or none
    val options                           // map: survival_groups, confidence

    output:
    path 'characteristics.tsv'            // a row a grouping, variable, level and group
    path 'tests.tsv'                      // a row a grouping and variable
    path '*_mqc.json', emit: sections
    tuple val('patient_table'), path('*.{tsv,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    patient_table.py \\
        --patients ${patients} \\
        --scores scores \\
        --survival-groups '${options.survival_groups}' \\
        --confidence ${options.confidence}
    """

    stub:
    """
    touch {characteristics,tests}.tsv patient_table_mqc.json versions.tsv
    """
}
