import json
import re
from itertools import product

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from common.cli import InputError
from common.evidence import COLUMNS
from common.figures import STYLE
from common.mmc_candidates_evidence import Piece, pieces_of
from common.mmc_candidates_figure import CALLS, draw_matrix, draw_quadrants, matrix_of, quadrants_of, text_of
from common.mmc_candidates_report import pages_of
from common.mmc_candidates_rules import ORDERED, check_rules, found_at, read_rules
from common.mmc_candidates_tables import EVIDENCE, read_evidence
from conftest import ROOT
from evidence_study import alleles, assays, expression, row, seven_lines, shift, table_of, write_evidence
from matplotlib.text import Text
from mmc_candidates import FUNCTIONAL, VARIANTS, Judgement, agreement, call_all, judge, main

RULES_FILE, SCHEMA = ROOT / "assets/mmc_rules.yml", ROOT / "assets/mmc_rules.schema.json"
RULES = read_rules(RULES_FILE, SCHEMA)
P, R = "parental", "resistant"
# The table of expected calls: nrf2_active, nrf2_gained, nqo1_functional, call; parental and resistant.
EXPECTED = {
    "HSC-2": (("no", "", "yes", "not_candidate"), ("yes", "yes", "no", "not_candidate")),
    "HSC-3": (("no", "", "yes", "not_candidate"), ("yes", "yes", "yes", "candidate")),
    "HO-1-u-1": (("yes", "", "yes", "candidate"), ("yes", "no", "yes", "candidate")),
    "HSC-4": (("no", "", "no", "not_candidate"), ("no", "no", "no", "not_candidate")),
    "Ca9-22": (("no", "", "no", "not_candidate"), ("no", "no", "no", "not_candidate")),
    "RPMI2650": (("no", "", "yes", "not_candidate"), ("no", "no", "no", "not_candidate")),
    "SAS": (("no", "", "yes", "not_candidate"), ("no", "no", "yes", "not_candidate")),
}


def judged(*rows: dict) -> Judgement:
    """Judge rows of one line and condition; those that are not ok are no pieces."""
    texts = ("evidence", "item", "label", "effect", "phase", "call")
    numbers = ("value", "low", "high", "n", "q_value")
    pieces = [
        Piece(
            at=at,
            source=each["source"].partition("/")[0],
            **{name: each[name] or "" for name in texts},
            **{name: np.nan if each[name] is None else float(each[name]) for name in numbers},
        )
        for at, each in enumerate(rows)
        if each["status"] == "ok"
    ]
    return judge(pieces, RULES)


def one(evidence: str, value: float = np.nan, **further: object) -> dict:
    return row("A", R, evidence, value, **further)


INTACT = one("nqo1_coverage", 1.0, call="two_intact")


def loss(call: str, label: str = "P187S", phase: str | None = None) -> dict:
    item = {"P187S": "c.559C>T", "R139W": "c.415C>T"}.get(label, f"c.{label}")
    vaf = {"het": 0.5, "hom": 1.0}.get(call, 0.0)
    return one("nqo1_allele", vaf, item=item, label=label, effect="loss", call=call, phase=phase)


def variant(gene: str, effect: str, vaf: float, label: str = "V1", phase: str | None = None) -> dict:
    given = {"item": f"c.{label}", "label": label, "effect": effect, "call": "het", "phase": phase}
    return one(f"{gene}_variant", vaf, **given)


def candidates_of(table: pd.DataFrame, rules: dict = RULES) -> pd.DataFrame:
    return call_all(table.reset_index(drop=True), rules)[0].set_index(["line", "condition"])


def active_and_working() -> list[dict]:
    return [*assays("A", R, 5.0, 3.0, 2.0), *expression("A", R, 1.5)]


# ---- the study


def test_call_all__gives_the_seven_lines_the_calls_of_the_design():
    calls = candidates_of(seven_lines()).fillna("")
    fields = ["nrf2_active", "nrf2_gained", "nqo1_functional", "call"]
    found = {
        line: tuple(tuple(calls.loc[(line, condition), fields]) for condition in (P, R)) for line in EXPECTED
    }
    assert found == EXPECTED


def test_call_all__gives_each_line_its_planted_reason():
    calls = candidates_of(seven_lines())
    reasons, flags = calls.reasons, calls["flags"]
    assert "NQO1 does not work: NQO1 protein 0.15 times the reference" in reasons["HSC-2", R]
    assert "NQO1 delins heterozygous" in reasons["HSC-2", R]
    assert "KEAP1 W544* heterozygous, VAF 0.5 (+1)" in reasons["HSC-3", R]
    assert "NFE2L2 E82D heterozygous, VAF 0.5 (+2)" in reasons["HO-1-u-1", P]
    assert "raised" in flags["HO-1-u-1", R]
    assert "NQO1 P187S homozygous" in reasons["HSC-4", P]
    assert "NQO1 does not work: NQO1 R139W homozygous" in reasons["Ca9-22", P]
    assert "NQO1 alleles: two intact" in reasons["RPMI2650", R].partition("; against that: ")[2]
    assert flags["RPMI2650", R] == "protein_overrules_genotype"
    assert "MMC IC50 0.33 times that of the parental line (0.27 to 0.41)" in reasons["HSC-3", R]


def test_call_all__holds_the_calls_to_the_measured_response():
    found = candidates_of(seven_lines()).mmc_agreement
    assert found["HSC-3", R] == found["HO-1-u-1", R] == found["HSC-2", R] == found["HSC-4", R] == "agrees"
    assert found["SAS", R] == "not_measured"
    assert found["HSC-3", P] == "not_comparable"


def test_call_all__weakens_without_expression_or_genotype_and_calls_nothing_else():
    # Without reporter and blots the rest decides; without that too, less and less is known.
    table, full = seven_lines(), candidates_of(seven_lines()).call
    for source in ("group_comparison", "target_score", "locus_genotype", "variant_comparison"):
        fewer = candidates_of(table[~table.source.str.startswith(source)]).call
        changed = fewer.index[fewer != full[fewer.index]]
        assert set(fewer[changed]) <= {"insufficient_data", "candidate"}, source
        if source != "group_comparison":
            assert set(fewer[changed]) <= {"insufficient_data"}, source
    nothing = table[table.evidence.isin(["mmc_shift", "cisplatin_shift"])]
    calls = candidates_of(nothing)
    assert set(calls.call) == {"insufficient_data"}
    assert set(calls.status) == {"no_evidence"}


def test_call_all__finds_no_candidate_where_nothing_was_planted():
    rows = []
    for line in EXPECTED:
        for condition in (P, R):
            rows += assays(line, condition, 1.0, 1.0, 1.0) + expression(line, condition, 0.1)
            rows += alleles(line, condition)
    calls = candidates_of(table_of(rows))
    assert set(calls.call) == {"not_candidate"}
    assert set(calls.nrf2_gained[calls.role == "target"]) == {"no"}


# ---- the table of rules, read once more


def expected_nrf2(score, change, reporter, protein, genes) -> tuple[float, str]:
    """Read the table of points, case by case; all arguments are None or what the tests below give."""
    functional = []
    if score is not None or change is not None:
        rises = change is not None and change[0] >= 0.58
        up = rises and change[1] is not None and change[1] < 0.05
        if (score is not None and score >= 1) or up:
            functional.append(2)
        elif score is not None and score < 0.3 and not (rises and change[1] is None):
            functional.append(-2)
    if reporter is not None:
        value, low, high = reporter
        if value >= 2 and low is not None and low > 1:
            functional.append(1)
        elif high is not None and high < 1.5:
            functional.append(-1)
    if protein is not None:
        value, n = protein
        functional.append((1 if n >= 2 else 0.5) * (1 if value >= 2 else -1 if value <= 1.2 else 0))
    total = sum(functional) + genes
    if total >= 2:
        return total, "yes"
    return total, "no" if total <= -1 and min(functional, default=0) < 0 else "insufficient_data"


GENES = {  # rows, and their points
    "none": ([], 0),
    "hotspot": ([("nfe2l2", "hotspot", 0.1)], 2),
    "hotspot below 0.1": ([("nfe2l2", "hotspot", 0.09)], 0),
    "two hotspots": ([("nfe2l2", "hotspot", 0.4), ("nfe2l2", "hotspot", 0.5)], 2),
    "NFE2L2 truncation": ([("nfe2l2", "truncating", 0.5)], 0),
    "KEAP1 truncation, one copy": ([("keap1", "truncating", 0.5)], 1),
    "KEAP1 known loss, both copies": ([("keap1", "known_loss", 0.8)], 2),
    "two KEAP1 losses, unphased": ([("keap1", "truncating", 0.5), ("keap1", "known_loss", 0.5)], 1),
    "two KEAP1 losses in trans": ([("keap1", "truncating", 0.5, "a"), ("keap1", "known_loss", 0.5, "b")], 2),
    "two KEAP1 losses in cis": ([("keap1", "truncating", 0.5, "a"), ("keap1", "known_loss", 0.5, "a")], 1),
    "KEAP1 subclone": ([("keap1", "known_loss", 0.03)], 0),
    "KEAP1 missense": ([("keap1", "missense_in_domain", 0.5)], 0.5),
    "KEAP1 wild-type-like": ([("keap1", "wild_type_like", 0.5)], 0),
    "KEAP1 polymorphism": ([("keap1", "common_polymorphism", 1.0)], 0),
    "CUL3 truncation": ([("cul3", "truncating", 0.5)], 0.5),
    "CUL3 missense": ([("cul3", "other", 0.5)], 0),
    "loss and missense": ([("keap1", "truncating", 0.5), ("keap1", "missense_in_domain", 0.5)], 1.5),
}


def gene_rows(names: str) -> list[dict]:
    return [variant(*given[:3], f"V{at}", *given[3:]) for at, given in enumerate(GENES[names][0])]


@pytest.mark.parametrize("genes", GENES)
def test_judge__gives_variants_the_points_of_the_table(genes):
    found = judged(*gene_rows(genes))
    assert found.points == GENES[genes][1]
    assert found.active == ("yes" if GENES[genes][1] >= 2 else "insufficient_data")
    assert ("genotype_only" in found.flags) == (GENES[genes][1] >= 2)


@pytest.mark.parametrize(("share", "reads", "points"), [(0.05, 5, 2), (0.04, 50, 0), (0.2, 4, 0)])
def test_judge__counts_skipping_of_nfe2l2_exon_2_with_share_and_reads(share, reads, points):
    assert judged(one("nfe2l2_exon2_skipping", share, n=reads)).points == points


def test_judge__gives_all_functional_evidence_the_points_of_the_table():
    scores = (None, -0.5, 0.29, 0.6, 1.0)
    changes = (None, (0.6, 0.01), (0.6, 0.2), (0.6, None), (0.1, 0.9))
    reporters = (None, (2.5, 1.8, 3.2), (2.5, 0.9, 4.0), (2.5, None, None), (1.0, 0.8, 1.4), (1.7, 1.2, 2.2))
    proteins = (None, (2.0, 3), (2.0, 1), (1.2, 3), (1.2, 1), (1.5, 3))
    genes = ("none", "hotspot", "KEAP1 truncation, one copy", "KEAP1 missense")
    for score, change, reporter, protein, gene in product(scores, changes, reporters, proteins, genes):
        rows = gene_rows(gene)
        if score is not None:
            rows.append(one("nrf2_target_score", score, n=20))
        if change:
            rows.append(one("nrf2_target_change", change[0], q_value=change[1], n=20))
        if reporter:
            rows.append(one("are_reporter", reporter[0], low=reporter[1], high=reporter[2], n=3))
        if protein:
            rows.append(one("nrf2_protein", protein[0], n=protein[1]))
        found = judged(*rows)
        wanted = expected_nrf2(score, change, reporter, protein, GENES[gene][1])
        assert (found.points, found.active) == wanted, (score, change, reporter, protein, gene)


def expected_nqo1(activity, protein, copies, intact, tpm, skipped) -> tuple[str, str]:
    """Read the nine rows in their order."""
    lost = protein is not None and (protein == "absent" or (protein != "present" and protein <= 0.25))
    there = protein is not None and not lost and (protein == "present" or protein >= 0.5)
    if activity is not None:
        return "activity", "no" if activity < 10 else "yes" if activity >= 50 else "reduced"
    if lost:
        return "protein_lost", "no"
    if copies == "two":
        return "both_alleles_lost", "no"
    if copies == "unphased":
        return "losses_not_phased", "reduced" if there else "insufficient_data"
    if tpm is not None and tpm < 1:
        return "not_expressed", "reduced" if there else "no"
    if skipped is not None and skipped >= 0.2:
        return "exon_4_skipped", "no" if skipped >= 0.5 and not there else "reduced"
    if copies == "one":
        return "one_allele_lost", "yes" if there else "reduced"
    if there or (protein is None and intact and tpm is not None and tpm >= 10):
        return "protein_or_intact_genes", "yes"
    return "", "insufficient_data"


COPIES = {  # alleles, how many copies they take
    "none": ([], "none"),
    "not carried": ([("ref", "P187S"), ("ref", "R139W")], "none"),
    "P187S het": ([("het", "P187S")], "one"),
    "R139W hom": ([("hom", "R139W")], "two"),
    "hemizygous": ([("hemizygous", "P187S")], "two"),
    "both het": ([("het", "P187S"), ("het", "R139W")], "unphased"),
    "one of two phased": ([("het", "P187S", "a"), ("het", "R139W")], "unphased"),
    "in cis": ([("het", "P187S", "a"), ("het", "R139W", "a")], "one"),
    "in trans": ([("het", "P187S", "a"), ("het", "340del", "b")], "two"),
    "ambiguous": ([("ambiguous", "P187S")], "none"),
}


def test_judge__decides_nqo1_by_the_first_row_that_applies():
    proteins, coverages = (
        (None, 0.25, 0.4, 0.5, "present", "absent"),
        (None, (1.0, True), (0.9, True), (1.0, False)),
    )
    grid = product(
        (None, 9.9, 30, 50), proteins, COPIES, coverages, (None, 0.9, 5, 10), (None, 0.1, 0.2, 0.5)
    )
    for activity, protein, copies, coverage, tpm, skipped in grid:
        rows = [loss(*given) for given in COPIES[copies][0]]
        if activity is not None:
            rows.append(one("nqo1_activity", activity))
        if protein is not None:
            by_eye = isinstance(protein, str)
            rows.append(one("nqo1_protein", *([] if by_eye else [protein]), call=protein if by_eye else None))
        if coverage:
            rows.append(one("nqo1_coverage", coverage[0], call="two_intact" if coverage[1] else "one_loss"))
        if tpm is not None:
            rows.append(one("nqo1_expression", tpm))
        if skipped is not None:
            rows.append(one("nqo1_exon4_skipping", skipped))
        found = judged(*rows)
        intact = coverage == (1.0, True)
        wanted = expected_nqo1(activity, protein, COPIES[copies][1], intact, tpm, skipped)
        assert (found.rule, found.functional) == wanted, (activity, protein, copies, coverage, tpm, skipped)


@pytest.mark.parametrize(
    ("rows", "flag"),
    [
        ([loss("hom"), one("nqo1_protein", 1.0)], "inactive_allele"),
        ([loss("het"), one("nqo1_protein", 1.0)], "one_allele_lost"),
        ([loss("het"), loss("het", "R139W")], "phase_not_known"),
        ([one("nqo1_expression", 0.1)], "not_expressed"),
        ([INTACT, one("nqo1_expression", 20)], "protein_not_measured"),
        ([INTACT, one("nqo1_protein", 0.1)], "protein_overrules_genotype"),
    ],
)  # fmt: skip
def test_judge__flags_what_to_know_of_nqo1(rows, flag):
    assert judged(*rows).flags == [flag]


def test_judge__lets_a_call_by_eye_veto_a_ratio():
    assert judged(one("nqo1_protein", 0.9, call="absent")).functional == "no"
    assert judged(one("nqo1_protein", 0.9, call="reduced")).functional == "yes"
    assert judged(one("nqo1_protein", call="discordant")).functional == "insufficient_data"


def test_judge__needs_fifteen_genes_of_the_panel():
    assert judged(one("nrf2_target_score", 2.0, n=15)).points == 2
    for n in (14, np.nan):
        assert judged(one("nrf2_target_score", 2.0, n=n)).points == 0
        assert judged(one("nrf2_target_change", 2.0, n=n, q_value=0.001)).points == 0


def test_judge__counts_an_ihc_score_as_protein_if_its_cutoff_is_of_other_patients():
    def scored(call: str, effect: str, *more: dict) -> float:
        return judged(row("pt1", "tumour", "ihc_score", 90, call=call, effect=effect), *more).points

    other = "cutoff_of_other_patients"
    assert scored("high", other) == 1
    assert scored("low", other) == 0
    assert scored("high", "cutoff_of_these_patients") == 0
    assert scored("high", other, row("pt1", "tumour", "nrf2_protein", 1.0, n=3)) == -1


def test_call_all__calls_tumours():
    genes = {"item": "c.236A>C", "label": "E79A", "effect": "hotspot", "call": "het"}
    rows = [
        row("pt1", "tumour", "ihc_score", 120, call="high", effect="cutoff_of_other_patients"),
        row("pt1", "tumour", "nfe2l2_variant", 0.4, **genes),
        row("pt1", "tumour", "nqo1_coverage", 1.0, call="two_intact"),
        row("pt1", "tumour", "nqo1_expression", 40),
        row("pt2", "tumour", "ihc_score", 10, call="low", effect="cutoff_of_other_patients"),
    ]
    calls = candidates_of(table_of(rows))
    assert calls.index.tolist() == [("pt1", "tumour")]
    assert calls.call.tolist() == ["candidate"]
    assert calls.nrf2_gained.tolist() == ["not_assessable"]
    assert calls["flags"].iloc[0] == "protein_not_measured"
    assert "NRF2 staining score 120, high by a cutoff of other patients (+1)" in calls.reasons.iloc[0]


def scored(patient: str, call: str, whose: str = "other", condition: str = "primary") -> dict:
    """Make the row of a tumour's score as biomarker_cutoff does."""
    effect = f"cutoff_of_{whose}_patients"
    return row(patient, condition, "ihc_score", {"high": 120, "low": 10}[call], call=call, effect=effect)


def test_call_all__judges_no_tumour_of_which_only_the_score_is_known():
    other = row("pt1", "primary", "nqo1_protein", 1.0, n=3)
    rows = [scored("pt1", "high"), scored("pt1", "high", condition="recurrent"), scored("pt2", "low"), other]
    candidates, weighed, left = call_all(table_of(rows), RULES)
    assert candidates[["line", "condition"]].to_numpy().tolist() == [["pt1", "primary"]]
    assert set(left.condition) == {"primary"}
    alone = weighed[weighed.why == "nothing else is known of this tumour"]
    assert alone[["line", "condition"]].to_numpy().tolist() == [["pt1", "recurrent"], ["pt2", "primary"]]
    assert alone.finding.iloc[1] == "NRF2 staining score 10, low by a cutoff of other patients"
    assert set(alone.points) == {0}


def test_call_all__calls_lines_as_without_the_scores_of_other_patients(run_script, tmp_path):
    scores = [scored(f"pt{n}", "high" if n % 2 else "low", "these") for n in range(31)]
    scores += [scored(f"pt{n}", "high", "these", "recurrent") for n in range(7)]
    alone = candidates_of(read_evidence(write_evidence(seven_lines(), tmp_path / "alone")))
    evidence = write_evidence(pd.concat([table_of(scores), seven_lines()]), tmp_path / "evidence")
    pd.testing.assert_frame_equal(candidates_of(read_evidence(evidence)).loc[alone.index], alone)
    assert len(candidates_of(read_evidence(evidence))) == 14
    run(run_script, tmp_path / "out", evidence)
    said = section(tmp_path / "out")["description"]
    known = "Of 38 tumours of 31 patients no more than the NRF2 score is known: they are not judged."
    assert known in said
    assert "pt1" not in json.dumps(section(tmp_path / "out"))
    assert not pd.read_csv(tmp_path / "out/evidence_matrix.tsv", sep="\t").line.str.startswith("pt").any()


def test_main__of_many_lines_names_the_first_and_shows_a_figure(run_script, tmp_path):
    seven = seven_lines()
    many = pd.concat([seven.assign(line=seven.line + again) for again in ("", *"bcdefgh")])
    run(run_script, tmp_path / "out", write_evidence(many, tmp_path / "evidence"))
    said = section(tmp_path / "out")["description"]
    assert re.search(r"Candidates for mitomycin C are HSC-3 resistant, .* and 18 more: NRF2 is active", said)
    assert re.search(r"NQO1 does not work, in HSC-2 resistant \(.* and 2 more\.", said)
    assert re.search(r"IC50 is lower than the parental line's in HSC-3 resistant, [^.]* and 10 more\.", said)
    assert "<img" in section(tmp_path / "out")["data"]


def test_call_all__judges_a_tumour_of_which_the_assays_failed():
    failed = row("pt1", "primary", "nqo1_protein", status="reference_not_measured")
    calls = candidates_of(table_of([scored("pt1", "high"), failed]))
    assert calls.call.tolist() == ["insufficient_data"]


def test_call_all__asks_of_a_tumour_what_can_be_measured_in_it():
    protein = row("pt1", "primary", "nqo1_protein", 1.0, n=3)
    calls = candidates_of(table_of([scored("pt1", "high"), protein]))
    assert calls.reason.tolist() == ["measure expression of the NRF2 target genes"]
    calls = candidates_of(table_of([scored("pt1", "high", "these"), protein]))
    wanted = "measure expression of the NRF2 target genes or its score by a cutoff of other patients"
    assert calls.reason.tolist() == [wanted]
    said = "without weight: NRF2 staining score 120, high by a cutoff chosen in these patients"
    assert said in calls.reasons.iloc[0]


def test_read_evidence__gives_scores_the_role_of_their_condition_and_puts_those_alone_last(tmp_path):
    protein = row("pt2", "primary", "nqo1_protein", 1.0) | {"role": "reference"}
    rows = [scored("pt1", "high"), scored("pt2", "low"), scored("pt2", "high", condition="recurrent")]
    table = read_evidence(write_evidence(table_of([*rows, protein, *expression("B", R, 1.0)]), tmp_path))
    kept = table[table.evidence == "ihc_score"]
    assert kept[["line", "condition", "role"]].to_numpy().tolist() == [
        *(["pt2", "primary", "reference"], ["pt2", "recurrent", "other"], ["pt1", "primary", "other"])
    ]
    assert table.line.drop_duplicates().tolist() == ["pt2", "B", "pt1"]


def test_judge__names_a_conflict_of_target_genes_and_genotype():
    found = judged(one("nrf2_target_score", 0.0, n=27), variant("nfe2l2", "hotspot", 0.5))
    assert (found.points, found.active, found.flags) == (0, "insufficient_data", ["conflict"])
    calls = candidates_of(table_of([one("nrf2_target_score", 0.0, n=27), variant("nfe2l2", "hotspot", 0.5)]))
    assert calls.status.tolist() == ["conflict"]
    assert calls.reason.iloc[0].startswith("measure an ARE reporter or NRF2 protein")


def test_judge__says_when_functional_assays_disagree():
    found = judged(one("nrf2_target_score", 1.5, n=27), one("are_reporter", 1.0, low=0.8, high=1.2))
    assert found.flags == ["assays_disagree"]
    assert "against that: ARE reporter 1 times the reference (0.8 to 1.2) (-1)" in found.reasons


def test_judge__prefers_dna_where_two_analyses_found_one_variant():
    rna = variant("keap1", "truncating", 0.95) | {"source": "locus_genotype/discovery.tsv"}
    dna = variant("keap1", "truncating", 0.5)
    assert judged(rna).points == 2
    assert judged(rna, dna).points == judged(dna, rna).points == 1
    notes = {note.piece.source: note.why for note in judged(rna, dna).notes}
    assert notes["locus_genotype"] == "another analysis looked at it too, and counts"


def test_judge__takes_no_variant_from_rna_that_dna_has_not():
    hotspot, none = variant("nfe2l2", "hotspot", 0.5), one("nfe2l2_variant", 0.0, call="absent")
    rna = {"source": "locus_genotype/discovery.tsv"}
    assert judged(hotspot | rna, none).points == judged(none, hotspot | rna).points == 0
    assert judged(hotspot, none | rna).points == judged(none | rna, hotspot).points == 2
    assert judged(hotspot | rna, none | {"status": "low_depth"}).points == 2


# ---- properties over random evidence


def random_rows(rng: np.random.Generator) -> list[dict]:
    """Make a line's evidence at random, with much of it missing."""
    pick = lambda *values: values[rng.integers(len(values))]  # noqa: E731
    value = float(np.exp(rng.normal(0.4, 1)))
    limits = {"low": value * 0.7, "high": value * 1.4} if rng.random() < 0.8 else {}
    rows = [
        one("nrf2_target_score", rng.normal(0.6, 0.8), n=pick(10, 20, 27)),
        one("nrf2_target_change", rng.normal(0.4, 0.6), n=20, q_value=pick(0.001, 0.3, np.nan)),
        one("are_reporter", value, n=3, **limits),
        one("nrf2_protein", float(np.exp(rng.normal(0.4, 0.8))), n=pick(1, 3)),
        variant("nfe2l2", pick("hotspot", "truncating", "other"), rng.random(), "N1"),
        variant(
            "keap1",
            pick("truncating", "known_loss", "missense_in_domain"),
            rng.random(),
            "K1",
            pick(None, "a"),
        ),
        variant(
            "keap1", pick("truncating", "known_loss", "wild_type_like"), rng.random(), "K2", pick(None, "b")
        ),
        variant("cul3", pick("truncating", "other"), rng.random(), "C1"),
        one("nfe2l2_exon2_skipping", rng.random() / 8, n=pick(2, 20)),
        one("nqo1_activity", float(np.exp(rng.normal(3.5, 1.5)))),
        one(
            "nqo1_protein",
            float(np.exp(rng.normal(-0.7, 1))),
            n=3,
            call=pick(None, "present", "reduced", "absent"),
        ),
        loss(pick("ref", "het", "hom"), "P187S", pick(None, "a")),
        loss(pick("ref", "het"), "R139W", pick(None, "b")),
        one("nqo1_coverage", pick(0.8, 1.0), call=pick("two_intact", "one_loss")),
        one("nqo1_expression", float(np.exp(rng.normal(2, 2)))),
        one("nqo1_exon4_skipping", rng.random(), n=40),
        one("mmc_shift", rng.normal(), low=-2, high=1),
        scored("A", pick("high", "low"), pick("other", "these"), R) | {"role": "target"},
    ]
    return [each for each in rows if rng.random() < 0.45]


MANY = 400
EACH = [random_rows(np.random.default_rng([8, seed])) for seed in range(MANY)]


def positive_nqo1(rows: list[dict]) -> bool:
    of = {each["evidence"]: each for each in rows}
    value = lambda name: of.get(name, {"value": np.nan})["value"]  # noqa: E731
    intact = value("nqo1_coverage") == 1 and of["nqo1_coverage"]["call"] == "two_intact"
    seen = of.get("nqo1_protein", {"call": None})["call"]
    protein = (value("nqo1_protein") >= 0.5 or seen == "present") and seen != "absent"
    return value("nqo1_activity") >= 50 or protein or (intact and value("nqo1_expression") >= 10)


def negative_nqo1(rows: list[dict]) -> bool:
    tests = {
        "nqo1_activity": lambda each: each["value"] < 10,
        "nqo1_protein": lambda each: each["value"] <= 0.25 or each["call"] == "absent",
        "nqo1_allele": lambda each: each["call"] != "ref",
        "nqo1_expression": lambda each: each["value"] < 1,
        "nqo1_exon4_skipping": lambda each: each["value"] >= 0.5,
    }
    return any(tests[each["evidence"]](each) for each in rows if each["evidence"] in tests)


def test_random_evidence__meets_every_rule_and_every_call():
    found = [judged(*rows) for rows in EACH]
    assert {each.call for each in found} == {"candidate", "not_candidate", "insufficient_data"}
    assert {each.rule for each in found} == {*RULES["nqo1_functional"]["order"], ""}
    rows = {note.rule for each in found for note in each.notes if note.points}
    assert rows >= {*RULES["nrf2_active"]["rows"]} - {"ihc_score"}


def test_judge__has_a_measured_positive_for_each_yes_and_a_measured_negative_for_each_no():
    for rows in EACH:
        found = judged(*rows)
        functional = [note.points for note in found.notes if note.rule in FUNCTIONAL]
        if found.active == "yes":
            assert max(note.points for note in found.notes) > 0
        if found.active == "no":
            assert min(functional) < 0
        if found.functional == "yes":
            assert positive_nqo1(rows)
        if found.functional == "no":
            assert negative_nqo1(rows)
        if found.call == "candidate":  # both halves
            assert found.active == found.functional == "yes"
    assert (judged().active, judged().functional, judged().call) == ("insufficient_data",) * 3


def test_call_all__takes_no_notice_of_what_was_not_measured():
    rng = np.random.default_rng(1)
    for rows in EACH[:150]:
        statuses = np.where(
            rng.random(len(rows)) < 0.5, "ok", rng.choice(["low_depth", "no_reference", "x"], len(rows))
        )
        marked = [each | {"status": status} for each, status in zip(rows, statuses, strict=True)]
        empty = [
            each | {"value": np.nan, "call": None} if each["status"] != "ok" else each for each in marked
        ]
        kept = [each for each in marked if each["status"] == "ok"]
        wanted = judged(*kept)
        for given in (marked, empty):
            found = judged(*given)
            assert (found.points, found.active, found.functional, found.call, found.flags, found.reasons) == (
                *(wanted.points, wanted.active, wanted.functional, wanted.call, wanted.flags, wanted.reasons),
            )


def test_judge__depends_on_no_order_of_the_evidence():
    rng = np.random.default_rng(2)
    for rows in EACH[:100]:
        mixed = judged(*[rows[at] for at in rng.permutation(len(rows))])
        assert (mixed.points, mixed.call, mixed.rule) == (
            judged(*rows).points,
            judged(*rows).call,
            judged(*rows).rule,
        )


RANK = {"no": 0, "insufficient_data": 1, "reduced": 1, "yes": 2}


@pytest.mark.parametrize(
    ("evidence", "values"),
    [
        ("nrf2_target_score", [-1, 0.1, 0.4, 0.9, 1.1, 3]),
        ("nrf2_target_change", [-1, 0.1, 0.5, 0.7, 2]),
        ("nrf2_protein", [0.1, 1, 1.3, 1.9, 2.1, 9]),
        ("nfe2l2_variant", [0, 0.05, 0.2, 1]),
        ("keap1_variant", [0, 0.05, 0.2, 0.7, 0.9]),
        ("nfe2l2_exon2_skipping", [0, 0.04, 0.06, 0.9]),
        ("nqo1_activity", [0, 5, 11, 49, 51, 400]),
        ("nqo1_protein", [0, 0.2, 0.3, 0.49, 0.6, 4]),
        ("nqo1_expression", [0, 0.5, 2, 9, 11, 500]),
        ("nqo1_exon4_skipping", [1, 0.6, 0.4, 0.1, 0]),
    ],
)
def test_judge__never_calls_less_where_a_measurement_is_higher(evidence, values):
    about = "active" if EVIDENCE[evidence].about == "nrf2" else "functional"
    for rows in EACH[:120]:
        rest = [each for each in rows if each["evidence"] != evidence]
        given = one(evidence, n=20, q_value=0.001)
        if evidence in VARIANTS:
            given |= {
                "item": "c.1A>C",
                "effect": "hotspot" if evidence.startswith("nfe") else "truncating",
                "call": "het",
            }
        ranks = [RANK[getattr(judged(*rest, given | {"value": value}), about)] for value in values]
        assert ranks == sorted(ranks), (evidence, rows)


def test_judge__never_calls_less_where_a_score_is_higher_or_its_cutoff_is_of_others():
    for rows in EACH[:120]:
        rest = [each for each in rows if each["evidence"] != "ihc_score"]
        given = [[], [scored("A", "low")], [scored("A", "high", "these")], [scored("A", "high")]]
        found = [judged(*rest, *more) for more in given]
        assert found[0].points == found[1].points == found[2].points <= found[3].points
        assert {each.functional for each in found} == {found[0].functional}


def test_judge__adds_up_a_reporter_that_rises():
    for rows in EACH[:120]:
        rest = [each for each in rows if each["evidence"] != "are_reporter"]
        given = [
            one("are_reporter", value, low=0.8 * value, high=1.25 * value)
            for value in (0.5, 1, 1.3, 1.9, 2.1, 8)
        ]
        points = [judged(*rest, each).points for each in given]
        assert points == sorted(points)


# ---- leave one out


def test_leave_one_out__names_the_piece_that_overrules():
    rows = [*active_and_working(), *alleles("A", R)]
    rows = [
        each | ({"value": 0.1, "call": None} if each["evidence"] == "nqo1_protein" else {}) for each in rows
    ]
    candidates, _, left = call_all(table_of(rows), RULES)
    assert candidates.call.tolist() == ["not_candidate"]
    decisive = left[left.decisive == "yes"]
    assert decisive.left_out.tolist() == ["nqo1_protein", "group_comparison"]
    without = decisive.iloc[0]
    # The rest says that both alleles are intact and expressed.
    assert (without.call, without.nqo1_rule) == ("candidate", "protein_or_intact_genes")
    assert without.reason == "nqo1_functional no to yes"
    assert candidates.stability[0] == ("not without NQO1 protein (then candidate)")


def test_leave_one_out__has_the_call_of_the_remaining_evidence():
    for rows in EACH[:60]:
        table = table_of(rows)
        candidates, weighed, left = call_all(table, RULES)
        names = set()
        for each in left[left.kind == "evidence"].itertuples():
            kept = table[(table.evidence != each.left_out) | (table.item.fillna("") != each.item)]
            without = judge(pieces_of(kept), RULES)
            assert (each.call, each.nrf2_points) == (without.call, without.points)
            assert (each.decisive == "yes") == (each.call != candidates.call[0])
            names |= {EVIDENCE[each.left_out].words} if each.decisive == "yes" else set()
        assert all(name in candidates.stability[0] for name in names) if len(candidates) else not names
        assert (weighed.points.sum() if len(weighed) else 0) == (
            candidates.nrf2_points.sum() if len(candidates) else 0
        )


def test_call_all__says_a_call_is_stable_where_no_piece_decides():
    calls = candidates_of(seven_lines())
    assert calls.stability["HSC-3", R] == "stable"
    assert calls.stability["HSC-2", R] == "not without NQO1 protein (then not decided)"


# ---- gained, agreement, what to measure


@pytest.mark.parametrize(
    ("before", "now", "expected", "flag"),
    [
        (expression("A", P, 0.0), expression("A", R, 1.5, 1.4), "yes", ""),
        (expression("A", P, 1.5), expression("A", R, 1.6, 0.1), "no", ""),
        (expression("A", P, 1.5), expression("A", R, 2.0, 0.5), "no", "raised"),
        (assays("A", P, 3, 3, 1), assays("A", R, 9, 3, 1), "no", "raised"),
        (expression("A", P, 0.6), expression("A", R, 1.6, 1.0), "not_assessable", ""),
        (expression("A", P, 1.5), expression("A", R, 0.0, -1.5), "no", ""),
        (expression("A", P, 0.0), expression("A", R, 0.6, 0.4), "not_assessable", ""),
        ([], expression("A", R, 1.5), "not_assessable", ""),
    ],
)
def test_call_all__compares_activity_with_the_parental_line(before, now, expected, flag):
    found = candidates_of(table_of([*before, *now])).loc[("A", R)]
    assert (found.nrf2_gained, found["flags"]) == (expected, flag)


@pytest.mark.parametrize(
    ("call", "parental", "low", "high", "expected"),
    [
        ("candidate", "not_candidate", -2.0, -1.0, "agrees"),
        ("candidate", "not_candidate", -2.0, 0.1, "inconclusive"),
        ("candidate", "not_candidate", 0.2, 1.0, "disagrees"),
        ("candidate", "candidate", -0.5, 0.5, "not_comparable"),
        ("candidate", "candidate", -2.0, -1.0, "agrees"),
        ("not_candidate", "not_candidate", -0.5, 0.5, "agrees"),
        ("not_candidate", "not_candidate", -2.0, -1.0, "disagrees"),
        ("insufficient_data", "not_candidate", -2.0, -1.0, "no_call"),
        ("candidate", "not_candidate", None, None, "inconclusive"),
        ("candidate", None, -2.0, -1.0, "not_comparable"),
    ],
)
def test_agreement__asks_whether_the_interval_of_the_shift_is_below_0(call, parental, low, high, expected):
    [piece] = pieces_of(table_of([one("mmc_shift", -1.0, low=low, high=high)]))
    assert agreement(call, parental, piece, 0) == expected
    assert agreement(call, "candidate", None, 0) == "not_measured"


def test_call_all__takes_no_call_from_the_measured_response():
    for rows in EACH[:60]:
        rest = [each for each in rows if each["evidence"] != "mmc_shift"]
        with_shift = judged(
            *rest, one("mmc_shift", -3.0, low=-4, high=-2), one("cisplatin_shift", 3.0, low=2, high=4)
        )
        assert with_shift[:6] == judged(*rest)[:6]


def test_call_all__says_what_to_measure():
    calls = candidates_of(
        table_of([*expression("A", R, 1.5), loss("het"), *assays("B", R, 1.0, 1.4, 1.0)[1:2]])
    )
    assert calls.nqo1_functional["A", R] == "reduced"
    assert calls.reason["A", R] == "measure NQO1 activity or NQO1 protein"
    assert calls.reason["B", R] == (
        "measure expression of the NRF2 target genes or an ARE reporter; "
        "measure NQO1 activity or NQO1 protein"
    )
    assert calls.status.tolist() == ["insufficient_data"] * 2


def test_call_all__shows_context_and_takes_nothing_from_it():
    other = {"source": "x/y.tsv"}
    context = [one("pathway_set", 2.1, item=name, **other) for name in ("WP2884", "Hallmark")]
    context += [one("keap1_expression", -1.0, **other), one("keap1_protein", 0.1, **other)]
    for rows in ([], active_and_working()):
        assert judged(*rows, *context) == judged(*rows)
    weighed = call_all(table_of(context), RULES)[1]
    assert set(weighed.verdict) == {"context"}
    assert set(weighed.why) == {"shown, without points"}
    assert weighed.finding[0] == "gene set WP2884 NES +2.10 (not tested)"


# ---- evidence.tsv


def test_call_all__says_of_each_row_what_it_weighed():
    rows = [
        one("nrf2_target_score", 1.2, n=27),
        one("nrf2_target_change", 0.9, n=27, q_value=0.01),
        one("are_reporter", 1.7, low=1.2, high=2.2, n=3),
        one("keap1_variant", call="absent"),
        loss("hom"),
        one("nqo1_protein", 1.0, status="no_reference", reason="no reference group"),
        one("mmc_shift", -1.0, low=-2, high=0.1),
    ]
    weighed = call_all(table_of(rows), RULES)[1]
    assert list(weighed.columns[: len(COLUMNS)]) == COLUMNS
    assert weighed.verdict.tolist() == [
        *("positive", "neutral", "neutral", "neutral", "negative", "not_measured", "context")
    ]
    assert weighed.counted.tolist() == ["yes", "no", "no", "no", "yes", "no", "no"]
    assert weighed.points.tolist() == [2, 0, 0, 0, 0, 0, 0]
    assert weighed.why[1] == "the row counts once"
    assert weighed.why[3] == "no row of the rules has points for it"
    assert weighed.finding[3] == "no variant of KEAP1"
    assert weighed.why[4] == "decides"


def test_read_evidence__puts_parental_lines_first_and_keeps_the_order_of_lines(tmp_path):
    rows = [*expression("B", R, 1.0), *expression("B", P, 1.0), *expression("A", P, 0.0), shift("B", 0.5)]
    folder = write_evidence(table_of(rows), tmp_path / "evidence")
    (folder / "other.tsv").write_text("not read\n")
    table = read_evidence(folder)
    # dose_comparison comes first by its name, and has only B.
    assert list(dict.fromkeys(zip(table.line, table.condition, strict=True))) == [
        ("B", P),
        ("B", R),
        ("A", P),
    ]
    assert read_evidence(tmp_path / "none").empty


def test_read_evidence__does_without_label_and_phase(tmp_path):
    folder = write_evidence(table_of([loss("hom")]), tmp_path)
    path = folder / "locus_genotype_evidence.tsv"
    table = pd.read_csv(path, sep="\t").drop(columns=["label", "phase"])
    table.to_csv(path, sep="\t", index=False)
    assert "NQO1 c.559C>T homozygous" in call_all(read_evidence(folder), RULES)[0].reasons[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"evidence": "nqo1_proteins"},
            "evidence: found 'nqo1_proteins' (perhaps nqo1_protein); expected nrf2_target",
        ),
        ({"role": "resistant"}, "role: found 'resistant'; expected reference, target, other"),
        ({"role": None}, "role: found nothing; expected reference, target, other"),
        (
            {"call": "lost"},
            "call: found 'lost'; expected present, reduced, absent, discordant (of nqo1_protein)",
        ),
        ({"condition": None}, "condition: found nothing; expected a name"),
        ({"effect": "loss"}, "effect: found 'loss'; expected nothing (of nqo1_protein)"),
    ],
)
def test_read_evidence__names_a_word_that_no_rule_would_know(tmp_path, change, message):
    write_evidence(table_of([one("nqo1_protein", 1.0, call="present") | change]), tmp_path)
    with pytest.raises(InputError, match=re.escape(f"group_comparison_evidence.tsv, row 2, {message}")):
        read_evidence(tmp_path)


def test_read_evidence__names_a_condition_of_two_roles(tmp_path):
    write_evidence(
        table_of([one("are_reporter", 1.0), one("nqo1_expression", 5) | {"role": "other"}]), tmp_path
    )
    with pytest.raises(
        InputError, match="evidence of A, resistant: found the roles target and other; expected one"
    ):
        read_evidence(tmp_path)


# ---- rules


def test_rules__are_provisional_and_each_has_its_reference():
    parts = [RULES["nrf2_raised"], RULES["mmc_agreement"], *RULES["nrf2_active"]["rows"].values()]
    parts += RULES["nqo1_functional"]["rows"].values()
    assert all(part["provisional"] is True and len(part["reference"]) > 8 for part in parts)
    assert RULES["nqo1_functional"]["order"] == list(RULES["nqo1_functional"]["rows"])


def test_rules__are_those_of_the_published_table():
    rows = RULES["nrf2_active"]["rows"]
    points = {name: tuple(each["points"].values()) for name, each in rows.items()}
    assert points == {
        **{"target_genes": (2, -2), "are_reporter": (1, -1), "nrf2_protein": (1, -1), "ihc_score": (1, 0)},
        **{"nfe2l2_hotspot": (2,), "nfe2l2_exon2_skipping": (2,), "keap1_both_copies": (2,)},
        **{"keap1_one_copy": (1,), "keap1_or_cul3_other": (0.5,)},
    }
    assert (RULES["nrf2_active"]["yes_from"], RULES["nrf2_active"]["no_to"]) == (2, -1)


def put(place: str, value: object) -> str:
    """Return the shipped rules with another value at a place; None takes the key away."""
    rules = yaml.safe_load(RULES_FILE.read_text())
    *parents, key = place.split(".")
    part = found_at(rules, ".".join(parents)) if parents else rules
    if value is None:
        del part[key]
    else:
        part[key] = value
    return yaml.safe_dump(rules, sort_keys=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (put("nrf2_active.yes_from", "two"), "nrf2_active.yes_from: found 'two'; expected points above 0"),
        (put("nrf2_active.yes_from", True), "nrf2_active.yes_from: found true; expected points above 0"),
        (put("nrf2_active.no_to", 0), "nrf2_active.no_to: found 0; expected points below 0"),
        (put("nrf2_active.yes_from", float("nan")), "nrf2_active.yes_from: found nan; expected a number"),
        (
            put("nrf2_active.rows.nfe2l2_hotspot.vaf_from", None),
            "nrf2_active.rows.nfe2l2_hotspot.vaf_from: found nothing; expected a share from 0 to 1, the "
            "smallest variant allele fraction that counts",
        ),
        (
            put("nrf2_active.rows.are_reporter.ratio_form", 2),
            "nrf2_active.rows.are_reporter.ratio_form: found no such key (perhaps ratio_from); expected one "
            "of ratio_from, low_above, high_below, points, provisional, reference",
        ),
        (
            put("nrf2_active.rows.are_reporter.points.negative", 1),
            "nrf2_active.rows.are_reporter.points.negative: found 1; expected points from -10 to 0",
        ),
        (
            put("nrf2_active.rows.target_genes.score_below", 1.5),
            "nrf2_active.rows.target_genes.score_below: found 1.5; expected at most score_from, 1",
        ),
        (
            put("nqo1_functional.rows.protein_lost.ratio_to", 0.6),
            "nqo1_functional.rows.protein_lost.ratio_to: found 0.6; expected at most "
            "nqo1_functional.protein_present_from, 0.5",
        ),
        (
            put("nqo1_functional.order", ["activity", "protein"]),
            "nqo1_functional.order.1: found 'protein'; expected one of activity, protein_lost",
        ),
        (
            put("nqo1_functional.order", ["activity", "activity"]),
            "nqo1_functional.order: found ['activity', 'activity']; expected a list of rows, each once",
        ),
        (put("version", 2), "version: found 2; expected 1, the version of this form"),
        (
            put("mmc_agreement.provisional", "yes"),
            "mmc_agreement.provisional: found 'yes'; expected true or false: whether the thresholds are",
        ),
        ("", "the file: found nothing; expected a file in the form of assets/mmc_rules.yml"),
        ("version: 1\nversion: 1\n", "line 2: found version twice; expected YAML, each key once"),
        ("a: [1\nb: 2\n", "line 2: found expected ',' or ']', but got ':'; expected YAML, each key once"),
        ("a: !!python/object:os.system {}\n", "line 1: found could not determine a constructor for the tag"),
    ],
)
def test_read_rules__names_place_found_and_expected(tmp_path, text, message):
    path = tmp_path / "mine.yml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_rules(path, SCHEMA)
    assert str(error.value).startswith(f"mine.yml, {message}")
    assert "\n" not in str(error.value)


def test_read_rules__counts_further_mistakes_and_refuses_what_is_no_text(tmp_path):
    path = tmp_path / "mine.yml"
    path.write_text(put("nrf2_active.yes_from", -1).replace("no_to: -1", "no_to: 5"))
    with pytest.raises(InputError, match=r"no_to: found 5; expected points below 0 \(and 1 more\)$"):
        read_rules(path, SCHEMA)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="found text that is not UTF-8; expected YAML in UTF-8"):
        read_rules(path, SCHEMA)


@pytest.mark.parametrize(("low", "high"), ORDERED)
def test_check_rules__holds_each_pair_of_thresholds_apart(tmp_path, low, high):
    path = tmp_path / "mine.yml"
    middle = max(found_at(RULES, high), found_at(RULES, low))
    path.write_text(put(low, min(middle, 1) if "vaf" in low or "_from" in low else middle))
    _, faults = check_rules(path, SCHEMA)
    equal = found_at(yaml.safe_load(path.read_text()), low) <= found_at(RULES, high)
    assert (faults == []) == equal
    assert all(fault[0] == low for fault in faults)


def test_call_all__follows_other_rules():
    given = yaml.safe_load(put("nqo1_functional.rows.protein_lost.ratio_to", 0.1))
    found = candidates_of(seven_lines().assign(call=seven_lines().call.replace("absent", None)), given)
    assert found.nqo1_functional["HSC-2", R] == "reduced"
    given = yaml.safe_load(put("nrf2_active.yes_from", 5.5))
    assert candidates_of(seven_lines(), given).nrf2_active["HSC-3", R] == "insufficient_data"
    order = [
        "both_alleles_lost",
        *(each for each in RULES["nqo1_functional"]["order"] if each != "both_alleles_lost"),
    ]
    given = yaml.safe_load(put("nqo1_functional.order", order))
    assert candidates_of(seven_lines(), given).nqo1_rule["HSC-4", P] == "both_alleles_lost"
    assert candidates_of(seven_lines()).nqo1_rule["HSC-4", P] == "protein_lost"


# ---- the command


def run(run_script, folder, evidence, **options):
    folder.mkdir(exist_ok=True)
    given = {"rules": RULES_FILE, "schema": SCHEMA} | options
    return run_script(main, evidence=evidence, results=folder, **given)


@pytest.fixture(scope="module")
def of_seven(tmp_path_factory):
    """Run the command on the seven lines once."""
    folder = tmp_path_factory.mktemp("seven")
    evidence = write_evidence(seven_lines(), folder / "evidence")
    (folder / "out").mkdir()
    words = ["--evidence", evidence, "--rules", RULES_FILE, "--schema", SCHEMA, "--results", folder / "out"]
    assert CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False).exit_code == 0
    return folder / "out"


def section(folder, name: str = "mmc_candidates") -> dict:
    return json.loads((folder / f"{name}_mqc.json").read_text())


def test_main__says_on_the_first_screen_which_line_to_treat_and_why(of_seven):
    shown = section(of_seven)
    said = shown["description"]
    assert said.startswith(
        "Candidates for mitomycin C are HSC-3 resistant, HO-1-u-1 parental and HO-1-u-1 resistant: NRF2 is "
        "active, and NQO1, which makes the compound toxic, works. What says so: HSC-3 resistant (NRF2 target "
        "genes 2.3 times the level of the study's low lines; ARE reporter 4.5 times the reference; NQO1 "
        "activity 360 nmol/min/mg), HO-1-u-1 parental ("
    )
    lower = "As called, the measured IC50 is lower than the parental line's in HSC-3 resistant and HO-1-u-1"
    assert f"{lower} resistant." in said
    assert "NRF2 is active, but NQO1 does not work, in HSC-2 resistant (" in said
    assert "NQO1 protein 0.15 times the reference, absent by eye)." in said
    assert "provisional" in said
    rows = re.findall(r"<tr><td><strong>(.*?)</strong> (.*?)</td><td><span [^>]*>(.*?)</span>", shown["data"])
    assert rows[:4] == [
        *(("HSC-3", R, "candidate"), ("HO-1-u-1", P, "candidate"), ("HO-1-u-1", R, "candidate")),
        ("HSC-2", P, "not a candidate"),
    ]
    assert len(rows) == 14
    assert "candidate</span><br>NRF2 even higher than in the parental line</td>" in shown["data"]
    assert (
        "KEAP1 W544* heterozygous, VAF 0.5 (+1). It came with resistance.</td><td>NQO1 works" in shown["data"]
    )
    assert shown["nrf2flow"]["findings"]["HSC-3"].endswith(
        "resistant candidate (NRF2 active: yes, NQO1 functional: yes)"
    )
    answers = shown["nrf2flow"]["answers"]
    assert answers["active"][0] == (
        "NRF2 is active in HSC-2 resistant, HSC-3 resistant and HO-1-u-1 parental and resistant; it is not "
        "active in 10 of 14 lines and conditions."
    )
    assert "KEAP1 W544* in HSC-3 resistant" in answers["why"][0]
    assert answers["why"][1] == (
        "Activity came with resistance in HSC-2 resistant and HSC-3 resistant and was there before "
        "resistance in HO-1-u-1 resistant."
    )
    assert "in candidates HSC-3 resistant 0." in answers["exploited"][1]
    for name in ("mmc_candidates", "mmc_candidates_evidence", "mmc_candidates_quadrants"):
        assert "Research use only" in section(of_seven, name)["description"]
        assert (of_seven / f"{name}_mqc.json").stat().st_size < 300_000


def test_main__explains_each_column_that_it_publishes(of_seven):
    rows = pd.read_csv(ROOT / "assets/columns.tsv", sep="\t", dtype=str)
    rows = rows[rows.table.str.startswith("mmc_candidates/")]
    published = set()
    for path in sorted(of_seven.glob("*.tsv")):
        if path.name != "versions.tsv":
            name = re.sub(r"^(evidence_matrix|quadrants).*", r"\1*.tsv", path.name)
            published |= {
                (f"mmc_candidates/{name}", column) for column in pd.read_csv(path, sep="\t", nrows=0)
            }
    assert published == set(zip(rows.table, rows.column, strict=True))


def test_main__gives_the_same_bytes_again(run_script, tmp_path, of_seven):
    run(run_script, tmp_path / "out", of_seven.parent / "evidence")
    files = sorted(path.name for path in of_seven.iterdir())
    assert "evidence_matrix.png" in files
    for name in files:
        assert (of_seven / name).read_bytes() == (tmp_path / "out" / name).read_bytes(), name


def test_main__says_so_where_there_is_nothing(run_script, tmp_path):
    assert run(run_script, tmp_path / "out", tmp_path / "nowhere").exit_code == 0
    assert section(tmp_path / "out")["description"].startswith("No analysis found evidence on any line")
    assert not list((tmp_path / "out").glob("*.png"))
    assert (tmp_path / "out/candidates.tsv").read_text().count("\n") == 1


def test_main__keeps_lines_of_which_nothing_could_be_measured(run_script, tmp_path):
    rows = [
        each | {"status": "no_reference", "value": np.nan, "reason": "x"} for each in assays("A", R, 1, 1, 1)
    ]
    evidence = write_evidence(table_of(rows), tmp_path / "evidence")
    assert run(run_script, tmp_path / "out", evidence).exit_code == 0
    calls = pd.read_csv(tmp_path / "out/candidates.tsv", sep="\t")
    assert calls.call.tolist() == ["insufficient_data"]
    assert calls.status.tolist() == ["no_evidence"]
    said = section(tmp_path / "out")["description"]
    assert "No line is a candidate" in said
    assert "A resistant (measure expression of the NRF2 target genes, an ARE reporter or NRF2 protein" in said


def test_main__says_beside_the_call_what_it_lacks_and_what_to_know(run_script, tmp_path):
    intact = [each for each in active_and_working() if each["evidence"] != "nqo1_protein"] + alleles("A", R)
    lacking = [each | {"line": "B<b>"} for each in expression("A", R, 1.5)]
    evidence = write_evidence(table_of(intact + lacking), tmp_path / "evidence")
    run(run_script, tmp_path / "out", evidence)
    shown = section(tmp_path / "out")["data"]
    assert ">candidate</span><br>NQO1 protein was not measured</td>" in shown
    assert "B&lt;b&gt;</strong> resistant</td>" in shown
    assert ">not decided</span><br>measure NQO1 activity or NQO1 protein</td>" in shown


def test_main__ends_a_mistake_in_the_rules_in_one_line(run_script, tmp_path):
    (tmp_path / "mine.yml").write_text(put("nrf2_active.yes_from", "two"))
    evidence = write_evidence(seven_lines(), tmp_path / "evidence")
    result = run(run_script, tmp_path / "out", evidence, rules=tmp_path / "mine.yml")
    assert result.exit_code == 1
    assert result.output == "Error: mine.yml, nrf2_active.yes_from: found 'two'; expected points above 0\n"


# ---- figures


def test_draw_matrix__tells_positive_negative_and_not_measured_apart():
    rows = [one("are_reporter", 5.0, low=4, high=6), one("nrf2_protein", 1.0, n=3), one("nqo1_expression", 5)]
    candidates, weighed, _ = call_all(table_of(rows), RULES)
    drawn = matrix_of(candidates, weighed)
    of = drawn.set_index("evidence")
    assert of.verdict["ARE reporter ratio"] == "positive"
    assert of.verdict["NRF2 protein ratio"] == "negative"
    assert of.verdict["mRNA TPM"] == "neutral"
    assert of.verdict["alleles"] == "not_measured"
    figure = draw_matrix(drawn)
    fills = {tuple(np.round(patch.get_facecolor(), 2)) for patch in figure.axes[0].patches}
    grey = [0.299 * red + 0.587 * green + 0.114 * blue for red, green, blue, _ in fills]
    assert min(abs(a - b) for a in grey for b in grey if a != b) > 0.1  # told apart in grey
    words = [text.get_text() for text in figure.findobj(Text)]
    assert {"5", "1", CALLS["insufficient_data"], "Research use only"} <= set(words)
    assert words.count("\u2013") == int((drawn.verdict == "not_measured").sum()) + 1  # and the key


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (one("nqo1_expression", 18_285.0), "18k"),
        (one("nqo1_expression", 812.4), "812"),
        (one("nrf2_target_score", -0.02, n=27), "+0.0"),
        (variant("nfe2l2", "truncating", 0.5, "T480Pfs*4"), "T480fs\nhet"),
        (one("keap1_variant", 0.0, call="absent"), "none"),
        (one("mmc_shift", -1.0, low=-2, high=0), "0.5"),
        (one("nqo1_protein", call="absent"), "absent"),
        (one("nqo1_exon4_skipping", 0.034), "3%"),
        (one("nqo1_coverage", 1.0, call="two_intact"), "intact"),
    ],
)
def test_text_of__writes_what_a_cell_has_room_for(given, text):
    [cell] = table_of([given]).itertuples()
    assert text_of(cell) == text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            one("nrf2_target_score", 1.234, n=27),
            "NRF2 target genes 2.4 times the level of the study's low lines (+1.2 log2, 27 genes)",
        ),
        (
            one("nrf2_target_change", 0.8),
            "NRF2 target genes 1.7 times the parental line's level (+0.8 log2, not tested)",
        ),
        (
            one("are_reporter", 1.0, low=1, high=1, n=3),
            "ARE reporter 1 by definition: the reference group itself",
        ),
        (one("pathway_set", 2.1, item="A", q_value=1e-9), "gene set A NES +2.10 (q < 0.001)"),
        (one("keap1_expression", 5.25), "KEAP1 mRNA 5.2 log2 CPM"),
        (
            one("keap1_expression", -1.0, item="change", q_value=0.04),
            "KEAP1 mRNA 0.5 times the parental line's (-1 log2, q 0.04)",
        ),
        (
            one("nqo1_protein", 0.1, n=1, call="absent"),
            "NQO1 protein 0.1 times the reference (n = 1), absent by eye",
        ),
        (
            one("nqo1_activity", 1234.5, low=1100, high=1350, n=3),
            "NQO1 activity 1,234 nmol/min/mg (1,100 to 1,350, n = 3)",
        ),
        (one("nqo1_coverage", 0.935, call="one_loss"), "NQO1 alleles: one loss, 93.5 % covered"),
        (one("nqo1_coverage", call="two_intact"), "NQO1 alleles: two intact"),
        (loss("ref"), "NQO1 P187S not carried, VAF 0"),
        (variant("keap1", "other", np.nan), "KEAP1 V1 heterozygous"),
        (one("nfe2l2_exon2_skipping", 0.123, n=20), "exon 2 of NFE2L2 skipped in 12 % of its transcripts"),
        (one("mmc_shift", -1.0, low=-2, high=0), "MMC IC50 0.5 times that of the parental line (0.25 to 1)"),
        (one("nqo1_expression"), "NQO1 mRNA without a value"),
    ],
)
def test_says__puts_a_piece_into_words(given, words):
    [piece] = pieces_of(table_of([given]))
    assert piece.says == words


def texts_of(figure) -> list:
    figure.draw_without_rendering()
    return [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]


@pytest.mark.parametrize("lines", [1, 7, 12])
def test_figures__have_no_overlapping_texts(lines):
    import matplotlib as mpl

    rows = []
    for number in range(lines):
        line = f"A line of a long name {number}" if number % 2 else f"L{number}"
        rows += assays(line, P, 1.0, 1.0, 1.0) + expression(line, P, 0.0) + alleles(line, P)
        rows += assays(line, R, 5.0, 3.0, 0.1 + number % 3) + expression(line, R, 1.5, 1.4)
        rows += [
            shift(line, 2.0 ** -(number % 3)),
            *alleles(line, R, "one_loss", P187S=("c.559C>T", "het", 0.5)),
        ]
    candidates, weighed, _ = call_all(table_of(rows), RULES)
    with mpl.rc_context(STYLE):
        figures = [draw_matrix(matrix_of(candidates, weighed))]
        figures.append(draw_quadrants(quadrants_of(candidates, weighed), (-1, 2)))
        for figure in figures:
            texts = texts_of(figure)
            boxes = [text.get_window_extent().shrunk(0.9, 0.7) for text in texts]
            for first in range(len(boxes)):
                for second in range(first):
                    pair = texts[first].get_text(), texts[second].get_text()
                    assert not boxes[first].overlaps(boxes[second]), pair
            page = figure.bbox
            assert all(page.x0 <= box.x0 and box.x1 <= page.x1 for box in boxes)


def test_pages_of__cuts_what_is_drawn_where_lines_are_many():
    rows = [each for number in range(45) for each in assays(f"L{number}", R, 5.0, 3.0, 1.0)]
    candidates, weighed, _ = call_all(table_of(rows), RULES)
    for drawn, cells in ((quadrants_of(candidates, weighed), 1), (matrix_of(candidates, weighed), 14)):
        pages = pages_of(drawn, "figure")
        assert [(stem, len(page)) for stem, page in pages] == [
            ("figure.1", 40 * cells),
            ("figure.2", 5 * cells),
        ]
        assert [stem for stem, _ in pages_of(drawn[: 40 * cells], "figure")] == ["figure"]
