include { BIOMARKER_CUTOFF } from '../modules/biomarker_cutoff'
include { SURVIVAL         } from '../modules/survival'
include { PATIENT_TABLE    } from '../modules/patient_table'

// Question 5: does it matter in patients?
workflow PATIENTS {
    take:
    patients    // path: a row a patient; empty if none are given
    planned     // value: { analysis: true } of what is planned
    options     // map: the parameters of the analyses

    main:
    scored = patients.combine(planned).filter { _table, plan -> plan.biomarker_cutoff }.map { table, _plan -> table }
    followed = patients.combine(planned).filter { _table, plan -> plan.survival }.map { table, _plan -> table }.first()
    listed = patients.combine(planned).filter { _table, plan -> plan.patient_table }.map { table, _plan -> table }.first()

    BIOMARKER_CUTOFF(scored, options.subMap('score_cutoff', 'score_permutations', 'survival_horizon', 'bootstraps', 'seed', 'confidence'))
    scores = BIOMARKER_CUTOFF.out.groups.mix(BIOMARKER_CUTOFF.out.corrected).collect(sort: { table -> table.name }).ifEmpty([])
    SURVIVAL(followed, scores, options.subMap('survival_groups', 'survival_horizon', 'confidence'))
    PATIENT_TABLE(listed, scores, options.subMap('survival_groups', 'confidence'))

    evidence = BIOMARKER_CUTOFF.out.evidence
    sections = BIOMARKER_CUTOFF.out.sections.mix(SURVIVAL.out.sections, PATIENT_TABLE.out.sections)

    emit:
    evidence    // path: biomarker_cutoff_evidence.tsv
    sections    // paths: *_mqc.json
}
