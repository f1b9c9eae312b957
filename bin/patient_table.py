#!/usr/bin/env python3
"""Tabulate the characteristics of patients by group, and test whether groups differ in them.

Variables
  score, every clinical column of the sheet, recurrence, and the events of overall and disease-free survival.
  Numeric: all values are numbers, and more than 5 of them differ. Else categorical, with its values as levels
  (up to 10; more are a free text, which is counted and not tabulated). The score is always numeric.
Groups
  By score_group and every other column asked for; patients without a group are left out. Missing values are
  counted by group; shares are of the values known.
Description
  Numeric: mean, SD, median and quartiles (interpolated, type 7), range. Categorical: number and share, with
  Wilson's interval.
Tests, two-sided, of the null hypothesis that groups do not differ; missing values are left out
  wilcoxon_exact, wilcoxon_approximate   rank sums of two groups: exact if both have fewer than 50 values and
                                         none are tied, else normal, with corrections for ties and continuity
  kruskal_wallis                         ranks of three or more groups
  fisher_exact                           2 x 2
  fisher_freeman_halton                  r x c, if an expected count is below 5: the share of all tables with
                                         these margins that are no more probable, by enumeration
  fisher_freeman_halton_simulated        where these are too many: (b + 1) / 20,001, for b of 20,000 tables
                                         that are no more probable, from levels permuted over the patients
  chi_squared                            r x c otherwise; without continuity correction
  q_value is Benjamini and Hochberg's over the variables of a grouping.
Standardised mean difference
  Of means in units of the mean variance's root; of shares, Mahalanobis' distance of the levels but the first
  (Yang and Dalton). Of three or more groups the mean over pairs, as the package tableone of R. In large
  groups above 0.1 is worth a look, whatever p says; in small ones chance alone gives as much.
Outcomes
  Recurrence and events are shares here, however long patients were followed: survival compares them in time.
  The score defines score_group, and is not tested by it. Where its cutoff was chosen on recurrence in these
  patients, tests of outcomes by score_group say so, and have no q_value.
Assumes    Independent patients.

References: Wilson 1927, doi:10.1080/01621459.1927.10502953; Wilcoxon 1945, doi:10.2307/3001968; Kruskal and
Wallis 1952, doi:10.1080/01621459.1952.10483441; Fisher 1922, doi:10.2307/2340521; Freeman and Halton 1951,
doi:10.1093/biomet/38.1-2.141; Benjamini and Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x; Yang and
Dalton 2012, SAS Global Forum 335; Pollard et al. 2018, doi:10.1093/jamiaopen/ooy012
"""

import re
from collections.abc import Sequence
from itertools import combinations
from math import comb
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
from common.cli import FOLDER, INPUT, RESULTS, Script
from common.multiqc import write_versions
from common.patient_groups import (
    ALL,
    KNOWN,
    MOST_GROUPS,
    SCORE_GROUP,
    Grouping,
    groupings_of,
    in_order,
    read_corrected,
    read_patients,
    read_scores,
)
from common.patient_table_report import CHARACTERISTICS, TESTS, write_report
from common.tables import write_table
from scipy import stats
from scipy.special import gammaln, ndtri

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
MOST_CATEGORIES = 5  # different numbers that are still categories
MOST_LEVELS = 10
NAMED = 3  # values that a reason names
OUTCOMES = {"recurrence": "recurrence", "os_event": "os", "dfs_event": "dfs"}  # and their endpoints
LEVELS = {0: "no", 1: "yes"}
CHOSEN = ("circular", "data_driven")  # statuses of tests that the choice of the cutoff flatters
EXACT_BELOW = 50  # values of a group, as in R's wilcox.test
EXPECTED = 5  # counts below which chi-squared is not trusted
MOST_TABLES, MOST_ROWS = 3_000_000, 50_000  # that are held at once; more are not enumerated
SIMULATED, CHUNK, SEED = 20_000, 1_000, 1  # tables; the same table always has the same p
SAME = 1e-7  # relative difference of probabilities that are the same, as in R's fisher.test


# ---- one variable


class Variable(NamedTuple):
    """A characteristic: its value by patient (missing where not known), and its levels unless numeric."""

    name: str
    by_patient: pd.Series
    levels: list[str] | None

    @property
    def kind(self) -> str:
        """Say what it is: numeric or categorical."""
        return "numeric" if self.levels is None else "categorical"


def variable_of(name: str, text: pd.Series) -> Variable:
    """Make a variable of a column of text: numeric if all are numbers and more than a few differ."""
    known = text.dropna()
    if known.nunique() > MOST_CATEGORIES and known.map(NUMBER.fullmatch).notna().all():
        return Variable(name, text.astype("float64"), None)
    return Variable(name, text.astype(object).where(text.notna(), None), in_order(known))


def variables_of(patients: pd.DataFrame, scores: pd.DataFrame | None) -> list[Variable]:
    """List what is tabulated: score, clinical columns in the sheet's order, recurrence and events."""
    score = patients.score if scores is None else scores.score.reindex(patients.index)
    made = [Variable("score", score, None)] if score.notna().any() else []
    made += [variable_of(name, patients[name]) for name in patients if name not in KNOWN]
    for name in OUTCOMES:
        if patients[name].notna().any():
            values = patients[name].map(LEVELS).astype(object)
            made.append(Variable(name, values.where(patients[name].notna(), None), list(LEVELS.values())))
    return made


def too_many(levels: Sequence[str]) -> str:
    """Say why levels are not tabulated; where most are numbers, which are not."""
    reason = f"{len(levels)} different values, more than {MOST_LEVELS}: counted only"
    odd = [level for level in levels if not NUMBER.fullmatch(level)]
    if 0 < len(odd) < len(levels) / 2:
        more = f" and {len(odd) - NAMED} more" if len(odd) > NAMED else ""
        reason += f"; all are numbers but {', '.join(odd[:NAMED])}{more} (leave the cell empty if not known)"
    return reason


def wilson(count: int, total: int, confidence: float) -> tuple[float, float]:
    """Return Wilson's interval of a share."""
    z = ndtri((1 + confidence) / 2)
    middle = (count + z**2 / 2) / (total + z**2)
    half = z / (total + z**2) * np.sqrt(count * (total - count) / total + z**2 / 4)
    return max(float(middle - half), 0.0), min(float(middle + half), 1.0)


def describe(variable: Variable, own: pd.Series, confidence: float) -> list[dict[str, object]]:
    """Describe a variable in a group: a row, or one for each level."""
    known = own.dropna()
    base: dict[str, object] = {"patients": len(own), "known": len(known), "missing": len(own) - len(known)}
    if known.empty:
        return [base | {"status": "no_values", "reason": f"none of {len(own)} patients has a value"}]
    if variable.levels is None:
        x = known.to_numpy(float)
        low, middle, high = np.quantile(x, [0.25, 0.5, 0.75])
        base |= {"mean": x.mean(), "median": middle, "quartile_1": low, "quartile_3": high}
        base |= {"minimum": x.min(), "maximum": x.max(), "status": "ok"}
        if len(x) == 1:
            return [base | {"status": "one_value", "reason": "one value has no SD"}]
        return [base | {"sd": x.std(ddof=1)}]
    if len(variable.levels) > MOST_LEVELS:
        return [base | {"status": "too_many_levels", "reason": too_many(variable.levels)}]
    rows = []
    for level in variable.levels:
        count = int((known == level).sum())
        low, high = wilson(count, len(known), confidence)
        share = {"percent": 100 * count / len(known), "percent_low": 100 * low, "percent_high": 100 * high}
        rows.append(base | {"level": level, "count": count} | share | {"status": "ok"})
    return rows


# ---- tests


class Tested(NamedTuple):
    """A test's outcome; what it has not is NaN."""

    test: str
    statistic: float
    df: float
    p_value: float


def rank_test(groups: Sequence[np.ndarray]) -> Tested:
    """Test whether groups of numbers, not all equal, differ by their ranks; two have W of the first."""
    values = np.concatenate(groups)
    if len(groups) > 2:
        found = stats.kruskal(*groups)
        return Tested("kruskal_wallis", float(found.statistic), len(groups) - 1, float(found.pvalue))
    tied = len(np.unique(values)) < len(values)
    exact = max(map(len, groups)) < EXACT_BELOW and not tied
    found = stats.mannwhitneyu(*groups, method="exact" if exact else "asymptotic")
    name = "wilcoxon_exact" if exact else "wilcoxon_approximate"
    return Tested(name, float(found.statistic), np.nan, float(found.pvalue))


def compositions(total: int, parts: int) -> np.ndarray:
    """List all ways to split a number into so many parts, in order (ways x parts)."""
    if parts == 1:
        return np.array([[total]])
    return np.concatenate(
        [
            np.insert(rest, 0, first, axis=1)
            for first in range(total + 1)
            for rest in [compositions(total - first, parts - 1)]
        ]
    )


def freeman_halton(table: np.ndarray) -> float | None:
    """Return the exact p of a table of counts (rows x columns); None if there are too many tables.

    Tables with these margins are built row by row. Those that have the same columns left and the same
    probability so far go on as one (Mehta and Patel 1983), so that their number stays small.
    """
    table = table if table.shape[0] >= table.shape[1] else table.T
    table = table[np.argsort(table.sum(axis=1), kind="stable")]
    observed = -gammaln(table + 1).sum()
    radix = np.append(1, np.cumprod(table.sum(axis=0)[:-1] + 1))
    left = table.sum(axis=0)[None]  # of the columns, for the rows to come
    size = np.zeros(1)  # logarithm of a table's probability so far, but for a constant
    ways = np.ones(1)
    for total in table[:-1].sum(axis=1):
        if comb(total + table.shape[1] - 1, table.shape[1] - 1) > MOST_ROWS:
            return None
        row = compositions(int(total), table.shape[1])
        row = row[(row <= left.max(axis=0)).all(axis=1)]
        if len(left) * len(row) > MOST_TABLES:
            return None
        after = left[:, None] - row
        of, by = np.nonzero((after >= 0).all(axis=2))
        left, ways = after[of, by], ways[of]
        size = size[of] - gammaln(row + 1).sum(axis=1)[by]
        place, rounded = left @ radix, np.round(size, 9)
        order = np.lexsort((rounded, place))
        new = np.append(True, (np.diff(place[order]) != 0) | (np.diff(rounded[order]) != 0))
        first = order[new]
        left, size, ways = left[first], size[first], np.add.reduceat(ways[order], np.flatnonzero(new))
    size = size - gammaln(left + 1).sum(axis=1)
    weight = ways * np.exp(size - size.max())
    return float(min(weight[size <= observed + SAME].sum() / weight.sum(), 1))


def simulated_freeman_halton(table: np.ndarray) -> float:
    """Return the p of a table of counts (rows x columns) from tables drawn with its margins."""
    rng = np.random.default_rng(SEED)
    level = np.repeat(np.arange(table.shape[0]), table.sum(axis=1))
    ends = np.cumsum(table.sum(axis=0))
    observed = -gammaln(table + 1).sum()
    fewer = 0
    for _ in range(SIMULATED // CHUNK):
        drawn = rng.permuted(np.tile(level, (CHUNK, 1)), axis=1)
        size = np.zeros(CHUNK)
        for row in range(table.shape[0]):
            counts = np.add.reduceat(drawn == row, np.append(0, ends[:-1]), axis=1, dtype=np.int64)
            size -= gammaln(counts + 1).sum(axis=1)
        fewer += int((size <= observed + SAME).sum())
    return (fewer + 1) / (SIMULATED + 1)


def count_test(table: np.ndarray) -> Tested:
    """Test whether shares differ between groups (counts, levels x groups; no margin is 0)."""
    if table.shape == (2, 2):
        return Tested("fisher_exact", np.nan, np.nan, float(stats.fisher_exact(table).pvalue))
    chi = stats.chi2_contingency(table, correction=False)
    if chi.expected_freq.min() >= EXPECTED:
        return Tested("chi_squared", float(chi.statistic), chi.dof, float(chi.pvalue))
    if (p := freeman_halton(table)) is not None:
        return Tested("fisher_freeman_halton", np.nan, np.nan, p)
    return Tested("fisher_freeman_halton_simulated", np.nan, np.nan, simulated_freeman_halton(table))


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Adjust p-values to false discovery rates; those missing are no part of the family."""
    known = ~np.isnan(p)
    order = np.argsort(-p[known], kind="stable")
    ranks = np.arange(known.sum(), 0, -1)
    stepped = np.minimum.accumulate(p[known][order] * known.sum() / ranks)
    adjusted, back = np.full(len(p), np.nan), np.empty(known.sum())
    back[order] = np.minimum(stepped, 1)
    adjusted[known] = back
    return adjusted


# ---- standardised differences


def smd_of_means(first: np.ndarray, second: np.ndarray) -> float:
    """Return the difference of means in standard deviations; NaN without variance."""
    if min(len(first), len(second)) < 2:
        return np.nan
    variance = (first.var(ddof=1) + second.var(ddof=1)) / 2
    return float(abs(first.mean() - second.mean()) / np.sqrt(variance)) if variance > 0 else np.nan


def smd_of_shares(first: np.ndarray, second: np.ndarray) -> float:
    """Return Mahalanobis' distance of two groups' shares (counts by level); NaN if they share no level."""
    kept = (first + second) > 0
    p, q = (counts[kept][1:] / counts.sum() for counts in (first, second))
    spread = (np.diag(p) - np.outer(p, p) + np.diag(q) - np.outer(q, q)) / 2
    difference = p - q
    if not len(p) or np.linalg.matrix_rank(spread) < len(p):
        return 0.0 if (difference == 0).all() else np.nan
    return float(np.sqrt(max(difference @ np.linalg.solve(spread, difference), 0)))


def mean_over_pairs(groups: Sequence[np.ndarray], numeric: bool) -> float:
    """Average the standardised differences of all pairs of groups; NaN if one has none."""
    measure = smd_of_means if numeric else smd_of_shares
    return float(np.mean([measure(one, other) for one, other in combinations(groups, 2)]))


def compare(variable: Variable, grouping: Grouping) -> dict[str, object]:
    """Compare a variable between groups: a row of tests.tsv, but for its q."""
    named = grouping.groups.notna()
    values, groups = variable.by_patient[named], grouping.groups[named]
    known = values.notna()
    row: dict[str, object] = {"patients": int(known.sum()), "missing": int((~known).sum())}
    own = [values[known & (groups == group)] for group in grouping.order]
    present = [each for each in own if len(each)]
    if not present:
        return row | {"status": "no_values", "reason": "no patient with a group has a value"}
    if len(present) == 1:
        name = grouping.order[next(at for at, each in enumerate(own) if len(each))]
        return row | {"status": "one_group", "reason": f"all {len(present[0])} values are in {name}"}
    lacking = [name for name, each in zip(grouping.order, own, strict=True) if each.empty]
    reason = f"no value in {', '.join(lacking)}" if lacking else ""
    if variable.levels is not None and len(variable.levels) > MOST_LEVELS:
        return row | {"status": "too_many_levels", "reason": too_many(variable.levels)}
    if (values[known] == values[known].iloc[0]).all():
        return row | {"status": "no_variance", "reason": f"every value is {values[known].iloc[0]}"}
    if variable.levels is None:
        arrays = [each.to_numpy(float) for each in present]
        row["smd"] = mean_over_pairs(arrays, numeric=True)
        tested = None if variable.name == "score" and grouping.name == SCORE_GROUP else rank_test(arrays)
    else:
        counts = [np.array([(each == level).sum() for level in variable.levels]) for each in present]
        row["smd"] = mean_over_pairs(counts, numeric=False)
        table = np.stack(counts, axis=1)
        tested = count_test(table[table.any(axis=1)])
    if tested is None:
        return row | {"status": "defines_groups", "reason": "the groups are made of it: no test"}
    return row | tested._asdict() | {"status": "ok", "reason": reason}


# ---- groupings


def chosen_by(corrected: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Say of each outcome what it means that the cutoff was chosen in these patients: status and reason."""
    said = {}
    for variable, endpoint in OUTCOMES.items():
        rows = corrected[(corrected.endpoint == endpoint) & (corrected.cutoff_source != "given")]
        for row in rows[:1].itertuples():
            circular = row.circular == "yes"
            reason = "the cutoff was chosen by recurrence in these patients"
            reason += ", and this is or contains recurrence" * circular + ": p is too small"
            if pd.notna(row.p_corrected):
                reason += f"; corrected p of the {row.test.replace('_', '-')} test {row.p_corrected:.3g}"
            said[variable] = ("circular" if circular else "data_driven", reason)
    return said


def test_all(
    variables: Sequence[Variable], grouping: Grouping, chosen: dict[str, tuple[str, str]]
) -> pd.DataFrame:
    """Compare all variables between the groups of a grouping: its rows of tests.tsv."""
    if not grouping.order or len(grouping.order) > MOST_GROUPS:
        status = "too_many_groups" if grouping.order else "no_groups"
        lacks = "no scores" if grouping.name == SCORE_GROUP else f"no values of {grouping.name}"
        reason = f"{len(grouping.order)} values; at most {MOST_GROUPS} groups" if grouping.order else lacks
        row = {"grouping": grouping.name, "status": status, "reason": reason}
        return pd.DataFrame([row]).reindex(columns=TESTS)
    rows = []
    for variable in variables:
        place = {"grouping": grouping.name, "variable": variable.name, "kind": variable.kind}
        row = place | compare(variable, grouping)
        if grouping.name == SCORE_GROUP and variable.name in chosen and "p_value" in row:
            status, why = chosen[variable.name]
            row |= {"status": status, "reason": "; ".join(filter(None, [why, row["reason"]]))}
        rows.append(row)
    table = pd.DataFrame(rows).reindex(columns=TESTS)
    p = table.p_value.astype(float).where(~table.status.isin(CHOSEN)).to_numpy()
    table["q_value"] = benjamini_hochberg(p)
    table["family"] = np.where(np.isnan(p), None, f"{grouping.name}, {(~np.isnan(p)).sum()} tests")
    return table


def describe_all(
    variables: Sequence[Variable], grouping: Grouping, confidence: float
) -> list[dict[str, object]]:
    """Describe all variables in all groups of a grouping: its rows of characteristics.tsv."""
    if len(grouping.order) > MOST_GROUPS:
        return []
    named = grouping.groups.notna()
    return [
        {"grouping": grouping.name, "variable": variable.name, "kind": variable.kind, "group": group} | row
        for variable in variables
        for group in [*grouping.order, ALL]
        for row in describe(
            variable, variable.by_patient[named if group == ALL else grouping.groups == group], confidence
        )
    ]


def analyse(
    variables: Sequence[Variable],
    groupings: Sequence[Grouping],
    chosen: dict[str, tuple[str, str]],
    confidence: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tabulate and test all variables by all groupings: characteristics.tsv and tests.tsv."""
    described, tested = [], []
    for grouping in groupings:
        others = [variable for variable in variables if variable.name != grouping.name]
        described += describe_all(others, grouping, confidence) if grouping.order else []
        tested.append(test_all(others, grouping, chosen))
    if not described and variables:
        everyone = pd.Series(ALL, index=variables[0].by_patient.index, dtype=object)
        described = describe_all(variables, Grouping("none", everyone, []), confidence)
    counts = dict.fromkeys(["patients", "known", "missing", "count"], "Int64")
    characteristics = pd.DataFrame(described).reindex(columns=CHARACTERISTICS).astype(counts)
    tests = pd.concat(tested, ignore_index=True) if tested else pd.DataFrame(columns=TESTS)
    return characteristics, tests.astype({"patients": "Int64", "missing": "Int64"})


@click.command(cls=Script)
@click.option("--patients", type=INPUT, required=True, help="TSV: a row a patient.")
@click.option(
    "--scores", type=FOLDER, required=True,
    help="Folder with groups.tsv and, if there is one, corrected.tsv of biomarker_cutoff, or none.",
)  # fmt: skip
@click.option(
    "--survival-groups", default="score_group", show_default=True,
    help="Columns that group patients, comma-separated: score_group, or columns of the patients' sheet.",
)  # fmt: skip
@click.option(
    "--confidence", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.95,
    show_default=True, help="Confidence of the intervals of shares.",
)  # fmt: skip
@RESULTS
def main(patients: Path, scores: Path, survival_groups: str, confidence: float, results: Path) -> None:
    """Tabulate the characteristics of patients by group."""
    sheet, scored = read_patients(patients), read_scores(scores)
    groupings = groupings_of(sheet, scored, survival_groups)
    chosen = chosen_by(read_corrected(scores))
    characteristics, tests = analyse(variables_of(sheet, scored), groupings, chosen, confidence)
    write_table(characteristics, results / "characteristics.tsv")
    write_table(tests, results / "tests.tsv")
    write_report(characteristics, tests, groupings, len(sheet), results)
    write_versions(results / "versions.tsv", "numpy", "pandas", "scipy")


if __name__ == "__main__":
    main()
