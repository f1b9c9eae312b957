// Build the STAR index of the genome and its annotation.
process INDEX_GENOME {
    container "${params.registry}/index_genome:${workflow.manifest.version}"
    publishDir "${params.outdir}/index_genome", mode: params.publish_dir_mode, overwrite: 'deep', enabled: params.save_reference.toString().toBoolean(), saveAs: { name -> name == 'versions.tsv' ? null : name }
    cpus { genome[0].size() < 2e8 ? 1 : 8 }
    memory { (2.GB + 12.B * genome[0].size()) * task.attempt }    // STAR's manual: 10 bytes a base
    time { (1.h + 1.h * genome[0].size() / 1e9) * task.attempt }

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
