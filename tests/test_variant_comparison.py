"""Variants of each line's conditions compared.

Oracles: R's prop.test, binom.test and p.adjust (tests/oracles/variant_comparison.R), scipy, posteriors
by hand, the values of COSMIC's matrix. Properties: swapped roles turn gained into lost, depth makes nothing
unassessable, and what was not measured is never lost.
"""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest
import variant_comparison as script
from common import signature_tables
from common import variant_comparison_report as report
from common import variant_comparison_tables as tables
from common.tables import read_table, write_table
from common.variant_comparison_words import percent
from comparison_study import LIMITS, ROLES, SEED, Seen, Study, founding, only, pair, wilson
from conftest import ORACLES, REFERENCE_DATA, ROOT
from scipy import stats

# ---- shares: R


def test_wilson__and_upper_bound_match_prop_test_and_binom_test_of_r():
    """tests/oracles/variant_comparison.R, R 4.2.2."""
    expected = pd.read_csv(ORACLES / "variant_comparison_shares.tsv", sep="\t", comment="#")
    for level, cases in expected.groupby("level"):
        k, n = cases.successes.to_numpy(float), cases.trials.to_numpy(float)
        low, high = script.wilson(k, n, level)
        np.testing.assert_allclose(low, cases.low, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(high, cases.high, rtol=1e-9)
        np.testing.assert_allclose(script.upper_bound(k, n, level), cases.upper, rtol=1e-8)


def test_upper_bound__of_nothing_seen_is_that_of_the_rule_of_three():
    bound = script.upper_bound(np.zeros(1), np.array([1000.0]), 0.95).item()
    assert bound == pytest.approx(1 - 0.05 ** (1 / 1000), rel=1e-9)


def test_wilson__and_upper_bound_are_missing_without_trials():
    nothing = np.zeros(1)
    assert np.isnan(
        [*script.wilson(nothing, nothing, 0.95), script.upper_bound(nothing, nothing, 0.95)]
    ).all()


def test_score_test__newcombe_and_benjamini_hochberg_match_r():
    """tests/oracles/variant_comparison.R: prop.test(correct = FALSE), p.adjust, R 4.2.2."""
    expected = pd.read_csv(ORACLES / "variant_comparison_pairs.tsv", sep="\t", comment="#")
    m, n = expected.m.to_numpy(float), expected.n.to_numpy(float)
    shares, trials = [expected.successes_m / m, expected.successes_n / n], [m, n]
    p_value = script.score_test(shares, trials)
    np.testing.assert_allclose(p_value, expected.p_value, rtol=1e-7, atol=1e-300)
    low, high = script.newcombe(shares, trials, 0.95)
    np.testing.assert_allclose(low, expected.low, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(high, expected.high, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(script.benjamini_hochberg(p_value), expected.q_value, rtol=1e-7, atol=1e-300)


def test_score_test__equal_shares_have_p_of_one_even_at_the_ends():
    ends = np.array([0.0, 0.5, 1.0])
    assert script.score_test([ends, ends], [np.full(3, 100.0)] * 2).tolist() == [1, 1, 1]


# ---- pools


def pool_of(*shown: Seen | float) -> tuple:
    samples = [(f"R{number}", "HSC-2", "resistant", {"V512I": each}) for number, each in enumerate(shown, 1)]
    study, called, *_ = Study(samples).tables()
    [row] = script.pooled(study, called, LIMITS).itertuples()
    return row


def test_pooled__counts_of_replicates_are_added():
    row = pool_of(Seen(0.4, 1000), Seen(0.6, 500))
    assert (row.samples, row.depth, row.alt_count, row.vaf) == (2, 1500, 700, pytest.approx(700 / 1500))
    assert (row.vaf_low, row.vaf_high) == pytest.approx(wilson(700, 1500), rel=1e-9)
    assert (row.state, row.zygosity) == ("present", "het")


def test_pooled__the_detection_limit_is_the_smallest_of_the_samples():
    assert pool_of(Seen(0, 400, limit=0.03), Seen(0, 1600, limit=0.02)).detection_limit == 0.02


def test_pooled__deep_counts_tell_as_much_as_their_templates_and_replicates_add_up():
    one = pool_of(Seen(0.5, 200_000)).effective
    assert one == pytest.approx(script.TEMPLATES, rel=2e-3)
    assert pool_of(*[Seen(0.5, 200_000)] * 3).effective == pytest.approx(3 * one)
    assert pool_of(Seen(0.5, 200)).effective == pytest.approx(200 / (1 + 199 / script.TEMPLATES))


def test_pooled__the_variance_of_a_pool_is_that_of_amplified_templates():
    """Draw templates, then fragments of them: the effective number is what the binomial needs."""
    draw = np.random.default_rng(SEED)
    depths, rounds, share = np.array([3000, 400]), 20_000, 0.5
    templates = draw.beta(share * (script.TEMPLATES - 1), (1 - share) * (script.TEMPLATES - 1), (rounds, 2))
    vafs = draw.binomial(depths, templates).sum(axis=1) / depths.sum()
    effective = pool_of(Seen(0.5, 3000), Seen(0.5, 400)).effective
    assert vafs.var() == pytest.approx(share * (1 - share) / effective, rel=0.05)


def test_pooled__a_variant_of_one_replicate_alone_is_present_and_says_which_lacks_it():
    row = pool_of(0.3, 0.0)
    assert (row.state, row.differing) == ("present", "R2")
    assert pool_of(0.3, 0.2).differing == ""
    assert pool_of(0.3, Seen(0, 100)).differing == "", "it could not have shown it"


@pytest.mark.parametrize(
    ("shown", "state", "reason"),
    [
        ([Seen(0.3, status="strand_bias")], "flagged", "480 of 1600 fragments show it (strand bias)"),
        ([Seen(0.3, status="primer_site"), 0.0], "flagged",
         "480 of 3200 fragments show it (primer site)"),
        ([Seen(0, 0, status="no_alignment")], "no_alignment", "it is no_alignment"),
        ([Seen(0, 0)], "low_depth", "0 fragments of 200"),
        ([Seen(0, 150)], "low_depth", "150 fragments of 200"),
        ([Seen(0.5, 150)] * 2, "low_depth", "300 fragments of 200 (none of 2 samples with enough)"),
        ([0.0, Seen(0.5, 150)], "replicates_differ",
         "a sample of low depth shows it in 42 % or more and another not above 2 %"),
        ([0.0, Seen(0, 150)], "absent", ""),
        ([Seen(0.01, status="below_detection")], "absent", ""),
    ],
)  # fmt: skip
def test_pooled__says_why_neither_presence_nor_absence_is_known(shown, state, reason):
    row = pool_of(*shown)
    assert (row.state, row.reason) == (state, reason and f"resistant: {reason}")
    assert row.zygosity == ("absent" if state == "absent" else "not_assessable")


def test_pooled__a_sample_without_a_row_was_not_counted():
    study, called, *_ = pair(0.0, 0.5, lacking={("P", "V512I")}).tables()
    parental = script.pooled(study, called, LIMITS).set_index("condition").loc["parental"]
    assert (parental.state, parental.reason) == ("no_alignment", "parental: not counted")


@pytest.mark.parametrize(
    ("vaf", "depth", "called"),
    [
        (0.5, 2000, "het"), (0.36, 2000, "het"), (0.334, 2000, "het"), (0.3, 2000, "subclonal"),
        (0.03, 2000, "subclonal"), (0.66, 2000, "het"), (0.75, 2000, "imbalanced"), (0.84, 2000, "hom"),
        (0.82, 2000, "imbalanced"), (1.0, 2000, "hom"), (0.81, 200, "hom"), (0.42, 200, "het"),
        (0.5, 8, "het"), (0.9, 8, "hom"),
    ],
)  # fmt: skip
def test_zygosity__is_relative_to_two_copies(vaf, depth, called):
    low, high = wilson(round(vaf * depth), depth)
    assert script.zygosity(vaf, low, high) == called


# ---- comparison


def test_compare__a_variant_of_the_target_alone_is_gained_and_new_if_a_tenth_would_have_been_seen():
    row = only(pair(0.0, 0.49).compared())
    assert (row.line, row.condition, row.comparison, row.status) == ("HSC-2", "resistant", "gained", "ok")
    assert row.vaf_reference_upper == pytest.approx(1 - 0.05 ** (1 / 1600))
    assert np.isnan(row.vaf_target_upper)
    assert row.reason == (
        "new: parental would have shown 4.9 % (a tenth of the VAF) with 95 % power "
        "(0 of 1600 fragments: 0.19 % at most)"
    )
    assert row.zygosity_change == "absent to het: on one of two copies"


def test_compare__without_the_power_for_a_tenth_the_reason_says_above_what():
    row = only(pair(0.0, 0.1).compared())
    assert (row.comparison, row.status) == ("gained", "ok")
    assert row.reason == "not detected above 2 % in parental (0 of 1600 fragments: 0.19 % at most)"


def test_compare__few_fragments_that_show_it_make_it_not_new():
    row = only(pair(Seen(0.015, status="below_detection"), 0.6).compared())
    assert row.comparison == "gained"
    assert row.reason.startswith("not detected above 2.1 % in parental (24 of 1600 fragments: 2.1 % at most)")
    assert row.reason.endswith("errors or few cells")


def test_compare__a_variant_of_the_reference_alone_is_lost():
    row = only(pair(0.49, 0.0).compared())
    assert (row.comparison, row.status) == ("lost", "ok")
    assert row.reason.startswith("gone: resistant would have shown 4.9 % (a tenth of the VAF)")
    assert row.vaf_target_upper == pytest.approx(1 - 0.05 ** (1 / 1600))


@pytest.mark.parametrize(
    ("other", "status", "reason"),
    [
        (Seen(0, 150), "low_depth", "{}: 150 fragments of 200"),
        (Seen(0, 0), "low_depth", "{}: 0 fragments of 200"),
        (Seen(0, 0, status="no_alignment"), "no_alignment", "{}: it is no_alignment"),
        (Seen(0, 1600, limit=0.5), "detection_limit",
         "{} cannot exclude 40 % (0 of 1600 fragments: 0.19 % at most; it would show 50 %)"),
        (Seen(0.37, 1600, "below_detection"), "detection_limit",
         "{} cannot exclude 40 % (592 of 1600 fragments: 39 % at most; it would show 2 %)"),
        (Seen(0.4, 1600, "strand_bias"), "flagged", "{}: 640 of 1600 fragments show it (strand bias)"),
        (Seen(0.4, 1600, "primer_site"), "flagged", "{}: 640 of 1600 fragments show it (primer site)"),
        (Seen(0.4, 1600, "read_end"), "flagged", "{}: 640 of 1600 fragments show it (read end)"),
    ],
)  # fmt: skip
def test_compare__what_the_other_condition_could_not_show_is_not_assessable(other, status, reason):
    for name, study in (("parental", pair(other, 0.4)), ("resistant", pair(0.4, other))):
        row = only(study.compared())
        assert (row.comparison, row.status, row.reason) == ("not_assessable", status, reason.format(name))
        assert pd.isna(row.zygosity_change)


def test_compare__an_upper_bound_that_reaches_the_interval_of_the_vaf_excludes_nothing():
    near = Seen(0.019, 1600, "below_detection")
    assert only(pair(near, 0.025).compared()).status == "detection_limit"
    assert only(pair(near, 0.1).compared()).comparison == "gained"


def test_compare__missing_is_never_lost():
    row = only(pair(0.5, 0.0, lacking={("R", "V512I")}).compared())
    assert (row.comparison, row.status, row.reason) == (
        "not_assessable",
        "no_alignment",
        "resistant: not counted",
    )


def test_compare__a_line_without_its_reference_or_its_target_has_its_variants_not_assessable():
    study = Study([("A", "one", "resistant", {"V512I": 0.5}), ("B", "two", "parental", {"V512I": 0.4})])
    table = study.compared().set_index("line")
    assert table.comparison.tolist() == ["not_assessable"] * 2
    assert table.status.to_dict() == {"one": "no_reference", "two": "no_target"}
    assert table.condition.to_dict() == {"one": "resistant", "two": "parental"}
    assert table.reason["one"] == "the line has no reference condition; 50 % in resistant"
    assert table.reason["two"] == "the line has no target condition; 40 % in parental"
    assert table.vaf_target.isna().to_dict() == {"one": False, "two": True}


def test_compare__replicates_that_differ_are_said_to():
    samples = [
        ("P", "L", "parental", {}),
        ("R1", "L", "resistant", {"V512I": 0.4}),
        ("R2", "L", "resistant", {}),
    ]
    row = only(Study(samples).compared())
    assert (row.comparison, row.status, row.samples_target) == ("gained", "replicates_differ", 2)
    assert row.reason.endswith("; resistant: not seen in R2")


def test_compare__each_condition_is_held_to_the_reference():
    samples = [
        ("P", "L", "parental", {"E82D": 0.5}),
        ("R", "L", "resistant", {"E82D": 0.5, "V512I": 0.5}),
        ("W", "L", "withdrawn", {"E82D": 0.0}),
    ]
    table = Study(samples).compared()
    found = {(row.condition, row.hgvs_p_short): row.comparison for row in table.itertuples()}
    assert found == {
        ("resistant", "p.E82D"): "shared",
        ("withdrawn", "p.E82D"): "lost",
        ("resistant", "p.V512I"): "gained",
    }


# ---- tests of VAFs


def test_with_tests__vafs_far_apart_expanded_or_contracted():
    assert only(pair(0.5, 0.98).compared()).comparison == "expanded"
    row = only(pair(0.98, 0.5).compared())
    assert (row.comparison, row.zygosity_change) == ("contracted", "hom to het: a copy without it came up")
    assert row.reason.startswith("VAF 98 % to 50 % (q ")


def test_with_tests__het_to_hom_is_the_loss_of_the_other_allele():
    row = only(pair(0.5, 0.98).compared())
    assert (row.zygosity_reference, row.zygosity_target) == ("het", "hom")
    assert row.zygosity_change == "het to hom: loss of the other allele"


def test_with_tests__less_than_the_step_is_shared_whatever_the_depth():
    row = only(pair(Seen(0.45, 200_000), Seen(0.58, 200_000)).compared())
    assert row.comparison == "shared"
    assert row.vaf_difference == pytest.approx(0.13)


def test_with_tests__a_step_that_may_be_chance_is_shared():
    row = only(pair(Seen(0.4, 200), Seen(0.56, 200)).compared())
    assert row.q_value > 0.01
    strict = only(pair(Seen(0.4, 200), Seen(0.56, 200)).compared(LIMITS._replace(q_value_max=0.01)))
    assert strict.comparison == "shared"
    assert strict.reason.endswith(": may be chance")


def test_with_tests__p_is_that_of_effective_fragments_and_q_is_over_the_study():
    table = founding().compared()
    tested = table[table.p_value.notna()]
    assert set(tested.comparison) == {"shared", "expanded"}
    assert set(table.comparison[table.p_value.isna()]) == {"gained"}
    for row in tested.itertuples():
        sides = [(row.vaf_reference, row.depth_reference), (row.vaf_target, row.depth_target)]
        sizes = [depth / (1 + (depth - 1) / script.TEMPLATES) for _, depth in sides]
        counts = [[vaf * size, (1 - vaf) * size] for (vaf, _), size in zip(sides, sizes, strict=True)]
        assert row.p_value == pytest.approx(stats.chi2_contingency(counts, correction=False).pvalue, rel=1e-7)
    expected = stats.false_discovery_control(tested.p_value.astype(float))
    np.testing.assert_allclose(tested.q_value.astype(float), expected, rtol=1e-9)


def test_with_tests__amplified_templates_without_a_change_are_rarely_significant():
    """Fragments of 200 templates a sample, no change: binomial fragments would be called in most."""
    draw = np.random.default_rng(SEED)
    depth, rounds = 3000, 4000
    templates = draw.beta(0.5 * (script.TEMPLATES - 1), 0.5 * (script.TEMPLATES - 1), (2, rounds))
    vafs = draw.binomial(depth, templates) / depth
    effective = np.full(rounds, depth / (1 + (depth - 1) / script.TEMPLATES))
    p_value = script.score_test(list(vafs), [effective] * 2)
    assert 0.035 < (p_value < 0.05).mean() < 0.065
    assert (script.score_test(list(vafs), [np.full(rounds, float(depth))] * 2) < 0.05).mean() > 0.5


# ---- properties


def random_pairs(count: int) -> list[tuple[Seen, Seen]]:
    """Draw what two samples show, of all kinds."""
    draw = np.random.default_rng(SEED)

    def seen() -> Seen:
        share = draw.choice([0.0, 0.003, 0.03, 0.1, 0.3, 0.5, 0.68, 0.98])
        depth = int(draw.choice([0, 50, 220, 1000, 8000]))
        flag = draw.choice(["", "", "", "strand_bias"]) if depth and share else ""
        return Seen(float(share), depth, str(flag))

    return [(seen(), seen()) for _ in range(count)]


def lines_of(pairs: list[tuple[Seen, Seen]]) -> pd.DataFrame:
    """Compare pairs, each in a line of its own; the table has the number of the pair as its index."""
    samples = [
        (f"{line}{condition}", str(line), condition, {"V512I": seen})
        for line, both in enumerate(pairs)
        for condition, seen in zip(ROLES, both, strict=True)
    ]
    table = Study(samples).compared()
    return table.set_index(table.line.astype(int))


def test_compare__swapped_roles_turn_gained_into_lost_and_expanded_into_contracted():
    mirrored = {"gained": "lost", "lost": "gained", "expanded": "contracted", "contracted": "expanded"}
    pairs = random_pairs(150)
    forth, back = lines_of(pairs), lines_of([(two, one) for one, two in pairs])
    assert back.comparison.to_dict() == forth.comparison.replace(mirrored).to_dict()
    assert back.status.to_dict() == forth.status.to_dict()
    np.testing.assert_array_equal(back.p_value, forth.p_value)
    assert set(forth.comparison) == {*mirrored, "shared", "not_assessable"}


def test_compare__more_depth_makes_nothing_unassessable():
    pairs = random_pairs(150)
    shallow = lines_of(pairs).comparison == "not_assessable"
    for factors in ((1, 7), (7, 1), (7, 7)):
        more = [
            tuple(
                Seen(each.share, each.depth * by, each.status) for each, by in zip(both, factors, strict=True)
            )
            for both in pairs
        ]
        deep = (lines_of(more).comparison == "not_assessable").reindex(shallow.index)
        assert not (deep & ~shallow).any()
        assert (shallow & ~deep).sum() > 5, "depth never helped"


@pytest.mark.parametrize("status", ["low_depth", "no_alignment", *script.FLAGS])
@pytest.mark.parametrize("depth", [0, 10, 150])
def test_compare__what_was_not_looked_at_is_never_gained_or_lost(status, depth):
    for share in (0.0, 0.5):
        blind = Seen(share, depth, status)
        for study in (pair(blind, 0.5), pair(0.5, blind)):
            assert only(study.compared()).comparison == "not_assessable"


def test_analyse__a_study_without_changes_shows_none():
    """Hets in 200 lines, of amplified templates: q_value_max is the chance that any is called."""
    draw = np.random.default_rng(SEED)
    shares = draw.beta(0.5 * (script.TEMPLATES - 1), 0.5 * (script.TEMPLATES - 1), (200, 2))
    table = lines_of(
        [tuple(Seen(draw.binomial(2000, share) / 2000, 2000) for share in both) for both in shares]
    )
    assert (table.comparison != "shared").sum() <= 1
    raw = script.score_test(
        [table.vaf_reference, table.vaf_target], [table.depth_reference, table.depth_target]
    )
    assert (raw < 0.05).mean() > 0.4, "fragments that are copies of each other are no evidence"


# ---- what variants are


@pytest.mark.parametrize(
    ("gene", "consequence", "domain", "hgvs_c", "hotspot_effect", "says"),
    [
        ("KEAP1", "stop_gained", "Kelch/DGR;Kelch 5", "c.1631G>A", None, "truncates KEAP1"),
        ("KEAP1", "frameshift_variant", "BTB", "c.340del", None, "truncates KEAP1"),
        ("KEAP1", "splice_donor_variant&intron_variant", None, "c.639+1G>A", None, "truncates KEAP1"),
        ("KEAP1", "start_lost", "NTR", "c.1A>G", None, "truncates KEAP1"),
        ("KEAP1", "missense_variant&splice_region_variant", "Kelch/DGR;Kelch 4", "c.1534G>A", None,
         "missense in Kelch 4 of KEAP1; effect not known; beside a splice site"),
        ("KEAP1", "missense_variant", "IVR", "c.600A>G", "unknown",
         "missense in IVR of KEAP1; effect not known"),
        ("KEAP1", "missense_variant", "BTB", "c.463G>T", "reduced",
         "missense in BTB of KEAP1; known to hold back NRF2 less"),
        ("KEAP1", "missense_variant", "Kelch/DGR;Kelch 1", "c.997G>T", "loss",
         "missense in Kelch 1 of KEAP1; known loss of function"),
        ("KEAP1", "missense_variant", "NTR", "c.10A>G", None, "missense in KEAP1; effect not known"),
        ("KEAP1", "inframe_deletion", "Kelch/DGR", "c.1_3del", None,
         "in-frame deletion in Kelch/DGR of KEAP1; effect not known"),
        ("KEAP1", "synonymous_variant", "Kelch/DGR;Kelch 4", "c.1413C>G", "common_polymorphism", "none"),
        ("KEAP1", "intron_variant", None, "c.639+50G>A", None, "none"),
        ("NFE2L2", "missense_variant", "Neh2;ETGE", "c.246A>C", "activating",
         "missense in the ETGE motif of NFE2L2; known to activate NRF2"),
        ("NFE2L2", "missense_variant", "Neh2", "c.72G>C", "activating",
         "missense in or beside the DLG or ETGE motif of NFE2L2; known to activate NRF2"),
        ("NFE2L2", "missense_variant", "Neh2;DLG", "c.86A>G", None,
         "missense in the DLG motif of NFE2L2; effect not known"),
        ("NFE2L2", "missense_variant", "Neh6", "c.1100A>G", None, "missense in NFE2L2; effect not known"),
        ("NFE2L2", "stop_gained", "Neh1", "c.1400C>T", None, "truncates NFE2L2: not activating"),
        ("NFE2L2", "splice_acceptor_variant&intron_variant", None, "c.46-2A>G", None,
         "splice site of NFE2L2 exon 2: skipping of exon 2 activates NRF2"),
        ("NFE2L2", "5_prime_UTR_variant", None, "c.-733C>A", "common_polymorphism",
         "common polymorphism of the promoter"),
        ("CUL3", "frameshift_variant", None, "c.100del", None, "truncates CUL3"),
        ("NQO1", "missense_variant", None, "c.559C>T", "loss", None),
        (None, None, None, None, None, None),
    ],
)  # fmt: skip
def test_nrf2_effect__says_what_is_known(gene, consequence, domain, hgvs_c, hotspot_effect, says):
    assert script.nrf2_effect(gene, consequence, domain, hgvs_c, hotspot_effect) == says


def test_described__a_variant_on_no_target_gene_keeps_empty_columns():
    row = only(pair(0.0, 0.5, "inter").compared())
    assert pd.isna(row[["gene", "hgvs_c", "consequence", "nrf2_effect"]]).all()
    assert (row.common_polymorphism, row.comparison) == ("no", "gained")


def test_described__only_the_named_transcript_names_a_variant():
    study, called, annotated, traces = pair(0.0, 0.5).tables()
    other = annotated.assign(named="no", hgvs_p_short="p.WRONG", gene="OTHER")
    found = script.candidates(study, called, pd.concat([other, annotated]), LIMITS)
    row = only(script.analyse(study, *found, traces, LIMITS))
    assert (row.gene, row.hgvs_p_short, row.protein_start) == ("KEAP1", "p.V512I", 512)


@pytest.fixture(scope="module")
def genome(tmp_path_factory) -> pysam.FastaFile:
    path = tmp_path_factory.mktemp("genome") / "genome.fa"
    path.write_text(">one\nACGTNACgTTAGC\n")
    pysam.faidx(str(path))
    with pysam.FastaFile(str(path)) as bases:
        yield bases


@pytest.mark.parametrize(
    ("pos", "ref", "alt", "context"),
    [
        (2, "C", "T", "A[C>T]G"), (3, "G", "A", "A[C>T]G"), (7, "C", "A", "A[C>A]G"),
        (10, "T", "G", "T[T>G]A"), (11, "A", "C", "C[T>G]A"), (1, "A", "C", None),
        (13, "C", "T", None), (4, "T", "C", None),
        (2, "G", "T", None), (2, "CG", "TG", None), (2, "C", "CA", None), (90, "C", "T", None),
    ],
)  # fmt: skip
def test_context_of__is_written_on_the_strand_of_the_pyrimidine(genome, pos, ref, alt, context):
    assert script.context_of(genome, "one", pos, ref, alt) == context
    assert script.context_of(genome, "none", pos, ref, alt) is None


# ---- signatures


def write_matrix(path: Path, **peaks: dict[str, float]) -> Path:
    """Write a matrix: each signature has these probabilities, the rest spread over the other contexts."""
    table = pd.DataFrame({"Type": signature_tables.CONTEXTS})
    for name, given in peaks.items():
        others = (1 - sum(given.values())) / (96 - len(given))
        table[name] = table.Type.map(lambda context, given=given, rest=others: given.get(context, rest))
    write_table(table.sample(frac=1, random_state=SEED), path)
    return path


@pytest.fixture
def asked(tmp_path) -> dict[str, Path]:
    """The founding study with a matrix of three signatures and the shares of two."""
    options = founding().write(tmp_path)
    write_matrix(tmp_path / "signatures/sbs.txt", SBS1={"A[C>T]G": 0.4}, SBS5={}, SBS31={"A[C>T]G": 0.01})
    (tmp_path / "exposures/shares.csv").write_text("signature,share\nSBS1,0.2\nSBS31,0.5\nSBS5,0.3\n")
    return options


def test_posteriors__are_share_times_probability_over_their_sum(asked, run_script):
    assert run_script(script.main, **asked).exit_code == 0
    table = pd.read_csv(asked["results"] / "signatures.tsv", sep="\t")
    v512i = table[table.hgvs_p == "p.(Val512Ile)"].set_index("signature")
    assert v512i.context.unique() == ["A[C>T]G"]
    total = 0.2 * 0.4 + 0.5 * 0.01 + 0.3 / 96
    expected = {"SBS1": 0.2 * 0.4 / total, "SBS31": 0.5 * 0.01 / total, "SBS5": 0.3 / 96 / total}
    assert v512i.posterior.to_dict() == pytest.approx(expected, rel=1e-8)
    assert table.groupby("hgvs_p").posterior.sum().to_numpy() == pytest.approx(1)
    rows = pd.read_csv(asked["results"] / "comparison.tsv", sep="\t").set_index("hgvs_p_short")
    assert rows.most_probable_signature["p.V512I"] == "SBS1"
    assert rows.signature_posterior["p.V512I"] == pytest.approx(expected["SBS1"], rel=1e-8)
    assert pd.isna(rows.context["p.D114Qfs*4"])
    assert pd.isna(rows.most_probable_signature["p.D114Qfs*4"])


def test_posteriors__a_change_that_no_signature_makes_has_none():
    variants = pd.DataFrame([dict.fromkeys([*tables.SITE, "gene", "hgvs_p"]) | {"context": "A[C>T]G"}])
    known = pd.DataFrame({"share": [0.5, 0.5], "A[C>T]G": [0.0, 0.0]}, index=["SBS2", "SBS13"])
    found = script.posteriors(variants, known)
    assert found.posterior.isna().all()
    assert set(found.status) == {"not_assessable"}
    assert script.most_probable(found).empty


def test_read_signatures__takes_the_matrix_of_cosmic(tmp_path):
    """COSMIC v3.3, GRCh37, as in PyPI SigProfilerAssignment 1.1.5: V512I is A[C>T]G."""
    exposures = tmp_path / "shares.tsv"
    exposures.write_text("signature\tshare\nSBS1\t0.1\nSBS31\t0.6\nSBS35\t0.3\n")
    known = script.read_signatures(REFERENCE_DATA / "signatures/COSMIC_v3.3_SBS_GRCh37.txt", exposures)
    assert known["A[C>T]G"].to_dict() == pytest.approx(
        {"SBS1": 0.365, "SBS31": 0.008, "SBS35": 0.001}, abs=5e-4
    )
    assert known.drop(columns="share").sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("shares.csv", "signature,share\nSBS1,0.2\nSBS5,0.3\n"),
        ("shares.tsv", "\ufeffsignature\tshare\tnote\r\nSBS1\t0.2\ta\r\n SBS5 \t 0.3\t\r\n"),
        ("shares.txt", "share\tsignature\n0.2\tSBS1\n\n0.3\tSBS5\n"),
    ],
)
def test_read_signatures__takes_csv_and_tsv_with_bom_padding_and_further_columns(tmp_path, name, text):
    matrix = write_matrix(tmp_path / "sbs.txt", SBS1={"A[C>T]G": 0.4}, SBS5={})
    (tmp_path / name).write_text(text, newline="")
    assert script.read_signatures(matrix, tmp_path / name).share.to_dict() == {"SBS1": 0.2, "SBS5": 0.3}


@pytest.mark.parametrize(
    ("shares", "says"),
    [
        ("signature,share SBS1,0.5 SBS99,0.5", ", row 3, signature: SBS99; expected one of those of sbs.txt"),
        ("signature,share SBS1,-0.5", ", row 2, share: -0.5 for SBS1; expected a number from 0 to 1"),
        ("signature,share SBS1,", ", row 2, share: nothing for SBS1; expected a number from 0 to 1"),
        ("signature,share SBS1,nan", ", row 2, share: nan for SBS1; expected a number from 0 to 1"),
        ("signature,share SBS1,1_0", ", row 2, share: 1_0 for SBS1; expected a number from 0 to 1"),
        ("signature,share SBS1,0.9 SBS5,0.9", ", share: they add up to 1.8; expected more than 0, at most 1"),
        ("signature,share SBS1,0", ", share: they add up to 0; expected more than 0, at most 1"),
        ("signature,share", ", share: they add up to 0; expected more than 0, at most 1"),
        ("signature,share SBS1,0.2 SBS1,0.2", ", row 3, signature: SBS1 again; expected once"),
        ("signature;share SBS1;0.2", ", row 1: no column signature (has signature;share)"),
        ("signature,exposure SBS1,0.2", ", row 1: no column share (has exposure)"),
        ("", ": No columns to parse from file"),
    ],
)  # fmt: skip
def test_read_signatures__bad_shares_are_an_error_in_one_line(asked, run_script, shares, says):
    (asked["exposures"] / "shares.csv").write_text(shares.replace(" ", "\n"))
    result = run_script(script.main, **asked)
    assert result.exit_code == 1
    assert result.stderr == f"Error: shares.csv{says}\n"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda table: table[table.Type != "A[C>T]G"], "Type: 1 of the 96 contexts missing (A[C>T]G ...)"),
        (lambda table: table.rename(columns={"Type": "Context"}),
         "row 1: no column Type (has Context, SBS1, SBS5, SBS31)"),
        (lambda table: table.assign(SBS1=0.5), "SBS1: its 96 contexts add up to 48; expected 1"),
        (lambda table: table.assign(SBS1="a lot"),
         "row 2, SBS1: a lot for {}; expected a number from 0 to 1"),
        (lambda table: table.assign(SBS1=-0.1), "row 2, SBS1: -0.1 for {}; expected a number from 0 to 1"),
    ],
)  # fmt: skip
def test_read_signatures__a_bad_matrix_is_an_error_in_one_line(asked, run_script, change, says):
    path = asked["signatures"] / "sbs.txt"
    table = pd.read_csv(path, sep="\t")
    write_table(change(table), path)
    result = run_script(script.main, **asked)
    assert result.exit_code == 1
    assert result.stderr == f"Error: sbs.txt, {says.format(table.Type[0])}\n"


@pytest.mark.parametrize("missing", ["signatures", "exposures"])
def test_main__without_matrix_or_shares_there_are_no_posteriors(asked, run_script, missing):
    for path in asked[missing].iterdir():
        path.unlink()
    assert run_script(script.main, **asked).exit_code == 0
    lines = (asked["results"] / "signatures.tsv").read_text().splitlines()
    assert lines == ["\t".join(tables.SIGNATURES)]
    assert pd.read_csv(asked["results"] / "comparison.tsv", sep="\t").signature_posterior.isna().all()


# ---- Sanger


@pytest.mark.parametrize(
    ("reference", "target", "calls", "verdict", "words"),
    [
        (0.0, 0.5, [("parental", "absent"), ("resistant", "het")], "confirmed",
         "parental absent; resistant het: confirmed"),
        (0.5, 0.98, [("parental", "het"), ("resistant", "hom")], "confirmed",
         "parental het; resistant hom: confirmed"),
        (0.0, 0.5, [("resistant", "het")], "confirmed", "resistant het: confirmed"),
        (0.0, 0.5, [("resistant", "het"), ("resistant", "not_assessable")], "confirmed",
         "resistant het: confirmed"),
        (0.0, 0.5, [("resistant", "het"), ("resistant", "absent")], "not_confirmed",
         "resistant het and absent (sequencing: 50 %): not confirmed"),
        (0.0, 0.5, [("parental", "het"), ("resistant", "het")], "not_confirmed",
         "parental het (sequencing: 0 %); resistant het: not confirmed"),
        (0.0, 0.5, [("parental", "absent"), ("resistant", "absent")], "not_confirmed",
         "parental absent; resistant absent (sequencing: 50 %): not confirmed"),
        (0.0, 0.5, [("parental", "absent")], "not_assessable", "parental absent: not assessable"),
        (0.0, 0.1, [("parental", "absent"), ("resistant", "absent")], "not_assessable",
         "parental absent; resistant absent (a trace does not show 10 %: about 20 % are needed): "
         "not assessable"),
        (0.0, 0.1, [("resistant", "het")], "confirmed", "resistant het: confirmed"),
        (Seen(0, 100), 0.5, [("parental", "absent"), ("resistant", "het")], "confirmed",
         "parental absent (sequencing can neither confirm nor contradict it); resistant het: confirmed"),
        (0.0, 0.5, [("resistant", "not_assessable")], "not_assessable",
         "resistant not assessable (too noisy): not assessable"),
        (0.0, 0.5, [("other", "het")], "not_done", None),
        (0.0, 0.5, [], "not_done", None),
    ],
)  # fmt: skip
def test_sanger_of__puts_traces_together_in_words(reference, target, calls, verdict, words):
    traces = [
        {"line": "HSC-2", "condition": condition, "variant": "V512I", "call": call}
        | ({"reason": "too noisy"} if call == "not_assessable" else {})
        for condition, call in calls
    ]
    row = only(pair(reference, target, traces=traces).compared())
    assert (row.sanger, None if pd.isna(row.sanger_calls) else row.sanger_calls) == (verdict, words)


def test_sanger_of__takes_traces_of_this_line_and_variant_alone():
    others = [
        {"line": "HSC-3", "condition": "resistant", "variant": "V512I", "call": "absent"},
        {"line": "HSC-2", "condition": "resistant", "variant": "W544*", "call": "absent"},
    ]
    assert only(pair(0.0, 0.5, traces=others).compared()).sanger == "not_done"


@pytest.mark.parametrize("name", ["p.V512I", "V512I", "p.Val512Ile", "p.(Val512Ile)"])
def test_sanger_of__finds_a_trace_that_was_not_placed_by_its_change_of_the_protein(name):
    nowhere = dict.fromkeys(tables.SITE) | {"hgvs_p": name, "reason": "not placed"}
    trace = {"line": "HSC-2", "condition": "resistant", "variant": "V512I", "call": "not_assessable"}
    row = only(pair(0.0, 0.5, traces=[trace | nowhere]).compared())
    assert (row.sanger, row.sanger_calls) == (
        "not_assessable",
        "resistant not assessable (not placed): not assessable",
    )


def test_sanger_of__a_trace_of_the_gene_that_could_not_be_read_is_not_assessable():
    nowhere = dict.fromkeys([*tables.SITE, "hgvs_p"])
    trace = {"line": "HSC-2", "condition": "resistant", "variant": "V512I", "call": "not_assessable"}
    for further, verdict in (
        ({"status": "unreadable", "reason": "no AB1 file"}, "not_assessable"),
        ({"status": "no_variant"}, "not_done"),
        ({"status": "unreadable", "expected": "p.W544*"}, "not_done"),
        ({"status": "unreadable", "gene": "NFE2L2"}, "not_done"),
    ):
        assert only(pair(0.0, 0.5, traces=[trace | nowhere | further]).compared()).sanger == verdict


# ---- the whole


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, pd.DataFrame, dict]:
    folder = tmp_path_factory.mktemp("made")
    options = founding().write(folder)
    script.main(
        [word for name, path in options.items() for word in (f"--{name.replace('_', '-')}", str(path))],
        standalone_mode=False,
    )
    section = json.loads((folder / "results/variant_comparison_mqc.json").read_text())
    return folder / "results", pd.read_csv(folder / "results/comparison.tsv", sep="\t"), section


def test_main__the_planted_variants_come_back_and_no_others(made):
    _, table, _ = made
    found = {(row.line, row.hgvs_p_short): row.comparison for row in table.itertuples()}
    assert found == {
        ("HSC-2", "p.V512I"): "gained", ("HSC-2", "p.L471="): "shared", ("HSC-3", "p.L471="): "shared",
        ("HSC-3", "p.W544*"): "gained", ("HSC-3", "p.D114Qfs*4"): "gained", ("HO-1-u-1", "p.E82D"): "shared",
        ("HO-1-u-1", "p.S167="): "expanded", ("HSC-4", "p.S167="): "shared",
    }  # fmt: skip
    sanger = table.set_index("hgvs_p_short").sanger.to_dict()
    assert (sanger["p.V512I"], sanger["p.E82D"], sanger["p.W544*"]) == ("confirmed", "confirmed", "not_done")
    assert table.context[table.hgvs_p_short == "p.V512I"].tolist() == ["A[C>T]G"]


def test_main__the_section_says_what_was_gained_where(made):
    _, _, section = made
    says = section["description"]
    assert "Gained: HSC-2 resistant: KEAP1 p.V512I (0 to 49 %, confirmed by Sanger)" in says
    assert "HSC-3 resistant: KEAP1 p.W544* (0 to 47 %) and KEAP1 p.D114Qfs*4 (0 to 3 %)" in says
    assert "among them NFE2L2 p.E82D (HO-1-u-1)" in says
    for word in ("cisplatin", "platinum", "caused"):
        assert word not in json.dumps(section)


def test_main__a_plot_has_the_vafs_of_what_was_compared(made):
    section = json.loads((made[0] / "variant_comparison_vafs_mqc.json").read_text())
    assert len(section["data"]) == len(made[1])
    point = section["data"]["HSC-2, KEAP1 p.V512I"]
    assert (point["x"], point["y"], point["color"]) == (0, 0.49, "#D55E00")
    assert section["description"].endswith(
        "Red: gained, orange: expanded, dark grey: shared, light grey: common polymorphism."
    )


def test_main__findings_leave_polymorphisms_out(made):
    findings = made[2]["nrf2flow"]["findings"]
    assert findings == {
        "HSC-2": "KEAP1 p.V512I gained (0 -> 49 %, confirmed by Sanger)",
        "HSC-3": "KEAP1 p.W544* gained (0 -> 47 %); KEAP1 p.D114Qfs*4 gained (0 -> 3 %)",
        "HO-1-u-1": "NFE2L2 p.S167= expanded (50 -> 98 %); "
        "NFE2L2 p.E82D shared (48 -> 50 %, confirmed by Sanger)",
    }


def test_main__the_figure_is_drawn_from_its_table(made):
    results, table, _ = made
    drawn = pd.read_csv(results / "vafs.tsv", sep="\t")
    assert len(drawn) == 2 * len(table)
    assert set(drawn.state) == {"present", "absent"}
    text = (results / "vafs.svg").read_text()
    for label in ("HSC-2", "KEAP1 p.V512I", "parental", "resistant", "gained"):
        assert f">{label}</text>" in text


def test_main__the_same_inputs_give_the_same_bytes(made, tmp_path, run_script):
    options = founding().write(tmp_path)
    assert run_script(script.main, **options).exit_code == 0
    names = sorted(path.name for path in made[0].iterdir())
    assert names == sorted(path.name for path in options["results"].iterdir())
    for name in names:
        assert (options["results"] / name).read_bytes() == (made[0] / name).read_bytes(), name


def test_main__every_column_is_explained(made):
    dictionary = pd.read_csv(ROOT / "assets/columns.tsv", sep="\t")
    for name in ("comparison.tsv", "signatures.tsv", "vafs.tsv"):
        header = (made[0] / name).read_text().splitlines()[0].split("\t")
        assert header == dictionary.column[dictionary.table == f"variant_comparison/{name}"].tolist()
    shown = {column for row in made[2]["data"].values() for column in row}
    assert shown <= set(dictionary.column[dictionary.table == "variant_comparison/comparison.tsv"])


def many_variants(count: int) -> pd.DataFrame:
    """Make rows of a comparison of one line: two changed, the rest polymorphisms and silent variants."""
    [row] = pair(0.0, 0.5).compared().to_dict("records")
    rows = [row | {"pos": 51 + n, "hgvs_p_short": f"p.V{n}I"} for n in range(count)]
    for n, each in enumerate(rows):
        if n % 50:
            each |= {
                "comparison": "shared",
                "common_polymorphism": "yes" if n % 2 else "no",
                "nrf2_effect": "none",
            }
    return pd.DataFrame(rows)


@pytest.mark.parametrize(("count", "drawn"), [(30, 30), (400, report.MOST)])
def test_write_figure__leaves_out_polymorphisms_first_and_never_what_changed(tmp_path, count, drawn):
    table, (study, called, *_) = many_variants(count), pair(0.0, 0.5).tables()
    shown = report.write_figure(table, study, 0.95, tmp_path)
    assert shown.variant.nunique() == drawn
    assert shown[shown.comparison == "gained"].variant.nunique() == len(range(0, count, 50))
    report.write_report(table, study, called, shown, False, tmp_path)
    section = json.loads((tmp_path / "variant_comparison_mqc.json").read_text())
    left_out = f"{count - drawn} variants are in the table and not in the figure, common polymorphisms first."
    assert (left_out in section["description"]) == (count > drawn)
    changed = len(range(0, count, 50))  # a table of the report is for what changed, or may matter
    assert len(section["data"]) == changed
    assert f"{count - changed} further rows" in section["description"]
    assert next(iter(section["data"])) == "HSC-2, KEAP1 p.V0I"


def test_clean__variants_that_share_a_name_are_told_apart_by_their_places():
    table = many_variants(3).assign(hgvs_p_short=["p.W544*", "p.W544*", "p.V1I"])
    assert report.clean(table).variant.tolist() == [
        "KEAP1 p.W544*, chr19:51 C>T",
        "KEAP1 p.W544*, chr19:52 C>T",
        "KEAP1 p.V1I",
    ]


def test_main__without_a_variant_there_is_a_sentence_and_no_figure(tmp_path, run_script):
    options = Study([("P", "L", "parental", {"V512I": 0.001}), ("R", "L", "resistant", {})]).write(tmp_path)
    assert run_script(script.main, **options).exit_code == 0
    results = options["results"]
    assert not list(results.glob("vafs.*"))
    assert (results / "comparison.tsv").read_text() == "\t".join(tables.COMPARISON) + "\n"
    section = json.loads((results / "variant_comparison_mqc.json").read_text())
    assert section["description"].startswith(
        "No variant was found in any of 2 samples. Where alleles were looked for"
    )
    assert "a VAF of 2 % would have been seen" in section["description"]
    assert section["data"] == {}


def test_main__a_study_without_a_candidate_says_so(tmp_path, run_script):
    options = Study([("P", "L", "parental", {}), ("R", "L", "resistant", {})]).write(tmp_path)
    assert run_script(script.main, **options).exit_code == 0
    section = json.loads((options["results"] / "variant_comparison_mqc.json").read_text())
    assert section["description"] == (
        "No variant was found in any of 2 samples: there was no candidate with the depth to judge it."
    )


def test_main__one_sample_is_enough(tmp_path, run_script):
    options = Study([("R", "L", "resistant", {"V512I": 0.5, "L471": 0.5})]).write(tmp_path)
    (tmp_path / "annotated/variants.tsv").unlink()
    assert run_script(script.main, **options).exit_code == 0
    table = read_table(options["results"] / "comparison.tsv", {"status": "str", "comparison": "str"})
    assert table.to_numpy().tolist() == [["no_reference", "not_assessable"]] * 2
    assert (options["results"] / "vafs.png").is_file()
    assert not (options["results"] / "variant_comparison_vafs_mqc.json").exists(), "there is no pair"


def test_main__two_files_where_one_is_expected_are_an_error(asked, run_script):
    (asked["exposures"] / "more.tsv").write_text("signature\tshare\n")
    result = run_script(script.main, **asked)
    assert result.exit_code == 1
    assert result.stderr == "Error: exposures: 2 files (more.tsv, shares.csv), not one\n"


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.49, "49 %"),
        (0.0996, "10 %"),
        (0.0492, "4.9 %"),
        (0.00187, "0.19 %"),
        (0.9949, "99 %"),
        (0.997, "99.7 %"),
        (0.9999, "99.9 %"),
    ],
)
def test_percent__writes_two_digits(share, words):
    assert percent(share) == words


def test_zygosity_change__never_fails_on_a_pair():
    kinds = ("hom", "het", "imbalanced", "subclonal", "absent")
    for before, after in product(kinds, kinds):
        says = script.zygosity_change(before, after, "expanded")
        assert says == "none" if before == after else says.startswith(f"{before} to {after}")
