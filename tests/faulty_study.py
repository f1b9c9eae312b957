"""A study with a fault in everything, and how each line that a run must say of it begins."""

import gzip
from pathlib import Path

# Of each fault: where it is, and what is found there.
FAULTS = (
    "--permutatoins: found no such parameter; expected --gsea_permutations",
    "--q_value_max: found 5; expected the false discovery rate",
    "--gsea_ranking: found 'fold'; expected what ranks the genes",
    "--gene_set_min: found 600, more than --gene_set_max 500; expected the smallest gene set",
    "--gene_sets: found no file absent.gmt; expected GMT files",
    "--fasta: found a folder genome.fa; expected the genome's FASTA file",
    "--gtf: found no file absent.gtf; expected the genome's annotation",
    "--star_index: found a file star.txt; expected the folder of a STAR index",
    "rnaseq.csv, row 1, replicate: found no such column among sample, line, condition, replciate, ",
    "rnaseq.csv, row 3, condition: found 'Parental' (perhaps parental); expected one of parental, resistant",
    "rnaseq.csv, row 4, line: found nothing; expected the name of a cell line",
    "rnaseq.csv, row 6, sample, fastq_1: found 'A.P1', 'reads/A.fq', as in row 2; expected another in each r",
    "rnaseq.csv, row 6, condition: found 'resistant' for A.P1, which has 'parental' in row 2; expected the s",
    "rnaseq.csv, row 3, fastq_1: found no file reads/absent.fastq.gz; expected a file with reads",
    "rnaseq.csv, row 4, fastq_1: found an empty file reads/empty.fq; expected a file with reads",
    "rnaseq.csv, row 5, fastq_1: found 'reads/A.fq', as fastq_1 in row 2; expected each file once",
    "rnaseq.csv, row 7, fastq_1: found nothing, with fastq_2; expected the first reads of each pair",
    "rnaseq.csv, row 4, strandedness: found 'sense'; expected auto (or empty), unstranded, forward or revers",
    "rnaseq.csv, row 5, bam: found 'B.sam'; expected a BAM or CRAM file",
    "rnaseq.csv, row 7, sample: found 'C.P1', but no such column in counts.csv.gz",
    "rnaseq.csv, row 8: found 3 fields; expected 8, as in the header",
    "counts.csv.gz, row 1, stray: found no such sample in rnaseq.csv; expected a row of rnaseq.csv",
    "counts.csv.gz, row 2, A.P1: found '-3' (negative); expected a number of reads",
    "counts.csv.gz, row 2, A.P2: found '1.5' (fractional); expected a number of reads",
    "counts.csv.gz, row 2, A.CR1: found 'NaN' (not a number); expected a number of reads",
    "counts.csv.gz, row 3, A.P1: found nothing (empty); expected a number of reads",
    "counts.csv.gz, row 4, gene_id: found 'g1', as in row 2; expected another in each row",
    "counts.csv.gz, row 5, gene_id: found nothing; expected the name of a gene",
    "counts.csv.gz, row 6, gene_id: found '__no_feature', a total of the counting program",
    "counts.csv.gz, all rows, B.P1: found 0 in every gene; expected a sample with reads",
    "contrasts.tsv, row 2, target: found 'resistent' (perhaps resistant); expected a condition of rnaseq.csv",
    "contrasts.tsv, row 3, lines: found 'Z'; expected lines of rnaseq.csv",
    "contrasts.tsv, row 4, blocking: found 'batch'; expected none, or a column of rnaseq.csv",
    "contrasts.tsv, row 5, lines: found B with one condition only; expected both in each line",
    "panels.csv, row 3, gene_name: found nothing; expected the symbol of a gene",
    "targets.csv, row 2, cds_end: found 945, with cds_start 122: 824 bases; expected whole codons",
    "loci.tsv, row 2, gene: found 'NQO' (perhaps NQO1); expected a gene of targets.csv (--target_genes): NQO",
    "loci.tsv, row 3, hgvs_c: found 'P187S'; expected the variant in HGVS coding notation",
    "skipping.tsv, row 2, transcript: found 'NM_1' for NQO1; expected a transcript that the gene has in targ",
    "domains.tsv, row 2, end: found 10, with start 20; expected start, or more",
    "hotspots.tsv, row 2, change: found 'P187' for kind substitution; expected a change as R320Q",
    "patients.csv, row 2, os_event: found '2'; expected 1 if the patient died, 0 if alive",
    "cohorts.csv, row 2, maf: found no file absent.maf; expected a file, by its path from the sheet's folder",
    "sets.gmt, row 2, genes: found 'EMPTY' without genes; expected name, description and genes",
    "sets.gmt, all rows, genes: found 2 genes, none of them in counts.csv.gz",
)


def write_faulty_study(folder: Path) -> dict[str, object]:
    """Write its files to a folder; return the parameters to give, their paths relative to the folder."""
    (folder / "rnaseq.csv").write_text(
        "sample,line,condition,replciate,fastq_1,fastq_2,strandedness,bam\n"
        "A.P1,A,parental,1,reads/A.fq,,,\n"
        "A.P2,A,Parental,2,reads/absent.fastq.gz,,,\n"
        "A.CR1,,resistant,1,reads/empty.fq,,sense,\n"
        "B.P1,B,parental,1,reads/A.fq,,,B.sam\n"
        "A.P1,A,resistant,1,reads/A.fq,,,\n"
        "C.P1,A,resistant,2,,reads/C_2.fq,,\n"
        "C.P2,C,parental\n"
    )
    (folder / "reads").mkdir()
    for name, reads in {"A.fq": "@", "C_2.fq": "@", "empty.fq": ""}.items():
        (folder / "reads" / name).write_text(reads)
    (folder / "genome.fa").mkdir()
    (folder / "star.txt").write_text("an index")
    counts = (
        "gene_id,gene_name,A.P1,A.P2,A.CR1,B.P1,C.P2,stray\n"
        "g1,NQO1,-3,1.5,NaN,0,1,1\n"
        "g2,GCLC,,2,3,0,1,1\n"
        "g1,GCLM,1,2,3,0,1,1\n"
        ",TXN,1,2,3,0,1,1\n"
        "__no_feature,,1,2,3,0,1,1\n"
    )
    (folder / "counts.csv.gz").write_bytes(gzip.compress(counts.encode()))
    (folder / "contrasts.tsv").write_text(
        "contrast\treference\ttarget\tlines\tblocking\n"
        "misspelt\tparental\tresistent\tA\t\n"
        "nowhere\tparental\tresistant\tA;Z\t\n"
        "unblocked\tparental\tresistant\tA\tbatch\n"
        "one_sided\tparental\tresistant\tA;B\tline\n"
    )
    (folder / "targets.csv").write_text("gene,transcript,cds_start,cds_end\nNQO1,NM_000903,122,945\n")
    (folder / "loci.tsv").write_text(
        "gene\ttranscript\thgvs_c\teffect\n"
        "NQO\tNM_000903\tc.559C>T\tdeficient\n"
        "NQO1\tNM_000903\tP187S\tdeficient\n"
    )
    (folder / "skipping.tsv").write_text("gene\ttranscript\texon\nNQO1\tNM_1\t4\n")
    (folder / "domains.tsv").write_text("gene\tkind\tname\tstart\tend\nNQO1\tmotif\tx\t20\t10\n")
    (folder / "hotspots.tsv").write_text("gene\tkind\tchange\teffect\nNQO1\tsubstitution\tP187\tloss\n")
    (folder / "panels.csv").write_text("panel,gene_name\nx,NQO1\nx,\n")
    (folder / "patients.csv").write_text("patient,os_months,os_event\nP1,12,2\n")
    (folder / "cohorts.csv").write_text("cohort,maf,samples,genome_build\nX,absent.maf,x.tsv,GRCh38\n")
    (folder / "x.tsv").write_text("sample\nS1\n")
    (folder / "sets.gmt").write_text("ONE\tdescription\t11\t12\nEMPTY\tdescription\n")
    return {
        "rnaseq": "rnaseq.csv",
        "counts": "counts.csv.gz",
        "contrasts": "contrasts.tsv",
        "gene_sets": "sets.gmt,absent.gmt",
        "gene_panels": "panels.csv",
        "fasta": "genome.fa",
        "gtf": "absent.gtf",
        "star_index": "star.txt",
        "target_genes": "targets.csv",
        "loci": "loci.tsv",
        "skipping": "skipping.tsv",
        "domains": "domains.tsv",
        "hotspots": "hotspots.tsv",
        "patients": "patients.csv",
        "cohorts": "cohorts.csv",
        "permutatoins": 10,
        "q_value_max": 5,
        "gsea_ranking": "fold",
        "gene_set_min": 600,
    }
