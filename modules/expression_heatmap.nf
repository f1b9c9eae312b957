// A heatmap for each panel of genes.
process EXPRESSION_HEATMAP {
    container "${params.registry}/expression_heatmap:${workflow.manifest.version}"
    publishDir "${params.outdir}/expression_heatmap", mode: params.publish_dir_mode, overwrite: 'deep', saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'
    memory { (1.GB + 10.B * log_cpm.size()) * task.attempt }

    input:
    path samples        // sample, line, condition, role, replicate
    path counts         // gene_id, gene_name, a column a sample: all genes measured
    path log_cpm        // gene_id, gene_name, a column a sample: expressed genes
    path gene_panels    // panel, gene_name

    output:
    path '*.heatmap.{svg,png,tsv}', emit: figures    // a figure a panel, and exactly what it draws
    path 'panels.tsv', emit: table                   // a row a gene of a panel: measured, and expressed?
    path '*_mqc.json', emit: sections                // a section a panel
    tuple val('expression_heatmap'), path('*.{tsv,svg,png,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    expression_heatmap.py \\
        --samples ${samples} \\
        --counts ${counts} \\
        --log-cpm ${log_cpm} \\
        --gene-panels ${gene_panels}
    """

    stub:
    """
    touch stub.heatmap.{svg,png,tsv} panels.tsv expression_heatmap_stub_mqc.json versions.tsv
    """
}
