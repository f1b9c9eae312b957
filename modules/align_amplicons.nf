// Align reads to the windows, in the genome's coordinates, and clip the primers: a sample.
process ALIGN_AMPLICONS {
    container "${params.registry}/align_amplicons:${workflow.manifest.version}"
    publishDir "${params.outdir}/align_amplicons", mode: params.publish_dir_mode, pattern: "${sample}.{bam,bam.bai}"
    tag "${sample}"
    memory { 2.GB * task.attempt }

    input:
    tuple val(sample), path(reads)    // [<sample>_1.fastq.gz, <sample>_2.fastq.gz]
    path windows
    path genome                       // [genome.fa, genome.fa.fai]

    output:
    tuple val(sample), path("${sample}.{bam,bam.bai}"), emit: alignments    // [BAM by coordinate, its index], primers soft-clipped
    path "${sample}.amplicons.tsv", emit: rows                              // a row an amplicon
    path "${sample}.alignment.tsv", emit: row                               // one row
    tuple val('align_amplicons'), path("${sample}.{bam,bam.bai}"), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    align_amplicons.py sample \\
        --sample ${sample} \\
        --reads-1 ${sample}_1.fastq.gz \\
        --reads-2 ${sample}_2.fastq.gz \\
        --windows ${windows} \\
        --genome ${genome[0]} \\
        --threads ${task.cpus}
    """

    stub:
    """
    touch ${sample}.bam ${sample}.bam.bai ${sample}.amplicons.tsv ${sample}.alignment.tsv versions.tsv
    """
}

// Cut the windows around the amplicons from the genome and index them; holds the primers to the genome.
process ALIGN_AMPLICONS_WINDOWS {
    container "${params.registry}/align_amplicons:${workflow.manifest.version}"
    cache 'deep'

    input:
    path primers    // chrom, start, end, amplicon, pool, left_start, left_end, right_start, right_end
    path genome     // [genome.fa, genome.fa.fai]

    output:
    path 'windows', emit: windows    // windows.fa with the index of bwa, and the primers
    path 'versions.tsv', topic: versions

    script:
    """
    align_amplicons.py windows \\
        --primers ${primers} \\
        --genome ${genome[0]}
    """

    stub:
    """
    mkdir windows
    touch versions.tsv
    """
}

// Put the samples into one table, and judge their amplicons.
process ALIGN_AMPLICONS_TABLE {
    container "${params.registry}/align_amplicons:${workflow.manifest.version}"
    publishDir "${params.outdir}/align_amplicons", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'

    input:
    path amplicons             // sample, line, condition, role
    path primers               // chrom, start, end, amplicon, pool, left_start, left_end, right_start, right_end
    path 'rows/*'              // <sample>.amplicons.tsv and <sample>.alignment.tsv
    val amplicon_min_depth

    output:
    path 'coverage.tsv', emit: coverage      // a row a sample and amplicon
    path 'alignment.tsv', emit: table        // a row a sample
    path 'coverage_heatmap.{svg,png,tsv}'
    path '*_mqc.json', emit: sections
    tuple val('align_amplicons'), path('*.{tsv,svg,png,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    align_amplicons.py table \\
        --amplicons ${amplicons} \\
        --primers ${primers} \\
        --rows rows \\
        --amplicon-min-depth ${amplicon_min_depth}
    """

    stub:
    """
    touch coverage.tsv alignment.tsv coverage_heatmap.{svg,png,tsv} align_amplicons_mqc.json versions.tsv
    """
}
