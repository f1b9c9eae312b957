// Fit mutational signatures to tumours and cohorts, and say what could have been seen.
process MUTATIONAL_SIGNATURES {
    container "${params.registry}/mutational_signatures:${workflow.manifest.version}"
    publishDir "${params.outdir}/mutational_signatures", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'
    cpus 2
    memory { 2.GB * task.attempt }

    input:
    path cohorts                              // as HARMONISE_MUTATIONS has it
    path matrices, stageAs: 'matrices/*'      // of MUTATION_MATRIX
    path samples                              // likewise
    path opportunities                        // likewise
    path signatures, stageAs: 'signatures/*'  // Type, a column a signature; none: COSMIC v3.3 as packaged
    val options                               // map: signature_names, therapy_signatures, signature_opportunities, bootstraps, min_mutations, seed, confidence

    output:
    path 'exposures.tsv', emit: exposures     // a row a cohort, sample, method and signature
    path 'pooled.tsv', emit: pooled           // a row a cohort, method and signature
    path 'fits.tsv'                           // a row a cohort, sample and method: mutations, cosine similarity
    path 'detection.tsv'                      // a row a cohort and therapy signature: the smallest share that would have shown
    path 'comparison.tsv'                     // a row a pair of cohorts and signature
    path '*.{svg,png}', optional: true
    path '*.shares.tsv', optional: true         // what the figure draws
    path '*_mqc.json', emit: sections
    tuple val('mutational_signatures'), path('*.{tsv,svg,png,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    mutational_signatures.py \\
        --cohorts ${cohorts} \\
        --matrices matrices \\
        --samples ${samples} \\
        --opportunities ${opportunities} \\
        --signatures signatures \\
        --signature-names '${options.signature_names}' \\
        --therapy-signatures '${options.therapy_signatures}' \\
        --signature-opportunities ${options.signature_opportunities} \\
        --bootstraps ${options.bootstraps} \\
        --min-mutations ${options.min_mutations} \\
        --seed ${options.seed} \\
        --confidence ${options.confidence}
    """

    stub:
    """
    touch {exposures,pooled,fits,detection,comparison}.tsv mutational_signatures_mqc.json versions.tsv
    """
}
