// Write a whole study with known truth, from one seed.
process SIMULATE_STUDY {
    container "${params.registry}/simulate_study:${workflow.manifest.version}"
    publishDir "${params.outdir}/simulate_study", mode: params.publish_dir_mode, saveAs: { name -> name == 'study/versions.tsv' ? null : name - 'study/' }
    cache 'deep'

    input:
    val size              // small, medium or large
    val seed
    path 'gene_sets/*'    // GMT files: the genes to simulate, and the sets to plant effects in

    output:
    path 'study/{*.csv,primers.tsv,panel_genes.txt,*.gz,reads,amplicon_reads,traces,cohort_files,truth}', emit: study    // files named as the parameters, what their sheets name, and truth/
    tuple val('simulate_study'), path('study/{*.csv,primers.tsv,panel_genes.txt,*.gz,reads,amplicon_reads,traces,cohort_files,truth}'), topic: published
    path 'study/versions.tsv', topic: versions

    script:
    """
    simulate_study.py \\
        --size ${size} \\
        --seed ${seed} \\
        --gene-sets gene_sets \\
        --results study
    """

    stub:
    """
    mkdir -p study/truth study/reads study/amplicon_reads study/traces study/cohort_files
    touch study/{rnaseq,amplicons,sanger,dose_response,assays,qpcr,patients,cohorts,panels}.csv study/primers.tsv study/panel_genes.txt study/fasta.fa.gz study/gtf.gtf.gz study/versions.tsv
    """
}
