#!/usr/bin/env python3
"""Compare groups of measurements: conditions within lines, doses within conditions.

Measurement
  Value over normaliser, where the assay has normalisers; else the value. Replicates are independent
  experiments: several rows of one replicate are technical, and their ratios are averaged first. Quantities of
  PCR come as the assay qpcr_<gene>, relative to the housekeeping genes. A group is an assay, line, condition,
  treatment and dose; it has the mean of its replicates, their SD and SEM = SD / sqrt(n).
Display
  Means are shown relative to one constant: the mean of the reference group (untreated, or at its first dose),
  or, without one or where the assay lacks it, of the line's own reference condition. Tests never see it.
Comparisons
  conditions       target against reference condition, in a line, at one treatment and dose
  doses            each dose against untreated cells of the same line and condition, else against the lowest
  reference_group  each other line's reference condition against the reference group, untreated
Tests, two-sided, of the null hypothesis that both means (mann_whitney: distributions) are equal
  student          t, equal variances
  welch            t, unequal variances, Satterthwaite's degrees of freedom
  paired           t of the differences within replicates of the same name
  mann_whitney     exact if both groups have fewer than 50 replicates and no values are tied, else the normal
                   approximation with correction for ties and continuity, as in R's wilcox.test
Normalised per experiment
  In an assay that has a group of two or more replicates whose values are all exactly 1, or all 100, each
  experiment was divided by that group. It then has no variance, and with three replicates a two-sample t test
  errs in 11 % where it promises 5 %. So whatever test was asked for: against such a group a one-sample t test
  of the logarithms of the ratios, else a paired t test of them, in which the common divisor cancels. Two such
  groups cannot be compared.
Ratio
  Of means, with Fieller's interval (1954): the ratios r for which the t test of second - r * first does not
  reject, paired as the test, else Welch's (errors grow with what is measured, so that variances differ where
  means do). If the reference's mean is not clear of 0 it is not bounded. Of log ratios: the geometric mean of
  the ratios, with the t interval.
Many tests
  Holm's adjustment over all tests of an assay. Stars: * p_adjusted < 0.05, ** < 0.01, *** < 0.001, else ns.
Few values
  One replicate is descriptive: a mean, a ratio, no test. With two the test is made, and its status says so. A
  group without variance (or equal differences) has no t test.
Calls
  What was seen by eye (present, reduced, absent): what more than half of the replicates were called, with
  their share; else discordant.
Evidence for the call of candidates, of untreated cells
  The ratio of geometric means to the reference group, with the t interval of log ratios (by pairs where tests
  are paired or experiments were normalised, else Welch's); NQO1 activity as measured; calls.
Assumes    Independent experiments, normal errors of values (of logarithms in ratios of geometric means).

References: Student 1908, doi:10.2307/2331554; Welch 1947, doi:10.2307/2332510; Mann and Whitney 1947,
doi:10.1214/aoms/1177730491; Fieller 1954, J R Stat Soc B 16:175, doi:10.1111/j.2517-6161.1954.tb00159.x;
Holm 1979, Scand J Stat 6:65
"""

from collections.abc import Iterator, Sequence
from functools import cache
from math import comb
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
from common.cli import FOLDER, RESULTS, Script
from common.evidence import evidence_table, write_evidence
from common.group_comparison_report import Compared, write_figures, write_sections
from common.group_comparison_tables import (
    GROUP,
    GROUP_COLUMNS,
    LEVEL,
    TEST_COLUMNS,
    Group,
    in_words,
    joined,
    list_replicates,
    read_measurements,
    reference_of,
    stars_of,
    untreated,
)
from common.multiqc import write_versions
from common.tables import write_table
from scipy.special import ndtr, stdtr, stdtrit

TESTS = ("student", "welch", "paired", "mann_whitney")
CONSTANTS = (1.0, 100.0)  # what a reference is when each experiment was divided by it
LIMIT_STEPS = 100  # the degrees of freedom at a limit settle after a few
EXACT_BELOW = 50  # replicates, as in R
EVIDENCE = ("are_reporter", "nrf2_protein", "nqo1_protein", "nqo1_activity", "keap1_protein", "cul3_protein")


# ---- tests of two groups; the ratio is that of the second to the first


class Tested(NamedTuple):
    """A test's outcome; what it has not is NaN."""

    test: str
    statistic: float = np.nan
    df: float = np.nan
    p_value: float = np.nan


def two_sided(statistic: float, df: float) -> float:
    """Return the two-sided p of Student's t."""
    return float(2 * stdtr(df, -abs(statistic)))


def two_sample(first: np.ndarray, second: np.ndarray, pooled: bool) -> Tested:
    """Test whether two means differ by Student's (`pooled`) or Welch's t."""
    sizes = np.array([len(first), len(second)])
    spread = np.array([first.var(ddof=1), second.var(ddof=1)])
    if pooled:
        df = float(sizes.sum() - 2)
        of_means = (spread @ (sizes - 1)) / df / sizes
    else:
        of_means = spread / sizes
        df = satterthwaite(of_means, sizes - 1)
    statistic = float((second.mean() - first.mean()) / np.sqrt(of_means.sum()))
    return Tested("student" if pooled else "welch", statistic, df, two_sided(statistic, df))


def satterthwaite(of_means: np.ndarray, df: np.ndarray) -> float:
    """Return the degrees of freedom of a sum of variances that have these."""
    return float(of_means.sum() ** 2 / (of_means**2 / df).sum())


def one_sample(differences: np.ndarray, name: str) -> Tested:
    """Test whether the mean of differences is 0 by Student's t."""
    df = len(differences) - 1
    statistic = float(differences.mean() / np.sqrt(differences.var(ddof=1) / len(differences)))
    return Tested(name, statistic, df, two_sided(statistic, df))


@cache
def rank_sums(size_1: int, size_2: int) -> np.ndarray:
    """Return the chance of each value of Mann and Whitney's U, 0 to size_1 * size_2, without ties."""
    # Coefficients of the Gaussian binomial, a product of (1 - q^(size_2 + k)) / (1 - q^k): whole numbers.
    ways = [1] + [0] * (size_1 * size_2)
    for k in range(1, size_1 + 1):
        for place in range(len(ways) - 1, size_2 + k - 1, -1):
            ways[place] -= ways[place - size_2 - k]
        for place in range(k, len(ways)):
            ways[place] += ways[place - k]
    return np.array([each / comb(size_1 + size_2, size_1) for each in ways])


def mann_whitney(first: np.ndarray, second: np.ndarray) -> Tested:
    """Test whether one of two groups tends to have larger values; the statistic is the second group's U."""
    size_1, size_2 = len(first), len(second)
    values = np.concatenate([second, first])
    _, inverse, ties = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[inverse]
    statistic = float(ranks[:size_2].sum() - size_2 * (size_2 + 1) / 2)
    distance = abs(statistic - size_1 * size_2 / 2)
    if max(size_1, size_2) < EXACT_BELOW and (ties == 1).all():
        tail = rank_sums(size_1, size_2)[: round(size_1 * size_2 / 2 - distance) + 1].sum()
        return Tested("mann_whitney_exact", statistic, p_value=min(2 * float(tail), 1.0))
    total = size_1 + size_2
    tied = (ties**3 - ties).sum() / (total * (total - 1))
    sd = np.sqrt(size_1 * size_2 / 12 * (total + 1 - tied))
    if not sd:
        return Tested("mann_whitney_approximate", statistic)
    z = max(distance - 0.5, 0) / sd
    return Tested("mann_whitney_approximate", statistic, p_value=float(2 * ndtr(-z)))


def fieller(
    means: Sequence[float], variances: Sequence[float], df: float, confidence: float
) -> tuple[float, float]:
    """Return the limits of the ratio of the second mean to the first: NaN if they are not bounded.

    `variances` are those of both means, and their covariance. The interval holds the ratios r for which a
    t test of second - r * first, with these degrees of freedom, has p > 1 - confidence.
    """
    square = stdtrit(df, (1 + confidence) / 2) ** 2
    a = means[0] ** 2 - square * variances[0]
    b = means[0] * means[1] - square * variances[2]
    c = means[1] ** 2 - square * variances[1]
    if a <= 0:
        return np.nan, np.nan
    root = np.sqrt(max(b**2 - a * c, 0))
    return float((b - root) / a), float((b + root) / a)


def ratio_limits(first: np.ndarray, second: np.ndarray, paired: bool, confidence: float) -> list[float]:
    """Return Fieller's limits of the ratio of means; unpaired, of variances that differ.

    Then the test of second - r * first is Welch's, whose degrees of freedom depend on r: those at the limit
    itself are taken.
    """
    means, n = (first.mean(), second.mean()), np.array([len(first), len(second)])
    if paired:
        covariance = np.cov(first, second) / n[0]
        spread = (covariance[0, 0], covariance[1, 1], covariance[0, 1])
        return list(fieller(means, spread, n[0] - 1, confidence))
    spread = np.array([first.var(ddof=1), second.var(ddof=1)]) / n
    limits = [means[1] / means[0]] * 2
    for end in (0, 1):
        for _ in range(LIMIT_STEPS):
            df, before = satterthwaite(spread * [limits[end] ** 2, 1], n - 1), limits[end]
            limits[end] = fieller(means, (*spread, 0), df, confidence)[end]
            if not abs(limits[end] - before) > 1e-12 * abs(before):  # settled, or not bounded
                break
    return limits


def holm(p: np.ndarray) -> np.ndarray:
    """Adjust p-values by Holm's method."""
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted


# ---- two groups of replicates


def constant_of(values: np.ndarray) -> float:
    """Return 1 or 100 if two or more values are all exactly that, else NaN."""
    if len(values) < 2:
        return np.nan
    return next((each for each in CONSTANTS if (values == each).all()), np.nan)


def flat(values: np.ndarray, size: float | None = None) -> bool:
    """Whether values (of this size) do not differ, but for the machine's last digits."""
    return bool(np.ptp(values) <= 1e-12 * (np.abs(values).max() if size is None else size))


def log_ratios(x: np.ndarray, y: np.ndarray, constants: Sequence[float]) -> np.ndarray:
    """Return the log ratios of y to x: to the constant of one of them if it has one, else by pairs."""
    if not np.isnan(constants[0]):
        return np.log(y / constants[0])
    return np.log(y / x) if np.isnan(constants[1]) else np.log(constants[1] / x)


def tested_log_ratios(logs: np.ndarray, name: str, confidence: float) -> dict[str, object]:
    """Test log ratios against 0; the limits are those of the geometric mean of the ratios."""
    tested = one_sample(logs, name)
    margin = stdtrit(tested.df, (1 + confidence) / 2) * logs.std(ddof=1) / np.sqrt(len(logs))
    limits = {"ratio_low": np.exp(logs.mean() - margin), "ratio_high": np.exp(logs.mean() + margin)}
    return tested._asdict() | limits


def tested_values(x: np.ndarray, y: np.ndarray, test: str, confidence: float) -> dict[str, object]:
    """Test values as they are; the limits are those of the ratio of means, if it has any."""
    if test == "mann_whitney":
        tested = mann_whitney(x, y)
    else:
        tested = one_sample(y - x, test) if test == "paired" else two_sample(x, y, test == "student")
    limits = ratio_limits(x, y, test == "paired", confidence) if x.mean() > 0 else [np.nan] * 2
    return tested._asdict() | {"ratio_low": limits[0], "ratio_high": limits[1]}


def compare(
    first: pd.Series, second: pd.Series, test: str, per_experiment: bool, confidence: float
) -> dict[str, object]:
    """Compare two groups (values by the replicate's name): a row of tests.tsv, as far as it goes.

    `per_experiment` says that the assay's experiments were each divided by a group of it.
    """
    row: dict[str, object] = {"n_1": len(first), "n_2": len(second), "ratio_method": "none"}
    if first.empty or second.empty:
        lacking = " and ".join(f"group_{end}" for end, n in enumerate((first, second), 1) if n.empty)
        return row | {"status": "no_values", "reason": f"no value in {lacking}"}
    constants = [constant_of(values.to_numpy()) for values in (first, second)]
    if per_experiment and not np.isnan(constants).any():
        reason = "each experiment was divided by either group: what they were to each other is lost"
        return row | {"status": "not_comparable", "reason": reason}
    said = []
    pairing = np.isnan(constants).all() if per_experiment else test == "paired"
    if pairing:
        both = first.index.intersection(second.index, sort=False)
        if both.empty:
            reason = f"no replicate is in both groups ({', '.join(first.index)}; {', '.join(second.index)})"
            return row | {"status": "no_pairs", "reason": reason}
        if unpaired := len(first) + len(second) - 2 * len(both):
            said.append(f"left out without a partner: {unpaired}")
        first, second = first[both], second[both]
        row |= {"n_1": len(both), "n_2": len(both)}
    x, y = first.to_numpy(float), second.to_numpy(float)

    if per_experiment:
        if (lowest := min(x.min(), y.min())) <= 0:
            reason = f"logarithms are needed, and the lowest value is {lowest:.4g}"
            return row | {"status": "not_positive", "reason": reason}
        logs = log_ratios(x, y, constants)
        name = "paired_t_log_ratio" if pairing else "one_sample_t_log_ratio"
        said.append("normalised per experiment: log ratios are tested")
        row |= {"ratio": np.exp(logs.mean())}
        smallest, unvarying = len(logs), flat(logs, 1)
    else:
        row |= {"ratio": y.mean() / x.mean() if x.mean() > 0 else np.nan}
        if not x.mean() > 0:
            said.append(f"no ratio to a mean of {x.mean():.4g}")
        smallest, size = min(len(x), len(y)), np.abs([*x, *y]).max()
        if test == "mann_whitney":
            unvarying = flat(np.concatenate([x, y]))
        else:
            unvarying = flat(y - x, size) if test == "paired" else flat(x) or flat(y)
    if smallest == 1:
        return row | {"status": "descriptive", "reason": "; ".join(["one replicate: no test", *said])}
    if unvarying:
        said.insert(0, "values without variance: no test")
        return row | {"status": "zero_variance", "reason": "; ".join(said)}

    if per_experiment:
        row |= tested_log_ratios(logs, name, confidence) | {"ratio_method": "log_t"}
    else:
        row |= tested_values(x, y, test, confidence)
        if not np.isnan(row["ratio"]):
            row |= {"ratio_method": "fieller_paired" if test == "paired" else "fieller_welch"}
            if np.isnan([row["ratio_low"], row["ratio_high"]]).any():
                said.append("the mean of group_1 is not clear of 0: the ratio has no bounded interval")
    if smallest == 2:
        return row | {"status": "two_replicates", "reason": "; ".join(["two replicates", *said])}
    return row | {"status": "ok", "reason": "; ".join(said)}


# ---- replicates and groups


def measure(sheet: pd.DataFrame) -> pd.DataFrame:
    """Divide values by normalisers: a row a measurement, with `measured` and, if it has none, `lacks`."""
    of_assay = sheet.assay.map(sheet.normaliser.notna().groupby(sheet.assay, sort=False).any())
    measured = sheet.value / np.where(of_assay, sheet.normaliser.where(sheet.normaliser != 0), 1.0)
    lacks = np.select(
        [sheet.value.isna(), of_assay & sheet.normaliser.isna(), of_assay & sheet.normaliser.eq(0)],
        ["no_value", "missing_normaliser", "zero_normaliser"],
        "",
    )
    return sheet.assign(measured=measured, lacks=lacks)


def agreed(calls: pd.Series) -> str | None:
    """Return what more than half of calls say, `discordant` if no call does, nothing without calls."""
    counts = calls.dropna().value_counts()
    if counts.empty:
        return None
    return str(counts.index[0]) if counts.iloc[0] > counts.sum() / 2 else "discordant"


def describe(rows: pd.DataFrame, replicates: pd.Series) -> dict[str, object]:
    """Describe a group: the mean of its replicates, their call, and what it lacks."""
    values = replicates.to_numpy()
    n, constant = len(values), constant_of(values)
    calls = rows.groupby("replicate", sort=False).call.agg(agreed).dropna()
    call = agreed(calls)
    technical = len(rows) - (rows.lacks != "").sum()
    said = [in_words(rows.lacks, "left out"), in_words(rows.flag, "marked")]
    said += [f"{technical} rows averaged within {n} replicates" if technical > n else ""]
    if not n:
        status = "call_only" if call else rows.lacks.iloc[0]
    elif n == 1:
        status = "descriptive"
        said.insert(0, "one replicate")
    elif not np.isnan(constant):
        status = "normalised_to"
        said.insert(
            0, f"all {n} replicates are exactly {constant:g}: each experiment was divided by this group"
        )
    elif n == 2:
        status = "two_replicates"
    elif flat(values):
        status = "zero_variance"
        said.insert(0, f"all {n} replicates are {values[0]:.4g}")
    else:
        status = next((each for each in rows.lacks if each), "ok")
    sd = float(np.std(values, ddof=1)) if n > 1 else np.nan
    return {
        **{"n": n, "measurements": technical, "mean": float(values.mean()) if n else np.nan},
        **{"sem": sd / np.sqrt(n) if n > 1 else np.nan, "sd": sd, "call": call, "calls": len(calls)},
        "call_agreement": float((calls == call).mean()) if len(calls) else np.nan,
        **{"status": status, "reason": "; ".join(part for part in said if part)},
    }


def groups_of(sheet: pd.DataFrame) -> list[Group]:
    """Make the groups of all assays, in the sheet's order, but untreated cells first and doses rising."""
    rows = measure(sheet)
    filled = rows[GROUP].fillna({"treatment": "", "treatment_dose": -1.0, "treatment_unit": ""})
    for column in ("assay", "line", "condition"):
        filled[column] = pd.Categorical(filled[column], filled[column].unique())
    treatments = ["", *filled.treatment[filled.treatment != ""].unique()]
    filled["treatment"] = pd.Categorical(filled.treatment, treatments)
    groups = []
    for key, where in filled.groupby([*GROUP[:3], *LEVEL], observed=True):
        its = rows.loc[where.index]
        place = {column: each or None for column, each in zip([*GROUP[:3], *LEVEL], key, strict=True)}
        place |= {"role": its.role.iloc[0], "treatment_dose": its.treatment_dose.iloc[0]}
        values = its[its.lacks == ""].groupby("replicate", sort=False).measured.mean()
        groups.append(Group({column: place[column] for column in GROUP}, values, describe(its, values)))
    return groups


def list_groups(groups: Sequence[Group], named: str) -> pd.DataFrame:
    """List the groups of an assay, with their means relative to the reference group's."""
    references = {line: reference_of(groups, line, named) for line in {each.place["line"] for each in groups}}
    rows = []
    for group in groups:
        reference, row = references[group.place["line"]], group.place | group.found
        constant = reference.found["mean"] if reference else np.nan
        row |= {"reference_group": reference.label if reference else None}
        if constant > 0:
            row |= {"relative_mean": row["mean"] / constant, "relative_sem": row["sem"] / constant}
        said = [row["reason"]]
        if not reference:
            said.append("the line has no reference condition: nothing to show the mean relative to")
        elif not constant > 0:
            said.append("the reference group has no mean above 0")
        if named and reference and reference.cells != named:
            said.append(f"the assay lacks {named}")
        rows.append(row | {"reason": "; ".join(part for part in said if part)})
    return pd.DataFrame(rows).reindex(columns=GROUP_COLUMNS)


# ---- comparisons


def pairs_of(groups: Sequence[Group], named: str) -> Iterator[tuple[str, Group | None, Group | None]]:
    """Go through the comparisons of an assay: what is compared, and both groups; None is one that lacks."""
    by_cells: dict[tuple[str, str], list[Group]] = {}
    for group in groups:
        by_cells.setdefault((group.place["line"], group.place["role"]), []).append(group)
    for line in dict.fromkeys(group.place["line"] for group in groups):
        sides = [
            {each.level: each for each in by_cells.get((line, role), [])} for role in ("reference", "target")
        ]
        for level in dict.fromkeys([*sides[0], *sides[1]]):
            yield "conditions", sides[0].get(level), sides[1].get(level)
    for cells in dict.fromkeys(group.cells for group in groups):
        own = {group.level: group for group in groups if group.cells == cells}
        for treatment in dict.fromkeys(treatment for treatment, _ in own if treatment):
            steps = sorted(dose for name, dose in own if name == treatment)
            base = own.get((treatment, 0.0)) or own.get(("", 0.0)) or own[treatment, steps[0]]
            for dose in steps:
                if own[treatment, dose] is not base:
                    yield "doses", base, own[treatment, dose]
    against = untreated([group for group in groups if group.cells == named])
    for (_, role), own in by_cells.items() if against else ():
        group = untreated(own)
        if role == "reference" and group.cells != named:
            same = {each.level: each for each in own}.get(against.level)
            yield "reference_group", against, same or group


def list_tests(groups: Sequence[Group], named: str, test: str, confidence: float) -> pd.DataFrame:
    """Make the comparisons of an assay, adjusted together."""
    per_experiment = any(not np.isnan(constant_of(group.replicates.to_numpy())) for group in groups)
    rows = []
    for comparison, first, second in pairs_of(groups, named):
        known = second or first
        row = {column: known.place[column] for column in ("assay", "line", *LEVEL)} | {
            "comparison": comparison
        }
        for end, group in (("1", first), ("2", second)):
            row |= {f"group_{end}": group and group.label, f"n_{end}": len(group.replicates) if group else 0}
            row |= {f"condition_{end}": group and group.place["condition"]}
        if first is None or second is None:
            lacking = "reference" if first is None else "target"
            row |= {"status": "no_pair", "reason": f"no measurement of the {lacking} condition"}
        else:
            row |= compare(first.replicates, second.replicates, test, per_experiment, confidence)
            if first.level != second.level and comparison == "reference_group":
                row["reason"] = "; ".join(filter(None, ["treatments differ", row["reason"]]))
        rows.append(row)
    table = pd.DataFrame(rows).reindex(columns=TEST_COLUMNS)
    p = table.p_value.astype(float).to_numpy()
    tested = ~np.isnan(p)
    adjusted = np.full(len(p), np.nan)
    adjusted[tested] = holm(p[tested])
    table["p_adjusted"] = adjusted
    table["adjust_method"] = np.where(tested, "holm", None)
    of = f"{groups[0].place['assay']}, {tested.sum()} tests"
    table["family"] = np.where(tested, of, None)
    table["stars"] = [stars_of(each) for each in adjusted]
    return table


# ---- evidence for the call of mitomycin C candidates


def ratio_to(
    first: pd.Series, second: pd.Series, test: str, per_experiment: bool, confidence: float
) -> dict[str, object]:
    """Return the ratio of the second group's geometric mean to the first's, and its t interval.

    By pairs of replicates if tests are paired or experiments were each divided by a group, else Welch's.
    """
    if per_experiment or test == "paired":
        found = compare(first, second, test, True, confidence)
        row = {"value": found.get("ratio"), "low": found.get("ratio_low"), "high": found.get("ratio_high")}
        status = "ok" if "ratio" in found else found["status"]
        return row | {"n": min(found["n_1"], found["n_2"]), "status": status, "reason": found["reason"]}
    row: dict[str, object] = {"n": min(len(first), len(second))}
    if (lowest := min(first.min(), second.min())) <= 0:
        reason = f"logarithms are needed, and the lowest value is {lowest:.4g}"
        return row | {"status": "not_positive", "reason": reason}
    x, y = np.log(first.to_numpy(float)), np.log(second.to_numpy(float))
    middle = y.mean() - x.mean()
    row |= {"value": np.exp(middle), "status": "ok", "reason": "one experiment: no interval"}
    if row["n"] > 1:
        n = np.array([len(x), len(y)])
        spread = np.array([0 if flat(each, 1) else each.var(ddof=1) for each in (x, y)]) / n
        row |= {"reason": "values without variance: no interval"}
        if spread.any():
            margin = stdtrit(satterthwaite(spread, n - 1), (1 + confidence) / 2) * np.sqrt(spread.sum())
            row |= {"low": np.exp(middle - margin), "high": np.exp(middle + margin), "reason": ""}
    return row


def weigh(
    group: Group, reference: Group | None, named: str, test: str, per_experiment: bool, confidence: float
) -> dict[str, object]:
    """Return what a group shows as evidence: NQO1 activity as it is, else the ratio to the reference."""
    values = group.replicates
    if group.treated:
        return {"status": "treated_only", "reason": f"measured as {group.label} only"}
    if values.empty:
        return {"status": group.found["status"], "reason": group.found["reason"]}
    if group.place["assay"] == "nqo1_activity":
        if per_experiment:
            return {"status": "relative_only", "reason": "each experiment was divided by a group"}
        row = {"value": values.mean(), "n": len(values), "status": "ok", "reason": group.found["reason"]}
        if len(values) > 1:
            margin = stdtrit(len(values) - 1, (1 + confidence) / 2) * group.found["sem"]
            row |= {"low": values.mean() - margin, "high": values.mean() + margin}
        return row
    if not named:
        return {"status": "no_reference_group", "reason": "no --reference_group was given"}
    if reference is None or reference.replicates.empty:
        return {"status": "reference_not_measured", "reason": f"the assay lacks {named}, untreated"}
    if group is reference:
        one = {"value": 1.0, "low": 1.0, "high": 1.0}
        return one | {"n": len(values), "status": "ok", "reason": "the reference group itself"}
    return ratio_to(reference.replicates, values, test, per_experiment, confidence)


def list_evidence(
    groups: Sequence[Group], named: str, test: str, confidence: float
) -> list[dict[str, object]]:
    """List what an assay shows of NRF2 and NQO1 in each line and condition without treatment.

    What was called by eye is evidence of its own, also where there is no ratio.
    """
    if groups[0].place["assay"] not in EVIDENCE:
        return []
    per_experiment = any(not np.isnan(constant_of(group.replicates.to_numpy())) for group in groups)
    cells = dict.fromkeys(group.cells for group in groups)
    bare = {name: untreated([group for group in groups if group.cells == name]) for name in cells}
    reference = bare.get(named)
    if reference and reference.treated:
        reference = None
    rows = []
    for group in bare.values():
        place = {name: group.place[name] for name in ("line", "condition", "role")}
        found = weigh(group, reference, named, test, per_experiment, confidence)
        call = group.found["call"] if found["status"] != "treated_only" else None
        if call and found["status"] != "ok":
            found = {"status": "ok", "reason": f"by eye alone: {found['reason']}"}
        unit = "nmol/min/mg" if group.place["assay"] == "nqo1_activity" else "ratio"
        row = {"evidence": group.place["assay"], "unit": unit, "call": call} | found
        rows.append(place | row | {"source": "group_comparison/groups.tsv"})
    return rows


@click.command(cls=Script)
@click.option("--assays", type=FOLDER, required=True, help="Folder of assays.tsv, or none.")
@click.option("--quantities", type=FOLDER, required=True, help="Folder of quantities.tsv, or none.")
@click.option(
    "--test", type=click.Choice(TESTS), default="student", show_default=True,
    help="Test between groups; paired is by replicate.",
)  # fmt: skip
@click.option(
    "--reference-group", default="",
    help="Group that bars are shown relative to, as line.condition; none: each line's reference condition.",
)  # fmt: skip
@click.option(
    "--confidence", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.95,
    show_default=True, help="Confidence of intervals of ratios.",
)  # fmt: skip
@RESULTS
def main(
    assays: Path, quantities: Path, test: str, reference_group: str, confidence: float, results: Path
) -> None:
    """Compare groups of measurements: conditions within lines, doses within conditions."""
    groups = groups_of(read_measurements(assays, quantities))
    of_assay = {group.place["assay"]: [] for group in groups}
    for group in groups:
        of_assay[group.place["assay"]].append(group)
    shown = [
        Compared(
            list_groups(its, reference_group),
            list_replicates(its, reference_group),
            list_tests(its, reference_group, test, confidence),
        )
        for its in of_assay.values()
    ]
    described = joined([each.groups for each in shown], GROUP_COLUMNS)
    tests = joined([each.tests for each in shown], TEST_COLUMNS)
    write_table(described, results / "groups.tsv")
    write_table(tests, results / "tests.tsv")
    known = [
        row for its in of_assay.values() for row in list_evidence(its, reference_group, test, confidence)
    ]
    write_evidence(evidence_table(known), "group_comparison", results)
    pictures = write_figures(shown, reference_group, results)
    write_sections(described, tests, pictures, test, results)
    write_versions(results / "versions.tsv", "matplotlib", "numpy", "pandas", "scipy")


if __name__ == "__main__":
    main()
