include { NORMALISE_PLATES  } from '../modules/normalise_plates'
include { FIT_DOSE_CURVES   } from '../modules/fit_dose_curves'
include { DOSE_RESPONSE     } from '../modules/dose_response'
include { DOSE_COMPARISON   } from '../modules/dose_comparison'
include { RELATIVE_QUANTITY } from '../modules/relative_quantity'
include { GROUP_COMPARISON  } from '../modules/group_comparison'

// Questions 1, 3 and 4 at the bench: reporter, protein and reactive oxygen; what do lines resist, and what kills them?
workflow ASSAYS {
    take:
    plates         // path: wells of dose-response plates; empty if none are given
    comparisons    // path: pairs of curves; likewise
    assays         // path: measurements; likewise
    qpcr           // path: wells of quantitative PCR; likewise
    options        // map: the parameters of the analyses

    main:
    NORMALISE_PLATES(plates)
    wells = NORMALISE_PLATES.out.wells
    responses = NORMALISE_PLATES.out.responses
    FIT_DOSE_CURVES(wells, responses, comparisons.ifEmpty([]), options.subMap('dose_model', 'dose_fit_on', 'confidence'))
    fits = FIT_DOSE_CURVES.out.fits
    DOSE_RESPONSE(wells, responses, fits, options.subMap('dose_fit_on', 'confidence'))
    judged = DOSE_RESPONSE.out.curves.combine(DOSE_RESPONSE.out.experiments)
    DOSE_COMPARISON(wells, responses, fits, judged, options.subMap('confidence'))
    RELATIVE_QUANTITY(qpcr, options.subMap('housekeeping', 'calibrator', 'confidence'))

    // One comparison of what was measured directly and what was quantified; none if there is neither.
    GROUP_COMPARISON(
        assays.mix(RELATIVE_QUANTITY.out.quantities).collect(sort: { table -> table.name }),
        options.subMap('test', 'reference_group', 'confidence'),
    )

    evidence = GROUP_COMPARISON.out.evidence.mix(DOSE_COMPARISON.out.evidence)
    sections = NORMALISE_PLATES.out.sections.mix(DOSE_RESPONSE.out.sections, DOSE_COMPARISON.out.sections, RELATIVE_QUANTITY.out.sections, GROUP_COMPARISON.out.sections)

    emit:
    evidence    // paths: *_evidence.tsv
    sections    // paths: *_mqc.json
}
