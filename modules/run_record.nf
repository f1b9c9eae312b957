// Record the run: what it took, and a Workflow Run RO-Crate of all that was published, which makes the results a crate.
//
// Never cached: what it took is another each time. Its own versions are not in the topic, as those of REPORT.
process RUN_RECORD {
    container "${params.registry}/run_record:${workflow.manifest.version}"
    publishDir "${params.outdir}", mode: params.publish_dir_mode
    cache false

    input:
    path record                        // JSON: run {}, started, parameters {}, files [{ path below --outdir, size, sha256 }]
    path inputs                        // sheet, path, sha256, rows
    path 'tools.tsv'                   // tool, version
    path trace, stageAs: 'trace/*'     // Nextflow's trace so far, in raw numbers; may be none
    path pipeline, stageAs: 'pipeline/*'    // main.nf, nextflow_schema.json, CITATION.cff, columns.tsv, methods.yml
    val prices                         // map: cost_per_cpu_hour, cost_per_gb_hour

    output:
    path 'ro-crate-metadata.json', emit: crate
    path 'pipeline_info/resources.tsv', emit: resources    // a row a process
    path 'pipeline_info/main.nf'                           // the workflow that the crate describes

    script:
    """
    run_record.py \\
        --record ${record} \\
        --inputs ${inputs} \\
        --tools tools.tsv \\
        --trace trace \\
        --pipeline pipeline \\
        --cost-per-cpu-hour '${prices.cost_per_cpu_hour == null ? '' : prices.cost_per_cpu_hour}' \\
        --cost-per-gb-hour '${prices.cost_per_gb_hour == null ? '' : prices.cost_per_gb_hour}'
    """

    stub:
    """
    mkdir pipeline_info
    touch ro-crate-metadata.json pipeline_info/{resources.tsv,main.nf}
    """
}
