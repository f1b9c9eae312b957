#!/usr/bin/env python3
"""Find the score that separates patients best, and say what it is worth.

Score
  As given, else the H-score: 1 x weak + 2 x moderate + 3 x strong, of percentages of stained cells. Compared
  to nine decimals. Higher means recurrence: the direction is never turned round.
ROC
  Of the score against recurrence. AUC: share of pairs in which the recurrent patient has the higher score,
  ties half (Mann and Whitney), with DeLong's interval from midranks (Sun and Xu), as pROC's.
Cutoff
  High is score > cutoff. A cutoff is an observed score, not the highest: both groups have patients. Without a
  given one it has the largest Youden index, sensitivity + specificity - 1; of ties, which are listed, the
  lowest: it misses the fewest recurrences.
Worth
  Sensitivity, specificity, predictive values (where as many recur as here), with Wilson's intervals. A cutoff
  flatters the patients that it was chosen in: in each bootstrap sample of patients it is chosen again, and
  how much better it does there than in all patients is its optimism (Harrell). Corrected is apparent less
  mean optimism, within 0 and 1. These choices also give the interval of the cutoff (percentiles).
Tests, two-sided
  High and low by recurrence: chi-squared with and without Yates's correction, and the sample odds ratio
  (Woolf's interval); Fisher's, and the odds ratio of conditional maximum likelihood (exact interval). Score
  by recurrence, and recurrent by initial tumour: Wilcoxon's rank-sum and signed-rank tests, exact below 50
  without ties and zeros, else normal with corrections for ties and continuity, as R's wilcox.test; shift of
  Hodges and Lehmann.
Correction for the choice
  On pure noise (31 patients, 18 recurrences) chi-squared after Youden's choice has p < 0.05 in 17 %. So the
  scores are permuted over the patients, and each time the whole chain is repeated: ROC, cutoff, chi-squared,
  and log-rank and Cox of survival by the new groups, censored at the horizon. p_corrected = (b + 1) / (B + 1)
  for b of B statistics at least as large (of Cox Wald's z, or, where the hazard ratio has no bounds, the root
  of the log-rank statistic). It tests that the score has nothing to do with the outcome.
  Recurrence is an event of disease-free survival: by a cutoff chosen by recurrence it is circular, as the
  chi-squared test is. A given cutoff needs no correction if it comes from other patients.
  Risk sets do not depend on the groups, so log-rank and Cox (one covariate, Efron's ties) are sums over event
  times for all permutations at once.
Assumes    Independent patients, censoring apart from the outcome, proportional hazards (Cox).

References: DeLong et al. 1988, doi:10.2307/2531595; Sun and Xu 2014, doi:10.1109/LSP.2014.2337313; Youden
1950, Cancer 3:32; Wilson 1927, doi:10.1080/01621459.1927.10502953; Harrell et al. 1996, Stat Med 15:361; Altman
et al. 1994, doi:10.1093/jnci/86.11.829; Phipson and Smyth 2010, doi:10.2202/1544-6115.1585; Wilcoxon 1945,
doi:10.2307/3001968; Hodges and Lehmann 1963, doi:10.1214/aoms/1177704172; Mantel 1966, Cancer Chemother Rep
50:163; Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; Efron 1977, doi:10.1080/01621459.1977.10480613
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import comb
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
from common import biomarker_cutoff_tables as tables
from common import biomarker_cutoff_words as words
from common.biomarker_cutoff_figure import write_figure
from common.biomarker_cutoff_report import write_sections
from common.cli import INPUT, RESULTS, Script
from common.multiqc import write_versions
from common.tables import read_table, write_table
from scipy.special import chdtrc, gammaln, ndtr, ndtri

ENDPOINTS = ("os", "dfs")
DECIMALS = 9  # of scores and their differences: below that, sums of percentages differ by rounding only
EXACT_BELOW = 50  # patients, as in R
CELLS = 2_000_000  # of a matrix of permutations and patients that is held at once
SAME = 1e-9  # relative; statistics that differ by less are equal


# ---- scores


def score_patients(sheet: pd.DataFrame) -> pd.DataFrame:
    """Give each patient a score: the given one, else the H-score (score_source says which)."""
    h_score = (sheet[tables.PERCENTAGES] * [1, 2, 3]).sum(axis=1, skipna=False)
    table = sheet[["patient"]].assign(score=sheet.score.fillna(h_score).round(DECIMALS))
    table["score_source"] = np.select([sheet.score.notna(), h_score.notna()], ["given", "h_score"], "")
    table["status"] = np.where(table.score.isna(), "no_score", "ok")
    rows = sheet[tables.PERCENTAGES].to_dict("records")
    lacks = [words.without_score(row) for row in rows]
    return table.assign(reason=np.where(table.score.isna(), lacks, ""))


# ---- ROC


def midranks(values: np.ndarray) -> np.ndarray:
    """Rank values from 1; ties share their mean rank."""
    _, inverse, ties = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(ties) - (ties - 1) / 2)[inverse]


def delong(recurrent: np.ndarray, free: np.ndarray) -> tuple[float, float]:
    """Return the AUC, and its standard error after DeLong; NaN with fewer than two of a kind."""
    m, n = len(recurrent), len(free)
    ranks = midranks(np.concatenate([recurrent, free]))
    auc = (ranks[:m].sum() - m * (m + 1) / 2) / (m * n)
    if min(m, n) < 2:
        return float(auc), np.nan
    above = (ranks[:m] - midranks(recurrent)) / n  # share of the recurrence-free below each recurrent
    below = 1 - (ranks[m:] - midranks(free)) / m
    return float(auc), float(np.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n))


def above(counts: np.ndarray) -> np.ndarray:
    """Turn counts at each value, rising along the last axis, into counts above it."""
    return counts.sum(axis=-1, keepdims=True) - counts.cumsum(axis=-1)


def youden(recurrent: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weigh every cutoff by Youden's index.

    Patients (... x values, whole numbers) of either outcome at each value, rising. Returns the index times
    both outcomes' numbers, a whole number so that ties are ties, and which values can be a cutoff: observed,
    below another, where both outcomes are.
    """
    of, free_of = recurrent.sum(axis=-1, keepdims=True), free.sum(axis=-1, keepdims=True)
    true, false = above(recurrent), above(free)
    possible = (recurrent + free > 0) & (true + false > 0) & (of > 0) & (free_of > 0)
    return true * free_of - false * of, possible


def choose(recurrent: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Return the place of the lowest value with the largest Youden index; -1 if none can be a cutoff."""
    index, possible = youden(recurrent, free)
    best = np.where(possible, index, np.iinfo(np.int64).min).argmax(axis=-1)
    return np.where(possible.any(axis=-1), best, -1)


# ---- groups compared; `high` is permutations x patients, each row another grouping


def chi_squared(high: np.ndarray, outcome: np.ndarray, yates: bool = False) -> np.ndarray:
    """Return the chi-squared of groups by outcome (of each row); NaN if there is one group or one outcome."""
    n, events, size = high.shape[1], int(outcome.sum()), high.sum(axis=1)
    both = high @ outcome.astype(np.int64)
    off = np.abs(n * both - size * events).astype(float)
    if yates:
        off = np.maximum(off - n / 2, 0)
    margins = size.astype(float) * (n - size) * events * (n - events)
    return np.divide(n * off**2, margins, out=np.full(len(high), np.nan), where=margins > 0)


class RiskSets(NamedTuple):
    """Follow-up of an endpoint: what of log-rank and Cox does not depend on the groups.

    `patients` are places in the list of patients, the longest followed first, so that those at risk at a time
    are the first `at_risk`. `died` are places among these, event time by event time; an event time has
    `deaths` of them, from `first` on.
    """

    patients: np.ndarray
    at_risk: np.ndarray
    deaths: np.ndarray
    died: np.ndarray
    first: np.ndarray


def risk_sets(months: np.ndarray, events: np.ndarray, horizon: float) -> RiskSets:
    """Order the patients with follow-up (NaN: none), censored at the horizon; events at it count."""
    time = np.minimum(months, horizon)
    event = (events == 1) & (months <= horizon)
    known = np.flatnonzero(~np.isnan(months) & ~np.isnan(events))
    patients = known[np.argsort(-time[known], kind="stable")]
    died = np.flatnonzero(event[patients])
    times, first, deaths = np.unique(-time[patients][died], return_index=True, return_counts=True)
    at_risk = np.searchsorted(-time[patients], times, side="right")
    return RiskSets(patients, at_risk, deaths, died, first)


def at_events(high: np.ndarray, sets: RiskSets) -> tuple[np.ndarray, np.ndarray]:
    """Count, of the high group, those at risk and those that have the event (rows x event times)."""
    followed = high[:, sets.patients].astype(np.int64)
    at_risk = followed.cumsum(axis=1)[:, sets.at_risk - 1]
    return at_risk, np.add.reduceat(followed[:, sets.died], sets.first, axis=1)


def log_rank(high: np.ndarray, sets: RiskSets) -> np.ndarray:
    """Return the log-rank chi-squared of each row; NaN if it has no variance."""
    if not len(sets.died):
        return np.full(len(high), np.nan)
    at_risk, deaths = at_events(high, sets)
    share, n = at_risk / sets.at_risk, sets.at_risk
    excess = (deaths - sets.deaths * share).sum(axis=1)
    others = np.divide(n - sets.deaths, n - 1, out=np.zeros(len(n)), where=n > 1)
    variance = (share * (1 - share) * sets.deaths * others).sum(axis=1)
    return np.divide(excess**2, variance, out=np.full(len(high), np.nan), where=variance > 0)


def cox(high: np.ndarray, sets: RiskSets) -> tuple[np.ndarray, np.ndarray]:
    """Return the log hazard ratio of high to low and its standard error of each row; NaN without bounds.

    Newton's steps on Efron's partial likelihood, which is concave; a step that leaves the bracket of the
    maximum is replaced by its middle. Without an event in one group the likelihood rises for ever.
    """
    found = np.full((2, len(high)), np.nan)
    if not len(sets.died):
        return found[0], found[1]
    at_risk, deaths = at_events(high, sets)
    # Of d tied deaths the k-th is at risk with the others' risk sets less k / d of the tied: one column each.
    place = np.repeat(np.arange(len(sets.deaths)), sets.deaths)
    gone = (np.arange(len(place)) - sets.first[place]) / sets.deaths[place]
    ones = at_risk[:, place] - gone * deaths[:, place]
    zeros = (sets.at_risk - at_risk)[:, place] - gone * (sets.deaths - deaths)[:, place]
    total = deaths.sum(axis=1)
    finite = np.flatnonzero((total < (ones > 0).sum(axis=1)) & (total > (zeros == 0).sum(axis=1)))
    ones, zeros, total = ones[finite], zeros[finite], total[finite]
    beta, low, top = np.zeros(len(finite)), np.full(len(finite), -50.0), np.full(len(finite), 50.0)
    information = np.ones(len(finite))
    for _ in range(100):
        weighted = ones * np.exp(beta)[:, None]
        share = weighted / (weighted + zeros)
        score, information = total - share.sum(axis=1), (share * (1 - share)).sum(axis=1)
        if (np.abs(score) <= 1e-12 * len(place)).all():
            break
        low, top = np.where(score > 0, beta, low), np.where(score < 0, beta, top)
        step = beta + score / np.maximum(information, 1e-300)
        beta = np.where((step >= low) & (step <= top), step, (low + top) / 2)
    found[:, finite] = beta, 1 / np.sqrt(information)
    return found[0], found[1]


# ---- the chain from scores to p-values, for many orders of the patients at once


class Study(NamedTuple):
    """The patients with a score: what is known of them, and what the chain needs of the scores."""

    score: np.ndarray
    recurrence: np.ndarray  # 0, 1, NaN
    followed: Mapping[str, RiskSets]  # by endpoint
    order: np.ndarray  # who has the lowest score, the next, ...
    first: np.ndarray  # where in that order each value begins

    @property
    def levels(self) -> np.ndarray:
        """Return the observed scores, each once, rising."""
        return self.score[self.order][self.first]

    @property
    def known(self) -> np.ndarray:
        """Return who has an outcome."""
        return ~np.isnan(self.recurrence)


def study_of(sheet: pd.DataFrame, score: pd.Series, horizon: float) -> Study:
    """Take the patients with a score."""
    known = sheet[score.notna()]
    scores = score.dropna().to_numpy()
    followed = {
        endpoint: risk_sets(
            known[f"{endpoint}_months"].to_numpy(), known[f"{endpoint}_event"].to_numpy(), horizon
        )
        for endpoint in ENDPOINTS
    }
    order = np.argsort(scores, kind="stable")
    first = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    return Study(scores, known.recurrence.to_numpy(), followed, order, first)


def outcomes_at(study: Study, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count recurrent and recurrence-free patients at each value, if they have the scores in this order."""
    ordered = study.recurrence[order]
    return tuple(np.add.reduceat((ordered == each).astype(np.int64), study.first, axis=-1) for each in (1, 0))


def grouped(study: Study, order: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Say who is high, by places of cutoffs (-1: nobody), if the patients have the scores in this order."""
    place = np.repeat(np.arange(len(study.first)), np.diff(study.first, append=len(study.score)))
    high = np.zeros(order.shape, dtype=bool)
    np.put_along_axis(high, order, (place > chosen[:, None]) & (chosen[:, None] >= 0), axis=1)
    return high


def statistics_of(study: Study, high: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """Compare groups in all endpoints: {(endpoint, test): statistics}."""
    known = study.known
    found = {("recurrence", "chi_squared"): chi_squared(high[:, known], study.recurrence[known])}
    for endpoint, sets in study.followed.items():
        log_hazard, error = cox(high, sets)
        found |= {(endpoint, "log_rank"): log_rank(high, sets), (endpoint, "cox"): log_hazard / error}
    return found


def permuted(study: Study, permutations: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Permute the scores over the patients: orders (permutations x patients), some at a time."""
    n = len(study.score)
    at_once = max(CELLS // n, 1)
    for start in range(0, permutations, at_once):
        rows = min(at_once, permutations - start)
        yield rng.permuted(np.broadcast_to(np.arange(n), (rows, n)), axis=1)


def exceed(
    study: Study, observed: Mapping[tuple[str, str], float], permutations: int, rng: np.random.Generator
) -> dict[tuple[str, str], int]:
    """Repeat the chain with permuted scores: how often each statistic is at least as large as observed."""
    counts = dict.fromkeys(observed, 0)
    for order in permuted(study, permutations, rng):
        chosen = choose(*outcomes_at(study, order))
        found = statistics_of(study, grouped(study, order, chosen))
        for (endpoint, test), values in found.items():
            if test == "cox":
                values = np.where(np.isnan(values), np.sqrt(found[endpoint, "log_rank"]), values)
            least = abs(observed[endpoint, test]) * (1 - SAME)
            counts[endpoint, test] += int((np.abs(values) >= least).sum())
    return counts


# ---- what the cutoff is worth


def wilson(count: np.ndarray, of: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Return Wilson's limits of shares; NaN of nothing."""
    z, of = ndtri((1 + confidence) / 2), np.where(np.asarray(of) > 0, of, np.nan)
    share = count / of
    middle = (share + z**2 / (2 * of)) / (1 + z**2 / of)
    reach = z / (1 + z**2 / of) * np.sqrt(share * (1 - share) / of + z**2 / (4 * of**2))
    return np.maximum(middle - reach, 0), np.minimum(middle + reach, 1)


def shares_of(true: np.ndarray, false: np.ndarray, of: np.ndarray, free: np.ndarray) -> dict[str, tuple]:
    """Return what each measure counts, and of how many: from true and false positives, and both outcomes."""
    return {
        "sensitivity": (true, of),
        "specificity": (free - false, free),
        "ppv": (true, true + false),
        "npv": (free - false, of - true + free - false),
    }


def resample(study: Study, bootstraps: int, rng: np.random.Generator) -> tuple[dict[str, float], np.ndarray]:
    """Choose the cutoff in bootstrap samples: the optimism of each measure, and the cutoffs.

    Samples with one outcome or one score have none.
    """
    scores, place = np.unique(study.score[study.known], return_inverse=True)
    n = len(place)
    at_value = np.zeros((2, n, len(scores)), dtype=np.int64)  # recurrent, free: patients x values
    at_value[np.where(study.recurrence[study.known] == 1, 0, 1), np.arange(n), place] = 1
    optimism, cutoffs = [], []
    for start in range(0, bootstraps, at_once := max(CELLS // n, 1)):
        drawn = rng.multinomial(n, np.full(n, 1 / n), size=min(at_once, bootstraps - start))
        sample = [drawn @ each for each in at_value]
        some = (chosen := choose(*sample)) >= 0
        worth = []
        for counts in (sample, [np.broadcast_to(each.sum(axis=0), sample[0].shape) for each in at_value]):
            positives = [np.take_along_axis(above(each), chosen[:, None], 1)[some, 0] for each in counts]
            shares = shares_of(*positives, *(each.sum(axis=1)[some] for each in counts))
            worth.append(np.array([count / of for count, of in shares.values()]))
        optimism.append(worth[0] - worth[1])
        cutoffs.append(scores[chosen[some]])
    gained = np.concatenate(optimism, axis=1)
    mean = dict(zip(shares, gained.mean(axis=1) if gained.size else [np.nan] * len(shares), strict=True))
    return mean | {"youden": mean["sensitivity"] + mean["specificity"]}, np.concatenate(cutoffs)


# ---- tests


class Tested(NamedTuple):
    """A test and what it estimates, named as in association.tsv."""

    test: str
    statistic: float
    df: float
    p_value: float
    estimated: str
    estimate: float
    ci_low: float
    ci_high: float


def rank_sum_chances(size_1: int, size_2: int) -> np.ndarray:
    """Return the chance of each value of the rank sum less its least, without ties."""
    # ways[k, s]: choices of k of the ranks so far that sum to s above the least; a rank at a time.
    ways = np.zeros((size_1 + 1, size_1 * size_2 + 1))
    ways[0, 0] = 1
    for rank in range(size_1 + size_2):
        for k in range(min(rank + 1, size_1), 0, -1):
            if (over := rank - (k - 1)) <= size_2:  # so much above the least for the k-th
                ways[k, over:] += ways[k - 1, : ways.shape[1] - over]
    return ways[size_1] / comb(size_1 + size_2, size_1)


def signed_rank_chances(n: int) -> np.ndarray:
    """Return the chance of each value of the sum of the positive ranks, without ties."""
    chances = np.zeros(n * (n + 1) // 2 + 1)
    chances[0] = 1
    for rank in range(1, n + 1):
        chances[rank:] = (chances[rank:] + chances[:-rank]) / 2
        chances[:rank] /= 2
    return chances


def judged(
    name: str, statistic: float, differences: np.ndarray, chances: np.ndarray | None,
    variances: Sequence[float], confidence: float,
) -> Tested:  # fmt: skip
    """Judge a rank statistic by its chances or, without them, by the normal approximation.

    It counts which of the `differences` are positive, ties half; the shift is their median (Hodges and
    Lehmann), its limits are two of them. `variances` are with and without the correction for ties.
    """
    ordered, middle = np.sort(differences), len(differences) / 2
    distance, tail = abs(statistic - middle), (1 - confidence) / 2
    if chances is not None:
        p = min(2 * float(chances[: round(middle - distance) + 1].sum()), 1.0)
        lower = int(np.searchsorted(np.cumsum(chances), tail * (1 - 1e-12)))
    else:
        sd, free = np.sqrt(variances)
        p = float(2 * ndtr(-max(distance - 0.5, 0) / sd)) if sd else np.nan
        lower = int(middle + ndtri(tail) * free)
    limits = (ordered[lower - 1], ordered[-lower]) if lower >= 1 else (np.nan, np.nan)
    name = f"{name}_{'approximate' if chances is None else 'exact'}"
    return Tested(name, statistic, np.nan, p, "shift", float(np.median(ordered)), *limits)


def rank_sum(first: np.ndarray, second: np.ndarray, confidence: float) -> Tested:
    """Test whether the first group tends to have other values (Wilcoxon's W of it)."""
    m, n = len(first), len(second)
    values = np.concatenate([first, second])
    ties = np.unique(values, return_counts=True)[1]
    statistic = float(midranks(values)[:m].sum() - m * (m + 1) / 2)
    tied = (ties**3 - ties).sum() / ((m + n) * (m + n - 1))
    variances = [m * n / 12 * (m + n + 1 - tied), m * n / 12 * (m + n + 1)]
    chances = rank_sum_chances(m, n) if max(m, n) < EXACT_BELOW and (ties == 1).all() else None
    differences = np.subtract.outer(first, second).ravel().round(DECIMALS)
    return judged("rank_sum", statistic, differences, chances, variances, confidence)


def signed_rank(differences: np.ndarray, confidence: float) -> Tested:
    """Test whether differences tend to one sign (Wilcoxon's V); those of zero are left out, as in R."""
    kept = differences[differences != 0]
    n = len(kept)
    ties = np.unique(np.abs(kept), return_counts=True)[1]
    statistic = float(midranks(np.abs(kept))[kept > 0].sum())
    free = n * (n + 1) * (2 * n + 1) / 24
    variances = [free - (ties**3 - ties).sum() / 48, free]
    exact = n < EXACT_BELOW and n == len(differences) and (ties == 1).all()
    one, other = np.triu_indices(n)
    chances = signed_rank_chances(n) if exact else None
    return judged("signed_rank", statistic, (kept[one] + kept[other]) / 2, chances, variances, confidence)


def fisher(table: np.ndarray, confidence: float) -> Tested:
    """Test a fourfold table exactly; the odds ratio of conditional maximum likelihood, its exact limits."""
    (first, second), of = table.sum(axis=1), int(table[:, 0].sum())
    count = np.arange(max(0, of - second), min(first, of) + 1)
    log_ways = -sum(gammaln(1 + each) for each in (count, first - count, of - count, second - of + count))
    seen = int(table[0, 0] - count[0])

    def chances(log_odds: float) -> np.ndarray:
        weights = np.exp(log_ways + count * log_odds - (log_ways + count * log_odds).max())
        return weights / weights.sum()

    def solve(rising: Callable[[np.ndarray], float], wanted: float) -> float:
        low, high = -100.0, 100.0
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (middle, high) if rising(chances(middle)) < wanted else (low, middle)
        return float(np.exp(middle))

    null, tail = chances(0.0), (1 - confidence) / 2
    p = min(float(null[null <= null[seen] * (1 + 1e-7)].sum()), 1.0)  # the allowance is R's
    odds, low, high = 0.0, 0.0, np.inf
    if seen > 0:
        low = solve(lambda each: each[seen:].sum(), tail)
        odds = solve(lambda each: each @ count, table[0, 0]) if seen < len(count) - 1 else np.inf
    if seen < len(count) - 1:
        high = solve(lambda each: -each[: seen + 1].sum(), -tail)
    return Tested("fisher_exact", np.nan, np.nan, p, "odds_ratio_conditional", odds, low, high)


def fourfold(table: np.ndarray, confidence: float) -> list[Tested]:
    """Test a fourfold table; the sample odds ratio has Woolf's limits, and none if a cell is empty."""
    odds = [np.nan] * 3
    if table.all():
        log_odds = np.log(table[0, 0] * table[1, 1] / (table[0, 1] * table[1, 0]))
        reach = ndtri((1 + confidence) / 2) * np.sqrt((1 / table).sum())
        odds = [float(np.exp(each)) for each in (log_odds, log_odds - reach, log_odds + reach)]
    high, outcome = (np.repeat(each, table.ravel()) for each in ([True, True, False, False], [1, 0, 1, 0]))
    tested = []
    for name, yates in (("chi_squared", False), ("chi_squared_yates", True)):
        found = float(chi_squared(high[None], outcome, yates)[0])
        tested.append(Tested(name, found, 1, float(chdtrc(1, found)), "odds_ratio_sample", *odds))
    return [*tested, fisher(table, confidence)]


# ---- tables; what is said of their rows is in common.biomarker_cutoff_words


class Cutoff(NamedTuple):
    """The cutoff (NaN: none), given or by youden, others with the same index, and what the ROC is made of."""

    value: float
    source: str
    tied: tuple[float, ...]
    status: str
    scored: int
    known: int
    recurrent: int


def first_of(**problems: bool) -> str:
    """Return the first status that holds, else ok."""
    return next((status for status, holds in problems.items() if holds), "ok")


def decide(study: Study, given: float | None) -> Cutoff:
    """Choose the cutoff, or take the given one."""
    outcomes, scores = study.recurrence[study.known], study.score[study.known]
    n, recurrent = len(outcomes), int(outcomes.sum())
    status = first_of(
        no_scores=not len(study.score), no_recurrence=not n, one_outcome=recurrent in (0, n),
        equal_scores=len(np.unique(scores)) == 1,
    )  # fmt: skip
    best = np.array([np.nan]) if given is None else np.array([given])
    if given is None and status == "ok":
        index, possible = youden(*outcomes_at(study, study.order))
        best = study.levels[possible & (index == index[possible].max())]
    source = "youden" if given is None else "given"
    return Cutoff(float(best[0]), source, tuple(best[1:].tolist()), status, len(study.score), n, recurrent)


def said(table: pd.DataFrame, words: Callable[[tuple, Cutoff], str], cutoff: Cutoff) -> pd.DataFrame:
    """Give each row its reason."""
    return table.assign(reason=[words(row, cutoff) for row in table.itertuples()])


def list_groups(scored: pd.DataFrame, cutoff: Cutoff) -> pd.DataFrame:
    """Say who is high and who is low."""
    table = scored.copy()
    if np.isnan(cutoff.value):
        table.loc[table.status == "ok", "status"] = "no_cutoff"
    table["score_group"] = np.where(table.score > cutoff.value, "high", "low")
    table.loc[table.status != "ok", "score_group"] = None
    return said(table, words.of_group, cutoff)[tables.GROUPS]


def list_roc(study: Study, cutoff: Cutoff) -> pd.DataFrame:
    """List every cutoff, from below the lowest score on, with what it counts; a given one among them."""
    scores, recurrent = study.score[study.known], study.recurrence[study.known] == 1
    cutoffs = np.unique([-np.inf, *scores, *([cutoff.value] if cutoff.source == "given" else [])])
    of, free = int(recurrent.sum()), int((~recurrent).sum())
    true, false = ((scores[some, None] > cutoffs).sum(axis=0) for some in (recurrent, ~recurrent))
    table = pd.DataFrame(dict(zip(tables.COUNTS, (true, false, free - false, of - true), strict=True)))
    table["cutoff"] = np.where(np.isfinite(cutoffs), cutoffs, np.nan)
    table["sensitivity"] = true / of if of else np.nan
    table["specificity"] = (free - false) / free if free else np.nan
    table["youden"] = table.sensitivity + table.specificity - 1
    table["chosen"] = np.where(cutoffs == cutoff.value, "yes", "no")
    ends = [true + false == len(scores), true + false == 0]
    table["status"] = np.select(ends, ["all_high", "all_low"], "ok" if of and free else "one_outcome")
    return (
        said(table, words.of_roc, cutoff)[tables.ROC]
        if len(scores)
        else table.iloc[:0].reindex(columns=tables.ROC)
    )


def auc_row(study: Study, cutoff: Cutoff, confidence: float) -> dict[str, object]:
    """Describe the area under the curve."""
    if cutoff.status not in ("ok", "equal_scores"):
        return {"measure": "auc", "status": cutoff.status}
    auc, error = delong(*(study.score[study.recurrence == outcome] for outcome in (1, 0)))
    reach = ndtri((1 + confidence) / 2) * error
    status = first_of(
        equal_scores=cutoff.status != "ok", reversed=auc < 0.5, few_patients=np.isnan(error),
        perfect_separation=error == 0,
    )  # fmt: skip
    limits = {"ci_low": np.fmax(auc - reach, 0 * reach), "ci_high": np.fmin(auc + reach, 1 + 0 * reach)}
    return {
        "measure": "auc",
        "value": auc,
        "status": status,
        "interval": "delong" if reach >= 0 else None,
    } | limits


def list_worth(study: Study, cutoff: Cutoff, bootstraps: int, seed: int, confidence: float) -> pd.DataFrame:
    """Say what the score and the cutoff are worth: a row a measure."""
    given, chosen = cutoff.source == "given", not np.isnan(cutoff.value)
    place = {"measure": "cutoff", "value": cutoff.value, "status": "ok" if chosen else cutoff.status}
    high, outcomes = study.score > cutoff.value, [study.recurrence == outcome for outcome in (1, 0)]
    counts = shares_of(*((high & each).sum() for each in outcomes), *(each.sum() for each in outcomes))
    rows = {"youden": {"measure": "youden", "status": cutoff.status}}
    for name, (count, of) in counts.items():
        low, top = wilson(count, of, confidence)
        row = {"count": count, "of": of, "value": count / of if of else np.nan, "ci_low": low, "ci_high": top}
        status = "one_group" if not of and name in ("ppv", "npv") and cutoff.known else cutoff.status
        row |= {"status": "ok" if of else status, "interval": "wilson" if of else None}
        rows[name] = {"measure": name} | (row if chosen else {"status": cutoff.status})
    if chosen and counts["sensitivity"][1] and counts["specificity"][1]:
        rows["youden"] |= {
            "value": rows["sensitivity"]["value"] + rows["specificity"]["value"] - 1,
            "status": "ok",
        }
    if chosen and not given:
        optimism, cutoffs = resample(study, bootstraps, np.random.default_rng([seed, 0]))
        place |= {"count": len(cutoffs), "of": bootstraps}
        if len(cutoffs):
            ends = [(1 - confidence) / 2, (1 + confidence) / 2]
            limits = np.quantile(cutoffs, ends, method="inverted_cdf")
            place |= {"ci_low": limits[0], "ci_high": limits[1], "interval": "bootstrap"}
            for name, row in rows.items():
                corrected = np.clip(row["value"] - optimism[name], -1 if name == "youden" else 0, 1)
                row |= {"optimism": optimism[name], "corrected": corrected}
    table = pd.DataFrame([auc_row(study, cutoff, confidence), place, *rows.values()]).reindex(
        columns=tables.CUTOFF
    )
    table["cutoff"] = np.where(table.measure == "auc", np.nan, cutoff.value)
    table["cutoff_source"] = np.where(table.cutoff.notna(), cutoff.source, None)
    return said(table, words.of_measure, cutoff)


def list_association(
    study: Study, differences: np.ndarray, cutoff: Cutoff, confidence: float
) -> pd.DataFrame:
    """Test groups and scores by recurrence, and recurrent against initial tumours of the same patients."""
    high, recurrent = study.score[study.known] > cutoff.value, study.recurrence[study.known] == 1
    table = np.array([[(a & b).sum() for b in (recurrent, ~recurrent)] for a in (high, ~high)])
    sides = table.sum(axis=1)
    status = first_of(
        no_cutoff=np.isnan(cutoff.value), no_recurrence=not cutoff.known,
        one_outcome=not table.sum(axis=0).all(), one_group=not sides.all(),
    )  # fmt: skip
    about = {"comparison": "score_group_by_recurrence", "status": status}
    about |= {"data_driven": "no" if cutoff.source == "given" else "yes"}
    if not np.isnan(cutoff.value):
        about |= dict(zip([*tables.FOURFOLD, "n_1", "n_2"], [*table.ravel(), *sides], strict=True))
    if status == "ok":
        about |= {"least_expected": (np.outer(sides, table.sum(axis=0)) / table.sum()).min()}
        rows = [about | tested._asdict() for tested in fourfold(table, confidence)]
    else:
        rows = [about | {"test": test} for test in ("chi_squared", "chi_squared_yates", "fisher_exact")]
    row = {
        "comparison": "score_by_recurrence",
        "test": "rank_sum",
        "data_driven": "no",
        "status": cutoff.status,
    }
    groups = [study.score[study.recurrence == outcome] for outcome in (1, 0)]
    row |= {"n_1": len(groups[0]), "n_2": len(groups[1])}
    rows.append(row | (rank_sum(*groups, confidence)._asdict() if cutoff.status == "ok" else {}))
    n, equal = len(differences), int((differences == 0).sum())
    row = {
        "comparison": "recurrent_by_initial",
        "test": "signed_rank",
        "data_driven": "no",
        "n_1": n,
        "n_2": n,
    }
    row |= {"higher": (differences > 0).sum(), "equal": equal}
    row |= {"status": first_of(no_pairs=not n, no_difference=equal == n)}
    rows.append(row | (signed_rank(differences, confidence)._asdict() if equal < n else {}))
    columns = [*tables.ASSOCIATION, "higher", "equal", "least_expected"]
    return said(pd.DataFrame(rows).reindex(columns=columns), words.of_test, cutoff)[tables.ASSOCIATION]


def correct(study: Study, cutoff: Cutoff, permutations: int, seed: int) -> pd.DataFrame:
    """Test recurrence and survival by the groups, and correct for the choice of the cutoff."""
    chosen, given = not np.isnan(cutoff.value), cutoff.source == "given"
    high, counts = study.score > cutoff.value, {}
    observed = {name: float(each[0]) for name, each in statistics_of(study, high[None]).items()}
    if chosen and not given:
        counts = exceed(study, observed, permutations, np.random.default_rng([seed, 1]))
    rows = []
    for (endpoint, test), statistic in observed.items():
        sets = study.followed.get(endpoint)
        its = high[study.known if sets is None else sets.patients]
        events = cutoff.recurrent if sets is None else len(sets.died)
        status = first_of(
            no_cutoff=not chosen, no_follow_up=not len(its),
            one_outcome=sets is None and events in (0, len(its)), no_events=not events,
            one_group=its.all() or not its.any(), not_estimable=np.isnan(statistic),
        )  # fmt: skip
        row = {"endpoint": endpoint, "test": test, "events": events, "status": status, "cutoff": cutoff.value}
        row |= {"cutoff_source": cutoff.source, "data_driven": "no" if given else "yes"}
        row |= {"circular": "no" if given or endpoint == "os" else "yes"}
        if chosen:
            row |= {"n_high": its.sum(), "n_low": (~its).sum()}
        if status == "ok":
            squared = statistic**2 if test == "cox" else statistic
            row |= {"statistic": statistic, "p_value": chdtrc(1, squared)}
            if not given:
                b = counts[endpoint, test]
                row |= {
                    "at_least": b,
                    "permutations": permutations,
                    "p_corrected": (b + 1) / (permutations + 1),
                }
        rows.append(row)
    return said(pd.DataFrame(rows).reindex(columns=tables.CORRECTED), words.of_correction, cutoff)


def parse_cutoff(_context: click.Context, _option: click.Parameter, text: str | None) -> float | None:
    """Read the cutoff; nothing means that there is none."""
    return click.FloatRange(0).convert(text, _option, _context) if text else None


@click.command(cls=Script)
@click.option(
    "--patients", type=INPUT, required=True, help="TSV: a row a patient; score, recurrence, follow-up."
)
@click.option(
    "--score-cutoff", callback=parse_cutoff,
    help="Score above which a tumour is high; without it, the one of the largest Youden index.",
)  # fmt: skip
@click.option(
    "--score-permutations", type=click.IntRange(1), default=10000, show_default=True,
    help="Permutations of the scores that correct p-values for the choice of the cutoff.",
)  # fmt: skip
@click.option(
    "--survival-horizon", type=click.FloatRange(0, min_open=True), default=60.0, show_default=True,
    help="Months of follow-up that are looked at.",
)  # fmt: skip
@click.option(
    "--bootstraps", type=click.IntRange(1), default=1000, show_default=True,
    help="Bootstrap samples of patients for the optimism and the interval of the cutoff.",
)  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, help="Of bootstrap and permutations."
)
@click.option(
    "--confidence", type=click.FloatRange(0.5, 1, min_open=True, max_open=True), default=0.95,
    show_default=True, help="Coverage of intervals.",
)  # fmt: skip
@RESULTS
def main(
    patients: Path,
    score_cutoff: float | None,
    score_permutations: int,
    survival_horizon: float,
    bootstraps: int,
    seed: int,
    confidence: float,
    results: Path,
) -> None:
    """Find the score that separates patients best, and say what it is worth."""
    sheet = read_table(patients, tables.PATIENTS)
    scored = score_patients(sheet)
    study = study_of(sheet, scored.score, survival_horizon)
    cutoff = decide(study, score_cutoff)
    corrected = correct(study, cutoff, score_permutations, seed)
    differences = (sheet.recurrent_score - scored.score).dropna().round(DECIMALS).to_numpy()
    association = list_association(study, differences, cutoff, confidence)
    association["p_corrected"] = np.where(association.test == "chi_squared", corrected.p_corrected[0], np.nan)
    found = {
        "groups": list_groups(scored, cutoff),
        "roc": list_roc(study, cutoff),
        "cutoff": list_worth(study, cutoff, bootstraps, seed, confidence),
        "association": association,
        "corrected": corrected,
    }
    for name, table in found.items():
        write_table(table, results / f"{name}.tsv")
    drawn = write_figure(sheet, found, confidence, results)
    write_sections(found, drawn, confidence, survival_horizon, results)
    write_versions(results / "versions.tsv", "matplotlib", "numpy", "pandas", "scipy")


if __name__ == "__main__":
    main()
