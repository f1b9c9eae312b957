"""Lollipops of cohorts: what is drawn is held to what was planted, labels to each other's extents."""

import json

import cohort_lollipop as script
import numpy as np
import pandas as pd
import pytest
from cohort_study import mutation, sample_rows
from common.lollipop_layout import Protein
from conftest import ROOT
from drawn_figures import collisions, heads_of, texts_of

DOMAINS = pd.read_csv(ROOT / "assets/domains.tsv", sep="\t")
MUTATED = pd.DataFrame([mutation(sample_rows("TCGA", 1)[0], "KEAP1", 5)]).columns


def marks(rows) -> pd.DataFrame:
    """What `marks_of` makes of mutations of KEAP1, given as (patient, residue, columns)."""
    samples = sample_rows("TCGA", 40)
    made = [mutation(samples[patient], "KEAP1", residue, **columns) for patient, residue, columns in rows]
    table = pd.DataFrame(made, columns=MUTATED).astype({"protein_position": "Int64"})
    return script.marks_of(table, 624)


def frequencies(cohorts, gene="KEAP1", mutated=2, profiled=100) -> list[dict]:
    return [
        {"gene": gene, "cohort": cohort, "mutated": mutated if profiled else None, "profiled": profiled}
        | {"frequency": mutated / profiled if profiled else None}
        | {"status": "ok" if profiled else "not_profiled"}
        for cohort in cohorts
    ]


@pytest.fixture
def run(run_script, tmp_path):
    """Run the script on mutations and frequencies of target genes; return its folder of results."""

    def running(mutations, shares):
        known = {row["gene"] for row in shares}
        cohorts = list(dict.fromkeys(row["cohort"] for row in shares))
        for gene in ("KEAP1", "NFE2L2", "CUL3", "NQO1"):
            shares = shares + (frequencies(cohorts, gene, mutated=0) if gene not in known else [])
        columns = ["gene", "cohort", "mutated", "profiled", "frequency", "status"]
        pd.DataFrame(shares, columns=columns).to_csv(tmp_path / "frequency.tsv", sep="\t", index=False)
        names = ["cohort", "sample", "patient", "panel", "gene", "chrom", "position", "ref", "alt"]
        names += ["variant_type", "class", "protein_changing", "hgvs_c", "hgvs_p", "protein_position"]
        table = pd.DataFrame(list(mutations)).reindex(columns=names).astype({"protein_position": "Int64"})
        table.to_csv(tmp_path / "mutations.tsv.gz", sep="\t", index=False)
        results = tmp_path / "results"
        results.mkdir(exist_ok=True)
        done = run_script(
            script.main,
            mutations=tmp_path / "mutations.tsv.gz",
            frequency=tmp_path / "frequency.tsv",
            domains=ROOT / "assets/domains.tsv",
            target_genes=ROOT / "assets/target_genes.tsv",
            results=results,
        )
        assert done.exit_code == 0, done.output
        return results

    return running


def read(path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", keep_default_na=False, na_values=[""])


# ---- what is counted


def test_marks_of__counts_patients_by_change_of_the_protein():
    found = marks(
        [
            (0, 470, {"hgvs_p": "p.R470C"}),
            (1, 470, {"hgvs_p": "p.R470C"}),
            (1, 470, {"hgvs_p": "p.R470C", "alt": "G"}),  # the same patient
            (2, 470, {"hgvs_p": "p.(Arg470His)"}),
            (3, 471, {"class": "silent"}),
        ]
    )
    assert found[["position", "label", "count"]].to_numpy().tolist() == [[470, "R470C", 2], [470, "R470H", 1]]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("missense", "missense"),
        ("truncating", "truncating"),
        ("frameshift", "truncating"),
        ("start_lost", "truncating"),
        ("in_frame", "in frame"),
        ("splice_site", "splice site"),
        ("stop_lost", "other"),
    ],
)
def test_marks_of__each_class_is_one_of_the_figure(given, expected):
    assert marks([(0, 20, {"class": given})])["class"].tolist() == [expected]


def test_marks_of__a_splice_site_is_at_the_codon_beside_it_and_no_place_is_told():
    splice = {"class": "splice_site", "hgvs_p": "p.?"}
    found = marks(
        [
            (0, None, splice | {"hgvs_c": "c.1704+1G>A"}),
            (1, None, splice | {"hgvs_c": None}),
            (2, 700, {"hgvs_p": "p.R700C"}),
            (3, 625, {"hgvs_p": "p.*625R", "class": "stop_lost"}),
        ]
    )
    assert found.position.astype(object).where(found.position.notna(), None).tolist() == [568, 625, 700, None]
    assert found.status.tolist() == ["ok", "ok", "beyond_end", "no_position"]
    assert found.label.tolist()[0] == "c.1704+1G>A"


@pytest.mark.parametrize(
    ("cohorts", "expected"),
    [
        ([], []),
        (["A"], [("A",)]),
        (["A", "B"], [("A", "B")]),
        (["A", "B", "C"], [("A", "B"), ("A", "C"), ("B", "C")]),
        (list("ABCDE"), [("A", "B"), ("A", "C"), ("A", "D"), ("A", "E")]),
    ],
)
def test_drawn_pairs__are_all_pairs_or_those_with_the_first(cohorts, expected):
    assert script.drawn_pairs(cohorts) == expected


# ---- what is drawn


def crowded(seed: int) -> list[dict]:
    """Mutations of two cohorts, many at few residues, some anywhere."""
    random = np.random.default_rng(seed)
    classes = ["missense"] * 6 + ["truncating", "frameshift", "in_frame", "splice_site"]
    made = []
    for cohort, number in (("TCGA", 45), ("C-CAT", 90)):
        for place, sample in enumerate(sample_rows(cohort, number)):
            near = place % 3
            residue = int(
                random.choice([24, 29, 30, 34, 77, 79, 80, 81, 82]) if near else random.integers(1, 606)
            )
            kind = str(random.choice(classes))
            change = f"p.{'ACDEFGHIKL'[residue % 10]}{residue}{random.choice(list('MNPQRSTVWY'))}"
            change += "fs*14" if kind == "frameshift" else ""
            made.append(mutation(sample, "NFE2L2", residue, **{"class": kind, "hgvs_p": change}))
    return made


def drawn(mutations, cohorts=("TCGA", "C-CAT"), gene="NFE2L2", residues=605):
    table = pd.DataFrame(list(mutations)).astype({"protein_position": "Int64"})
    found = script.marks_of(table, residues)
    sides = [script.Side(cohort, int((table.cohort == cohort).sum()), 500) for cohort in cohorts]
    protein = Protein(gene, "ENST00000397062", residues, DOMAINS[DOMAINS.gene == gene])
    return (*script.picture(protein, sides, found), found)


@pytest.mark.parametrize("seed", range(3))
def test_picture__no_two_texts_collide_and_recurrent_residues_are_labelled(seed):
    figure, table, found = drawn(crowded(seed))
    assert collisions(figure) == []
    own = table[(table.element == "mutation") & (table.drawn == "yes")]
    assert len(own) == len(found)
    sums = own.groupby(["cohort", "position"])["count"].sum()
    named = own.groupby(["cohort", "position"]).label.apply(lambda labels: labels.notna().all())
    assert named[sums >= 2].all()
    assert len(heads_of(figure)) == len(own)


def test_picture__percent_of_the_patients_stands_beside_their_number():
    rows = [mutation(each, "NFE2L2", 79) for each in sample_rows("TCGA", 10)]
    rows += [mutation(each, "NFE2L2", 29) for each in sample_rows("C-CAT", 5)]
    figure, table, _ = drawn(rows)
    words = [text for text, _ in texts_of(figure)]
    assert "10 of 500, 2.0 %" in words
    assert "5 of 500, 1.0 %" in words
    assert words.count("2 %") == 1  # of 10 patients of 500, at their axis
    own = table[table.element == "mutation"].set_index("cohort")
    assert own.percent.to_dict() == {"TCGA": 2.0, "C-CAT": 1.0}


def test_picture__the_second_cohort_is_below_the_first_one():
    figure, *_ = drawn(
        [mutation(each, "NFE2L2", 79) for cohort in ("TCGA", "C-CAT") for each in sample_rows(cohort, 3)]
    )
    places = {text: (low + high) / 2 for text, (_, low, _, high) in texts_of(figure)}
    assert places["TCGA"] > places["Neh2"] > places["C-CAT"]


# ---- the whole


def test_main__draws_the_genes_that_have_mutations_and_says_why_others_are_not(run):
    samples = sample_rows("TCGA", 5) + sample_rows("C-CAT", 5)
    mutations = [mutation(each, "KEAP1", 320) for each in samples[:2] + samples[5:6]]
    mutations += [mutation(samples[0], "CUL3", 200)]
    shares = frequencies(["TCGA", "C-CAT"]) + frequencies(["TCGA"], "NFE2L2", profiled=0)
    shares += frequencies(["C-CAT"], "NFE2L2", profiled=0)
    results = run(mutations, shares)
    proteins = read(results / "proteins.tsv").set_index("gene")
    assert proteins.status.to_dict() == {
        "KEAP1": "ok", "NFE2L2": "not_profiled", "CUL3": "no_length", "NQO1": "no_mutation",
    }  # fmt: skip
    assert proteins.figure["KEAP1"] == "KEAP1.TCGA_vs_C-CAT.lollipop.svg"
    assert sorted(path.name for path in results.glob("*.svg")) == [proteins.figure["KEAP1"]]
    table = read(results / "KEAP1.TCGA_vs_C-CAT.lollipop.tsv")
    own = table[table.element == "mutation"].set_index("cohort")
    assert own["count"].to_dict() == {"TCGA": 2, "C-CAT": 1}
    section = json.loads((results / "cohort_lollipop_mqc.json").read_text())
    assert "KEAP1: 2 of 100 patients of TCGA, most often at R320 (2 patients)" in section["description"]
    assert section["nrf2flow"]["findings"] == {"TCGA": "KEAP1 recurrent at R320 (2 patients)"}


def test_main__a_cohort_that_was_not_looked_at_is_not_empty(run):
    samples = sample_rows("TCGA", 5)
    shares = frequencies(["TCGA"]) + frequencies(["C-CAT"], profiled=0)
    results = run([mutation(samples[0], "KEAP1", 320)], shares)
    text = (results / "KEAP1.TCGA_vs_C-CAT.lollipop.svg").read_text()
    assert "not looked at in any patient" in text
    description = json.loads((results / "cohort_lollipop_mqc.json").read_text())["description"]
    assert "not looked at in C-CAT" in description


def test_main__a_single_cohort_stands_alone(run):
    results = run([mutation(each, "KEAP1", 320) for each in sample_rows("TCGA", 2)], frequencies(["TCGA"]))
    assert (results / "KEAP1.TCGA.lollipop.svg").is_file()
    assert read(results / "proteins.tsv").cohort_2.isna().all()


def test_main__without_mutations_or_cohorts_there_is_a_section(run):
    for shares in ([], frequencies(["TCGA"], mutated=0)):
        results = run([], shares)
        section = json.loads((results / "cohort_lollipop_mqc.json").read_text())
        assert section["description"] == "No protein is drawn: proteins.tsv says why."
        assert not list(results.glob("*.svg"))


def test_main__the_same_mutations_give_the_same_bytes(run):
    shares = frequencies(["TCGA", "C-CAT"], "NFE2L2", mutated=45)
    seen = []
    for _ in range(2):
        results = run(crowded(1), shares)
        seen.append({path.name: path.read_bytes() for path in results.iterdir()})
    assert seen[0] == seen[1]
