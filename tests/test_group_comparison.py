import json
import re
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from common.evidence import evidence_table, write_evidence
from common.group_comparison_figure import draw, drawn_of
from common.group_comparison_tables import GROUP_COLUMNS, MEASUREMENTS, TEST_COLUMNS
from common.mmc_candidates_rules import read_rules
from common.mmc_candidates_tables import read_evidence
from common.simulated_assays import draw_assays, joined
from common.study_design import BENCH, LINES, bench_of
from conftest import ORACLES, ROOT
from group_comparison import (
    TESTS,
    compare,
    fieller,
    groups_of,
    holm,
    list_evidence,
    list_groups,
    list_replicates,
    list_tests,
    main,
    mann_whitney,
    one_sample,
    rank_sums,
    ratio_to,
    stars_of,
    two_sample,
)
from matplotlib.text import Text
from mmc_candidates import call_all
from scipy import stats
from simulate_study import stream

VALUES = pd.read_csv(ORACLES / "group_comparison_values.tsv", sep="\t", comment="#")
ORACLE = pd.read_csv(ORACLES / "group_comparison_tests.tsv", sep="\t", comment="#")
ROLES = {"parental": "reference", "resistant": "target", "clone": "other"}


def series(*values: float, names: str = "123456789") -> pd.Series:
    return pd.Series(values, index=list(names[: len(values)]), dtype=float)


def of_case(name: str) -> tuple[np.ndarray, np.ndarray]:
    return tuple(VALUES.value[(VALUES.case == name) & (VALUES.group == group)].to_numpy() for group in (1, 2))


def sheet_of(*groups: tuple, assay: str = "are_reporter", **columns: object) -> pd.DataFrame:
    """Make a sheet of (line, condition, values[, treatment, dose]); replicates are 1, 2, 3 ..."""
    rows = [
        {"assay": assay, "line": line, "condition": condition, "role": ROLES[condition], "replicate": str(n)}
        | {"value": value, "treatment": (treated or [None])[0], "treatment_dose": (treated or [0, np.nan])[1]}
        | {"treatment_unit": "uM" if treated else None}
        for line, condition, values, *treated in groups
        for n, value in enumerate(values, start=1)
    ]
    table = pd.DataFrame(rows).reindex(columns=list(MEASUREMENTS)).assign(**columns)
    return table.astype({column: kind for column, kind in MEASUREMENTS.items() if kind != "str"})


def compared(
    sheet: pd.DataFrame, test: str = "student", named: str = ""
) -> tuple[pd.DataFrame, pd.DataFrame]:
    groups = groups_of(sheet)
    return list_groups(groups, named), list_tests(groups, named, test, 0.95)


def random_values(seed: int, n: int = 3, of: float = 1.0, sd: float = 0.2) -> list[float]:
    return list(of * np.random.default_rng(seed).lognormal(0, sd, n))


def some_lines(seed: int = 0, n: int = 3) -> pd.DataFrame:
    sizes = {"A": (1, 4), "B": (1, 1.1), "C": (5, 6)}
    groups = [
        (line, condition, random_values(100 * seed + 10 * at + end, n, pair[end]))
        for at, (line, pair) in enumerate(sizes.items())
        for end, condition in enumerate(("parental", "resistant"))
    ]
    return sheet_of(*groups)


# ---- against R


@pytest.mark.parametrize("row", ORACLE.to_dict("records"), ids=lambda row: f"{row['case']}-{row['test']}")
def test_tests__are_those_of_r(row):
    """tests/oracles/group_comparison.R made the numbers, with t.test and wilcox.test of R 4.2.2."""
    x, y = of_case(row["case"])
    if row["test"].startswith("mann_whitney"):
        found = mann_whitney(x, y)
    elif row["test"] in ("student", "welch"):
        found = two_sample(x, y, row["test"] == "student")
    else:
        differences = {"paired": lambda: y - x, "paired_t_log_ratio": lambda: np.log(y / x)}
        found = one_sample(differences.get(row["test"], lambda: np.log(y))(), row["test"])
    assert found.test == row["test"]
    assert found.statistic == pytest.approx(row["statistic"], rel=1e-10)
    assert found.p_value == pytest.approx(row["p_value"], rel=1e-9)
    assert found.df == pytest.approx(row["df"], rel=1e-10, nan_ok=True)


def test_tests__cover_the_exact_and_the_approximate_rank_test():
    assert {"mann_whitney_exact", "mann_whitney_approximate"} <= set(ORACLE.test)
    chosen = ORACLE[ORACLE.test.str.startswith("mann")].set_index("case").test
    assert chosen["tied"] == chosen["more"] == "mann_whitney_approximate"  # ties; 50 in a group
    assert chosen["many"] == "mann_whitney_exact"  # 40 and 49


@pytest.mark.parametrize("case", ["three", "alike", "far"])
def test_compare__gives_the_ratio_of_log_ratios_the_interval_of_r(case):
    x, y = (pd.Series(values, index=list("abcde")[: len(values)]) for values in of_case(case))
    for first, name in ((x, "paired_t_log_ratio"), (x * 0 + 1, "one_sample_t_log_ratio")):
        row = compare(first, y, "student", True, 0.95)
        oracle = ORACLE[(ORACLE.case == case) & (ORACLE.test == name)].iloc[0]
        assert row["test"] == name
        found = [row["ratio"], row["ratio_low"], row["ratio_high"], row["p_value"]]
        assert found == pytest.approx([oracle.ratio, oracle.low, oracle.high, oracle.p_value], rel=1e-9)


def test_holm__is_that_of_r():
    oracle = pd.read_csv(ORACLES / "group_comparison_holm.tsv", sep="\t", comment="#")
    np.testing.assert_allclose(holm(oracle.p.to_numpy()), oracle.adjusted, rtol=1e-12)


# ---- properties of the tests


@pytest.mark.parametrize(("size_1", "size_2"), [(1, 1), (3, 3), (2, 5), (5, 2), (4, 4)])
def test_rank_sums__are_those_of_all_orders(size_1, size_2):
    total = size_1 + size_2
    sums = [sum(places) - size_1 * (size_1 - 1) // 2 for places in combinations(range(total), size_1)]
    slow = np.bincount(sums, minlength=size_1 * size_2 + 1) / len(sums)
    np.testing.assert_allclose(rank_sums(size_1, size_2), slow, rtol=1e-12)


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("seed", range(4))
def test_compare__the_interval_holds_the_ratios_that_a_t_test_does_not_reject(test, seed):
    """The slow way: multiply the first group by a limit, and the test has p = 1 - confidence."""
    rng = np.random.default_rng(seed)
    first, second = series(*rng.lognormal(1, 0.2, 4)), series(*rng.lognormal(2, 0.2, 4))
    row = compare(first, second, test, False, 0.9)
    assert row["ratio_method"] == ("fieller_paired" if test == "paired" else "fieller_welch")
    assert row["ratio_low"] < row["ratio"] < row["ratio_high"]
    for limit in (row["ratio_low"], row["ratio_high"]):
        tested = (
            stats.ttest_rel(second, first * limit)
            if test == "paired"
            else stats.ttest_ind(second, first * limit, equal_var=False)
        )
        assert tested.pvalue == pytest.approx(0.1, rel=1e-6)


def test_compare__the_interval_of_a_ratio_covers_it_as_often_as_it_says():
    """Errors of 15 %, three experiments: as blots."""
    rng = np.random.default_rng(23)
    groups = rng.lognormal(0, 0.15, (2000, 2, 3)) * 4
    rows = [compare(series(*x / 4), series(*y), "student", False, 0.95) for x, y in groups]
    covered = sum(row["ratio_low"] <= 4 <= row["ratio_high"] for row in rows if row["ratio_low"] > 0)
    bounded = sum(row["ratio_low"] > 0 for row in rows)
    assert bounded > 1990
    assert 0.935 < covered / bounded < 0.985


def test_fieller__has_no_limits_if_the_first_mean_is_not_clear_of_zero():
    assert np.isnan(fieller((0.1, 5.0), (1.0, 1.0, 0.0), 4, 0.95)).all()
    row = compare(series(0.2, 3, 0.1), series(5, 6, 7), "student", False, 0.95)
    assert np.isnan(row["ratio_low"])
    assert "not clear of 0" in row["reason"]


@pytest.mark.parametrize("test", ["welch", "paired"])
@pytest.mark.parametrize("seed", range(20))
def test_compare__an_interval_excludes_one_where_the_test_rejects(test, seed):
    rng = np.random.default_rng(seed)
    row = compare(series(*rng.lognormal(0, 0.2, 4)), series(*rng.lognormal(0.4, 0.2, 4)), test, False, 0.95)
    assert (row["p_value"] < 0.05) == (not row["ratio_low"] < 1 < row["ratio_high"])


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("factor", [1e-6, 0.37, 5e4])
def test_list_tests__scaling_all_values_of_an_assay_changes_no_p_and_no_ratio(test, factor):
    sheet = some_lines()
    _, tests = compared(sheet, test, "B.parental")
    _, scaled = compared(sheet.assign(value=sheet.value * factor), test, "B.parental")
    for column in ("p_value", "p_adjusted", "ratio", "ratio_low", "ratio_high"):
        np.testing.assert_allclose(scaled[column].astype(float), tests[column].astype(float), rtol=1e-8)


def test_list_tests__percent_and_shares_of_the_reference_are_tested_alike():
    sheet = sheet_of(("A", "parental", [1, 1, 1]), ("A", "resistant", [3, 4, 3.5]))
    _, tests = compared(sheet)
    _, percent = compared(sheet.assign(value=sheet.value * 100))
    assert list(tests.test) == ["one_sample_t_log_ratio"] == list(percent.test)
    assert percent.p_value.iloc[0] == pytest.approx(tests.p_value.iloc[0])
    assert percent.ratio.iloc[0] == pytest.approx((3 * 4 * 3.5) ** (1 / 3))


def agrees(p: np.ndarray, expected: float) -> bool:
    """Whether as many p are below 0.05 as this chance of it gives (99.9 %, exact binomial)."""
    low, high = stats.binom.interval(0.999, len(p), expected)
    return low <= (p < 0.05).sum() <= high


def test_compare__a_column_of_ones_is_tested_at_5_percent_where_a_two_sample_test_has_11():
    """Student's t against three ones has 4 degrees of freedom where 2 are earned: P(|t_2| > t_4) = 0.109."""
    rng = np.random.default_rng(20)
    ratios = rng.lognormal(0, 0.1, (6000, 3))
    ones = series(1, 1, 1)
    p = np.array([compare(ones, series(*row), "student", True, 0.95)["p_value"] for row in ratios])
    naive = np.array([two_sample(np.ones(3), row, True).p_value for row in ratios])
    assert agrees(p, 0.05)
    assert agrees(naive, 2 * stats.t.sf(stats.t.isf(0.025, 4), 2))
    assert not agrees(naive, 0.05)
    assert 0.1 < (naive < 0.05).mean() < 0.118


def test_compare__experiments_with_a_common_divisor_are_paired():
    """Both groups divided by a third: their values share its error, and unpaired tests lose power by it."""
    rng = np.random.default_rng(21)
    divisor, x, y = rng.lognormal(0, 0.5, (4000, 3)), *rng.lognormal(0, 0.1, (2, 4000, 3))
    p = np.array(
        [
            compare(series(*a), series(*b), "student", True, 0.95)["p_value"]
            for a, b in zip(x / divisor, y / divisor, strict=True)
        ]
    )
    unpaired = np.array(
        [two_sample(a, b, True).p_value for a, b in zip(x / divisor, y / divisor, strict=True)]
    )
    assert agrees(p, 0.05)
    assert (unpaired < 0.05).mean() < 0.005


@pytest.mark.parametrize("test", ["student", "paired"])
def test_compare__p_is_uniform_if_nothing_differs(test):
    rng = np.random.default_rng(22)
    values = rng.normal(10, 1, (1500, 2, 3))
    p = [compare(series(*a), series(*b), test, False, 0.95)["p_value"] for a, b in values]
    assert stats.kstest(p, "uniform").pvalue > 0.001


# ---- measurements, groups


def test_groups_of__divides_by_the_normaliser_and_averages_technical_rows_within_replicates():
    sheet = sheet_of(("A", "parental", [2, 4, 9, 30]), ("A", "resistant", [8, 8, 8, 9]))
    sheet["normaliser"] = [1, 2, 3, 10, 2, 4, 4, 3]
    sheet["replicate"] = ["1", "1", "2", "3"] * 2
    parental, resistant = groups_of(sheet)
    assert dict(parental.replicates) == {"1": 2, "2": 3, "3": 3}
    assert dict(resistant.replicates) == {"1": 3, "2": 2, "3": 3}
    assert parental.found["reason"] == "4 rows averaged within 3 replicates"
    assert parental.found["mean"] == pytest.approx(8 / 3)
    assert parental.found["sem"] == pytest.approx(np.std([2, 3, 3], ddof=1) / np.sqrt(3))


@pytest.mark.parametrize(
    ("normaliser", "status", "reason"),
    [
        ([1, 1, np.nan], "two_replicates", "1 of 3 rows left out: missing_normaliser"),
        ([1, 0, 1], "two_replicates", "1 of 3 rows left out: zero_normaliser"),
        ([np.nan] * 3, "missing_normaliser", "3 of 3 rows left out: missing_normaliser"),
    ],
)
def test_groups_of__leaves_out_what_has_no_normaliser_and_says_so(normaliser, status, reason):
    sheet = sheet_of(("A", "parental", [1, 2, 3]), ("A", "resistant", [4, 5, 6]))
    groups, _ = compared(sheet.assign(normaliser=[*normaliser, 1, 1, 1]))
    assert (groups.status[0], groups.reason[0].split("; the")[0]) == (status, reason)
    assert groups.status[1] == "ok"


def test_groups_of__a_fourth_replicate_without_normaliser_is_a_status():
    sheet = sheet_of(("A", "parental", [1, 2, 3, 4]), normaliser=[1, 1, 1, np.nan])
    assert [group.found["status"] for group in groups_of(sheet)] == ["missing_normaliser"]


def test_groups_of__an_assay_without_normalisers_needs_none():
    sheet = pd.concat(
        [sheet_of(("A", "parental", [1, 2, 3])), some_lines().assign(assay="other", normaliser=2)]
    )
    groups = groups_of(sheet.reset_index(drop=True))
    assert groups[0].found["status"] == "ok"
    assert list(groups[0].replicates) == [1, 2, 3]


@pytest.mark.parametrize(
    ("calls", "call", "agreement"),
    [
        (["absent", "absent", "reduced"], "absent", 2 / 3),
        (["absent", "reduced", None], "discordant", 0),
        (["present"] * 3, "present", 1),
        ([None] * 3, None, np.nan),
    ],
)
def test_groups_of__carries_calls_with_the_agreement_of_replicates(calls, call, agreement):
    found = groups_of(sheet_of(("A", "parental", [1, 2, 3]), call=calls))[0].found
    assert found["call"] == call
    assert found["call_agreement"] == pytest.approx(agreement, nan_ok=True)


def test_groups_of__a_call_without_a_value_stays_evidence():
    groups, tests = compared(
        sheet_of(("A", "parental", [np.nan]), ("A", "resistant", [np.nan]), call="absent")
    )
    assert list(groups.status) == ["call_only"] * 2
    assert list(groups.call) == ["absent"] * 2
    assert list(tests.status) == ["no_values"]


def test_list_groups__shows_means_relative_to_one_constant():
    sheet = some_lines()
    groups, tests = compared(sheet, named="B.parental")
    constant = groups["mean"][(groups.line == "B") & (groups.condition == "parental")].iloc[0]
    np.testing.assert_allclose(groups.relative_mean, groups["mean"] / constant)
    np.testing.assert_allclose(groups.relative_sem, groups["sem"] / constant)
    assert set(groups.reference_group) == {"B.parental"}
    own, _ = compared(sheet)
    assert (own.relative_mean[own.condition == "parental"] == 1).all()
    assert list(own.reference_group.unique()) == ["A.parental", "B.parental", "C.parental"]
    conditions = tests.comparison == "conditions"
    _, without = compared(sheet)
    np.testing.assert_allclose(tests.p_value[conditions].astype(float), without.p_value.astype(float))


def test_list_groups__says_where_the_reference_group_lacks():
    groups, _ = compared(some_lines(), named="Z.parental")
    assert list(groups.reference_group.unique()) == ["A.parental", "B.parental", "C.parental"]
    assert groups.reason.eq("the assay lacks Z.parental").all()
    groups, tests = compared(sheet_of(("A", "resistant", [1.5, 2, 3])))
    assert groups.relative_mean.isna().all()
    assert "no reference condition" in groups.reason[0]
    assert (tests.status[0], tests.reason[0]) == ("no_pair", "no measurement of the reference condition")


# ---- comparisons


def dosed(line: str, condition: str, by_dose: dict[float, list[float]], treatment: str = "cisplatin") -> list:
    return [(line, condition, values, treatment, dose) for dose, values in by_dose.items()]


def test_list_tests__compares_conditions_at_each_dose_and_doses_with_none():
    doses = {0: [1.1, 1.2, 0.9], 20: [4, 5, 4.2], 5: [2, 2.1, 1.8]}
    _, tests = compared(sheet_of(*dosed("A", "parental", doses), *dosed("A", "resistant", doses)))
    assert list(tests.comparison) == ["conditions"] * 3 + ["doses"] * 4
    assert list(tests.treatment_dose) == [0, 5, 20, 5, 20, 5, 20]
    assert tests.group_1[3] == "A.parental cisplatin 0 uM"
    assert tests.group_2[4] == "A.parental cisplatin 20 uM"
    assert (tests.p_value[:3] == 1).all()
    assert tests.p_value[4] == pytest.approx(stats.ttest_ind(doses[20], doses[0]).pvalue)


def test_list_tests__doses_without_zero_are_held_to_untreated_cells_or_to_the_lowest_dose():
    doses = {5: [2, 2.1, 1.8], 20: [4, 5, 4.2]}
    _, tests = compared(sheet_of(*dosed("A", "parental", doses)))
    steps = tests[tests.comparison == "doses"]
    assert list(steps.group_1) == ["A.parental cisplatin 5 uM"]
    _, tests = compared(sheet_of(("A", "parental", [1, 1.1, 1.2]), *dosed("A", "parental", doses)))
    steps = tests[tests.comparison == "doses"]
    assert list(steps.group_1) == ["A.parental"] * 2


def test_list_tests__compares_reference_conditions_with_the_reference_group():
    _, tests = compared(some_lines(), named="B.parental")
    against = tests[tests.comparison == "reference_group"]
    assert list(against.group_1) == ["B.parental"] * 2
    assert list(against.group_2) == ["A.parental", "C.parental"]
    assert against.ratio.iloc[1] == pytest.approx(5, rel=0.4)
    assert (tests.comparison == "conditions").sum() == 3


def test_list_tests__adjusts_within_the_assay_and_names_the_family():
    _, tests = compared(some_lines(), named="B.parental")
    assert set(tests.family) == {"are_reporter, 5 tests"}
    assert set(tests.adjust_method) == {"holm"}
    np.testing.assert_allclose(tests.p_adjusted.astype(float), holm(tests.p_value.to_numpy(float)))
    assert list(tests.stars) == [stars_of(p) for p in tests.p_adjusted]


def test_stars_of__follows_the_stated_thresholds():
    assert [stars_of(p) for p in (0.0009, 0.001, 0.01, 0.05, 1, np.nan)] == ["***", "**", "*", "ns", "ns", ""]


@pytest.mark.parametrize(
    ("first", "second", "test", "status", "reason"),
    [
        ([1.2], [3.4], "student", "descriptive", "one replicate: no test"),
        ([1.2, 1.3, 1.1], [3.4], "welch", "descriptive", "one replicate: no test"),
        ([1.2, 1.3], [3.4, 3.1], "student", "two_replicates", "two replicates"),
        ([2, 2, 2], [3, 3, 3], "student", "zero_variance", "values without variance: no test"),
        ([2, 2, 2], [3, 3.1, 3.2], "student", "zero_variance", "values without variance: no test"),
        ([2, 3, 4], [3, 4, 5], "paired", "zero_variance", "values without variance: no test"),
        ([2, 2, 2], [2, 2, 2], "mann_whitney", "zero_variance", "values without variance: no test"),
        ([-1.0, -2, -1.5], [1, 2, 3], "student", "ok", "no ratio to a mean of -1.5"),
        ([1, 1, 1], [2, -0.1, 3], "student", "not_positive", "logarithms are needed, and the lowest"),
        ([1, 1, 1], [2, 2, 2], "student", "zero_variance", "values without variance: no test"),
        ([1, 1, 1], [1, 1, 1], "student", "not_comparable", "each experiment was divided by either group"),
    ],
)  # fmt: skip
def test_list_tests__says_what_cannot_be_tested(first, second, test, status, reason):
    _, tests = compared(sheet_of(("A", "parental", first), ("A", "resistant", second)), test)
    row = tests.iloc[0]
    assert (row.status, row.reason[: len(reason)]) == (status, reason)
    assert pd.isna(row.p_value) == (status not in ("ok", "two_replicates"))
    assert pd.isna(row.p_adjusted) == pd.isna(row.p_value)
    assert (row.stars == "") == pd.isna(row.p_value)
    if status == "descriptive":
        assert row.ratio == pytest.approx(np.mean(second) / np.mean(first))


def test_list_tests__pairs_replicates_by_their_names():
    sheet = sheet_of(("A", "parental", [1, 2, 4, 8]), ("A", "resistant", [9.5, 4.4, 3.5]))
    sheet["replicate"] = ["a", "b", "c", "d", "d", "c", "a"]
    _, tests = compared(sheet, "paired")
    assert tests.p_value[0] == pytest.approx(stats.ttest_rel([3.5, 4.4, 9.5], [1, 4, 8]).pvalue)
    assert (tests.n_1[0], tests.n_2[0]) == (3, 3)
    assert tests.reason[0].startswith("left out without a partner: 1")
    _, tests = compared(sheet.assign(replicate=list("abcdefg")), "paired")
    assert (tests.status[0], tests.reason[0]) == (
        "no_pairs",
        "no replicate is in both groups (a, b, c, d; e, f, g)",
    )


def test_list_tests__groups_of_a_normalised_assay_are_paired_by_experiment():
    doses = {0: [1, 1, 1], 5: [2, 2.5, 1.8]}
    target = {0: [0.8, 0.9, 0.7], 5: [1.2, 1.6, 1.1]}
    groups, tests = compared(
        sheet_of(*dosed("A", "parental", doses), *dosed("A", "resistant", target)), "welch"
    )
    assert groups.status[0] == "normalised_to"
    assert "all 3 replicates are exactly 1" in groups.reason[0]
    assert list(tests.test) == ["one_sample_t_log_ratio", "paired_t_log_ratio"] * 2
    expected = stats.ttest_rel(np.log(target[5]), np.log(doses[5])).pvalue
    assert tests.p_value[1] == pytest.approx(expected)
    assert tests.reason.eq("normalised per experiment: log ratios are tested").all()


# ---- the simulated study


def simulated(effects: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return reporter and blots of the fifty lines of the simulated study, as the gate writes them."""
    parts = [
        draw_assays(stream(4, "assays", LINES.index(line)), line.name, BENCH[bench_of(line)], effects)
        for line in LINES
    ]
    sheet, truth, _ = joined(parts)
    sheet = sheet[sheet.normaliser.notna()].assign(role=sheet.condition.map(ROLES), flag=None)
    return sheet.replace("", None), truth


def test_list_tests__intervals_hold_the_planted_ratios_of_the_simulated_study():
    sheet, truth = simulated(1.0)
    planted = truth[truth.treatment.isna()].set_index(["assay", "line", "condition"]).relative_mean
    held, found = [], {}
    for assay, rows in sheet.groupby("assay"):
        _, tests = compared(rows)
        ratio = [planted[assay, line, "resistant"] / planted[assay, line, "parental"] for line in tests.line]
        held += list((tests.ratio_low <= ratio) & (ratio <= tests.ratio_high))
        found[assay] = tests.ratio_low[np.array(ratio) > 4] > 2
    low, high = stats.binom.interval(0.999, len(held), 0.96)
    assert len(held) == 250
    assert low <= sum(held) <= high
    assert found["are_reporter"].all()


def test_list_tests__without_planted_effects_next_to_nothing_is_significant():
    sheet, _ = simulated(0.0)
    p = []
    for _, rows in sheet.groupby("assay"):
        _, tests = compared(rows)
        assert tests.stars.isin(["*", "**", "***"]).sum() <= 1
        p += list(tests.p_value)
    assert agrees(np.array(p), 0.05)
    assert stats.kstest(p, "uniform").pvalue > 0.001


# ---- evidence for the call


def evidence_of(sheet: pd.DataFrame, named: str = "", test: str = "student") -> pd.DataFrame:
    rows = [
        row
        for _, its in sheet.groupby("assay", sort=False)
        for row in list_evidence(groups_of(its), named, test, 0.95)
    ]
    return evidence_table(rows).set_index(["line", "condition"])


def test_ratio_to__is_welch_on_logarithms():
    first, second = series(1.0, 1.3, 0.9), series(4.0, 5.5, 4.4, 3.9)
    found = ratio_to(first, second, "student", False, 0.95)
    ends = stats.ttest_ind(np.log(second), np.log(first), equal_var=False).confidence_interval(0.95)
    assert found["value"] == pytest.approx(stats.gmean(second) / stats.gmean(first))
    assert (found["low"], found["high"]) == pytest.approx((np.exp(ends.low), np.exp(ends.high)))
    assert (found["n"], found["status"], found["reason"]) == (3, "ok", "")


def test_ratio_to__goes_by_pairs_where_tests_are_paired_or_experiments_were_normalised():
    first, second = series(1.0, 1.3, 0.9), series(4.0, 5.5, 3.4)
    ends = stats.ttest_1samp(np.log(second / first), 0).confidence_interval(0.95)
    for found in (
        ratio_to(first, second, "paired", False, 0.95),
        ratio_to(first, second, "student", True, 0.95),
    ):
        assert found["value"] == pytest.approx(stats.gmean(second / first))
        assert (found["low"], found["high"]) == pytest.approx((np.exp(ends.low), np.exp(ends.high)))
    ones = series(1.0, 1.0, 1.0)
    ends = stats.ttest_1samp(np.log(second), 0).confidence_interval(0.95)
    found = ratio_to(ones, second, "student", True, 0.95)
    assert (found["low"], found["high"]) == pytest.approx((np.exp(ends.low), np.exp(ends.high)))
    assert ratio_to(ones, ones, "student", True, 0.95)["status"] == "not_comparable"


def test_ratio_to__covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(6)
    held = 0
    for _ in range(1500):
        first, second = series(*rng.lognormal(0, 0.3, 3)), series(*rng.lognormal(1, 0.15, 3))
        found = ratio_to(first, second, "student", False, 0.95)
        held += found["low"] < np.e < found["high"]
    low, high = stats.binom.interval(0.999, 1500, 0.96)  # Welch's t is a little wide with three
    assert low <= held <= high


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((2.0,), (6.0,), (3.0, 1, "ok", "one experiment: no interval")),
        ((2.0, 2.1), (6.0,), (None, 1, "ok", "one experiment: no interval")),
        ((2.0, 2.0), (6.0, 6.0), (3.0, 2, "ok", "values without variance: no interval")),
        (
            (2.0, 0.0),
            (6.0, 6.0),
            (None, 2, "not_positive", "logarithms are needed, and the lowest value is 0"),
        ),
    ],
)
def test_ratio_to__says_why_there_is_no_interval(first, second, expected):
    found = ratio_to(series(*first), series(*second), "student", False, 0.95)
    assert "low" not in found
    if expected[0]:
        assert found["value"] == pytest.approx(expected[0])
    assert (found["n"], found["status"], found["reason"]) == expected[1:]


def test_list_evidence__has_ratios_to_the_reference_group_and_1_of_that_itself():
    table = evidence_of(some_lines(), "A.parental")
    assert list(table.index) == [(line, end) for line in "ABC" for end in ("parental", "resistant")]
    own = table.loc[("A", "parental")]
    assert (own.value, own.low, own.high, own.n) == (1, 1, 1, 3)
    assert own.reason == "the reference group itself"
    high = table.loc[("C", "resistant")]
    assert high.low < high.value < high.high
    assert high.value == pytest.approx(6, rel=0.4)
    assert set(table.evidence) == {"are_reporter"}
    assert set(table.unit) == {"ratio"}


@pytest.mark.parametrize(
    ("named", "status", "reason"),
    [
        ("", "no_reference_group", "no --reference_group was given"),
        ("Z.parental", "reference_not_measured", "the assay lacks Z.parental, untreated"),
    ],
)
def test_list_evidence__has_no_ratio_without_a_reference_group(named, status, reason):
    table = evidence_of(some_lines(), named)
    assert set(table.status) == {status}
    assert set(table.reason) == {reason}
    assert table.value.isna().all()


def test_list_evidence__keeps_what_was_seen_by_eye_where_there_is_no_ratio():
    sheet = sheet_of(("A", "parental", [1.5, 1.2]), ("A", "resistant", [0.1, 0.1]), assay="nqo1_protein")
    sheet["call"] = np.where(sheet.condition == "resistant", "absent", None)
    table = evidence_of(sheet)
    assert list(table.status) == ["no_reference_group", "ok"]
    assert table.call["A", "resistant"] == "absent"
    assert table.reason["A", "resistant"] == "by eye alone: no --reference_group was given"
    assert np.isnan(table.value["A", "resistant"])
    sheet.loc[:, "value"] = np.nan
    table = evidence_of(sheet, "A.parental")
    assert list(table.status) == ["no_value", "ok"]


def test_list_evidence__gives_activity_as_measured():
    values = [110.0, 130.0, 125.0]
    table = evidence_of(sheet_of(("A", "parental", values), ("B", "parental", [0.5]), assay="nqo1_activity"))
    ends = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    first, second = table.iloc[0], table.iloc[1]
    assert (first.value, first.low, first.high) == pytest.approx((np.mean(values), *ends))
    assert (first.unit, second.value, second.n) == ("nmol/min/mg", 0.5, 1)
    assert np.isnan(second.low)
    shares = sheet_of(("A", "parental", [100, 100]), ("A", "resistant", [20, 30]), assay="nqo1_activity")
    assert set(evidence_of(shares).status) == {"relative_only"}


def test_list_evidence__takes_untreated_cells_only():
    treated = sheet_of(*dosed("A", "parental", {0: [1, 2, 3], 5: [9, 8, 9]}), ("B", "parental", [2, 3, 2.5]))
    table = evidence_of(treated, "A.parental")
    assert table.value["B", "parental"] == pytest.approx(stats.gmean([2, 3, 2.5]) / stats.gmean([1, 2, 3]))
    only = sheet_of(*dosed("A", "parental", {5: [9, 8, 9]}), ("B", "parental", [2, 3, 2.5]))
    table = evidence_of(only, "A.parental")
    assert list(table.status) == ["treated_only", "reference_not_measured"]


def test_list_evidence__leaves_out_assays_without_a_meaning_for_the_call():
    assert evidence_of(sheet_of(("A", "parental", [1.0, 2.0]), assay="cellrox"), "A.parental").empty


def test_list_evidence__carries_the_simulated_bench_to_the_calls_that_it_allows(tmp_path):
    sheet, _ = simulated(1.0)
    seven = sheet[sheet.line.isin([line.name for line in LINES[:7]])]
    table = evidence_of(seven, "SAS.parental").reset_index()
    write_evidence(table, "group_comparison", tmp_path)
    rules = read_rules(ROOT / "assets/mmc_rules.yml", ROOT / "assets/mmc_rules.schema.json")
    calls = call_all(read_evidence(tmp_path), rules)[0].set_index(["line", "condition"])
    assert set(calls.nrf2_active["SAS"]) == {"no"}
    assert tuple(calls.nqo1_functional["RPMI2650"]) == ("yes", "no")
    assert tuple(calls.nqo1_functional["HSC-2"]) == ("yes", "no")
    assert tuple(calls.nqo1_functional["HSC-4"]) == ("no", "no")
    assert tuple(calls.nqo1_functional["HSC-3"]) == ("yes", "yes")
    # P187S and R139W are not seen here, and so little protein is neither lost nor present.
    assert tuple(calls.nqo1_functional["Ca9-22"]) == ("insufficient_data", "insufficient_data")
    active = calls.nrf2_active[["HSC-2", "HSC-3", "HO-1-u-1"]]
    assert active[:, "resistant"].tolist() == ["yes", "yes", "yes"]
    assert calls.call["HSC-3", "resistant"] == calls.call["HO-1-u-1", "parental"] == "candidate"
    assert set(calls.call[["HSC-2", "HSC-4", "Ca9-22", "RPMI2650", "SAS"]]) == {"not_candidate"}


# ---- files


def write_study(folder, sheet: pd.DataFrame, quantities: pd.DataFrame | None = None) -> dict[str, object]:
    for name, table in (("assays", sheet), ("quantities", quantities)):
        (folder / name).mkdir(exist_ok=True)
        if table is not None:
            table.to_csv(folder / name / f"{name}.tsv", sep="\t", index=False)
    return {"assays": folder / "assays", "quantities": folder / "quantities", "results": folder}


def quantities_of() -> pd.DataFrame:
    sheet = some_lines(3).rename(columns={"assay": "gene", "value": "quantity_to_housekeeping"})
    sheet = sheet.drop(columns=["treatment", "treatment_dose", "treatment_unit", "call", "normaliser"])
    parts = [
        sheet.assign(gene=gene, housekeeping="GAPDH", status="ok", quantity=1.0) for gene in ("NQO1", "GAPDH")
    ]
    return pd.concat(parts)


def read(path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", keep_default_na=False, na_values=[""])


def test_main__writes_tables_figures_and_sections(run_script, tmp_path):
    options = write_study(tmp_path, some_lines(), quantities_of())
    assert run_script(main, **options).exit_code == 0
    groups, tests = read(tmp_path / "groups.tsv"), read(tmp_path / "tests.tsv")
    assert list(groups) == GROUP_COLUMNS
    assert list(tests) == TEST_COLUMNS
    assert list(groups.assay.unique()) == ["are_reporter", "qpcr_NQO1"]
    assert {path.stem for path in tmp_path.glob("*.bars.tsv")} == {"are_reporter.bars", "qpcr_NQO1.bars"}
    section = json.loads((tmp_path / "group_comparison_mqc.json").read_text())
    assert section["nrf2flow"]["findings"]["A"].startswith("ARE reporter ")
    assert section["nrf2flow"]["answers"] == {}, "no cells were treated"
    assert "2 assays of 3 lines: 6 of 6 comparisons could be tested (student)" in section["description"]
    assert len(section["data"]) == 6


def test_main__says_what_is_said_of_quantities(run_script, tmp_path):
    quantities = quantities_of()
    quantities.iloc[0, quantities.columns.get_loc("status")] = "extrapolated"
    quantities.iloc[3, quantities.columns.get_loc("status")] = "undetermined"
    quantities.iloc[3, quantities.columns.get_loc("quantity_to_housekeeping")] = np.nan
    run_script(main, **write_study(tmp_path, some_lines(), quantities))
    groups = read(tmp_path / "groups.tsv").set_index("assay").loc["qpcr_NQO1"]
    assert list(groups.reason[:2]) == [
        "1 of 3 rows marked: extrapolated",
        "1 of 3 rows left out: no_value; 1 of 3 rows marked: undetermined",
    ]
    assert list(groups.status[:2]) == ["ok", "two_replicates"]


def test_main__the_same_inputs_give_the_same_bytes(run_script, tmp_path):
    contents = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        run_script(main, **write_study(tmp_path / name, some_lines(), quantities_of()))
        files = sorted(path for path in (tmp_path / name).glob("*.*") if path.is_file())
        contents.append([path.read_bytes() for path in files])
    assert contents[0] == contents[1]
    assert len(contents[0]) == 13


@pytest.mark.parametrize(
    "sheet",
    [
        sheet_of(("A", "parental", [1.5])),
        sheet_of(("A", "resistant", [np.nan]), call="present"),
        sheet_of(("A", "clone", [0, 0, 0])),
        sheet_of(("A", "parental", [0, 0, 0]), ("A", "resistant", [0, 0, 0])),
        sheet_of(("A", "parental", [-1, -2, -3]), ("A", "resistant", [1, 2, 3])),
        sheet_of(*dosed("A", "parental", {np.nan: [1, 2, 3]}), ("A", "parental", [1, 3, 2])),
    ],
    ids=["one value", "one call", "zeros of a clone", "zeros", "negative", "treatment without dose"],
)
def test_main__degenerate_studies_have_rows_and_sections(run_script, tmp_path, sheet):
    assert run_script(main, **write_study(tmp_path, sheet)).exit_code == 0
    groups = read(tmp_path / "groups.tsv")
    assert len(groups) == len(sheet.drop_duplicates(["line", "condition", "treatment"]))
    assert groups.status.notna().all()
    assert (tmp_path / "group_comparison_mqc.json").is_file()


# ---- figures


def drawing(sheet: pd.DataFrame, named: str = ""):
    groups = groups_of(sheet)
    tests = list_tests(groups, named, "student", 0.95)
    table = drawn_of(list_groups(groups, named), list_replicates(groups, named), tests)
    return table, draw("are_reporter", table, tests, named)


def test_drawn_of__has_every_bar_and_every_point_relative_to_the_reference():
    table, _ = drawing(some_lines(n=4), "B.parental")
    assert table.element.value_counts().to_dict() == {"replicate": 24, "group": 6, "comparison": 5}
    bars = table[table.element == "group"].set_index(["line", "condition"]).value.astype(float)
    points = table[table.element == "replicate"].astype({"value": float})
    np.testing.assert_allclose(points.groupby(["line", "condition"]).value.mean()[bars.index], bars)


def boxes_of(figure) -> list:
    figure.draw_without_rendering()
    said = [text for panel in figure.axes for text in panel.texts if text.get_text()]
    return [(text.get_text(), text.get_window_extent()) for text in said]


@pytest.mark.parametrize("dosing", [False, True])
def test_draw__no_mark_covers_another_and_none_leaves_the_figure(dosing):
    groups = []
    for line, (parental, resistant) in {
        "A": (1, 4),
        "B": (1, 1.1),
        "C": (5, 9),
        "HO-1-u-1": (1, 0.1),
    }.items():
        for seed, (condition, of) in enumerate({"parental": parental, "resistant": resistant}.items()):
            doses = {dose: random_values(seed, 3, of * (1 + dose), 0.03) for dose in (0, 1, 2, 4)}
            groups += dosed(line, condition, doses) if dosing else [(line, condition, doses[0])]
    _, figure = drawing(sheet_of(*groups), "B.parental")
    boxes = boxes_of(figure)
    assert len({text for text, _ in boxes} & {"*", "**", "***", "###"}) >= 2
    edges = figure.bbox
    for at, (text, box) in enumerate(boxes):
        assert edges.x0 <= box.x0 <= box.x1 <= edges.x1, text
        assert edges.y0 <= box.y0 <= box.y1 <= edges.y1, text
        assert not [other for other, its in boxes[:at] if box.shrunk(0.8, 0.6).overlaps(its.shrunk(0.8, 0.6))]
    for label in figure.findobj(Text):
        if label.get_text() and label.get_visible():
            box = label.get_window_extent()
            assert edges.x0 - 1 <= box.x0 <= box.x1 <= edges.x1 + 1, label.get_text()


def test_draw__a_group_of_one_is_a_point_without_error_bar():
    _, figure = drawing(
        sheet_of(("A", "parental", [1.0]), ("A", "resistant", [0.2]), call=["present", "absent"])
    )
    panel = figure.axes[0]
    assert not panel.patches
    assert [line.get_marker() for line in panel.lines if len(line.get_xdata()) == 1] == ["D", "D"]
    assert [text.get_text() for text in panel.texts] == ["absent"]


def test_draw__the_caption_names_test_family_and_thresholds():
    _, figure = drawing(some_lines(), "B.parental")
    caption = re.sub(r"\s+", " ", figure.get_supxlabel())
    assert "Student's t, Holm's adjustment over 5 tests: * p < 0.05, ** p < 0.01, *** p < 0.001" in caption
    assert "#, ##, ###: likewise, against B.parental." in caption


def test_draw__many_lines_fit_and_those_left_out_are_named():
    groups = [
        (f"LINE-{n:02}", condition, random_values(2 * n + end, 3, 1 + n * end / 10))
        for n in range(40)
        for end, condition in enumerate(("parental", "resistant"))
    ]
    table, figure = drawing(sheet_of(*groups))
    assert table.line.nunique() == 28
    assert "Not drawn, but in the tables: 12 lines." in re.sub(r"\s+", " ", figure.get_supxlabel())


def test_draw__activity_is_shown_in_its_unit_and_treatments_by_their_names():
    sheet = sheet_of(("A", "parental", [120, 130, 110]), ("A", "resistant", [0.5, 0.6, 0.7]))
    groups = groups_of(sheet.assign(assay="nqo1_activity"))
    tests = list_tests(groups, "", "student", 0.95)
    table = drawn_of(list_groups(groups, ""), list_replicates(groups, ""), tests)
    assert table.value[table.element == "group"].astype(float).tolist() == pytest.approx([120, 0.6])
    figure = draw("nqo1_activity", table, tests, "")
    assert figure.get_supylabel() == "NQO1 activity (nmol/min/mg)"

    three = [1.0, 1.1, 1.2]
    sheet = sheet_of(("A", "parental", three), ("A", "parental", three, "NAC", np.nan))
    sheet = pd.concat([sheet, sheet_of(*dosed("A", "parental", {5: three}))], ignore_index=True)
    sheet.loc[sheet.treatment == "NAC", "treatment_unit"] = None
    _, figure = drawing(sheet)
    labels = [label.get_text().strip() for label in figure.axes[0].get_xticklabels()]
    assert labels == ["none", "NAC", "cisplatin\n5 uM"]
