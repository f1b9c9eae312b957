#!/usr/bin/env python3
"""Fit mutational signatures to tumours and cohorts, and say what could have been seen.

Model      Substitutions in 96 contexts are a mixture of given signatures, P(context | signature). A share is
           the part of the mutations that a signature made; an exposure is the share times the mutations.
Signatures COSMIC v3.3 of the cohort's genome build, as of the exome or the genome, or a matrix of the user's,
           taken as it is. `panel` takes that of the genome (or the user's) and multiplies each context by how
           often its trinucleotide is in the panels, weighted by their samples, over how often it is in the
           genome. COSMIC made its exome matrices so. (The ratio of those to the genome's gives opportunities
           up to a factor of each signature only; the genome's counts, which are shipped, give them whole.)
Fits       nnls            least squares between counts and mixture, no exposure below 0; all signatures.
           deconstructsigs Rosenthal et al. 2016. A signature that has more than 0.2 in a context where the
           tumour has less than 0.01 is left out. From the one that fits best alone (weight 10), the weight
           that lowers the squared error most when it is changed alone (to anything from 0 to 100 more) is
           changed, until the error falls by less than 1 part in 1,000. Errors are those of normalised
           weights, so that the best change has a closed form. Weights below 0.06 are dropped: `unassigned`.
Intervals  Percentiles of shares (nnls) over bootstraps: of a tumour, its mutations are drawn anew; of a
           pooled cohort, its tumours (its mutations, if fewer than 3 tumours have any). Simulated tumours of
           200 and 1,000 mutations had the truth in 94 and 95 % of their intervals of 95 %; in 78 and 87 % of
           those of SBS5, which is flat, and loses to SBS3, which is flat too.
Few        A tumour with fewer mutations than asked for gets no shares; it still counts in the pooled cohort.
Presence   Of a therapy signature in a pooled cohort, and of all of them together: its share against those in
           mutations drawn from the fit without therapy signatures. p is the part that reach it (below 0.05
           in 0 to 4 % of simulated cohorts); seen is a share above their quantile of the confidence.
Limit      The smallest share that would have been seen with 80 % power in so many mutations of that
           background, by bisection over simulations (signatures taken together in equal parts). No tumour is
           exactly such a mixture. The squared error of the fit over that of multinomial draws, if above 1, is
           the dispersion: the cohort is simulated with so many times fewer mutations than it has. The
           counting limit is that of all mutations, were the cohort exactly such a mixture.
Comparison Difference of the pooled shares of two cohorts. Interval: bootstraps of the tumours of both. Test:
           tumours permuted between the cohorts, two-sided, of the difference over its linearised standard
           error, which holds for cohorts of unlike numbers of mutations too (Janssen 1997). If cohorts have
           matrices of their own, a permuted group has their mean, weighted by the group's mutations.
           q (Benjamini and Hochberg 1995) over the signatures of a pair of cohorts.
Assumes    That the signatures asked for are those at work. A share tells nothing of a single mutation: no
           substitution shows by its context that a drug made it.

References: Rosenthal et al. 2016, doi:10.1186/s13059-016-0893-4; Alexandrov et al. 2020,
doi:10.1038/s41586-020-1943-3; Kim and Park 2011, doi:10.1137/110821172 (block principal pivoting); Efron and
Tibshirani 1993, ISBN 978-0-412-04231-7; Janssen 1997, doi:10.1016/S0167-7152(97)00043-6
"""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import click
import numpy as np
import pandas as pd
from common.cli import FOLDER, INPUT, RESULTS, Script
from common.multiqc import write_versions
from common.mutational_signatures_figure import write_figure
from common.mutational_signatures_report import write_report
from common.mutational_signatures_tables import (
    COMPARISON,
    DETECTION,
    TRIMERS,
    TRINUCLEOTIDES,
    Cohort,
    Settings,
    Source,
    exposure_rows,
    names_of,
    read_cohorts,
    verdicts,
)
from common.tables import only_file, write_table
from threadpoolctl import threadpool_limits

SIXTEEN = "SBS1,SBS2,SBS3,SBS4,SBS5,SBS7a,SBS7b,SBS7d,SBS13,SBS16,SBS17a,SBS17b,SBS18,SBS31,SBS33,SBS35"
SEED_WEIGHT, MOST_WEIGHT, FALLS = 10, 100, 1e-3  # of deconstructSigs
PEAK, ABSENT, CUTOFF = 0.2, 0.01, 0.06  # likewise
POWER = 0.8
SMALLEST, HALVINGS = 1e-4, 10  # of the search for the detection limit, on a scale of factors
FEWEST_SAMPLES = 3  # with mutations, to resample or permute them
BATCH = 20_000  # problems that are solved at once
STRICT = 1e-12  # what is below 0, of numbers around 1
UNASSIGNED = "unassigned"


# ---- fits; counts are samples x 96, profiles 96 x signatures


def inverses(gram: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Invert the rows and columns of Gram matrices that are free (problems x k); the rest is 0."""
    both = free[:, :, None] & free[:, None, :]
    return np.linalg.inv(np.where(both, gram, np.eye(free.shape[1]))) * both


def nnls(gram: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Solve many small problems of non-negative least squares at once, by block principal pivoting.

    `gram` (k x k, or a stack of one a problem) is S'S, `target` (problems x k) S'n; returns the x >= 0 with
    the least |S x - n|. Signatures must be linearly independent. All start free; those below 0 are fixed at
    0, those fixed are freed where the gradient is below 0, all at once as long as their number falls (three
    times more if not), then the last one only, which ends (Kim and Park 2011).
    """
    found = np.empty(target.shape)
    for start in range(0, len(target) if found.size else 0, BATCH):
        some = slice(start, start + BATCH)
        found[some] = nnls_batch(gram if gram.ndim == 2 else gram[some], target[some])
    return found


def nnls_batch(gram: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Solve a batch of the problems of `nnls`."""
    size = np.sqrt(np.diagonal(gram, axis1=-2, axis2=-1))
    gram = gram / size[..., :, None] / size[..., None, :]
    largest = np.abs(target / size).max(axis=1, initial=0)[:, None]
    b = target / size / np.where(largest > 0, largest, 1)
    k = target.shape[1]
    x = np.zeros(target.shape)
    free = np.ones(target.shape, dtype=bool)
    fewest, patience = np.full(len(b), k + 1), np.full(len(b), 3)
    todo = np.arange(len(b))
    while len(todo):
        if gram.ndim == 2:
            packed, which = np.unique(np.packbits(free[todo], axis=1), axis=0, return_inverse=True)
            sets = np.unpackbits(packed, axis=1, count=k).astype(bool)
            inverse, own = inverses(gram, sets)[which.reshape(-1)], gram
        else:
            own = gram[todo]
            inverse = inverses(own, free[todo])
        x[todo] = (inverse @ b[todo, :, None])[:, :, 0]
        gradient = (own @ x[todo, :, None])[:, :, 0] - b[todo]
        wrong = np.where(free[todo], x[todo], gradient) < -STRICT
        number = wrong.sum(axis=1)
        falls = number < fewest[todo]
        patience[todo] = np.where(falls, 3, patience[todo] - 1)
        fewest[todo] = np.where(falls, number, fewest[todo])
        last = k - 1 - np.argmax(wrong[:, ::-1], axis=1)
        single = (patience[todo] < 0)[:, None] & (np.arange(k) != last[:, None])
        free[todo] ^= wrong & ~single
        todo = todo[number > 0]
    return np.where(free, x, 0).clip(0) * largest / size


def fitted(profiles: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Fit all signatures to counts by non-negative least squares; samples x signatures."""
    return nnls(profiles.T @ profiles, counts @ profiles)


def shares(exposures: np.ndarray) -> np.ndarray:
    """Divide exposures by their sum; NaN where all are 0."""
    total = exposures.sum(axis=-1, keepdims=True)
    return np.divide(exposures, total, where=total > 0, out=np.full(exposures.shape, np.nan))


def fitted_shares(profiles: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the shares of signatures by non-negative least squares; samples x signatures."""
    return shares(fitted(profiles, counts))


def deconstructed(profiles: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Fit signatures as deconstructSigs does; shares, samples x signatures, NaN where all are left out."""
    tumours = counts / counts.sum(axis=1, keepdims=True)
    used = ~((profiles.T > PEAK) & (tumours[:, None] < ABSENT)).any(axis=2)
    gram, product, own = profiles.T @ profiles, tumours @ profiles, (tumours**2).sum(axis=1)
    alone = np.where(used, own[:, None] - 2 * product + np.diag(gram), np.inf)
    rows, seed = np.arange(len(tumours)), alone.argmin(axis=1)
    weights = np.zeros(product.shape)
    weights[rows, seed] = SEED_WEIGHT
    error = alone[rows, seed]
    todo = rows[used.any(axis=1) & (error > 0)]
    while len(todo):
        # To change one weight moves the mixture along the line to that signature; `step` is how far of it.
        w, c = weights[todo], product[todo]
        total = w.sum(axis=1, keepdims=True)
        to_all = w / total @ gram
        square, fit = ((w / total * each).sum(axis=1, keepdims=True) for each in (to_all, c))
        slope, length = c - fit - to_all + square, np.diag(gram) - 2 * to_all + square
        only = (w >= total) | (length < STRICT)
        lowest = -w / np.where(only, 1, total - w)
        step = np.clip(slope / np.where(only, 1, length), lowest, MOST_WEIGHT / (total + MOST_WEIGHT))
        step[only] = 0
        errors = own[todo, None] - 2 * fit + square - 2 * step * slope + step**2 * length
        errors[~used[todo]] = np.inf
        best, each = errors.argmin(axis=1), np.arange(len(todo))
        moved = step[each, best]
        weights[todo, best] = np.maximum(w[each, best] + total[:, 0] * moved / (1 - moved), 0)
        fell = (error[todo] - errors[each, best]) / error[todo]
        error[todo] = errors[each, best]
        todo = todo[fell > FALLS]
    share = weights / weights.sum(axis=1, keepdims=True)
    share[~used.any(axis=1)] = np.nan
    return np.where(share < CUTOFF, 0, share)


METHODS = {"nnls": fitted_shares, "deconstructsigs": deconstructed}


def cosine(counts: np.ndarray, mixtures: np.ndarray) -> np.ndarray:
    """Return the cosine similarity of each sample and its mixture; NaN where one is all 0."""
    sizes = np.sqrt((counts**2).sum(axis=1) * (mixtures**2).sum(axis=1))
    product = (counts * mixtures).sum(axis=1)
    return np.divide(product, sizes, where=sizes > 0, out=np.full(len(counts), np.nan))


# ---- resampling


def generator(seed: int, *words: str) -> np.random.Generator:
    """Return the random numbers of what is so named: they do not depend on what else is analysed."""
    return np.random.default_rng([seed, *(crc32(word.encode()) for word in words)])


def drawn(rng: np.random.Generator, number: float, profile: np.ndarray, times: int) -> np.ndarray:
    """Draw so many mutations from a profile, `times` times."""
    return rng.multinomial(round(number), profile / profile.sum(), size=times).astype(float)


def limits(replicates: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the percentile limits of replicates (replicates x ...)."""
    low, high = np.nanquantile(replicates, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return low, high


def sample_intervals(
    cohort: Cohort, rows: Sequence[int], settings: Settings
) -> tuple[np.ndarray, np.ndarray]:
    """Return the limits of the shares of samples in these rows, whose mutations are drawn anew."""
    profiles = cohort.profiles.to_numpy()
    found = [np.empty((2, 0, profiles.shape[1]))]
    step = max(BATCH // settings.bootstraps, 1)
    for some in (rows[start : start + step] for start in range(0, len(rows), step)):
        draws = []
        for row in some:
            rng, own = (
                generator(settings.seed, cohort.name, cohort.samples[row], "mutations"),
                cohort.counts[row],
            )
            draws.append(drawn(rng, own.sum(), own, settings.bootstraps))
        replicates = fitted_shares(profiles, np.concatenate(draws))
        shaped = replicates.reshape(len(some), settings.bootstraps, -1).transpose(1, 0, 2)
        found.append(np.array(limits(shaped, settings.confidence)))
    low, high = np.concatenate(found, axis=1)
    return low, high


def pooled_replicates(cohort: Cohort, settings: Settings) -> np.ndarray:
    """Return shares of the pooled cohort whose samples are drawn anew; bootstraps x signatures."""
    rng = generator(settings.seed, cohort.name, "samples")
    counts = cohort.counts[cohort.counts.sum(axis=1) > 0]
    if len(counts) < FEWEST_SAMPLES:
        pooled = drawn(rng, counts.sum(), counts.sum(axis=0), settings.bootstraps)
    else:
        pooled = drawn(rng, len(counts), np.ones(len(counts)), settings.bootstraps) @ counts
    return fitted_shares(cohort.profiles.to_numpy(), pooled)


# ---- what the pooled cohort shows of therapy, and could have shown


def dispersion(profiles: np.ndarray, counts: np.ndarray, exposures: np.ndarray) -> float:
    """Return the squared error of a fit of one sample, over that of multinomial draws."""
    used = profiles[:, exposures > 0]
    mixture = profiles @ exposures
    mixture = mixture / mixture.sum()
    error = counts - used @ np.linalg.lstsq(used, counts, rcond=None)[0]
    leverage = (used * np.linalg.solve(used.T @ used, used.T).T).sum(axis=1)
    expected = counts.sum() * (1 - leverage @ mixture)
    return float(error @ error / expected) if expected > 0 else 1.0


def targets_of(therapy: Sequence[str]) -> dict[str, list[str]]:
    """Name what is looked for: each therapy signature, and all of them together."""
    alone = {name: [name] for name in therapy}
    return alone | ({"+".join(therapy): list(therapy)} if len(therapy) > 1 else {})


class Simulated(NamedTuple):
    """A cohort of so many mutations, as often as it is simulated."""

    name: str
    profiles: np.ndarray  # 96 x signatures
    others: np.ndarray  # 96 x signatures: those but therapy
    mixture: np.ndarray  # 96: the cohort's mutations, or what is expected of them
    mutations: float
    settings: Settings

    def shares(self, what: str, mixture: np.ndarray) -> np.ndarray:
        """Return fitted shares (simulations x signatures) of mutations drawn from a mixture."""
        rng = generator(self.settings.seed, self.name, what)
        counts = drawn(rng, max(self.mutations, 1), mixture, self.settings.bootstraps)
        return fitted_shares(self.profiles, counts)

    def background(self) -> np.ndarray:
        """Return what the other signatures alone would make of the mixture; 96, which add up to 1 (or 0)."""
        made = self.others @ fitted(self.others, self.mixture[None])[0]
        return made / (made.sum() or 1)

    def null(self, own: np.ndarray) -> np.ndarray:
        """Return the shares of these signatures in the background."""
        return np.nansum(self.shares("null", self.background())[:, own], axis=1)

    def power(self, own: np.ndarray, what: str, part: float) -> float:
        """Return how often this part of these signatures, in equal parts, in the background is seen."""
        planted = (1 - part) * self.background() + part * self.profiles[:, own].mean(axis=1)
        # The test would not know the background, but fit it to these mutations too.
        reached = np.quantile(self._replace(mixture=planted).null(own), self.settings.confidence)
        found = np.nansum(self.shares(what, planted)[:, own], axis=1)
        return float((found > reached + STRICT).mean())

    def detection_limit(self, own: np.ndarray, what: str) -> float:
        """Return the smallest part of these signatures that is seen with enough power; NaN if none is."""
        if self.power(own, what, 1) < POWER:
            return np.nan
        low, high = np.log(SMALLEST), 0.0
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            seen = self.power(own, what, float(np.exp(middle))) >= POWER
            low, high = (low, middle) if seen else (middle, high)
        return float(np.exp(high))


def presence(cohort: Cohort, replicates: np.ndarray, settings: Settings) -> list[dict[str, object]]:
    """Return the rows of detection.tsv of a cohort with enough mutations."""
    profiles, names, targets = cohort.profiles.to_numpy(), list(cohort.profiles), targets_of(settings.therapy)
    counts = cohort.counts.sum(axis=0)
    others = profiles[:, ~np.isin(names, settings.therapy)]
    exact = Simulated(cohort.name, profiles, others, counts, counts.sum(), settings)
    if not exact.background().any():
        reason = "the signatures but those of therapy make none of the mutations: there is no background"
        return [{"signatures": what, "status": "no_background", "reason": reason} for what in targets]
    exposures = fitted(profiles, counts[None])[0]
    spread = max(dispersion(profiles, counts, exposures), 1.0)
    dispersed = exact._replace(mutations=counts.sum() / spread)
    rows = []
    for what, members in targets.items():
        own = np.isin(names, members)
        row = {"signatures": what, "dispersion": spread, "power": POWER}
        if missing := set(members) - set(names):
            reason = f"not among the signatures that are fitted: {', '.join(sorted(missing))}"
            rows.append(row | {"status": "not_fitted", "reason": reason})
            continue
        share, null = float(shares(exposures)[own].sum()), dispersed.null(own)
        low, high = limits(replicates[:, own].sum(axis=1), settings.confidence)
        reached = float(np.quantile(null, settings.confidence))
        row |= {"share": share, "ci_low": float(low), "ci_high": float(high), "null_share": reached}
        row["p_value"] = (1 + (null >= share - STRICT).sum()) / (1 + settings.bootstraps)
        row["verdict"] = "seen" if share > reached + STRICT else "not_seen"
        row["detection_limit"] = row["counting_limit"] = dispersed.detection_limit(own, what)
        if spread > 1:
            row["counting_limit"] = exact.detection_limit(own, what)
        row["status"] = "ok"
        if np.isnan(row["detection_limit"]):
            reason = f"not even mutations by {what} alone would show in {100 * POWER:.0f} % of such cohorts"
            row |= {"status": "not_detectable", "reason": reason}
        rows.append(row)
    return rows


# ---- two cohorts


class Pair(NamedTuple):
    """The samples of two cohorts that have mutations."""

    counts: np.ndarray  # samples x 96
    first: np.ndarray  # samples: whether they are of the first cohort
    profiles: list[np.ndarray]  # of either cohort, 96 x signatures
    sums: np.ndarray  # signatures x sums: which shares are added up


def grouped(pair: Pair, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return shares of groups (groups x samples), pooled, and their variances; both groups x sums.

    Variances come from the first-order change of a share with the weight of each sample, the same signatures
    having a share.
    """
    mutations, sums = pair.counts.sum(axis=1), pair.sums
    part = (groups @ (mutations * pair.first) / (groups @ mutations))[:, None]
    one, two = (pair.counts @ each for each in pair.profiles)
    mixed = part[:, :, None] * pair.profiles[0] + (1 - part[:, :, None]) * pair.profiles[1]
    gram = mixed.transpose(0, 2, 1) @ mixed
    exposures = nnls(gram, part * (groups @ one) + (1 - part) * (groups @ two))
    inverse = inverses(gram, exposures > 0)
    share, variances = shares(exposures), np.empty((len(groups), sums.shape[1]))
    for row, members in enumerate(groups):
        each = (part[row] * one[members] + (1 - part[row]) * two[members]) @ inverse[row]
        change = (each - share[row] * each.sum(axis=1, keepdims=True)) / exposures[row].sum() @ sums
        variances[row] = (change**2).sum(axis=0) * len(each) / (len(each) - 1)
    return share @ sums, variances


def standardised(pair: Pair, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares outside minus those inside groups, and that over its standard error (0 if 0)."""
    inside, outside = grouped(pair, groups), grouped(pair, ~groups)
    difference, error = outside[0] - inside[0], np.sqrt(inside[1] + outside[1])
    return difference, np.divide(difference, error, where=error > 0, out=np.zeros(difference.shape))


def compare(
    cohorts: Sequence[Cohort], replicates: Sequence[np.ndarray], settings: Settings
) -> list[dict[str, object]]:
    """Return the rows of comparison.tsv of two cohorts that each have shares."""
    names = list(cohorts[0].profiles)
    wanted = {name: [name] for name in names}
    wanted |= targets_of([name for name in settings.therapy if name in names])
    about = {f"cohort_{number}": cohort.name for number, cohort in enumerate(cohorts, start=1)}
    kept = [cohort.counts[cohort.counts.sum(axis=1) > 0] for cohort in cohorts]
    few, name = min(zip(map(len, kept), about.values(), strict=True))
    if few < FEWEST_SAMPLES:
        reason = f"{few} samples of {name} have mutations; {FEWEST_SAMPLES} are needed"
        return [about | {"signature": what, "status": "too_few_samples", "reason": reason} for what in wanted]
    profiles = [cohort.profiles.to_numpy() for cohort in cohorts]
    sums = np.array([np.isin(names, members) for members in wanted.values()], dtype=float).T
    first = np.arange(sum(map(len, kept))) < len(kept[0])
    pair = Pair(np.concatenate(kept), first, profiles, sums)
    (difference,), (statistic,) = standardised(pair, first[None])
    rng = generator(settings.seed, *about.values(), "permutations")
    _, null = standardised(pair, rng.permuted(np.tile(first, (settings.bootstraps, 1)), axis=1))
    p = (1 + (np.abs(null) >= np.abs(statistic) - STRICT).sum(axis=0)) / (1 + settings.bootstraps)
    low, high = limits((replicates[1] - replicates[0]) @ sums, settings.confidence)
    (one,), (two,) = (grouped(pair, own[None])[0] for own in (first, ~first))
    columns = {"signature": list(wanted), "share_1": one, "share_2": two, "difference": difference}
    columns |= {"ci_low": low, "ci_high": high, "statistic": statistic, "p_value": p, "status": "ok"}
    single = f"signatures of {cohorts[0].name} and {cohorts[1].name}"
    columns["family"] = np.where(np.isin(list(wanted), names), single, "therapy together")
    return pd.DataFrame(about | columns).to_dict("records")


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Adjust p-values to false discovery rates."""
    order = np.argsort(p)[::-1]
    stepped = np.minimum.accumulate(p[order] * len(p) / np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted


# ---- the signatures of a cohort, and the tables


def of_panels(
    genome: pd.DataFrame, genome_build: str, opportunities: pd.DataFrame, panels: pd.Series
) -> tuple[pd.DataFrame, str]:
    """Turn P(context | signature) of the genome into that of panels, weighted by their samples (by panel).

    Returns it, without columns if there are no opportunities, and what was left out and why.
    """
    table = opportunities[opportunities["count"].notna() & opportunities.panel.isin(panels.index)]
    counts = table.pivot_table(index="panel", columns="trinucleotide", values="count", aggfunc="sum")
    counts = counts.reindex(columns=TRIMERS).fillna(0)
    counts = counts[counts.sum(axis=1) > 0]
    lacking = [panel for panel in panels.index if panel not in counts.index]
    why = opportunities.set_index("panel").reason.dropna()
    said = [f"{panel or 'exome'}: {why.get(panel, 'no opportunities')}" for panel in lacking]
    reason = "; ".join(dict.fromkeys(said))
    if counts.empty:
        return genome.iloc[:, :0], reason or "no opportunities of its panels are known"
    total = panels.reindex(counts.index).to_numpy() @ counts.to_numpy()
    there = np.array(TRINUCLEOTIDES[genome_build].split(), dtype=float)
    ratio = dict(zip(TRIMERS, total / there, strict=True))
    weighted = genome.mul([ratio[context[0] + context[2] + context[-1]] for context in genome.index], axis=0)
    return weighted / weighted.sum(), f"panels left out: {reason}" if reason else ""


def fit_cohort(
    cohort: Cohort, replicates: np.ndarray | None, settings: Settings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fit a cohort's samples and, last and without a name, their sum; returns exposures and fits.

    `replicates` are those of the pooled cohort's shares, None if it has too few mutations.
    """
    profiles, names = cohort.profiles.to_numpy(), list(cohort.profiles)
    counts = np.vstack([cohort.counts, cohort.counts.sum(axis=0)])
    mutations = counts.sum(axis=1)
    enough = (mutations >= settings.min_mutations) & cohort.known
    samples = np.array([*cohort.samples, None], dtype=object)
    exposures, fits = [], []
    for method, fit in METHODS.items():
        share, low, high = np.full((3, len(counts), len(names)), np.nan)
        if enough.any():
            share[enough] = fit(profiles, counts[enough])
        if method == "nnls" and replicates is not None:
            rows = np.flatnonzero(enough[:-1])
            low[rows], high[rows] = sample_intervals(cohort, rows, settings)
            low[-1], high[-1] = limits(replicates, settings.confidence)
        verdict = verdicts(share, mutations, cohort, settings.min_mutations)
        similar = cosine(counts, np.nan_to_num(share) @ np.nan_to_num(profiles).T)
        about = {"cohort": cohort.name, "sample": samples, "method": method}
        used = np.where(verdict.status == "ok", (share > 0).sum(axis=1).astype(float), np.nan)
        found = {"mutations": mutations, "signatures": used, "cosine": similar}
        fits.append(pd.DataFrame(about | found).join(verdict))
        values = {"share": share, "ci_low": low, "ci_high": high}
        if method == "deconstructsigs":
            rest = {"share": 1 - share.sum(axis=1), "ci_low": low[:, 0], "ci_high": high[:, 0]}
            values = {name: np.column_stack([each, rest[name]]) for name, each in values.items()}
        labels = [*names, UNASSIGNED][: values["share"].shape[1]]
        exposures.append(exposure_rows(about, labels, mutations, values, verdict))
    return pd.concat(exposures, ignore_index=True), pd.concat(fits, ignore_index=True)


def analyse(cohorts: Sequence[Cohort], settings: Settings) -> dict[str, pd.DataFrame]:
    """Fit all cohorts and compare them: the tables of this analysis, by name."""
    exposures, fits, seen, compared, replicates = [], [], [], [], {}
    for cohort in cohorts:
        number = cohort.counts.sum()
        if cohort.known and number >= settings.min_mutations:
            replicates[cohort.name] = pooled_replicates(cohort, settings)
        fit = fit_cohort(cohort, replicates.get(cohort.name), settings)
        exposures.append(fit[0])
        fits.append(fit[1])
        pooled = fit[1][fit[1]["sample"].isna() & (fit[1].method == "nnls")].iloc[0]
        about = {"cohort": cohort.name, "samples": len(cohort.samples), "mutations": number}
        if pooled.status == "ok":
            rows = presence(cohort, replicates[cohort.name], settings)
        else:
            why = dict(pooled[["status", "reason"]])
            rows = [{"signatures": what} | why for what in targets_of(settings.therapy)]
        seen += [about | row for row in rows]
    for pair in combinations(cohorts, 2):
        lacking = [cohort.name for cohort in pair if cohort.name not in replicates]
        if lacking:
            about = {"cohort_1": pair[0].name, "cohort_2": pair[1].name, "status": "no_shares"}
            about |= {"reason": f"no pooled shares of {' and '.join(lacking)}"}
            compared += [about | {"signature": name} for name in pair[0].profiles]
        else:
            compared += compare(pair, [replicates[cohort.name] for cohort in pair], settings)
    comparison = pd.DataFrame(compared).reindex(columns=COMPARISON)
    for _, family in comparison[comparison.p_value.notna()].groupby("family"):
        comparison.loc[family.index, "q_value"] = benjamini_hochberg(family.p_value.to_numpy(float))
    exposed, detection = (
        pd.concat(exposures, ignore_index=True),
        pd.DataFrame(seen).reindex(columns=DETECTION),
    )
    tables = {"fits": pd.concat(fits, ignore_index=True), "detection": detection, "comparison": comparison}
    pooled = exposed["sample"].isna()
    return tables | {"exposures": exposed[~pooled], "pooled": exposed[pooled].drop(columns="sample")}


@click.command(cls=Script)
@click.option("--cohorts", type=INPUT, required=True, help="TSV: cohort, genome_build.")
@click.option(
    "--matrices", type=FOLDER, required=True, help="Folder with <cohort>.SBS96.tsv of mutation_matrix."
)
@click.option("--samples", type=INPUT, required=True, help="samples.tsv of mutation_matrix.")
@click.option("--opportunities", type=INPUT, required=True, help="opportunities.tsv of mutation_matrix.")
@click.option(
    "--signatures", type=FOLDER, required=True,
    help="Folder with a matrix of signatures (Type, then a column a signature), or none: COSMIC v3.3.",
)  # fmt: skip
@click.option(
    "--signature-names", type=str, default=SIXTEEN, show_default=True, help="Signatures to fit, with commas."
)
@click.option(
    "--therapy-signatures", type=str, default="SBS31,SBS35", show_default=True,
    help="Those of them that a therapy leaves, each looked for and all together.",
)  # fmt: skip
@click.option(
    "--signature-opportunities", type=click.Choice(["exome", "genome", "panel"]), default="exome",
    show_default=True, help="What the signatures are to be those of.",
)  # fmt: skip
@click.option(
    "--bootstraps", type=click.IntRange(100), default=1000, show_default=True,
    help="Bootstraps, simulations and permutations, of each.",
)  # fmt: skip
@click.option(
    "--min-mutations", type=click.IntRange(1), default=50, show_default=True,
    help="Mutations from which a tumour or a cohort gets shares.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of all random numbers.")
@click.option(
    "--confidence", type=click.FloatRange(0.5, 1, min_open=True, max_open=True), default=0.95,
    show_default=True, help="Coverage of intervals.",
)  # fmt: skip
@RESULTS
def main(
    cohorts: Path,
    matrices: Path,
    samples: Path,
    opportunities: Path,
    signatures: Path,
    signature_names: str,
    therapy_signatures: str,
    signature_opportunities: str,
    bootstraps: int,
    min_mutations: int,
    seed: int,
    confidence: float,
    results: Path,
) -> None:
    """Fit mutational signatures to tumours and cohorts, and say what could have been seen."""
    settings = Settings(names_of(therapy_signatures), bootstraps, min_mutations, seed, confidence)
    source = Source(only_file(signatures), names_of(signature_names), signature_opportunities, of_panels)
    with threadpool_limits(1):  # sums must not depend on the number of cores
        studied, absent = read_cohorts(cohorts, matrices, samples, opportunities, source)
        tables = analyse(studied, settings)
    tables["fits"] = pd.concat([tables["fits"], absent], ignore_index=True) if len(absent) else tables["fits"]
    for name, table in tables.items():
        write_table(table, results / f"{name}.tsv")
    drawn = write_figure(tables, settings.therapy, results)
    write_report(tables, settings.therapy, confidence, drawn, results)
    write_versions(results / "versions.tsv", "matplotlib", "numpy", "pandas", "SigProfilerAssignment")


if __name__ == "__main__":
    main()
