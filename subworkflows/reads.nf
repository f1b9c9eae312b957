include { PREPARE_REFERENCE                                 } from '../modules/prepare_reference'
include { INDEX_TRANSCRIPTS                                 } from '../modules/index_transcripts'
include { INDEX_GENOME                                      } from '../modules/index_genome'
include { TRIM_READS; TRIM_READS_TABLE                      } from '../modules/trim_reads'
include { QUANTIFY_TRANSCRIPTS; QUANTIFY_TRANSCRIPTS_TABLE  } from '../modules/quantify_transcripts'
include { GENE_COUNTS                                       } from '../modules/gene_counts'
include { ALIGN_RNA; ALIGN_RNA_GIVEN; ALIGN_RNA_TABLE       } from '../modules/align_rna'

// From reads to counts and alignments.
workflow READS {
    take:
    samples       // value: path, sample line condition role replicate
    rnaseq        // value: path, sample fastq_1 fastq_2 bam, a row a lane; empty if no files are given
    references    // value: map of fasta, gtf, transcripts, salmon_index, star_index: [file] or []
    planned       // value: set of the analyses that are planned
    options       // map: the parameters of the analyses

    main:
    // A sample is a key, and files keep the sheet's order. Nothing passes that is not planned.
    rows = rnaseq.flatMap { table -> table.splitCsv(header: true, sep: '\t').groupBy { row -> row.sample }.collect { sample, lanes -> [sample, lanes] } }
    libraries = rows.combine(planned).filter { _sample, lanes, plan -> 'trim_reads' in plan && lanes[0].fastq_1 }
        .map { sample, lanes, _plan -> tuple(sample, lanes.collect { lane -> file(lane.fastq_1) }, lanes.findAll { lane -> lane.fastq_2 }.collect { lane -> file(lane.fastq_2) }) }
    given = rows.filter { _sample, lanes -> lanes[0].bam }
        .map { sample, lanes -> tuple(sample, [file(lanes[0].bam)] + [file("${lanes[0].bam}.bai"), file("${lanes[0].bam}.crai"), file("${lanes[0].bam}.csi")].findAll { index -> index.exists() }) }

    used = references.combine(planned).filter { _files, plan -> 'trim_reads' in plan || 'locus_genotype' in plan }
    PREPARE_REFERENCE(
        used.map { files, _plan -> files.fasta },
        used.map { files, _plan -> files.gtf },
        used.map { files, _plan -> files.transcripts },
    )
    genome = PREPARE_REFERENCE.out.genome.first()
    annotation = PREPARE_REFERENCE.out.annotation.first()

    TRIM_READS(libraries, options.trim_quality, options.trim_min_length, options.strict)
    TRIM_READS_TABLE(samples, TRIM_READS.out.row.collect(sort: { row -> row.name }))

    quantifies = references.combine(planned).filter { _files, plan -> 'quantify_transcripts' in plan }
    built = quantifies.filter { files, _plan -> !files.salmon_index }.combine(PREPARE_REFERENCE.out.transcripts).map { _files, _plan, transcripts -> transcripts }
    INDEX_TRANSCRIPTS(genome, built)
    salmon_index = quantifies.flatMap { files, _plan -> files.salmon_index }.mix(INDEX_TRANSCRIPTS.out.index).first()
    QUANTIFY_TRANSCRIPTS(TRIM_READS.out.reads, salmon_index)
    QUANTIFY_TRANSCRIPTS_TABLE(samples, QUANTIFY_TRANSCRIPTS.out.row.collect(sort: { row -> row.name }), options.min_mapping_rate)
    GENE_COUNTS(
        samples,
        QUANTIFY_TRANSCRIPTS.out.quantified.map { _sample, folder -> folder }.collect(sort: { folder -> folder.name }),
        PREPARE_REFERENCE.out.genes.first(),
        options.counts_from_abundance,
    )

    aligns = references.combine(planned).filter { _files, plan -> 'align_rna' in plan }
    INDEX_GENOME(aligns.filter { files, _plan -> !files.star_index }.combine(genome.toList()).map { _files, _plan, parts -> parts }, annotation)
    star_index = aligns.flatMap { files, _plan -> files.star_index }.mix(INDEX_GENOME.out.index).first()
    ALIGN_RNA_GIVEN(given, genome, options.strict)
    with_bam = given.map { sample, _files -> sample }.toList()
    ALIGN_RNA(TRIM_READS.out.reads.combine(with_bam.toList()).filter { sample, _reads, others -> !(sample in others) }.map { sample, reads, _others -> tuple(sample, reads) }, star_index)
    ALIGN_RNA_TABLE(samples, ALIGN_RNA.out.row.mix(ALIGN_RNA_GIVEN.out.row).collect(sort: { row -> row.name }))
    alignments = ALIGN_RNA.out.alignments.mix(ALIGN_RNA_GIVEN.out.alignments)

    counts = GENE_COUNTS.out.counts
    counted = GENE_COUNTS.out.samples
    tpm = GENE_COUNTS.out.tpm
    sections = TRIM_READS_TABLE.out.sections.mix(QUANTIFY_TRANSCRIPTS_TABLE.out.sections, GENE_COUNTS.out.sections, ALIGN_RNA_TABLE.out.sections)
    logs = TRIM_READS.out.log.mix(QUANTIFY_TRANSCRIPTS.out.quantified.map { _sample, folder -> folder }, ALIGN_RNA.out.log)

    emit:
    counts        // path: gene_id gene_name and a column a sample
    counted       // path: samples.tsv of the samples that have counts
    tpm           // path: as counts
    alignments    // (sample, [BAM or CRAM, its index or none])
    genome        // value: [genome.fa, genome.fa.fai]
    annotation    // value: path, GTF
    sections      // paths: *_mqc.json
    logs          // paths: what MultiQC reads of fastp, salmon and STAR
}
