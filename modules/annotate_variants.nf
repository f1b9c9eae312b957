// Name variants by HGVS and say what they do, on every transcript.
process ANNOTATE_VARIANTS {
    container "${params.registry}/annotate_variants:${workflow.manifest.version}"
    publishDir "${params.outdir}/annotate_variants", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'

    input:
    path 'variants/*'    // VCFs
    path genome          // [genome.fa, genome.fa.fai]
    path annotation      // GTF
    path target_genes    // gene, transcript, cds_start, cds_end
    path domains         // gene, kind, name, start, end
    path hotspots        // gene, kind, change, effect

    output:
    path 'variants.tsv', emit: variants    // a row a variant and transcript
    path '*_mqc.json', emit: sections
    tuple val('annotate_variants'), path('*.{tsv,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    annotate_variants.py \\
        --variants variants \\
        --genome ${genome[0]} \\
        --annotation ${annotation} \\
        --target-genes ${target_genes} \\
        --domains ${domains} \\
        --hotspots ${hotspots}
    """

    stub:
    """
    touch variants.tsv annotate_variants_mqc.json versions.tsv
    """
}
