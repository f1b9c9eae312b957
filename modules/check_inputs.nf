// Check every parameter and sheet, report all problems at once, and plan what can run.
process CHECK_INPUTS {
    container "${params.registry}/check_inputs:${workflow.manifest.version}"
    publishDir "${params.outdir}/check_inputs", mode: params.publish_dir_mode, pattern: '{inputs,plan,notes}.tsv'
    cache 'deep'

    input:
    path values                                                // JSON: parameters { name: value }, as given or by default; files [{ parameter, path, origin }]
    path schema                                                // nextflow_schema.json
    path 'assets/*'                                            // the schemas of sheets that it names
    path sheets, stageAs: 'sheets/?/*'                         // the files that the JSON lists, in its order

    output:
    path 'inputs.tsv', emit: inputs                            // sheet, path, sha256, rows
    path 'plan.tsv', emit: plan                                // analysis, planned, reason
    path 'notes.tsv', emit: notes                              // sheet, note: what was ignored or stands out
    path 'parameters.tsv', emit: parameters                    // parameter, value: those that bear on results
    path 'samples.tsv', emit: samples, optional: true          // sample, line, condition, role, replicate, further columns
    path 'counts.tsv', emit: counts, optional: true            // gene_id, gene_name, a column a sample
    path 'contrasts.tsv', emit: contrasts, optional: true      // contrast, reference, target, lines, blocking
    path 'gene_panels.tsv', emit: gene_panels, optional: true  // panel, gene_name
    path 'gene_sets/*.gmt', emit: gene_sets, optional: true    // a file a collection
    path 'versions.tsv', topic: versions

    script:
    """
    check_inputs.py \\
        --values ${values} \\
        --schema ${schema} \\
        --sheets sheets
    """

    stub:
    """
    touch inputs.tsv plan.tsv notes.tsv parameters.tsv samples.tsv counts.tsv contrasts.tsv gene_panels.tsv versions.tsv
    mkdir gene_sets
    touch gene_sets/stub.gmt
    """
}
