// Make one genome, one annotation and one set of transcripts of what was given, and hold them to each other.
process PREPARE_REFERENCE {
    container "${params.registry}/prepare_reference:${workflow.manifest.version}"
    publishDir "${params.outdir}/prepare_reference", mode: params.publish_dir_mode, saveAs: { name -> name == 'notes.tsv' || (params.save_reference.toString().toBoolean() && name != 'versions.tsv') ? name : null }
    memory { 2.GB * task.attempt }

    input:
    path fasta, stageAs: 'fasta/*'                // FASTA, may be gz; none if a salmon index was given
    path gtf, stageAs: 'gtf/*'                    // GTF, may be gz
    path transcripts, stageAs: 'transcripts/*'    // FASTA, may be gz; none: cut from the genome

    output:
    path 'genome.{fa,fa.fai}', emit: genome, optional: true              // [genome.fa, genome.fa.fai]
    path 'annotation.gtf', emit: annotation
    path 'transcripts.fa', emit: transcripts, optional: true             // names are transcript ids
    path 'transcripts.tsv', emit: genes                                  // transcript_id, gene_id, gene_name
    path 'notes.tsv', emit: notes                                        // what was renamed, left out, or is in one file only
    tuple val('prepare_reference'), path('notes.tsv'), topic: published
    tuple val('prepare_reference'), path('{genome.fa,genome.fa.fai,annotation.gtf,transcripts.fa,transcripts.tsv}'), topic: reference
    path 'versions.tsv', topic: versions

    script:
    """
    prepare_reference.py \\
        --fasta fasta \\
        --gtf ${gtf} \\
        --transcripts transcripts
    """

    stub:
    """
    touch genome.fa genome.fa.fai annotation.gtf transcripts.fa transcripts.tsv notes.tsv versions.tsv
    """
}
