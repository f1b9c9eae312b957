// Compare dose-response curves and draw them: resistant and parental, with and without a modulator, pairs of a sheet.
process DOSE_COMPARISON {
    container "${params.registry}/dose_comparison:${workflow.manifest.version}"
    publishDir "${params.outdir}/dose_comparison", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'

    input:
    path wells, stageAs: 'wells/*'            // wells.tsv of normalise_plates
    path responses, stageAs: 'responses/*'    // responses.tsv of normalise_plates
    path fits, stageAs: 'fits/*'              // the tables of fit_dose_curves
    path curves, stageAs: 'curves/*'          // curves.tsv and experiments.tsv of dose_response
    val options                               // map: confidence

    output:
    path 'comparisons.tsv', emit: comparisons    // a row a pair of curves, hypothesis and method
    path 'resistance.tsv', emit: resistance      // a row a line and compound
    path 'trends.tsv'
    path 'dose_comparison_evidence.tsv', emit: evidence    // what bears on the call of mitomycin C candidates
    path '*.{svg,png}', optional: true
    path '*.{curve,forest}.tsv', optional: true    // what each figure draws
    path '*_mqc.json', emit: sections
    tuple val('dose_comparison'), path('*.{tsv,svg,png,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    dose_comparison.py \\
        --wells wells \\
        --responses responses \\
        --fits fits \\
        --curves curves \\
        --confidence ${options.confidence}
    """

    stub:
    """
    touch {comparisons,resistance,trends,dose_comparison_evidence}.tsv dose_comparison_mqc.json versions.tsv
    """
}
