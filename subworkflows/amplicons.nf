include { TRIM_READS as TRIM_AMPLICONS; TRIM_READS_TABLE as TRIM_AMPLICONS_TABLE } from '../modules/trim_reads'
include { ALIGN_AMPLICONS_WINDOWS; ALIGN_AMPLICONS; ALIGN_AMPLICONS_TABLE        } from '../modules/align_amplicons'
include { COUNT_AMPLICON_ALLELES                                                 } from '../modules/count_amplicon_alleles'
include { AMPLICON_VARIANTS                                                      } from '../modules/amplicon_variants'
include { SANGER_CONFIRMATION                                                    } from '../modules/sanger_confirmation'
include { VARIANT_COMPARISON                                                     } from '../modules/variant_comparison'
include { LOLLIPOP                                                               } from '../modules/lollipop'

// Question 2: which variants do the genes of the axis carry?
workflow AMPLICONS {
    take:
    samples      // value: path, sample line condition role; empty if none are given
    files        // path, sample fastq_1 fastq_2, a row a lane; likewise
    primers      // value: path, chrom start end amplicon pool left_start left_end right_start right_end
    genome       // value: [genome.fa, genome.fa.fai]
    options      // map: the parameters of the analyses

    main:
    libraries = files.flatMap { table ->
        table.splitCsv(header: true, sep: '\t').groupBy { row -> row.sample }.collect { sample, rows ->
            tuple(sample, rows.collect { row -> file(row.fastq_1, glob: false) }, rows.collect { row -> file(row.fastq_2, glob: false) })
        }
    }
    TRIM_AMPLICONS(libraries, options.trim_quality, options.trim_min_length, options.strict, options.pseudonymise)
    TRIM_AMPLICONS_TABLE(samples, TRIM_AMPLICONS.out.row.collect(sort: { row -> row.name }), 'amplicons')

    ALIGN_AMPLICONS_WINDOWS(primers, genome)
    ALIGN_AMPLICONS(TRIM_AMPLICONS.out.reads, ALIGN_AMPLICONS_WINDOWS.out.windows, genome)
    rows = ALIGN_AMPLICONS.out.rows.mix(ALIGN_AMPLICONS.out.row)
    ALIGN_AMPLICONS_TABLE(samples, primers, rows.collect(sort: { row -> row.name }).ifEmpty([]), options.amplicon_min_depth)

    alignments = ALIGN_AMPLICONS.out.alignments.flatMap { _sample, parts -> parts }
    COUNT_AMPLICON_ALLELES(
        samples,
        alignments.collect(sort: { path -> path.name }).ifEmpty([]),
        primers,
        genome,
        options.subMap('min_vaf', 'min_base_quality', 'min_mapping_quality'),
    )
    AMPLICON_VARIANTS(
        samples,
        COUNT_AMPLICON_ALLELES.out.alleles,
        COUNT_AMPLICON_ALLELES.out.sites,
        primers,
        genome,
        options.subMap('amplicon_min_depth', 'min_vaf', 'confidence'),
    )

    coverage = ALIGN_AMPLICONS_TABLE.out.coverage
    variants = AMPLICON_VARIANTS.out.variants
    vcf = AMPLICON_VARIANTS.out.vcf.map { called, _index -> called }
    sections = TRIM_AMPLICONS_TABLE.out.sections.mix(ALIGN_AMPLICONS_TABLE.out.sections, AMPLICON_VARIANTS.out.sections)

    emit:
    coverage    // path: a row a sample and amplicon
    variants    // path: a row a sample and candidate
    vcf         // path: all candidates
    sections    // paths: *_mqc.json
}

// Question 2: which of the variants did resistance bring, and do traces show them?
workflow RESISTANCE {
    take:
    amplicons       // value: path, sample line condition role; empty if none are given
    coverage        // path: coverage.tsv of AMPLICONS
    called          // path: variants.tsv of AMPLICONS
    annotated       // path: variants.tsv of ANNOTATE_VARIANTS
    sanger          // value: path, trace line condition role gene expected; empty if none are given
    sanger_files    // path, trace ab1; likewise
    genome          // value: [genome.fa, genome.fa.fai]
    annotation      // value: path, GTF
    assets          // value: map of target_genes, loci, skipping, domains, hotspots: path
    signatures      // value: [path] or []
    exposures       // path, signature share; empty if none are given
    options         // map: the parameters of the analyses

    main:
    target_genes = assets.map { paths -> paths.target_genes }
    SANGER_CONFIRMATION(
        sanger,
        sanger_files.map { table -> table.splitCsv(header: true, sep: '\t').collect { row -> file(row.ab1, glob: false) } },
        called.ifEmpty([]),
        annotated.ifEmpty([]),
        genome,
        annotation,
        target_genes,
        options.pseudonymise,
    )
    VARIANT_COMPARISON(
        amplicons,
        called,
        annotated,
        SANGER_CONFIRMATION.out.calls.ifEmpty([]),
        coverage,
        annotation,
        target_genes,
        genome,
        signatures,
        exposures.ifEmpty([]),
        options.subMap('amplicon_min_depth', 'confidence', 'q_value_max'),
    )
    LOLLIPOP(amplicons, coverage, VARIANT_COMPARISON.out.comparison, assets.map { paths -> paths.domains }, annotation, target_genes, genome)

    evidence = VARIANT_COMPARISON.out.evidence
    sections = SANGER_CONFIRMATION.out.sections.mix(VARIANT_COMPARISON.out.sections, LOLLIPOP.out.sections)

    emit:
    evidence    // path: variant_comparison_evidence.tsv
    sections    // paths: *_mqc.json
}
