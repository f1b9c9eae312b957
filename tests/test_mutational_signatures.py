"""Mutational signatures, held to deconstructSigs, to scipy and to planted shares."""

import json
import os
import subprocess
import sys
from itertools import combinations, product
from pathlib import Path

import mutational_signatures as signatures
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from common.cosmic import packaged
from common.signature_tables import CONTEXTS, read_profiles
from conftest import ORACLES, REFERENCE_DATA, ROOT
from scipy.optimize import nnls
from scipy.stats import kstest
from threadpoolctl import threadpool_limits

SIXTEEN = signatures.SIXTEEN.split(",")
THERAPY = ["SBS31", "SBS35"]
TOGETHER = "SBS31+SBS35"
# Shares as in head and neck cancer, without therapy.
BACKGROUND = {"SBS1": 0.15, "SBS2": 0.17, "SBS4": 0.15, "SBS5": 0.30, "SBS13": 0.17, "SBS18": 0.06}
SETTINGS = signatures.Settings(THERAPY, 200, 50, 1, 0.95)
PEER = "signatures/peer_deconstructSigs1.9.0_HeadSCC_pooled+60_COSMICv3.3_SBS_{}_weights.csv.gz"


def exome(names: list[str] | None = None, build: str = "GRCh37") -> pd.DataFrame:
    """COSMIC's signatures of the exome."""
    return read_profiles(packaged(build, exome=True), names)


def tumours() -> np.ndarray:
    """Substitutions of the TCGA's 464 exomes (HNSC, MC3): the sum of all, then each."""
    path = REFERENCE_DATA / "tcga_hnsc/TCGA_MC3_HeadSCC_SBS96_counts_464.csv.gz"
    counts = pd.read_csv(path, index_col=0).loc[CONTEXTS].T.to_numpy(float)
    return np.vstack([counts.sum(axis=0), counts])


def mixture(shares: dict[str, float], profiles: pd.DataFrame) -> np.ndarray:
    """The profile of these shares of signatures."""
    made = profiles[list(shares)].to_numpy() @ np.array(list(shares.values()))
    return made / made.sum()


def planted(part: float) -> dict[str, float]:
    """Shares with this part of both therapy signatures, in equal parts."""
    return {name: share * (1 - part) for name, share in BACKGROUND.items()} | dict.fromkeys(THERAPY, part / 2)


def cohort(
    shares: dict[str, float], mutations: np.ndarray, seed: int = 1, name: str = "naive", build: str = "GRCh37"
) -> signatures.Cohort:
    """Draw a cohort, a tumour a number of mutations."""
    profiles = exome(SIXTEEN, build)
    counts = np.random.default_rng(seed).multinomial(mutations, mixture(shares, profiles)).astype(float)
    samples = [f"{name}_{number}" for number in range(len(counts))]
    return signatures.Cohort(name, samples, counts, profiles, True, "")


def sizes(samples: int, mean: float, seed: int = 1) -> np.ndarray:
    """Numbers of mutations of tumours, which vary more than chance."""
    return np.random.default_rng(seed).negative_binomial(2, 2 / (2 + mean), samples)


# ---- fits


@pytest.mark.parametrize("region", ["GRCh37", "GRCh37_exome"])
def test_deconstructed__equals_deconstructsigs_with_all_signatures(region):
    # REFERENCE_DATA's README: whichSignatures() of deconstructSigs 1.9.0 (commit 41a705c), R 4.2.2.
    weights = pd.read_csv(REFERENCE_DATA / PEER.format(region), index_col=0)
    profiles = read_profiles(packaged("GRCh37", exome=region.endswith("exome")))
    found = signatures.deconstructed(profiles.to_numpy(), tumours()[:61])
    assert weights.shape == (61, 80)
    np.testing.assert_allclose(found, weights[list(profiles)], atol=1e-6)
    np.testing.assert_allclose(1 - found.sum(axis=1), weights.unknown, atol=1e-6)


@pytest.mark.parametrize("region", ["genome", "exome"])
def test_deconstructed__equals_deconstructsigs_with_the_sixteen(region):
    # tests/oracles/mutational_signatures.R: the same version.
    weights = pd.read_csv(ORACLES / "mutational_signatures_weights.tsv.gz", sep="\t")
    weights = weights[weights.matrix == region]
    profiles = read_profiles(packaged("GRCh37", exome=region == "exome"), SIXTEEN)
    found = signatures.deconstructed(profiles.to_numpy(), tumours()[:61])
    assert len(weights) == 61
    np.testing.assert_allclose(found, weights[SIXTEEN], atol=1e-6)
    np.testing.assert_allclose(1 - found.sum(axis=1), weights.unknown, atol=1e-6)


def test_deconstructed__leaves_a_tumour_without_signatures_without_shares():
    profiles = exome(["SBS2", "SBS17b"]).to_numpy()
    counts = np.zeros((2, 96))
    counts[0, CONTEXTS.index("A[T>A]A")] = 100  # neither has its peaks here
    counts[1] = 1000 * profiles[:, 0]
    found = signatures.deconstructed(profiles, counts)
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1], [1, 0])


@pytest.mark.parametrize("names", [SIXTEEN, None, ["SBS5"]], ids=["sixteen", "all", "one"])
def test_nnls__equals_scipy(names):
    profiles, counts = exome(names).to_numpy(), tumours()[:: 1 if names else 5]
    counts = np.vstack([counts, np.random.default_rng(2).integers(0, 2, (100, 96)), np.zeros(96)])
    expected = np.array([nnls(profiles, each)[0] for each in counts])
    assert (expected[:-1] == 0).any() or len(expected[0]) == 1
    scale = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    np.testing.assert_allclose(signatures.fitted(profiles, counts) / scale, expected / scale, atol=1e-9)


def test_nnls__is_the_best_of_all_sets_of_signatures():
    rng = np.random.default_rng(3)
    profiles = rng.random((6, 4)) ** 3
    counts = rng.normal(size=(200, 6))  # below 0 too: many exposures are 0, and sometimes all
    found = signatures.fitted(profiles, counts)
    for each, ours in zip(counts, found, strict=True):
        best = each @ each
        for number in range(1, 5):
            for members in map(list, combinations(range(4), number)):
                x = np.linalg.lstsq(profiles[:, members], each, rcond=None)[0]
                if (x >= 0).all():
                    best = min(best, ((each - profiles[:, members] @ x) ** 2).sum())
        assert (ours >= 0).all()
        assert ((each - profiles @ ours) ** 2).sum() == pytest.approx(best, abs=1e-12)


def test_nnls__solves_problems_with_matrices_of_their_own():
    matrices = [exome(SIXTEEN).to_numpy(), exome(SIXTEEN, "GRCh38").to_numpy()]
    counts = tumours()[:40]
    grams = np.array([matrices[row % 2].T @ matrices[row % 2] for row in range(40)])
    targets = np.array([each @ matrices[row % 2] for row, each in enumerate(counts)])
    expected = [nnls(matrices[row % 2], each)[0] for row, each in enumerate(counts)]
    scale = counts.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(signatures.nnls(grams, targets) / scale, expected / scale, atol=1e-9)


@pytest.mark.parametrize("method", signatures.METHODS)
def test_fits__do_not_depend_on_the_number_of_mutations_or_on_other_samples(method):
    fit, profiles = signatures.METHODS[method], exome(SIXTEEN).to_numpy()
    counts = tumours()[:30]
    np.testing.assert_allclose(fit(profiles, 7 * counts), fit(profiles, counts), atol=1e-9)
    np.testing.assert_allclose(fit(profiles, counts[::-1]), fit(profiles, counts)[::-1], atol=1e-9)
    alone = np.concatenate([fit(profiles, each[None]) for each in counts])
    np.testing.assert_allclose(alone, fit(profiles, counts), atol=1e-9)


@pytest.mark.parametrize("method", signatures.METHODS)
def test_fits__return_the_shares_of_an_exact_mixture(method):
    profiles = exome(SIXTEEN)
    planted = {"SBS1": 0.2, "SBS2": 0.2, "SBS5": 0.35, "SBS31": 0.25}
    shares = signatures.METHODS[method](profiles.to_numpy(), 1e6 * mixture(planted, profiles)[None])[0]
    expected = pd.Series(planted).reindex(SIXTEEN).fillna(0)
    np.testing.assert_allclose(shares, expected, atol=1e-9)


def test_cosine__is_that_of_two_vectors():
    counts = np.array([[1.0, 0, 0], [1, 1, 0], [0, 0, 0]])
    np.testing.assert_allclose(signatures.cosine(counts, np.tile([1.0, 0, 0], (3, 1))), [1, 0.5**0.5, np.nan])


# ---- opportunities


@pytest.mark.parametrize("build", ["GRCh37", "GRCh38"])
def test_of_panels__makes_cosmics_exome_of_its_genome(build):
    # tests/oracles/mutational_signatures_trinucleotides.py: SigProfilerMatrixGenerator 1.4.0.
    counts = pd.read_csv(ORACLES / "mutational_signatures_trinucleotides.tsv", sep="\t")
    counts = counts[(counts.genome_build == build) & (counts.region == "exome")]
    genome = read_profiles(packaged(build, exome=False))
    found, reason = signatures.of_panels(
        genome, build, counts.assign(panel="", reason=""), pd.Series({"": 464})
    )
    assert reason == ""
    # COSMIC's are rounded, and its counts of the exome a little older.
    np.testing.assert_allclose(found, exome(build=build), atol=5e-4)
    assert (genome - exome(build=build)).abs().max().max() > 0.2


@pytest.mark.parametrize("build", ["GRCh37", "GRCh38"])
def test_trinucleotides__are_those_of_the_genome(build):
    counts = pd.read_csv(ORACLES / "mutational_signatures_trinucleotides.tsv", sep="\t")
    counts = counts[(counts.genome_build == build) & (counts.region == "genome")].set_index("trinucleotide")
    ours = pd.Series(signatures.TRINUCLEOTIDES[build].split(), signatures.TRIMERS).astype(float)
    np.testing.assert_allclose(ours, counts["count"].loc[ours.index] / 1000, atol=0.5)


def opportunities_of(panels: dict[str, dict[str, float]]) -> pd.DataFrame:
    """Opportunities as mutation_matrix has them: a trinucleotide that is not named is there once."""
    rows = [
        {"panel": panel, "trinucleotide": name, "count": counts.get(name, 1.0), "reason": ""}
        for panel, counts in panels.items()
        for name in signatures.TRIMERS
    ]
    return pd.DataFrame(rows)


def test_of_panels__weights_panels_by_their_samples():
    genome = read_profiles(packaged("GRCh38", exome=False), SIXTEEN)
    rich, poor = opportunities_of({"a": {"ACA": 11.0}}), opportunities_of({"a": {"ACA": 3.5}})
    both = opportunities_of({"a": {"ACA": 11.0}, "b": {}})
    alone, _ = signatures.of_panels(genome, "GRCh38", rich, pd.Series({"a": 5}))
    np.testing.assert_allclose(alone.sum(), 1)
    mixed, _ = signatures.of_panels(genome, "GRCh38", both, pd.Series({"a": 25, "b": 75}))
    expected, _ = signatures.of_panels(genome, "GRCh38", poor, pd.Series({"a": 1}))
    np.testing.assert_allclose(mixed, expected)
    assert (alone.loc["A[C>A]A"] > mixed.loc["A[C>A]A"]).all()


def test_of_panels__says_which_panels_have_no_opportunities():
    genome = read_profiles(packaged("GRCh38", exome=False), SIXTEEN)
    unknown = pd.DataFrame(
        [{"panel": "b", "trinucleotide": None, "count": np.nan, "reason": "needs --fasta"}]
    )
    some = pd.concat([opportunities_of({"a": {}}), unknown])
    weighted, reason = signatures.of_panels(genome, "GRCh38", some, pd.Series({"a": 1, "b": 1}))
    assert (weighted.shape, reason) == ((96, 16), "panels left out: b: needs --fasta")
    weighted, reason = signatures.of_panels(genome, "GRCh38", unknown, pd.Series({"b": 1}))
    assert (weighted.shape, reason) == ((96, 0), "b: needs --fasta")


# ---- intervals, presence, limits


@pytest.mark.parametrize(("mutations", "least"), [(200, 0.92), (1000, 0.93)])
def test_sample_intervals__hold_the_planted_shares_at_their_rate(mutations, least):
    shares = planted(0.1)
    drawn = cohort(shares, np.full(150, mutations), seed=4)
    low, high = signatures.sample_intervals(drawn, range(150), SETTINGS)
    truth = pd.Series(shares).reindex(SIXTEEN).fillna(0).to_numpy()
    held = pd.Series(((low <= truth) & (truth <= high)).mean(axis=0), SIXTEEN)
    assert held.mean() > least
    # Between SBS5 and SBS3, both flat, few mutations cannot tell: what SBS3 gets is missing from SBS5.
    assert held.drop("SBS5").min() > 0.82
    assert held["SBS5"] > 0.6


def test_pooled_replicates__hold_the_planted_shares_at_their_rate():
    shares, held = planted(0.1), []
    truth = pd.Series(shares).reindex(SIXTEEN).fillna(0).to_numpy()
    for seed in range(40):
        drawn = cohort(shares, sizes(300, 6, seed), seed, name=f"cohort_{seed}")
        low, high = signatures.limits(signatures.pooled_replicates(drawn, SETTINGS), 0.95)
        held.append((low <= truth) & (truth <= high))
    assert np.mean(held) > 0.92


def seen_in(drawn: signatures.Cohort, settings: signatures.Settings = SETTINGS) -> pd.DataFrame:
    """The rows of detection.tsv of a cohort, by signatures."""
    rows = signatures.presence(drawn, signatures.pooled_replicates(drawn, settings), settings)
    return pd.DataFrame(rows).set_index("signatures")


def test_presence__has_uniform_p_values_where_nothing_is_planted(monkeypatch):
    monkeypatch.setattr(signatures.Simulated, "detection_limit", lambda *_: np.nan)  # not asked for here
    settings = SETTINGS._replace(bootstraps=100)
    draws = [cohort(BACKGROUND, sizes(300, 6, seed), seed, name=f"c{seed}") for seed in range(80)]
    p = np.array([seen_in(drawn, settings).p_value[TOGETHER] for drawn in draws])
    positive = p[p < 0.9]  # a share of 0 has p = 1
    assert len(positive) > 25
    for level in (0.05, 0.2, 0.5):
        assert (p <= level).mean() < level + 2.5 * np.sqrt(level * (1 - level) / len(p))
    assert kstest(p[p < 0.6] / 0.6, "uniform").pvalue > 0.001


def test_presence__sees_shares_above_the_detection_limit_with_its_power(monkeypatch):
    mutations = sizes(400, 8)
    limit = seen_in(cohort(BACKGROUND, mutations)).detection_limit[TOGETHER]
    assert 0.01 < limit < 0.15
    monkeypatch.setattr(signatures.Simulated, "detection_limit", lambda *_: np.nan)
    settings = SETTINGS._replace(bootstraps=100)
    rates = []
    for factor in (0.3, 1.25):
        draws = [cohort(planted(limit * factor), mutations, seed, f"p{seed}") for seed in range(100, 150)]
        seen = [seen_in(drawn, settings).verdict[TOGETHER] == "seen" for drawn in draws]
        rates.append(np.mean(seen))
    assert rates[0] < 0.5
    assert rates[1] >= 0.8


def test_presence__sees_what_is_planted_and_not_what_is_not():
    treated = seen_in(cohort(planted(0.12), sizes(820, 6), name="treated"))
    assert (treated.verdict == "seen").all()
    assert treated.p_value[TOGETHER] < 0.01
    assert treated.ci_low[TOGETHER] < 0.12 < treated.ci_high[TOGETHER]
    naive = seen_in(cohort(BACKGROUND, sizes(820, 6)))
    assert naive.verdict[TOGETHER] == "not_seen"
    assert naive.detection_limit[TOGETHER] < 0.12


def test_presence__has_lower_limits_with_more_mutations():
    few, many = (seen_in(cohort(BACKGROUND, sizes(400, mean))).detection_limit for mean in (3, 60))
    assert (few > 1.5 * many).all()


def test_presence__does_not_see_platinum_in_untreated_tumours_of_tcga():
    counts = tumours()[1:]
    samples = [str(number) for number in range(len(counts))]
    found = seen_in(signatures.Cohort("tcga", samples, counts, exome(SIXTEEN), True, ""))
    assert (found.verdict == "not_seen").all()
    # Real tumours are no exact mixtures of sixteen signatures: the limit is not that of 99,142 mutations.
    assert (found.dispersion > 10).all()
    assert (found.counting_limit < found.detection_limit / 2).all()


def test_presence__says_where_nothing_could_have_been_seen():
    drawn = cohort(BACKGROUND, np.array([8]))
    flat = drawn._replace(profiles=drawn.profiles[["SBS3", "SBS5"]])
    found = seen_in(flat, SETTINGS._replace(therapy=["SBS5", "SBS99"], confidence=0.99))
    assert dict(found.status) == {"SBS5": "not_detectable", "SBS99": "not_fitted", "SBS5+SBS99": "not_fitted"}
    assert found.detection_limit.isna().all()
    assert found.verdict["SBS5"] == "not_seen"
    assert found.reason["SBS99"] == "not among the signatures that are fitted: SBS99"
    alone = seen_in(drawn._replace(profiles=drawn.profiles[THERAPY]))
    assert set(alone.status) == {"no_background"}


def test_dispersion__is_one_for_multinomial_draws_and_grows_with_misfit():
    profiles = exome(SIXTEEN)
    drawn = np.random.default_rng(5).multinomial(5000, mixture(BACKGROUND, profiles), 200).astype(float)
    exposures = signatures.fitted(profiles.to_numpy(), drawn)
    found = [signatures.dispersion(profiles.to_numpy(), *each) for each in zip(drawn, exposures, strict=True)]
    assert np.mean(found) == pytest.approx(1, abs=0.1)
    odd = drawn[0] + np.eye(96)[5] * 500
    exposures = signatures.fitted(profiles.to_numpy(), odd[None])[0]
    assert signatures.dispersion(profiles.to_numpy(), odd, exposures) > 5


# ---- comparison


def compared(pair: list[signatures.Cohort], settings: signatures.Settings = SETTINGS) -> pd.DataFrame:
    """The rows of comparison.tsv of two cohorts, by signature."""
    replicates = [signatures.pooled_replicates(each, settings) for each in pair]
    return pd.DataFrame(signatures.compare(pair, replicates, settings)).set_index("signature")


def test_compare__finds_planted_differences_with_their_intervals():
    pair = [cohort(BACKGROUND, sizes(300, 60)), cohort(planted(0.15), sizes(500, 6), name="treated")]
    found = compared(pair)
    assert found.p_value[TOGETHER] == 1 / 201
    assert found.ci_low[TOGETHER] < 0.15 < found.ci_high[TOGETHER]
    assert found.difference[TOGETHER] == pytest.approx(found.difference[THERAPY].sum())
    assert found.family[TOGETHER] == "therapy together"
    assert found.family["SBS1"] == "signatures of naive and treated"
    np.testing.assert_allclose(found.share_2 - found.share_1, found.difference, atol=1e-12)


def test_compare__changes_signs_with_the_order_of_cohorts():
    pair = [cohort(BACKGROUND, sizes(80, 60)), cohort(planted(0.1), sizes(90, 40), name="b", build="GRCh38")]
    forth, back = compared(pair), compared(pair[::-1])
    np.testing.assert_allclose(forth.difference, -back.difference, atol=1e-12)
    np.testing.assert_allclose(forth.statistic, -back.statistic, atol=1e-9)
    np.testing.assert_allclose(forth.p_value, back.p_value, atol=0.12)


def test_compare__has_uniform_p_values_for_cohorts_of_unlike_sizes_and_matrices():
    settings = SETTINGS._replace(bootstraps=100)
    p = []
    for seed in range(40):
        one = cohort(BACKGROUND, sizes(60, 100, seed), seed)
        two = cohort(BACKGROUND, sizes(150, 6, seed), 1000 + seed, name=f"b{seed}", build="GRCh38")
        p.append(compared([one, two], settings).p_value[list(BACKGROUND)])
    found = np.array(p)
    for level in (0.05, 0.2, 0.5):
        assert (found <= level).mean() == pytest.approx(level, abs=0.25 * level + 0.03)


def test_grouped__linearises_as_leaving_out_a_sample_does():
    drawn = cohort(planted(0.1), sizes(400, 40))
    profiles = drawn.profiles.to_numpy()
    groups, first = np.ones((1, 400), dtype=bool), np.arange(400) < 150
    pair = signatures.Pair(drawn.counts, first, [profiles, profiles], np.eye(16))
    share, variance = signatures.grouped(pair, groups)
    np.testing.assert_allclose(
        share[0], signatures.fitted_shares(profiles, drawn.counts.sum(axis=0)[None])[0]
    )
    left = signatures.fitted_shares(profiles, drawn.counts.sum(axis=0) - drawn.counts)
    jackknife = 399 / 400 * ((left - left.mean(axis=0)) ** 2).sum(axis=0)
    clear = share[0] > 0.1
    assert clear.sum() >= 4
    np.testing.assert_allclose(variance[0, clear], jackknife[clear], rtol=0.05)


def test_benjamini_hochberg__adjusts_as_by_hand():
    # R 4.2.2: p.adjust(c(0.01, 0.04, 0.03, 0.5), "BH")
    np.testing.assert_allclose(
        signatures.benjamini_hochberg(np.array([0.01, 0.04, 0.03, 0.5])), [0.04, 0.16 / 3, 0.16 / 3, 0.5]
    )


# ---- the command


def write_study(folder: Path) -> Path:
    """Write a study of three cohorts: exomes, panels with few mutations each, and one with hardly any."""
    drawn = [
        cohort(BACKGROUND, np.array([10, 49, *sizes(20, 150)])),
        cohort(planted(0.2), sizes(250, 6), name="treated", build="GRCh38"),
        cohort(BACKGROUND, np.array([3, 0]), name="tiny"),
    ]
    (folder / "matrices").mkdir()
    rows = []
    for each in drawn:
        matrix = pd.DataFrame(each.counts.T.astype(int), CONTEXTS, each.samples)
        matrix.rename_axis("MutationType").to_csv(folder / "matrices" / f"{each.name}.SBS96.tsv", sep="\t")
        rows += [{"cohort": each.name, "sample": sample, "status": "ok"} for sample in each.samples]
    other = {"cohort": "naive", "sample": "second", "status": "other_sample_of_patient", "reason": "of P1"}
    pd.DataFrame([*rows, other]).to_csv(folder / "samples.tsv", sep="\t", index=False)
    builds = {"naive": "GRCh37", "treated": "GRCh38", "tiny": "GRCh38"}
    table = pd.DataFrame({"cohort": list(builds), "genome_build": list(builds.values())})
    table.to_csv(folder / "cohorts.tsv", sep="\t", index=False)
    columns = ["cohort", "panel", "trinucleotide", "count", "status", "reason"]
    pd.DataFrame(columns=columns).to_csv(folder / "opportunities.tsv", sep="\t", index=False)
    return folder


@pytest.fixture
def study(tmp_path) -> Path:
    """A study of its own."""
    return write_study(tmp_path)


def options_of(study: Path, results: str = "results", **options: object) -> dict[str, object]:
    """The options of the command; the folder of results is made."""
    (study / results).mkdir(exist_ok=True)
    names = ["cohorts", "samples", "opportunities"]
    given = {name: study / f"{name}.tsv" for name in names} | {"matrices": study / "matrices"}
    given |= {"signatures": study / "none", "bootstraps": 100, "results": study / results}
    return given | options


@pytest.fixture(scope="module")
def analysed(tmp_path_factory) -> Path:
    """The results of the study, analysed once; the tests read them."""
    options = options_of(write_study(tmp_path_factory.mktemp("study")))
    words = [str(word) for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
    with threadpool_limits(2):
        result = CliRunner().invoke(signatures.main, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return options["results"]


def tables_of(folder: Path) -> dict[str, pd.DataFrame]:
    """The tables that the command wrote, by name."""
    return {
        path.stem: pd.read_csv(path, sep="\t") for path in folder.glob("*.tsv") if path.stem != "versions"
    }


def test_main__writes_shares_that_add_up_to_the_mutations(analysed):
    tables = tables_of(analysed)
    exposures = tables["exposures"]
    known = exposures[exposures.status == "ok"]
    sums = known.groupby(["cohort", "sample", "method"])[["exposure", "share"]].sum()
    mutations = tables["fits"].set_index(["cohort", "sample", "method"]).mutations[sums.index]
    np.testing.assert_allclose(sums.exposure, mutations)
    np.testing.assert_allclose(sums.share, 1)
    least = known[known.method == "nnls"]
    assert (least.ci_low <= least.ci_high).all()
    pooled = tables["pooled"]
    assert pooled[(pooled.cohort == "treated")].groupby("method").share.sum().tolist() == pytest.approx(
        [1, 1]
    )


def test_main__gives_no_verdict_to_tumours_with_few_mutations(analysed):
    tables = tables_of(analysed)
    exposures, fits = tables["exposures"], tables["fits"]
    few = exposures[exposures["sample"] == "naive_1"]
    assert len(few) == 16 + 17
    assert set(few.status) == {"too_few_mutations"}
    assert set(few.reason) == {"49 mutations; 50 are needed"}
    assert few[["exposure", "share", "ci_low", "ci_high"]].isna().all(axis=None)
    assert set(exposures.status[exposures.cohort == "treated"]) == {"too_few_mutations"}
    assert set(tables["pooled"].status[tables["pooled"].cohort == "treated"]) == {"ok"}
    assert set(tables["pooled"].status[tables["pooled"].cohort == "tiny"]) == {"too_few_mutations"}
    absent = fits[fits["sample"] == "second"].iloc[0]
    assert (absent.status, absent.reason) == ("other_sample_of_patient", "of P1")


def test_main__says_what_was_seen_and_what_could_have_been(analysed):
    tables = tables_of(analysed)
    detection = tables["detection"].set_index(["cohort", "signatures"])
    assert detection.verdict["treated", TOGETHER] == "seen"
    assert detection.verdict["naive", TOGETHER] == "not_seen"
    assert detection.detection_limit["naive", TOGETHER] < 0.3
    assert set(detection.status["tiny"]) == {"too_few_mutations"}
    comparison = tables["comparison"]
    assert len(comparison) == 17 + 2 * 16
    assert set(comparison.status[comparison.cohort_2 == "tiny"]) == {"no_shares"}
    tested = comparison[comparison.status == "ok"].set_index("signature")
    assert tested.q_value[TOGETHER] < 0.05
    section = json.loads((analysed / "mutational_signatures_mqc.json").read_text())
    findings = section["nrf2flow"]["findings"]
    assert findings["naive"].startswith("SBS31+SBS35 not seen (p ")
    assert findings["treated"].startswith("SBS31+SBS35 2")
    (answer,) = section["nrf2flow"]["answers"]["cohorts"]
    assert answer.startswith("Signatures of therapy: in ")
    assert f"in treated {findings['treated']}" in answer
    assert findings["tiny"] == "SBS31+SBS35 not assessable (3 mutations; 50 are needed)"
    assert "No substitution shows by its context what made it" in section["description"]


def test_main__writes_the_same_bytes_whatever_the_number_of_threads(analysed, study):
    options = options_of(study, "again")
    words = [str(word) for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
    script = ROOT / "bin/mutational_signatures.py"
    subprocess.run([sys.executable, script, *words], check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    for path in analysed.iterdir():
        assert path.read_bytes() == (study / "again" / path.name).read_bytes(), path.name


def test_main__gives_a_cohort_the_same_numbers_without_the_others(analysed, study, run_script):
    pd.DataFrame({"cohort": ["treated"], "genome_build": ["GRCh38"]}).to_csv(
        study / "cohorts.tsv", sep="\t", index=False
    )
    run_script(signatures.main, **options_of(study, "alone"))
    both, alone = tables_of(analysed), tables_of(study / "alone")
    for name in ("exposures", "pooled", "detection"):
        own = both[name][both[name].cohort == "treated"].reset_index(drop=True)
        pd.testing.assert_frame_equal(own, alone[name], check_dtype=False)
    assert alone["comparison"].empty


@pytest.mark.parametrize("kind", ["genome", "panel"])
def test_main__fits_signatures_of_the_opportunities_asked_for(analysed, study, run_script, kind):
    chances = opportunities_of({"F1": {"TCA": 40.0, "TCT": 40.0}}).assign(cohort="treated", status="ok")
    chances.to_csv(study / "opportunities.tsv", sep="\t", index=False)
    run_script(signatures.main, **options_of(study, signature_opportunities=kind))
    found, of_exome = tables_of(study / "results")["pooled"], tables_of(analysed)["pooled"]
    own = (found.cohort == "treated") & (found.method == "nnls")
    assert (found.share - of_exome.share)[own].abs().max() > 0.01
    if kind == "panel":
        naive = found[found.cohort == "naive"]
        assert set(naive.status) == {"no_opportunities"}
        assert set(naive.reason) == {"no opportunities of its panels are known"}


def test_main__fits_a_matrix_of_the_users(study, run_script):
    (study / "given").mkdir()
    mine = exome(["SBS1", "SBS5", "SBS31"]).rename_axis("Type").add_prefix("my_")
    mine.to_csv(study / "given/mine.txt", sep="\t")
    given = {"signatures": study / "given", "signature_names": "my_SBS1, my_SBS5,my_SBS31"}
    run_script(signatures.main, **options_of(study, **given, therapy_signatures="my_SBS31"))
    tables = tables_of(study / "results")
    assert set(tables["pooled"].signature) == {"my_SBS1", "my_SBS5", "my_SBS31", "unassigned"}
    assert set(tables["detection"].signatures) == {"my_SBS31"}
    result = run_script(signatures.main, **options_of(study, signatures=study / "given"))
    assert result.output == "Error: mine.txt, row 1: no signature SBS1 (has my_SBS1, my_SBS5, my_SBS31 ...)\n"
    mine.assign(my_copy=mine.my_SBS1).to_csv(study / "given/mine.txt", sep="\t")
    given["signature_names"] += ",my_copy"
    result = run_script(signatures.main, **options_of(study, **given))
    assert result.exit_code == 1
    assert result.output.endswith("is a mixture of others; leave it out\n")


def test_main__needs_no_therapy_and_no_sample(study, run_script):
    empty = pd.DataFrame({"MutationType": CONTEXTS})
    for name, seen in product(("naive", "treated", "tiny"), (empty,)):
        seen.to_csv(study / f"matrices/{name}.SBS96.tsv", sep="\t", index=False)
    result = run_script(signatures.main, **options_of(study, therapy_signatures=""))
    assert result.exit_code == 0, result.output
    tables = tables_of(study / "results")
    assert tables["detection"].empty
    assert tables["exposures"].empty
    assert set(tables["pooled"].status) == {"too_few_mutations"}
    assert not list((study / "results").glob("*.png"))


def test_main__compares_no_cohort_of_two_tumours(study, run_script):
    large = cohort(BACKGROUND, np.array([500, 400]), name="tiny")
    matrix = pd.DataFrame(large.counts.T.astype(int), CONTEXTS, large.samples)
    matrix.rename_axis("MutationType").to_csv(study / "matrices/tiny.SBS96.tsv", sep="\t")
    run_script(signatures.main, **options_of(study))
    tables = tables_of(study / "results")
    pair = tables["comparison"][tables["comparison"].cohort_2 == "tiny"]
    assert set(pair.status) == {"too_few_samples"}
    assert set(pair.reason) == {"2 samples of tiny have mutations; 3 are needed"}
    pooled = tables["pooled"][(tables["pooled"].cohort == "tiny") & (tables["pooled"].method == "nnls")]
    assert pooled.ci_high.max() > pooled.share.max()


def test_main__draws_what_it_lists(analysed):
    drawn = pd.read_csv(analysed / "mutational_signatures.shares.tsv", sep="\t")
    shown = drawn[drawn.panel == "tumours"]
    assert set(shown.cohort) == {"naive"}
    sums = shown.groupby("sample").share.sum()
    np.testing.assert_allclose(sums, 1)
    assert set(drawn.cohort[drawn.panel == "cohorts"]) == {"naive", "treated"}
    assert set(drawn.signature[drawn.panel == "detection_limit"]) == set(THERAPY)
