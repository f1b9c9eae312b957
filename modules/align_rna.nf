// Align reads to the genome across splices: a sample.
process ALIGN_RNA {
    container "${params.registry}/align_rna:${workflow.manifest.version}"
    publishDir "${params.outdir}/align_rna", mode: params.publish_dir_mode, pattern: "${sample}.{bam,bam.bai,junctions.tsv}"
    tag "${sample}"
    cpus { isSmall(star_index) ? 1 : 8 }
    memory { (isSmall(star_index) ? 2.GB : 40.GB) * task.attempt }

    input:
    tuple val(sample), path(reads)    // [<sample>_1.fastq.gz, and _2 if paired]
    path star_index
    val max_intron

    output:
    tuple val(sample), path("${sample}.{bam,bam.bai}"), emit: alignments    // [BAM by coordinate, its index]
    path "${sample}.junctions.tsv", emit: junctions
    path "${sample}.alignment.tsv", emit: row                               // one row
    path "${sample}.Log.final.out", emit: log
    tuple val('align_rna'), path("${sample}.{bam,bam.bai,junctions.tsv}"), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    align_rna.py sample \\
        --sample ${sample} \\
        --reads-1 ${sample}_1.fastq.gz \\
        --reads-2 ${sample}_2.fastq.gz \\
        --star-index ${star_index} \\
        --max-intron ${max_intron} \\
        --threads ${task.cpus} \\
        --memory ${task.memory.toMega()}
    """

    stub:
    """
    touch ${sample}.bam ${sample}.bam.bai ${sample}.junctions.tsv ${sample}.alignment.tsv ${sample}.Log.final.out versions.tsv
    """
}

// Take an alignment that was given: name it by its sample, check it, and index it if it has no index.
process ALIGN_RNA_GIVEN {
    container "${params.registry}/align_rna:${workflow.manifest.version}"
    tag "${sample}"

    input:
    tuple val(sample), path(files, stageAs: 'given/*')    // [BAM or CRAM by coordinate, its index or none]
    path genome                                           // [genome.fa, genome.fa.fai]
    val strict
    val pseudonymise

    output:
    tuple val(sample), path("${sample}.{bam,bam.bai,bam.csi,cram,cram.crai}"), emit: alignments, optional: true    // links to what was given
    path "${sample}.alignment.tsv", emit: row                                                                      // one row
    path 'versions.tsv', topic: versions

    script:
    """
    align_rna.py given \\
        --sample ${sample} \\
        --alignment given \\
        --genome ${genome[0]} \\
        --strict ${strict} \\
        --pseudonymise ${pseudonymise}
    """

    stub:
    """
    touch ${sample}.bam ${sample}.bam.bai ${sample}.alignment.tsv versions.tsv
    """
}

// Put the samples into one table.
process ALIGN_RNA_TABLE {
    container "${params.registry}/align_rna:${workflow.manifest.version}"
    publishDir "${params.outdir}/align_rna", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'

    input:
    path samples         // sample, line, condition, role, replicate
    path 'rows/*'        // <sample>.alignment.tsv

    output:
    path 'alignment.tsv', emit: table
    path '*_mqc.json', emit: sections
    tuple val('align_rna'), path('*.{tsv,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    align_rna.py table \\
        --samples ${samples} \\
        --rows rows
    """

    stub:
    """
    touch alignment.tsv align_rna_mqc.json versions.tsv
    """
}

// Whether a STAR index is far smaller than a human genome's; align_rna.py says so if it is no index.
def isSmall(index) {
    def suffixes = index.toRealPath().resolve('SA')
    return !suffixes.exists() || suffixes.size() < 2.GB.toBytes()
}
