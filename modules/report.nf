// Put the sections of all analyses into one report.
//
// Its own versions are not in the topic: a process that reads a topic must not write to it.
process REPORT {
    container "${params.registry}/report:${workflow.manifest.version}"
    publishDir "${params.outdir}/report", mode: params.publish_dir_mode
    cache 'deep'

    input:
    path 'checked/*'     // plan.tsv, inputs.tsv, notes.tsv, parameters.tsv, rerun.sh
    path 'sections/*'    // *_mqc.json of whatever ran
    path 'logs/*'        // what MultiQC reads of fastp, salmon and STAR; may be none
    path 'tools.tsv'     // no header: tool, version. Not versions.tsv: that is written here
    path 'assets/*'      // columns.tsv, methods.yml, multiqc_config.yml, report.css

    output:
    path 'multiqc_report.html', emit: html
    path 'multiqc_report_data', emit: data    // what the report shows, as tables and JSON
    path 'findings.txt', emit: findings       // a line a contrast or line: what was found
    path 'versions.tsv', emit: versions       // tool, version
    tuple val('report'), path('{multiqc_report.html,multiqc_report_data,findings.txt,versions.tsv}'), topic: published

    script:
    """
    report.py \\
        --checked checked \\
        --sections sections \\
        --logs logs \\
        --tools tools.tsv \\
        --assets assets
    """

    stub:
    """
    mkdir multiqc_report_data
    touch multiqc_report.html findings.txt versions.tsv
    """
}
