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
  mean optimism, within 0 and 1; with 31 to 60 simulated patients that was two thirds of what was lost in new
  ones. These choices also give the interval of the cutoff (percentiles).
Tests, two-sided
  High and low by recurrence: chi-squared with and without Yates's correction, with the sample odds ratio
  (Woolf's interval); Fisher's, with that of conditional maximum likelihood (exact interval). Score by
  recurrence, and recurrent by initial tumour: Wilcoxon's rank-sum and signed-rank tests, exact below 50
  without ties and zeros, else normal with corrections for ties and continuity, as R's wilcox.test; shift of
  Hodges and Lehmann, the median of all differences, or of all means of two of them.
Correction for the choice
  On pure noise (31 patients, 18 recurrences) chi-squared after Youden's choice has p < 0.05 in 17 %. So the
  scores are permuted over the patients, and each time the whole chain is repeated: ROC, cutoff, chi-squared,
  and log-rank and Cox of survival by the new groups, censored at the horizon. p_corrected = (b + 1) / (B + 1)
  for b of B statistics at least as large (of Cox Wald's z, or, where the hazard ratio has no bounds, the root
  of the log-rank statistic). It tests that the score has nothing to do with the outcome.
  Recurrence is an event of disease-free survival: by a cutoff chosen by recurrence it is circular, as the
  chi-squared test is. A given cutoff needs no correction if it comes from other patients.
Evidence for the call of candidates
  The score of each tumour, also of those that came back, high or low; by a cutoff chosen in these patients it
  does not count there.
Assumes    Independent patients, censoring apart from the outcome, proportional hazards (Cox).

References: DeLong et al. 1988, doi:10.2307/2531595; Sun and Xu 2014, doi:10.1109/LSP.2014.2337313; Youden
1950, Cancer 3:32; Wilson 1927, doi:10.1080/01621459.1927.10502953; Harrell et al. 1996, Stat Med 15:361;
Altman et al. 1994, doi:10.1093/jnci/86.11.829; Phipson and Smyth 2010, doi:10.2202/1544-6115.1585; Wilcoxon
1945, doi:10.2307/3001968; Hodges and Lehmann 1963, doi:10.1214/aoms/1177704172; Mantel 1966, Cancer Chemother
Rep 50:163; Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; Efron 1977, doi:10.1080/01621459.1977.10480613
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
from common import biomarker_cutoff_tables as tables
from common import biomarker_cutoff_words as words
from common.biomarker_cutoff_evidence import evidence_of
from common.biomarker_cutoff_figure import write_figure
from common.biomarker_cutoff_report import write_sections
from common.cli import INPUT, RESULTS, Script
from common.multiqc import write_versions
from common.tables import read_table, write_table
from scipy import stats
from scipy.special import chdtrc, ndtri

ENDPOINTS = ("os", "dfs")
FOURFOLD_TESTS = ("chi_squared", "chi_squared_yates", "fisher_exact")
DECIMALS = 9  # of scores and their differences: below that, sums of percentages differ by rounding only
EXACT_BELOW = 50  # patients, as in R
CELLS = 2_000_000  # of a matrix of permutations and patients that is held at once
SAME = 1e-9  # relative; statistics that differ by less are equal


# ---- scores and their ROC


def score_patients(sheet: pd.DataFrame) -> pd.DataFrame:
    """Give each patient a score: the given one, else the H-score (score_source says which)."""
    h_score = (sheet[tables.PERCENTAGES] * [1, 2, 3]).sum(axis=1, skipna=False)
    table = sheet[["patient"]].assign(score=sheet.score.fillna(h_score).round(DECIMALS))
    table["score_source"] = np.select([sheet.score.notna(), h_score.notna()], ["given", "h_score"], "")
    table["status"] = np.where(table.score.isna(), "no_score", "ok")
    lacks = [words.without_score(row) for row in sheet[tables.PERCENTAGES].to_dict("records")]
    return table.assign(reason=np.where(table.score.isna(), lacks, ""))


def delong(recurrent: np.ndarray, free: np.ndarray) -> tuple[float, float]:
    """Return the AUC, and its standard error after DeLong; NaN with fewer than two of a kind."""
    m, n = len(recurrent), len(free)
    ranks = stats.rankdata(np.concatenate([recurrent, free]))
    auc = (ranks[:m].sum() - m * (m + 1) / 2) / (m * n)
    if min(m, n) < 2:
        return float(auc), np.nan
    over = (ranks[:m] - stats.rankdata(recurrent)) / n  # share of the recurrence-free below each recurrent
    under = 1 - (ranks[m:] - stats.rankdata(free)) / m
    return float(auc), float(np.sqrt(over.var(ddof=1) / m + under.var(ddof=1) / n))


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


def chi_squared(high: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Return the chi-squared of groups by outcome of each row; NaN if there is one group or one outcome."""
    n, events, size = high.shape[1], int(outcome.sum()), high.sum(axis=1)
    off = (n * (high @ outcome.astype(np.int64)) - size * events).astype(float)
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
    known: np.ndarray  # who has an outcome
    followed: Mapping[str, RiskSets]  # by endpoint
    order: np.ndarray  # who has the lowest score, the next, ...
    first: np.ndarray  # where in that order each value begins
    levels: np.ndarray  # these values


def study_of(sheet: pd.DataFrame, score: pd.Series, horizon: float) -> Study:
    """Take the patients with a score."""
    own, scores = sheet[score.notna()], score.dropna().to_numpy()
    columns = {each: [own[f"{each}_{what}"].to_numpy() for what in ("months", "event")] for each in ENDPOINTS}
    followed = {endpoint: risk_sets(*columns[endpoint], horizon) for endpoint in ENDPOINTS}
    order = np.argsort(scores, kind="stable")
    first = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    known = own.recurrence.notna().to_numpy()
    return Study(scores, own.recurrence.to_numpy(), known, followed, order, first, scores[order][first])


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
    found = {("recurrence", "chi_squared"): chi_squared(high[:, study.known], study.recurrence[study.known])}
    for endpoint, sets in study.followed.items():
        log_hazard, error = cox(high, sets)
        found |= {(endpoint, "log_rank"): log_rank(high, sets), (endpoint, "cox"): log_hazard / error}
    return found


def exceed(study: Study, observed: Mapping, permutations: int, rng: np.random.Generator) -> dict:
    """Repeat the chain with permuted scores: how often each statistic is at least as large as observed."""
    n, counts = len(study.score), dict.fromkeys(observed, 0)
    for start in range(0, permutations, at_once := max(CELLS // n, 1)):
        order = rng.permuted(np.broadcast_to(np.arange(n), (min(at_once, permutations - start), n)), axis=1)
        found = statistics_of(study, grouped(study, order, choose(*outcomes_at(study, order))))
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
    share, more = count / of, z**2 / of
    middle, reach = share + more / 2, z * np.sqrt(share * (1 - share) / of + more / (4 * of))
    return np.maximum((middle - reach) / (1 + more), 0), np.minimum((middle + reach) / (1 + more), 1)


def shares_of(true: np.ndarray, false: np.ndarray, of: np.ndarray, free: np.ndarray) -> dict[str, tuple]:
    """Return what each measure counts, and of how many: from true and false positives, and both outcomes."""
    return {
        "sensitivity": (true, of),
        "specificity": (free - false, free),
        "ppv": (true, true + false),
        "npv": (free - false, of - true + free - false),
    }


def resample(study: Study, bootstraps: int, rng: np.random.Generator) -> tuple[dict[str, float], np.ndarray]:
    """Choose the cutoff in bootstrap samples, where there is one: the optimism by measure, the cutoffs."""
    order = study.order[study.known[study.order]]
    scores, first = np.unique(study.score[order], return_index=True)
    n, having = len(order), [study.recurrence[order] == outcome for outcome in (1, 0)]
    optimism, cutoffs = [], []
    for start in range(0, bootstraps, at_once := max(CELLS // n, 1)):
        drawn = rng.multinomial(n, np.full(n, 1 / n), size=min(at_once, bootstraps - start))
        chosen = choose(*(np.add.reduceat(drawn * each, first, axis=1) for each in having))
        drawn, chosen, worth = drawn[chosen >= 0], chosen[chosen >= 0, None], []
        for patients in (drawn, np.ones_like(drawn)):
            counts = [np.add.reduceat(patients * each, first, axis=1) for each in having]
            positives = [np.take_along_axis(above(each), chosen, axis=1)[:, 0] for each in counts]
            shares = shares_of(*positives, *(each.sum(axis=1) for each in counts))
            worth.append(np.array([count / of for count, of in shares.values()]))
        optimism.append(worth[0] - worth[1])
        cutoffs.append(scores[chosen[:, 0]])
    gained = np.concatenate(optimism, axis=1)
    mean = dict(zip(shares, gained.mean(axis=1) if gained.size else [np.nan] * len(shares), strict=True))
    return mean | {"youden": mean["sensitivity"] + mean["specificity"]}, np.concatenate(cutoffs)


# ---- tests; rows as in association.tsv, as far as they go


def rank_sum(first: np.ndarray, second: np.ndarray) -> dict[str, object]:
    """Test whether the first group tends to have other values: Wilcoxon's W of it."""
    values = np.concatenate([first, second])
    exact = max(len(first), len(second)) < EXACT_BELOW and len(np.unique(values)) == len(values)
    found = stats.mannwhitneyu(first, second, method="exact" if exact else "asymptotic")
    row = {"test": f"rank_sum_{'exact' if exact else 'approximate'}", "estimated": "shift"}
    row |= {"statistic": found.statistic, "p_value": found.pvalue}
    return row | {"estimate": np.median(np.subtract.outer(first, second))}


def signed_rank(differences: np.ndarray) -> dict[str, object]:
    """Test whether differences tend to one sign: Wilcoxon's V; those of zero are left out, as in R."""
    kept = differences[differences != 0]
    exact = len(kept) < EXACT_BELOW and len(np.unique(np.abs(kept))) == len(differences)
    found = stats.wilcoxon(kept, correction=not exact, method="exact" if exact else "asymptotic")
    row = {"test": f"signed_rank_{'exact' if exact else 'approximate'}", "estimated": "shift"}
    row |= {"statistic": stats.rankdata(np.abs(kept))[kept > 0].sum(), "p_value": found.pvalue}
    one, other = np.triu_indices(len(kept))
    return row | {"estimate": np.median(kept[one] + kept[other]) / 2}


def fourfold(table: np.ndarray, confidence: float) -> list[dict[str, object]]:
    """Test a fourfold table in three ways; there is no sample odds ratio if a cell is empty."""
    rows = []
    for name in FOURFOLD_TESTS:
        kind = "conditional" if name == "fisher_exact" else "sample"
        row: dict[str, object] = {"test": name, "estimated": f"odds_ratio_{kind}"}
        if name == "fisher_exact":
            row |= {"p_value": stats.fisher_exact(table).pvalue}
        else:
            found = stats.chi2_contingency(table, correction=name.endswith("yates"))
            row |= {"statistic": found.statistic, "df": found.dof, "p_value": found.pvalue}
        if kind == "conditional" or table.all():
            odds = stats.contingency.odds_ratio(table, kind=kind)
            limits = odds.confidence_interval(confidence)
            row |= {"estimate": odds.statistic, "ci_low": limits.low, "ci_high": limits.high}
        rows.append(row)
    return rows


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
    best = np.array([np.nan if given is None else given])
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
    table = scored.assign(score_group=np.where(scored.score > cutoff.value, "high", "low"))
    if np.isnan(cutoff.value):
        table.loc[table.status == "ok", "status"] = "no_cutoff"
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
    listed = said(table, words.of_roc, cutoff)[tables.ROC]
    return listed if len(scores) else listed[:0]


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
    row = {"measure": "auc", "value": auc, "status": status}
    if reach >= 0:
        row |= {"ci_low": max(auc - reach, 0), "ci_high": min(auc + reach, 1), "interval": "delong"}
    return row


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
        value = rows["sensitivity"]["value"] + rows["specificity"]["value"] - 1
        rows["youden"] |= {"value": value, "status": "ok"}
    if chosen and not given:
        optimism, cutoffs = resample(study, bootstraps, np.random.default_rng([seed, 0]))
        place |= {"count": len(cutoffs), "of": bootstraps}
        if len(cutoffs):
            limits = np.quantile(cutoffs, [(1 - confidence) / 2, (1 + confidence) / 2], method="inverted_cdf")
            place |= {"ci_low": limits[0], "ci_high": limits[1], "interval": "bootstrap"}
            for name, row in rows.items():
                corrected = np.clip(row["value"] - optimism[name], -1 if name == "youden" else 0, 1)
                row |= {"optimism": optimism[name], "corrected": corrected}
    table = pd.DataFrame([auc_row(study, cutoff, confidence), place, *rows.values()])
    table["cutoff"] = np.where(table.measure == "auc", np.nan, cutoff.value)
    table["cutoff_source"] = np.where(table.cutoff.notna(), cutoff.source, None)
    return said(table.reindex(columns=tables.CUTOFF), words.of_measure, cutoff)


def list_association(study: Study, pairs: np.ndarray, cutoff: Cutoff, confidence: float) -> pd.DataFrame:
    """Test groups and scores by recurrence, and differences of recurrent and initial tumours (`pairs`)."""
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
        rows = [about | row for row in fourfold(table, confidence)]
    else:
        rows = [about | {"test": test} for test in FOURFOLD_TESTS]
    groups = [study.score[study.recurrence == outcome] for outcome in (1, 0)]
    about = {"comparison": "score_by_recurrence", "test": "rank_sum", "data_driven": "no"}
    about |= {"status": cutoff.status, "n_1": len(groups[0]), "n_2": len(groups[1])}
    rows.append(about | (rank_sum(*groups) if cutoff.status == "ok" else {}))
    n, equal = len(pairs), int((pairs == 0).sum())
    about = {"comparison": "recurrent_by_initial", "test": "signed_rank", "data_driven": "no"}
    about |= {"n_1": n, "n_2": n, "higher": (pairs > 0).sum(), "equal": equal}
    about |= {"status": first_of(no_pairs=not n, no_difference=equal == n)}
    rows.append(about | (signed_rank(pairs) if equal < n else {}))
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
        its, events = high[study.known], cutoff.recurrent
        if sets:
            its, events = high[sets.patients], len(sets.died)
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
            p = chdtrc(1, statistic**2 if test == "cox" else statistic)
            row |= {"statistic": statistic, "p_value": p}
            if not given:
                b = counts[endpoint, test]
                p = (b + 1) / (permutations + 1)
                row |= {"at_least": b, "permutations": permutations, "p_corrected": p}
        rows.append(row)
    return said(pd.DataFrame(rows).reindex(columns=tables.CORRECTED), words.of_correction, cutoff)


def list_evidence(sheet: pd.DataFrame, groups: pd.DataFrame, cutoff: Cutoff) -> pd.DataFrame:
    """Say of each tumour, of those that came back by the same cutoff, whether its score is high."""
    score = sheet.recurrent_score.round(DECIMALS)
    again = sheet[["patient"]].assign(score=score, score_source="given", status="ok", reason="")
    return evidence_of(groups, list_groups(again[score.notna()], cutoff), cutoff.source)


def analyse(
    sheet: pd.DataFrame, given: float | None, permutations: int, horizon: float, bootstraps: int,
    seed: int, confidence: float,
) -> dict[str, pd.DataFrame]:  # fmt: skip
    """Make all tables, by name."""
    scored = score_patients(sheet)
    study = study_of(sheet, scored.score, horizon)
    cutoff = decide(study, given)
    pairs = (sheet.recurrent_score - scored.score).dropna().round(DECIMALS).to_numpy()
    association = list_association(study, pairs, cutoff, confidence)
    corrected = correct(study, cutoff, permutations, seed)
    association["p_corrected"] = np.where(association.test == "chi_squared", corrected.p_corrected[0], np.nan)
    worth = list_worth(study, cutoff, bootstraps, seed, confidence)
    groups = list_groups(scored, cutoff)
    found = {"groups": groups, "roc": list_roc(study, cutoff), "cutoff": worth, "association": association}
    return found | {"corrected": corrected, "biomarker_cutoff_evidence": list_evidence(sheet, groups, cutoff)}


@click.command(cls=Script)
@click.option("--patients", type=INPUT, required=True, help="TSV: a row a patient.")
@click.option(
    "--score-cutoff",
    callback=lambda at, option, text: click.FloatRange(0).convert(text, option, at) if text else None,
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
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of what is drawn.")
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
    chosen = (score_cutoff, score_permutations, survival_horizon, bootstraps, seed, confidence)
    found = analyse(sheet, *chosen)
    for name, table in found.items():
        write_table(table, results / f"{name}.tsv")
    drawn = write_figure(sheet, found, confidence, results)
    write_sections(found, drawn, confidence, survival_horizon, results)
    write_versions(results / "versions.tsv", "matplotlib", "numpy", "pandas", "scipy")


if __name__ == "__main__":
    main()
