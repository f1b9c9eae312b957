// Look at traces where variants are expected: chromatograms and calls.
process SANGER_CONFIRMATION {
    container "${params.registry}/sanger_confirmation:${workflow.manifest.version}"
    publishDir "${params.outdir}/sanger_confirmation", mode: params.publish_dir_mode, saveAs: { name -> name == 'versions.tsv' ? null : name }
    cache 'deep'

    input:
    path sanger                            // trace (number of the row), line, condition, role, gene, expected
    path traces, stageAs: 'traces/?/*'     // AB1 files, by the number of their row
    path called, stageAs: 'called/*'         // variants.tsv of amplicon_variants; may be none
    path annotated, stageAs: 'annotated/*'   // variants.tsv of annotate_variants; may be none
    path genome                            // [genome.fa, genome.fa.fai]
    path annotation                        // GTF
    path target_genes                      // gene, transcript, cds_start, cds_end
    val pseudonymise

    output:
    path 'calls.tsv', emit: calls          // a row a trace and variant
    path '*.{svg,png}', optional: true
    path '*.peaks.tsv', optional: true     // what each figure draws
    path '*_mqc.json', emit: sections
    tuple val('sanger_confirmation'), path('*.{tsv,svg,png,json}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    sanger_confirmation.py \\
        --sanger ${sanger} \\
        --traces traces \\
        --called called \\
        --annotated annotated \\
        --genome ${genome[0]} \\
        --annotation ${annotation} \\
        --target-genes ${target_genes} \\
        --pseudonymise ${pseudonymise}
    """

    stub:
    """
    touch calls.tsv sanger_confirmation_mqc.json versions.tsv
    """
}
