// Draw proteins with their domains and the mutations of each cohort, two cohorts as mirror images.
process COHORT_LOLLIPOP {
    container "${params.registry}/cohort_lollipop:${workflow.manifest.version}"
    publishDir "${params.outdir}/cohort_lollipop", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'

    input:
    path mutations       // of HARMONISE_MUTATIONS
    path frequency       // frequency.tsv of MUTATION_FREQUENCY: how many were profiled
    path domains         // gene, kind, name, start, end, source
    path target_genes    // gene, transcript, cds_start, cds_end

    output:
    path 'proteins.tsv'                        // a row a gene and pair of cohorts
    path '*.{svg,png}', optional: true
    path '*.lollipop.tsv', optional: true      // what each figure draws
    path '*_mqc.json', emit: sections
    tuple val('cohort_lollipop'), path('*.{tsv,svg,png,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    cohort_lollipop.py \\
        --mutations ${mutations} \\
        --frequency ${frequency} \\
        --domains ${domains} \\
        --target-genes ${target_genes}
    """

    stub:
    """
    touch proteins.tsv cohort_lollipop_mqc.json versions.tsv
    """
}
