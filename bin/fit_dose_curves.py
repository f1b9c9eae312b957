#!/usr/bin/env python3
"""Fit all dose-response curves: one by one, by experiment, in pairs that share parameters, as growth rates.

Model      response = bottom + (top - bottom) / (1 + 10^(slope (log10 IC50 - log10 dose))), Prism's
           "log(inhibitor) vs. response, variable slope": four parameters, slope below 0, top not below
           bottom (drc's b is -slope). Dose 0 is at the top, as in drc; the vehicle's wells, which are the
           100 %, are not fitted. Least squares without weights, on experiments' means (as replicates) or on
           wells. Slopes are held to -0.1 ... -10, IC50s to two decades outside of the doses; plateaus are
           free. Three parameters: `3pl_bottom` (bottom 0) and `3pl_slope` (slope -1).
Rule       Four doses carry three parameters only. Where four leave the IC50's interval open, three that close
           it and fit as well (F test) are taken: bottom 0 for percentages of the vehicle, else slope -1.
Fit        Given slope and IC50, the plateaus are a linear regression (variable projection, Golub and Pereyra
           2003); the two are scanned, then found by Levenberg-Marquardt from the two best valleys, for all
           curves at once.
Estimate   IC50 (relative: halfway between the plateaus), its profile-likelihood interval (where fixing it
           adds t^2 RSS / df to the residual sum of squares RSS; Venzon and Moolgavkar 1988) if the curve fits
           better than a constant (F test), and the standard error of its logarithm; the absolute IC50
           (50 % of the vehicle) with the delta method's error.
Pairs      Reference and target of a line, each modulator and none, and the pairs of a sheet: the residual
           squares of two curves, of two with one IC50, and of one for both (of their models that with fewer
           parameters), and the profile-likelihood interval of the fold between their IC50s.
GR         GR = GRinf + (1 - GRinf) / (1 + (dose / GEC50)^h), h 0.1 to 5, GRinf -1 to 1 (Hafner et al. 2016).
Assumes    Independent errors of one variance.

References Ritz et al. 2015, doi:10.1371/journal.pone.0146021 (drc); Motulsky and Christopoulos 2004, Fitting
           models to biological data using linear and nonlinear regression, ISBN 978-0-19-517180-8; Prism's
           curve fitting guide, graphpad.com/guides/prism/latest/curve-fitting; Hafner et al. 2016,
           doi:10.1038/nmeth.3853; Golub and Pereyra 2003, doi:10.1088/0266-5611/19/2/201; Venzon and
           Moolgavkar 1988, doi:10.2307/2347496
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
from common.cli import FOLDER, RESULTS, Script
from common.dose_curves import GROWTH_FITS, PAIR_FITS, SHEET, plan, read_curves, read_values
from common.multiqc import write_versions
from common.tables import read_table, write_table
from scipy.special import expit, fdtrc, stdtrit

ZERO_DOSE = -1e4  # log10 of dose 0: every curve is at its top there, to the last digit
SLOPES, GROWTH_SLOPES = (0.1, 10.0), (0.1, 5.0)  # without their sign
BEYOND = 2.0  # decades outside of the doses that an IC50 is looked for
SCAN_STEP, SCAN_SLOPES = 0.2, 9  # decades between IC50s, and number of slopes, that fits may start from
ITERATIONS = 500
MIN_DOSES = {"4pl": 5, "3pl_bottom": 4, "3pl_slope": 4}
HALF = 50.0  # percent of the vehicle
LN10 = np.log(10)
PAIR_COLUMNS = [name for name, kind in PAIR_FITS.items() if kind == "float64"]


class Model(NamedTuple):
    """A kind of curve; one fit may be of several curves that share parameters.

    `design` (curves x 2 x free) makes each curve's ln(-slope) and log10 IC50 of the free parameters, the last
    of which is log10 IC50 or, of two curves, the difference of theirs. Each curve's bottom is free, zero or
    growth (the top is 1).
    """

    bottoms: Sequence[str]
    design: np.ndarray

    @property
    def ln_slopes(self) -> np.ndarray:
        """Lowest and highest ln(-slope)."""
        return np.log(GROWTH_SLOPES if self.bottoms[0] == "growth" else SLOPES)

    @property
    def parameters(self) -> int:
        """Number of free parameters, plateaus included."""
        return self.design.shape[2] + sum(2 if bottom == "free" else 1 for bottom in self.bottoms)


class Points(NamedTuple):
    """A batch of fits: mean and number of responses at each dose; those past a fit's last have number 0."""

    log10_dose: np.ndarray  # fits x curves x doses
    mean: np.ndarray
    number: np.ndarray
    within: np.ndarray  # fits: sum of squares about the means

    def take(self, rows: np.ndarray) -> "Points":
        """Return some of the fits."""
        return Points(*(part[rows] for part in self))

    @property
    def count(self) -> np.ndarray:
        """Number of responses of each fit."""
        return self.number.sum(axis=(1, 2))


class Optimum(NamedTuple):
    """Free parameters of the shape (fits x free), squares about the curve besides `within`, their bounds."""

    shape: np.ndarray
    squares: np.ndarray
    converged: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def model_of(*names: str, fold: bool = False) -> Model:
    """Return the model of a curve, or of two that share their IC50 or have a `fold` between their IC50s."""
    bottoms = [{"3pl_bottom": "zero", "growth_rate": "growth"}.get(name, "free") for name in names]
    curves = len(names)
    design, each = np.zeros((curves, 2, curves + 1 + fold)), range(curves)
    design[each, 0, each] = 1
    design[:, 1, curves] = 1
    design[-1, 1, curves + 1 :] = 1
    free = [at for at in range(curves + 1 + fold) if at >= curves or names[at] != "3pl_slope"]
    return Model(bottoms, design[:, :, free])


def gather(fit: np.ndarray, dose: np.ndarray, value: np.ndarray, fits: int) -> Points:
    """Put values, each of a fit (0 to `fits` - 1) and a dose, into a batch; their order is irrelevant."""
    order = np.lexsort((value, dose, fit))
    fit, dose, value = (np.asarray(each)[order] for each in (fit, dose, value))
    new = np.ones(len(fit), dtype=bool)
    new[1:] = (fit[1:] != fit[:-1]) | (dose[1:] != dose[:-1])
    group = np.cumsum(new) - 1
    number = np.bincount(group).astype(float)
    mean = np.bincount(group, value) / np.maximum(number, 1)
    within = np.bincount(fit, (value - mean[group]) ** 2 if len(fit) else None, minlength=fits).astype(float)
    owner, doses = fit[new], dose[new]
    place = np.arange(len(owner)) - np.searchsorted(owner, owner)
    shape = (fits, 1, place.max(initial=0) + 1)
    parts = np.zeros((3, *shape))
    logs = np.full(len(doses), ZERO_DOSE)
    np.log10(doses, out=logs, where=doses > 0)
    parts[:, owner, 0, place] = logs, mean, number
    return Points(*parts, within)


def plateaus(
    bottom: str, share: np.ndarray, mean: np.ndarray, number: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """Fit the plateaus, given the share of the amplitude that is left at each dose (last axis).

    Returns bottom, amplitude (not below 0), residuals and what takes from a change of the curve the part
    that the plateaus make up for.
    """

    def total(values: np.ndarray) -> np.ndarray:
        return values.sum(axis=-1, keepdims=True)

    low, high = (-1.0, 1.0) if bottom == "growth" else (0.0, np.inf)
    level, centre, count = np.zeros(1), np.zeros(1), np.maximum(total(number), 1)
    if bottom == "free":
        level, centre = total(number * mean) / count, total(number * share) / count
        basis, target = share - centre, mean - level
    else:
        basis, target = (1 - share, mean - share) if bottom == "growth" else (share, mean)
    weighted = number * basis
    norm = np.maximum(total(weighted * basis), 1e-20)
    raw = total(weighted * target) / norm
    value = np.clip(raw, low, high)

    def project(change: np.ndarray) -> np.ndarray:
        if bottom == "free":
            change = change - total(number * change) / count
        return change - np.where(raw == value, total(weighted * change) / norm, 0) * basis

    floor = value if bottom == "growth" else level - value * centre
    amplitude = 1 - value if bottom == "growth" else value
    return floor[..., 0], amplitude[..., 0], target - value * basis, project


def evaluate(model: Model, points: Points, shape: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return weighted residuals (fits x points), the curve's derivatives (by each free one) and squares."""
    curves = np.einsum("gjk,bk->bgj", model.design, shape)
    slope = np.exp(curves[..., 0, None])
    odds = LN10 * slope * (points.log10_dose - curves[..., 1, None])
    share = expit(-odds)
    root = np.sqrt(points.number)
    rest, derivative = np.empty_like(root), np.zeros((*root.shape, shape.shape[1]))
    for curve, bottom in enumerate(model.bottoms):
        part, weight = share[:, curve], root[:, curve]
        parts = plateaus(bottom, part, points.mean[:, curve], points.number[:, curve])
        _, amplitude, rest[:, curve], project = parts
        steep = amplitude[:, None] * part * (1 - part)
        by = (-steep * odds[:, curve], steep * LN10 * slope[:, curve])
        for kind, free in zip(*np.nonzero(model.design[curve]), strict=True):
            derivative[:, curve, :, free] = project(by[kind]) * weight
    rest = (rest * root).reshape(len(shape), root.shape[1] * root.shape[2])
    return rest, derivative.reshape(*rest.shape, shape.shape[1]), (rest * rest).sum(axis=1)


def solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve small positive definite systems (fits x free x free) by elimination, all at once."""
    work = np.concatenate([matrix, right[..., None]], axis=2).transpose(1, 2, 0).copy()
    for pivot in range(len(work)):
        work[pivot] /= work[pivot, pivot]
        for row in range(len(work)):
            if row != pivot:
                work[row] -= work[row, pivot] * work[pivot]
    return work[:, -1].T


def minimise(
    model: Model, points: Points, start: np.ndarray, lower: np.ndarray, upper: np.ndarray
) -> Optimum:
    """Fit from these starts within these bounds (all fits x free): Levenberg-Marquardt, cut at bounds."""
    shape, squares = np.clip(start, lower, upper), np.full(len(start), np.inf)
    converged, active = np.zeros(len(start), dtype=bool), np.arange(len(start))
    here, low, high, some = shape.copy(), lower, upper, points
    rest, derivative, old = evaluate(model, some, here)
    scale = points.within + 1e-16 * (points.number * points.mean**2).sum(axis=(1, 2)) + 1e-300
    damping, idle, diagonals = np.full(len(start), 1e-3), np.zeros(len(start)), np.arange(shape.shape[1])
    for _ in range(ITERATIONS):
        gradient = np.einsum("bnk,bn->bk", derivative, rest)
        hessian = np.einsum("bnk,bnl->bkl", derivative, derivative)
        free = ~(((here <= low) & (gradient <= 0)) | ((here >= high) & (gradient >= 0)))
        hessian *= free[:, :, None] & free[:, None, :]
        diagonal = hessian[:, diagonals, diagonals]
        hessian[:, diagonals, diagonals] = diagonal * (1 + damping[:, None]) + (diagonal <= 0)
        step = solve(hessian, gradient * free)
        promised = (step * (gradient + damping[:, None] * diagonal * step)).sum(axis=1)
        trial = np.clip(here + np.clip(step, -1.5, 1.5), low, high)
        new_rest, new_derivative, new = evaluate(model, some, trial)
        gain = old - new
        better, still = gain >= 0, np.abs(trial - here).max(axis=1, initial=0) < 1e-10
        idle = np.where(better, np.where(gain <= 1e-12 * (old + scale), idle + 1, 0), idle)
        here, old = np.where(better[:, None], trial, here), np.where(better, new, old)
        rest = np.where(better[:, None], new_rest, rest)
        derivative = np.where(better[:, None, None], new_derivative, derivative)
        kept = gain / np.maximum(promised, 1e-300)
        easier = np.where(kept > 0.75, 0.1, np.where(kept > 0.25, 1.0, 4.0))
        damping = np.clip(damping * np.where(better, easier, 10), 1e-10, None)
        done = still | (idle >= 2) | (damping > 1e10)
        if done.any():
            ended, keep = active[done], ~done
            shape[ended], squares[ended], converged[ended] = here[done], old[done], True
            active, here, low, high, some = active[keep], here[keep], low[keep], high[keep], some.take(keep)
            rest, derivative, old, damping = rest[keep], derivative[keep], old[keep], damping[keep]
            idle, scale = idle[keep], scale[keep]
        if not len(active):
            break
    shape[active], squares[active] = here, old
    return Optimum(shape, squares, converged, lower, upper)


def bounds(model: Model, points: Points) -> tuple[np.ndarray, np.ndarray]:
    """Return the bounds of the free parameters, lower and upper (fits x free)."""
    known = (points.number > 0) & (points.log10_dose > ZERO_DOSE)
    low = np.where(known, points.log10_dose, np.inf).min(axis=(1, 2)) - BEYOND
    high = np.where(known, points.log10_dose, -np.inf).max(axis=(1, 2)) + BEYOND
    lower, upper = (np.full((len(known), model.design.shape[2]), slope) for slope in model.ln_slopes)
    sharing = model.design[:, 1].any(axis=0)
    lower[:, sharing], upper[:, sharing] = low[:, None], high[:, None]
    if model.design[0, 1, -1] == 0:  # a difference
        lower[:, -1], upper[:, -1] = low - high, high - low
    return lower, upper


def scan(
    model: Model, points: Points, places: np.ndarray, slopes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Find for each log10 IC50 (fits x places) the best of these ln slopes, and its squares."""
    x, mean, number = (part[:, :, None] for part in points[:3])
    share = expit(-LN10 * np.exp(slopes)[:, None] * (x - places[:, :, None, None]))
    rest = plateaus(model.bottoms[0], share, mean, number)[2]
    squares = (number * rest**2).sum(axis=-1)
    best = squares.argmin(axis=2)
    return np.take_along_axis(squares, best[..., None], 2)[..., 0], slopes[best]


def fit(model: Model, points: Points, chunk: int = 32) -> Optimum:
    """Fit single curves, each from the two best valleys of a scan over its bounds."""
    lower, upper = bounds(model, points)
    slopes = np.linspace(*model.ln_slopes, SCAN_SLOPES) if lower.shape[1] > 1 else np.zeros(1)
    count = int(np.ceil((upper - lower)[:, -1].max(initial=0) / SCAN_STEP)) + 1
    start = np.empty((2, *lower.shape))
    for first in range(0, len(lower), chunk):
        rows = slice(first, first + chunk)
        places = np.linspace(lower[rows, -1], upper[rows, -1], count, axis=1)
        squares, slope = scan(model, points.take(rows), places, slopes)
        here, best = np.arange(len(places)), squares.argmin(axis=1)
        valley = np.pad(squares, ((0, 0), (1, 1)), constant_values=np.inf)
        valley = (squares <= valley[:, :-2]) & (squares <= valley[:, 2:])
        valley &= np.abs(np.arange(count) - best[:, None]) > 2
        other = np.where(valley.any(axis=1), np.where(valley, squares, np.inf).argmin(axis=1), best)
        for turn, choice in enumerate((best, other)):
            start[turn, rows, 0] = slope[here, choice]
            start[turn, rows, -1] = places[here, choice]
    found = minimise(model, points, start[0], lower, upper)
    again = np.flatnonzero((start[0] != start[1]).any(axis=1))
    other = minimise(model, points.take(again), start[1, again], lower[again], upper[again])
    better = other.squares < found.squares[again]
    for old, new in zip(found[:3], other[:3], strict=True):
        old[again[better]] = new[better]
    return found


def profile(
    model: Model, points: Points, found: Optimum, allowed: np.ndarray, step: np.ndarray
) -> np.ndarray:
    """Find, on both sides (2 x fits), where fixing the last parameter adds `allowed` to the squares.

    All others are fitted anew. NaN where that happens nowhere within the bounds, or `allowed` is NaN.
    """
    ends, estimate = np.full((2, len(allowed)), np.nan), found.shape[:, -1]
    ends[:, allowed == 0] = estimate[allowed == 0]
    one = len(model.design) == 1 and found.shape.shape[1] > 1
    slopes = np.linspace(*model.ln_slopes, SCAN_SLOPES)
    for side, sign in enumerate((-1, 1)):
        bound, warm = found[3 + side][:, -1], found.shape.copy()
        inner, below = estimate.copy(), np.full(len(allowed), -1.0)
        outer, above = estimate + sign * np.clip(step, 1e-3, 1.0), np.full(len(allowed), np.nan)

        def height(rows: np.ndarray, places: np.ndarray, warm: np.ndarray = warm) -> np.ndarray:
            low, high, start = found.lower[rows], found.upper[rows], warm[rows]
            low[:, -1] = high[:, -1] = start[:, -1] = places
            some = points.take(rows)
            if one:
                squares, slope = scan(model, some, places[:, None], slopes)
                better = squares[:, 0] < evaluate(model, some, start)[2]
                start[:, 0] = np.where(better, slope[:, 0], start[:, 0])
            fixed = minimise(model, some, start, low, high)
            warm[rows] = fixed.shape
            return np.sqrt(np.maximum(fixed.squares - found.squares[rows], 0) / allowed[rows]) - 1

        active, closed = np.flatnonzero(allowed > 0), np.zeros(len(allowed), dtype=bool)
        while len(active):  # outwards, until the curve fits too badly or the bound is reached
            places = np.clip(outer[active], found.lower[active, -1], found.upper[active, -1])
            far = height(active, places)
            hit, near = active[far >= 0], active[far < 0]
            outer[hit], above[hit], closed[hit] = places[far >= 0], far[far >= 0], True
            inner[near], below[near] = places[far < 0], far[far < 0]
            active = near[inner[near] != bound[near]]
            width = np.abs(inner[active] - estimate[active]) + 1e-6
            wider = np.clip(1.1 * width / (below[active] + 1.01), 1.3 * width, 4 * width)
            outer[active] = estimate[active] + sign * wider
        active, turn = np.flatnonzero(closed), 0
        while len(active):  # regula falsi, that halves every third time
            weight = np.clip(-below[active] / (above[active] - below[active]), 0.02, 0.98)
            weight = np.where(turn % 3 == 2, 0.5, weight)
            places = inner[active] + (outer[active] - inner[active]) * weight
            far = height(active, places)
            hit, near = active[far >= 0], active[far < 0]
            outer[hit], above[hit] = places[far >= 0], far[far >= 0]
            inner[near], below[near] = places[far < 0], far[far < 0]
            ends[side, active], turn = places, turn + 1
            active = active[(np.abs(far) > 1e-5) & (np.abs(outer[active] - inner[active]) > 1e-7)]
    return ends


def covariance(name: str, points: Points, theta: np.ndarray) -> np.ndarray:
    """Invert the curve's information (fits x 4 x 4: bottom, amplitude, ln slope, log10 IC50) or NaN."""
    _, amplitude, ln_slope, place = (theta[:, each, None] for each in range(4))
    slope = np.exp(ln_slope)
    odds = LN10 * slope * (points.log10_dose[:, 0] - place)
    share = expit(-odds)
    steep = amplitude * share * (1 - share)
    columns = [np.ones_like(share), share, -steep * odds, steep * LN10 * slope]
    if name == "growth_rate":
        columns[0] = 1 - share
    derivative = np.stack(columns, axis=-1)
    free = {"4pl": [0, 1, 2, 3], "3pl_bottom": [1, 2, 3], "3pl_slope": [0, 1, 3]}.get(name, [0, 2, 3])
    matrix = np.einsum("bnk,bn,bnl->bkl", derivative, points.number[:, 0], derivative)[:, free][:, :, free]
    size = np.sqrt(np.maximum(np.einsum("bkk->bk", matrix), 1e-200))
    scaled = matrix / size[:, :, None] / size[:, None, :]
    good = np.flatnonzero(np.linalg.eigvalsh(scaled)[:, 0] > 1e-13)
    whole = np.full((len(theta), 4, 4), np.nan)
    whole[good] = 0
    inverse = np.linalg.inv(scaled[good]) / size[good, :, None] / size[good, None, :]
    whole[np.ix_(good, free, free)] = inverse
    return whole


def estimate(points: Points, name: str, confidence: float, intervals: bool = True) -> pd.DataFrame:
    """Fit a model to single curves: a row a fit, IC50s and their intervals as log10."""
    model = model_of(name)
    found = fit(model, points)
    count, squares = points.count, found.squares + points.within
    df = count - model.parameters
    ln_slope = found.shape[:, 0] if found.shape.shape[1] > 1 else np.zeros(len(df))
    place = found.shape[:, -1]
    share = expit(-LN10 * np.exp(ln_slope)[:, None] * (points.log10_dose[:, 0] - place[:, None]))
    bottom, amplitude, _, _ = plateaus(model.bottoms[0], share, points.mean[:, 0], points.number[:, 0])
    mean = (points.number * points.mean).sum(axis=(1, 2)) / np.maximum(count, 1)
    about = points.within + (points.number * (points.mean - mean[:, None, None]) ** 2).sum(axis=(1, 2))
    flat = about <= 1e-18 * (points.number * points.mean**2).sum(axis=(1, 2))
    usable, safe = (df > 0) & ~flat & (amplitude > 0), np.maximum(df, 1)
    variance = np.where(df > 0, squares / safe, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (about - squares) / (model.parameters - 1) / variance
        flat_p = np.where(usable, fdtrc(model.parameters - 1, safe, np.maximum(ratio, 0)), np.nan)
        r_squared = np.where(flat, np.nan, 1 - squares / about)
    t = stdtrit(safe, (1 + confidence) / 2)
    theta = np.stack([bottom, amplitude, ln_slope, place], axis=1)
    wald = covariance(name, points, theta) * variance[:, None, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(wald[:, 3, 3])
        ratio = np.where(
            (bottom < HALF) & (amplitude + bottom > HALF), amplitude / (HALF - bottom) - 1, np.nan
        )
        moved = np.log10(ratio) / np.exp(ln_slope)
        by_level = 1 / ((HALF - bottom) * ratio * LN10 * np.exp(ln_slope))
        change = np.stack([by_level * (ratio + 1), by_level, -moved, np.ones_like(moved)], axis=1)
        absolute_error = np.sqrt(np.einsum("bj,bjk,bk->b", change, wald, change))
    allowed = np.where(intervals & found.converged & (flat_p < 1 - confidence), variance * t**2, np.nan)
    ends = profile(model, points, found, allowed, np.where(np.isfinite(error), t * error, 0.3))
    at_limit = ((found.shape == found.lower) | (found.shape == found.upper)).any(axis=1)
    return pd.DataFrame(
        {
            **{"model": name, "bottom": bottom, "top": bottom + amplitude, "slope": -np.exp(ln_slope)},
            **{"log10_ic50": place, "log10_ic50_low": ends[0], "log10_ic50_high": ends[1]},
            **{"log10_ic50_se": error, "log10_ic50_absolute": place + moved},
            **{"log10_ic50_absolute_se": absolute_error, "residual_squares": squares, "n": count, "df": df},
            **{"flat_p": flat_p, "r_squared": r_squared, "all_equal": np.where(flat, "yes", "no")},
            **{
                "converged": np.where(found.converged, "yes", "no"),
                "at_limit": np.where(at_limit, "yes", "no"),
            },
        }
    )


def chosen(points: Points, percent: np.ndarray, dose_model: str, confidence: float) -> pd.DataFrame:
    """Fit single curves with the model asked for, or the one that the rule gives; where that is none, NaN.

    `percent` says which fits are of percentages of the vehicle: their bottom may be fixed at 0.
    """
    doses = (points.number[:, 0] > 0).sum(axis=1)
    simple = np.where(percent, "3pl_bottom", "3pl_slope").astype(object)
    few = (doses < MIN_DOSES[dose_model]) & (doses >= MIN_DOSES["3pl_slope"])
    wanted = np.where(few, simple, dose_model)
    wanted[doses < MIN_DOSES["3pl_slope"]] = ""
    table = by_model(points, wanted, confidence)
    table["model_reason"] = np.where(few, "four doses carry three parameters", "")
    if dose_model == "4pl":
        open_ = (table.log10_ic50_low.isna() | table.log10_ic50_high.isna()) & (table.flat_p < 1 - confidence)
        rows = np.flatnonzero(open_ & (table.model == "4pl") & (table.df > 0))
        trial = by_model(points.take(rows), simple[rows], confidence).set_axis(rows)
        full = table.loc[rows]
        gain = np.maximum(trial.residual_squares - full.residual_squares, 0) / (
            full.residual_squares / full.df
        )
        p = pd.Series(fdtrc(1, full.df.astype(float), gain.astype(float)), rows)
        taken = rows[(p >= 1 - confidence) & trial.log10_ic50_low.notna() & trial.log10_ic50_high.notna()]
        table.loc[taken] = trial.loc[taken]
        fixed = np.where(percent[taken], "bottom fixed at 0", "slope fixed at -1")
        table.loc[taken, "model_reason"] = [
            f"{what}: four parameters leave the IC50's interval open and fit no better (p {value:.2g})"
            for what, value in zip(fixed, p[taken], strict=True)
        ]
    return table


def by_model(points: Points, names: np.ndarray, confidence: float) -> pd.DataFrame:
    """Fit each single curve with the model named; without a name its row is empty."""
    tables = [estimate(points.take(np.zeros(0, dtype=int)), "4pl", confidence)]
    for name in sorted(set(names) - {""}):
        rows = np.flatnonzero(names == name)
        tables.append(estimate(points.take(rows), name, confidence).set_axis(rows))
    filled = [table for table in tables if len(table)] or tables
    table = pd.concat(filled).reindex(range(len(names)))
    table["n"], table["model"] = points.count, names
    return table


def paired(first: Points, second: Points) -> Points:
    """Make fits of two curves each from these single ones."""
    parts = [np.concatenate(each, axis=1) for each in zip(first[:3], second[:3], strict=True)]
    return Points(*parts, first.within + second.within)


def fit_pairs(points: Points, models: np.ndarray, pairs: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Fit curves in pairs (`pairs`: curve_1, curve_2, reason), where both have a model: squares and folds.

    Each curve keeps its model; one curve for both is compared with two of their model with fewer parameters.
    """
    sides = pairs.curve_1.to_numpy(int), pairs.curve_2.to_numpy(int)
    known = np.stack([np.where(side < 0, "", models[np.maximum(side, 0)]) for side in sides])
    known[:, (known == "").any(axis=0) | (pairs.reason.to_numpy() != "")] = ""
    table = pd.DataFrame(index=range(len(pairs)), columns=PAIR_COLUMNS, dtype=float)
    table["model_1"], table["model_2"] = known
    for names in sorted(set(zip(*known, strict=True)) - {("", "")}):
        rows = np.flatnonzero((known == np.array(names, dtype=object)[:, None]).all(axis=0))
        alone = [points.take(side[rows]) for side in sides]
        both = paired(*alone)
        own = [estimate(*each, confidence, intervals=False) for each in zip(alone, names, strict=True)]
        common = min(names)  # in the order of their parameters
        same = [estimate(each, common, confidence, intervals=False) for each in alone]
        flat = Points(*(part.reshape(len(rows), 1, -1) for part in both[:3]), both.within)
        together = estimate(flat, common, confidence, intervals=False)
        squares, twice = (sum(fits.residual_squares.to_numpy() for fits in each) for each in (own, same))

        one, two = (fits.log10_ic50.to_numpy() for fits in own)
        slopes = [np.log(-fits.slope) for fits, name in zip(own, names, strict=True) if name != "3pl_slope"]
        shared, fold = model_of(*names), model_of(*names, fold=True)
        best = np.full(len(rows), np.inf)
        for start in (one, two, (one + two) / 2):
            found = minimise(shared, both, np.stack([*slopes, start], axis=1), *bounds(shared, both))
            best = np.minimum(best, found.squares + both.within)
        shape, df = np.stack([*slopes, one, two - one], axis=1), both.count - fold.parameters
        found = Optimum(shape, squares - both.within, np.ones(len(rows), dtype=bool), *bounds(fold, both))
        usable = (df > 0) & np.all([fits.top > fits.bottom for fits in own], axis=0)
        t = stdtrit(np.maximum(df, 1), (1 + confidence) / 2)
        allowed = np.where(usable, squares / np.maximum(df, 1) * t**2, np.nan)
        step = np.hypot(*(fits.log10_ic50_se for fits in own)).fillna(0.3).to_numpy()
        ends = profile(fold, both, found, allowed, t * step)
        parts = [both.count, fold.parameters, squares, best, 2 * model_of(common).parameters, twice]
        parts += [together.residual_squares, two - one, *ends]
        table.loc[rows, PAIR_COLUMNS] = np.stack(np.broadcast_arrays(*parts), axis=1)
    return table


@click.command(cls=Script)
@click.option("--wells", type=FOLDER, required=True, help="Folder of wells.tsv of normalise_plates.")
@click.option("--responses", type=FOLDER, required=True, help="Folder of responses.tsv of normalise_plates.")
@click.option("--comparisons", type=FOLDER, required=True, help="Folder of a TSV of pairs; may be absent.")
@click.option(
    "--dose-model",
    type=click.Choice(list(MIN_DOSES)),
    default="4pl",
    show_default=True,
    help="Four parameters, or three: bottom 0, or slope 1.",
)
@click.option(
    "--dose-fit-on",
    type=click.Choice(["experiments", "wells"]),
    default="experiments",
    show_default=True,
    help="Values that curves are fitted on: experiments' means or wells.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Level of the intervals.",
)
@RESULTS
def main(
    wells: Path,
    responses: Path,
    comparisons: Path,
    dose_model: str,
    dose_fit_on: str,
    confidence: float,
    results: Path,
) -> None:
    """Fit all dose-response curves, alone and in pairs."""
    curves = read_curves(responses)
    values = read_values(wells, responses, curves.reset_index(names="curve"), dose_fit_on)
    sheets = sorted(comparisons.glob("*.tsv")) if comparisons.is_dir() else []
    sheet = pd.concat([read_table(path, SHEET) for path in sheets] or [pd.DataFrame(columns=list(SHEET))])
    known = values.dropna(subset="value")
    points = gather(known.curve.to_numpy(), known.dose.to_numpy(), known.value.to_numpy(), len(curves))
    percent = (curves.response_unit == "percent_of_vehicle").to_numpy()
    table = chosen(points, percent, dose_model, confidence)
    models = table.model.to_numpy(str).astype(object)

    units = values[["curve", "experiment"]].drop_duplicates().sort_values("curve", kind="stable")
    units = units.reset_index(drop=True)
    known = known.merge(units.reset_index(names="fit"), on=["curve", "experiment"])
    each = gather(known.fit.to_numpy(), known.dose.to_numpy(), known.value.to_numpy(), len(units))
    enough = (each.number[:, 0] > 0).sum(axis=1) >= MIN_DOSES["3pl_slope"]
    own = by_model(each, np.where(enough, models[units.curve.to_numpy(int)], ""), confidence)

    pairs = plan(curves, sheet)
    together = fit_pairs(points, models, pairs, confidence)

    known = values.dropna(subset="growth_rate_value")
    growing = gather(
        *(known[name].to_numpy() for name in ("curve", "dose", "growth_rate_value")), len(curves)
    )
    rows = np.flatnonzero(growing.count > 0)
    growth = estimate(growing.take(rows), "growth_rate", confidence).assign(curve=rows)

    fits = pd.concat([curves, table], axis=1)
    write_table(fits.rename_axis("curve").reset_index(), results / "fits.tsv")
    write_table(pd.concat([units, own], axis=1), results / "experiment_fits.tsv")
    write_table(pd.concat([pairs, together], axis=1), results / "pair_fits.tsv")
    write_table(growth.rename(columns={"bottom": "gr_inf"})[list(GROWTH_FITS)], results / "growth_fits.tsv")
    write_versions(results / "versions.tsv", "numpy", "pandas", "scipy")


if __name__ == "__main__":
    main()
