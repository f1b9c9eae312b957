"""Oracles: R DESeq2 (tests/oracles/differential_expression.R made the tables), PyDESeq2, plain optimisers."""

import json
from functools import cache
from typing import NamedTuple

import differential_expression as de
import numpy as np
import pandas as pd
import pytest
from conftest import ORACLES, REFERENCE_DATA
from differential_expression import Batch, Design, Models, Profile, Shrinkage
from pydeseq2.dds import DeseqDataSet
from pydeseq2.default_inference import DefaultInference
from pydeseq2.utils import fit_alpha_mle, irls_solver, nbinomGLM
from scipy import optimize, stats

GENES = pd.read_csv(ORACLES / "differential_expression_genes.tsv.gz", sep="\t")
PARAMETERS = pd.read_csv(ORACLES / "differential_expression_parameters.tsv", sep="\t").set_index("set")
TYPES = ["single", "single", "paired", "paired", "single", "paired", "paired"]
LINES = [f"line{number}" for number in range(1, 5)]


class Contrast(NamedTuple):
    """A row of contrasts.tsv."""

    contrast: str
    reference: str
    target: str
    lines: str
    blocking: str = ""


class Study(NamedTuple):
    """Counts (genes x samples), samples and a contrast."""

    counts: pd.DataFrame
    samples: pd.DataFrame
    contrast: Contrast


def genes_of(counts):
    return pd.DataFrame({"gene_id": counts.index, "gene_name": counts.index}, index=counts.index)


def sheet(counts, lines, conditions, **further):
    return pd.DataFrame({"sample": counts.columns, "line": lines, "condition": conditions, **further})


def thinned(counts, share):
    """Thin counts as the oracle's script does: quantiles at multiples of the golden ratio."""
    uniform = np.arange(1, counts.size + 1) * 0.6180339887498949 % 1
    kept = stats.binom.ppf(uniform.reshape(counts.shape, order="F"), counts.to_numpy(), share)
    return pd.DataFrame(kept.astype(np.int64), counts.index, counts.columns)


@cache
def read_counts(name):
    table = pd.read_csv(REFERENCE_DATA / "counts" / name, sep="\t", index_col="gene_id")
    return table.drop(columns="gene_name", errors="ignore")


@cache
def study(name):
    """Return the study of a set of the oracle."""
    pasilla = read_counts("pasilla_gene_counts.tsv")
    treated = ["untreated"] * 4 + ["treated"] * 3
    if name.startswith("pasilla"):
        lines = TYPES if name == "pasilla_groups" else "S2"
        contrast = Contrast(name, "untreated", "treated", "single" if name == "pasilla_groups" else "S2")
        blocking = "type" if name == "pasilla_blocked" else ""
        samples = sheet(pasilla, lines, treated, type=TYPES)
        return Study(pasilla, samples, contrast._replace(blocking=blocking))
    if name.startswith("lines"):
        half = thinned(pasilla[["treated1"]], 0.5)
        untreated = pasilla.iloc[:, :4]
        counts = pd.concat([untreated, half, pasilla[["treated1"]] - half, pasilla.iloc[:, 5:]], axis=1)
        counts.columns = [
            f"{condition}{number}" for condition in ("untreated", "treated") for number in range(1, 5)
        ]
        lines, blocking = ("line1", "") if name == "lines_1" else (";".join(LINES), "line")
        samples = sheet(counts, LINES * 2, ["untreated"] * 4 + ["treated"] * 4)
        return Study(counts, samples, Contrast(name, "untreated", "treated", lines, blocking))
    if name == "outliers":
        counts = pd.read_csv(
            ORACLES / "differential_expression_outlier_counts.tsv.gz", sep="\t", index_col="gene_id"
        )
        return Study(counts, sheet(counts, "x", ["a"] * 8 + ["b"] * 8), Contrast(name, "a", "b", "x"))
    counts = read_counts("Li2008_LNCaP_gene_counts.tsv.gz")
    conditions = ["mock"] * 4 + ["dht"] * 3
    if name == "lncap_five":
        counts, conditions = counts.drop(columns=["lane3", "lane4"]), conditions[2:]
    if name == "lncap_tenth":
        counts = thinned(counts, 0.1)
    return Study(counts, sheet(counts, "LNCaP", conditions), Contrast(name, "mock", "dht", "LNCaP"))


@cache
def models(name):
    """Return the models of a study; the two contrasts of the lines share them."""
    return Models(study(name).counts.T, study(name).samples)


@cache
def outcome(name):
    """Return the model and the table of a set of the oracle."""
    counts, _, contrast = study(name)
    model = models("lines" if name == "lines_1" else name).of(contrast)
    return model, de.compare(model, contrast, genes_of(counts), 0.05)


def simulated(genes=400, groups=2, replicates=3, effects=None, seed=0, dispersion=0.05, mean=200.0):
    """Simulate counts (genes x samples) with these log2 effects in odd groups."""
    rng = np.random.default_rng(seed)
    means = mean * np.exp(rng.normal(0, 1, genes))[:, None]
    fold = 2.0 ** (np.zeros(genes) if effects is None else effects)[:, None]
    group = np.repeat(np.arange(groups), replicates)
    mu = means * np.where(group % 2, fold, 1) * np.exp(rng.normal(0, 0.2, len(group)))
    counts = rng.poisson(rng.gamma(1 / dispersion, mu * dispersion))
    names = [f"s{number}" for number in range(len(group))]
    return pd.DataFrame(counts, [f"g{number}" for number in range(genes)], names)


def two_conditions(counts, lines=1):
    """Return samples of `lines` lines, each with two conditions, and their contrasts."""
    replicates = counts.shape[1] // (2 * lines)
    names = [f"L{number}" for number in range(1, lines + 1)]
    conditions = ([*["parental"] * replicates, *["resistant"] * replicates]) * lines
    samples = sheet(counts, np.repeat(names, 2 * replicates), conditions)
    samples["role"] = samples.condition.map({"parental": "reference", "resistant": "target"})
    samples["replicate"] = "1"
    rows = [(f"{name}.resistant_vs_parental", name, "") for name in names]
    if lines > 1:
        rows.append(("all.resistant_vs_parental", ";".join(names), "line"))
    contrasts = [Contrast(name, "parental", "resistant", own, blocking) for name, own, blocking in rows]
    return samples, pd.DataFrame(contrasts)


def analyse(counts, samples, contrasts):
    return de.analyse(counts, genes_of(counts), samples, contrasts, 0.05)


def compared(name):
    """Return our rows and R's of the genes in the oracle."""
    expected = GENES[GENES.set == name].set_index("gene_id")
    return outcome(name)[1].loc[expected.index], expected


# R DESeq2 1.38.3

SETS = ["pasilla_simple", "pasilla_blocked", "pasilla_groups", "lncap", "lncap_tenth", "lncap_five", "lines"]


@pytest.mark.parametrize("name", [*SETS, "lines_1", "outliers"])
def test_compare__agrees_with_r_deseq2(name):
    """Of the genes with a base mean of 10, 99 % within 1e-2 and 95 % within 1e-3 of max(1, |R's value|).

    At 3 degrees of freedom or less, DESeq2's prior variance comes from random draws: where it lies above
    its floor (lncap_five), the second is not asked.
    """
    found, expected = compared(name)
    np.testing.assert_allclose(found.base_mean, expected.base_mean, rtol=1e-6)
    high = (expected.base_mean >= 10) & found.stat.notna()
    assert high.sum() >= 0.99 * (expected.base_mean >= 10).sum() > 50
    for column in ("log2_fold_change", "stat", "lfc_se"):
        ours, theirs = found[column][high], expected[column][high]
        error = (ours - theirs).abs() / theirs.abs().clip(lower=1)
        assert (error <= 1e-2).mean() >= 0.99
        assert name == "lncap_five" or (error <= 1e-3).mean() >= 0.95


@pytest.mark.parametrize("name", [*SETS, "lines_1", "outliers"])
def test_compare__calls_the_genes_that_r_deseq2_calls(name):
    found, expected = compared(name)
    common = found.p_value.notna() & (expected.outlier == 0) & (expected.base_mean >= 10)
    ours = de.adjust(found.p_value[common].to_numpy()) < 0.05
    theirs = de.adjust(2 * stats.norm.sf(expected.stat[common].abs())) < 0.05
    assert (ours & theirs).sum() >= 0.99 * (ours | theirs).sum() > 0


@pytest.mark.parametrize("name", [*SETS, "outliers"])
def test_dataset__has_the_parameters_of_r_deseq2(name):
    dataset, expected = outcome(name)[0].dataset, PARAMETERS.loc[name]
    factors = [float(factor) for factor in expected.size_factors.split()]
    np.testing.assert_allclose(dataset.obs["size_factors"], factors, rtol=1e-8)
    assert dataset.trend.name == expected.fit == "parametric"
    np.testing.assert_allclose(dataset.trend.coefficients, [expected.a0, expected.a1], rtol=0.01)
    np.testing.assert_allclose(dataset.uns["_squared_logres"], expected.residual_variance, rtol=0.01)
    np.testing.assert_allclose(dataset.uns["prior_disp_var"], expected.prior_variance, rtol=0.1)


@pytest.mark.parametrize("name", ["pasilla_simple", "pasilla_blocked", "outliers"])
def test_compare__finds_the_outliers_of_r_deseq2(name):
    found, expected = compared(name)
    assert ((found.status == "outlier") == (expected.outlier == 1)).all()


@pytest.mark.parametrize("name", [name for name in SETS if name != "pasilla_groups"])
def test_compare__filters_as_r_deseq2_does(name):
    """Of the tested genes, q-values agree; a filter one quantile further is 2 % of them."""
    found, expected = compared(name)
    both = found.q_value.notna() & expected.q_value.notna()
    assert (found.q_value.notna() == expected.q_value.notna()).mean() >= 0.95
    error = (found.q_value - expected.q_value)[both].abs() / expected.q_value[both].clip(lower=0.01)
    assert (error <= 0.1).mean() >= 0.95


def test_fit_trend__is_local_as_in_r_deseq2_where_the_parametric_one_fails(monkeypatch):
    """R: fitType = "local", DESeq2's fallback; its locfit interpolates between few points."""
    monkeypatch.setattr(de, "parametric_trend", lambda *_: None)
    counts, samples, contrast = study("lncap")
    model = Models(counts.T, samples).of(contrast)
    assert model.dataset.trend.name == "local"
    expected = GENES[(GENES.set == "local") & (GENES.base_mean >= 10)].set_index("gene_id")
    error = (model.dataset.var["dispersions"].loc[expected.index] / expected.dispersion - 1).abs()
    assert error.median() < 0.01
    assert error.quantile(0.99) < 0.1


def test_lowess__is_that_of_r():
    """R: x <- seq(0, 0.95, length = 50); y <- round(300 * exp(-((x - 0.3) / 0.25)^2) + 10 * sin(40 * x));
    lowess(x, y, f = 1/5)$y[c(1, 10, 25, 40, 50)]; y[20] <- 600; lowess(x, y, f = 1/5)$y[c(1, 18, 20, 22, 50)]
    """
    x = np.linspace(0, 0.95, 50)
    y = np.round(300 * np.exp(-(((x - 0.3) / 0.25) ** 2)) + 10 * np.sin(40 * x))
    expected = [75.3263537111, 231.991549357, 192.459089121, 9.99651699058, -5.54867372239]
    np.testing.assert_allclose(de.lowess(x, y, 1 / 5)[[0, 9, 24, 39, 49]], expected, rtol=1e-9)
    y[19] = 600
    expected = [75.3236690283, 290.443721072, 271.757713915, 243.60580698, -5.58577146735]
    np.testing.assert_allclose(de.lowess(x, y, 1 / 5)[[0, 17, 19, 21, 49]], expected, rtol=1e-9)


# The kernels, beside plain ones

GROUPS = np.kron(np.eye(3), np.ones((2, 1)))
BLOCKED = np.column_stack([np.kron(np.eye(3), np.ones((2, 1))), np.tile([0.0, 1.0], 3)])
FACTORS = np.array([0.7, 1.1, 0.9, 1.4, 1.0, 1.2])


def whole(design, information):
    """Write the blocks of an information matrix out: genes x columns x columns."""
    columns = design.x.shape[1]
    dense = np.zeros((columns, columns, information.own.shape[-1]))
    dense[design.own, design.own] = information.own
    dense[np.ix_(design.full, design.own)] = information.cross
    dense[np.ix_(design.own, design.full)] = np.swapaxes(information.cross, 0, 1)
    dense[np.ix_(design.full, design.full)] = information.full
    return np.moveaxis(dense, 2, 0)


THREE_CONDITIONS = np.column_stack([np.kron(np.eye(4), np.ones((3, 1))), np.tile(np.eye(3)[:, 1:], (4, 1))])
INTERCEPT = np.column_stack([np.ones(6), np.arange(6) % 2, np.arange(6) % 3 == 0, [0.5, -1, 2, 0, 1, 3]])


@pytest.mark.parametrize("matrix", [GROUPS, BLOCKED, THREE_CONDITIONS, INTERCEPT])
def test_design__in_blocks_is_the_whole_matrix(matrix):
    rng = np.random.default_rng(0)
    design, weights, others = Design(matrix), *rng.uniform(0.1, 5, (2, len(matrix), 4))
    information = design.information(weights, 0.01)
    dense, right = whole(design, information), rng.normal(size=(matrix.shape[1], 4))
    ridge = 0.01 * np.eye(matrix.shape[1])
    np.testing.assert_allclose(dense, np.einsum("si,sg,sj->gij", matrix, weights, matrix) + ridge, rtol=1e-12)
    solved = np.linalg.solve(dense, right.T[:, :, None])[:, :, 0].T
    np.testing.assert_allclose(design.solve(information, right), solved, rtol=1e-9)
    np.testing.assert_allclose(information.log_determinant(), np.linalg.slogdet(dense)[1], rtol=1e-12)
    inverse, other = np.linalg.inv(dense), design.information(others)
    trace = np.einsum("gij,gji->g", inverse, whole(design, other))
    np.testing.assert_allclose(information.inverse().trace(other), trace, rtol=1e-9)
    leverage = np.einsum("si,gij,sj->sg", matrix, inverse, matrix)
    np.testing.assert_allclose(design.leverage(information.inverse()), leverage, rtol=1e-9)
    squared = np.einsum("ig,gij,jg->g", right, dense, right)
    np.testing.assert_allclose(information.trace(design.outer(right)), squared, rtol=1e-9)


def hard_counts():
    """Return counts (6 samples x 60 genes) of all sizes, with zeros, whole zero groups and outliers."""
    rng = np.random.default_rng(3)
    means = 10.0 ** rng.uniform(-0.5, 4, 60)
    counts = rng.negative_binomial(2, 2 / (2 + means * FACTORS[:, None]))
    counts[:2, :8] = 0
    counts[5, 8:12] += 5000
    counts[0, counts.sum(axis=0) == 0] = 1
    dispersions = 10.0 ** rng.uniform(-2.5, 0.8, 60)
    return counts.astype(np.float64), dispersions


def likelihood(counts, mu, dispersion):
    """Return minus the log likelihood, fitted counts below 0.5 counting as 0.5."""
    size = 1 / dispersion
    return -stats.nbinom.logpmf(counts, size, size / (size + np.maximum(mu, 0.5))).sum()


@pytest.mark.parametrize("matrix", [GROUPS, BLOCKED], ids=["groups", "blocked"])
def test_fit_coefficients__is_no_worse_than_pydeseq2_for_any_gene(matrix):
    counts, dispersions = hard_counts()
    found, converged = de.fit_coefficients(Design(matrix), counts, FACTORS, dispersions)
    assert converged.all()
    same = 0
    for gene in range(counts.shape[1]):
        beta, _, _, fine = irls_solver(counts[:, gene], FACTORS, matrix, dispersions[gene])
        reached = [
            likelihood(counts[:, gene], FACTORS * np.exp(matrix @ each), dispersions[gene])
            for each in (found[:, gene], beta)
        ]
        assert reached[0] <= reached[1] + 1e-6
        if fine and abs(reached[0] - reached[1]) < 1e-6:
            same += 1
            effects = [(each[1:] - each[:-1]) / np.log(2) for each in (found[:, gene], beta)]
            np.testing.assert_allclose(*effects, atol=1e-4)
    assert same >= 58


@pytest.mark.parametrize("variance", [np.inf, 0.5], ids=["free", "prior"])
@pytest.mark.parametrize("matrix", [GROUPS, BLOCKED], ids=["groups", "blocked"])
def test_fit_dispersions__is_no_worse_than_pydeseq2_for_any_gene(matrix, variance):
    counts, start = hard_counts()
    coefficients, _ = de.fit_coefficients(Design(matrix), counts, FACTORS, np.full(60, 0.1))
    mu = np.maximum(FACTORS[:, None] * np.exp(matrix @ coefficients), 0.5)
    profile = Profile(Design(matrix), counts, mu, np.log(start), variance)
    found = profile.value(np.log(de.fit_dispersions(profile, start, 1e-8, 10.0)))
    prior = {"prior_disp_var": variance, "prior_reg": True} if np.isfinite(variance) else {}
    theirs = [
        fit_alpha_mle(counts[:, gene], matrix, mu[:, gene], start[gene], 1e-8, 10.0, **prior)[0]
        for gene in range(60)
    ]
    assert (found <= profile.value(np.log(theirs)) + 1e-6).all()


def test_profile__its_slope_is_the_derivative_of_its_value():
    counts, _ = hard_counts()
    for matrix in (GROUPS, BLOCKED):
        profile = Profile(Design(matrix), counts, counts.mean(axis=0) + np.ones((6, 1)), np.zeros(60), 0.7)
        for log_alpha in (-6.0, -2.0, 1.0):
            at = np.full(60, log_alpha)
            slope = (profile.value(at + 1e-5) - profile.value(at - 1e-5)) / 2e-5
            np.testing.assert_allclose(profile.slope(at), slope, rtol=1e-4, atol=1e-3)


def test_fit_dispersions__stays_where_the_profile_is_flat():
    """As PyDESeq2 and DESeq2 do with counts that vary less than Poisson counts."""
    counts = np.tile([[20.0], [21.0]], (3, 1)) * np.ones((1, 3))
    profile = Profile(Design(GROUPS), counts, np.full((6, 3), 20.5), np.zeros(3), np.inf)
    np.testing.assert_allclose(de.fit_dispersions(profile, np.full(3, 1e-8), 1e-8, 10.0), 1e-8, rtol=1e-6)


@pytest.mark.parametrize("scale", [1.0, 0.1])
def test_shrink__is_no_worse_than_pydeseq2_for_any_gene(scale):
    counts, dispersions = hard_counts()
    posterior = Shrinkage(Design(BLOCKED), counts, FACTORS, dispersions, 3, scale)
    found, converged = de.shrink(posterior)
    assert converged.all()
    theirs = np.array(
        [
            nbinomGLM(
                BLOCKED, counts[:, gene], 1 / dispersions[gene], np.log(FACTORS), 15, scale, shrink_index=3
            )[0]
            for gene in range(60)
        ]
    ).T
    ours_are, theirs_are = posterior.value(found), posterior.value(theirs)
    assert (ours_are <= theirs_are + 1e-6).all()
    same = theirs_are - ours_are < 1e-7
    assert same.sum() > 10
    np.testing.assert_allclose(found[3, same], theirs[3, same], atol=5e-3)


def test_shrink__finds_the_higher_of_two_peaks():
    """A strong effect under a narrow prior has a peak near 0 and one near the estimate: brute force."""
    design = np.array([[1.0, 0], [1, 0], [1, 1], [1, 1]])
    counts = np.array([[100.0, 120, 130, 170], [100, 120, 500, 400], [100, 120, 2000, 3000]]).T
    posterior = Shrinkage(Design(design), counts, np.ones(4), np.full(3, 0.3), 1, 0.05)
    found, _ = de.shrink(posterior)
    for gene in range(3):
        part = posterior.of(np.array([gene]))

        def value(beta, part=part):
            return part.value(np.asarray(beta)[:, None])[0]

        grid = [(a, b) for a in np.linspace(4, 6, 41) for b in np.linspace(-1, 4, 101)]
        best = optimize.minimize(value, min(grid, key=value), method="Nelder-Mead", options={"xatol": 1e-9}).x
        np.testing.assert_allclose(found[:, gene], best, atol=1e-4)


def test_batch__gives_plain_pydeseq2_the_answers_of_its_own_inference():
    counts = simulated(60, 2, 3, seed=5)
    condition = pd.DataFrame({"condition": ["a"] * 3 + ["b"] * 3}, counts.columns)
    answers = []
    for inference in (Batch(), DefaultInference(n_cpus=1)):
        dataset = DeseqDataSet(
            counts=counts.T, metadata=condition, design="~condition", inference=inference, quiet=True
        )
        dataset.fit_size_factors()
        dataset.fit_genewise_dispersions()
        dataset.fit_type = "mean"
        dataset.fit_dispersion_trend()
        dataset.fit_dispersion_prior()
        dataset.fit_MAP_dispersions()
        dataset.fit_LFC()
        answers.append(dataset)
    ours, theirs = answers
    np.testing.assert_allclose(ours.varm["LFC"], theirs.varm["LFC"], atol=1e-4)
    np.testing.assert_allclose(ours.var["dispersions"], theirs.var["dispersions"], rtol=1e-3)
    wald = [
        each.inference.wald_test(
            each.obsm["design_matrix"].to_numpy(), theirs.var["dispersions"].to_numpy(),
            theirs.varm["LFC"].to_numpy(), theirs.obsm["_mu_LFC"], np.eye(2) * 1e-6, np.array([0, 1]), 0.0,
            None,
        )
        for each in answers
    ]  # fmt: skip
    np.testing.assert_allclose(*wald, rtol=1e-6)


def test_filter_and_adjust__without_a_filter_is_benjamini_and_hochberg():
    p_values = np.random.default_rng(0).uniform(size=500)
    q_values, _ = de.filter_and_adjust(p_values, np.arange(1.0, 501), 0.05)
    np.testing.assert_allclose(q_values, stats.false_discovery_control(p_values))


def test_filter_and_adjust__drops_low_means_where_that_finds_more():
    rng = np.random.default_rng(0)
    p_values = np.concatenate([rng.uniform(size=2000), rng.beta(0.2, 5, size=500)])
    means = np.concatenate([rng.uniform(0, 5, 2000), rng.uniform(5, 1000, 500)])
    q_values, limit = de.filter_and_adjust(p_values, means, 0.05)
    assert 2 < limit < 6
    assert np.isnan(q_values[means < limit]).all()
    assert (q_values < 0.05).sum() > (stats.false_discovery_control(p_values) < 0.05).sum()


def test_prior_scale__recovers_the_spread_of_planted_effects():
    rng = np.random.default_rng(1)
    errors = rng.uniform(0.1, 0.5, 5000)
    assert abs(de.prior_scale(rng.normal(0, np.hypot(0.4, errors)), errors) - 0.4) < 0.02
    assert de.prior_scale(rng.normal(0, 0.5 * errors), errors) == 1e-3
    assert de.prior_scale(rng.normal(0, 5, 5000), errors) == 1


@pytest.mark.parametrize("freedom", [1, 2, 3, 6])
def test_fit_prior_variance__recovers_a_planted_variance(freedom):
    """The robust variance of the residuals is rough with more degrees of freedom: 15 %."""
    rng = np.random.default_rng(freedom)
    residuals = np.log(rng.chisquare(freedom, 20000) / freedom) + rng.normal(0, np.sqrt(1.5), 20000)
    assert abs(de.fit_prior_variance(residuals, freedom)[0] / 1.5 - 1) < 0.15
    assert de.fit_prior_variance(residuals[:0], freedom) == (0.25, 0.0)


def test_fit_trend__recovers_a_planted_curve_and_leaves_outliers_out():
    rng = np.random.default_rng(0)
    means = 10.0 ** rng.uniform(0, 4, 5000)
    dispersions = (0.05 + 3 / means) * rng.gamma(5, 1 / 5, 5000)
    dispersions[::50] *= 1000
    assert np.allclose(de.fit_trend(means, dispersions).coefficients, (0.05, 3), rtol=0.05)


def test_fit_trend__says_what_it_fell_back_to():
    means = np.geomspace(1, 1e4, 200)
    rising = de.fit_trend(means, 0.01 * means**0.5)
    assert rising.name == "local"
    np.testing.assert_allclose(rising.curve(means), 0.01 * means**0.5, rtol=0.02)
    assert de.fit_trend(means[:3], np.array([0.1, 0.2, 0.3])).name == "constant"
    assert de.fit_trend(means, np.full(200, 1e-8)).curve(means).max() == 1e-8


def test_size_factors__use_positive_counts_where_every_gene_has_a_zero():
    counts = np.array([[10, 0, 30, 40], [20, 20, 0, 80], [0, 10, 15, 20]])
    factors = de.size_factors(counts)
    np.testing.assert_allclose(np.log(factors).sum(), 0, atol=1e-12)
    assert factors[1] > factors[0] > factors[2]


# Properties of whole analyses


def test_analyse__p_values_are_uniform_where_nothing_changes():
    counts = simulated(3000, 2, 4, mean=500)
    table = analyse(counts, *two_conditions(counts))[0]["L1.resistant_vs_parental"]
    shares = [(table.p_value < level).mean() for level in (0.01, 0.05, 0.1, 0.5)]
    np.testing.assert_allclose(shares, [0.01, 0.05, 0.1, 0.5], rtol=0.35)
    assert (table.q_value < 0.05).sum() <= 3


def test_analyse__finds_planted_effects_in_the_lines_that_have_them():
    effects = np.where(np.arange(600) < 60, np.tile([2.0, -2.0], 300), 0.0)
    changed, same = simulated(600, 2, 3, effects, seed=1), simulated(600, 2, 3, seed=2)
    counts = pd.concat([changed, same], axis=1)
    counts.columns = [f"s{number}" for number in range(12)]
    tables, summary = analyse(counts, *two_conditions(counts, 2))
    called = {name: table.index[table.q_value < 0.05] for name, table in tables.items()}
    planted = counts.index[:60]
    assert len(called["L1.resistant_vs_parental"].intersection(planted)) >= 58
    assert len(called["L1.resistant_vs_parental"].difference(planted)) <= 8
    assert len(called["L2.resistant_vs_parental"]) <= 3
    fold_changes = tables["L1.resistant_vs_parental"].log2_fold_change_shrunk.loc[planted]
    assert abs((fold_changes * np.sign(effects[:60])).median() - 2) < 0.2
    assert summary.design.tolist() == ["~ line:condition", "~ line:condition", "~ line + condition"]
    assert min(summary.up.iloc[0], summary.down.iloc[0]) >= 28


def test_analyse__swapped_conditions_change_the_sign_and_nothing_else():
    counts = simulated(200, 2, 3, np.linspace(-2, 2, 200))
    samples, contrasts = two_conditions(counts)
    forth = analyse(counts, samples, contrasts)[0][contrasts.contrast[0]]
    swapped = contrasts.rename(columns={"reference": "target", "target": "reference"})
    back = analyse(counts, samples, swapped)[0][contrasts.contrast[0]]
    for column, near in (("log2_fold_change", 1e-6), ("stat", 1e-6), ("log2_fold_change_shrunk", 1e-2)):
        np.testing.assert_allclose(back[column], -forth[column], atol=near)
    np.testing.assert_allclose(back.p_value, forth.p_value, rtol=1e-6)


def test_analyse__the_order_of_genes_and_samples_does_not_matter():
    counts = simulated(200, 4, 2, np.linspace(-2, 2, 200))
    samples, contrasts = two_conditions(counts, 2)
    rng = np.random.default_rng(0)
    genes, order = rng.permutation(counts.index), rng.permutation(len(samples))
    shuffled = counts.loc[genes].iloc[:, order]
    first = analyse(counts, samples, contrasts)[0]
    second = analyse(shuffled, samples.iloc[order].reset_index(drop=True), contrasts)[0]
    for name, table in first.items():
        numbers = table.select_dtypes("number")
        np.testing.assert_allclose(
            second[name].loc[counts.index, numbers.columns], numbers, rtol=1e-5, atol=1e-6
        )


def test_analyse__a_line_with_one_condition_informs_dispersions_and_has_no_contrast():
    counts = simulated(300, 4, 2)
    samples, contrasts = two_conditions(counts, 2)
    alone = samples.iloc[:6]
    tables, _ = analyse(counts.iloc[:, :6], alone, contrasts[:1])
    fewer, _ = analyse(counts.iloc[:, :4], samples[:4], contrasts[:1])
    assert list(tables) == ["L1.resistant_vs_parental"]
    assert not np.allclose(tables[contrasts.contrast[0]].lfc_se, fewer[contrasts.contrast[0]].lfc_se)


# Studies without replicates, and genes that cannot be tested


def test_analyse__lines_without_replicates_are_ranked_with_dispersions_of_the_additive_model():
    counts = simulated(300, 8, 1, np.where(np.arange(300) < 30, 3.0, 0.0))
    tables, summary = analyse(counts, *two_conditions(counts, 4))
    assert summary.status.tolist() == ["exploratory_additive_dispersion"] * 4 + ["ok"]
    assert summary.reason.iloc[0] == "1 sample a group; dispersions of ~ line + condition, 3 df"
    table = tables["L1.resistant_vs_parental"]
    tested_genes = table[table.q_value.notna()]
    assert set(tested_genes.status) == {"exploratory_additive_dispersion"}
    assert table.stat.iloc[:30].median() > 3 > table.stat.iloc[30:].abs().median()
    assert table.log2_fold_change_shrunk.iloc[:30].median() > 1
    assert de.counting(summary, False).up.isna().tolist() == [True] * 4 + [False]
    accepted = de.counting(summary, True)
    assert accepted.up.gt(10).all()
    assert accepted.status.tolist() == summary.status.tolist()


def test_analyse__one_line_without_replicates_has_fold_changes_and_no_test():
    counts = simulated(300, 2, 1, np.where(np.arange(300) < 10, 6.0, 0.0))
    tables, summary = analyse(counts, *two_conditions(counts))
    table = tables["L1.resistant_vs_parental"]
    assert summary.status.tolist() == ["no_replicates"]
    assert summary.reason.iloc[0].startswith("2 samples leave no degree of freedom in ~ line:condition")
    assert table[["lfc_se", "stat", "p_value", "q_value"]].isna().all(axis=None)
    assert (table.status == "no_replicates").all()
    raw, shrunk = table.log2_fold_change, table.log2_fold_change_shrunk
    assert (shrunk.abs() <= raw.abs() + 5e-3).all()
    assert shrunk[:10].min() > 3
    assert set(shrunk.nlargest(10).index) == set(counts.index[:10])


def test_analyse__a_contrast_that_lost_all_samples_of_a_condition_keeps_its_rows():
    counts = simulated(50, 4, 2)
    samples, contrasts = two_conditions(counts, 2)
    samples = samples[(samples.line != "L2") | (samples.condition == "parental")]
    tables, summary = analyse(counts[samples["sample"]], samples, contrasts)
    assert summary.status.tolist() == ["ok", "no_samples", "ok"]
    assert summary.reason.iloc[1] == "no sample of resistant has counts"
    lost = tables["L2.resistant_vs_parental"]
    assert (lost.status == "no_samples").all()
    assert list(lost.columns) == list(tables["L1.resistant_vs_parental"].columns)
    assert de.counting(summary, True).up.isna().tolist() == [False, True, False]


def test_analyse__genes_without_reads_in_the_contrast_keep_their_row():
    counts = simulated(100, 4, 3)
    counts.iloc[0], counts.iloc[1, :6] = 0, 0
    tables, _ = analyse(counts, *two_conditions(counts, 2))
    first, second = tables["L1.resistant_vs_parental"], tables["L2.resistant_vs_parental"]
    assert first.status.iloc[:2].tolist() == ["all_zero"] * 2
    assert first.reason.iloc[1] == "no reads in 6 samples"
    assert first.iloc[:2].log2_fold_change.isna().all()
    assert second.status.iloc[:2].tolist() == ["all_zero", "ok"]
    assert list(first.index) == list(counts.index)


def test_analyse__an_outlying_count_is_a_status_that_names_the_sample():
    counts = simulated(300, 2, 4)
    counts.iloc[7, 2] = 1_000_000
    table = analyse(counts, *two_conditions(counts))[0]["L1.resistant_vs_parental"]
    assert table.status.iloc[7] == "outlier"
    assert table.reason.iloc[7].startswith("Cook's distance ")
    assert " of s2, limit " in table.reason.iloc[7]
    assert np.isnan(table.p_value.iloc[7])
    assert (table.status == "outlier").sum() <= 3


def test_analyse__an_outlying_count_is_replaced_where_there_are_7_replicates():
    counts = simulated(300, 2, 7)
    plain = analyse(counts, *two_conditions(counts))[0]["L1.resistant_vs_parental"]
    counts.iloc[7, 2] = 1_000_000
    table = analyse(counts, *two_conditions(counts))[0]["L1.resistant_vs_parental"]
    assert table.status.iloc[7] == "ok"
    np.testing.assert_allclose(table.log2_fold_change.iloc[7], plain.log2_fold_change.iloc[7], atol=0.5)
    np.testing.assert_allclose(
        table.log2_fold_change_shrunk.iloc[7], plain.log2_fold_change_shrunk.iloc[7], atol=0.5
    )


def test_dataset__a_gene_with_reads_in_replaced_counts_only_has_no_reads():
    counts = simulated(300, 2, 7)
    counts.iloc[7] = 0
    counts.iloc[7, 2] = 1000
    table = analyse(counts, *two_conditions(counts))[0]["L1.resistant_vs_parental"]
    assert table.status.iloc[7] == "all_zero"


@pytest.mark.parametrize(
    ("genes", "lines", "replicates"), [(1, 1, 1), (2, 1, 2), (1, 2, 2), (30, 3, 1), (30, 1, 2)]
)
def test_main__any_study_gives_rows_figures_and_a_section(genes, lines, replicates, run_script, tmp_path):
    counts = simulated(genes, 2 * lines, replicates, np.full(genes, 1.0))
    if genes == 30:
        counts.iloc[:3] = 0
        counts.iloc[3:] *= np.random.default_rng(0).integers(0, 2, (27, counts.shape[1]))
        counts.iloc[-1] += 1
    write_study(tmp_path, counts, *two_conditions(counts, lines))
    result = run_main(run_script, tmp_path)
    assert result.exit_code == 0, result.output
    summary = pd.read_csv(tmp_path / "out" / "summary.tsv", sep="\t")
    assert len(summary) == (1 if lines == 1 else lines + 1)
    for contrast in summary.contrast:
        assert len(pd.read_csv(tmp_path / "out" / f"{contrast}.genes.tsv", sep="\t")) == genes
        assert (tmp_path / "out" / f"{contrast}.volcano_ma.svg").exists()
    section = json.loads((tmp_path / "out" / "differential_expression_mqc.json").read_text())
    assert list(section["data"]) == summary.contrast.tolist() == list(section["nrf2flow"]["findings"])


def write_study(folder, counts, samples, contrasts):
    (folder / "out").mkdir()
    genes_of(counts).join(counts).to_csv(folder / "counts.tsv", sep="\t", index=False)
    samples.to_csv(folder / "samples.tsv", sep="\t", index=False)
    contrasts.to_csv(folder / "contrasts.tsv", sep="\t", index=False)


def run_main(run_script, folder, **options):
    sheets = {name: folder / f"{name}.tsv" for name in ("samples", "counts", "contrasts")}
    return run_script(de.main, **sheets, results=folder / "out", **options)


def test_main__the_same_study_gives_the_same_bytes(run_script, tmp_path):
    counts = simulated(200, 2, 3, np.linspace(-3, 3, 200))
    write_study(tmp_path, counts, *two_conditions(counts))
    written = []
    for _ in range(2):
        assert run_main(run_script, tmp_path).exit_code == 0
        written.append({path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()})
    assert len(written[0]) == 1 + 4 + 2 + 1
    assert written[0] == written[1]


def test_main__additive_dispersions_count_when_accepted(run_script, tmp_path):
    counts = simulated(200, 8, 1, np.where(np.arange(200) < 30, 4.0, 0.0))
    samples, contrasts = two_conditions(counts, 4)
    write_study(tmp_path, counts, samples, contrasts.iloc[[0, 4]])
    ups = []
    for accept in ("false", "true"):
        assert run_main(run_script, tmp_path, accept_additive_dispersion=accept).exit_code == 0
        ups.append(pd.read_csv(tmp_path / "out" / "summary.tsv", sep="\t").up)
        drawn = pd.read_csv(tmp_path / "out" / "L1.resistant_vs_parental.volcano_ma.tsv", sep="\t")
        assert (drawn.direction == "up").any() == (accept == "true")
    assert np.isnan(ups[0][0])
    assert ups[1][0] > 0
    findings = json.loads((tmp_path / "out" / "differential_expression_mqc.json").read_text())["nrf2flow"][
        "findings"
    ]
    assert findings["all.resistant_vs_parental"].startswith(f"{int(ups[1][1])} genes up")


def test_main__names_the_strongest_genes_and_never_two_in_one_place(run_script, tmp_path):
    counts = simulated(200, 2, 3, np.where(np.arange(200) < 20, 4.0, 0.0))
    write_study(tmp_path, counts, *two_conditions(counts))
    run_main(run_script, tmp_path)
    drawn = pd.read_csv(tmp_path / "out" / "L1.resistant_vs_parental.volcano_ma.tsv", sep="\t")
    table = pd.read_csv(tmp_path / "out" / "L1.resistant_vs_parental.genes.tsv", sep="\t")
    assert set(drawn.volcano_label.dropna()) >= set(table[table.q_value < 0.05].nlargest(6, "stat").gene_name)
    assert len(drawn) == table.log2_fold_change_shrunk.notna().sum()


def test_models__several_lines_are_blocked_only_where_the_contrast_says_so():
    counts = simulated(groups=8, replicates=2)
    samples, contrasts = two_conditions(counts, lines=4)
    both = contrasts.iloc[[-1, -1]].assign(blocking=["line", ""])
    _, summary = analyse(counts, samples, both)
    assert list(summary.design) == ["~ line + condition", "~ condition"]
