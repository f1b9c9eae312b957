// Find the score that separates patients best, and say what it is worth.
process BIOMARKER_CUTOFF {
    container "${params.registry}/biomarker_cutoff:${workflow.manifest.version}"
    publishDir "${params.outdir}/biomarker_cutoff", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'

    input:
    path patients        // patients.tsv: a row a patient
    val options          // map: score_cutoff, score_permutations, survival_horizon, bootstraps, seed, confidence

    output:
    path 'groups.tsv', emit: groups              // patient, score, score_group, status, reason
    path 'roc.tsv'                               // a row a cutoff
    path 'cutoff.tsv', emit: cutoff              // the cutoff, and what it is worth
    path 'association.tsv', emit: association    // a row a test of the score with recurrence, and of pairs
    path 'corrected.tsv', emit: corrected        // a row a p-value that the choice of the cutoff bears on
    path 'biomarker_cutoff_evidence.tsv', emit: evidence    // for mmc_candidates: a row a tumour
    path 'score.{svg,png,tsv}', optional: true   // the figure, and what it draws
    path '*_mqc.json', emit: sections
    tuple val('biomarker_cutoff'), path('*.{tsv,svg,png,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    biomarker_cutoff.py \\
        --patients ${patients} \\
        --score-cutoff '${options.score_cutoff == null ? '' : options.score_cutoff}' \\
        --score-permutations ${options.score_permutations} \\
        --survival-horizon ${options.survival_horizon} \\
        --bootstraps ${options.bootstraps} \\
        --seed ${options.seed} \\
        --confidence ${options.confidence}
    """

    stub:
    """
    touch {groups,roc,cutoff,association,corrected,biomarker_cutoff_evidence}.tsv biomarker_cutoff_mqc.json versions.tsv
    """
}
