// Judge the fits of dose-response curves: IC50s with intervals and statuses, growth-rate metrics.
process DOSE_RESPONSE {
    container "${params.registry}/dose_response:${workflow.manifest.version}"
    publishDir "${params.outdir}/dose_response", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'

    input:
    path wells, stageAs: 'wells/*'            // wells.tsv of normalise_plates
    path responses, stageAs: 'responses/*'    // responses.tsv of normalise_plates
    path fits, stageAs: 'fits/*'              // the tables of fit_dose_curves
    val options                               // map: dose_fit_on, confidence

    output:
    path 'curves.tsv', emit: curves              // a row a curve
    path 'experiments.tsv', emit: experiments    // a row a curve and experiment
    path 'growth_rate.tsv'
    path '*_mqc.json', emit: sections
    tuple val('dose_response'), path('*.{tsv,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    dose_response.py \\
        --wells wells \\
        --responses responses \\
        --fits fits \\
        --dose-fit-on ${options.dose_fit_on} \\
        --confidence ${options.confidence}
    """

    stub:
    """
    touch {curves,experiments,growth_rate}.tsv dose_response_mqc.json versions.tsv
    """
}
