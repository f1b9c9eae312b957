// Build the STAR index of the genome and its annotation.
process INDEX_GENOME {
    container "${params.registry}/index_genome:${workflow.manifest.version}"
    publishDir "${params.outdir}/index_genome", mode: params.publish_dir_mode, enabled: params.save_reference.toString().toBoolean(), saveAs: { name -> name == 'versions.tsv' ? null : name }
    cpus { genome[0].size() < 200.MB.toBytes() ? 1 : 8 }
    memory { (genome[0].size() < 200.MB.toBytes() ? 2.GB : 40.GB) * task.attempt }

    input:
    path genome        // [genome.fa, genome.fa.fai]
    path annotation    // GTF

    output:
    path 'star_index', emit: index
    tuple val('index_genome'), path('star_index'), topic: reference
    path 'versions.tsv', topic: versions

    script:
    """
    index_genome.py \\
        --genome ${genome[0]} \\
        --annotation ${annotation} \\
        --threads ${task.cpus} \\
        --memory ${task.memory.toMega()}
    """

    stub:
    """
    mkdir star_index
    touch versions.tsv
    """
}
