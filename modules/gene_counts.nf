// Sum transcripts to genes, as tximport does.
process GENE_COUNTS {
    container "${params.registry}/gene_counts:${workflow.manifest.version}"
    publishDir "${params.outdir}/gene_counts", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'    // of salmon's folders, path and time
    memory { 1.GB * task.attempt + 10.MB * quantified.size() }

    input:
    path 'checked/samples.tsv'                                 // sample, line, condition, role, replicate
    path quantified, stageAs: 'quantified/*', arity: '0..*'    // salmon's folders, named by sample; a sample without is left out
    path genes                                                 // transcript_id, gene_id, gene_name
    val counts_from_abundance

    output:
    path 'counts.tsv', emit: counts          // gene_id, gene_name, a column a sample: whole numbers
    path 'tpm.tsv', emit: tpm
    path 'lengths.tsv', emit: lengths        // effective, nt
    path 'samples.tsv', emit: samples        // those that have counts
    path 'assigned.tsv', emit: assigned      // fragments of each sample, and their status
    path 'unmatched.tsv', emit: unmatched    // transcripts of the counts or of the GTF alone
    path '*_mqc.json', emit: sections
    tuple val('gene_counts'), path('*.{tsv,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    gene_counts.py \\
        --samples checked/samples.tsv \\
        --quantified quantified \\
        --genes ${genes} \\
        --counts-from-abundance ${counts_from_abundance}
    """

    stub:
    """
    touch counts.tsv tpm.tsv lengths.tsv samples.tsv assigned.tsv unmatched.tsv gene_counts_mqc.json versions.tsv
    """
}
