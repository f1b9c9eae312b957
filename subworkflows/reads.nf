include { PREPARE_REFERENCE                                } from '../modules/prepare_reference'
include { INDEX_TRANSCRIPTS                                } from '../modules/index_transcripts'
include { INDEX_GENOME                                     } from '../modules/index_genome'
include { TRIM_READS; TRIM_READS_TABLE                     } from '../modules/trim_reads'
include { QUANTIFY_TRANSCRIPTS; QUANTIFY_TRANSCRIPTS_TABLE } from '../modules/quantify_transcripts'
include { GENE_COUNTS                                      } from '../modules/gene_counts'
include { ALIGN_RNA; ALIGN_RNA_GIVEN; ALIGN_RNA_TABLE      } from '../modules/align_rna'

// From reads to counts and alignments.
workflow READS {
    take:
    samples      // value: path, sample line condition role replicate
    rnaseq       // path, sample fastq_1 fastq_2 bam, a row a lane; empty if no files are given
    reference    // value: { fasta, gtf, transcripts, salmon_index, star_index: [file] or [] }
    planned      // value: { analysis: true } of what is planned
    options      // map: the parameters of the analyses

    main:
    // What is not planned gets no input. Files keep the sheet's order.
    trimmed = samples.combine(planned).filter { _table, plan -> plan.trim_reads }.map { table, _plan -> table }.first()
    quantified = samples.combine(planned).filter { _table, plan -> plan.quantify_transcripts }.map { table, _plan -> table }.first()
    aligned = samples.combine(planned).filter { _table, plan -> plan.align_rna }.map { table, _plan -> table }.first()
    lanes = rnaseq.combine(planned).flatMap { table, plan ->
        table.splitCsv(header: true, sep: '\t').groupBy { row -> row.sample }.collect { sample, rows -> [sample, plan, rows] }
    }
    libraries = lanes.filter { _sample, plan, rows -> plan.trim_reads && rows[0].fastq_1 }.map { sample, _plan, rows ->
        tuple(sample, rows.collect { row -> file(row.fastq_1, glob: false) }, rows.findAll { row -> row.fastq_2 }.collect { row -> file(row.fastq_2, glob: false) })
    }
    given = lanes.filter { _sample, plan, rows -> plan.align_rna && rows[0].bam }.map { sample, _plan, rows ->
        tuple(sample, [file(rows[0].bam, glob: false)] + ['bai', 'csi', 'crai'].collect { kind -> file("${rows[0].bam}.${kind}", glob: false) }.findAll { index -> index.exists() })
    }

    used = reference.combine(planned).filter { files, plan -> plan.trim_reads || plan.align_rna || plan.sanger_confirmation || (plan.mutation_matrix && files.fasta) }.map { files, _plan -> files }.first()
    PREPARE_REFERENCE(used.map { files -> files.fasta }, used.map { files -> files.gtf }, used.map { files -> files.transcripts })
    genome = PREPARE_REFERENCE.out.genome
    annotation = PREPARE_REFERENCE.out.annotation

    TRIM_READS(libraries, options.trim_quality, options.trim_min_length, options.strict, options.pseudonymise)
    TRIM_READS_TABLE(trimmed, TRIM_READS.out.row.collect(sort: { row -> row.name }), 'rnaseq')

    INDEX_TRANSCRIPTS(genome, quantified.combine(used).filter { _table, files -> !files.salmon_index }.combine(PREPARE_REFERENCE.out.transcripts).map { _table, _files, transcripts -> transcripts })
    QUANTIFY_TRANSCRIPTS(
        TRIM_READS.out.reads.combine(quantified).map { sample, reads, _table -> tuple(sample, reads) },
        used.flatMap { files -> files.salmon_index }.mix(INDEX_TRANSCRIPTS.out.index).first(),
    )
    QUANTIFY_TRANSCRIPTS_TABLE(quantified, QUANTIFY_TRANSCRIPTS.out.row.collect(sort: { row -> row.name }).ifEmpty([]), options.min_mapping_rate)
    GENE_COUNTS(
        quantified,
        QUANTIFY_TRANSCRIPTS.out.quantified.map { _sample, folder -> folder }.collect(sort: { folder -> folder.name }).ifEmpty([]),
        PREPARE_REFERENCE.out.genes,
        options.counts_from_abundance,
    )

    // A sample with an alignment of its own is not aligned again.
    aligns = lanes.filter { _sample, plan, rows -> plan.align_rna && rows[0].fastq_1 && !rows[0].bam }.map { sample, _plan, _rows -> sample }
    INDEX_GENOME(genome.combine(used).filter { _fasta, _index, files -> !files.star_index }.combine(aligns.first()).map { fasta, index, _files, _sample -> [fasta, index] }, annotation)
    ALIGN_RNA(aligns.join(TRIM_READS.out.reads), used.flatMap { files -> files.star_index }.mix(INDEX_GENOME.out.index).first(), options.max_intron)
    ALIGN_RNA_GIVEN(given, genome, options.strict, options.pseudonymise)
    ALIGN_RNA_TABLE(aligned, ALIGN_RNA.out.row.mix(ALIGN_RNA_GIVEN.out.row).collect(sort: { row -> row.name }).ifEmpty([]))

    counts = GENE_COUNTS.out.counts
    counted = GENE_COUNTS.out.samples
    tpm = GENE_COUNTS.out.tpm
    alignments = ALIGN_RNA.out.alignments.mix(ALIGN_RNA_GIVEN.out.alignments)
    sections = TRIM_READS_TABLE.out.sections.mix(QUANTIFY_TRANSCRIPTS_TABLE.out.sections, GENE_COUNTS.out.sections, ALIGN_RNA_TABLE.out.sections)
    logs = TRIM_READS.out.log.mix(QUANTIFY_TRANSCRIPTS.out.quantified.map { _sample, folder -> folder }, ALIGN_RNA.out.log)

    emit:
    counts        // path: gene_id gene_name and a column a sample
    counted       // path: samples.tsv of the samples that have counts
    tpm           // path: as counts
    alignments    // (sample, [BAM or CRAM, its index])
    genome        // value: [genome.fa, genome.fa.fai]
    annotation    // value: path, GTF
    sections      // paths: *_mqc.json
    logs          // paths: what MultiQC reads of fastp, salmon and STAR
}
