// Fit dose-response curves, and compare them: all compounds, lines and conditions.
process DOSE_RESPONSE {
    container "${params.registry}/dose_response:${workflow.manifest.version}"
    publishDir "${params.outdir}/dose_response", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'

    input:
    path wells, stageAs: 'wells/*'                // wells.tsv of normalise_plates
    path responses, stageAs: 'responses/*'        // responses.tsv of normalise_plates
    path comparisons, stageAs: 'comparisons/*'    // pairs of curves; may be none
    val options                                   // map: dose_model, dose_fit_on, confidence

    output:
    path 'curves.tsv', emit: curves               // a row a curve
    path 'comparisons.tsv', emit: comparisons     // a row a pair of curves, method and null hypothesis
    path '{experiments,trends,resistance,growth_rate}.tsv'
    path '*.{svg,png}', optional: true
    path '*.curve.tsv', optional: true            // what each figure draws
    path '*_mqc.json', emit: sections
    path 'versions.tsv', topic: versions

    script:
    """
    dose_response.py \\
        --wells wells \\
        --responses responses \\
        --comparisons comparisons \\
        --dose-model ${options.dose_model} \\
        --dose-fit-on ${options.dose_fit_on} \\
        --confidence ${options.confidence}
    """

    stub:
    """
    touch {curves,comparisons,experiments,trends,resistance,growth_rate}.tsv dose_response_mqc.json versions.tsv
    """
}
