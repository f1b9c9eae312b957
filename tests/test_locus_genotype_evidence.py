"""What locus_genotype tells the call: NQO1's alleles, copies, expression, skipping; variants of the axis."""

from pathlib import Path

import locus_genotype as script
import mmc_candidates
import numpy as np
import pandas as pd
import pytest
from common import evidence
from common.mmc_candidates_rules import read_rules
from common.mmc_candidates_tables import read_evidence
from conftest import ROOT
from effect_cases import CLASSES
from genotype_study import Sample, Study, analysed, founding_samples, pair, write_study

P, R = "parental", "resistant"
LOSSES = ["P187S", "R139W"]


def told(study: Study, folder: Path) -> pd.DataFrame:
    """Return the evidence of a study, as the call reads it."""
    evidence.write_evidence(analysed(study, folder)["locus_genotype_evidence"], "locus_genotype", folder)
    return read_evidence(folder)


def of(table: pd.DataFrame, kind: str, line: str = "HSC-2", condition: str = P) -> pd.DataFrame:
    return table[(table.line == line) & (table.condition == condition) & (table.evidence == kind)]


def only(table: pd.DataFrame) -> pd.Series:
    assert len(table) == 1
    return table.iloc[0]


def replicates(*genotypes: dict, **further: object) -> list[Sample]:
    """Make replicates P1, P2, ... of a parental line."""
    return [Sample(f"P{number}", "HSC-2", P, each, **further) for number, each in enumerate(genotypes, 1)]


# ---- what decides


@pytest.mark.parametrize(("gene", "consequence", "domain", "hotspot", "effect"), CLASSES)
def test_known_effect__is_that_of_the_tables_of_hotspots_and_domains(
    gene, consequence, domain, hotspot, effect
):
    assert script.known_effect(gene, "unknown", consequence, domain, hotspot) == effect


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        ("deficient", "loss"),
        ("reduced", "loss"),
        ("loss", "loss"),
        ("wild_type_like", "wild_type_like"),
        ("unknown", "other"),
        ("uncertain", "other"),
        ("synonymous", None),
    ],
)
def test_known_effect__of_nqo1_is_loss_or_not(effect, expected):
    assert script.known_effect("NQO1", effect, "missense_variant", "Flavodoxin-like", None) == expected


def test_differ__replicates_without_a_call_say_nothing():
    assert script.differ("hom", {"P1": "hom", "P2": "no_call", "P3": "hom"}, script.CALLS) == ""
    assert script.differ("no_call", {"P1": "het", "P2": "ambiguous"}, script.CALLS) == ""
    found = script.differ("het", {"P1": "hom", "P2": "ref", "P3": "no_call"}, script.CALLS)
    assert found == "P1 hom, P2 ref, together het"


def test_differ__the_pool_must_agree_with_each_replicate():
    assert script.differ("het", {"P1": "hom"}, script.CALLS) == "P1 hom, together het"


def test_share_of_copies__no_imbalance_makes_a_heterozygote_reach_the_threshold_of_both_copies():
    rules = read_rules(ROOT / "assets/mmc_rules.yml", ROOT / "assets/mmc_rules.schema.json")
    both = rules["nrf2_active"]["rows"]["keap1_both_copies"]["vaf_from"]
    shares = np.linspace(0, 1, 101)
    assert max(script.share_of_copies(share, "het") for share in shares) < both
    assert [script.share_of_copies(share, "hom") for share in shares] == shares.tolist()


def pairs_in(phases: dict[tuple[str, str], str]) -> dict:
    """Give fragments that say so to pairs of variants."""
    counts = {"cis": (30.0, 0.0), "trans": (0.0, 30.0), "few": (1.0, 0.0), "mixed": (15.0, 15.0)}
    return {
        ("u", *names): counts[phase]
        for pair in phases
        for names, phase in ((pair, phases[pair]), (pair[::-1], phases[pair]))
    }


@pytest.mark.parametrize(
    ("phases", "copies"),
    [
        ({}, {}),
        ({"ab": "few"}, {}),
        ({"ab": "mixed"}, {}),
        ({"ab": "cis"}, {"a": "copy_1", "b": "copy_1"}),
        ({"ab": "trans"}, {"a": "copy_1", "b": "copy_2"}),
        ({"ab": "cis", "bc": "trans"}, {"a": "copy_1", "b": "copy_1", "c": "copy_2"}),
        ({"bc": "cis"}, {"b": "copy_1", "c": "copy_1"}),
        ({"ab": "cis", "cd": "trans"}, {"c": "copy_1", "d": "copy_2"}),
    ],
)
def test_named_copies__are_equal_in_cis_and_differ_in_trans(phases, copies):
    pairs = pairs_in({tuple(names): phase for names, phase in phases.items()})
    assert script.named_copies("u", list("abcd"), pairs) == copies


def test_lie_apart__deep_libraries_that_differ_by_little_do_not():
    def apart(*shares: float, reads: int) -> bool:
        low, high = script.wilson(np.array(shares) * reads, np.full(len(shares), float(reads)))
        return script.lie_apart(np.array(shares), low, high)

    assert not apart(0.03, 0.05, reads=100_000)
    assert not apart(0.0, 0.5, reads=4)
    assert apart(0.02, 0.5, reads=100)
    assert apart(0.02, 0.5, 0.3, reads=100)
    assert not apart(0.5, reads=100)
    assert not script.lie_apart(np.empty(0), np.empty(0), np.empty(0))


@pytest.mark.parametrize(
    ("tpm", "fragments", "per_tpm", "shown"),
    [
        ([0.0], [0], [40], [True]),  # 40 fragments would show TPM 1
        ([0.0], [0], [0.1], [False]),
        ([0.0], [0], [np.nan], [False]),
        ([0.4], [12], [0.1], [True]),  # they are there
        ([0.0, 500.0], [0, 600], [0.1, 0.1], [True, True]),  # 50 fragments would be as in the other
        ([0.0, 5.0], [0, 600], [0.1, 100], [False, True]),
        ([np.nan, 5.0], [600, 600], [40, 40], [False, True]),
    ],
)
def test_shows_level__a_library_measures_what_it_shows_or_should(tpm, fragments, per_tpm, shown):
    arrays = (np.array(values, float) for values in (tpm, fragments, per_tpm))
    assert script.shows_level(*arrays).tolist() == shown


def test_shows_level__of_libraries_that_should_show_it_one_in_20_at_most_does_not():
    draw = np.random.default_rng(3)
    per_tpm = draw.uniform(0.1, 30, 40_000)
    fragments = draw.poisson(per_tpm * script.TPM_MIN).astype(float)
    empty = fragments == 0
    judged = [
        script.shows_level(*(np.array([each]) for each in (0.0, 0.0, rate)))[0] for rate in per_tpm[empty]
    ]
    assert np.sum(judged) < 0.05 * np.sum(per_tpm * script.TPM_MIN >= script.SEEN)


# ---- alleles and copies of NQO1


def test_evidence__the_lines_of_the_founding_study_come_back(tmp_path):
    table = told(Study(founding_samples()), tmp_path)
    copies = {
        (row.line, row.condition): row.call for row in table[table.evidence == "nqo1_coverage"].itertuples()
    }
    lost = {("HSC-2", R): "one_loss"} | {
        (line, each): "two_loss" for line in ("Ca9-22", "HSC-4") for each in (P, R)
    }
    assert copies == dict.fromkeys(copies, "two_intact") | lost
    carried = table[(table.evidence == "nqo1_allele") & (table.call != "ref")]
    keys = ["line", "condition", "item", "label", "effect", "call", "status"]
    assert sorted(carried[keys].itertuples(index=False, name=None)) == [
        *(("Ca9-22", each, "c.415C>T", "R139W", "loss", "hom", "ok") for each in (P, R)),
        ("HSC-2", R, "c.380_384delinsG", "K127Sfs*9", "loss", "het", "ok"),
        *(("HSC-4", each, "c.559C>T", "P187S", "loss", "hom", "ok") for each in (P, R)),
    ]
    keys = ["line", "condition", "label", "effect", "call"]
    axis = table[table.evidence.isin(["keap1_variant", "nfe2l2_variant"]) & table.label.notna()]
    assert sorted(axis[keys].itertuples(index=False, name=None)) == [
        *(("HO-1-u-1", each, "E82D", "hotspot", "het") for each in (P, R)),
        ("HSC-2", R, "V512I", "missense_in_domain", "het"),
        ("HSC-3", R, "W544*", "truncating", "het"),
    ]


def test_evidence__the_call_judges_nqo1_of_the_founding_lines_as_planted(tmp_path):
    rules = read_rules(ROOT / "assets/mmc_rules.yml", ROOT / "assets/mmc_rules.schema.json")
    calls, *_ = mmc_candidates.call_all(told(Study(founding_samples(1)), tmp_path), rules)
    functional = calls.set_index(["line", "condition"]).nqo1_functional.to_dict()
    expected = dict.fromkeys(functional, "yes") | {("HSC-2", R): "reduced"}
    assert functional == expected | {(line, each): "no" for line in ("Ca9-22", "HSC-4") for each in (P, R)}
    active = calls.set_index(["line", "condition"]).nrf2_points
    assert active["HO-1-u-1", P] == 2
    assert active["HSC-3", R] == 1
    assert active["HSC-3", P] == 0


def test_evidence__loci_have_a_row_where_the_line_lacks_them_and_further_variants_do_not(tmp_path):
    table = told(Study(pair({}, {"delins": 1})), tmp_path)
    rows = of(table, "nqo1_allele")
    assert rows[["label", "call"]].to_numpy().tolist() == [["R139W", "ref"], ["P187S", "ref"]]
    assert (rows.value < 0.02).all()
    assert "K127Sfs*9" in set(of(table, "nqo1_allele", condition=R).label)


def test_evidence__a_missense_of_nqo1_is_other_and_a_locus_without_place_keeps_its_row(tmp_path):
    study = Study(replicates({"K200R": 1}), unplaced={"R139W": ("reference_mismatch", "the genome has A")})
    rows = of(told(study, tmp_path), "nqo1_allele").set_index("item")
    assert (rows.effect["c.599A>G"], rows.call["c.599A>G"]) == ("other", "het")
    assert (rows.status["c.415C>T"], rows.reason["c.415C>T"]) == ("reference_mismatch", "the genome has A")
    assert pd.isna(rows.call["c.415C>T"])


def test_evidence__replicates_that_agree_are_pooled(tmp_path):
    row = only(
        of(told(Study(replicates({"P187S": 2}, {"P187S": 2})), tmp_path), "nqo1_allele").query(
            "label == 'P187S'"
        )
    )
    assert (row.call, row.status, row.n) == ("hom", "ok", 240)


def test_evidence__replicates_that_differ_are_none(tmp_path):
    table = told(Study(replicates({"P187S": 2}, {"P187S": 0})), tmp_path)
    row = only(of(table, "nqo1_allele").query("label == 'P187S'"))
    assert (row.call, row.status) == ("ambiguous", "replicates_differ")
    assert row.reason == "P1 hom, P2 ref, together het"
    copies = only(of(table, "nqo1_coverage"))
    assert (copies.call, copies.status) == ("not_assessable", "replicates_differ")
    assert copies.reason == "P1 two loss, P2 two intact, together one loss"


def test_evidence__a_replicate_that_shows_a_variant_is_not_outvoted_by_deep_ones(tmp_path):
    samples = [*replicates({"W544*": 0.4}), Sample("P2", "HSC-2", P, {"W544*": 0}, depth=5000)]
    row = only(of(told(Study(samples), tmp_path), "keap1_variant"))
    assert (row.label, row.call, row.status) == ("W544*", "ambiguous", "replicates_differ")


def test_evidence__a_loss_in_which_replicates_differ_leaves_the_copies_open(tmp_path):
    thin = {("P1", "NQO1", 2): 5}  # of its copies P1 alone says nothing
    samples = [Sample("P1", "HSC-2", P, {"delins": 0.5}), Sample("P2", "HSC-2", P, depth=9000)]
    row = only(of(told(Study(samples, thinnest=thin), tmp_path), "nqo1_coverage"))
    assert (row.call, row.status) == ("not_assessable", "replicates_differ")
    assert row.reason.startswith("K127Sfs*9: P1 het, P2 ref, together ")


def test_evidence__a_bound_share_keeps_what_else_is_said(tmp_path):
    row = only(of(told(Study(replicates({"K200R": 0.8})), tmp_path), "nqo1_allele").query("label == 'K200R'"))
    assert (row.value, row.status) == (0.5, "ok")
    assert row.reason.endswith("; A>G: without DNA, RNA editing cannot be told from a variant")


def test_evidence__a_replicate_without_alignment_leaves_it_to_the_others(tmp_path):
    samples = [*replicates({"P187S": 2}), Sample("P2", "HSC-2", P, {"P187S": 2}, aligned=False)]
    table = told(Study(samples), tmp_path)
    assert only(of(table, "nqo1_allele").query("label == 'P187S'")).call == "hom"
    assert only(of(table, "nqo1_coverage"))[["call", "status"]].tolist() == ["two_loss", "ok"]


def test_evidence__shallow_replicates_are_called_together(tmp_path):
    table = told(Study(replicates({"P187S": 2}, {"P187S": 2}, depth=15)), tmp_path)
    assert only(of(table, "nqo1_allele").query("label == 'P187S'"))[["call", "status"]].tolist() == [
        "hom",
        "ok",
    ]


@pytest.mark.parametrize(
    ("fragments", "copies", "phases"),
    [
        ((20, 0, 0, 20), "one_loss", ["copy_1", "copy_1"]),
        ((0, 20, 20, 0), "two_loss", ["copy_1", "copy_2"]),
        (None, "unphased", [None, None]),
        ((10, 10, 10, 10), "unphased", [None, None]),
    ],
)
def test_evidence__two_losses_have_the_phase_that_fragments_tell(tmp_path, fragments, copies, phases):
    linkage = [("P1", *LOSSES, *fragments)] if fragments else []
    table = told(Study(replicates(dict.fromkeys(LOSSES, 1)), linkage=linkage), tmp_path)
    row = only(of(table, "nqo1_coverage"))
    assert (row.call, row.status) == (copies, "ok")
    found = of(table, "nqo1_allele").sort_values("label")
    assert sorted(found.phase.fillna("")) == [phase or "" for phase in phases]


def test_evidence__an_uncertain_genotype_is_none(tmp_path):
    table = told(Study(replicates({"P187S": 0.94}), seed=4), tmp_path)
    row = only(of(table, "nqo1_allele").query("label == 'P187S'"))
    assert (row.call, row.status) == ("ambiguous", "uncertain")
    assert only(of(table, "nqo1_coverage"))[["call", "status"]].tolist() == ["not_assessable", "uncertain"]


def test_evidence__the_share_that_is_covered_counts_whole_exons(tmp_path):
    thin = {("P1", "NQO1", 3): 19, ("P1", "NQO1", 4): 20}
    row = only(of(told(Study(replicates({}), thinnest=thin), tmp_path), "nqo1_coverage"))
    assert row.value == pytest.approx(5 / 6)
    assert (row.call, row.status, row.n) == ("not_assessable", "incomplete_coverage", 19)


def test_evidence__a_line_without_alignments_has_its_rows_and_no_evidence(tmp_path):
    table = told(Study(replicates({"P187S": 2}, aligned=False), tpm=False), tmp_path)
    assert set(table.evidence) == {
        *("nqo1_coverage", "nqo1_allele", "nqo1_expression", "nqo1_exon4_skipping"),
        *("nfe2l2_exon2_skipping", "nfe2l2_variant", "keap1_variant"),
    }
    assert (table.status != "ok").all()
    assert table.reason.notna().all()


# ---- expression and skipping


@pytest.mark.parametrize(
    ("tpm", "value", "status"),
    [((50, 70), 60, "ok"), ((0.2, 0.4), 0.3, "ok"), ((0.2, 50), 25.1, "replicates_differ")],
)
def test_evidence__expression_is_the_mean_of_replicates_on_one_side_of_tpm_1(tmp_path, tpm, value, status):
    samples = [Sample(f"P{number}", tpm=each) for number, each in enumerate(tpm, 1)]
    row = only(of(told(Study(samples), tmp_path), "nqo1_expression"))
    assert (row.value, row.n, row.status) == (pytest.approx(value), 2, status)


def test_evidence__without_tpm_expression_is_not_measured(tmp_path):
    row = only(of(told(Study(replicates({}), tpm=False), tmp_path), "nqo1_expression"))
    assert (row.status, row.reason) == ("not_measured", "no TPM")
    assert pd.isna(row.value)


def test_level_of__a_library_too_small_for_tpm_1_tells_nothing_and_is_left_out_beside_others():
    value, status, reason = script.level_of(["P1"], np.zeros(1), np.array([False]))
    assert (np.isnan(value), status) == (True, "inadequate_library")
    assert reason == "no fragments show it, nor would they TPM 1: TPM 0 in P1"
    found = script.level_of(["P1", "P2"], np.array([0.0, 8.0]), np.array([False, True]))
    assert found == (8.0, "ok", "TPM 0 in P1, 8 in P2: not all libraries would show it")


def test_evidence__skipping_has_its_interval_and_reads(tmp_path):
    table = told(Study(replicates({}, {}, skipped=0.3)), tmp_path)
    row = only(of(table, "nqo1_exon4_skipping"))
    assert (row.value, row.n, row.status) == (pytest.approx(60 / 200), 60 + 2 * 140, "ok")
    assert row.low < row.value < row.high
    row = only(of(table, "nfe2l2_exon2_skipping"))
    assert (row.value, row.n, row.status) == (0, 0, "ok")


def test_evidence__skipping_is_not_measured_in_few_reads_nor_in_replicates_that_differ(tmp_path):
    table = told(Study(replicates({}, junction_reads=4)), tmp_path / "few")
    row = only(of(table, "nqo1_exon4_skipping"))
    assert (row.status, row.reason) == ("low_depth", "8 of 10 junction reads")
    samples = [Sample("P1", skipped=0.02), Sample("P2", skipped=0.5)]
    row = only(of(told(Study(samples), tmp_path / "apart"), "nqo1_exon4_skipping"))
    assert (row.status, row.reason) == ("replicates_differ", "P1 0.02, P2 0.50")


# ---- variants of the axis


@pytest.mark.parametrize("share", [0.15, 0.3, 0.5, 0.7, 0.85])
def test_evidence__imbalance_does_not_make_a_heterozygote_more(tmp_path, share):
    row = only(of(told(Study(replicates({"W544*": share}, depth=1000)), tmp_path), "keap1_variant"))
    assert (row.call, row.status) == ("het", "ok")
    assert row.value <= 0.5
    if share > 0.6:
        assert row.reason.endswith("of the transcripts: heterozygous, so 0.5 of the copies at most")
        assert pd.isna(row.low)
    elif share < 0.4:
        assert row.value == pytest.approx(share, abs=0.05)
        assert row.low < row.value < row.high


def test_evidence__all_transcripts_of_a_homozygote_have_it(tmp_path):
    row = only(of(told(Study(replicates({"W544*": 2})), tmp_path), "keap1_variant"))
    assert (row.call, row.status) == ("hom", "ok")
    assert row.value > 0.95


def test_evidence__a_gene_is_free_of_variants_only_where_it_is_covered(tmp_path):
    thin = {("P1", "KEAP1", 3): 5}
    table = told(Study(replicates({"E82D": 1}), thinnest=thin), tmp_path / "thin")
    row = only(of(table, "keap1_variant"))
    assert (row.status, row.reason) == (
        "incomplete_coverage",
        "exon 3: 5 of 20 fragments at the thinnest place",
    )
    assert row[["item", "call", "value"]].isna().all()
    table = told(Study(replicates({"E82D": 1}), thinnest={("P1", "NFE2L2", 3): 5}), tmp_path / "both")
    assert only(of(table, "keap1_variant"))[["call", "value", "status"]].tolist() == ["absent", 0, "ok"]
    assert of(table, "nfe2l2_variant").status.tolist() == ["ok", "incomplete_coverage"]


def test_evidence__silent_variants_are_none(tmp_path):
    row = only(of(told(Study(replicates({"L471": 1, "Y537": 2})), tmp_path), "keap1_variant"))
    assert (row.call, row.status) == ("absent", "ok")


def test_evidence__a_suspicious_variant_is_none(tmp_path):
    changes = {("P1", "V512I"): {"alt_read_position": 2}}
    row = only(of(told(Study(replicates({"V512I": 1}), changes=changes), tmp_path), "keap1_variant"))
    assert (row.label, row.status) == ("V512I", "read_end_bias")


def test_evidence__two_losses_of_keap1_have_their_phase(tmp_path):
    linkage = [("P1", "W544*", "Q75*", 0, 20, 20, 0)]
    table = told(Study(replicates({"W544*": 1, "Q75*": 1}), linkage=linkage), tmp_path)
    assert sorted(of(table, "keap1_variant").phase) == ["copy_1", "copy_2"]


# ---- the whole


def test_evidence__the_order_of_replicates_changes_no_row(tmp_path):
    samples = founding_samples()
    one, two = (
        Study(samples, variants=["R139W", "P187S", "E82D"]),
        Study(samples[::-1], variants=["R139W", "P187S", "E82D"]),
    )
    keys = ["line", "condition", "evidence", "item"]
    tables = [told(each, tmp_path / name) for each, name in ((one, "one"), (two, "two"))]
    sides = [
        table.sort_values(keys).reset_index(drop=True)[[*keys, "call", "status", "effect"]]
        for table in tables
    ]
    pd.testing.assert_frame_equal(*sides)


def test_main__writes_the_evidence_that_the_call_reads(tmp_path, run_script):
    study = Study(founding_samples(1))
    paths = write_study(study, tmp_path / "inputs")
    assert run_script(script.main, **paths, results=tmp_path).exit_code == 0
    pd.testing.assert_frame_equal(read_evidence(tmp_path), told(study, tmp_path / "again"))
