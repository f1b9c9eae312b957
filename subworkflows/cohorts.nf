include { HARMONISE_MUTATIONS   } from '../modules/harmonise_mutations'
include { MUTATION_MATRIX       } from '../modules/mutation_matrix'
include { MUTATIONAL_SIGNATURES } from '../modules/mutational_signatures'
include { MUTATION_FREQUENCY    } from '../modules/mutation_frequency'
include { COHORT_LOLLIPOP       } from '../modules/cohort_lollipop'

// Question 6: does therapy leave its mark in cohorts?
workflow COHORTS {
    take:
    cohorts         // path: cohort genome_build maf sbs96; empty if none are given
    cohort_files    // path: kind number uri, a row a MAF or ready matrix; likewise
    profiled        // path: cohort sample patient panel; likewise
    panels          // path: panel specimen normal gene chrom start end; empty if none are given
    panel_genes     // path: a gene a row; likewise
    assets          // value: map of target_genes, domains, gene_aliases: path
    genome          // [genome.fa, genome.fa.fai]; empty if none is given
    annotation      // path, GTF; likewise
    signatures      // value: [path] or []
    planned         // value: { analysis: true } of what is planned
    options         // map: the parameters of the analyses

    main:
    cohort = cohorts.first()
    samples = profiled.first()
    panel = panels.collect().ifEmpty([])
    genes = panel_genes.collect().ifEmpty([])
    gene_aliases = assets.map { paths -> paths.gene_aliases }
    target_genes = assets.map { paths -> paths.target_genes }
    domains = assets.map { paths -> paths.domains }
    fasta = genome.toList().map { found -> found ? found[0] : [] }
    gtf = annotation.toList().map { found -> found ? found[0] : [] }
    given = cohort_files.map { table -> table.splitCsv(header: true, sep: '\t') }
    mafs = given.map { rows -> rows.findAll { row -> row.kind == 'maf' }.collect { row -> file(row.uri, glob: false) } }.first()
    matrices = given.map { rows -> rows.findAll { row -> row.kind == 'sbs96' }.collect { row -> file(row.uri, glob: false) } }.first()

    HARMONISE_MUTATIONS(
        cohort.combine(planned).filter { _table, plan -> plan.harmonise_mutations }.map { table, _plan -> table },
        samples,
        panel,
        gene_aliases,
        target_genes,
        mafs,
    )
    mutations = HARMONISE_MUTATIONS.out.mutations.first()
    counted = HARMONISE_MUTATIONS.out.samples.first()

    MUTATION_MATRIX(
        cohort.combine(planned).filter { _table, plan -> plan.mutation_matrix }.map { table, _plan -> table },
        samples,
        HARMONISE_MUTATIONS.out.mutations.mix(HARMONISE_MUTATIONS.out.samples).collect(sort: { table -> table.name }).ifEmpty([]),
        panel,
        genes,
        matrices,
        gene_aliases,
        fasta,
        gtf,
        options.subMap('spectrum_gene', 'bootstraps', 'seed', 'confidence'),
    )
    counts = MUTATION_MATRIX.out.matrices
    opportunities = MUTATION_MATRIX.out.opportunities
    MUTATIONAL_SIGNATURES(
        cohort,
        counts,
        MUTATION_MATRIX.out.samples,
        opportunities,
        signatures,
        options.subMap('signature_names', 'therapy_signatures', 'signature_opportunities', 'bootstraps', 'min_mutations', 'seed', 'confidence'),
    )
    MUTATION_FREQUENCY(
        mutations,
        counted,
        panel,
        genes,
        gene_aliases,
        target_genes,
        domains,
        counts.ifEmpty([]),
        opportunities.ifEmpty([]),
        fasta,
        gtf,
        options.subMap('confidence', 'q_value_max', 'seed'),
    )
    COHORT_LOLLIPOP(mutations, MUTATION_FREQUENCY.out.frequency, domains, target_genes)

    sections = HARMONISE_MUTATIONS.out.sections.mix(MUTATION_MATRIX.out.sections, MUTATIONAL_SIGNATURES.out.sections, MUTATION_FREQUENCY.out.sections, COHORT_LOLLIPOP.out.sections)

    emit:
    sections    // paths: *_mqc.json
}
