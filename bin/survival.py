#!/usr/bin/env python3
"""Compare overall and disease-free survival between groups of patients.

Groups
  score_group (high or low, of biomarker_cutoff) and every other column asked for. The reference comes first:
  a group called low, no, none, never, negative, absent, wild type or control, else the first by name, numbers
  within names by their size. A patient without group, time or event is counted and left out.
Horizon
  Who is followed longer than --survival-horizon is censored there; an event at that month counts.
Curves
  Kaplan and Meier's estimate with Greenwood's variance and intervals on the scale of log(-log S) (Kalbfleisch
  and Prentice), by lifelines. Before the first event and after the last patient's there is no interval. At
  risk at a time is who was followed at least that long. A median is where the curve falls below one half, or
  the middle of the step if it lies at one half exactly; its limits are those of the band (Brookmeyer and
  Crowley 1982), by the same rule. A curve that stays above has no median: `not_reached`.
Follow-up
  By the whole time given, without horizon: the longest, and the median by the reversed Kaplan-Meier estimate
  (Schemper and Smith 1996), in which events are what censors.
Tests, over all groups with patients
  log_rank              hypergeometric variance; a group that is never at risk at an event is left out
  cox                   hazard ratio of each group to the reference: Efron's ties, Wald's interval and test
  cox_likelihood_ratio  of the same model against none
  proportional_hazards  score test of a coefficient that changes with g(t) = 1 - S(t-), S the curve of all
                        patients: Grambsch and Therneau's test of scaled Schoenfeld residuals, with the
                        variance at each event time instead of its mean, as cox.zph of R's survival 3
Separation
  A hazard ratio has a finite estimate if and only if each of both groups leads to the other along steps of
  one kind: a group has an event while the next is at risk. (No event in a group is the plainest case in
  which it does not.) Else the row says so, without numbers. Groups that lead to each other are fitted
  together, and the likelihood ratio is that of the limit, so that it stays a test of all groups. Of two
  groups, the one limit that the ratio has is where the likelihood ratio test just rejects.
Choice of the cutoff
  Where the cutoff of score_group was chosen on these patients, p_value is too small: p_corrected, of
  biomarker_cutoff, repeats the choice in permuted scores.
Assumes    Censoring independent of the outcome; of the hazard ratio, that it does not change with time.

References: Kaplan and Meier 1958, doi:10.1080/01621459.1958.10501452; Brookmeyer and Crowley 1982,
doi:10.2307/2530286; Schemper and Smith 1996, Control Clin Trials 17:343; Mantel 1966, Cancer Chemother Rep
50:163; Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; Efron 1977, doi:10.1080/01621459.1977.10480613;
Grambsch and Therneau 1994, doi:10.1093/biomet/81.3.515; Davidson-Pilon 2019, doi:10.21105/joss.01317
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
from common.cli import FOLDER, INPUT, RESULTS, Script
from common.multiqc import write_versions
from common.patient_groups import (
    ALL,
    MOST_GROUPS,
    SCORE_GROUP,
    Grouping,
    groupings_of,
    read_corrected,
    read_patients,
    read_scores,
)
from common.survival_report import write_report
from common.survival_tables import AT_TIMES, KM, MEDIANS, TESTS, Compared
from common.tables import write_table
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.exceptions import ConvergenceWarning
from lifelines.statistics import multivariate_logrank_test
from scipy.optimize import brentq
from scipy.sparse.csgraph import connected_components
from scipy.special import chdtrc, chdtri

ENDPOINTS = ("os", "dfs")
TIMES = (12, 24, 36, 60)  # months
FEW_EVENTS = 10  # below, chi-squared is a rough guide
# Newton's steps until they are below 1e-10; by default lifelines stops at the 6th digit.
PRECISION = {"precision": 1e-20, "r_precision": 0, "max_steps": 200}
FAR = 100  # a log hazard ratio beyond all that can be told


# ---- one group: its curve


def curve_of(months: np.ndarray, event: np.ndarray, confidence: float) -> pd.DataFrame:
    """Estimate a survival curve: a row for month 0 and for each month in which someone left.

    Columns: time_months, at_risk, events, censored, survival, survival_low, survival_high (missing where
    survival is 1 or 0: the interval is not defined there).
    """
    fitted = KaplanMeierFitter(alpha=1 - confidence).fit(months, event)
    table = fitted.event_table
    survival = fitted.survival_function_.iloc[:, 0].to_numpy()
    band = fitted.confidence_interval_.to_numpy()
    band[(survival == 1) | (survival == 0)] = np.nan
    return pd.DataFrame(
        {
            "time_months": table.index.to_numpy(float),
            "at_risk": table.at_risk.to_numpy(),
            "events": table.observed.to_numpy(),
            "censored": table.censored.to_numpy(),
            **{"survival": survival, "survival_low": band[:, 0], "survival_high": band[:, 1]},
        }
    )


def median_of(time: np.ndarray, survival: np.ndarray) -> float:
    """Return where a curve of steps crosses one half; NaN where it does not.

    A step that lies at one half, but for rounding, crosses in its middle; if it is the last, where it begins.
    """
    half = np.abs(survival - 0.5) < 1e-9
    below = (survival < 0.5) & ~half  # False where the survival is NaN
    if half.any():
        start = time[half][0]
        return float((start + time[below][0]) / 2 if below.any() else start)
    return float(time[below][0]) if below.any() else np.nan


def at_time(curve: pd.DataFrame, months: np.ndarray, at: float) -> dict[str, object]:
    """Read a curve at a month: who is at risk, events up to it, survival and its interval."""
    row = curve[curve.time_months <= at].iloc[-1]
    return {
        "at_risk": int((months >= at).sum()),
        "events": int(curve.events[curve.time_months <= at].sum()),
        **{name: row[name] for name in ("survival", "survival_low", "survival_high")},
    }


# ---- several groups: tests


class Tested(NamedTuple):
    """A test's outcome."""

    statistic: float
    df: int
    p_value: float


class Ratio(NamedTuple):
    """The logarithm of a hazard ratio, with standard error, Wald's p and the limits of the ratio."""

    coefficient: float
    error: float
    p_value: float
    low: float
    high: float


def chi_squared(statistic: float, df: int) -> Tested:
    """Return a statistic with its upper tail of chi-squared."""
    return Tested(float(statistic), df, float(chdtrc(df, statistic)))


class Deaths(NamedTuple):
    """Who is at risk and who has the event, by event time and group."""

    time: np.ndarray
    at_risk: np.ndarray  # times x groups
    events: np.ndarray  # times x groups


def deaths_of(months: np.ndarray, event: np.ndarray, code: np.ndarray, groups: int) -> Deaths:
    """Count who is at risk and who has the event at each event time, in each group (`code` 0, 1, ...)."""
    time = np.unique(months[event == 1])
    member = code[:, None] == np.arange(groups)
    at_risk = (months >= time[:, None]).astype(int) @ member
    events = ((months == time[:, None]) & (event == 1)).astype(int) @ member
    return Deaths(time, at_risk, events)


def links_of(deaths: Deaths) -> np.ndarray:
    """Tell which groups had an event (rows) while which others were at risk (columns)."""
    return (deaths.events > 0).T.astype(int) @ (deaths.at_risk > 0) > 0


def log_rank(months: np.ndarray, event: np.ndarray, code: np.ndarray, deaths: Deaths) -> Tested:
    """Test whether hazards are equal; groups that are not at risk at any event are no part of it."""
    present = np.flatnonzero((deaths.at_risk > 0).any(axis=0))
    kept = np.isin(code, present)
    tested = multivariate_logrank_test(months[kept], code[kept], event[kept])
    return chi_squared(tested.test_statistic, len(present) - 1)


def moments(coefficients: np.ndarray, deaths: Deaths) -> tuple[float, list[np.ndarray], list[np.ndarray]]:
    """Return Cox's log partial likelihood with Efron's ties, and per event time its score and information.

    `coefficients` has one for each group (0 for the reference); scores (k) and information (k x k) as well.
    """
    weight = np.exp(coefficients)
    likelihood, scores, informations = 0.0, [], []
    for at_risk, events in zip(deaths.at_risk, deaths.events, strict=True):
        total = events.sum()
        tied = np.arange(total)[:, None] / total
        risk = weight * (at_risk - tied * events)  # deaths x groups
        share = risk / risk.sum(axis=1, keepdims=True)
        likelihood += events @ coefficients - np.log(risk.sum(axis=1)).sum()
        scores.append(events - share.sum(axis=0))
        informations.append(np.diag(share.sum(axis=0)) - share.T @ share)
    return float(likelihood), scores, informations


def fit_cox(
    months: np.ndarray, event: np.ndarray, code: np.ndarray, reference: int, confidence: float
) -> tuple[dict[int, Ratio], float]:
    """Fit hazard ratios to the reference, all of which are finite; return them and the log likelihood."""
    others = [group for group in dict.fromkeys(np.sort(code).tolist()) if group != reference]
    design = pd.DataFrame({str(group): (code == group).astype(float) for group in others})
    design = design.assign(months=months, event=event)
    with warnings.catch_warnings():
        # lifelines guesses at separation by variances; what comes here is known to have none.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = CoxPHFitter(alpha=1 - confidence).fit(design, "months", "event", fit_options=PRECISION)
    summary = fitted.summary
    limits = np.exp(fitted.confidence_intervals_.to_numpy())
    ratios = {
        group: Ratio(*(float(value) for value in (row["coef"], row["se(coef)"], row["p"], *limit)))
        for group, (_, row), limit in zip(others, summary.iterrows(), limits, strict=True)
    }
    return ratios, float(fitted.log_likelihood_)


def proportional(
    months: np.ndarray, event: np.ndarray, coefficients: np.ndarray, deaths: Deaths
) -> Tested | None:
    """Test whether hazard ratios change with 1 - S(t-); None if the events do not tell.

    The score test of coefficient * g(t) added to Cox's model, at the fitted coefficients (the first 0).
    """
    _, scores, informations = moments(coefficients, deaths)
    curve = curve_of(months, event, 0.95)
    before = np.searchsorted(curve.time_months, deaths.time) - 1
    g = 1 - np.where(before < 0, 1, curve.survival.to_numpy()[before])
    score = np.tensordot(g, scores, 1)[1:]
    plain, once, twice = (np.tensordot(g**power, informations, 1)[1:, 1:] for power in (0, 1, 2))
    variance = twice - once @ np.linalg.solve(plain, once)
    size = np.sqrt(np.diag(twice))
    if (size == 0).any() or np.linalg.matrix_rank(variance / np.outer(size, size), tol=1e-9) < len(score):
        return None
    return chi_squared(score @ np.linalg.solve(variance, score), len(score))


def one_limit(deaths: Deaths, supremum: float, confidence: float) -> float:
    """Return the limit of a hazard ratio of two groups that is not finite, by the profile of the likelihood.

    `supremum` is the log likelihood that is approached, but not reached.
    """
    critical = chdtri(1, 1 - confidence)

    def excess(coefficient: float) -> float:
        return 2 * (supremum - moments(np.array([0.0, coefficient]), deaths)[0]) - critical

    return float(np.exp(brentq(excess, -FAR, FAR, xtol=1e-12)))


class Cox(NamedTuple):
    """Cox's model of groups: ratios to the first group where finite, and two tests.

    `limit` is that of a ratio that is not finite, of two groups; else NaN.
    """

    ratios: dict[int, Ratio]
    likelihood_ratio: Tested
    proportional: Tested | None
    limit: float


def cox(months: np.ndarray, event: np.ndarray, code: np.ndarray, deaths: Deaths, confidence: float) -> Cox:
    """Fit Cox's model to groups (`code` 0 is the reference), with care for those that are separated."""
    groups = deaths.at_risk.shape[1]
    links = links_of(deaths)
    pieces, _ = connected_components(links, connection="weak")
    _, strong = connected_components(links, connection="strong")
    null, _, _ = moments(np.zeros(groups), deaths)
    ratios: dict[int, Ratio] = {}
    changes = None
    likelihood = 0.0
    for component in np.unique(strong):
        members = np.flatnonzero(strong == component)
        kept = np.isin(code, members)
        own = deaths_of(months[kept], event[kept], np.searchsorted(members, code[kept]), len(members))
        if len(members) == 1:
            likelihood += moments(np.zeros(1), own)[0]
            continue
        fitted, maximum = fit_cox(months[kept], event[kept], code[kept], members[0], confidence)
        likelihood += maximum
        if members[0] == 0:
            ratios = fitted
            coefficients = np.array([0.0, *(fitted[group].coefficient for group in members[1:])])
            changes = proportional(months[kept], event[kept], coefficients, own)
    df = groups - pieces
    tested = chi_squared(max(2 * (likelihood - null), 0), df) if df else Tested(np.nan, 0, np.nan)
    limit = one_limit(deaths, likelihood, confidence) if groups == 2 and df and not ratios else np.nan
    return Cox(ratios, tested, changes, limit)


# ---- an endpoint of a grouping


class Cohort(NamedTuple):
    """The patients of a grouping that have a time and an event of an endpoint."""

    endpoint: str
    grouping: Grouping
    group: np.ndarray
    months: np.ndarray  # at most the horizon
    event: np.ndarray  # within the horizon
    followed: np.ndarray  # months, as given
    ended: np.ndarray  # event, as given

    def of(self, group: str) -> "Cohort":
        """Return the patients of a group."""
        own = self.group == group
        return self._replace(**{name: getattr(self, name)[own] for name in self._fields[2:]})


def cohort_of(patients: pd.DataFrame, grouping: Grouping, endpoint: str, horizon: float) -> Cohort:
    """Choose the patients of a grouping that were followed, and end their follow-up at the horizon."""
    time, event = patients[f"{endpoint}_months"], patients[f"{endpoint}_event"]
    known = grouping.groups.notna() & time.notna() & event.notna()
    followed, ended = time[known].to_numpy(float), event[known].to_numpy(int)
    group = grouping.groups[known].to_numpy(object)
    within = np.where(followed <= horizon, ended, 0)
    return Cohort(endpoint, grouping, group, np.minimum(followed, horizon), within, followed, ended)


def number(count: int, noun: str) -> str:
    """Say how many: `1 event`, `2 events`."""
    return f"{count} {noun}{'s' * (count != 1)}"


def describe(own: Cohort, patients: int, curve: pd.DataFrame | None) -> dict[str, object]:
    """Describe the follow-up and the median survival of patients; no curve: nobody was followed."""
    lost = patients - len(own.months)
    said = [f"{lost} of {patients} without follow-up"] if lost else []
    row: dict[str, object] = {"patients": patients, "no_follow_up": lost, "followed": len(own.months)}
    if curve is None:
        return row | {"events": 0, "status": "no_follow_up", "reason": said[0]}
    events = int(own.event.sum())
    reverse = curve_of(own.followed, 1 - own.ended, 0.95)
    row |= {
        **{"events": events, "follow_up_max_months": own.followed.max()},
        "follow_up_median_months": median_of(reverse.time_months.to_numpy(), reverse.survival.to_numpy()),
    }
    time = curve.time_months.to_numpy()
    medians = [
        median_of(time, curve[name].to_numpy()) for name in ("survival", "survival_low", "survival_high")
    ]
    row |= dict(zip(("median_months", "median_low", "median_high"), medians, strict=True))
    if own.months.max() == 0 and not events:
        status = "all_censored_at_0"
        said.insert(0, f"{number(len(own.months), 'patient')}, none followed beyond month 0")
    elif not events:
        status = "no_events"
        said.insert(0, f"no event in {number(len(own.months), 'patient')}")
    elif np.isnan(medians[0]):
        status = "not_reached"
        said.insert(0, f"survival stays at {curve.survival.iloc[-1]:.3g} after the last event")
    else:
        status = "ok"
    return row | {"status": status, "reason": "; ".join(said)}


def at_times(own: Cohort, curve: pd.DataFrame, horizon: float) -> list[dict[str, object]]:
    """Read a group's curve at the months that are reported."""
    last = own.months.max()
    rows = []
    for at in TIMES:
        row: dict[str, object] = {"time_months": at}
        read = at_time(curve, own.months, at)
        if at > horizon:
            row |= {"status": "beyond_horizon", "reason": f"follow-up is cut at month {horizon:g}"}
        elif at > last and curve.survival.iloc[-1] > 0:
            reason = f"the last patient was followed for {last:.4g} months"
            row |= {"at_risk": 0, "events": read["events"], "status": "beyond_follow_up", "reason": reason}
        else:
            row |= read | dict(zip(("status", "reason"), interval_status(read["survival"]), strict=True))
        rows.append(row)
    return rows


def interval_status(survival: float) -> tuple[str, str | None]:
    """Say whether a survival can have an interval: status and reason."""
    if survival == 1:
        return "no_events", "no event so far: no interval"
    if survival == 0:
        return "all_events", "all who were at risk had the event: no interval"
    return "ok", None


def towards(links: np.ndarray, group: int) -> str:
    """Say where an infinite hazard ratio of a group to the first goes."""
    reach = np.linalg.matrix_power((links | np.eye(len(links), dtype=bool)).astype(float), len(links)) > 0
    if not reach[group, 0] and not reach[0, group]:
        return "both are never at risk together at an event"
    return "it grows without bound" if reach[group, 0] else "it falls towards 0"


def untestable(own: Cohort, present: Sequence[str]) -> tuple[str, str] | None:
    """Say why groups cannot be tested: status and reason; None if they can."""
    events, name = int(own.event.sum()), own.grouping.name
    if not own.grouping.order:
        what = "no scores" if name == SCORE_GROUP else f"no values of {name}"
        return "no_groups", f"no patient has a group ({what})"
    if not len(own.months):
        return "no_follow_up", f"no patient with a group has {own.endpoint}_months and {own.endpoint}_event"
    if len(own.grouping.order) > MOST_GROUPS:
        return "too_many_groups", f"{len(own.grouping.order)} values of {name}; at most {MOST_GROUPS} groups"
    if len(present) == 1:
        return "one_group", f"all {number(len(own.months), 'patient')} with follow-up are in {present[0]}"
    if own.months.max() == 0 and not events:
        return "all_censored_at_0", "no patient was followed beyond month 0"
    if not events:
        return "no_events", f"no event in {number(len(own.months), 'patient')}"
    if events < 2:
        return "too_few", f"{number(events, 'event')} in {number(len(own.months), 'patient')}"
    return None


def list_tests(own: Cohort, confidence: float) -> list[dict[str, object]]:
    """Test the groups of an endpoint: rows of tests.tsv, but for what the cutoff's choice does to them."""
    present = [group for group in own.grouping.order if (own.group == group).any()]
    size = {"patients": len(own.months), "events": int(own.event.sum())}
    if why := untestable(own, present):
        names = ("log_rank", "cox", "cox_likelihood_ratio", "proportional_hazards")
        return [{"test": test, **size, "status": why[0], "reason": why[1]} for test in names]
    code = np.array([present.index(group) for group in own.group])
    deaths = deaths_of(own.months, own.event, code, len(present))
    common = links_of(deaths)
    fitted = cox(own.months, own.event, code, deaths, confidence)
    few = size["events"] < FEW_EVENTS
    good = ("few_events", f"{size['events']} events: a rough guide") if few else ("ok", None)
    none = ("not_finite", "no two groups are at risk together at an event")

    def row(test: str, found: Tested | None, lacking: tuple[str, str], **more: object) -> dict[str, object]:
        told = {} if found is None else found._asdict()
        status, reason = lacking if found is None or np.isnan(found.p_value) else good
        return {"test": test, **size, **told, "status": status, "reason": reason, **more}

    together = (common & ~np.eye(len(present), dtype=bool)).any()
    rows = [row("log_rank", log_rank(own.months, own.event, code, deaths) if together else None, none)]
    for group in range(1, len(present)):
        pair = {"group": present[group], "reference": present[0]}
        both = np.isin(code, (0, group))
        pair |= {"patients": int(both.sum()), "events": int(own.event[both].sum())}
        if ratio := fitted.ratios.get(group):
            tested = Tested(ratio.coefficient / ratio.error, 1, ratio.p_value)
            pair |= {"hazard_ratio": float(np.exp(ratio.coefficient)), "log_hazard_ratio": ratio.coefficient}
            pair |= {"hazard_ratio_low": ratio.low, "hazard_ratio_high": ratio.high}
            rows.append(row("cox", tested, none, **pair, standard_error=ratio.error))
            continue
        empty = [present[each] for each in (0, group) if not deaths.events[:, each].any()]
        why = f"no events in {' and '.join(empty)}" if empty else "the events of both groups are separated"
        why = f"no finite hazard ratio: {why}; {towards(common, group)}"
        if not np.isnan(fitted.limit):
            above = common[group, 0]  # the group has events while the reference is at risk
            pair |= {f"hazard_ratio_{'low' if above else 'high'}": fitted.limit}
            why += f", and is {'above' if above else 'below'} {fitted.limit:.3g} ({confidence * 100:g} %)"
        rows.append(row("cox", None, ("not_finite", why), **pair))
    rows.append(row("cox_likelihood_ratio", fitted.likelihood_ratio, none))
    lacking = ("too_few", f"{number(len(deaths.time), 'event time')}: a change with time cannot be told")
    if not fitted.ratios:
        lacking = ("not_finite", "no finite hazard ratio, so none that could change with time")
    elif len(fitted.ratios) < len(present) - 1:
        names = [present[0], *(present[group] for group in fitted.ratios)]
        good = (good[0], "; ".join(filter(None, [good[1], f"of {', '.join(names)} only"])))
    return [*rows, row("proportional_hazards", fitted.proportional, lacking)]


def with_correction(tests: pd.DataFrame, corrected: pd.DataFrame) -> pd.DataFrame:
    """Add to the tests of score_group what the choice of the cutoff does to them."""
    known = {(row.endpoint, row.test): row for row in corrected.itertuples()}
    by_endpoint = {row.endpoint: row for row in corrected.itertuples()}
    for place, row in tests[tests.grouping == SCORE_GROUP].iterrows():
        if about := by_endpoint.get(row.endpoint):
            tests.loc[place, "data_driven"] = "no" if about.cutoff_source == "given" else "yes"
            tests.loc[place, "circular"] = about.circular
        exact = known.get((row.endpoint, row.test))
        if exact is not None and pd.notna(row.p_value):
            tests.loc[place, "p_corrected"] = exact.p_corrected
    return tests


def analyse(
    patients: pd.DataFrame,
    groupings: Sequence[Grouping],
    corrected: pd.DataFrame,
    horizon: float,
    confidence: float,
) -> Compared:
    """Describe and compare the survival of all groups, by both endpoints."""
    curves, medians, times, tests = [], [], [], []
    for grouping in groupings:
        for endpoint in ENDPOINTS:
            place = {"endpoint": endpoint, "grouping": grouping.name}
            cohort = cohort_of(patients, grouping, endpoint, horizon)
            tests += [place | row for row in list_tests(cohort, confidence)]
            shown = grouping.order if len(grouping.order) <= MOST_GROUPS else []
            for group in [*shown, *([ALL] if grouping.order else [])]:
                own = cohort if group == ALL else cohort.of(group)
                size = int(
                    (grouping.groups == group).sum() if group != ALL else grouping.groups.notna().sum()
                )
                curve = curve_of(own.months, own.event, confidence) if len(own.months) else None
                medians.append(place | {"group": group} | describe(own, size, curve))
                if curve is None or group == ALL:
                    continue
                said = pd.DataFrame(map(interval_status, curve.survival), columns=["status", "reason"])
                curves.append(pd.concat([curve.assign(**place, group=group), said], axis=1))
                times += [place | {"group": group} | row for row in at_times(own, curve, horizon)]
    km = pd.concat(curves) if curves else pd.DataFrame()
    table = pd.DataFrame(tests).reindex(columns=TESTS)
    table = table.astype(
        dict.fromkeys(["p_corrected"], "float64") | dict.fromkeys(["data_driven", "circular"], object)
    )
    counts = dict.fromkeys(["at_risk", "events"], "Int64")
    return Compared(
        km.reindex(columns=KM),
        pd.DataFrame(medians).reindex(columns=MEDIANS),
        pd.DataFrame(times).reindex(columns=AT_TIMES).astype(counts),
        with_correction(table, corrected),
    )


@click.command(cls=Script)
@click.option("--patients", type=INPUT, required=True, help="TSV: a row a patient; times in months.")
@click.option(
    "--scores", type=FOLDER, required=True,
    help="Folder with groups.tsv and corrected.tsv of biomarker_cutoff, or none.",
)  # fmt: skip
@click.option(
    "--survival-groups", default="score_group", show_default=True,
    help="Columns that group patients, comma-separated: score_group, or columns of the patients' sheet.",
)  # fmt: skip
@click.option(
    "--survival-horizon", type=click.FloatRange(0, min_open=True), default=60, show_default=True,
    help="Months after which follow-up is cut.",
)  # fmt: skip
@click.option(
    "--confidence", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.95,
    show_default=True, help="Confidence of intervals.",
)  # fmt: skip
@RESULTS
def main(
    patients: Path,
    scores: Path,
    survival_groups: str,
    survival_horizon: float,
    confidence: float,
    results: Path,
) -> None:
    """Compare overall and disease-free survival between groups of patients."""
    sheet = read_patients(patients)
    groupings = groupings_of(sheet, read_scores(scores), survival_groups)
    found = analyse(sheet, groupings, read_corrected(scores), survival_horizon, confidence)
    for name, table in found._asdict().items():
        write_table(table, results / f"{name}.tsv")
    write_report(found, groupings, survival_horizon, confidence, results)
    write_versions(results / "versions.tsv", "lifelines", "matplotlib", "numpy", "pandas", "scipy")


if __name__ == "__main__":
    main()
