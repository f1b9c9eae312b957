// Count the patients whose tumours have a mutated gene, among those in whom it was looked at, and where in the protein.
process MUTATION_FREQUENCY {
    container "${params.registry}/mutation_frequency:${workflow.manifest.version}"
    publishDir "${params.outdir}/mutation_frequency", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'
    memory { 4.GB * task.attempt }

    input:
    path mutations                          // of HARMONISE_MUTATIONS
    path samples                            // likewise
    path panels, stageAs: 'panels/*'        // panels.tsv; none if no panels are given
    path panel_genes, stageAs: 'genes/*'    // a gene a row: counted beside the target genes
    path gene_aliases                       // gene_name, previous: panels may have older symbols
    path target_genes                       // gene, transcript, cds_start, cds_end
    path domains                            // gene, kind, name, start, end, source
    path matrices, stageAs: 'matrices/*'    // SBS96 matrices of MUTATION_MATRIX, or none
    path opportunities, stageAs: 'opportunities/*'    // likewise
    path genome, stageAs: 'genome/*'        // [genome.fa, genome.fa.fai] or none
    path annotation, stageAs: 'gtf/*'       // GTF or none
    val options                             // map: confidence, q_value_max, seed

    output:
    path 'frequency.tsv', emit: frequency   // a row a gene and cohort
    path 'panels.tsv'                       // a row a gene, cohort and panel
    path 'comparison.tsv'                   // a row a gene and pair of cohorts
    path 'classes.tsv'                      // a row a gene, cohort and class of mutation
    path 'domain.tsv', emit: domain         // a row a gene, cohort, domain and null model
    path 'domain_comparison.tsv'            // a row a gene, pair of cohorts and domain
    path '*.{svg,png}', optional: true
    path '*.bars.tsv', optional: true       // what the figure draws
    path '*_mqc.json', emit: sections
    tuple val('mutation_frequency'), path('*.{tsv,svg,png,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    mutation_frequency.py \\
        --mutations ${mutations} \\
        --samples ${samples} \\
        --panels panels \\
        --panel-genes genes \\
        --gene-aliases ${gene_aliases} \\
        --target-genes ${target_genes} \\
        --domains ${domains} \\
        --matrices matrices \\
        --opportunities opportunities \\
        --genome genome \\
        --annotation gtf \\
        --confidence ${options.confidence} \\
        --q-value-max ${options.q_value_max} \\
        --seed ${options.seed}
    """

    stub:
    """
    touch {frequency,panels,comparison,classes,domain,domain_comparison}.tsv mutation_frequency_mqc.json versions.tsv
    """
}
