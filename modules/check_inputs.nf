// Check every parameter, sheet and file, report all problems at once, and plan what can run.
process CHECK_INPUTS {
    container "${params.registry}/check_inputs:${workflow.manifest.version}"
    publishDir "${params.outdir}/check_inputs", mode: params.publish_dir_mode, pattern: '{inputs,plan,notes}.tsv'
    publishDir "${params.outdir}/pipeline_info", mode: params.publish_dir_mode, pattern: '{params.json,rerun.sh}'
    cache 'deep'

    input:
    path values                                                                               // JSON: parameters { name: value }, as given or by default; run { name: value }: which pipeline, how; files [{ parameter, path, origin }]; tables [{ sheet, cell }]; references, paths [{ sheet, cell, uri, exists, kind, size }]: what only Nextflow sees
    path schema                                                                               // nextflow_schema.json
    path 'assets/*'                                                                           // the schemas of sheets that it names
    path sheets, stageAs: 'sheets/?/*'                                                        // the files and tables that the JSON lists, in its order

    output:
    path 'inputs.tsv', emit: inputs                                                           // sheet, path, sha256, rows
    path 'plan.tsv', emit: plan                                                               // analysis, planned, reason
    path 'notes.tsv', emit: notes                                                             // sheet, note: what was ignored or stands out
    path 'parameters.tsv', emit: parameters                                                   // parameter, value: those that bear on results
    path 'samples.tsv', emit: samples, optional: true                                         // sample, line, condition, role, replicate, strandedness if there are FASTQ files, further columns
    path 'rnaseq.tsv', emit: rnaseq, optional: true                                           // sample, fastq_1, fastq_2, bam: addresses, a row a lane
    path 'counts.tsv', emit: counts, optional: true                                           // gene_id, gene_name, a column a sample
    path 'contrasts.tsv', emit: contrasts, optional: true                                     // contrast, reference, target, lines, blocking
    path 'amplicons.tsv', emit: amplicons, optional: true                                     // sample, line, condition, role
    path 'amplicon_files.tsv', emit: amplicon_files, optional: true                           // sample, fastq_1, fastq_2: addresses, a row a lane
    path 'primers.tsv', emit: primers, optional: true                                         // chrom, start, end, amplicon, pool, left_start, left_end, right_start, right_end
    path 'sanger.tsv', emit: sanger, optional: true                                           // trace (number of the row), line, condition, role, gene, expected
    path 'sanger_files.tsv', emit: sanger_files, optional: true                               // trace, ab1: address
    path 'signature_exposures.tsv', emit: signature_exposures, optional: true                 // signature, share
    path 'dose_response.tsv', emit: dose_response, optional: true                             // as the sheet, condition_role behind condition
    path 'comparisons.tsv', emit: comparisons, optional: true                                 // as the sheet
    path 'assays.tsv', emit: assays, optional: true                                           // as the sheet, role behind condition
    path 'qpcr.tsv', emit: qpcr, optional: true                                               // as the sheet, condition_role behind condition
    path 'patients.tsv', emit: patients, optional: true                                       // as the sheet, with its further columns
    path 'cohorts.tsv', emit: cohorts, optional: true                                         // cohort, genome_build, maf, sbs96 (numbers of files)
    path 'cohort_files.tsv', emit: cohort_files, optional: true                               // kind (maf, sbs96), number, uri
    path 'profiled.tsv', emit: profiled, optional: true                                       // cohort, sample, patient, panel; barcode (the sample in files) with --pseudonymise
    path 'panels.tsv', emit: panels, optional: true                                           // panel, specimen, normal, gene, chrom, start, end: a row a gene or region
    path 'panel_genes.txt', emit: panel_genes, optional: true                                 // a gene a row
    path '{target_genes,loci,skipping,domains,hotspots,gene_aliases}.tsv', emit: assets, optional: true    // as the schemas of the sheets have them
    path 'rules.yml', emit: rules, optional: true                                             // as given: evidence, thresholds, points, order
    path 'gene_panels.tsv', emit: gene_panels, optional: true                                 // panel, gene_name, source
    path 'gene_sets/*.gmt', emit: gene_sets, optional: true                                   // a file a collection
    path 'params.json'                                                                        // { parameter: value }: those that are not the default
    path 'rerun.sh', emit: again                                                              // the command that runs the same again
    tuple val('check_inputs'), path('{inputs,plan,notes}.tsv'), topic: published
    tuple val('pipeline_info'), path('{params.json,rerun.sh}'), topic: published
    path 'versions.tsv', topic: versions

    script:
    """
    check_inputs.py \\
        --values ${values} \\
        --schema ${schema} \\
        --sheets sheets
    """

    stub:
    """
    touch {inputs,notes,parameters,samples,counts,contrasts,amplicons,primers,sanger,dose_response,assays,qpcr,patients,cohorts,profiled,panels,target_genes,loci,skipping,domains,hotspots,gene_aliases,gene_panels,versions}.tsv panel_genes.txt rules.yml params.json rerun.sh
    mkdir gene_sets
    touch gene_sets/stub.gmt
    printf '%s\\t%s\\n' analysis planned mmc_candidates yes trim_reads yes quantify_transcripts yes align_rna yes locus_genotype yes align_amplicons yes sanger_confirmation yes annotate_variants yes biomarker_cutoff yes survival yes patient_table yes harmonise_mutations yes mutation_matrix yes > plan.tsv
    printf '%s\\t%s\\t%s\\t%s\\n' sample fastq_1 fastq_2 bam a "\$PWD/${schema}" "" "" b "" "" "\$PWD/${schema}" > rnaseq.tsv
    printf '%s\\t%s\\t%s\\n' sample fastq_1 fastq_2 a "\$PWD/${schema}" "\$PWD/${schema}" > amplicon_files.tsv
    printf '%s\\t%s\\n' trace ab1 1 "\$PWD/${schema}" > sanger_files.tsv
    printf '%s\\t%s\\t%s\\n' kind number uri maf 1 "\$PWD/${schema}" > cohort_files.tsv
    """
}
