// Turn the wells of plates into viabilities in percent of the vehicle, and judge the plates.
process NORMALISE_PLATES {
    container "${params.registry}/normalise_plates:${workflow.manifest.version}"
    publishDir "${params.outdir}/normalise_plates", mode: params.publish_dir_mode, overwrite: 'deep', saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'
    memory { (2.GB + 40.B * wells.size()) * task.attempt }

    input:
    path wells    // experiment, plate, well, line, condition, condition_role, compound, dose, dose_unit, response, role, modulator, ...

    output:
    path 'wells.tsv', emit: wells              // a row a sample well: viability, growth rate
    path 'responses.tsv', emit: responses      // a row an experiment, curve and dose: the mean of its wells
    path 'plates.tsv', emit: plates            // a row a plate
    path 'vehicles.tsv', emit: vehicles        // a row a plate and vehicle
    path 'plate_maps.{svg,png,tsv}', optional: true    // where wells are named; exactly what it draws
    path '*_mqc.json', emit: sections
    tuple val('normalise_plates'), path('*.{tsv,svg,png,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    normalise_plates.py \\
        --wells ${wells}
    """

    stub:
    """
    touch {wells,responses,plates,vehicles}.tsv normalise_plates_mqc.json versions.tsv
    """
}
