// Turn threshold cycles into quantities by standard curves, relative to the housekeeping genes and the calibrator.
process RELATIVE_QUANTITY {
    container "${params.registry}/relative_quantity:${workflow.manifest.version}"
    publishDir "${params.outdir}/relative_quantity", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'

    input:
    path wells     // plate, well, gene, role, quantity, ct, line, condition, condition_role, replicate
    val options    // map: housekeeping, calibrator, confidence

    output:
    path 'standards.tsv', emit: standards      // a row a plate and gene: the standard curve
    path 'quantities.tsv', emit: quantities    // a row a gene, line, condition and replicate
    path 'measurements.tsv', emit: measurements    // a row a plate, gene, line, condition and replicate
    path 'standard_curves.{svg,png,tsv}', optional: true    // if there is a curve; exactly what it draws
    path '*_mqc.json', emit: sections
    tuple val('relative_quantity'), path('*.{tsv,svg,png,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    relative_quantity.py \\
        --wells ${wells} \\
        --housekeeping '${options.housekeeping}' \\
        --calibrator '${options.calibrator ?: ''}' \\
        --confidence ${options.confidence}
    """

    stub:
    """
    touch {standards,measurements,quantities}.tsv relative_quantity_mqc.json versions.tsv
    """
}
