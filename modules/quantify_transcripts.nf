// Quantify transcripts: a sample.
process QUANTIFY_TRANSCRIPTS {
    container "${params.registry}/quantify_transcripts:${workflow.manifest.version}"
    publishDir "${params.outdir}/quantify_transcripts", mode: params.publish_dir_mode, pattern: "${sample}"
    tag "${sample}"
    cpus { isSmall(salmon_index) ? 1 : 8 }
    memory { (isSmall(salmon_index) ? 2.GB : 24.GB) * task.attempt }

    input:
    tuple val(sample), path(reads)    // [<sample>_1.fastq.gz, and _2 if paired]
    path salmon_index

    output:
    tuple val(sample), path("${sample}"), emit: quantified, optional: true    // salmon's folder; not written if no fragment maps
    path "${sample}.quant.tsv", emit: row                                     // one row
    tuple val('quantify_transcripts'), path("${sample}"), topic: published, optional: true
    path 'versions.tsv', topic: versions

    script:
    """
    quantify_transcripts.py sample \\
        --sample ${sample} \\
        --reads-1 ${sample}_1.fastq.gz \\
        --reads-2 ${sample}_2.fastq.gz \\
        --salmon-index ${salmon_index} \\
        --threads ${task.cpus}
    """

    stub:
    """
    mkdir ${sample}
    touch ${sample}/quant.sf ${sample}.quant.tsv versions.tsv
    """
}

// Put the samples into one table, and judge them.
process QUANTIFY_TRANSCRIPTS_TABLE {
    container "${params.registry}/quantify_transcripts:${workflow.manifest.version}"
    publishDir "${params.outdir}/quantify_transcripts", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'

    input:
    path samples             // sample, line, condition, role, replicate, strandedness
    path 'rows/*'            // <sample>.quant.tsv
    val min_mapping_rate

    output:
    path 'quant.tsv', emit: table
    path '*_mqc.json', emit: sections
    tuple val('quantify_transcripts'), path('*.{tsv,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    quantify_transcripts.py table \\
        --samples ${samples} \\
        --rows rows \\
        --min-mapping-rate ${min_mapping_rate}
    """

    stub:
    """
    touch quant.tsv quantify_transcripts_mqc.json versions.tsv
    """
}

// Whether a salmon index is far smaller than that of human transcripts; quantify_transcripts.py says so if it is none.
def isSmall(index) {
    def positions = index.toRealPath().resolve('pos.bin')
    return !positions.exists() || positions.size() < 200.MB.toBytes()
}
