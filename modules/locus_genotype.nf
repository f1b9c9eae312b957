// Call genotypes at named loci, name every further coding variant, and compare parental with resistant.
process LOCUS_GENOTYPE {
    container "${params.registry}/locus_genotype:${workflow.manifest.version}"
    publishDir "${params.outdir}/locus_genotype", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'

    input:
    path samples         // sample, line, condition, role, replicate
    path alleles         // the tables of COUNT_ALLELES
    path coverage
    path junctions
    path linkage
    path variants        // variants.tsv of ANNOTATE_VARIANTS
    path loci            // gene, transcript, hgvs_c, hgvs_p, rs_id, effect
    path skipping, stageAs: 'exons/*'    // gene, transcript, exon, meaning. Not skipping.tsv: that is written here
    path 'tpm/*'         // tpm.tsv of GENE_COUNTS, or none
    val options          // map: min_locus_depth, rna_min_vaf, min_junction_reads

    output:
    path '*.tsv', emit: tables          // genotypes, discovery, comparison, haplotypes, skipping, identity, allele_expression, lines and what figures draw
    path 'genotypes.tsv', emit: genotypes
    path 'discovery.tsv', emit: discovery
    path 'locus_genotype_evidence.tsv', emit: evidence
    path '*.{svg,png}', emit: figures, optional: true
    path '*_mqc.json', emit: sections
    tuple val('locus_genotype'), path('*.{tsv,svg,png,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    locus_genotype.py \\
        --samples ${samples} \\
        --alleles ${alleles} \\
        --coverage ${coverage} \\
        --junctions ${junctions} \\
        --linkage ${linkage} \\
        --variants ${variants} \\
        --loci ${loci} \\
        --skipping ${skipping} \\
        --tpm tpm \\
        --min-locus-depth ${options.min_locus_depth} \\
        --rna-min-vaf ${options.rna_min_vaf} \\
        --min-junction-reads ${options.min_junction_reads}
    """

    stub:
    """
    touch {genotypes,discovery,comparison,haplotypes,skipping,identity,identity_pairs,allele_expression,allele_expression_tests,lines,locus_genotype_evidence,versions}.tsv locus_genotype_mqc.json
    """
}
