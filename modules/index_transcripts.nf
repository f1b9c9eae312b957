// Build the salmon index of the transcripts, with the genome as decoy.
process INDEX_TRANSCRIPTS {
    container "${params.registry}/index_transcripts:${workflow.manifest.version}"
    publishDir "${params.outdir}/index_transcripts", mode: params.publish_dir_mode, enabled: params.save_reference.toString().toBoolean(), saveAs: { name -> name == 'versions.tsv' ? null : name }
    cpus { genome[0].size() < 200.MB.toBytes() ? 1 : 8 }
    memory { (genome[0].size() < 200.MB.toBytes() ? 2.GB : 24.GB) * task.attempt }

    input:
    path genome         // [genome.fa, genome.fa.fai]
    path transcripts    // FASTA

    output:
    path 'salmon_index', emit: index
    tuple val('index_transcripts'), path('salmon_index'), topic: reference
    path 'versions.tsv', topic: versions

    script:
    """
    index_transcripts.py \\
        --genome ${genome[0]} \\
        --transcripts ${transcripts} \\
        --threads ${task.cpus}
    """

    stub:
    """
    mkdir salmon_index
    touch versions.tsv
    """
}
