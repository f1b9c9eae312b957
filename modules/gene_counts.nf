// Sum transcripts to genes, as tximport does.
process GENE_COUNTS {
    container "${params.registry}/gene_counts:${workflow.manifest.version}"
    publishDir "${params.outdir}/gene_counts", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    memory { 2.GB * task.attempt + 5.MB * quantified.size() }

    input:
    path samples                          // sample, line, condition, role, replicate
    path quantified, stageAs: 'quantified/*'    // salmon's folders, named by sample; a sample without is left out
    path genes                            // transcript_id, gene_id, gene_name
    val counts_from_abundance

    output:
    path 'counts.tsv', emit: counts      // gene_id, gene_name, a column a sample: whole numbers
    path 'tpm.tsv', emit: tpm
    path 'lengths.tsv', emit: lengths
    path 'samples.tsv', emit: samples    // those that have counts
    path 'unmatched.tsv', emit: unmatched
    path '*_mqc.json', emit: sections
    path 'versions.tsv', topic: versions

    script:
    """
    gene_counts.py \\
        --samples ${samples} \\
        --quantified quantified \\
        --genes ${genes} \\
        --counts-from-abundance ${counts_from_abundance}
    """

    stub:
    """
    touch counts.tsv tpm.tsv lengths.tsv samples.tsv unmatched.tsv gene_counts_mqc.json versions.tsv
    """
}
