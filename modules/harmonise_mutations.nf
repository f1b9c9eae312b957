// Bring the mutations of all cohorts into one table: one dialect, one symbol a gene, one sample a patient.
process HARMONISE_MUTATIONS {
    container "${params.registry}/harmonise_mutations:${workflow.manifest.version}"
    publishDir "${params.outdir}/harmonise_mutations", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'
    memory { 4.GB * task.attempt }

    input:
    path cohorts                      // cohort, genome_build, maf (number of its file below; empty if none), sbs96 (likewise)
    path profiled                     // cohort, sample, patient, panel (empty: exome), barcode if MAF files call samples otherwise
    path panels, stageAs: 'panels/*'  // panel, specimen, normal, gene, chrom, start, end; none if no panels are given
    path gene_aliases                 // gene_name, previous
    path target_genes                 // gene, transcript, cds_start, cds_end
    path mafs, stageAs: 'mafs/?/*'    // MAF, may be gz: in the order of their numbers

    output:
    path 'mutations.tsv.gz', emit: mutations    // a row a mutation that counts
    path 'samples.tsv', emit: samples           // a row a profiled sample: whether it counts, and why not
    path 'dropped.tsv', emit: dropped           // a row a cohort and reason: how many rows of its MAF do not count
    path 'symbols.tsv'                          // symbols that were replaced
    path 'mafs.tsv'                             // a row a cohort: its rows, samples and columns
    path '*_mqc.json', emit: sections
    tuple val('harmonise_mutations'), path('*.{tsv,gz,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    harmonise_mutations.py \\
        --cohorts ${cohorts} \\
        --profiled ${profiled} \\
        --panels panels \\
        --gene-aliases ${gene_aliases} \\
        --target-genes ${target_genes} \\
        --mafs mafs
    """

    stub:
    """
    touch mutations.tsv.gz {samples,dropped,symbols,mafs}.tsv harmonise_mutations_mqc.json versions.tsv
    """
}
