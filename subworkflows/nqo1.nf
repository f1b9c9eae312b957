include { COUNT_ALLELES     } from '../modules/count_alleles'
include { ANNOTATE_VARIANTS } from '../modules/annotate_variants'
include { LOCUS_GENOTYPE    } from '../modules/locus_genotype'
include { PILEUP            } from '../modules/pileup'

// Questions 2 and 4: which variants do the transcripts of the axis carry, and is NQO1 functional?
workflow NQO1 {
    take:
    samples       // value: path, sample line condition role replicate
    alignments    // (sample, [BAM or CRAM, its index or none])
    genome        // value: [genome.fa, genome.fa.fai]
    annotation    // value: path, GTF
    assets        // value: map of target_genes, loci, skipping, domains, hotspots: path
    dna           // path: VCF of variants found in amplicons; empty if there are none
    tpm           // path: gene_id gene_name and a column a sample; empty if there is none
    options       // map: the parameters of the analyses

    main:
    // A sample without alignment has its rows, and files are called by their samples.
    files = alignments.flatMap { _sample, parts -> parts }.collect(sort: { path -> path.name }).ifEmpty([])
    target_genes = assets.map { paths -> paths.target_genes }
    loci = assets.map { paths -> paths.loci }
    skipping = assets.map { paths -> paths.skipping }
    COUNT_ALLELES(samples, files, genome, annotation, target_genes, loci, skipping, dna.ifEmpty([]), options.subMap('min_base_quality', 'min_mapping_quality', 'rna_min_vaf'))
    ANNOTATE_VARIANTS(
        COUNT_ALLELES.out.variants.mix(dna).collect(sort: { vcf -> vcf.name }),
        genome,
        annotation,
        target_genes,
        assets.map { paths -> paths.domains },
        assets.map { paths -> paths.hotspots },
    )
    LOCUS_GENOTYPE(
        samples,
        COUNT_ALLELES.out.alleles,
        COUNT_ALLELES.out.coverage,
        COUNT_ALLELES.out.junctions,
        COUNT_ALLELES.out.linkage,
        ANNOTATE_VARIANTS.out.variants,
        loci,
        skipping,
        tpm.ifEmpty([]),
        options.subMap('min_locus_depth', 'rna_min_vaf', 'min_junction_reads'),
    )
    PILEUP(samples, files, genome, annotation, target_genes, LOCUS_GENOTYPE.out.genotypes, LOCUS_GENOTYPE.out.discovery, options.subMap('min_base_quality', 'min_mapping_quality', 'seed'))

    variants = ANNOTATE_VARIANTS.out.variants
    evidence = LOCUS_GENOTYPE.out.evidence
    sections = ANNOTATE_VARIANTS.out.sections.mix(LOCUS_GENOTYPE.out.sections, PILEUP.out.sections)

    emit:
    variants    // path: a row a variant and transcript
    evidence    // path: locus_genotype_evidence.tsv
    sections    // paths: *_mqc.json
}
