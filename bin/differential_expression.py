#!/usr/bin/env python3
"""Test every gene in every contrast with DESeq2's model, all genes at once.

Model      Counts are negative binomial with mean size factor x exp(design x coefficients); a gene's
           dispersion is drawn towards a trend over the mean. Groups are line x condition, in one fit of
           all samples; a contrast with a blocking column (line, for one over several lines) has the additive
           model ~ column + condition, one over several lines without it ~ condition, on its own samples.
Estimate   PyDESeq2's steps, with its inference replaced by batched kernels (`Batch`), and what it does
           otherwise than R DESeq2 by what that does (`Dataset`): where searches for gene-wise dispersions
           end, the gamma GLM of the trend, the prior variance, the rule for outliers. Wald tests;
           Benjamini-Hochberg after independent filtering at --q-value-max. Shrunken fold changes are
           apeglm's: a Cauchy prior on the contrast. Unlike in DESeq2, a gene without reads in a contrast's
           two groups has no p-value (there: 1) and is not among the tests.
Replicates Without any, dispersions come from ~ line + condition where that leaves residual degrees of
           freedom: then the null is that a line responds as differently as lines usually do, and the status
           is exploratory_additive_dispersion. Else there is no test (no_replicates), and fold changes
           are shrunk with the trend of dispersions among the contrast's samples, as if replicates.
Assumes    Most genes do not change between samples (size factors are medians of ratios).
References Love et al. 2014, Genome Biol 15:550, doi:10.1186/s13059-014-0550-8
           Zhu et al. 2019, Bioinformatics 35:2084, doi:10.1093/bioinformatics/bty895
           Muzellec et al. 2023, Bioinformatics 39:btad547, doi:10.1093/bioinformatics/btad547
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
from common.cli import INPUT, RESULTS, Script
from common.contrast_report import draw, drawn, write_sections
from common.figures import save_figure
from common.multiqc import write_versions
from common.tables import SAMPLES, read_matrix, read_table, write_table
from pydeseq2.dds import DeseqDataSet
from pydeseq2.inference import Inference
from pydeseq2.utils import fit_moments_dispersions, fit_rough_dispersions, n_or_more_replicates
from scipy import optimize, sparse, special, stats
from threadpoolctl import threadpool_limits

MIN_MU = 0.5  # fitted counts below it weigh as much as it
RIDGE = 1e-6  # keeps X'WX invertible; moves no estimate
MIN_DISPERSION = 1e-8
TOLERANCE = 1e-8
MOST_ITERATIONS = 250
FLAT = 1e-5  # slope of a log likelihood that leads nowhere
FIT_ABOVE = 100 * MIN_DISPERSION  # gene-wise dispersions below it say nothing about trend and prior
MIN_LOCAL = 20  # genes of different mean that a local trend needs
MIN_PRIOR_VARIANCE = 0.25
ESTIMATES = [
    *("base_mean", "log2_fold_change", "lfc_se", "stat", "p_value", "q_value", "log2_fold_change_shrunk"),
]
CONTRASTS = dict.fromkeys(["contrast", "reference", "target", "lines", "blocking"], "str")
NO_SHRINK_SCALE = 15  # SD of the prior of all coefficients but the contrast
LN2 = np.log(2)


class Arrow(NamedTuple):
    """A symmetric matrix for each gene, in blocks: a diagonal, and the rows and columns that are full.

    `own` is the diagonal (columns x genes), `cross` the full columns beside it (full x columns x genes),
    `full` where they meet (full x full x genes). Only these blocks are kept of an inverse, too.
    """

    own: np.ndarray
    cross: np.ndarray
    full: np.ndarray

    def add(self, own: np.ndarray | float, full: np.ndarray | float) -> "Arrow":
        """Add to the diagonal: columns x genes or a number, and the same of the full columns."""
        corner, each = self.full.copy(), np.arange(len(self.full))
        corner[each, each] += full
        return self._replace(own=self.own + own, full=corner)

    def eliminated(self) -> tuple[np.ndarray, np.ndarray]:
        """Return cross / own, and genes x full x full: what is left when the diagonal is eliminated."""
        ratio = self.cross / self.own
        return ratio, np.moveaxis(self.full - np.einsum("icg,jcg->ijg", ratio, self.cross), 2, 0)

    def log_determinant(self) -> np.ndarray:
        """Return ln det of each gene's."""
        return np.log(self.own).sum(axis=0) + np.linalg.slogdet(self.eliminated()[1])[1]

    def inverse(self) -> "Arrow":
        """Return the blocks of each gene's inverse."""
        ratio, left = self.eliminated()
        full = np.moveaxis(np.linalg.inv(left), 0, 2)
        cross = -np.einsum("ijg,jcg->icg", full, ratio)
        return Arrow(1 / self.own - np.einsum("icg,icg->cg", cross, ratio), cross, full)

    def trace(self, other: "Arrow") -> np.ndarray:
        """Return the trace of the product with another, of each gene."""
        own = np.einsum("cg,cg->g", self.own, other.own)
        full = np.einsum("ijg,ijg->g", self.full, other.full)
        return own + 2 * np.einsum("icg,icg->g", self.cross, other.cross) + full


class Design:
    """A design matrix X (samples x columns), and X'WX of all genes at once.

    As many columns as can be are its diagonal: those of which no two share a sample, as groups and blocks
    do. What that leaves (of ~ line + condition, the condition) are the full ones. So the cost grows with
    samples and columns, not with the columns' square.
    """

    def __init__(self, matrix: np.ndarray) -> None:
        """Take a matrix of samples x columns, of full rank."""
        matrix = np.asarray(matrix, dtype=np.float64)
        used, free, own = matrix != 0, np.ones(len(matrix), dtype=bool), []
        for column in used.sum(axis=0).argsort(kind="stable"):
            if free[used[:, column]].all():
                free[used[:, column]] = False
                own.append(column)
        self.own = np.sort(own)
        self.full = np.setdiff1d(np.arange(matrix.shape[1]), own)
        self.x = sparse.csr_array(matrix)
        self.x_own, self.x_full = sparse.csr_array(matrix[:, self.own]), matrix[:, self.full]

    def information(self, weights: np.ndarray, ridge: float = 0.0) -> Arrow:
        """Return X'WX + ridge for weights of samples x genes."""
        weighted = [column[:, None] * weights for column in self.x_full.T]
        genes = weights.shape[1]
        return Arrow(
            self.x_own.power(2).T @ weights,
            np.reshape([self.x_own.T @ each for each in weighted], (len(self.full), len(self.own), genes)),
            np.reshape([self.x_full.T @ each for each in weighted], (len(self.full), len(self.full), genes)),
        ).add(ridge, ridge)

    def solve(self, information: Arrow, right: np.ndarray) -> np.ndarray:
        """Solve for each gene; `right` and the answer are columns x genes."""
        ratio, left = information.eliminated()
        rest = right[self.full] - np.einsum("icg,cg->ig", ratio, right[self.own])
        full = np.linalg.solve(left, rest.T[:, :, None])[:, :, 0].T
        answer = np.empty_like(right)
        answer[self.full] = full
        answer[self.own] = right[self.own] / information.own - np.einsum("icg,ig->cg", ratio, full)
        return answer

    def leverage(self, inverse: Arrow) -> np.ndarray:
        """Return x' inverse x of each sample's row x: samples x genes."""
        found = self.x_own.power(2) @ inverse.own
        for column, cross, full in zip(self.x_full.T, inverse.cross, inverse.full, strict=True):
            found += column[:, None] * (2 * (self.x_own @ cross) + self.x_full @ full)
        return found

    def outer(self, vectors: np.ndarray) -> Arrow:
        """Return the products of vectors (columns x genes) with themselves."""
        own, full = vectors[self.own], vectors[self.full]
        return Arrow(own**2, full[:, None] * own, full[:, None] * full)


def fit_coefficients(
    design: Design, counts: np.ndarray, size_factors: np.ndarray, dispersions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fit the negative binomial GLM of each gene by iteratively reweighted least squares.

    From DESeq2's start to its end: when the deviance changes by less than TOLERANCE of itself.

    `counts` is samples x genes, `dispersions` one a gene. Returns the coefficients (columns x genes,
    natural logarithm) and whether each gene converged.
    """
    x, factors = design.x, size_factors[:, None]
    coefficients = np.linalg.pinv(x.toarray()) @ np.log(counts / factors + 0.1)
    size = 1 / dispersions
    constant = (special.gammaln(counts + size) - special.gammaln(counts + 1) - special.gammaln(size)).sum(
        axis=0
    )
    deviance = np.full(len(dispersions), np.inf)
    active = np.arange(len(dispersions))
    mu = np.maximum(factors * np.exp(x @ coefficients), MIN_MU)
    for iteration in range(MOST_ITERATIONS):
        y, alpha, old = counts[:, active], dispersions[active], coefficients[:, active]
        weights = mu / (1 + alpha * mu)
        working = np.log(mu / factors) + (y - mu) / mu
        step = design.solve(design.information(weights, RIDGE), x.T @ (weights * working)) - old
        step /= np.maximum(1, np.abs(x @ step).max(axis=0) / 10)  # no fitted count moves more than e^10-fold
        if iteration >= 50:
            step /= 2  # around MIN_MU the steps can go to and fro
        coefficients[:, active] = old + step
        mu = np.maximum(factors * np.exp(x @ coefficients[:, active]), MIN_MU)
        fit = y * np.log(alpha * mu) - (y + 1 / alpha) * np.log1p(alpha * mu)
        reached = -2 * (constant[active] + fit.sum(axis=0))
        on = np.abs(reached - deviance[active]) > TOLERANCE * (np.abs(reached) + 0.1)
        deviance[active] = reached
        active, mu = active[on], mu[:, on]
        if not len(active):
            break
    converged = np.ones(len(dispersions), dtype=bool)
    converged[active] = False
    return coefficients, converged


class Profile(NamedTuple):
    """The Cox-Reid adjusted profile likelihood of dispersions, with a normal prior on their logarithm."""

    design: Design
    counts: np.ndarray
    mu: np.ndarray
    prior_mean: np.ndarray
    prior_variance: float

    def of(self, genes: np.ndarray) -> "Profile":
        """Return the same for some genes."""
        return self._replace(
            counts=self.counts[:, genes], mu=self.mu[:, genes], prior_mean=self.prior_mean[genes]
        )

    def value(self, log_alpha: np.ndarray) -> np.ndarray:
        """Return minus the log posterior of each gene, up to a constant."""
        alpha = np.exp(log_alpha)
        size, rate = 1 / alpha, alpha * self.mu
        likelihood = special.gammaln(size) - special.gammaln(self.counts + size)
        likelihood += (self.counts + size) * np.log1p(rate) - self.counts * log_alpha
        information = self.design.information(self.mu / (1 + rate))
        prior = (log_alpha - self.prior_mean) ** 2 / (2 * self.prior_variance)
        return likelihood.sum(axis=0) + information.log_determinant() / 2 + prior

    def slope(self, log_alpha: np.ndarray) -> np.ndarray:
        """Return the derivative of `value` by log alpha."""
        alpha = np.exp(log_alpha)
        size, rate = 1 / alpha, alpha * self.mu
        likelihood = special.digamma(self.counts + size) - special.digamma(size) - np.log1p(rate)
        likelihood = size * likelihood + (self.counts + size) * rate / (1 + rate) - self.counts
        weights = self.mu / (1 + rate)
        inverse = self.design.information(weights).inverse()
        trace = inverse.trace(self.design.information(-alpha * weights**2))
        prior = (log_alpha - self.prior_mean) / self.prior_variance
        return likelihood.sum(axis=0) + trace / 2 + prior


def fit_dispersions(profile: Profile, start: np.ndarray, lowest: float, highest: float) -> np.ndarray:
    """Find the dispersion at the bottom of each gene's profile, downhill from `start`.

    Profiles can have two valleys (of the genes with few counts, one at no dispersion and one at a very large
    one): as in DESeq2 the start decides, and a gene whose profile is flat there stays. Steps of one natural
    logarithm lead across the bottom, false position (Illinois) to it.
    """
    bounds = np.log(lowest), np.log(highest)
    found = np.clip(np.log(start), *bounds)
    slope = profile.slope(found)
    active = np.flatnonzero(np.abs(slope) > FLAT)
    here, slope_here = found[active], slope[active]
    low, high = found.copy(), found.copy()
    slope_low, slope_high = np.where(slope < 0, slope, 0), np.where(slope > 0, slope, 0)
    while len(active):
        part = profile.of(active)
        there = np.clip(here - np.sign(slope_here), *bounds)
        slope_there = part.slope(there)
        up = slope_here < 0
        low[active], high[active] = np.where(up, here, there), np.where(up, there, here)
        slope_low[active] = np.where(up, slope_here, slope_there)
        slope_high[active] = np.where(up, slope_there, slope_here)
        found[active] = there
        on = (np.sign(slope_there) == np.sign(slope_here)) & (there > bounds[0]) & (there < bounds[1])
        active, here, slope_here = active[on], there[on], slope_there[on]

    active = np.flatnonzero((slope_low < 0) & (slope_high > 0))
    low, high, slope_low, slope_high = low[active], high[active], slope_low[active], slope_high[active]
    moved = np.zeros(len(active))  # the end that moved last: -1 low, 1 high
    for _ in range(60):
        part = profile.of(active)
        middle = low + (high - low) * slope_low / (slope_low - slope_high)
        slope = part.slope(middle)
        found[active] = middle
        left = slope < 0
        slope_high = np.where(left, np.where(moved == -1, slope_high / 2, slope_high), slope)
        slope_low = np.where(left, slope, np.where(moved == 1, slope_low / 2, slope_low))
        closed = np.minimum(middle - low, high - middle) < 1e-9
        low, high, moved = np.where(left, middle, low), np.where(left, high, middle), np.where(left, -1, 1)
        on = (np.abs(slope) > 1e-8) & ~closed
        if not on.any():
            break
        active, low, high, moved = active[on], low[on], high[on], moved[on]
        slope_low, slope_high = slope_low[on], slope_high[on]
    return np.exp(found)


def walk(profile: Profile, start: np.ndarray, best: np.ndarray, lowest: float, highest: float) -> np.ndarray:
    """Return `best` log dispersions, but for genes whose profile is almost flat at `start` DESeq2's.

    Its steps are as long as the slope; their length is halved after every five, grows by a tenth otherwise,
    and the search ends when a step gains less than 1e-6: often close to the start. A search that ended at
    once, of a dispersion that is not next to zero, is made good by the lowest point of a grid.
    """
    found = best.copy()
    slope = profile.slope(start)
    first = (np.abs(slope) < 1e-3) & (start > np.log(10 * MIN_DISPERSION))
    grid = np.linspace(lowest, highest, 100)
    values = [profile.of(first).value(np.full(first.sum(), point)) for point in grid]
    lowest_point = grid[np.argmin(values, axis=0)]
    found[first] = np.log(
        fit_dispersions(profile.of(first), np.exp(lowest_point), np.exp(lowest), np.exp(highest))
    )

    active = np.flatnonzero((np.abs(slope) < 0.0125) & ~first)
    here, slope, length = start[active], slope[active], 1.0
    for step in range(1, 100):
        stops = length * slope**2 < 1e-6
        found[active[stops]] = here[stops]
        active, here, slope = active[~stops], here[~stops], slope[~stops]
        if not len(active):
            break
        here = np.clip(here - length * slope, lowest, highest)
        slope = profile.of(active).slope(here)
        length = length / 2 if step % 5 == 0 else min(1.1 * length, 1.0)
    return found


class Shrinkage(NamedTuple):
    """The posterior of GLM coefficients under apeglm's prior: Cauchy(0, scale) on one column."""

    design: Design
    counts: np.ndarray
    size_factors: np.ndarray
    dispersions: np.ndarray
    column: int
    scale: float

    def of(self, genes: np.ndarray) -> "Shrinkage":
        """Return the same for some genes."""
        return self._replace(counts=self.counts[:, genes], dispersions=self.dispersions[genes])

    def means(self, beta: np.ndarray) -> np.ndarray:
        """Return the fitted counts of coefficients (columns x genes)."""
        return self.size_factors[:, None] * np.exp(np.clip(self.design.x @ beta, -80, 80))

    def value(self, beta: np.ndarray) -> np.ndarray:
        """Return minus the log posterior of each gene, up to a constant."""
        alpha, eta = self.dispersions, np.clip(self.design.x @ beta, -80, 80)
        likelihood = (self.counts + 1 / alpha) * np.log1p(alpha * self.means(beta)) - self.counts * eta
        others = np.delete(beta, self.column, axis=0)
        prior = (others**2).sum(axis=0) / (2 * NO_SHRINK_SCALE**2)
        return likelihood.sum(axis=0) + prior + np.log1p((beta[self.column] / self.scale) ** 2)

    def derivatives(self, beta: np.ndarray) -> tuple[np.ndarray, Arrow]:
        """Return slope (columns x genes) and curvature of `value`.

        Where the prior bends down, its tangent parabola stands for it.
        """
        mu, alpha, shrunk = self.means(beta), self.dispersions, beta[self.column]
        slope = self.design.x.T @ ((mu - self.counts) / (1 + alpha * mu))
        weights = mu * (1 + alpha * self.counts) / (1 + alpha * mu) ** 2
        pull = np.full_like(beta, NO_SHRINK_SCALE**-2)
        pull[self.column] = 2 / (self.scale**2 + shrunk**2)
        bend = pull.copy()
        bend[self.column] *= (self.scale**2 - shrunk**2) / (self.scale**2 + shrunk**2)
        bend = np.where(bend > 0, bend, pull)
        curvature = self.design.information(weights).add(bend[self.design.own], bend[self.design.full])
        return slope + pull * beta, curvature


def descend(posterior: Shrinkage, start: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Follow each gene's posterior from `start` by Newton's method, steps halved until they lead down.

    Returns coefficients (columns x genes), the value there, and whether each gene converged.
    """
    beta, value = start.copy(), posterior.value(start)
    active, part = np.arange(len(value)), posterior
    for _ in range(200):
        slope, curvature = part.derivatives(beta[:, active])
        step = -part.design.solve(curvature, slope)
        step /= np.maximum(1, np.abs(part.design.x @ step).max(axis=0) / 5)
        reached = part.value(beta[:, active] + step)
        limit = value[active] + 1e-12 * np.abs(value[active])
        for _ in range(40):
            up = np.flatnonzero(reached > limit)
            if not len(up):
                break
            step[:, up] /= 2
            reached[up] = part.of(up).value((beta[:, active] + step)[:, up])
        beta[:, active] += step
        value[active] = reached
        moving = np.abs(step).max(axis=0) > 1e-8
        active, part = active[moving], part.of(moving)
        if not len(active):
            break
    converged = np.ones(len(value), dtype=bool)
    converged[active] = False
    return beta, value, converged


def shrink(posterior: Shrinkage) -> tuple[np.ndarray, np.ndarray]:
    """Find the coefficients of highest posterior (columns x genes), and whether each gene converged.

    A posterior can have two peaks: one start is the estimate without the prior, the other has no effect.
    """
    design, data = posterior.design, (posterior.counts, posterior.size_factors, posterior.dispersions)
    free, _ = fit_coefficients(design, *data)
    none, _ = fit_coefficients(Design(np.delete(design.x.toarray(), posterior.column, axis=1)), *data)
    first = descend(posterior, free)
    second = descend(posterior, np.insert(none, posterior.column, 0, axis=0))
    better = second[1] < first[1]
    return np.where(better, second[0], first[0]), np.where(better, second[2], first[2])


class Batch(Inference):
    """PyDESeq2's inference, on all genes at once; arguments and answers are PyDESeq2's (samples x genes)."""

    fit_rough_dispersions = staticmethod(fit_rough_dispersions)
    fit_moments_dispersions = staticmethod(fit_moments_dispersions)

    def lin_reg_mu(
        self, counts: np.ndarray, size_factors: np.ndarray, design_matrix: np.ndarray, min_mu: float
    ) -> np.ndarray:
        """Fit linear models to the normalised counts; return the fitted counts, `min_mu` or more."""
        factors = size_factors[:, None]
        coefficients = np.linalg.pinv(design_matrix) @ (counts / factors)
        return np.maximum(factors * (Design(design_matrix).x @ coefficients), min_mu)

    def irls(
        self,
        counts: np.ndarray,
        size_factors: np.ndarray,
        design_matrix: np.ndarray,
        disp: np.ndarray,
        *_: object,
        **__: object,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Fit GLMs; return coefficients, fitted counts (of any size), leverages, convergence."""
        design = Design(design_matrix)
        coefficients, converged = fit_coefficients(design, counts, size_factors, disp)
        mu = size_factors[:, None] * np.exp(design.x @ coefficients)
        weights = working_weights(mu, disp)
        leverage = weights * design.leverage(design.information(weights, RIDGE).inverse())
        return coefficients.T, mu, leverage, converged

    def alpha_mle(
        self,
        counts: np.ndarray,
        design_matrix: np.ndarray,
        mu: np.ndarray,
        alpha_hat: np.ndarray,
        min_disp: float,
        max_disp: float,
        prior_disp_var: float | None = None,
        cr_reg: bool = True,
        prior_reg: bool = False,
        **_: object,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Fit dispersions (Cox-Reid adjusted; around `alpha_hat` with `prior_reg`); all converge."""
        if not cr_reg:
            raise ValueError("dispersions are always adjusted (Cox and Reid)")
        variance = prior_disp_var if prior_reg else np.inf
        profile = Profile(Design(design_matrix), counts, np.maximum(mu, MIN_MU), np.log(alpha_hat), variance)
        return fit_dispersions(profile, alpha_hat, min_disp, max_disp), np.ones(counts.shape[1], dtype=bool)

    def wald_test(
        self,
        design_matrix: np.ndarray,
        disp: np.ndarray,
        lfc: np.ndarray,
        mu: np.ndarray,
        ridge_factor: np.ndarray,
        contrast: np.ndarray,
        lfc_null: float = 0.0,
        alt_hypothesis: str | None = None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Test contrast @ lfc = `lfc_null`, two-sided; return p, the statistic and its standard error."""
        if alt_hypothesis is not None:
            raise ValueError("the test is two-sided")
        design, weights = Design(design_matrix), working_weights(mu, disp)
        plain = design.information(weights)
        right = np.repeat(np.asarray(contrast, dtype=np.float64)[:, None], len(disp), axis=1)
        solved = design.solve(design.information(weights, ridge_factor[0, 0]), right)
        error = np.sqrt(plain.trace(design.outer(solved)))
        statistic = (lfc @ contrast - lfc_null) / error
        return 2 * special.ndtr(-np.abs(statistic)), statistic, error

    def dispersion_trend_gamma_glm(
        self, covariates: pd.Series, targets: pd.Series
    ) -> tuple[np.ndarray, np.ndarray, bool]:
        """Fit one gamma GLM with identity link: targets on 1 and the covariate."""
        coefficients = fit_gamma(covariates.to_numpy(), targets.to_numpy(), np.array([0.1, 1.0]))
        return coefficients, coefficients[0] + coefficients[1] * covariates, bool((coefficients > 0).all())

    def lfc_shrink_nbinom_glm(self, *_: object, **__: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Refuse: PyDESeq2 asks here for whole inverse Hessians, which nothing needs."""
        raise NotImplementedError("fold changes are shrunk by shrink()")


def working_weights(mu: np.ndarray, dispersions: np.ndarray) -> np.ndarray:
    """Return the weights of the GLM's last step: mean over variance, for means of MIN_MU or more."""
    mu = np.maximum(mu, MIN_MU)
    return mu / (1 + dispersions * mu)


class Trend(NamedTuple):
    """The dispersion to expect at a mean of normalised counts; `name` says how it was found."""

    name: str
    curve: Callable[[np.ndarray], np.ndarray]
    coefficients: tuple[float, ...] = ()


def fit_gamma(covariate: np.ndarray, targets: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Fit targets ~ a0 + a1 covariate (gamma, identity link) from `start`, keeping fitted values positive."""
    x = np.column_stack([np.ones_like(covariate), covariate])
    coefficients = start
    for _ in range(100):
        inverse = 1 / (x @ coefficients)
        step = np.linalg.lstsq(x * inverse[:, None], targets * inverse, rcond=None)[0] - coefficients
        while (x @ (coefficients + step) <= 0).any():
            step /= 2
        coefficients = coefficients + step
        if np.abs(step).max() <= 1e-10 * np.abs(coefficients).max():
            break
    return coefficients


def parametric_trend(means: np.ndarray, dispersions: np.ndarray) -> Trend | None:
    """Fit a0 + a1 / mean, leaving out genes far from the curve until it stays; None if it does not."""
    old = np.array([0.1, 1.0])
    for _ in range(10):
        ratio = dispersions / (old[0] + old[1] / means)
        near = (ratio > 1e-4) & (ratio < 15)
        if near.sum() < 2:
            return None
        new = fit_gamma(1 / means[near], dispersions[near], old)
        if not (new > 0).all():
            return None
        if (np.log(new / old) ** 2).sum() < 1e-6:
            a0, a1 = new
            return Trend("parametric", lambda mean, a0=a0, a1=a1: a0 + a1 / mean, (a0, a1))
        old = new
    return None


def smooth(
    x: np.ndarray, y: np.ndarray, share: float, at: np.ndarray, weights: np.ndarray | float = 1.0
) -> np.ndarray:
    """Fit a quadratic around each of `at`, to the nearest `share` of the points, near ones weighing more."""
    fitted = []
    for centre in at:
        distance = np.abs(x - centre)
        span = np.sort(distance)[int(share * len(x)) - 1]
        root = np.sqrt(weights * (1 - np.minimum(distance / span, 1) ** 3) ** 3)
        powers = np.vander(x - centre, 3, increasing=True)
        fitted.append(np.linalg.lstsq(powers * root[:, None], y * root, rcond=None)[0][0])
    return np.array(fitted)


def local_trend(means: np.ndarray, dispersions: np.ndarray) -> Trend:
    """Fit log dispersion by local quadratics in log mean: nearest 70 % of genes, weighted by their means."""
    x = np.log(means)
    at = np.quantile(x, np.linspace(0, 1, 100))
    fitted = smooth(x, np.log(dispersions), 0.7, at, means)
    return Trend("local", lambda mean: np.exp(np.interp(np.log(mean), at, fitted)))


def fit_trend(means: np.ndarray, dispersions: np.ndarray) -> Trend:
    """Fit the trend of gene-wise dispersions over the means of normalised counts, as DESeq2 does.

    Parametric if that converges to positive coefficients, else local; a constant where genes are too few
    (the mean dispersion) or vary no more than Poisson counts.
    """
    use = (dispersions > FIT_ABOVE) & (means > 0)
    if not use.any():
        return Trend("constant", lambda mean: np.full_like(mean, MIN_DISPERSION))
    if (trend := parametric_trend(means[use], dispersions[use])) is not None:
        return trend
    if len(np.unique(means[use])) >= MIN_LOCAL:
        return local_trend(means[use], dispersions[use])
    level = stats.trim_mean(dispersions[use], 0.001)
    return Trend("constant", lambda mean: np.full_like(mean, level))


def fit_prior_variance(residuals: np.ndarray, freedom: int) -> tuple[float, float]:
    """Find the variance of true log dispersions around the trend.

    `residuals` are log gene-wise dispersions minus log trend, `freedom` the residual degrees of freedom.
    Returns it and the robust variance of the residuals. That holds the sampling variance too, which is
    trigamma(freedom / 2) if freedom > 3. Else log dispersions are too skewed to subtract variances, and
    the prior is the normal whose sum with the logarithm of a chi-squared variable over its degrees of
    freedom has a histogram most like the residuals' (least Kullback-Leibler divergence, smoothed). DESeq2
    draws 10,000 such sums for every variance; here they are integrated, and a bin that the draws would
    leave empty counts as one draw.
    """
    if not len(residuals):
        return MIN_PRIOR_VARIANCE, 0.0
    observed = stats.median_abs_deviation(residuals, scale="normal") ** 2
    if freedom > 3:
        return max(observed - special.polygamma(1, freedom / 2), MIN_PRIOR_VARIANCE), observed
    edges = np.arange(-10, 10.5, 0.5)
    share = np.histogram(residuals, edges)[0] / len(residuals)
    variances, normal = np.linspace(0, 8, 200), special.ndtri((np.arange(200) + 0.5) / 200)
    divergence = np.empty(len(variances))
    for index, variance in enumerate(variances):
        chi_squared = freedom * np.exp(edges - np.sqrt(variance) * normal[:, None])
        model = np.diff(special.chdtr(freedom, chi_squared).mean(axis=0))
        floor = min(share[share > 0].min(initial=1), max(model.min(), 1e-4))
        divergence[index] = (share * np.log((share + floor) / (model + floor))).sum()
    fine = np.linspace(0, 8, 1000)
    best = fine[smooth(variances, divergence, 0.2, fine).argmin()]
    return max(best, MIN_PRIOR_VARIANCE), observed


class Dataset(DeseqDataSet):
    """PyDESeq2's steps, with R DESeq2's size factors, trend, prior and rule for outliers."""

    def __init__(self, counts: pd.DataFrame, design: pd.DataFrame) -> None:
        """Take counts and design; both have a row a sample."""
        samples = pd.DataFrame(index=counts.index)
        super().__init__(counts=counts, metadata=samples, design=design, inference=Batch(), quiet=True)
        self.fitted_counts = self.X  # with outliers replaced, once they are

    def fit_size_factors(self, fit_type: str | None = None, control_genes: object = None) -> None:
        """Set size factors and normalised counts."""
        self.normalise(size_factors(self.X))

    def normalise(self, factors: np.ndarray) -> None:
        """Take these size factors."""
        self.obs["size_factors"] = factors
        self.layers["normed_counts"] = self.X / factors[:, None]
        self.var["_normed_means"] = self.layers["normed_counts"].mean(axis=0)
        self.var["non_zero"] = (self.X > 0).any(axis=0)
        self.non_zero_idx = np.flatnonzero(self.var["non_zero"])
        self.non_zero_genes = self.var_names[self.non_zero_idx]

    def fit_genewise_dispersions(self, vst: bool = False) -> None:
        """Fit gene-wise dispersions, but stop short of the best ones where DESeq2 does.

        Its `dispGeneIter` shows where: see `walk`; and an estimate by moments is kept if the log likelihood
        gains less than a millionth of itself.
        """
        super().fit_genewise_dispersions(vst)
        genes, design = self.non_zero_idx, Design(self.obsm["design_matrix"].to_numpy())
        mu = np.maximum(self.layers["_mu_hat"][:, genes], MIN_MU)
        start, found = np.log(self.var.iloc[genes][["_MoM_dispersions", "genewise_dispersions"]].to_numpy().T)
        profile = Profile(design, self.X[:, genes], mu, np.zeros(len(genes)), np.inf)
        found = walk(profile, start, found, np.log(self.min_disp), np.log(self.max_disp))
        before, after = profile.value(start), profile.value(found)
        found = np.where(before - after < 1e-6 * np.abs(before), start, found)
        self.var.loc[self.non_zero_genes, "genewise_dispersions"] = np.exp(found)

    def fit_dispersion_trend(self, vst: bool = False) -> None:
        """Fit the trend over genes with counts."""
        genewise = self.var.loc[self.non_zero_genes, "genewise_dispersions"]
        self.trend = fit_trend(
            self.var.loc[self.non_zero_genes, "_normed_means"].to_numpy(), genewise.to_numpy()
        )
        self.apply_trend()

    def apply_trend(self) -> None:
        """Set the fitted dispersions."""
        self.var["fitted_dispersions"] = np.nan
        means = self.var.loc[self.non_zero_genes, "_normed_means"].to_numpy()
        self.var.loc[self.non_zero_genes, "fitted_dispersions"] = self.trend.curve(means)

    def fit_dispersion_prior(self) -> None:
        """Fit the prior's variance to the genes that inform the trend."""
        genes = self.var[self.var["genewise_dispersions"] >= FIT_ABOVE]
        residuals = np.log(genes["genewise_dispersions"]) - np.log(genes["fitted_dispersions"])
        freedom = self.n_obs - self.obsm["design_matrix"].shape[1]
        prior, observed = fit_prior_variance(residuals.to_numpy(), freedom)
        self.uns["prior_disp_var"], self.uns["_squared_logres"] = np.float64(prior), observed

    def _refit_without_outliers(self) -> None:
        """Fit the genes anew whose outlying counts were replaced; trend and prior stay."""
        counts = pd.DataFrame(self.counts_to_refit.X, self.obs_names, self.counts_to_refit.var_names)
        self.fitted_counts = self.X.copy()
        self.fitted_counts[:, self.var["replaced"]] = counts
        gone = (counts == 0).all()
        self.new_all_zeroes_genes = counts.columns[gone]
        self.var["refitted"] = self.var["replaced"] & ~self.var_names.isin(self.new_all_zeroes_genes)
        if not self.var["refitted"].any():
            return
        again = Dataset(counts.loc[:, ~gone], self.obsm["design_matrix"])
        again.normalise(self.obs["size_factors"].to_numpy())
        again.trend = self.trend
        again.uns["prior_disp_var"] = self.uns["prior_disp_var"]
        again.uns["_squared_logres"] = self.uns["_squared_logres"]
        again.fit_genewise_dispersions()
        again.apply_trend()
        again.fit_MAP_dispersions()
        again.fit_LFC()
        for column in ("_normed_means", "genewise_dispersions", "fitted_dispersions", "dispersions"):
            self.var.loc[again.var_names, column] = again.var[column]
        self.var.loc[again.var_names, "_LFC_converged"] = again.var["_LFC_converged"]
        self.varm["LFC"].loc[again.var_names] = again.varm["LFC"]

    def cooks_outlier(self) -> pd.Series:
        """Say of each gene which count is an outlier by Cook's distance ("" if none); the last step.

        Looked at are samples of groups of 3 or more; of those with replaced counts, only the others. In a
        design of two groups, a gene with three counts above the outlying one is kept.
        """
        matrix = self.obsm["design_matrix"]
        samples, columns = matrix.shape
        cutoff = stats.f.ppf(0.99, columns, samples - columns)
        looked_at = n_or_more_replicates(matrix, 3).to_numpy()
        if self.var["replaced"].any():
            looked_at = looked_at & ~self.obs["replaceable"].to_numpy()
        distances = np.where(looked_at[:, None], self.layers["cooks"], 0)[:, self.non_zero_idx]
        worst, genes = distances.argmax(axis=0), np.arange(distances.shape[1])
        outlier = distances[worst, genes] > cutoff
        if len(np.unique(matrix, axis=0)) == columns == 2:
            counts = self.X[:, self.non_zero_idx]
            farthest = self.layers["cooks"][:, self.non_zero_idx].argmax(axis=0)
            outlier &= (counts > counts[farthest, genes]).sum(axis=0) < 3
        words = pd.Series("", self.var_names)
        for gene in np.flatnonzero(outlier):
            sample, distance = self.obs_names[worst[gene]], distances[worst[gene], gene]
            words.iloc[self.non_zero_idx[gene]] = (
                f"Cook's distance {distance:.3g} of {sample}, limit {cutoff:.3g}"
            )
        self.var["outlier"] = words
        return words


def size_factors(counts: np.ndarray) -> np.ndarray:
    """Return the median of each sample's ratios to the genes' geometric means (counts: samples x genes).

    If no gene has a count in every sample, the geometric means are of positive counts, zeros counting as 1.
    """
    logs = np.log(np.maximum(counts, 1))
    usable = (counts > 0).all(axis=0)
    if usable.any():
        return np.exp(np.median((logs - logs.mean(axis=0))[:, usable], axis=1))
    ratios = np.where(counts > 0, logs - logs.mean(axis=0), np.nan)
    factors = np.nanmedian(ratios, axis=1)
    return np.exp(factors - factors.mean())


class Model(NamedTuple):
    """Fitted coefficients, and what that means for tests on them."""

    dataset: Dataset | None
    design: str
    status: str = "ok"
    reason: str = ""  # of every gene's status, and of the contrast's


def one_column_each(labels: pd.Series) -> pd.DataFrame:
    """Return a 0/1 column for each label, in order of appearance."""
    codes, names = pd.factorize(labels)
    return pd.DataFrame(np.eye(len(names))[codes], labels.index, names)


def additive_design(samples: pd.DataFrame, block: str, reference: str) -> pd.DataFrame:
    """Return a column a block and one for each condition but the reference, those that add to the rank."""
    matrix = one_column_each(samples[block])
    matrix.columns = [f"{block} {name}" for name in matrix]
    conditions = one_column_each(samples.condition).drop(columns=reference, errors="ignore")
    for condition in conditions:
        further = matrix.join(conditions[condition])
        if np.linalg.matrix_rank(further) == further.shape[1]:
            matrix = further
    return matrix


def freedom(design: pd.DataFrame) -> int:
    """Return the residual degrees of freedom of a design of full rank."""
    return len(design) - design.shape[1]


class Models:
    """The models of a study's contrasts; those that share samples and design are fitted once.

    `counts` is samples x genes; `samples` has sample, line, condition and columns to block by, in that order.
    """

    def __init__(self, counts: pd.DataFrame, samples: pd.DataFrame) -> None:
        """Take the study; nothing is fitted yet."""
        self.counts, self.samples = counts, samples.set_index("sample", drop=False)
        self.fitted: dict[bytes, Dataset] = {}

    def fit(self, design: pd.DataFrame, source: Dataset | None = None, kind: str = "dispersions") -> Dataset:
        """Fit a design to its samples; with the dispersions of another fit, if one is given."""
        key = "\t".join(design.index).encode() + design.to_numpy().tobytes()
        if key not in self.fitted:
            dataset = Dataset(self.counts.loc[design.index], design)
            if source is None:
                dataset.deseq2()
            else:
                dataset.normalise(size_factors(dataset.X))
                dataset.trend = source.trend
                dataset.var["dispersions"], dataset.var["outlier"] = source.var[kind], ""
                dataset.fit_LFC()
            self.fitted[key] = dataset
        return self.fitted[key]

    def of(self, contrast: NamedTuple) -> Model:
        """Fit the model of a contrast (reference, target, lines, blocking)."""
        lines, conditions = contrast.lines.split(";"), [contrast.reference, contrast.target]
        own = self.samples[self.samples.line.isin(lines) & self.samples.condition.isin(conditions)]
        if contrast.blocking:
            design = additive_design(own, contrast.blocking, contrast.reference)
            words = f"~ {contrast.blocking} + condition"
        elif len(lines) > 1:
            design, words = additive_design(own.assign(all=""), "all", contrast.reference), "~ condition"
        else:
            design = one_column_each(self.samples.line + " " + self.samples.condition)
            words = "~ line:condition"
        if freedom(design) > 0:
            return Model(self.fit(design), words)
        additive = additive_design(self.samples, "line", contrast.reference)
        if words == "~ line:condition" and freedom(additive) > 0:
            reason = f"1 sample a group; dispersions of ~ line + condition, {freedom(additive)} df"
            return Model(
                self.fit(design, self.fit(additive)), words, "exploratory_additive_dispersion", reason
            )
        # The trend of the samples as replicates of each other: a gene's own change is not in it.
        blind = self.fit(pd.DataFrame({"all": 1.0}, own.index))
        design = design.loc[own.index, (design.loc[own.index] != 0).any()]
        reason = f"{len(own)} samples leave no degree of freedom in {words}"
        return Model(self.fit(design, blind, "fitted_dispersions"), words, "no_replicates", reason)


def prior_scale(effects: np.ndarray, errors: np.ndarray) -> float:
    """Find the scale of apeglm's prior: the SD of true effects (natural log), 1 at most.

    The variance a solves a = weighted mean of effect^2 - error^2 with weights 1 / (a + error^2)^2.
    """

    def excess(a: float) -> float:
        weights = 1 / (a + errors**2) ** 2
        return (weights * (effects**2 - errors**2)).sum() / weights.sum() - a

    least, most = 1e-6, 400.0
    if not len(effects) or excess(least) < 0:
        return np.sqrt(least)
    return min(np.sqrt(optimize.brentq(excess, least, most)), 1.0)


def lowess(x: np.ndarray, y: np.ndarray, share: float) -> np.ndarray:
    """Smooth y over x by Cleveland's robust locally weighted lines (three robustifying rounds, as in R)."""
    nearest = max(2, min(len(x), int(share * len(x) + 1e-7)))
    distance = np.abs(x[:, None] - x)
    span = np.sort(distance, axis=1)[:, nearest - 1, None]
    kernel = np.where(distance <= 0.999 * span, (1 - np.minimum(distance / span, 1) ** 3) ** 3, 0)
    kernel[distance <= 0.001 * span] = 1
    robust = np.ones(len(x))
    for _ in range(4):
        weights = kernel * robust
        none = weights.sum(axis=1) == 0  # all near points are outliers: the point stands for itself
        weights[none] = np.eye(len(x))[none]
        weights /= weights.sum(axis=1, keepdims=True)
        centre = (weights * x).sum(axis=1, keepdims=True)
        spread = (weights * (x - centre) ** 2).sum(axis=1)
        lean = np.where(spread > 0, (x - centre[:, 0]) / np.where(spread > 0, spread, 1), 0)
        smooth = (weights * (1 + lean[:, None] * (x - centre)) * y).sum(axis=1)
        residuals = np.abs(y - smooth)
        scale = 6 * np.median(residuals)
        if scale < 1e-7 * residuals.mean() or scale == 0:
            break
        robust = np.where(residuals <= 0.001 * scale, 1, (1 - np.minimum(residuals / scale, 1) ** 2) ** 2)
    return smooth


def adjust(p_values: np.ndarray) -> np.ndarray:
    """Return Benjamini and Hochberg's q-values; missing ones stay missing."""
    q_values = np.full(len(p_values), np.nan)
    known = ~np.isnan(p_values)
    if known.any():
        q_values[known] = stats.false_discovery_control(p_values[known])
    return q_values


def filter_and_adjust(
    p_values: np.ndarray, means: np.ndarray, q_value_max: float
) -> tuple[np.ndarray, float]:
    """Return q-values of the genes above a limit of the mean, and the limit (independent filtering).

    Of 50 quantiles of the means, the limit is the lowest at which the number of genes below `q_value_max`
    comes within one residual standard deviation of the top of a smooth curve through these numbers.
    """
    lowest = (means == 0).mean()
    quantiles = np.linspace(lowest, 0.95 if lowest < 0.95 else 1, 50)
    limits = np.quantile(means, quantiles)
    found = [(adjust(p_values[means >= limit]) < q_value_max).sum() for limit in limits]
    numbers = np.array(found, dtype=np.float64)
    chosen = 0
    if numbers.max() > 10:
        smooth = lowess(quantiles, numbers, 1 / 5)
        residuals = (numbers - smooth)[numbers > 0]
        high = numbers > smooth.max() - np.sqrt((residuals**2).mean())
        chosen = int(high.argmax())  # the first, or 0 if there is none
    q_values = np.full(len(p_values), np.nan)
    kept = means >= limits[chosen]
    q_values[kept] = adjust(p_values[kept])
    return q_values, limits[chosen]


def compare(model: Model, contrast: NamedTuple, genes: pd.DataFrame, q_value_max: float) -> pd.DataFrame:
    """Test every gene: a row each, with status and reason."""
    dataset = model.dataset
    matrix, coefficients = dataset.obsm["design_matrix"], dataset.varm["LFC"]
    if contrast.target in matrix:
        own, column = np.arange(len(matrix)), matrix.columns.get_loc(contrast.target)
        vector, design = np.eye(matrix.shape[1])[column], matrix.to_numpy()
    else:
        # Other groups' coefficients are independent of these two.
        groups = [f"{contrast.lines} {condition}" for condition in (contrast.reference, contrast.target)]
        own, column = np.flatnonzero(matrix[groups].any(axis=1)), 1
        matrix, coefficients = matrix.iloc[own][groups], coefficients[groups]
        vector, design = np.array([-1, 1]), np.column_stack([np.ones(len(own)), matrix[groups[1]]])
    matrix, coefficients = matrix.to_numpy(), coefficients.to_numpy()

    counts = dataset.fitted_counts[own]
    outlier = dataset.var["outlier"].to_numpy()
    converged = dataset.var["_LFC_converged"].fillna(value=False).to_numpy(dtype=bool)
    present = (counts > 0).any(axis=0) & ~np.isnan(coefficients).any(axis=1)
    fitted = present & converged
    factors = dataset.obs["size_factors"].to_numpy()[own]
    alpha = dataset.var["dispersions"].to_numpy()[fitted]
    mu = factors[:, None] * np.exp(matrix @ coefficients[fitted].T)
    ridge = RIDGE * np.eye(len(vector))
    p_values, statistic, error = dataset.inference.wald_test(
        matrix, alpha, coefficients[fitted], mu, ridge, vector, 0.0
    )
    effect = coefficients[fitted] @ vector
    tested = model.status != "no_replicates"
    # Without replicates the errors are not those of a line, and cannot tell how large effects are.
    scale = prior_scale(effect, error) if model.status == "ok" else 1.0
    shrunken, _ = shrink(Shrinkage(Design(design), counts[:, fitted], factors, alpha, column, scale))

    table = genes.assign(base_mean=dataset.var["_normed_means"].to_numpy())
    for name, values in {
        "log2_fold_change": effect / LN2,
        "lfc_se": error / LN2 if tested else np.nan,
        "stat": statistic if tested else np.nan,
        "p_value": p_values if tested else np.nan,
        "q_value": np.nan,
        "log2_fold_change_shrunk": shrunken[column] / LN2,
    }.items():
        table[name] = np.nan
        table.loc[fitted, name] = values
    table.loc[outlier != "", "p_value"] = np.nan
    table["status"], table["reason"] = model.status, model.reason
    if tested:
        p_value, mean = table.p_value.to_numpy(), table.base_mean.to_numpy()
        table["q_value"], limit = filter_and_adjust(p_value, mean, q_value_max)
        low = table.p_value.notna() & table.q_value.isna()
        table.loc[low, "status"] = "low_count"
        table.loc[low, "reason"] = [f"mean {value:.3g} below {limit:.3g}" for value in table.base_mean[low]]
    table.loc[outlier != "", "status"], table.loc[outlier != "", "reason"] = "outlier", outlier[outlier != ""]
    table.loc[~converged, ["status", "reason"]] = "not_converged", f"{MOST_ITERATIONS} iterations of the GLM"
    table.loc[~present, ["status", "reason"]] = "all_zero", f"no reads in {len(own)} samples"
    return table


def untested(genes: pd.DataFrame, absent: Sequence[str]) -> tuple[Model, pd.DataFrame]:
    """List the genes of a contrast of which these conditions have no sample: nothing can be said of any."""
    reason = f"no sample of {' and '.join(absent)} has counts"
    table = genes.assign(**dict.fromkeys(ESTIMATES, np.nan), status="no_samples", reason=reason)
    return Model(None, "", "no_samples", reason), table


def analyse(
    counts: pd.DataFrame,
    genes: pd.DataFrame,
    samples: pd.DataFrame,
    contrasts: pd.DataFrame,
    q_value_max: float,
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Test every contrast: a table of genes by contrast, and the summary, where every test counts."""
    models = Models(counts.T, samples)
    tables, rows = {}, []
    for contrast in contrasts.itertuples():
        own = samples[samples.line.isin(contrast.lines.split(";"))]
        ends = (contrast.reference, contrast.target)
        if absent := [condition for condition in ends if condition not in set(own.condition)]:
            model, table = untested(genes, absent)
        else:
            model = models.of(contrast)
            table = compare(model, contrast, genes, q_value_max)
        tables[contrast.contrast] = table
        significant = table.q_value < q_value_max
        notes = [model.reason] if model.reason else []
        if model.dataset and model.dataset.trend.name != "parametric":
            notes.append(f"trend of dispersions: {model.dataset.trend.name}")
        rows.append(
            {
                "contrast": contrast.contrast,
                "reference": contrast.reference,
                "target": contrast.target,
                "lines": contrast.lines,
                "samples_reference": (own.condition == contrast.reference).sum(),
                "samples_target": (own.condition == contrast.target).sum(),
                "design": model.design,
                "tested": table.q_value.notna().sum(),
                "up": (significant & (table.log2_fold_change > 0)).sum(),
                "down": (significant & (table.log2_fold_change < 0)).sum(),
                "status": model.status,
                "reason": "; ".join(notes),
            }
        )
    return tables, pd.DataFrame(rows)


def counting(summary: pd.DataFrame, accept_additive_dispersion: bool) -> pd.DataFrame:
    """Empty the numbers of genes up and down where no gene may be called significant."""
    counts = summary.status == "ok"
    if accept_additive_dispersion:
        counts |= summary.status == "exploratory_additive_dispersion"
    numbers = summary[["up", "down"]].astype("Int64").where(counts)
    return summary.assign(up=numbers.up, down=numbers.down)


@click.command(cls=Script)
@click.option(
    "--samples", "sheet", type=INPUT, required=True, help="TSV: sample, line, condition, role, replicate, ..."
)
@click.option(
    "--counts",
    "matrix",
    type=INPUT,
    required=True,
    help="TSV: gene_id, gene_name, reads in a column a sample.",
)
@click.option(
    "--contrasts",
    "asked",
    type=INPUT,
    required=True,
    help="TSV: contrast, reference, target, lines, blocking.",
)
@click.option(
    "--accept-additive-dispersion",
    type=bool,
    default=False,
    show_default=True,
    help="Whether genes tested with dispersions of ~ line + condition count as significant.",
)
@click.option(
    "--q-value-max",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.05,
    show_default=True,
    help="False discovery rate below which a gene counts as significant.",
)
@RESULTS
def main(
    sheet: Path,
    matrix: Path,
    asked: Path,
    accept_additive_dispersion: bool,
    q_value_max: float,
    results: Path,
) -> None:
    """Test every gene in every contrast."""
    samples = read_table(sheet, SAMPLES, further=True)
    contrasts = read_table(asked, CONTRASTS).fillna({"blocking": ""})
    genes, counts = read_matrix(matrix, samples["sample"])
    with threadpool_limits(1):  # sums must not depend on the number of cores
        tables, summary = analyse(counts.astype(np.int64), genes, samples, contrasts, q_value_max)
    summary = counting(summary, accept_additive_dispersion)
    write_table(summary, results / "summary.tsv")
    points = {}
    for row in summary.itertuples():
        table = tables[row.contrast]
        write_table(table, results / f"{row.contrast}.genes.tsv")
        points[row.contrast] = shown = drawn(table, not pd.isna(row.up), q_value_max)
        if len(shown):
            save_figure(*draw(shown, row), results / f"{row.contrast}.volcano_ma")
    write_sections(results, summary, points, q_value_max)
    write_versions(results / "versions.tsv", "matplotlib", "numpy", "pandas", "pydeseq2", "scipy")


if __name__ == "__main__":
    main()
