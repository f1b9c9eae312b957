// Count alleles, junction reads and linked variants in the target genes: all samples.
process COUNT_ALLELES {
    container "${params.registry}/count_alleles:${workflow.manifest.version}"
    publishDir "${params.outdir}/count_alleles", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }

    input:
    path samples                                // sample, line, condition, role, replicate
    path 'alignments/*'                         // <sample>.bam or .cram, with an index or none
    path genome                                 // [genome.fa, genome.fa.fai]
    path annotation                             // GTF
    path target_genes                           // gene, transcript, cds_start, cds_end
    path loci                                   // gene, transcript, hgvs_c
    path skipping                               // gene, transcript, exon
    path 'variants/*'                           // VCFs of variants found in DNA; may be none
    val options                                 // map: min_base_quality, min_mapping_quality, rna_min_vaf

    output:
    path 'count_alleles.vcf', emit: variants    // sites: loci, variants found in DNA or here
    path 'alleles.tsv', emit: alleles           // a row a sample and variant
    path 'coverage.tsv', emit: coverage         // a row a sample and exon
    path 'junctions.tsv', emit: junctions       // a row a sample and exon that may be skipped
    path 'linkage.tsv', emit: linkage           // a row a sample and two variants on common fragments
    tuple val('count_alleles'), path('*.{tsv,vcf}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    count_alleles.py \\
        --samples ${samples} \\
        --alignments alignments \\
        --genome ${genome[0]} \\
        --annotation ${annotation} \\
        --target-genes ${target_genes} \\
        --loci ${loci} \\
        --skipping ${skipping} \\
        --variants variants \\
        --min-base-quality ${options.min_base_quality} \\
        --min-mapping-quality ${options.min_mapping_quality} \\
        --rna-min-vaf ${options.rna_min_vaf}
    """

    stub:
    """
    touch count_alleles.vcf {alleles,coverage,junctions,linkage,versions}.tsv
    """
}
