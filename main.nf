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

    // [[parameter, path as given, origin, file]], one item: what the user gave, or what the simulation made under the same names.
    def simulate = params.simulate && !inputNames().any { name -> params[name] }
    SIMULATE_STUDY(channel.fromList(simulate ? [params.simulate] : []), params.seed, shipped().gene_sets)
    simulated = SIMULATE_STUDY.out.study.map { files -> files.findAll { path -> path.baseName in inputNames() }.toSorted().collect { path -> [path.baseName, "simulate_study/${path.name}".toString(), 'simulated', path] } }
    inputs = simulate ? simulated.map { rows -> rows + given() } : channel.value(given())

    CHECK_INPUTS(
        inputs.map { rows -> groovy.json.JsonOutput.toJson([parameters: params, files: rows.collect { row -> [parameter: row[0], path: row[1], origin: row[2]] }]) }.collectFile(name: 'values.json'),
        file("${projectDir}/nextflow_schema.json"),
        files("${projectDir}/assets/*.schema.json"),
        inputs.map { rows -> rows.collect { row -> row[3] } },
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
    versions = channel.topic('versions')
        .map { table -> table.text }
        .mix(channel.of("nextflow\t${workflow.nextflow.version}\n${workflow.manifest.name}\t${workflow.manifest.version}\n".toString()))
    REPORT(
        checked.collect(sort: { table -> table.name }),
        sections.collect(sort: { section -> section.name }).ifEmpty([]),
        versions.unique().toSortedList().map { texts -> texts.join('') }.collectFile(name: 'versions.tsv'),
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

// [[parameter, path as given, origin, file]] of what was given and exists; CHECK_INPUTS names what does not.
def given() {
    def named = inputNames().collectEntries { name -> [name, [params[name]]] } + [gene_sets: params.gene_sets.toString().tokenize(',')*.trim(), gene_panels: [params.gene_panels]]
    return named.collectMany { name, values ->
        values.findAll { value -> value && value != 'none' }.collectMany { value ->
            value == 'shipped'
                ? shipped()[name].collect { path -> [name, projectDir.relativize(path).toString(), 'shipped', path] }
                : [[name, value.toString(), 'given', file(value.toString(), glob: false)]]
        }
    }.findAll { row -> row[3].exists() }
}

// The parameters by group, as nextflow_schema.json describes them.
def help() {
    def schema = new groovy.json.JsonSlurper().parseText(file("${projectDir}/nextflow_schema.json").text)
    def lines = schema['$defs'].collectMany { _key, group ->
        ['', "${group.title}:"] + group.properties.collect { name, spec -> "  --${name.padRight(28)}${spec.description}${spec.default == null ? '' : " [${spec.default}]"}" }
    }
    return (["${schema.description}.", '', 'nextflow run . --rnaseq samples.csv --counts counts.tsv --outdir results'] + lines).join('\n')
}
