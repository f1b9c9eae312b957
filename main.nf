/*
 * nrf2flow: in which drug-resistant lines and tumours the KEAP1-NRF2 axis is active, why, what it
 * changes, and where mitomycin C can exploit it.
 *
 * CHECK_INPUTS is the gate: every analysis reads what it has checked, so nothing else starts
 * until all parameters and sheets are right. An analysis runs if its input is given.
 */

include { SIMULATE_STUDY } from './modules/simulate_study'
include { CHECK_INPUTS   } from './modules/check_inputs'
include { EXPRESSION     } from './subworkflows/expression'
include { REPORT         } from './modules/report'

workflow {
    if (params.help.toString().toBoolean()) {
        println(help())
        System.exit(0)
    }
    if (!params.simulate && !inputNames().any { name -> params[name] }) {
        error("no input: give --rnaseq with --counts, or --simulate small (nextflow run . --help lists all parameters)")
    }

    // { parameter: [files] }, one item: what the user gave, or what the simulation made under the same names.
    SIMULATE_STUDY(channel.fromList(params.simulate ? [params.simulate] : []), params.seed, shipped().gene_sets)
    simulated = SIMULATE_STUDY.out.study.map { files -> files.findAll { path -> path.baseName in inputNames() }.collectEntries { path -> [path.baseName, [path]] } }
    inputs = params.simulate ? simulated.map { files -> given() + files } : channel.value(given())

    CHECK_INPUTS(
        channel.of(groovy.json.JsonOutput.toJson(params)).collectFile(name: 'params.json'),
        file("${projectDir}/nextflow_schema.json"),
        files("${projectDir}/assets/*.schema.json"),
        inputs.map { sheets -> tuple(sheets.collectMany { name, paths -> paths.collect { _path -> name } }, sheets.values().toList().flatten()) },
    )

    // Questions 1 and 3: is the axis active, and what does it change in the cell?
    EXPRESSION(
        CHECK_INPUTS.out.samples.first(),
        CHECK_INPUTS.out.counts.first(),
        CHECK_INPUTS.out.contrasts.first(),
        CHECK_INPUTS.out.gene_panels.first(),
        CHECK_INPUTS.out.gene_sets.first(),
        params,
    )

    // Whichever analyses ran, their sections go into one report, always in the same order.
    checked = CHECK_INPUTS.out.plan.mix(CHECK_INPUTS.out.inputs, CHECK_INPUTS.out.notes, CHECK_INPUTS.out.parameters)
    sections = EXPRESSION.out.sections.flatten()
    REPORT(
        checked.collect(sort: { table -> table.name }),
        sections.collect(sort: { section -> section.name }).ifEmpty([]),
        channel.topic('versions').map { table -> table.text }.unique().collectFile(name: 'versions.tsv', sort: true),
        files("${projectDir}/assets/{columns.tsv,multiqc_config.yml,methods.yml,report.css}"),
    )
}

// The parameters that are input files.
def inputNames() {
    return ['rnaseq', 'counts', 'contrasts']
}

// What stands for the word `shipped`.
def shipped() {
    return [gene_sets: files("${projectDir}/assets/gene_sets/*.gmt").toSorted(), gene_panels: [file("${projectDir}/assets/gene_panels.tsv")]]
}

// { parameter: [files] } that were given and exist; CHECK_INPUTS names those that do not.
def given() {
    return (inputNames() + ['gene_sets', 'gene_panels']).findAll { name -> params[name] && params[name] != 'none' }
        .collectEntries { name -> [name, params[name].toString().tokenize(',').collectMany { value -> value == 'shipped' ? shipped()[name] : [file(value)] }.findAll { path -> path.exists() }] }
}

// The parameters by group, as nextflow_schema.json describes them.
def help() {
    def schema = new groovy.json.JsonSlurper().parseText(file("${projectDir}/nextflow_schema.json").text)
    def lines = schema['$defs'].collectMany { _key, group ->
        ['', "${group.title}:"] + group.properties.collect { name, spec -> "  --${name.padRight(28)}${spec.description}${spec.default == null ? '' : " [${spec.default}]"}" }
    }
    return (["${schema.description}.", '', 'nextflow run . --rnaseq samples.csv --counts counts.tsv --outdir results'] + lines).join('\n')
}
