include { NORMALISE_EXPRESSION    } from '../modules/normalise_expression'
include { EXPRESSION_HEATMAP      } from '../modules/expression_heatmap'
include { DIFFERENTIAL_EXPRESSION } from '../modules/differential_expression'
include { TARGET_SCORE            } from '../modules/target_score'
include { GENE_SET_ENRICHMENT     } from '../modules/gene_set_enrichment'
include { SAMPLE_ENRICHMENT       } from '../modules/sample_enrichment'
include { SAMPLE_PROJECTION       } from '../modules/sample_projection'

// Questions 1 and 3: is the axis active, and what does it change in the cell?
workflow EXPRESSION {
    take:
    samples        // value: path, sample line condition role replicate
    counts         // value: path, gene_id gene_name and a column a sample
    contrasts      // value: path, contrast reference target lines blocking
    gene_panels    // value: path, panel gene_name
    gene_sets      // value: [GMT files]; empty if there are none
    options        // map: the parameters of the analyses

    main:
    NORMALISE_EXPRESSION(samples, counts)
    log_cpm = NORMALISE_EXPRESSION.out.log_cpm
    EXPRESSION_HEATMAP(samples, counts, log_cpm, gene_panels)

    DIFFERENTIAL_EXPRESSION(samples, counts, contrasts, options.accept_additive_dispersion, options.q_value_max)
    TARGET_SCORE(
        samples,
        log_cpm,
        DIFFERENTIAL_EXPRESSION.out.summary,
        DIFFERENTIAL_EXPRESSION.out.genes,
        gene_panels,
        options.subMap('confidence', 'q_value_max'),
    )
    GENE_SET_ENRICHMENT(
        samples,
        log_cpm,
        contrasts,
        DIFFERENTIAL_EXPRESSION.out.genes,
        gene_sets,
        options.subMap('gsea_ranking', 'gsea_permute', 'gsea_permutations', 'gene_set_min', 'gene_set_max', 'highlight_sets', 'common_contrasts', 'q_value_max', 'seed'),
    )

    SAMPLE_ENRICHMENT(samples, log_cpm, gene_sets, options.subMap('ssgsea_dialect', 'gene_set_min', 'gene_set_max', 'highlight_sets'))
    SAMPLE_PROJECTION(samples, log_cpm, SAMPLE_ENRICHMENT.out.scores.ifEmpty([]), options.projection_scale)

    sections = NORMALISE_EXPRESSION.out.sections
        .mix(
            EXPRESSION_HEATMAP.out.sections,
            DIFFERENTIAL_EXPRESSION.out.sections,
            TARGET_SCORE.out.sections,
            GENE_SET_ENRICHMENT.out.sections,
            SAMPLE_ENRICHMENT.out.sections,
            SAMPLE_PROJECTION.out.sections,
        )

    evidence = TARGET_SCORE.out.evidence.mix(GENE_SET_ENRICHMENT.out.evidence)

    emit:
    evidence    // paths: *_evidence.tsv
    sections    // paths: *_mqc.json, an item an analysis
}
