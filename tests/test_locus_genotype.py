import json
from collections import Counter
from dataclasses import replace

import locus_genotype as script
import numpy as np
import pandas as pd
import pytest
from common import genotype_tables as tables
from common.tables import read_table
from conftest import ORACLES
from genotype_study import VARIANTS, Sample, Study, analysed, founding_samples, pair, spelled, write_study
from scipy import integrate, stats

RNG_SEED = 20


def genotype(found: dict[str, pd.DataFrame], sample: str, name: str) -> pd.Series:
    """Return a sample's row of a variant, of genotypes or discovery."""
    about = VARIANTS[name]
    for table in (found["genotypes"], found["discovery"]):
        rows = table[(table["sample"] == sample) & (table.hgvs_c == about["hgvs_c"])]
        if len(rows):
            return rows.iloc[0]
    raise KeyError((sample, name))


def calls_of(k: np.ndarray, n: int) -> np.ndarray:
    """Call genotypes of counts as the script does."""
    probability = script.posteriors(k, n)
    names = np.array([*script.CALLS, "between"])[probability.argmax(axis=1)]
    sure = (probability.max(axis=1) >= script.CALLED) & (names != "between")
    return np.where(sure, names, "ambiguous")


# ---- shares and genotypes


def test_wilson__matches_prop_test_of_r():
    """tests/oracles/locus_genotype.R: prop.test(correct = FALSE) of R 4.2.2."""
    expected = pd.read_csv(ORACLES / "locus_genotype_wilson.tsv", sep="\t", comment="#")
    low, high = script.wilson(expected.successes.to_numpy(float), expected.trials.to_numpy(float))
    np.testing.assert_allclose(low, expected.low, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(high, expected.high, rtol=1e-9)


def test_wilson__has_no_limits_without_trials():
    assert np.isnan(script.wilson(np.zeros(2), np.zeros(2))).all()


@pytest.mark.parametrize(
    ("k", "n"), [(0, 20), (1, 20), (3, 20), (10, 20), (19, 20), (6, 200), (30, 60), (60, 60)]
)
def test_posteriors__is_the_integral_of_binomials_over_the_priors(k, n):
    def marginal(prior, low, high):
        return integrate.quad(
            lambda share: stats.binom.pmf(k, n, share) * prior(share), low, high, epsabs=1e-14, limit=200
        )[0]

    error = stats.beta(1, 1 / script.ERROR_RATE - 1)
    (low, high), end = script.HET, script.ERRORS_END
    between = sum(
        marginal(lambda share: 0.5 / (low - end), *limits) for limits in ((end, low), (high, 1 - end))
    )
    joint = np.array(
        [
            marginal(error.pdf, 0, 0.2) + marginal(error.pdf, 0.2, 1),
            marginal(lambda share: 1 / (high - low), low, high),
            marginal(lambda share: error.pdf(1 - share), 0, 0.8)
            + marginal(lambda share: error.pdf(1 - share), 0.8, 1),
            between,
        ]
    ) * [*[(1 - script.BETWEEN_PRIOR) / 3] * 3, script.BETWEEN_PRIOR]
    np.testing.assert_allclose(script.posteriors(k, n), joint / joint.sum(), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("depth", [20, 50, 100, 200, 2000])
def test_posteriors__change_with_the_count_in_one_direction(depth):
    ref, _, hom, _ = script.posteriors(np.arange(depth + 1), depth).T
    assert (np.diff(ref) <= 1e-12).all()
    assert (np.diff(hom) >= -1e-12).all()
    runs = [call for call in dict.fromkeys(calls_of(np.arange(depth + 1), depth)) if call != "ambiguous"]
    assert runs == ["ref", "het", "hom"]


@pytest.mark.parametrize("depth", [20, 50, 100, 200])
def test_posteriors__mirror_each_other(depth):
    k = np.arange(depth + 1)
    np.testing.assert_allclose(
        script.posteriors(k, depth),
        script.posteriors(depth - k, depth)[:, [2, 1, 0, 3]],
        rtol=1e-9,
        atol=1e-15,
    )


@pytest.mark.parametrize("depth", [20, 50, 100, 200])
@pytest.mark.parametrize("error", [0.001, 0.003, 0.01])
def test_posteriors__places_with_errors_only_are_not_called_het(depth, error):
    k = np.random.default_rng(RNG_SEED).binomial(depth, error, 20_000)
    called = Counter(calls_of(k, depth))
    assert called["het"] + called["hom"] < 0.001 * len(k)
    if depth >= 50:
        assert called["ref"] > 0.9 * len(k)


@pytest.mark.parametrize("depth", [20, 50, 100, 200])
@pytest.mark.parametrize("share", [0.2, 0.35, 0.5, 0.65, 0.8])
def test_posteriors__heterozygotes_with_imbalance_are_not_called_homozygous(depth, share):
    k = np.random.default_rng(RNG_SEED).binomial(depth, share, 20_000)
    called = Counter(calls_of(k, depth))
    # Of 20 fragments none shows an allele of share 0.2 with a probability of 0.8^20 = 0.012.
    assert called["ref"] + called["hom"] <= (0.014 if depth == 20 else 0.0005) * len(k)
    if depth >= 50:
        assert called["het"] > (0.88 if depth == 50 else 0.98) * len(k)


def test_posteriors__a_call_is_right_as_often_as_its_probability_says():
    draw = np.random.default_rng(RNG_SEED)
    truth = draw.choice(3, 60_000)
    error = draw.beta(1, 1 / script.ERROR_RATE - 1, len(truth))
    share = np.choose(truth, [error, draw.uniform(*script.HET, len(truth)), 1 - error])
    depth = draw.integers(20, 200, len(truth))
    probability = script.posteriors(draw.binomial(depth, share), depth)
    best = probability.argmax(axis=1)
    for low, high in ((0.5, 0.8), (0.8, 0.95), (0.95, 0.99), (0.99, 1.01)):
        chosen = (probability.max(axis=1) >= low) & (probability.max(axis=1) < high)
        right = (best == truth)[chosen].mean()
        # Nothing between was planted, so that calls are right a little more often.
        assert right > probability.max(axis=1)[chosen].mean() - 0.03


def test_posteriors__a_few_fragments_of_many_are_neither_ref_nor_het():
    assert calls_of(np.array([120]), 2000).item() == "ambiguous"


def test_with_calls__bad_bases_make_a_variant_less_sure():
    counts = pd.DataFrame({"depth": 40.0, "alt_count": 8.0, "alt_base_quality": [35.0, 11.0]})
    good, bad = script.with_calls(counts).itertuples()
    assert good.likeliest == "het"
    assert good.probability > bad.probability


# ---- statuses of genotypes


def judged(**values: object) -> tuple[str, str, str]:
    row = {"depth": 100.0, "alt_count": 0.0, "other_count": 0.0, "alt_base_quality": np.nan, "status": "ok"}
    row |= {"reason": "", "tpm": 50.0, "fragments": 500.0, "skipped": np.nan, "exon": "4"}
    return tuple(script.judged(pd.DataFrame([row | values]), 20)[["genotype", "status", "reason"]].iloc[0])


@pytest.mark.parametrize(("alt", "call"), [(0, "ref"), (50, "het"), (30, "het"), (100, "hom")])
def test_judge__calls_what_the_fragments_show(alt, call):
    assert judged(alt_count=alt) == (call, "ok", "")


@pytest.mark.parametrize("status", ["no_alignment", "no_transcript", "no_cds", "reference_mismatch"])
def test_judge__what_could_not_be_counted_is_no_call(status):
    assert judged(depth=np.nan, alt_count=np.nan, status=status, reason="why") == ("no_call", status, "why")


def test_judge__without_depth_there_is_no_call():
    assert judged(depth=0) == ("no_call", "low_depth", "0 of 20 fragments")
    assert judged(depth=19) == ("no_call", "low_depth", "19 of 20 fragments")
    assert judged(depth=20)[0] == "ref"


def test_judge__a_gene_below_one_tpm_is_not_expressed():
    assert judged(depth=3, tpm=0.4) == ("no_call", "not_expressed", "TPM 0.4, below 1; 3 of 20 fragments")


def test_judge__without_tpm_a_gene_without_fragments_is_not_expressed():
    assert judged(depth=0, tpm=np.nan, fragments=0)[1] == "not_expressed"
    assert judged(depth=0, tpm=np.nan, fragments=np.nan)[1] == "not_expressed"
    assert judged(depth=0, tpm=np.nan, fragments=5)[1] == "low_depth"


def test_judge__a_deep_place_is_called_whatever_the_tpm():
    assert judged(depth=100, tpm=0.2)[0] == "ref"


@pytest.mark.parametrize(("alt", "call"), [(0, "ambiguous"), (100, "ambiguous"), (50, "het")])
def test_judge__skipping_of_the_exon_leaves_only_het(alt, call):
    found, status, reason = judged(alt_count=alt, skipped=0.2)
    assert found == call
    if call == "ambiguous":
        assert status == "exon_skipping"
        assert reason.startswith("exon4_skipping: 0.20 of the transcripts lack exon 4")


def test_judge__some_skipping_is_normal():
    assert judged(skipped=0.19)[0] == "ref"


def test_judge__a_third_allele_is_not_the_reference():
    assert judged(other_count=50)[:2] == ("ambiguous", "other_alleles")


def test_judge__what_is_not_sure_is_ambiguous_and_says_how_sure():
    call, status, reason = judged(depth=20, alt_count=1)
    assert (call, status) == ("ambiguous", "uncertain")
    assert reason.startswith("1 of 20 fragments show the variant: ref with probability 0.")


# ---- the whole study


@pytest.fixture(scope="module")
def founding(tmp_path_factory) -> dict[str, pd.DataFrame]:
    samples = founding_samples()
    return analysed(Study(samples, dna=["W544*", "E82D", "V512I"]), tmp_path_factory.mktemp("founding"))


def test_analyse__genotypes_are_those_of_the_study(founding):
    table = founding["genotypes"]
    assert len(table) == 2 * 20
    homozygous = table[table.genotype == "hom"]
    assert set(zip(homozygous.line, homozygous.hgvs_p, strict=True)) == {
        ("Ca9-22", "p.R139W"),
        ("HSC-4", "p.P187S"),
    }
    assert (table.genotype[~table.index.isin(homozygous.index)] == "ref").all()
    assert dict(zip(table.hgvs_p, table.effect, strict=True)) == {
        "p.R139W": "reduced",
        "p.P187S": "deficient",
    }


def test_analyse__conditions_are_compared_as_planted(founding):
    table = founding["comparison"]
    gained = table[table.comparison == "gained"]
    assert set(zip(gained.line, gained.hgvs_p, strict=True)) == {
        ("HSC-2", "p.K127Sfs*9"),
        ("HSC-2", "p.V512I"),
        ("HSC-3", "p.W544*"),
    }
    shared = table[(table.comparison == "shared") & table.hgvs_p.isin(["p.E82D", "p.R139W", "p.P187S"])]
    assert list(shared.line) == ["HO-1-u-1", "Ca9-22", "HSC-4"] or len(shared) == 3
    assert set(table.comparison) == {"gained", "shared", "absent"}


def test_analyse__copies_of_nqo1_are_those_of_the_study(founding):
    table = founding["lines"].set_index(["line", "condition"]).functional_copies
    assert table.to_dict() == {
        (line, condition): {
            ("HSC-2", "resistant"): "one_loss",
            ("Ca9-22", condition): "two_loss",
            ("HSC-4", condition): "two_loss",
        }.get((line, condition), "two_intact")
        for line in ("HSC-2", "HSC-3", "HO-1-u-1", "Ca9-22", "HSC-4")
        for condition in ("parental", "resistant")
    }


def test_analyse__a_study_without_mutations_shows_none(tmp_path):
    samples = [
        replace(each, genotypes={"L471": each.genotypes["L471"], "L300": each.genotypes["L300"]})
        for each in founding_samples()
    ]
    found = analysed(Study(samples), tmp_path)
    assert set(found["genotypes"].genotype) == {"ref"}
    assert set(found["comparison"].comparison) <= {"shared", "absent"}
    assert set(found["haplotypes"].functional_copies) == {"two_intact"}


# ---- discovery


def test_discovery__names_coding_variants_and_says_what_they_do(tmp_path):
    names = ["W544*", "delins", "E82D", "V512I", "L471", "utr"]
    found = analysed(Study(pair({}, dict.fromkeys(names, 1))), tmp_path)["discovery"]
    effects = found[found["sample"] == "CR"].set_index("hgvs_c").effect
    assert effects.to_dict() == {
        "c.1632G>A": "deficient",
        "c.380_384delinsG": "deficient",
        "c.246A>C": "activating",
        "c.1534G>A": "unknown",
        "c.1413C>G": "synonymous",
    }
    assert (found.genotype[found["sample"] == "P"] == "ref").all()


def test_discovery__a_gtf_without_names_of_genes_has_the_names_of_variants(tmp_path):
    study = Study(pair({}, {"W544*": 1}))
    paths = write_study(study, tmp_path)
    names = read_table(paths["variants"], tables.VARIANTS).assign(gene="ENSG00000079999")
    counted = read_table(paths["alleles"], tables.ALLELES)
    found = tables.describe(counted, names, read_table(paths["loci"], tables.LOCI), script.effect_of)
    assert found.hgvs_p[found.locus.isna()].tolist() == ["p.W544*"] * 2


def test_flagged__a_variant_on_one_strand_unlike_the_others_is_said(tmp_path):
    changes = {("CR", "V512I"): {"alt_forward": 60, "alt_reverse": 0}}
    found = analysed(Study(pair({}, {"V512I": 1, "L471": 1, "Y537": 2}), changes=changes), tmp_path)
    assert genotype(found, "CR", "V512I").status == "strand_bias"
    assert genotype(found, "CR", "L471").status == "ok"
    gained = found["comparison"].set_index("hgvs_p").loc["p.V512I"]
    assert (gained.comparison, gained.status) == ("gained", "strand_bias")


def test_flagged__reads_of_one_strand_only_are_no_bias(tmp_path):
    genotypes = {"V512I": 1, "L471": 1, "Y537": 2}
    changes = {("CR", name): {"alt_forward": 60, "alt_reverse": 0} for name in genotypes}
    found = analysed(Study(pair({}, genotypes), changes=changes), tmp_path)
    assert set(found["discovery"].status) == {"ok"}


def test_flagged__a_variant_at_the_ends_of_reads_breaks_no_copy(tmp_path):
    changes = {("CR", "delins"): {"alt_read_position": 3.2}}
    found = analysed(Study(pair({}, {"delins": 1}), changes=changes), tmp_path)
    assert genotype(found, "CR", "delins").status == "read_end_bias"
    copies = found["haplotypes"].query("gene == 'NQO1' and sample == 'CR'").iloc[0]
    assert (copies.functional_copies, copies.status) == ("not_assessable", "read_end_bias")


def test_flagged__an_a_to_g_change_may_be_editing_unless_dna_has_it(tmp_path):
    samples = pair({"K200R": 1}, {"K200R": 1})
    row = genotype(analysed(Study(samples), tmp_path / "rna"), "P", "K200R")
    assert row.status == "ok"
    assert "RNA editing" in row.reason
    row = genotype(analysed(Study(samples, dna=["K200R"]), tmp_path / "dna"), "P", "K200R")
    assert pd.isna(row.reason) or row.reason == ""


# ---- exon skipping


def test_skipping_of__is_the_share_of_transcripts_without_the_exon(tmp_path):
    found = analysed(Study(pair({}, {}, skipped=0.3)), tmp_path)["skipping"]
    row = found[(found.gene == "NQO1") & (found["sample"] == "P")].iloc[0]
    assert row.fraction == pytest.approx(30 / (30 + (70 + 70) / 2))
    low, high = stats.binomtest(30, 100).proportion_ci(method="wilson")
    assert (row.fraction_low, row.fraction_high) == pytest.approx((low, high), rel=1e-9)


def test_skipping_of__needs_junction_reads(tmp_path):
    found = analysed(Study(pair({}, {}, junction_reads=4)), tmp_path)["skipping"]
    assert set(found.status) == {"low_depth"}
    assert found.reason.iloc[0] == "8 of 10 junction reads"
    assert set(analysed(Study(pair({}, {}, junction_reads=5)), tmp_path / "5")["skipping"].status) == {"ok"}


def test_analyse__skipping_of_exon_4_hides_r139w_and_not_p187s(tmp_path):
    found = analysed(Study(pair({"R139W": 2}, {"P187S": 2}, skipped=0.4)), tmp_path)
    assert genotype(found, "P", "R139W").status == "exon_skipping"
    assert genotype(found, "P", "P187S").genotype == "ref"
    assert genotype(found, "CR", "P187S").genotype == "hom"
    copies = found["haplotypes"].query("gene == 'NQO1'").set_index("sample").functional_copies
    assert copies["P"] == "not_assessable"
    assert copies["CR"] == "two_loss"


def test_analyse__too_few_junction_reads_hide_nothing(tmp_path):
    found = analysed(Study(pair({}, {}, skipped=0.5, junction_reads=4)), tmp_path)
    assert set(found["genotypes"].status) == {"ok"}


# ---- conditions


@pytest.mark.parametrize("depth", [3, 10, 20, 50, 200, 5000])
def test_detection_limit__is_what_is_seen_in_95_of_100_samplings(depth):
    limit = script.detection_limit(depth)
    assert stats.binom.sf(script.SEEN - 1, depth, limit) >= 0.95 - 1e-9
    assert limit >= script.HET[0]
    assert script.detection_limit(2) == 1


@pytest.mark.parametrize(
    ("parental", "resistant", "comparison"),
    [
        *((0, 1, "gained"), (1, 0, "lost"), (1, 1, "shared"), (2, 1, "shared"), (0, 0, "absent")),
        (0, 0.06, "not_assessable"),
    ],
)
def test_compare__says_what_resistance_changed(tmp_path, parental, resistant, comparison):
    samples = pair({"V512I": parental}, {"V512I": resistant}, depth=600)
    row = analysed(Study(samples), tmp_path)["comparison"].set_index("hgvs_p").loc["p.V512I"]
    assert row.comparison == comparison
    assert row.change == ("hom to het" if parental == 2 else "het" if comparison == "shared" else comparison)


def test_compare__a_shallow_condition_lacks_nothing(tmp_path):
    samples = [
        Sample("P", "HSC-2", "parental", {}, depth=12),
        Sample("CR", "HSC-2", "resistant", {"V512I": 1}),
    ]
    row = analysed(Study(samples), tmp_path)["comparison"].set_index("hgvs_p").loc["p.V512I"]
    assert (row.comparison, row.status) == ("not_assessable", "low_depth")
    assert row.reason == "reference condition: 12 of 20 fragments"
    assert row.target_vaf_low < row.target_vaf < row.target_vaf_high


def test_compare__a_small_share_may_be_missed_by_the_other_condition(tmp_path):
    samples = [
        Sample("P", "HSC-2", "parental", {}, depth=25),
        Sample("CR", "HSC-2", "resistant", {"V512I": 0.15}, depth=600),
    ]
    row = analysed(Study(samples), tmp_path)["comparison"].set_index("hgvs_p").loc["p.V512I"]
    assert (row.comparison, row.status) == ("not_assessable", "low_depth")
    assert "(detection limit 0.2" in row.reason


def test_compare__a_line_of_one_condition_is_not_assessable(tmp_path):
    found = analysed(Study([Sample("CR", "HSC-2", "resistant", {"P187S": 2})]), tmp_path)["comparison"]
    assert set(found.comparison) == {"not_assessable"}
    assert set(found.status) == {"one_condition"}
    assert set(found.reason) == {"the line has no sample of the reference condition"}


def test_pooled__shallow_samples_of_a_condition_are_called_together(tmp_path):
    samples = [
        Sample(f"{condition}{replicate}", "HSC-4", condition, {"P187S": 2}, depth=9)
        for condition in ("parental", "resistant")
        for replicate in range(3)
    ]
    found = analysed(Study(samples), tmp_path)
    assert set(found["genotypes"].genotype) == {"no_call"}
    row = found["comparison"].set_index("hgvs_p").loc["p.P187S"]
    assert (row.comparison, row.reference_depth, row.change) == ("shared", 27, "hom")
    assert set(found["lines"].functional_copies) == {"two_loss"}


def test_pooled__samples_without_alignment_take_nothing_away(tmp_path):
    samples = [*pair({"P187S": 2}, {"P187S": 2}), Sample("P2", "HSC-2", "parental", aligned=False)]
    found = analysed(Study(samples), tmp_path)
    assert found["comparison"].set_index("hgvs_p").comparison["p.P187S"] == "shared"
    assert genotype(found, "P2", "P187S").status == "no_alignment"


def test_pooled__keeps_the_order_of_the_lines(tmp_path):
    samples = [replace(each, aligned=each.line != "HSC-2") for each in founding_samples(1)]
    found = analysed(Study(samples), tmp_path)["lines"]
    assert list(found.line.unique()) == ["HSC-2", "HSC-3", "HO-1-u-1", "Ca9-22", "HSC-4"]


# ---- phase and copies


def test_phase_of__follows_the_fragments():
    assert script.phase_of(8, 0)[0] == "in_cis"
    assert script.phase_of(0, 8)[0] == "in_trans"
    assert script.phase_of(1, 9)[0] == "in_trans"


@pytest.mark.parametrize(
    ("cis", "trans", "reason"),
    [(0, 0, "no fragment shows both"), (0, 1, "0 fragments say cis, 1 trans"), (30, 60, "not two alleles")],
)
def test_phase_of__few_or_contrary_fragments_leave_it_open(cis, trans, reason):
    phase, _, why = script.phase_of(cis, trans)
    assert phase == "unphased"
    assert reason in why


def test_phase_of__chimeras_rarely_turn_it_round():
    draw = np.random.default_rng(RNG_SEED)
    for fragments in (2, 5, 20):
        chimeras = draw.binomial(fragments, script.CHIMERAS, 3000)
        phases = [script.phase_of(fragments - each, each)[0] for each in chimeras]
        assert phases.count("in_trans") <= 0.01 * len(phases)


def copies_of(found: dict[str, pd.DataFrame], gene: str = "NQO1", sample: str = "P") -> pd.Series:
    return found["haplotypes"].query("gene == @gene and sample == @sample").iloc[0]


@pytest.mark.parametrize(
    ("counts", "phase", "copies"),
    [
        ((0, 6, 5, 0), "in_trans", "two_loss"),
        ((7, 0, 0, 6), "in_cis", "one_loss"),
        ((0, 0, 0, 0), "unphased", "unphased"),
    ],
)
@pytest.mark.parametrize("names", [("R139W", "P187S"), ("P187S", "R139W")])
def test_haplotypes__two_heterozygous_losses_are_phased_by_fragments(tmp_path, counts, phase, copies, names):
    samples = pair({"R139W": 1, "P187S": 1}, {})
    counts = counts if names[0] == "R139W" else (counts[0], counts[2], counts[1], counts[3])
    found = analysed(Study(samples, linkage=[("P", *names, *counts)]), tmp_path)
    row = copies_of(found)
    assert (row.phase, row.functional_copies) == (phase, copies)
    assert row.loss_alleles == "R139W het; P187S het"
    line = found["lines"].query("condition == 'parental'").iloc[0]
    assert line.functional_copies == copies


def test_haplotypes__of_three_losses_one_pair_in_trans_decides(tmp_path):
    samples = pair({"R139W": 1, "P187S": 1, "delins": 1}, {})
    linkage = [("P", "R139W", "delins", 9, 0, 0, 8), ("P", "R139W", "P187S", 0, 9, 9, 0)]
    row = copies_of(analysed(Study(samples, linkage=linkage), tmp_path))
    assert (row.phase, row.functional_copies) == ("in_trans", "two_loss")


def test_haplotypes__truncations_break_copies_of_keap1(tmp_path):
    linkage = [("P", "W544*", "Q75*", 0, 5, 6, 0)]
    found = analysed(Study(pair({"W544*": 1, "Q75*": 1}, {"W544*": 1}), linkage=linkage), tmp_path)
    assert copies_of(found, "KEAP1").functional_copies == "two_loss"
    assert copies_of(found, "KEAP1", "CR").functional_copies == "one_loss"


def test_haplotypes__two_intact_needs_the_whole_coding_sequence(tmp_path):
    samples = pair({}, {})
    row = copies_of(analysed(Study(samples, thinnest={("P", "NQO1", 2): 7}), tmp_path))
    assert (row.functional_copies, row.status) == ("not_assessable", "incomplete_coverage")
    assert row.reason == "exon 2: 7 of 20 fragments at the thinnest place"


def test_haplotypes__a_locus_without_call_leaves_copies_open(tmp_path):
    study = Study(pair({}, {}), unplaced={"P187S": ("reference_mismatch", "the genome has T")})
    row = copies_of(analysed(study, tmp_path))
    assert (row.functional_copies, row.status) == ("not_assessable", "reference_mismatch")
    assert row.reason == "P187S is no call: the genome has T"


def test_haplotypes__a_variant_of_unknown_effect_is_not_intact(tmp_path):
    row = copies_of(analysed(Study(pair({"K200R": 1}, {})), tmp_path))
    assert (row.functional_copies, row.status) == ("not_assessable", "unknown_effect")
    assert "K200R" in row.reason


def test_haplotypes__one_loss_stays_one_where_the_rest_is_not_covered(tmp_path):
    found = analysed(Study(pair({"P187S": 1}, {}), thinnest={("P", "NQO1", 2): 0}), tmp_path)
    row = copies_of(found)
    assert (row.functional_copies, row.status) == ("one_loss", "incomplete_coverage")


# ---- identity


def swap(samples: list[Sample], one: str, two: str) -> list[Sample]:
    """Exchange what two samples are."""
    by_name = {each.name: each for each in samples}
    other = {one: by_name[two], two: by_name[one]}
    return [replace(each, genotypes=other.get(each.name, each).genotypes) for each in samples]


def test_identity__samples_agree_with_their_line_despite_mutations(founding):
    assert set(founding["identity"].status) == {"ok"}
    pairs = founding["identity_pairs"]
    same = pairs.line_1 == pairs.line_2
    assert pairs.sharing[same].min() > 0.9 > pairs.sharing[~same].max()


def test_identity__a_swap_is_found_and_both_are_named(tmp_path):
    samples = swap(founding_samples(), "HSC-2CR_1", "HSC-4P_2")
    found = analysed(Study(samples), tmp_path)["identity"].set_index("sample")
    assert found.index[found.status == "swapped"].tolist() == ["HSC-2CR_1", "HSC-4P_2"]
    assert found.best_line["HSC-2CR_1"] == "HSC-4"
    assert set(found.status.drop(["HSC-2CR_1", "HSC-4P_2"])) == {"ok"}


def test_identity__a_swap_of_whole_conditions_is_found(tmp_path):
    samples = founding_samples()
    for replicate in (1, 2):
        samples = swap(samples, f"HSC-2CR_{replicate}", f"HSC-4CR_{replicate}")
    found = analysed(Study(samples), tmp_path)["identity"].set_index("line")
    assert set(found.status[["HSC-2", "HSC-4"]]) == {"swapped"}
    assert set(found.status[["HSC-3", "Ca9-22"]]) == {"ok"}


def test_identity__a_sample_of_no_line_is_unrelated(tmp_path):
    samples = founding_samples()
    samples[0] = replace(samples[0], genotypes={"L471": 0, "Y537": 2, "S167": 0, "L300": 2, "P187S": 1})
    found = analysed(Study(samples), tmp_path)["identity"]
    assert found.status.tolist() == ["unrelated"] + ["ok"] * (len(samples) - 1)


def test_identity__few_variants_say_nothing(tmp_path):
    samples = [
        replace(
            each,
            genotypes={name: copies for name, copies in each.genotypes.items() if name in ("L471", "L300")},
        )
        for each in founding_samples()
    ]
    found = analysed(Study(samples, variants=["L471", "L300"]), tmp_path)["identity"]
    assert set(found.status) == {"not_assessable"}
    assert set(found.reason) == {"fewer than 4 variants called in both"}


def test_identity__a_single_sample_of_a_line_cannot_be_held_to_it(tmp_path):
    samples = [each for each in founding_samples(1) if each.name != "HSC-2P_1"]
    found = analysed(Study(samples), tmp_path)["identity"].set_index("sample")
    assert found.reason["HSC-2CR_1"] == "no other sample of the line"
    assert found.status["HSC-4P_1"] == "ok"


# ---- allelic balance


def test_log_beta_binomial__is_that_of_scipy_but_for_a_constant():
    alt, depth = np.array([3.0, 20.0]), np.array([10.0, 55.0])
    precision = 1 / script.OVERDISPERSION - 1
    ours = [script.log_beta_binomial(share, alt, depth) for share in (0.2, 0.5)]
    theirs = [
        stats.betabinom.logpmf(alt, depth, share * precision, (1 - share) * precision).sum()
        for share in (0.2, 0.5)
    ]
    assert ours[0] - ours[1] == pytest.approx(theirs[0] - theirs[1], rel=1e-9)


def test_holm__matches_p_adjust_of_r():
    """tests/oracles/locus_genotype.R: p.adjust(method = "holm") of R 4.2.2."""
    expected = pd.read_csv(ORACLES / "locus_genotype_holm.tsv", sep="\t", comment="#")
    np.testing.assert_allclose(script.holm(expected.p), expected.adjusted, rtol=1e-9)


def drawn(draw: np.random.Generator, share: float, libraries: int) -> tuple[np.ndarray, np.ndarray]:
    precision = 1 / script.OVERDISPERSION - 1
    depth = draw.integers(40, 200, libraries)
    alt = draw.binomial(depth, draw.beta(share * precision, (1 - share) * precision, libraries))
    return alt.astype(float), depth.astype(float)


def test_p_balance_and_p_conditions__are_uniform_without_a_difference():
    draw = np.random.default_rng(RNG_SEED)
    balance = [script.p_balance(*drawn(draw, 0.5, 2)) for _ in range(600)]
    conditions = [script.p_conditions(drawn(draw, 0.4, 2), drawn(draw, 0.4, 2)) for _ in range(600)]
    for p_values in (balance, conditions):
        assert stats.kstest(p_values, "uniform").pvalue > 0.01
        assert np.mean(np.array(p_values) < 0.05) < 0.08


def test_balance_tests__a_stop_lost_to_decay_and_a_raised_share_are_found(tmp_path):
    samples = [
        replace(
            each, genotypes=each.genotypes | ({"E82D": 0.8} if each.name.startswith("HO-1-u-1CR") else {})
        )
        for each in founding_samples()
    ]
    tests = analysed(Study(samples, dna=["W544*", "E82D"]), tmp_path)["allele_expression_tests"]
    tests = tests[tests.status == "ok"]
    balance = tests[tests.test == "balance"].set_index(["hgvs_p", "condition"])
    decay = balance[balance.index == ("p.W544*", "resistant")].iloc[0]
    assert decay.p_adjusted < 0.01
    assert decay.target_share < 0.4
    assert balance[balance.index == ("p.E82D", "parental")].p_adjusted.item() > 0.05
    raised = tests[(tests.test == "conditions") & (tests.hgvs_p == "p.E82D")].iloc[0]
    assert raised.p_adjusted < 0.01
    assert raised.target_share > raised.reference_share


def test_balance_tests__what_the_rna_lacks_is_not_tested(founding):
    tests = founding["allele_expression_tests"].query("line == 'HSC-4' and hgvs_p == 'p.W544*'")
    assert set(tests.status) == {"not_seen"}
    assert tests.p_value.isna().all()


def test_expressed_alleles__without_dna_only_variants_het_in_both_conditions_are_listed(tmp_path):
    found = analysed(Study(pair({"L471": 1, "L300": 2}, {"L471": 1, "L300": 2, "V512I": 1})), tmp_path)
    assert set(found["allele_expression"].hgvs_c) == {"c.1413C>G"}
    found = analysed(Study(pair({}, {})), tmp_path / "none")
    assert found["allele_expression"].empty
    assert list(found["allele_expression_tests"]) == tables.TESTS


# ---- degenerate studies, and what is written

NOTHING = [Sample("P", aligned=False), Sample("CR", condition="resistant", aligned=False)]
STUDIES = {
    "founding": Study(founding_samples(1), dna=["W544*"]),
    "one_sample": Study([Sample("007", genotypes={"P187S": 2})]),
    "one_condition": Study([Sample("a", genotypes={"V512I": 1}), Sample("b", genotypes={"V512I": 1})]),
    "exon_skipping": Study(pair({"R139W": 2}, {"R139W": 0.04}, skipped=0.5)),
    "no_alignment": Study(NOTHING),
    "no_alignment_no_tpm": Study(NOTHING, tpm=False),
    "no_variants": Study(pair({}, {}), variants=[]),
    "no_depth": Study(pair({"V512I": 1}, {}, depth=0, junction_reads=0, tpm=0)),
    "no_transcript": Study(
        pair({}, {}), unplaced=dict.fromkeys(("R139W", "P187S"), ("no_transcript", "none"))
    ),
    "other_condition": Study([Sample("x", "T1", "tumour", {"P187S": 1}), *pair({}, {})]),
    "no_samples": Study([]),
}


@pytest.mark.parametrize("name", STUDIES)
def test_main__writes_every_table_and_a_section_whatever_the_study(tmp_path, run_script, name):
    paths = write_study(STUDIES[name], tmp_path / "inputs")
    assert run_script(script.main, **paths, results=tmp_path).exit_code == 0
    for table, columns in {
        "genotypes": tables.GENOTYPES, "discovery": tables.DISCOVERY, "comparison": tables.COMPARISON,
        "haplotypes": tables.HAPLOTYPES, "skipping": tables.SKIPPED, "identity": tables.IDENTITY,
        "identity_pairs": tables.PAIRS, "allele_expression": tables.EXPRESSED,
        "allele_expression_tests": tables.TESTS, "lines": tables.LINES,
    }.items():  # fmt: skip
        written = pd.read_csv(tmp_path / f"{table}.tsv", sep="\t", dtype=str, keep_default_na=False)
        assert list(written) == columns
        if "status" in written:
            assert (written.status != "").all()
    section = json.loads((tmp_path / "locus_genotype_mqc.json").read_text())
    assert section["description"]
    genotypes = pd.read_csv(tmp_path / "genotypes.tsv", sep="\t")
    if name in ("no_alignment", "no_alignment_no_tpm", "no_depth", "no_transcript"):
        assert set(genotypes.genotype) == {"no_call"}


def test_main__an_empty_table_has_no_rows_and_no_findings(tmp_path, run_script):
    paths = write_study(Study(pair({}, {}), variants=[]), tmp_path / "inputs")
    for name in ("alleles", "coverage", "junctions", "linkage", "variants", "loci", "skipping"):
        paths[name].write_text(paths[name].read_text().splitlines()[0] + "\n")
    run_script(script.main, **paths, results=tmp_path)
    section = json.loads((tmp_path / "locus_genotype_mqc.json").read_text())
    assert section["description"].startswith("No named locus")
    assert section["nrf2flow"]["findings"] == {}


def test_main__same_inputs_give_the_same_bytes(tmp_path, run_script):
    paths = write_study(STUDIES["founding"], tmp_path / "inputs")
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        run_script(script.main, **paths, results=tmp_path / name)
        written.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert written[0] == written[1]


def test_main__findings_say_genotypes_changes_and_swaps(tmp_path, run_script):
    samples = swap(founding_samples(), "HSC-2CR_1", "HSC-3P_2")
    run_script(script.main, **write_study(Study(samples), tmp_path / "inputs"), results=tmp_path)
    found = json.loads((tmp_path / "locus_genotype_mqc.json").read_text())["nrf2flow"]["findings"]
    assert found["HSC-4"] == "NQO1 in both conditions: P187S homozygous (functional copies: none)"
    assert "HSC-2CR_1 looks swapped: it shares" in found["HSC-2"]
    assert "1.00 with HSC-3P_1 of HSC-3 (8 variants)" in found["HSC-2"]
    identity = json.loads((tmp_path / "locus_genotype_identity_mqc.json").read_text())
    assert identity["nrf2flow"]["statuses"] == "ok 18, swapped 2"


def test_spelled__is_the_key_of_linkage():
    assert spelled("P187S") == "chr16:69711242:G>A"
