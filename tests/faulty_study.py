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
    "rnaseq.csv, row 1, replicate: found no such column among sample, line, condition, replciate "
    "(perhaps replciate is it); expected",
    "rnaseq.csv, row 3, condition: found 'Parental' (perhaps parental); expected one of parental, resistant",
    "rnaseq.csv, row 4, line: found nothing; expected the name of a cell line",
    "rnaseq.csv, row 6, sample: found 'A.P1', as in row 2; expected another in each row",
    "rnaseq.csv, row 7, sample: found 'C.P1', but no such column in counts.csv.gz",
    "rnaseq.csv, row 8: found 3 fields; expected 4, as in the header",
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
    "contrasts.tsv, row 5, target: found 'parental', as reference; expected another condition",
    "contrasts.tsv, row 6, lines: found B with one condition only; expected both in each line",
    "panels.csv, row 3, gene_name: found nothing; expected the symbol of a gene",
    "sets.gmt, row 2, genes: found 'EMPTY' without genes; expected name, description and genes",
    "sets.gmt, row 3, name: found 'ONE', as in row 1; expected another in each row",
    "sets.gmt, all rows, genes: found 2 genes, none of them in counts.csv.gz",
)


def write_faulty_study(folder: Path) -> dict[str, object]:
    """Write its files to a folder; return the parameters to give, their paths relative to the folder."""
    (folder / "rnaseq.csv").write_text(
        "sample,line,condition,replciate\n"
        "A.P1,A,parental,1\n"
        "A.P2,A,Parental,2\n"
        "A.CR1,,resistant,1\n"
        "B.P1,B,parental,1\n"
        "A.P1,A,resistant,1\n"
        "C.P1,A,resistant,2\n"
        "C.P2,C,parental\n"
    )
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
        "same\tparental\tparental\tA\t\n"
        "one_sided\tparental\tresistant\tA;B\tline\n"
    )
    (folder / "panels.csv").write_text("panel,gene_name\nx,NQO1\nx,\n")
    (folder / "sets.gmt").write_text("ONE\tdescription\t11\t12\nEMPTY\tdescription\nONE\tdescription\t11\n")
    return {
        "rnaseq": "rnaseq.csv",
        "counts": "counts.csv.gz",
        "contrasts": "contrasts.tsv",
        "gene_sets": "sets.gmt,absent.gmt",
        "gene_panels": "panels.csv",
        "permutatoins": 10,
        "q_value_max": 5,
        "gsea_ranking": "fold",
        "gene_set_min": 600,
    }
