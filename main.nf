/*
 * nrf2flow: in which drug-resistant lines and tumours the KEAP1-NRF2 axis is active, why, what it
 * changes, and where mitomycin C can exploit it.
 *
 * CHECK_INPUTS is the gate: every analysis reads what it has checked, so nothing else starts
 * until all parameters and sheets are right. An analysis runs if its input is given.
 */

include { SIMULATE_STUDY } from './modules/simulate_study'
include { CHECK_INPUTS   } from './modules/check_inputs'
include { READS          } from './subworkflows/reads'
include { AMPLICONS      } from './subworkflows/amplicons'
include { ASSAYS         } from './subworkflows/assays'
include { NQO1           } from './subworkflows/nqo1'
include { RESISTANCE     } from './subworkflows/amplicons'
include { EXPRESSION     } from './subworkflows/expression'
include { PATIENTS       } from './subworkflows/patients'
include { COHORTS        } from './subworkflows/cohorts'
include { MMC_CANDIDATES } from './modules/mmc_candidates'
include { REPORT         } from './modules/report'
include { RUN_RECORD     } from './modules/run_record'

workflow {
    if (params.help.toString().toBoolean()) {
        println(help())
        System.exit(0)
    }
    if (!params.simulate && !sheets().any { name -> params[name] }) {
        error("no input: give --rnaseq with reads or --counts, --amplicons, --sanger, --dose_response, --assays, --qpcr, --patients or --cohorts, or --simulate small (nextflow run . --help lists all parameters)")
    }

    // Nextflow writes these into the shell scripts of tasks.
    [workflow.workDir, workflow.projectDir].findAll { folder -> !quotable(folder) }.each { folder ->
        error("folder ${folder}: Nextflow does not quote ${unquoted()} in the scripts that it runs: give another folder with -work-dir, or run the pipeline from one")
    }

    // Until the run ends no other one publishes there.
    claim(file(params.outdir.toString(), glob: false))

    // [[parameter, path as given, origin, file]], one item: what the user gave, or what the simulation made under the same names.
    def simulate = params.simulate && !(sheets() + references()).any { name -> params[name] }
    SIMULATE_STUDY(channel.fromList(simulate ? [params.simulate] : []), params.seed, shipped().gene_sets)
    simulated = SIMULATE_STUDY.out.study.map { files -> files.findAll { path -> path.simpleName in sheets() + references() }.toSorted().collect { path -> [path.simpleName, "simulate_study/${path.name}".toString(), 'simulated', path] } }
    inputs = simulate ? simulated.map { rows -> rows + given() } : channel.value(given())

    CHECK_INPUTS(
        inputs.map { rows -> groovy.json.JsonOutput.toJson(values(rows)) }.collectFile(name: 'values.json'),
        file("${projectDir}/nextflow_schema.json"),
        files("${projectDir}/assets/*.schema.json"),
        inputs.map { rows -> staged(rows).collect { row -> row[3] } + tables(rows).collect { table -> table.path } },
    )

    // References pass the gate too: nothing starts before it. { parameter: [file] } and { analysis: true }.
    reference = CHECK_INPUTS.out.plan.combine(inputs.map { rows -> references().collectEntries { name -> [name, rows.findAll { row -> row[0] == name }.collect { row -> row[3] }] } }).map { _plan, files -> files }.first()
    planned = CHECK_INPUTS.out.plan.map { plan -> plan.splitCsv(header: true, sep: '\t').findAll { row -> row.planned == 'yes' }.collectEntries { row -> [row.analysis, true] } }.first()
    samples = CHECK_INPUTS.out.samples.first()
    amplicons = CHECK_INPUTS.out.amplicons.first()

    READS(samples, CHECK_INPUTS.out.rnaseq, reference, planned, params)

    // Questions 1 and 3: is the axis active, and what does it change in the cell?
    EXPRESSION(
        CHECK_INPUTS.out.counts.combine(samples).map { _counts, table -> table }.mix(READS.out.counted).first(),
        CHECK_INPUTS.out.counts.mix(READS.out.counts).first(),
        CHECK_INPUTS.out.contrasts.first(),
        CHECK_INPUTS.out.gene_panels.first(),
        CHECK_INPUTS.out.gene_sets.first(),
        params,
    )

    // Question 2: which variants do the genes of the axis carry?
    AMPLICONS(
        amplicons,
        CHECK_INPUTS.out.amplicon_files,
        CHECK_INPUTS.out.primers.first(),
        READS.out.genome,
        params,
    )

    // Questions 2 and 4: what do the transcripts show of these and of others, and is NQO1 functional?
    assets = CHECK_INPUTS.out.assets.map { tables -> tables.collectEntries { table -> [table.baseName, table] } }.first()
    NQO1(
        samples.combine(planned).filter { _samples, plan -> plan.locus_genotype }.map { table, _plan -> table }.first(),
        READS.out.alignments,
        READS.out.genome,
        READS.out.annotation,
        assets,
        AMPLICONS.out.vcf,
        READS.out.tpm,
        params,
    )

    // Question 2: which of them did resistance bring?
    RESISTANCE(
        amplicons,
        AMPLICONS.out.coverage,
        AMPLICONS.out.variants,
        NQO1.out.variants,
        CHECK_INPUTS.out.sanger.first(),
        CHECK_INPUTS.out.sanger_files,
        READS.out.genome,
        READS.out.annotation,
        assets,
        reference.map { files -> files.signatures },
        CHECK_INPUTS.out.signature_exposures,
        params,
    )

    // Questions 1, 3 and 4 at the bench: reporter, protein and reactive oxygen; what do lines resist, and what kills them?
    ASSAYS(CHECK_INPUTS.out.dose_response, CHECK_INPUTS.out.comparisons, CHECK_INPUTS.out.assays, CHECK_INPUTS.out.qpcr, params)

    // Question 5: does it matter in patients?
    PATIENTS(CHECK_INPUTS.out.patients, planned, params)

    // Question 6: does therapy leave its mark in cohorts?
    COHORTS(
        CHECK_INPUTS.out.cohorts,
        CHECK_INPUTS.out.cohort_files,
        CHECK_INPUTS.out.profiled,
        CHECK_INPUTS.out.panels,
        CHECK_INPUTS.out.panel_genes,
        assets,
        READS.out.genome,
        READS.out.annotation,
        reference.map { files -> files.signatures },
        planned,
        params,
    )

    // What follows from all of it: in which lines can mitomycin C exploit the axis?
    evidence = EXPRESSION.out.evidence.mix(NQO1.out.evidence, RESISTANCE.out.evidence, ASSAYS.out.evidence, PATIENTS.out.evidence)
    MMC_CANDIDATES(
        evidence.combine(planned).filter { _table, plan -> plan.mmc_candidates }.map { table, _plan -> table }.collect(sort: { table -> table.name }),
        CHECK_INPUTS.out.rules.first(),
        file("${projectDir}/assets/mmc_rules.schema.json"),
    )

    // Whichever analyses ran, their sections go into one report, always in the same order.
    checked = CHECK_INPUTS.out.plan.mix(CHECK_INPUTS.out.inputs, CHECK_INPUTS.out.notes, CHECK_INPUTS.out.parameters, CHECK_INPUTS.out.again)
    sections = READS.out.sections.mix(EXPRESSION.out.sections, AMPLICONS.out.sections, ASSAYS.out.sections, NQO1.out.sections, RESISTANCE.out.sections, PATIENTS.out.sections, COHORTS.out.sections, MMC_CANDIDATES.out.sections).flatten()
    versions = channel.topic('versions')
        .map { table -> table.text }
        .mix(channel.of("nextflow\t${workflow.nextflow.version}\n${workflow.manifest.name}\t${workflow.manifest.version}\n".toString()))
    REPORT(
        checked.collect(sort: { table -> table.name }),
        sections.collect(sort: { section -> section.name }).ifEmpty([]),
        READS.out.logs.collect(sort: { log -> log.name }).ifEmpty([]),
        versions.unique().toSortedList().map { texts -> texts.join('') }.collectFile(name: 'versions.tsv'),
        files("${projectDir}/assets/{columns.tsv,multiqc_config.yml,methods.yml,report.css}"),
    )

    // The record of the run, when all else has ended: what was published, from what, with what, and what it took.
    references = channel.topic('reference').filter { _folder, _files -> params.save_reference.toString().toBoolean() }
    outputs = channel.topic('published').mix(references).flatMap { folder, items -> published(folder, items) }
    RUN_RECORD(
        outputs.toSortedList { one, other -> one.path <=> other.path }.map { rows -> groovy.json.JsonOutput.toJson([run: pipeline(), started: workflow.start.toString(), parameters: recorded(), files: rows]) }.collectFile(name: 'record.json'),
        CHECK_INPUTS.out.inputs,
        REPORT.out.versions,
        REPORT.out.versions.map { _table -> [file("${params.outdir}/pipeline_info/trace.txt", glob: false)].findAll { path -> path.exists() } },
        files("${projectDir}/{main.nf,nextflow_schema.json,CITATION.cff,assets/columns.tsv,assets/methods.yml}"),
        params.subMap('cost_per_cpu_hour', 'cost_per_gb_hour'),
    )
}

// The parameters that are sheets of the user's data.
def sheets() {
    return ['rnaseq', 'counts', 'contrasts', 'amplicons', 'primers', 'sanger', 'signature_exposures', 'dose_response', 'comparisons', 'assays', 'qpcr', 'patients', 'cohorts', 'panels', 'panel_genes']
}

// Those that are large files or folders: the gate is told of them, and does not read them.
def references() {
    return ['fasta', 'gtf', 'transcripts', 'salmon_index', 'star_index', 'signatures']
}

// What stands for the word `shipped`.
def shipped() {
    def tables = ['gene_panels', 'target_genes', 'loci', 'skipping', 'domains', 'hotspots', 'gene_aliases'].collectEntries { name -> [name, [file("${projectDir}/assets/${name}.tsv")]] }
    return [gene_sets: files("${projectDir}/assets/gene_sets/*.gmt").toSorted(), rules: [file("${projectDir}/assets/mmc_rules.yml")]] + tables
}

// [[parameter, path as given, origin, file]] of all that was given; CHECK_INPUTS names what does not exist.
def given() {
    def named = (sheets() + references()).collectEntries { name -> [name, [params[name]]] } + shipped().collectEntries { name, _files -> [name, params[name].toString().tokenize(',')*.trim()] }
    return named.collectMany { name, paths ->
        paths.findAll { path -> path && path != 'none' }.collectMany { path ->
            path == 'shipped'
                ? shipped()[name].collect { shipped_file -> [name, projectDir.relativize(shipped_file).toString(), 'shipped', shipped_file] }
                : [[name, path.toString(), 'given', file(path.toString(), glob: false)]]
        }
    }
}

// The rows of files that CHECK_INPUTS reads.
def staged(rows) {
    return rows.findAll { row -> !(row[0] in references()) && row[3].exists() && quotable(row[3]) }
}

// What Nextflow does not quote where it writes a path into a task's script: the shell would act on it.
def unquoted() {
    return '$ * ? [ ] { } or a control character'
}

// Whether a path is safe there: nothing that is not may be an input of any task.
def quotable(path) {
    return !(path.toUriString() =~ '[$*?{}\\[\\]\\p{Cntrl}]').find() && !path.name.startsWith('-')
}

// Hold a folder for this run: others stop here, until it ends in whatever way. Where files cannot be locked, none does.
def claim(folder) {
    if (folder.toUri().scheme != 'file') {
        return
    }
    def expected = 'expected a folder that results can be written to, of its own for each run that goes on'
    def name = folder.resolve('.nrf2flow.lock').toFile()
    def opened = null
    try {
        if (!folder.exists()) {
            java.nio.file.Files.createDirectories(folder)
            folder.toFile().deleteOnExit() // if nothing was published
        }
        opened = new java.io.RandomAccessFile(name, 'rw')
    } catch (java.io.IOException why) {
        error("--outdir: found ${folder}, where nothing can be written (${why.message}); ${expected}")
    }
    def lock = null
    try {
        lock = opened.channel.tryLock()
    } catch (java.io.IOException _why) {
        return
    }
    if (!lock || !name.exists()) {
        error("--outdir: found ${folder}, which another run is writing to; ${expected}: wait for that run, or give another --outdir")
    }
    name.deleteOnExit()
    Runtime.getRuntime().addShutdownHook(new Thread({ opened.close() })) // a file that nothing refers to would be closed, and the lock lost
}

// What is said of any input.
def told(row) {
    return [parameter: row[0], path: row[1], origin: row[2]]
}

// What only Nextflow can see of a file that CHECK_INPUTS does not read.
def seen(path) {
    def exists = path.exists()
    return [uri: path.toUriString(), quotable: quotable(path), exists: exists, kind: exists && path.isDirectory() ? 'folder' : 'file', size: exists && !path.isDirectory() ? path.size() : 0]
}

// The sheets whose cells name files, and how the names of those end, whether or not .gz follows.
def endings() {
    def tables = 'maf|txt|tsv|csv|bed'
    return [rnaseq: 'fastq|fq|bam|cram', amplicons: 'fastq|fq', sanger: 'ab1|abi', cohorts: tables, panels: tables]
}

// The files that cells of a sheet name: [{ sheet, cell, path, uri, quotable, exists, kind, size }]. A sheet is not that large.
def cells(sheet, path) {
    return !(sheet in endings()) || path.size() > 2 ** 27 ? [] : path.text.split(/[,\t\r\n]+/).collect { cell -> cell.replace('"', '').trim() }.unique()
        .findAll { cell -> cell ==~ "(?i)\\P{Cntrl}+\\.(${endings()[sheet]})(\\.gz)?" }
        .collect { cell -> [sheet: sheet, cell: cell, path: cell ==~ /^(\/|[a-z0-9]+:\/\/).*/ ? file(cell, glob: false) : path.parent.resolve(cell)] }
        .collect { named -> named + seen(named.path) }
}

// Those of them that CHECK_INPUTS reads.
def tables(rows) {
    return staged(rows).findAll { row -> row[0] in ['cohorts', 'panels'] }.collectMany { row -> cells(row[0], row[3]) }.findAll { table -> table.exists && table.quotable && table.kind == 'file' && table.size }
}

// What CHECK_INPUTS is told: the parameters, the files that it reads, references, and the files that sheets name.
def values(rows) {
    def read = staged(rows)
    return [
        parameters: params,
        run: pipeline(),
        files: read.collect { row -> told(row) },
        unquotable: rows.findAll { row -> !(row[0] in references()) && !quotable(row[3]) }.collect { row -> told(row) },
        references: rows.findAll { row -> row[0] in references() }.collect { row -> told(row) + seen(row[3]) },
        tables: tables(rows).collect { table -> table.subMap('sheet', 'cell') },
        paths: read.collectMany { row -> cells(row[0], row[3]) }.collect { cell -> cell.findAll { name, _value -> name != 'path' } },
    ]
}

// What it takes to run the same again, beside parameters and inputs.
def pipeline() {
    return [
        name: workflow.manifest.name,
        version: workflow.manifest.version,
        nextflow: workflow.nextflow.version.toString(),
        profile: workflow.profile,
        repository: workflow.repository,
        revision: workflow.revision,
        commitId: workflow.commitId,
    ]
}

// The parameters as they are published: with --pseudonymise files and folders without those that they are in.
def recorded() {
    def bare = params.pseudonymise.toString().toBoolean()
    return params.collectEntries { name, value -> [name, bare && value instanceof CharSequence ? value.replaceAll('[^,]*/', '') : value] }
}

// What is published in a folder of the results, of these outputs: [{ path, size, sha256 }], no sha256 of what is large.
def published(folder, outputs) {
    return [outputs].flatten().findAll { output -> output.name != 'versions.tsv' || folder == 'report' }.collectMany { output ->
        within(output).collect { path ->
            def name = output.isDirectory() ? "${folder}/${output.name}/${output.relativize(path)}" : "${folder}/${output.name}"
            [path: name.toString(), size: path.size(), sha256: hasText(path) ? path.bytes.digest('SHA-256') : null]
        }
    }
}

// The file itself, or all files in a folder.
def within(path) {
    return path.isDirectory() ? path.listFiles().collectMany { inner -> within(inner) } : [path]
}

// Whether a file is a table, a figure or text, not reads, alignments or an index.
def hasText(path) {
    return path.name ==~ /.+\.((tsv|csv|txt|vcf|bed)(\.gz)?|json|html|svg|png|sh)/ && path.size() < 100.MB.toBytes()
}

// The parameters by group, as nextflow_schema.json describes them.
def help() {
    def schema = new groovy.json.JsonSlurper().parseText(file("${projectDir}/nextflow_schema.json").text)
    def lines = schema['$defs'].collectMany { _key, group ->
        ['', "${group.title}:"] + group.properties.collect { name, spec -> "  --${name.padRight(28)}${spec.description}${spec.default == null ? '' : " [${spec.default}]"}" }
    }
    return (["${schema.description}.", '', 'nextflow run . --rnaseq samples.csv --fasta genome.fa.gz --gtf genes.gtf.gz --outdir results'] + lines).join('\n')
}
