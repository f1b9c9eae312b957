// Which gene sets move in every contrast (GSEA as the Broad Institute defines it).
process GENE_SET_ENRICHMENT {
    container "${params.registry}/gene_set_enrichment:${workflow.manifest.version}"
    publishDir "${params.outdir}/gene_set_enrichment", mode: params.publish_dir_mode, overwrite: 'deep', saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'
    memory { (1.GB + (by_samples(options) ? 40.B * log_cpm.size() : 0.B)) * task.attempt }    // else it is not read
    time { (1.h + 4.min * log_cpm.size() / 1e6) * task.attempt }

    input:
    path samples          // sample, line, condition, role, replicate, further columns to block by
    path log_cpm          // gene_id, gene_name, a column a sample
    path contrasts        // contrast, reference, target, lines, blocking
    path 'genes/*'        // <contrast>.genes.tsv of differential_expression
    path 'gene_sets/*'    // a GMT file a collection
    val options           // map of the gsea_ and other parameters named below

    output:
    path '*.sets.tsv', emit: sets                        // <contrast>.<collection>.sets.tsv: a row a gene set
    path '{summary,common_sets}.tsv', emit: tables
    path 'gene_set_enrichment_evidence.tsv', emit: evidence    // for mmc_candidates, as context
    path '*.{svg,png}', emit: figures, optional: true    // none where no set could be tested
    path '{*.top_sets,*.running_sum,highlighted}.tsv', emit: drawn, optional: true
    path '*_mqc.json', emit: sections
    tuple val('gene_set_enrichment'), path('*.{tsv,svg,png,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    gene_set_enrichment.py \\
        --samples ${samples} \\
        --log-cpm ${log_cpm} \\
        --contrasts ${contrasts} \\
        --genes genes \\
        --gene-sets gene_sets \\
        --gsea-ranking ${options.gsea_ranking} \\
        --gsea-permute ${options.gsea_permute} \\
        --gsea-permutations ${options.gsea_permutations} \\
        --gene-set-min ${options.gene_set_min} \\
        --gene-set-max ${options.gene_set_max} \\
        --highlight-sets '${options.highlight_sets}' \\
        --common-contrasts '${options.common_contrasts}' \\
        --q-value-max ${options.q_value_max} \\
        --seed ${options.seed}
    """

    stub:
    """
    touch stub.stub.sets.tsv {summary,common_sets,gene_set_enrichment_evidence}.tsv stub.top_sets.{svg,png,tsv} gene_set_enrichment_mqc.json versions.tsv
    """
}

// Whether genes are ranked, or labels permuted, by the samples' expression.
def by_samples(options) {
    return options.gsea_ranking == 'signal_to_noise' || options.gsea_permute == 'phenotype'
}
