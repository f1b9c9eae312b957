"""With --pseudonymise no result tells who a patient is, or where the user's files lie."""

import gzip
import json
import re
from pathlib import Path

import pytest
from common.file_names import without_names
from common.pseudonyms import Pseudonyms
from common.signature_tables import CONTEXTS
from common.tables import read_table
from conftest import ROOT
from gate import Gate
from harmonise_mutations import main as harmonise
from mutation_matrix import main as count_matrix

FOLDER = "klinik_geheim"
PATIENTS = ["MRN7X", "Mueller", "MRN72X", "mueller2", "41"]
SHEET = "patient,score,recurrence,os_months,os_event,sex\n" + "".join(
    f"{name},{10 * place},{place % 2},{12 * place},{place % 2},{'fm'[place % 2]}\n"
    for place, name in enumerate(PATIENTS, start=1)
)
BARCODES = ["TCGA-ZQ-0001-06A", "TCGA-ZQ-0001-01A", "Mueller", "WVB-3"]
LISTED = "sample,patient,panel\n" + "".join(
    f"{row},\n"
    for row in ("TCGA-ZQ-0001-06A,TCGA-ZQ-0001", "TCGA-ZQ-0001-01A,TCGA-ZQ-0001", "Mueller,", "WVB-3,MRN7X")
)
MAF = (
    "Hugo_Symbol\tChromosome\tStart_Position\tReference_Allele\tTumor_Seq_Allele2\tVariant_Classification"
    "\tTumor_Sample_Barcode\tHGVSp_Short\tFILTER\n"
) + "".join(
    f"KEAP1\t19\t{100 + 10 * place}\tC\tT\tMissense_Mutation\t{barcode}\tp.V{place}I\t{flag}\n"
    for place, (barcode, flag) in enumerate(zip(BARCODES * 2, ["PASS"] * 6 + ["oxog", "PASS"], strict=True))
)
READY = "MutationType\tRDY-A9\tRDY-B9\n" + "".join(
    f"{context}\t{n}\t1\n" for n, context in enumerate(CONTEXTS)
)
COHORTS = "cohort,maf,samples,genome_build,sbs96\nZ,z_mueller.maf,z.csv,GRCh38,\nR,,,GRCh38,r_mueller.txt\n"
# Two tumours among the lines: one called as a patient, and one as a patient of a cohort only.
LINES = {"A": "A", "Mueller": "P002", "TCGA-ZQ-0001": "Z.P0001"}
SAMPLES = [
    (
        f"{line}-{code}{replicate}" if line != "Mueller" else f"lab9{code}{replicate}",
        line,
        condition,
        replicate,
    )
    for line in LINES
    for code, condition in (("p", "parental"), ("r", "resistant"))
    for replicate in (1, 2)
]
RNASEQ = "sample,line,condition,replicate,donor\n" + "".join(
    f"{sample},{line},{condition},{replicate},{line}\n" for sample, line, condition, replicate in SAMPLES
)
COUNTS = "".join(
    "\t".join(map(str, row)) + "\n"
    for row in (
        ["gene_id", *(sample for sample, *_ in SAMPLES)],
        ["NQO1", *range(10, 10 + len(SAMPLES))],
        ["GCLC", *[5] * len(SAMPLES)],
    )
)
CONTRASTS = (
    "contrast,reference,target,lines,blocking\n"
    "mueller-own,parental,resistant,Mueller,\nboth,parental,resistant,A;TCGA-ZQ-0001,line\n"
)
ASSAYS = "assay,line,condition,replicate,value,normaliser\n" + "".join(
    f"are_reporter,{line},{condition},{replicate},{10 + replicate},2\n"
    for line in LINES
    for condition in ("parental", "resistant")
    for replicate in (1, 2)
)
PLATES = "experiment,plate,well,line,condition,compound,dose,dose_unit,response,role\n" + "".join(
    f"1,mueller_1,A{column},Mueller,parental,cisplatin,{dose},uM,{1 / (1 + dose):.3f},sample\n"
    for column, dose in enumerate((1, 2, 4, 8), start=1)
)
FILES = {
    f"{FOLDER}/patients.csv": SHEET,
    f"{FOLDER}/cohorts.csv": COHORTS,
    "z_mueller.maf": MAF,
    "z.csv": LISTED,
    "r_mueller.txt": READY,
    f"{FOLDER}/rnaseq_Mueller.csv": RNASEQ,
    f"{FOLDER}/counts.tsv": COUNTS,
    f"{FOLDER}/contrasts.csv": CONTRASTS,
    f"{FOLDER}/assays.csv": ASSAYS,
    f"{FOLDER}/plates.csv": PLATES,
}
GIVEN = {
    **{"patients": f"{FOLDER}/patients.csv", "cohorts": f"{FOLDER}/cohorts.csv"},
    **{"rnaseq": f"{FOLDER}/rnaseq_Mueller.csv", "counts": f"{FOLDER}/counts.tsv"},
    **{"contrasts": f"{FOLDER}/contrasts.csv", "assays": f"{FOLDER}/assays.csv"},
    "dose_response": f"{FOLDER}/plates.csv",
}
SECRET = re.compile(r"mrn7|m.?eller|tcga-zq|wvb-3|rdy-|lab9|klinik_geheim", re.IGNORECASE)
# What only tasks see: addresses of files, and what the files of cohorts call their samples.
UNPUBLISHED = {"rnaseq.tsv", "cohort_files.tsv", "profiled.tsv"}


@pytest.fixture
def gate(run_script, tmp_path) -> Gate:
    gate = Gate(run_script, tmp_path)
    assert gate.say(FILES, **GIVEN, pseudonymise=True) == []
    return gate


def told(folder: Path) -> list[str]:
    """Where in files, also compressed ones, something is said that must not be."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in UNPUBLISHED):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        found += [
            f"{path.name}: {word}"
            for word in SECRET.findall(f"{path.name} {content.decode(errors='replace')}")
        ]
    return found


def test_gate__tells_no_name_and_no_folder(gate):
    assert told(gate.results) == []
    assert {row["path"] for row in gate.table("inputs.tsv")} >= {
        "patients.csv",
        "rnaseq_P002.csv",
        "z_P002.maf",
    }
    assert "patients.csv: patients have pseudonyms: P001 is the first below the header" in gate.notes()


def test_gate__what_runs_the_same_again_has_no_folder(gate):
    given = json.loads((gate.results / "params.json").read_text())
    assert (given["rnaseq"], given["patients"], given["pseudonymise"]) == (
        "rnaseq_P002.csv",
        "patients.csv",
        True,
    )


def test_gate__a_name_has_one_pseudonym_in_all_sheets(gate):
    assert [row["patient"] for row in gate.table("patients.tsv")] == ["P001", "P002", "P003", "P004", "P005"]
    samples = gate.table("samples.tsv")
    assert list(dict.fromkeys(row["line"] for row in samples)) == list(LINES.values())
    assert list(dict.fromkeys(row["donor"] for row in samples)) == list(LINES.values())
    assert [row["sample"] for row in samples][:2] == ["A-p1", "A-p2"]
    assert [row["sample"] for row in samples][4:9] == ["P002.1", "P002.2", "P002.3", "P002.4", "Z.P0001.1"]
    assert list(gate.table("counts.tsv")[0])[2:] == [row["sample"] for row in samples]
    assert [list(row.values()) for row in gate.table("contrasts.tsv")] == [
        ["P002-own", "parental", "resistant", "P002", ""],
        ["both", "parental", "resistant", "A;Z.P0001", "line"],
    ]
    assert {row["line"] for row in gate.table("assays.tsv")} == set(LINES.values())
    assert {(row["plate"], row["line"]) for row in gate.table("dose_response.tsv")} == {("P002_1", "P002")}
    assert [list(row.values()) for row in gate.table("profiled.tsv")] == [
        ["Z", "Z.S0001", "Z.P0001", "", "TCGA-ZQ-0001-06A"],
        ["Z", "Z.S0002", "Z.P0001", "", "TCGA-ZQ-0001-01A"],
        ["Z", "P002", "P002", "", "Mueller"],
        ["Z", "Z.S0004", "P001", "", "WVB-3"],
        ["R", "R.S0001", "R.S0001", "", "RDY-A9"],
        ["R", "R.S0002", "R.S0002", "", "RDY-B9"],
    ]


def by_hand(folder: Path, new: Path, names: dict[str, str]) -> Path:
    """Put names into all tables of a folder, word by word; leave out what the pseudonyms' own is."""
    new.mkdir()
    for path in (path for path in folder.glob("*.ts*") if path.name != "inputs.tsv"):
        text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
        words = re.split(r"([\t\n ;])", re.sub(r"\tbarcode$|(?<=\n)[^\n]+pseudonyms[^\n]+\n", "", text))
        (new / path.name).write_text("".join(names.get(word, word) for word in words))
    return new


def test_gate__changes_nothing_but_names(gate, tmp_path, run_script):
    plain = Gate(run_script, tmp_path / "plain")
    plain.folder.mkdir()
    assert plain.say(FILES, **GIVEN) == []
    names = {row["barcode"]: row["sample"] for row in gate.table("profiled.tsv")} | LINES
    names |= {name: f"P00{place}" for place, name in enumerate(PATIENTS[:4], start=1)}
    names |= {f"lab9{code}": f"P002.{place}" for place, code in enumerate(("p1", "p2", "r1", "r2"), start=1)}
    names |= {
        f"TCGA-ZQ-0001-{code}": f"Z.P0001.{n}" for n, code in enumerate(("p1", "p2", "r1", "r2"), start=1)
    }
    names |= {"mueller-own": "P002-own", "mueller_1": "P002_1", "rnaseq_Mueller.csv": "rnaseq_P002.csv"}
    expected = by_hand(plain.results, tmp_path / "expected", names)
    found = by_hand(gate.results, tmp_path / "found", {})
    for path in expected.iterdir():
        if path.name not in UNPUBLISHED:
            text = (
                path.read_text().replace("\n41\t", "\nP005\t")
                if path.stem == "patients"
                else path.read_text()
            )
            assert (found / path.name).read_text() == text, path.name
    assert "barcode" not in plain.table("profiled.tsv")[0]
    assert "pseudonym" not in "".join(plain.notes())


def run_cohorts(gate: Gate, folder: Path, run_script) -> Path:
    """Harmonise and count the mutations of what the gate wrote; returns the folder of both results."""
    for number, content in (("1", MAF), ("none", "")):
        path = folder / f"mafs/{number}/mueller.maf"
        path.parent.mkdir(parents=True)
        path.write_text(content)
    (folder / "sbs96/1").mkdir(parents=True)
    (folder / "sbs96/1/m.txt").write_text(READY)
    shared = {"cohorts": gate.results / "cohorts.tsv", "profiled": gate.results / "profiled.tsv"}
    shared |= {"panels": folder / "none", "gene_aliases": gate.results / "gene_aliases.tsv"}
    targets, done = gate.results / "target_genes.tsv", folder / "results"
    (done / "h").mkdir(parents=True)
    first = run_script(harmonise, **shared, target_genes=targets, mafs=folder / "mafs", results=done / "h")
    assert first.exit_code == 0, first.output
    empty = dict.fromkeys(["panel_genes", "genome", "annotation"], folder / "none")
    second = run_script(
        count_matrix,
        **shared,
        **empty,
        mutations=done / "h",
        matrices=folder / "sbs96",
        bootstraps=100,
        results=done / "m",
    )
    assert second.exit_code == 0, second.output
    return done


def test_mutations__are_those_of_the_same_tumours_under_other_names(gate, tmp_path, run_script):
    plain = Gate(run_script, tmp_path / "plain")
    plain.folder.mkdir()
    assert plain.say(FILES, **GIVEN) == []
    hidden = run_cohorts(gate, tmp_path / "a", run_script)
    shown = run_cohorts(plain, tmp_path / "b", run_script)
    assert told(hidden) == []
    assert told(shown) != []
    table = gate.table("profiled.tsv")
    names = {row["barcode"]: row["sample"] for row in table}
    names |= {"TCGA-ZQ-0001": "Z.P0001", "MRN7X": "P001"}
    for folder in ("h", "m"):
        expected = by_hand(shown / folder, tmp_path / f"{folder}_expected", names)
        found = by_hand(hidden / folder, tmp_path / f"{folder}_found", {})
        for path in expected.iterdir():
            assert (found / path.name).read_text() == path.read_text(), path.name
    # The barcode, which no result has, still tells the primary tumour from the metastasis.
    samples = read_table(hidden / "h/samples.tsv", {"sample": "str", "status": "str"})
    assert dict(zip(samples["sample"], samples.status, strict=True))["Z.S0001"] == "other_sample_of_patient"


def test_harmonise__a_sample_that_is_not_listed_has_no_name_either(gate, tmp_path, run_script):
    profiled = gate.results / "profiled.tsv"
    lines = profiled.read_text().splitlines(keepends=True)
    profiled.write_text("".join(line for line in lines if "WVB-3" not in line))
    assert told(run_cohorts(gate, tmp_path / "a", run_script)) == []
    dropped = (tmp_path / "a/results/h/dropped.tsv").read_text()
    assert "not in the list of samples: not_listed.1\n" in dropped


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("A-p1,A,", "A-p1,P003,", "rnaseq_P002.csv, row 2, line: found 'P003'; expected another name: with"),
        (
            "A-p1,A,",
            "P002.1,A,",
            "rnaseq_P002.csv, row 2, sample: found 'P002.1'; expected another name: with",
        ),
    ],
)
def test_gate__a_name_that_would_be_a_patients_pseudonym_is_a_problem(
    run_script, tmp_path, old, new, problem
):
    name = f"{FOLDER}/rnaseq_Mueller.csv"
    changed = FILES | {
        name: FILES[name].replace(old, new),
        f"{FOLDER}/counts.tsv": COUNTS.replace("A-p1", new.split(",")[0]),
    }
    found = Gate(run_script, tmp_path).say(changed, **GIVEN, pseudonymise="true")
    assert found[0].startswith(problem)


def test_gate__files_of_one_name_are_told_apart_without_their_folders(run_script, tmp_path):
    gate = Gate(run_script, tmp_path)
    files = {f"{FOLDER}/a/x.csv": SHEET, f"{FOLDER}/b/x.csv": ASSAYS.replace("TCGA-ZQ-0001", "B")}
    given = {"patients": f"{FOLDER}/a/x.csv", "assays": f"{FOLDER}/b/x.csv"}
    assert gate.say(files, **given, pseudonymise=True) == []
    assert told(gate.results) == []
    assert "patients/x.csv: patients have pseudonyms: P001 is the first below the header" in gate.notes()


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("MRN7X", "P1"), ("mrn7x-day0", "P1-day0"), ("exp.MRN7X.2", "exp.P1.2"), ("MRN7X2", "P12"),
        ("MRN7XL", "MRN7XL"), ("MRN77X", "MRN77X"), ("xMRN7X", "xMRN7X"), ("41", "41"), ("p 41", "p 41"),
        ("T1", "T1"), ("a+b(MRN8.1)", "a+b(P4)"), ("MRN8x1", "MRN8x1"),
    ],
)  # fmt: skip
def test_within__finds_ids_that_are_no_part_of_longer_words(text, called):
    pseudonyms = Pseudonyms(["MRN7X", "41", "T1", "MRN8.1"], [])
    pseudonyms.told = {name: re.sub("P0+", "P", pseudonym) for name, pseudonym in pseudonyms.told.items()}
    pseudonyms.names = {}
    assert pseudonyms.within(text) == called


def test_pseudonyms__thousands_of_patients_have_names_of_one_length():
    names = list(Pseudonyms([f"p{number}" for number in range(1200)], []).names.values())
    assert (names[0], names[-1]) == ("P0001", "P1200")


def test_without_names__replaces_the_longer_name_first():
    words = {"a.bam": "the alignment", "a.bam.bai": "its index"}
    assert without_names("a.bam.bai is older than a.bam", words) == "its index is older than the alignment"
    assert ROOT.name not in without_names(ROOT.name, {ROOT.name: "x"})
