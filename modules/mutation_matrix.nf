// Count single-base substitutions by their context, and doublets.
process MUTATION_MATRIX {
    container "${params.registry}/mutation_matrix:${workflow.manifest.version}"
    publishDir "${params.outdir}/mutation_matrix", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name - 'matrices/' }
    cache 'deep'
    memory { 4.GB * task.attempt }

    input:
    path cohorts                            // as HARMONISE_MUTATIONS has it
    path profiled                           // likewise
    path mutations, stageAs: 'mutations/*'  // mutations.tsv.gz and samples.tsv of HARMONISE_MUTATIONS; none if all cohorts are ready matrices
    path panels, stageAs: 'panels/*'        // panels.tsv; none if no panels are given
    path panel_genes, stageAs: 'genes/*'    // a gene a row: all that is counted; none: whatever was profiled
    path matrices, stageAs: 'sbs96/?/*'     // ready SBS96 matrices, in the order of their numbers
    path gene_aliases                       // gene_name, previous: panels and annotation may have older symbols
    path genome, stageAs: 'genome/*'        // [genome.fa, genome.fa.fai] or none
    path annotation, stageAs: 'gtf/*'       // GTF or none
    val options                             // map: spectrum_gene, bootstraps, seed, confidence

    output:
    path 'matrices/*.SBS96.tsv', emit: matrices             // <cohort>.SBS96.tsv: MutationType, a column a sample; pooled.SBS96.tsv: a column a cohort; <gene>.SBS96.tsv likewise
    path 'matrices/*.DBS78.tsv', optional: true             // likewise
    path 'samples.tsv', emit: samples                       // a row a cohort and sample: how many count
    path 'rejected.tsv'                                     // a row a mutation that does not count, and why
    path 'similarity.tsv', emit: similarity                 // a row a pair of cohorts
    path 'opportunities.tsv', emit: opportunities           // cohort, panel, trinucleotide, count: of the bases that were profiled
    path '*.{svg,png}', optional: true
    path '*.spectrum.tsv', optional: true                   // what each figure draws
    path '*_mqc.json', emit: sections
    tuple val('mutation_matrix'), path('{*.tsv,*.svg,*.png,*.json,matrices/*}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    mutation_matrix.py \\
        --cohorts ${cohorts} \\
        --profiled ${profiled} \\
        --mutations mutations \\
        --panels panels \\
        --panel-genes genes \\
        --matrices sbs96 \\
        --gene-aliases ${gene_aliases} \\
        --genome genome \\
        --annotation gtf \\
        --spectrum-gene '${options.spectrum_gene}' \\
        --bootstraps ${options.bootstraps} \\
        --seed ${options.seed} \\
        --confidence ${options.confidence}
    """

    stub:
    """
    mkdir matrices
    touch matrices/{a,pooled}.SBS96.tsv {samples,rejected,similarity,opportunities}.tsv mutation_matrix_mqc.json versions.tsv
    """
}
