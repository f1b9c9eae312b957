// Compare groups of measurements: conditions within lines, doses within conditions.
process GROUP_COMPARISON {
    container "${params.registry}/group_comparison:${workflow.manifest.version}"
    publishDir "${params.outdir}/group_comparison", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'

    input:
    path 'measured/*'                     // assays.tsv, quantities.tsv of relative_quantity: one of them or both
    val options                           // map: test, reference_group, confidence

    output:
    path 'groups.tsv', emit: groups       // a row an assay, line, condition and treatment
    path 'tests.tsv', emit: tests         // a row a test
    path 'group_comparison_evidence.tsv', emit: evidence    // what bears on the call of mitomycin C candidates
    path '*.{svg,png}', optional: true
    path '*.bars.tsv', optional: true     // what each figure draws
    path '*_mqc.json', emit: sections
    tuple val('group_comparison'), path('*.{tsv,svg,png,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    group_comparison.py \\
        --assays measured \\
        --quantities measured \\
        --test ${options.test} \\
        --reference-group '${options.reference_group ?: ''}' \\
        --confidence ${options.confidence}
    """

    stub:
    """
    touch {groups,tests,group_comparison_evidence}.tsv group_comparison_mqc.json versions.tsv
    """
}
