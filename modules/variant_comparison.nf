// Compare the variants of each line's conditions: what was gained, kept and lost.
process VARIANT_COMPARISON {
    container "${params.registry}/variant_comparison:${workflow.manifest.version}"
    publishDir "${params.outdir}/variant_comparison", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'

    input:
    path amplicons                                          // sample, line, condition, role
    path called, stageAs: 'called/*'                        // variants.tsv of amplicon_variants
    path annotated, stageAs: 'annotated/*'                  // variants.tsv of annotate_variants
    path sanger, stageAs: 'sanger/*'                        // calls.tsv of sanger_confirmation; may be none
    path coverage                                           // coverage.tsv of align_amplicons: which amplicons were read
    path annotation                                         // GTF
    path target_genes                                       // gene, transcript, cds_start, cds_end
    path genome                                             // [genome.fa, genome.fa.fai]
    path signatures, stageAs: 'signatures/*'                // matrix of signatures; may be none
    path exposures, stageAs: 'exposures/*'                  // signature, share; may be none
    val options                                             // map: amplicon_min_depth, confidence, q_value_max

    output:
    path 'comparison.tsv', emit: comparison                 // a row a line, condition and variant
    path 'signatures.tsv', emit: signatures                 // a row a variant and signature; only a header without exposures
    path 'variant_comparison_evidence.tsv', emit: evidence  // a row a line, condition and piece
    path '*.{svg,png}', optional: true
    path 'vafs.tsv', optional: true                         // what the figure draws
    path '*_mqc.json', emit: sections
    tuple val('variant_comparison'), path('*.{tsv,svg,png,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    variant_comparison.py \\
        --amplicons ${amplicons} \\
        --called called \\
        --annotated annotated \\
        --sanger sanger \\
        --coverage ${coverage} \\
        --annotation ${annotation} \\
        --target-genes ${target_genes} \\
        --genome ${genome[0]} \\
        --signatures signatures \\
        --exposures exposures \\
        --amplicon-min-depth ${options.amplicon_min_depth} \\
        --confidence ${options.confidence} \\
        --q-value-max ${options.q_value_max}
    """

    stub:
    """
    touch comparison.tsv signatures.tsv variant_comparison_evidence.tsv variant_comparison_mqc.json versions.tsv
    """
}
