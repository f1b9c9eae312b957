// Fit dose-response curves: all compounds, lines and conditions, each experiment, and pairs that share parameters.
process FIT_DOSE_CURVES {
    container "${params.registry}/fit_dose_curves:${workflow.manifest.version}"
    publishDir "${params.outdir}/fit_dose_curves", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'

    input:
    path wells, stageAs: 'wells/*'                // wells.tsv of normalise_plates
    path responses, stageAs: 'responses/*'        // responses.tsv of normalise_plates
    path comparisons, stageAs: 'comparisons/*'    // pairs of curves; may be none
    val options                                   // map: dose_model, dose_fit_on, confidence

    output:
    path '{fits,experiment_fits,growth_fits,pair_fits}.tsv', emit: fits    // a row a curve, an experiment's curve, a pair
    tuple val('fit_dose_curves'), path('*.tsv'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    fit_dose_curves.py \\
        --wells wells \\
        --responses responses \\
        --comparisons comparisons \\
        --dose-model ${options.dose_model} \\
        --dose-fit-on ${options.dose_fit_on} \\
        --confidence ${options.confidence}
    """

    stub:
    """
    touch {fits,experiment_fits,growth_fits,pair_fits,versions}.tsv
    """
}
