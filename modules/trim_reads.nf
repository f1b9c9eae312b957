// Trim adapters and bad ends, leave out bad reads: a sample.
process TRIM_READS {
    container "${params.registry}/trim_reads:${workflow.manifest.version}"
    tag "${sample}"
    memory { 3.GB * task.attempt }

    input:
    tuple val(sample), path(reads_1, stageAs: 'reads_1/?/*'), path(reads_2, stageAs: 'reads_2/?/*')    // lanes in the sheet's order; no second reads if single
    val trim_quality
    val trim_min_length
    val strict
    val pseudonymise

    output:
    tuple val(sample), path("${sample}_{1,2}.fastq.gz"), emit: reads, optional: true    // not written if nothing is left
    path "${sample}.reads.tsv", emit: row                                               // one row
    path "${sample}.fastp.json", emit: log, optional: true
    path 'versions.tsv', topic: versions

    script:
    """
    trim_reads.py sample \\
        --sample ${sample} \\
        --reads-1 reads_1 \\
        --reads-2 reads_2 \\
        --trim-quality ${trim_quality} \\
        --trim-min-length ${trim_min_length} \\
        --strict ${strict} \\
        --pseudonymise ${pseudonymise} \\
        --threads ${task.cpus}
    """

    stub:
    """
    touch ${sample}_{1,2}.fastq.gz ${sample}.reads.tsv ${sample}.fastp.json versions.tsv
    """
}

// Put the samples into one table.
process TRIM_READS_TABLE {
    container "${params.registry}/trim_reads:${workflow.manifest.version}"
    publishDir "${params.outdir}/trim_reads", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'

    input:
    path samples         // sample, line, condition, role
    path 'rows/*'        // <sample>.reads.tsv
    val library          // rnaseq or amplicons: the sheet that the samples are of

    output:
    path '{reads,amplicon_reads}.tsv', emit: table
    path '*_mqc.json', emit: sections
    tuple val('trim_reads'), path('*.{tsv,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    trim_reads.py table \\
        --samples ${samples} \\
        --rows rows \\
        --library ${library}
    """

    stub:
    """
    touch ${library == 'rnaseq' ? 'reads.tsv trim_reads_mqc.json' : 'amplicon_reads.tsv trim_reads_amplicons_mqc.json'} versions.tsv
    """
}
