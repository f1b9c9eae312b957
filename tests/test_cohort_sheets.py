"""The gate on cohorts: mutations, profiled samples, panels."""

import gzip

import pytest
from common.signature_tables import CONTEXTS
from gate import Gate

COHORTS = (
    "cohort,maf,samples,genome_build,sbs96\n"
    "TCGA,tcga.maf.gz,tcga.tsv,GRCh37,\nC-CAT,ccat.maf,ccat.csv,GRCh38,\n"
)
MAF = [
    "Hugo_Symbol\tNCBI_Build\tChromosome\tStart_Position\tReference_Allele\tTumor_Seq_Allele2\tVariant_Classification"
    "\tTumor_Sample_Barcode",
    "KEAP1\tGRCh37\t19\t100\tC\tT\tMissense_Mutation\tT1",
    "NFE2L2\tGRCh37\t2\t200\tG\tA\tMissense_Mutation\tT2",
]
OTHER = [
    "#version 2.4",
    "Hugo_Symbol\tChromosome\tStart_position\tReference_Allele\tTumor_Seq_Allele2\tProtein_Change"
    "\tTumor_Sample_Barcode",
    "KEAP1\tchr19\t100\tC\tT\tp.V512I\tC1",
]
FILES = {
    "cohorts.csv": COHORTS,
    "tcga.maf.gz": gzip.compress("\n".join([*MAF, ""]).encode()),
    "tcga.tsv": "sample\tpatient\tpanel\nT1\tA\t\nT2\tB\t\nT3\tB\t\n",
    "ccat.maf": "\n".join([*OTHER, ""]),
    "ccat.csv": "sample,panel\nC1,F1\nC2,G360\n",
    "panels.csv": "panel,file,specimen,normal\nF1,f1.txt,tissue,matched\nG360,g.bed,liquid,none\n",
    "f1.txt": "# of a panel\nGene\nKEAP1\nNFE2L2\nKEAP1\n",
    "g.bed": "track name=a\nchr2\t100\t300\tNFE2L2\nchr2\t400\t500\n",
    "genes.txt": "KEAP1\nTP53\n",
}
GIVEN = {"cohorts": "cohorts.csv", "panels": "panels.csv", "panel_genes": "genes.txt"}
NO_FASTA = "needs --fasta or a context column or sbs96"


@pytest.fixture
def gate(run_script, tmp_path) -> Gate:
    return Gate(run_script, tmp_path)


def said(gate: Gate, name: str = "", old: str = "", new: str = "", **given: object) -> list[str]:
    """What is said of the study with something replaced in one file."""
    text = FILES.get(name, "")
    text = gzip.decompress(text).decode() if isinstance(text, bytes) else text
    assert old in text
    changed = text.replace(old, new, 1)
    changed = gzip.compress(changed.encode()) if name.endswith(".gz") else changed
    return gate.say(FILES | ({name: changed} if name else {}), **GIVEN | given)


def plan(gate: Gate) -> dict[str, tuple[str, str]]:
    return {row["analysis"]: (row["planned"], row["reason"]) for row in gate.table("plan.tsv")}


def test_cohorts__are_passed_on_as_tables_with_the_numbers_of_their_files(gate):
    assert said(gate) == []
    assert [tuple(row.values()) for row in gate.table("cohorts.tsv")] == [
        ("TCGA", "GRCh37", "1", ""),
        ("C-CAT", "GRCh38", "2", ""),
    ]
    assert [tuple(row.values()) for row in gate.table("cohort_files.tsv")] == [
        ("maf", "1", "/study/tcga.maf.gz"),
        ("maf", "2", "/study/ccat.maf"),
    ]
    assert [tuple(row.values()) for row in gate.table("profiled.tsv")] == [
        *(("TCGA", "T1", "A", ""), ("TCGA", "T2", "B", ""), ("TCGA", "T3", "B", "")),
        *(("C-CAT", "C1", "C1", "F1"), ("C-CAT", "C2", "C2", "G360")),
    ]
    assert [tuple(row.values()) for row in gate.table("panels.tsv")] == [
        *(("F1", "tissue", "matched", gene, "", "", "") for gene in ("KEAP1", "NFE2L2")),
        ("G360", "liquid", "none", "NFE2L2", "chr2", "100", "300"),
        ("G360", "liquid", "none", "", "chr2", "400", "500"),
    ]
    assert (gate.results / "panel_genes.txt").read_text() == "KEAP1\nTP53\n"
    inputs = {row["path"]: row["sha256"] for row in gate.table("inputs.tsv")}
    assert len(inputs["tcga.maf.gz"]) == len(inputs["g.bed"]) == 64
    assert "cohorts.csv: cohorts of GRCh37 and GRCh38: --fasta can serve one of them" in gate.notes()


def test_cohorts__are_analysed_as_far_as_their_files_go(gate):
    assert said(gate) == []
    for analysis in ("harmonise_mutations", "mutation_frequency", "cohort_lollipop"):
        assert plan(gate)[analysis] == ("yes", "cohorts and MAF given")
    assert plan(gate)["mutation_matrix"] == plan(gate)["mutational_signatures"] == ("no", NO_FASTA)
    files = FILES | {
        "ccat.maf": "\n".join(
            f"{row}\t{value}" for row, value in zip(OTHER[1:], ("CONTEXT", "ACG"), strict=True)
        )
    }
    assert gate.say(files, **GIVEN) == []
    assert plan(gate)["mutation_matrix"][0] == "yes"


def test_cohorts__may_be_ready_matrices(gate):
    matrix = "MutationType,S1,S2\n" + "".join(f"{context},1,0\n" for context in CONTEXTS)
    files = {"cohorts.csv": "cohort,genome_build,sbs96\nX,GRCh37,m.csv\n", "m.csv": matrix}
    assert gate.say(files, cohorts="cohorts.csv") == []
    assert [tuple(row.values()) for row in gate.table("cohorts.tsv")] == [("X", "GRCh37", "", "1")]
    assert [row["sample"] for row in gate.table("profiled.tsv")] == ["S1", "S2"]
    assert plan(gate)["harmonise_mutations"] == ("no", "MAF not given")
    assert plan(gate)["mutational_signatures"][0] == "yes"

    lines = gate.say(files | {"m.csv": matrix.replace("A[C>A]A,1", "A[C>A]A,-1")}, cohorts="cohorts.csv")
    assert lines == ["m.csv, row 2: found '-1'; expected a count of mutations for each sample"]
    lines = gate.say(files | {"m.csv": matrix.replace("A[C>A]A", "ACA")}, cohorts="cohorts.csv")
    assert lines == [
        "m.csv, MutationType: found 1 of the 96 contexts missing (A[C>A]A); expected each of the 96, such as "
        "A[C>A]A, once"
    ]
    lines = gate.say(files | {"m.csv": "sample,A[C>A]A\nS1,3\n"}, cohorts="cohorts.csv")
    assert [line.split(";")[0] for line in lines] == ["m.csv, row 1: found 'sample'"]


@pytest.mark.parametrize(
    ("name", "old", "new", "found"),
    [
        ("cohorts.csv", "tcga.maf.gz", "other.maf", "cohorts.csv, row 2, maf: found no file other.maf"),
        ("cohorts.csv", "tcga.maf.gz", "", "cohorts.csv, row 2, maf: found nothing, and no sbs96"),
        ("cohorts.csv", "tcga.tsv", "", "cohorts.csv, row 2, samples: found nothing, with a MAF"),
        ("cohorts.csv", "GRCh37", "hg19", "cohorts.csv, row 2, genome_build: found 'hg19'"),
        ("cohorts.csv", "GRCh37", "GRCh38", "tcga.maf.gz, NCBI_Build: found 'GRCh37' in 2 rows"),
        ("cohorts.csv", "C-CAT", "pooled", "cohorts.csv, row 3, cohort: found 'pooled'"),
        ("cohorts.csv", "C-CAT", "KEAP1", "cohorts.csv, row 3, cohort: found 'KEAP1'"),
        ("cohorts.csv", "C-CAT", "TCGA", "cohorts.csv, row 3, cohort: found 'TCGA', as in row 2"),
        (
            *("tcga.tsv", "T2\tB", "T4\tB"),
            "tcga.maf.gz, Tumor_Sample_Barcode: found T2, with 1 mutations",
        ),
        ("tcga.tsv", "T3\tB", "T2\tB", "tcga.tsv, row 4, sample: found 'T2', as in row 3"),
        (
            *("tcga.maf.gz", "Reference_Allele", "Allele"),
            "tcga.maf.gz, header, Reference_Allele: found no such column among Hugo_Symbol",
        ),
        (
            *("ccat.maf", "Protein_Change", "Change"),
            "ccat.maf, header, Variant_Classification: found no such column among Hugo_Symbol",
        ),
        ("ccat.maf", "\n".join(OTHER[2:]), "", "ccat.maf: found no row below the header"),
        ("ccat.maf", FILES["ccat.maf"], "", "cohorts.csv, row 3, maf: found an empty file ccat.maf"),
        ("ccat.csv", "F1", "F2", "ccat.csv, row 2, panel: found 'F2'"),
        ("panels.csv", "liquid", "blood", "panels.csv, row 3, specimen: found 'blood'"),
        ("panels.csv", "f1.txt", "f2.txt", "panels.csv, row 2, file: found no file f2.txt"),
        ("f1.txt", "NFE2L2", "NFE2L2 (NRF2)", "f1.txt, row 4: found 'NFE2L2 (NRF2)'"),
        ("g.bed", "100\t300", "300\t100", "g.bed, row 2: found '300' and '100'"),
        ("g.bed", "\tNFE2L2", "", "g.bed: found no gene in the fourth column"),
        ("genes.txt", "TP53", "$TP53", "genes.txt, row 2: found '$TP53'"),
    ],
)
def test_cohorts__are_refused_with_the_place_of_what_is_wrong(gate, name, old, new, found):
    lines = said(gate, name, old, new)
    assert lines[0].startswith(found)
    assert len(lines) == 1


def test_panels__are_given_with_cohorts_and_known(gate):
    lines = said(gate, cohorts=None)
    assert [line.split(":")[0] for line in lines] == ["--cohorts"]
    lines = said(gate, panels=None)
    assert lines == [
        f"ccat.csv, row {row}, panel: found '{panel}'; expected --panels, with its genes"
        for row, panel in ((2, "F1"), (3, "G360"))
    ]
    assert said(gate, "panels.csv", "G360,g.bed,liquid,none", "G360,g.bed,liquid,none\nF9,f1.txt,,") == []
    assert "panels.csv: no sample has panel F9" in gate.notes()
