import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from check_inputs import Contrast, check_contrast, main
from common.parameters import typed
from common.rerun import command_again
from common.sheets import BYTES, LINES, Problems, UnreadableError, lines_of, nearest
from common.tables import read_matrix
from conftest import REFERENCE_DATA, ROOT
from faulty_study import FAULTS, write_faulty_study
from gate import COUNTS, DEFAULTS, NAMES, RNASEQ, RUN, TAB, Gate
from jsonschema import Draft202012Validator


@pytest.fixture
def gate(run_script, tmp_path) -> Gate:
    return Gate(run_script, tmp_path)


def replaced(text: str, row: int, column: int, field: str, separator: str = ",") -> str:
    """Put a field into a row (1: the header) and column (from 0) of a sheet."""
    rows = [line.split(separator) for line in text.splitlines()]
    rows[row - 1][column] = field
    return "".join(separator.join(fields) + "\n" for fields in rows)


# --- what is right


def test_main__writes_the_study_as_tables(gate):
    assert gate.study(gene_sets="shipped") == []
    assert gate.table("samples.tsv")[2] == {
        "sample": "A.CR1", "line": "A", "condition": "resistant", "role": "target", "replicate": "1",
    }  # fmt: skip
    assert [list(row.values()) for row in gate.table("contrasts.tsv")] == [
        ["A.resistant_vs_parental", "parental", "resistant", "A", ""],
        ["B.resistant_vs_parental", "parental", "resistant", "B", ""],
        ["all.resistant_vs_parental", "parental", "resistant", "A;B", "line"],
    ]
    assert (gate.results / "counts.tsv").read_text() == COUNTS
    assert gate.table("gene_panels.tsv")[0].keys() == {"panel", "gene_name", "source"}


def test_main__records_every_file_and_every_parameter_that_bears_on_results(gate):
    assert gate.study(gene_sets="shipped", seed="7", projection_scale="false") == []
    inputs = {(row["sheet"], row["path"]): row["rows"] for row in gate.table("inputs.tsv")}
    assert inputs["rnaseq", "rnaseq.csv"] == "8"
    assert inputs["counts", "counts.tsv"] == "3"
    assert inputs["gene_sets", "wikipathways.gmt"] == "746"
    values = {row["parameter"]: row["value"] for row in gate.table("parameters.tsv")}
    assert values["seed"] == "7"
    assert values["projection_scale"] == "false"
    assert values["q_value_max"] == "0.05"
    assert not {"outdir", "rnaseq", "counts", "registry", "simulate"} & values.keys()


def test_main__writes_the_same_for_parameters_as_text_or_as_numbers(gate):
    assert gate.study() == []
    typed_values = (gate.results / "parameters.tsv").read_bytes()
    as_text = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in DEFAULTS.items()
        if value is not None and name not in ("gene_sets", "gene_panels")
    }
    assert gate.study(**as_text) == []
    assert (gate.results / "parameters.tsv").read_bytes() == typed_values


@pytest.mark.parametrize(
    ("write", "read"),
    [(json.dumps, json.loads), (yaml.safe_dump, yaml.safe_load)],
    ids=["JSON", "YAML"],
)
def test_main__takes_a_parameter_file_that_forms_make_of_the_schema(write, read, gate):
    """Every parameter of its type, null where there is no value: the schema holds for what is given."""
    wanted = {"score_cutoff": 82.5, "survival_horizon": 36, "strict": True, "common_contrasts": "3"}
    sheets = {"rnaseq": "rnaseq.csv", "counts": "counts.tsv"}
    empty = {"reference_group": "", "patients": "", "salmon_index": ""}  # fields of a form
    values = read(write(DEFAULTS | wanted | sheets | empty))
    schema = json.loads((ROOT / "nextflow_schema.json").read_text())
    Draft202012Validator(schema).validate(
        {name: value for name, value in values.items() if value not in (None, "")}
    )
    assert gate.say({"rnaseq.csv": RNASEQ, "counts.tsv": COUNTS}, **values) == []
    parameters = {row["parameter"]: row["value"] for row in gate.table("parameters.tsv")}
    assert {name: parameters[name] for name in wanted} == {
        "score_cutoff": "82.5", "survival_horizon": "36", "strict": "true", "common_contrasts": "3",
    }  # fmt: skip
    assert "reference_group" not in parameters


@pytest.mark.parametrize(
    "rnaseq",
    [
        "\ufeff" + RNASEQ,
        RNASEQ.replace("\n", "\r\n"),
        RNASEQ.replace("\n", "\r"),
        RNASEQ.replace(",", " ,  "),
        RNASEQ.replace("parental", '"parental"'),
        RNASEQ + "\n ,,,\n\n",
        RNASEQ.replace("\n", ",,\n"),
    ],
    ids=["byte order mark", "CRLF", "CR", "padding", "quotes", "blank rows", "empty columns"],
)
def test_main__takes_a_sheet_as_spreadsheets_and_editors_write_it(rnaseq, gate):
    assert gate.study() == []
    expected = (gate.results / "samples.tsv").read_bytes()
    assert gate.study(rnaseq) == []
    assert (gate.results / "samples.tsv").read_bytes() == expected


@pytest.mark.parametrize(
    "counts",
    [
        "\ufeff" + COUNTS.replace("\n", "\r\n"),
        COUNTS.replace("\t", " \t "),
        COUNTS.replace("\t", '"\t"').replace("\n", '"\n"').removesuffix('"').join(['"', ""]),
        "".join("\t".join(reversed(line.split("\t"))) + "\n" for line in COUNTS.splitlines()),
        COUNTS.replace("\t17\n", "\t17.0\n").replace("\t10\t", "\t1e+01\t").replace("\t6\t", "\t+6\t"),
        COUNTS.replace("\t7\n", "\t7.\n"),
    ],
    ids=["byte order mark and CRLF", "padding", "quotes", "other order", "whole numbers", "points"],
)
def test_main__takes_a_matrix_as_programs_write_it(counts, gate):
    assert gate.study(counts=counts) == []
    assert (gate.results / "counts.tsv").read_text() == COUNTS


def test_main__takes_sheets_with_commas_or_tabs_and_compressed_matrices(gate):
    files = {
        "s.tsv": RNASEQ.replace(",", TAB),
        "c.csv.gz": gzip.compress(COUNTS.replace("\t", ",").encode()),
    }
    assert gate.say(files, rnaseq="s.tsv", counts="c.csv.gz") == []
    assert (gate.results / "counts.tsv").read_text() == COUNTS


def test_main__keeps_names_that_look_like_something_else(gate):
    odd = dict(zip(NAMES, ["007", "1e5", "NA", "None", "nan", "TRUE", "1-2", "inf"], strict=True))
    rnaseq, counts = RNASEQ.replace(",A,", ",NA,"), COUNTS
    for name, other in odd.items():
        rnaseq, counts = rnaseq.replace(f"{name},", f"{other},"), counts.replace(name, other)
    assert gate.study(rnaseq, counts) == []
    assert [row["sample"] for row in gate.table("samples.tsv")] == list(odd.values())
    genes, values = read_matrix(gate.results / "counts.tsv", list(odd.values()))
    assert list(genes.gene_name) == ["NQO1", "GCLC", "ENSG00000023909.10"]
    assert values.loc["ENSG00000181019.13"].tolist() == list(range(8))
    assert gate.table("contrasts.tsv")[0]["contrast"] == "NA.resistant_vs_parental"


def test_main__keeps_further_columns_of_samples_and_says_what_it_ignores(gate):
    rnaseq = "".join(f"{line},{'batch' if n == 0 else n % 2}\n" for n, line in enumerate(RNASEQ.splitlines()))
    rows = "contrast,reference,target,lines,blocking,remark\nx,parental,resistant,A,batch,hm\n"
    assert gate.study(rnaseq, **{"contrasts.csv": rows}, contrasts="contrasts.csv") == []
    assert gate.table("samples.tsv")[0]["batch"] == "1"
    assert gate.notes() == [
        "rnaseq.csv: further columns, kept to block by: batch",
        "contrasts.csv: further columns, ignored: remark",
        "rnaseq.csv: line B is in no contrast: no contrast, but a place in every result per sample",
    ]
    assert gate.table("contrasts.tsv")[0]["blocking"] == "batch"


def test_main__lets_a_line_with_one_condition_pass_without_a_contrast(gate):
    rnaseq = "".join(line + "\n" for line in RNASEQ.splitlines() if not line.startswith("B.CR"))
    columns = [not name.startswith("B.CR") for name in ["gene_id", "gene_name", *NAMES]]
    counts = "".join(
        "\t".join(field for field, kept in zip(line.split("\t"), columns, strict=True) if kept) + "\n"
        for line in COUNTS.splitlines()
    )
    assert gate.study(rnaseq, counts) == []
    assert [row["contrast"] for row in gate.table("contrasts.tsv")] == ["A.resistant_vs_parental"]
    assert [row["line"] for row in gate.table("samples.tsv")] == ["A"] * 4 + ["B"] * 2
    assert gate.notes() == [
        "rnaseq.csv: line B has parental samples only: no contrast, but a place in every result per sample"
    ]


def test_main__names_collections_so_that_files_can_be_named_by_them(gate):
    gmt = "\ufeffS\t\t NQO1 \t\tGCLC\tNQO1\r\n\r\nT\td\tGCLC\r\n"
    assert gate.study(**{"my sets, v1.gmt".replace(",", ""): gmt}, gene_sets="my sets v1.gmt") == []
    assert (gate.results / "gene_sets/my_sets_v1.gmt").read_text() == "S\t\tNQO1\tGCLC\tNQO1\nT\td\tGCLC\n"
    assert gate.table("inputs.tsv")[2]["rows"] == "2"


def test_main__plans_no_enrichment_without_gene_sets(gate):
    assert gate.study(gene_sets="none") == []
    plan = {row["analysis"]: (row["planned"], row["reason"]) for row in gate.table("plan.tsv")}
    assert plan["gene_set_enrichment"] == plan["sample_enrichment"] == ("no", "gene_sets not given")
    assert plan["sample_projection"] == ("yes", "counts given")


def test_main__takes_a_simulated_study(gate):
    assert gate.study(simulate="small") == []
    assert gate.table("parameters.tsv")[0] == {"parameter": "simulate", "value": "small"}


@pytest.mark.parametrize(
    ("counts", "samples", "given"),
    [
        (
            "Li2008_LNCaP_gene_counts.tsv.gz",
            "Li2008_LNCaP_samples.csv",
            {"reference_condition": "mock", "target_condition": "dht"},
        ),
    ],
)
def test_main__takes_real_data(counts, samples, given, gate):
    folder = REFERENCE_DATA / "counts"
    files = {"s.csv": (folder / samples).read_bytes(), counts: (folder / counts).read_bytes()}
    assert gate.say(files, rnaseq="s.csv", counts=counts, gene_sets="shipped", **given) == []
    with gzip.open(folder / counts, "rt") as given_counts:
        assert (gate.results / "counts.tsv").read_text() == given_counts.read()


@pytest.mark.parametrize(
    "gmt", sorted((REFERENCE_DATA / "gene_sets").glob("*.gmt")), ids=lambda path: path.stem
)
def test_main__takes_real_gene_sets(gmt, gate):
    counts = COUNTS.replace(
        "GCLC", "1728" if gmt.stem == "wikipathways-20220610-gmt-Homo_sapiens" else "GCLC"
    )
    assert gate.study(counts=counts, **{gmt.name: gmt.read_bytes()}, gene_sets=gmt.name) == []
    sets = sum(1 for line in gmt.read_text().splitlines() if line)
    assert gate.table("inputs.tsv")[2]["rows"] == str(sets)


# --- parameters


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"permutatoins": 10}, "--permutatoins: found no such parameter; expected --gsea_permutations"),
        ({"geneSetMin": 10}, "--geneSetMin: found no such parameter; expected --gene_set_min"),
        ({"xyz": 1}, "--xyz: found no such parameter; expected one that --help lists"),
        ({"q_value_max": 1}, "--q_value_max: found 1; expected the false discovery rate below which"),
        ({"q_value_max": "nan"}, "--q_value_max: found 'nan'; expected"),
        ({"gsea_permutations": "1_000"}, "--gsea_permutations: found '1_000'; expected the number of"),
        ({"gsea_permutations": 99}, "--gsea_permutations: found 99; expected the number of"),
        ({"seed": 1.5}, "--seed: found 1.5; expected the seed"),
        ({"seed": None}, "--seed: found nothing; expected the seed"),
        ({"projection_scale": "maybe"}, "--projection_scale: found 'maybe'; expected true or false"),
        ({"ssgsea_dialect": "GSVA"}, "--ssgsea_dialect: found 'GSVA'; expected whose ssGSEA"),
        ({"gene_set_min": "600"}, "--gene_set_min: found 600, more than --gene_set_max 500; expected"),
        ({"target_condition": "parental"}, "--target_condition: found 'parental', as --reference_condition;"),
        ({"highlight_sets": "Alzheimer's"}, '--highlight_sets: found "Alzheimer\'s"; expected names'),
        ({"gene_panels": True}, "--gene_panels: found no value; expected a CSV or TSV sheet"),
        ({"contrasts": "absent.csv"}, "--contrasts: found no file absent.csv; expected a CSV or TSV sheet"),
        ({"gene_sets": "shipped,a.gmt"}, "--gene_sets: found no file a.gmt; expected GMT files"),
        ({"gene_sets": "a.txt"}, "--gene_sets: found 'a.txt'; expected GMT files"),
        ({"common_contrasts": 4}, "--common_contrasts: found 4; expected a number from 1"),
        (
            {"common_contrasts": "0"},
            "--common_contrasts: found 0; expected a number from 1",
        ),
        (
            {"common_contrasts": "A.resistant_vs_parental,b.resistant_vs_parental"},
            "--common_contrasts: found 'b.resistant_vs_parental' (perhaps B.resistant_vs_parental); expected",
        ),
    ],
)
def test_main__says_what_is_wrong_with_a_parameter(given, problem, gate):
    found = gate.study(**given)
    assert found[0].startswith(problem)
    assert len(found) == 1 or given.keys() & {"gene_sets"}


def test_main__blames_no_parameter_for_a_contrast_that_is_wrong(gate):
    rows = "x,parental,resistant,A,", "y,parental,resistant,Z,"
    (found,) = gate.contrasts(*rows, common_contrasts="x,y")
    assert found.startswith("contrasts.csv, row 3, lines: found 'Z'")


def test_main__takes_the_default_number_of_common_contrasts_with_one_contrast(gate):
    assert gate.contrasts("x,parental,resistant,A,") == []
    assert gate.contrasts("x,parental,resistant,A,", common_contrasts=3)[0].startswith(
        "--common_contrasts: found 3; expected a number from 1 to 1"
    )


def test_main__says_what_a_sheet_needs_beside_it(gate):
    (found,) = gate.say({"s.csv": RNASEQ}, rnaseq="s.csv")
    assert found.startswith(
        "--counts: found nothing, and no FASTQ or BAM file in s.csv; expected a CSV or TSV matrix of"
    )
    (found,) = gate.say({"c.tsv": COUNTS}, counts="c.tsv")
    assert found.startswith("--rnaseq: found nothing, with --counts; expected")


def test_main__refuses_a_simulation_beside_sheets_and_references(gate):
    given = {"simulate": "small", "counts": "x.tsv", "rnaseq": "x.csv", "gtf": "x.gtf"}
    inputs = {"parameters": DEFAULTS | given, "files": [], "tables": [], "references": [], "paths": []}
    (gate.folder / "values.json").write_text(json.dumps(inputs))
    schema = ROOT / "nextflow_schema.json"
    result = gate.run_script(main, values=gate.folder / "values.json", schema=schema, sheets=gate.folder)
    assert (
        "--simulate: found --rnaseq and --counts and --gtf as well; "
        "expected sheets and references, or a simulated study" in result.output
    )


def test_typed__turns_text_into_numbers_and_numbers_into_text_where_the_schema_says_so():
    integer, number, boolean, text = ({"type": kind} for kind in ("integer", "number", "boolean", "string"))
    assert [typed("7", integer), typed("1e3", integer), typed(2.0, integer)] == [7, 1000, 2]
    assert [typed("0.5", number), typed("inf", number), typed("1_0", number)] == [0.5, "inf", "1_0"]
    assert [typed("false", boolean), typed("TRUE", boolean), typed("no", boolean)] == [False, True, "no"]
    assert [typed(2, text), typed(True, text), typed("2", text)] == ["2", True, "2"]


# --- sheets


@pytest.mark.parametrize(
    ("rnaseq", "problem"),
    [
        ("", ": found an empty file; expected a header in row 1"),
        ("\n\n", ": found an empty file; expected a header in row 1"),
        (b"sample,\xb5\n", ": found text that is not UTF-8; expected UTF-8 text with a header in"),
        (RNASEQ.encode("utf-16"), ": found UTF-16 text; expected UTF-8 text"),
        (b"PK\x03\x04rest", ": found a zip archive or an Excel workbook; expected UTF-8 text"),
        (gzip.compress(RNASEQ.encode()), ": found a gz-compressed file; expected UTF-8 text"),
        (RNASEQ.splitlines()[0], ", row 2: found no row below the header; expected at least one"),
        (RNASEQ + 'x,"A', ": found what is no CSV"),
        (RNASEQ + "x" * 200_000, ": found what is no CSV (field larger than field limit (131072))"),
        (
            RNASEQ.replace("condition", "conditon"),
            ", row 1, condition: found no such column among sample, line, conditon, replicate "
            "(perhaps conditon is it); expected the condition, such as parental or resistant",
        ),
        (RNASEQ.replace("line", "Line"), ", row 1, line: found no such column among sample, Line,"),
        (
            RNASEQ.replace(",", ";"),
            ", row 1, sample: found no such column among sample;line;condition;replicate "
            "(columns separated by semicolons?); expected the name",
        ),
        (RNASEQ.replace("line", "sample"), ", row 1, sample: found 2 columns of this name; expect"),
        (RNASEQ + "A.P3,A\n", ", row 10: found 2 fields; expected 4, as in the header"),
        (RNASEQ.replace("2\n", "2,x\n", 1), ", row 3: found 5 fields; expected 4, as in the heade"),
        (
            RNASEQ.replace("\n", ",\n", 1).replace("2\n", "2,x\n", 1).replace("1\n", "1,\n"),
            ", row 3: found a field in a column without a name; expected a name for each column",
        ),
        (replaced(RNASEQ, 3, 1, ""), ", row 3, line: found nothing; expected the name of a cell line"),
        (replaced(RNASEQ, 3, 1, "A/B"), ", row 3, line: found 'A/B'; expected the name of a cell"),
        (replaced(RNASEQ, 3, 1, "A\u200b"), ", row 3, line: found 'A\\u200b'; expected the name of"),
        (replaced(RNASEQ, 3, 1, "x" * 61), f", row 3, line: found '{'x' * 61}'; expected the name"),
        (replaced(RNASEQ, 3, 0, "A.P1"), ", row 3, sample: found 'A.P1', as in row 2; expected"),
        (replaced(RNASEQ, 3, 0, "status"), ", row 3, sample: found 'status', but no such column i"),
        (replaced(RNASEQ, 3, 1, "all"), ", row 3, line: found 'all'; expected another name: the c"),
        (replaced(RNASEQ, 3, 1, "a"), ", row 3, line: found 'a' beside 'A'; expected one spelling"),
        (
            replaced(RNASEQ, 3, 2, "Parental"),
            ", row 3, condition: found 'Parental' (perhaps parental); expected one of parental, resistant "
            "(--reference_condition, --target_condition, --contrasts)",
        ),
        (
            RNASEQ.replace("resistant", "treated"),
            ", row 4, condition: found 'treated' here and 3 times more; expected one of parental,",
        ),
        (
            RNASEQ.replace("resistant", "parental"),
            ", all rows, condition: found no line with both parental and resistant; expected one at least",
        ),
        (
            RNASEQ.replace("\n", ",role\n", 1).replace("1\n", "1,x\n").replace("2\n", "2,x\n"),
            ", row 1, role: found a column of this name; expected another name: this one",
        ),
        (replaced(RNASEQ, 9, 0, "B.CR3"), ", row 9, sample: found 'B.CR3', but no such column in"),
    ],
)  # fmt: skip
def test_main__says_what_is_wrong_with_the_samples_and_where(rnaseq, problem, gate):
    assert any(found.startswith(f"rnaseq.csv{problem}") for found in gate.study(rnaseq)), gate.study(rnaseq)


def test_main__says_which_sample_has_no_counts_and_which_counts_have_no_sample(gate):
    assert gate.study(counts=COUNTS.replace("A.P1", "A-P1")) == [
        "rnaseq.csv, row 2, sample: found 'A.P1', but no such column in counts.tsv (perhaps A-P1); "
        "expected a sample with a column of counts in counts.tsv",
        "counts.tsv, row 1, A-P1: found no such sample in rnaseq.csv (perhaps A.P1); "
        "expected a row of rnaseq.csv for each column of counts",
    ]


def test_main__notes_replicates_of_one_number(gate):
    assert gate.study(replaced(RNASEQ, 3, 3, "1")) == []
    assert gate.notes() == [
        "rnaseq.csv: A.P1, A.P2 have the same line, condition and replicate: "
        "they are taken as independent samples"
    ]


# --- the matrix


@pytest.mark.parametrize(
    ("counts", "problem"),
    [
        ("", ": found an empty file; expected a header in row 1"),
        (b"gene_id\t\xb5\n", ": found text that is not UTF-8; expected UTF-8 text with a header"),
        (COUNTS.splitlines()[0], ", row 2: found no complete row below the header; expected a row"),
        (replaced(COUNTS, 3, 0, "", TAB), ", row 3, gene_id: found nothing; expected the name of a gene"),
        (
            replaced(COUNTS, 3, 0, "ENSG00000181019.13", TAB),
            ", row 3, gene_id: found 'ENSG00000181019.13', as in row 2; expected another in each row",
        ),
        (
            replaced(COUNTS, 3, 0, "__ambiguous", TAB),
            ", row 3, gene_id: found '__ambiguous', a total of the counting program; expected genes only",
        ),
        (COUNTS.replace("gene_id", "Gene ID"), ", row 1, gene_id: found no such column among Gene"),
        (
            COUNTS.replace("gene_id", ""),
            ", row 1, gene_id: found no such column among gene_name, A.P1, A.P2, A.CR1, A.CR2 and "
            "4 more; the first column has no name; expected the name of each gene, each once",
        ),
        (
            COUNTS.replace("gene_name", "symbol"),
            ", row 1, symbol: found no such sample in rnaseq.csv; expected a row of rnaseq.csv",
        ),
        (COUNTS.replace("A.P2", "A.P1"), ", row 1, A.P1: found 2 columns of this name; expected"),
        (COUNTS + "g9\t\t1\n", ", row 5: found 3 fields; expected 10, as in the header"),
        (COUNTS.replace("\t7\n", "\t7\t8\n"), ", row 2: found 11 fields; expected 10, as in the header"),
        (
            replaced(replaced(replaced(COUNTS, 2, 9, "0", TAB), 3, 9, "0", TAB), 4, 9, "0", TAB),
            ", all rows, B.CR2: found 0 in every gene; expected a sample with reads",
        ),
    ],
)  # fmt: skip
def test_main__says_what_is_wrong_with_the_counts_and_where(counts, problem, gate):
    assert any(found.startswith(f"counts.tsv{problem}") for found in gate.study(counts=counts)), gate.study(
        counts=counts
    )


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("-1", "'-1' (negative)"),
        ("1.5", "'1.5' (fractional)"),
        ("1e-5", "'1e-5' (fractional)"),
        ("NaN", "'NaN' (not a number)"),
        ("inf", "'inf' (not a number)"),
        ("1_000", "'1_000' (not a number)"),
        ("1,000", "'1,000' (not a number)"),
        ("many", "'many' (not a number)"),
        ("\u0663", "'\u0663' (not a number)"),
        ("", "nothing (empty)"),
        ("2147483648", "'2147483648' (too large)"),
        ("1e999", "'1e999' (too large)"),
    ],
)
def test_main__says_what_is_wrong_with_a_count(cell, found, gate):
    assert gate.study(counts=replaced(COUNTS, 3, 4, cell, TAB)) == [
        f"counts.tsv, row 3, A.CR1: found {found}; expected a number of reads, whole and 0 or more"
    ]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (gzip.compress(COUNTS.encode())[:-20], "a gz compression that breaks off or is damaged"),
        (COUNTS.encode(), "no valid gz compression"),
        (gzip.compress(COUNTS.encode())[:40] + b"x" * 60, "a gz compression that breaks off or is damaged"),
        (gzip.compress(b"gene_id\t" + b"x" * 2**25), "more characters than are read (16,777,216 in a line)"),
    ],
    ids=["cut off", "not compressed", "damaged", "bomb"],
)
def test_main__says_what_is_wrong_with_a_compressed_matrix(content, found, gate):
    (problem,) = gate.say({"s.csv": RNASEQ, "c.tsv.gz": content}, rnaseq="s.csv", counts="c.tsv.gz")
    assert problem.startswith(f"c.tsv.gz: found {found}")


def test_main__reads_no_more_than_a_bounded_text(gate, monkeypatch):
    monkeypatch.setattr("common.sheets.LARGEST_TEXT", 100)
    found = gate.study()
    assert (
        "counts.tsv: found more characters than are read (100) after row 1; expected UTF-8 text" in found[-1]
    )


def test_lines_of__reads_no_folder_and_nothing_that_is_forbidden(tmp_path, monkeypatch):
    with pytest.raises(UnreadableError, match="a folder"):
        list(lines_of(tmp_path))

    def forbid(*_args: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", forbid)
    with pytest.raises(UnreadableError, match="a file that may not be read"):
        list(lines_of(tmp_path / "x.csv"))


def test_main__notes_genes_that_a_spreadsheet_renamed_and_samples_that_are_copies(gate):
    rows = [
        line.split("\t") for line in COUNTS.replace("GCLC", "1-Mar").replace("NQO1", "2-Sep").splitlines()
    ]
    copied = "".join("\t".join([*row[:9], row[8] if n else row[9]]) + "\n" for n, row in enumerate(rows))
    assert gate.study(counts=copied) == []
    assert gate.notes() == [
        "counts.tsv: B.CR1, B.CR2 have the same counts in every gene: is one a copy?",
        "counts.tsv: a spreadsheet seems to have turned names of genes into dates or numbers: 2-Sep, 1-Mar",
    ]


def test_main__notes_a_matrix_of_transcripts(gate):
    assert gate.study(counts=COUNTS.replace("ENSG", "ENST")) == []
    assert gate.notes() == [
        "counts.tsv: gene_id holds Ensembl transcript ids: every result is per transcript"
    ]


def test_main__says_the_first_of_many_bad_cells_of_a_kind_and_counts_the_rest(gate):
    header, *_ = COUNTS.splitlines()
    row = "\t".join(["-1"] * 4 + ["0.5"] * 3 + ["7"])
    found = gate.study(counts="\n".join([header, *(f"g{n}\t\t{row}" for n in range(1000)), ""]))
    assert len(found) == 12
    assert (
        found[5] == "counts.tsv, negative counts: 3,995 more; expected a number of reads, whole and 0 or more"
    )
    assert (
        found[11]
        == "counts.tsv, fractional counts: 2,995 more; expected a number of reads, whole and 0 or more"
    )


def test_main__stops_looking_at_counts_when_a_matrix_holds_none(gate, monkeypatch):
    monkeypatch.setattr("common.count_matrix.ENOUGH", 10)
    header, *_ = COUNTS.splitlines()
    rows = (f"g{n}\t\t" + "\t".join(["0.5"] * 8) for n in range(1000))
    found = gate.study(counts="\n".join([header, *rows, ""]))
    assert found[-1].startswith(
        "counts.tsv, all rows: found 10 wrong counts or more; expected a number of reads"
    )


# --- contrasts


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("x,Parental,resistant,,", "contrasts.csv, row 2, reference: found 'Parental' (perhaps parental); e"),
        ("x,parental,treated,,", "contrasts.csv, row 2, target: found 'treated'; expected a"),
        ("x,parental,parental,,", "contrasts.csv, row 2, target: found 'parental', as reference;"),
        ("x,parental,,,", "contrasts.csv, row 2, target: found nothing; expected another condition"),
        ("x y,parental,resistant,,", "contrasts.csv, row 2, contrast: found 'x y'; expected the name of the"),
        ("x,parental,resistant,A;C,", "contrasts.csv, row 2, lines: found 'C'; expected lines of rnaseq.csv"),
        ("x,parental,resistant,A,batch", "contrasts.csv, row 2, blocking: found 'batch'; expected none, or"),
        ("x,parental,resistant,A,pair", "contrasts.csv, row 2, blocking: found 'pair', each value of which"),
        ("x,parental,resistant,A;D,", "contrasts.csv, row 2, lines: found D with one condition only; expect"),
        ("x,parental,resistant,D,", "contrasts.csv, row 2, lines: found D without samples of both;"),
        ("x,other,resistant,,", "contrasts.csv, row 2, lines: found nothing, and no line has"),
        ("x,parental,resistant,A,gaps", "rnaseq.csv, row 3, gaps: found nothing; expected a value: contrast"),
        ("x,parental,resistant,,\nx,parental,resistant,A,", "contrasts.csv, row 3, contrast: found 'x', as"),
        ("x,parental,resistant,,\nX,parental,resistant,A,", "contrasts.csv, row 3, contrast: found 'X' besi"),
    ],
)  # fmt: skip
def test_main__says_what_is_wrong_with_a_contrast_and_where(row, problem, gate):
    rows = [*RNASEQ.splitlines(), "D.P1,D,parental,1", "E.O1,E,other,1"]
    further = ["pair,gaps", *("1,1" if ",parental," in line else "2,2" for line in rows[1:])]
    rnaseq = "".join(f"{line},{more}\n" for line, more in zip(rows, further, strict=True))
    rnaseq = rnaseq.replace("A.P2,A,parental,2,1,1", "A.P2,A,parental,2,1,")
    further = ["D.P1\tE.O1", *["3\t4"] * 3]
    counts = "".join(f"{line}\t{more}\n" for line, more in zip(COUNTS.splitlines(), further, strict=True))
    found = gate.contrasts(row, "y,other,resistant,B;E,none", rnaseq=rnaseq, counts=counts)
    assert len(found) == 1, found
    assert found[0].startswith(problem)


def test_main__fills_in_lines_and_blocking_of_the_contrasts_sheet(gate):
    assert gate.contrasts(
        "one,parental,resistant,A,", "each,parental,resistant,,", "apart,parental,resistant,B; A;,none",
        "paired,parental,resistant,A,replicate", "lone,parental,resistant,B,line",
        common_contrasts="one,lone",
    ) == []  # fmt: skip
    assert [(row["lines"], row["blocking"]) for row in gate.table("contrasts.tsv")] == [
        ("A", ""), ("A;B", "line"), ("B;A", ""), ("A", "replicate"), ("B", ""),
    ]  # fmt: skip
    assert gate.notes() == ["contrasts.csv, row 6: line has one value only: nothing to block by"]


def test_main__takes_a_third_condition_that_a_contrast_names(gate):
    rnaseq = RNASEQ.replace("B.CR1,B,resistant", "B.CR1,B,withdrawn").replace(
        "B.CR2,B,resistant", "B.CR2,B,withdrawn"
    )
    assert gate.contrasts("x,parental,withdrawn,B,", rnaseq=rnaseq) == []
    assert [row["role"] for row in gate.table("samples.tsv")][-2:] == ["other", "other"]
    (found,) = gate.study(rnaseq)
    assert found.startswith("rnaseq.csv, row 8, condition: found 'withdrawn' here and 1 times more; expected")


def test_main__tells_files_of_one_name_apart_by_their_folders(gate):
    files = {"a/x.csv": replaced(RNASEQ, 3, 1, ""), "b/x.csv": "contrast,reference,target\nx,parental,\n"}
    found = gate.say(files | {"c.tsv": COUNTS}, rnaseq="a/x.csv", counts="c.tsv", contrasts="b/x.csv")
    assert [line.split(":")[0] for line in found] == ["a/x.csv, row 3, line", "b/x.csv, row 2, target"]


def test_main__says_that_a_column_of_the_contrasts_sheet_looks_misspelt(gate):
    sheet = "contrast,reference,target,line,blokcing\nx,parental,resistant,A,\n"
    found = gate.study(**{"contrasts.csv": sheet}, contrasts="contrasts.csv")
    assert [line.split("; ")[0] for line in found] == [
        "contrasts.csv, row 1, lines: found no such column among contrast, reference, target, line, "
        "blokcing (perhaps line is it)",
        "contrasts.csv, row 1, blocking: found no such column among contrast, reference, target, line, "
        "blokcing (perhaps blokcing is it)",
    ]


def test_check_contrast__agrees_with_the_rank_of_the_design():
    random, verdicts = np.random.default_rng(1), set()
    for _ in range(300):
        n = int(random.integers(2, 9))
        samples = pd.DataFrame(
            {
                "sample": [f"s{i}" for i in range(n)],
                "line": "A",
                "condition": random.choice(["parental", "resistant"], n),
                "batch": random.choice(["x", "y", "z"], n),
            }
        )
        if samples.condition.nunique() < 2:
            continue
        problems = Problems()
        check_contrast(
            "row", Contrast("c", "parental", "resistant", "A", "batch"), samples, "s.csv", problems
        )
        blocks = pd.get_dummies(samples.batch).to_numpy(float)
        design = np.column_stack([blocks, samples.condition == "resistant"])
        estimable = np.linalg.matrix_rank(design) == np.linalg.matrix_rank(blocks) + 1
        assert estimable == (not problems.found)
        verdicts.add(bool(estimable))
    assert verdicts == {True, False}


# --- gene sets and panels


@pytest.mark.parametrize(
    ("gmt", "problem"),
    [
        ("", ": found no gene set; expected a GMT file: a line a gene set"),
        (b"S\td\t\xb5", ": found text that is not UTF-8; expected a GMT file"),
        ("S\td\tNQO1\nT\td\n", ", row 2, genes: found 'T' without genes; expected name, description"),
        ("S\td\tNQO1\nT\td\t\t\n", ", row 2, genes: found 'T' without genes; expected name, descrip"),
        ("S,d,NQO1\n", ", row 1, genes: found 'S,d,NQO1' without genes; expected name, description"),
        ("\td\tNQO1\n", ", row 1, name: found nothing; expected the name of a gene set"),
        ("S\td\tNQO1\nS\td\tGCLC\n", ", row 2, name: found 'S', as in row 1; expected another in each row"),
        (
            "S\td\t1728\t2729\t7295\n",
            ", all rows, genes: found 3 genes, none of them in counts.tsv: NCBI gene numbers here, "
            "gene symbols there; expected genes as counts.tsv has them in gene_name or gene_id",
        ),
        ("S\td\tNqo1\tGclc\n", ", all rows, genes: found 2 genes, none of them in counts.tsv: but for"),
        ("S\td\tXXX1\tYYY2\n", ", all rows, genes: found 2 genes, none of them in counts.tsv; expected"),
    ],
)  # fmt: skip
def test_main__says_what_is_wrong_with_gene_sets_and_where(gmt, problem, gate):
    found = gate.study(**{"sets.gmt": gmt}, gene_sets="sets.gmt")
    assert found[0].startswith(f"sets.gmt{problem}")


def test_main__says_which_side_has_ensembl_ids(gate):
    counts = "".join(
        "\t".join(line.split("\t")[:1] + line.split("\t")[2:]) + "\n" for line in COUNTS.splitlines()
    )
    (found,) = gate.study(counts=counts, **{"sets.gmt": "S\td\tNQO1\tGCLC\n"}, gene_sets="sets.gmt")
    assert "none of them in counts.tsv: gene symbols here, Ensembl gene ids there; expected" in found
    assert gate.study(counts=counts, **{"sets.gmt": "S\td\tENSG00000181019\n"}, gene_sets="sets.gmt") == []


def test_main__only_notes_that_shipped_gene_sets_have_no_gene_of_the_matrix(gate):
    counts = COUNTS.replace("NQO1", "").replace("GCLC", "").replace("ENSG0000", "FBgn")
    assert gate.study(counts=counts, gene_sets="shipped") == []
    assert gate.notes() == [
        "hallmark.gmt: 0 of its 4,383 genes are in counts.tsv: gene symbols here, FlyBase ids there",
        "wikipathways.gmt: 0 of its 7,841 genes are in counts.tsv: gene symbols here, FlyBase ids there",
    ]


def test_main__refuses_two_collections_of_one_name(gate):
    files = {"a/sets.gmt": "S\td\tNQO1\n", "b/sets.gmt": "S\td\tNQO1\n"}
    (found,) = gate.study(**files, gene_sets="a/sets.gmt,b/sets.gmt")
    assert found.startswith("--gene_sets: found 2 files called sets.gmt; expected another name for each")


def test_main__notes_highlighted_sets_that_no_collection_has(gate):
    wanted = "WP2884,HALLMARK_HYPOXA"
    assert gate.study(gene_sets="shipped", highlight_sets=wanted) == []
    assert "highlight_sets: no gene set called HALLMARK_HYPOXA (perhaps HALLMARK_HYPOXIA)" in gate.notes()


def test_main__says_what_is_wrong_with_gene_panels(gate):
    found = gate.study(**{"p.csv": "panel,gene_name\nx,NQO1\nx,\ny,A\nx,NQO1\nX,GCLC\n"}, gene_panels="p.csv")
    assert [line.split("; ")[0] for line in found] == [
        "p.csv, row 3, gene_name: found nothing",
        "p.csv, row 5, panel, gene_name: found 'x', 'NQO1', as in row 2",
        "p.csv, row 6, panel: found 'X' beside 'x'",
    ]


# --- all at once


def test_main__names_every_fault_of_a_study_with_a_fault_in_everything(gate):
    given = write_faulty_study(gate.folder)
    files = {
        path.relative_to(gate.folder).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in sorted(gate.folder.rglob("*"))
    }
    found = gate.say(files, **given)
    for fault in FAULTS:
        assert any(line.startswith(fault) for line in found), fault
    assert len(found) == len(FAULTS), [line for line in found if not line.startswith(FAULTS)]


def test_problems__fit_into_what_nextflow_prints_of_a_task():
    problems = Problems()
    for kind in range(20):
        for row in range(10):
            problems.add(f"sheet.csv, row {row}, column{kind}", "x", "y")
    lines = str(problems).splitlines()
    assert lines[0] == "200 to put right before anything runs:"
    assert lines[1:3] == [
        "sheet.csv, row 0, column0: found x; expected y",
        "sheet.csv, column0: 9 more; expected y",
    ]
    assert len(lines) <= LINES


def test_problems__are_cut_where_they_would_not_fit_otherwise():
    problems = Problems()
    for kind in range(40):
        problems.add(f"sheet.csv, row 2, column{kind}", "nothing", "what is wanted here " * 10)
    lines = str(problems).splitlines()
    assert len(lines) == 41
    assert len(str(problems).encode()) <= BYTES
    assert (
        lines[1]
        == f"sheet.csv, row 2, column0: found nothing; expected {'what is wanted here ' * 10}"[:117] + "..."
    )


def test_problems__of_too_many_kinds_say_where_the_whole_list_is():
    problems = Problems()
    for kind in range(60):
        problems.add(f"sheet.csv, row 1, column{kind}", "x", "y")
    assert str(problems).splitlines()[-1] == (
        "60 to put right before anything runs: the list is long, and begins in .command.err of the work dir"
    )


def test_nearest__finds_what_was_meant_whatever_its_case_and_punctuation():
    names = ["gene_set_min", "gene_set_max", "seed"]
    assert nearest("geneSetMin", names) == nearest("gene-set-min", names) == "gene_set_min"
    assert nearest("sede", names) == "seed"
    assert nearest("outdir", names) == ""


def test_main__writes_the_same_bytes_again(gate):
    assert gate.study(gene_sets="shipped") == []
    first = {path.name: path.read_bytes() for path in sorted(gate.results.rglob("*")) if path.is_file()}
    assert gate.study(gene_sets="shipped") == []
    assert {
        path.name: path.read_bytes() for path in sorted(gate.results.rglob("*")) if path.is_file()
    } == first


def test_main__writes_what_runs_the_same_again(gate):
    """The parameters that are not the default, as types that a file of parameters has, and the command."""
    given = {"rnaseq": "s.csv", "counts": "c.tsv", "seed": "7", "confidence": "0.950", "outdir": "elsewhere"}
    assert gate.say({"s.csv": RNASEQ, "c.tsv": COUNTS}, **given) == []
    written = json.loads((gate.results / "params.json").read_text())
    assert written == {"rnaseq": "s.csv", "counts": "c.tsv", "gene_sets": "none", "seed": 7}
    command = (gate.results / "rerun.sh").read_text()
    assert "export NXF_VER=25.04.0 NXF_SYNTAX_PARSER=v2\n" in command
    assert command.splitlines()[-1] == (
        'nextflow run "${NRF2FLOW:-.}" -params-file "$(dirname "$0")/params.json" --outdir "${1:-again}"'
    )


def test_command_again__names_repository_commit_and_profile_and_nothing_that_a_shell_would_run():
    run = RUN | {"repository": "https://example.org/x/nrf2flow", "revision": "main", "commitId": "c0ffee"}
    assert "nextflow run https://example.org/x/nrf2flow -r c0ffee -params-file" in command_again(run)
    assert "-profile 'a;b' -params-file" in command_again(RUN | {"profile": "a;b"})
    assert "-profile" not in command_again(RUN)
