"""Oracle: R's survival, on its lung and veteran data and on small cases (oracles/survival.R).

Equal to R: curves and intervals, numbers at risk, medians and their intervals, log-rank, Cox's model,
proportional hazards. Exceptions, all by definition:
- Before the first event there is no interval; R's survfit agrees, its summary at times gives 1 to 1.
- R is silent on survival after the last patient's time, even if the curve has come to 0; here it is 0.
- R goes on to coefficients of 10 to 20 where groups are separated; here the hazard ratio has no number.
"""

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import survival
from common.patient_groups import Grouping, file_stems, in_order
from common.survival_figure import p_text
from common.survival_tables import Compared
from conftest import ORACLES, REFERENCE_DATA
from scipy.optimize import minimize

LARGE = 1e9  # months: no horizon
CLOSE = {"rtol": 1e-6, "atol": 1e-9}
COLUMNS = ["survival", "survival_low", "survival_high"]
LUNG = {"lung_sex": "sex", "lung_sex_365": "sex", "lung_ph.ecog": "ph.ecog"}
STUDIES = [*LUNG, "veteran_celltype", "veteran_trt", "tied", "half", "apart", "before", "without"]
SEPARATED = ("apart", "before", "without")
each_study = pytest.mark.parametrize("study", STUDIES)


def oracle(what: str, study: str) -> pd.DataFrame:
    table = pd.read_csv(ORACLES / f"survival_{what}.tsv", sep="\t", comment="#", dtype={"group": "str"})
    return table[table.study == study].drop(columns="study").reset_index(drop=True)


def patients_of(study: str) -> pd.DataFrame:
    """The patients of a study: time, event, group. Those of veteran are read off R's own curves."""
    if study in LUNG:
        table = pd.read_csv(REFERENCE_DATA / "survival/survival_lung.csv")
        group = table[LUNG[study]].astype("Int64").astype("str")
        table = pd.DataFrame({"time": table.time, "event": table.status - 1, "group": group})
        return table[table.group != "<NA>"]
    if study.startswith("veteran"):
        rows = [
            (row.time, event, row.group)
            for row in oracle("km", study).itertuples()
            for event, count in ((1, row.events), (0, row.censored))
            for _ in range(count)
        ]
        return pd.DataFrame(rows, columns=["time", "event", "group"])
    table = pd.read_csv(ORACLES / "survival_small.tsv", sep="\t", comment="#")
    return table[table.case == study]


def sheet_of(table: pd.DataFrame, endpoints: tuple[str, ...] = survival.ENDPOINTS) -> pd.DataFrame:
    """Patients of time, event and group as the gate gives them: these endpoints are the same."""
    names = [f"P{number}" for number in range(len(table))]
    columns = {"patient": names, "group": table.group.to_numpy(object)}
    for endpoint in survival.ENDPOINTS:
        given = endpoint in endpoints
        columns[f"{endpoint}_months"] = table.time.to_numpy(float) if given else np.nan
        columns[f"{endpoint}_event"] = pd.array(table.event if given else [None] * len(table), dtype="Int64")
    return pd.DataFrame(columns, index=names)


def grouping_of(sheet: pd.DataFrame, name: str = "group") -> Grouping:
    return Grouping(name, sheet.group, sorted(sheet.group.dropna().unique()))


def no_corrections() -> pd.DataFrame:
    return pd.DataFrame(columns=["endpoint", "test", "p_corrected", "cutoff_source", "circular"])


def analysed(table: pd.DataFrame, horizon: float = LARGE, confidence: float = 0.95) -> Compared:
    """Analyse the overall survival of patients of time, event and group."""
    sheet = sheet_of(table, ("os",))
    found = survival.analyse(sheet, [grouping_of(sheet)], no_corrections(), horizon, confidence)
    return Compared(*(each[each.endpoint == "os"].reset_index(drop=True) for each in found))


@pytest.fixture(scope="module")
def of_study() -> dict[str, Compared]:
    """All studies, analysed once."""
    horizons = {"lung_sex_365": 365}
    return {study: analysed(patients_of(study), horizons.get(study, LARGE)) for study in STUDIES}


def people(groups: dict[str, list[tuple[float, int]]]) -> pd.DataFrame:
    """Patients by group, each a time and an event."""
    rows = [(time, event, group) for group, own in groups.items() for time, event in own]
    return pd.DataFrame(rows, columns=["time", "event", "group"])


def simulated(rng: np.random.Generator, rates: dict[str, float], size: int) -> pd.DataFrame:
    """Exponential times to the event and to censoring, in tied steps of a tenth."""
    parts = []
    for group, rate in rates.items():
        death, end = rng.exponential(1 / rate, size), rng.uniform(2, 30, size)
        columns = {"time": np.ceil(np.minimum(death, end) * 10) / 10, "event": (death <= end).astype(int)}
        parts.append(pd.DataFrame(columns | {"group": group}))
    return pd.concat(parts, ignore_index=True)


# ---- the oracle


@each_study
def test_curve_of__has_the_curve_the_limits_and_the_numbers_at_risk_of_survfit(study, of_study):
    found, wanted = of_study[study].km, oracle("km", study)
    for group, theirs in wanted.groupby("group"):
        ours = found[found.group == group]
        if theirs.time.iloc[0] > 0:  # ours begins at month 0
            assert ours.iloc[0][["time_months", "at_risk", "events", "survival"]].tolist() == [0, len(
                patients_of(study).query("group == @group")), 0, 1]  # fmt: skip
            ours = ours[1:]
        assert ours[["time_months", "at_risk", "events", "censored"]].to_numpy().tolist() == (
            theirs[["time", "at_risk", "events", "censored"]].to_numpy().tolist()
        )
        np.testing.assert_allclose(ours[COLUMNS], theirs[["survival", "low", "high"]], **CLOSE)


def test_curve_of__has_greenwoods_intervals_on_the_scale_of_log_minus_log():
    # By hand: S^exp(+-z * se), se^2 = sum(d / (n (n - d))) / log(S)^2
    months, event = np.array([1.0, 2, 2, 3, 4, 5]), np.array([1, 1, 1, 0, 1, 0])
    steps = {1: (6, 1), 2: (5, 2), 4: (2, 1)}
    for confidence, z in ((0.95, 1.959963984540054), (0.8, 1.2815515655446004)):
        curve = survival.curve_of(months, event, confidence).set_index("time_months")
        share, greenwood = 1.0, 0.0
        for month, (at_risk, died) in steps.items():
            share *= 1 - died / at_risk
            greenwood += died / (at_risk * (at_risk - died))
            error = np.sqrt(greenwood) / -np.log(share)
            wanted = [share, share ** np.exp(z * error), share ** np.exp(-z * error)]
            np.testing.assert_allclose(curve.loc[month, COLUMNS], wanted)


@each_study
def test_median_of__is_that_of_survfit_with_its_limits_and_the_median_follow_up(study, of_study):
    found = of_study[study].medians.set_index("group")
    wanted = oracle("medians", study).set_index("group")
    ours = found.loc[wanted.index, ["median_months", "median_low", "median_high"]]
    np.testing.assert_allclose(ours.astype(float), wanted[["median", "low", "high"]].astype(float), **CLOSE)
    assert found.loc[wanted.index, ["followed", "events"]].to_numpy().tolist() == (
        wanted[["followed", "events"]].to_numpy().tolist()
    )
    if study != "lung_sex_365":  # follow-up is told without the horizon
        follow_up = found.loc[wanted.index, "follow_up_median_months"].astype(float)
        np.testing.assert_allclose(follow_up, wanted.follow_up.astype(float), **CLOSE)
    assert (found.status == "ok").tolist() == found.median_months.notna().tolist()


@each_study
def test_at_time__reads_the_curve_as_summary_of_survfit_does(study):
    table = patients_of(study)
    if study == "lung_sex_365":
        table = table.assign(event=table.event.where(table.time <= 365, 0), time=table.time.clip(upper=365))
    for group, theirs in oracle("times", study).groupby("group"):
        own = table[table.group == group]
        months = own.time.to_numpy(float)
        curve = survival.curve_of(months, own.event.to_numpy(), 0.95)
        for row in theirs.itertuples():
            read = survival.at_time(curve, months, row.time)
            assert read["at_risk"] == row.at_risk
            assert read["events"] == ((own.time <= row.time) & (own.event == 1)).sum()
            wanted = [row.survival, row.low, row.high] if row.survival < 1 else [1, np.nan, np.nan]
            np.testing.assert_allclose([read[name] for name in COLUMNS], wanted, **CLOSE)


@each_study
def test_list_tests__are_those_of_survdiff_coxph_and_cox_zph(study, of_study):
    found = of_study[study].tests.set_index(["test", "group"])
    wanted = oracle("tests", study)
    for row in wanted[wanted.test != "limit"].itertuples():
        ours = found.loc[row.test] if pd.isna(row.group) else found.loc[[(row.test, row.group)]]
        assert len(ours) == 1
        ours = ours.iloc[0]
        # R goes to a limit of the likelihood by steps; here it is the limit itself.
        close = {"rtol": 1e-5} if study in SEPARATED and row.test == "cox_likelihood_ratio" else CLOSE
        np.testing.assert_allclose(ours.statistic, row.statistic, **close)
        np.testing.assert_allclose(ours.p_value, row.p_value, **close)
        assert ours.df == row.df
        if row.test == "cox":
            names = ["log_hazard_ratio", "standard_error", "hazard_ratio_low", "hazard_ratio_high"]
            wanted = [row.coefficient, row.error, row.low, row.high]
            np.testing.assert_allclose(ours[names].astype(float), wanted, **CLOSE)
            np.testing.assert_allclose(ours.hazard_ratio, np.exp(row.coefficient), rtol=1e-6)
    if study not in SEPARATED:
        assert len(oracle("tests", study)) == found.statistic.notna().sum()


# ---- properties


def test_analyse__finds_a_planted_hazard_ratio():
    table = simulated(np.random.default_rng(1), {"a": 0.05, "b": 0.15}, 1500)
    row = analysed(table).tests.set_index("test").loc["cox"]
    assert row.hazard_ratio_low < 3 < row.hazard_ratio_high
    assert row.hazard_ratio == pytest.approx(3, rel=0.1)


def test_log_rank__rejects_as_often_as_it_says_where_groups_do_not_differ():
    rng = np.random.default_rng(2)
    p = []
    for _ in range(100):
        table = simulated(rng, {"a": 0.1, "b": 0.1}, 30)
        months, event = table.time.to_numpy(), table.event.to_numpy()
        code = (table.group == "b").to_numpy().astype(int)
        deaths = survival.deaths_of(months, event, code, 2)
        tested = survival.log_rank(months, event, code, deaths)
        p.append(tested.p_value)
    assert 0.02 <= np.mean(np.array(p) < 0.05) <= 0.09
    assert 0.4 <= np.mean(p) <= 0.6


def test_proportional__finds_hazards_that_cross_and_not_those_that_keep_their_ratio():
    rng = np.random.default_rng(3)
    steady = simulated(rng, {"a": 0.1, "b": 0.2}, 200)
    crossing = pd.DataFrame(
        {
            "time": np.concatenate([rng.weibull(3, 200), rng.weibull(0.7, 200)]) * 10,
            "event": 1,
            "group": ["a"] * 200 + ["b"] * 200,
        }
    )
    p = {
        name: analysed(table).tests.set_index("test").loc["proportional_hazards", "p_value"]
        for name, table in (("steady", steady), ("crossing", crossing))
    }
    assert p["crossing"] < 1e-6
    assert p["steady"] > 0.01


def test_proportional__is_the_score_test_of_a_model_in_which_time_interacts():
    # The slow, obvious version: differences of the likelihood of coefficients b + c * g(t), at c = 0.
    table = simulated(np.random.default_rng(4), {"a": 0.1, "b": 0.2, "c": 0.15}, 12)
    months, event = table.time.to_numpy(), table.event.to_numpy()
    code = pd.factorize(table.group)[0]
    deaths = survival.deaths_of(months, event, code, 3)
    ratios, _ = survival.fit_cox(months, event, code, 0, 0.95)
    b = np.array([0, ratios[1].coefficient, ratios[2].coefficient])
    curve = survival.curve_of(months, event, 0.95).set_index("time_months").survival
    g = [1 - curve[curve.index < time].iloc[-1] for time in deaths.time]

    def likelihood(parameters: np.ndarray) -> float:
        total = 0.0
        for at, (risk, dead) in enumerate(zip(deaths.at_risk, deaths.events, strict=True)):
            eta = np.array([0, *(parameters[:2] + parameters[2:] * g[at])])
            total += dead @ eta
            for tied in range(dead.sum()):
                total -= np.log((risk - tied / dead.sum() * dead) @ np.exp(eta))
        return total

    at = np.array([*b[1:], 0, 0])
    h, unit = 1e-4, np.eye(4)
    slope = np.array([(likelihood(at + h * e) - likelihood(at - h * e)) / (2 * h) for e in unit])
    bend = np.array(
        [
            [
                sum(s * t * likelihood(at + h * (s * e + t * f)) for s in (1, -1) for t in (1, -1))
                / (4 * h * h)
                for f in unit
            ]
            for e in unit
        ]
    )
    statistic = slope @ np.linalg.solve(-bend, slope)
    assert survival.proportional(months, event, b, deaths).statistic == pytest.approx(statistic, rel=1e-4)


def test_cox__of_renamed_groups_turns_the_ratio_over_and_keeps_the_tests():
    table = simulated(np.random.default_rng(5), {"a": 0.1, "b": 0.2}, 25)
    one = analysed(table).tests.set_index("test")
    other = analysed(table.assign(group=table.group.map({"a": "z", "b": "y"}))).tests.set_index("test")
    assert one.loc["cox", "hazard_ratio"] * other.loc["cox", "hazard_ratio"] == pytest.approx(1)
    np.testing.assert_allclose(one.p_value.astype(float), other.p_value.astype(float), rtol=1e-9)


def test_analyse__does_not_depend_on_the_order_of_patients():
    table = simulated(np.random.default_rng(6), {"a": 0.1, "b": 0.2, "c": 0.1}, 15)
    one, other = analysed(table), analysed(table.sample(frac=1, random_state=1))
    for ours, theirs in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(ours, theirs, rtol=1e-9)


def test_analyse__ends_follow_up_at_the_horizon_and_counts_an_event_in_that_month():
    table = people({"a": [(3, 1), (12, 1), (12.1, 1), (40, 0)], "b": [(5, 1), (11, 0), (13, 1), (20, 1)]})
    found = analysed(table, horizon=12)
    medians = found.medians.set_index("group")
    assert medians.events.to_dict() == {"a": 2, "b": 1, "all groups": 3}
    assert medians.follow_up_max_months["a"] == 40
    assert found.km.time_months.max() == 12
    last = found.km[(found.km.group == "a") & (found.km.time_months == 12)].iloc[0]
    assert (last.at_risk, last.events, last.censored) == (3, 1, 2)
    times = found.times[found.times.group == "a"].set_index("time_months")
    assert times.survival[12] == pytest.approx(0.5)
    assert times.status[24] == "beyond_horizon"


# ---- separation


def finite_by_search(deaths: survival.Deaths, groups: int) -> bool:
    """Whether the likelihood has its maximum at finite coefficients: the slow, obvious way."""

    def negative(b: np.ndarray) -> float:
        return -survival.moments(np.array([0, *b]), deaths)[0]

    limits = [(-40, 40)] * (groups - 1)
    found = minimize(negative, np.zeros(groups - 1), method="L-BFGS-B", bounds=limits, tol=1e-14)
    return bool((np.abs(found.x) < 15).all())


def test_cox__says_that_a_ratio_is_not_finite_exactly_where_the_likelihood_has_no_maximum():
    rng = np.random.default_rng(7)
    seen = []
    for _ in range(80):
        months, event = rng.integers(1, 9, 8).astype(float), rng.integers(0, 2, 8)
        code = rng.permutation([0, 0, 0, 1, 1, 1, 1, 1])
        deaths = survival.deaths_of(months, event, code, 2)
        if not deaths.at_risk.all(axis=1).any():
            continue  # a flat likelihood has maxima everywhere
        finite = 1 in survival.cox(months, event, code, deaths, 0.95).ratios
        assert finite == finite_by_search(deaths, 2), (months, event, code)
        seen.append(finite)
    assert 10 < sum(seen) < len(seen) - 10


@pytest.mark.parametrize(
    ("groups", "why"),
    [
        ({"a": [(4, 1), (7, 1), (9, 0)], "b": [(5, 0), (8, 0), (9, 0)]}, "events in b; it falls towards 0"),
        ({"a": [(5, 0), (8, 0), (9, 0)], "b": [(4, 1), (7, 1), (9, 0)]}, "events in a; it grows"),
        ({"a": [(5, 1), (8, 1), (9, 1)], "b": [(1, 1), (2, 1), (3, 1)]}, "separated; it grows without bound"),
    ],
)  # fmt: skip
def test_cox__gives_separated_groups_a_limit_instead_of_a_ratio_and_tests_them_all_the_same(groups, why):
    tests = analysed(people(groups)).tests.set_index("test")
    row = tests.loc["cox"]
    assert row.status == "not_finite"
    assert why in row.reason
    assert row[["hazard_ratio", "log_hazard_ratio", "standard_error", "p_value", "statistic"]].isna().all()
    given = "hazard_ratio_low" if "grows" in why else "hazard_ratio_high"
    assert row[["hazard_ratio_low", "hazard_ratio_high"]].dropna().index.tolist() == [given]
    assert tests.loc["proportional_hazards", "status"] == "not_finite"
    assert tests.loc[["log_rank", "cox_likelihood_ratio"], "p_value"].notna().all()
    assert not np.isinf(tests.select_dtypes("number").astype(float)).any().any()


@pytest.mark.parametrize("study", ["before", "without"])
def test_one_limit__is_where_the_likelihood_of_coxph_with_an_offset_just_rejects(study, of_study):
    wanted = oracle("tests", study).set_index("test").coefficient["limit"]
    row = of_study[study].tests.set_index("test").loc["cox"]
    assert np.log(row.hazard_ratio_high) == pytest.approx(wanted, rel=1e-6)
    assert f"below {np.exp(wanted):.3g} (95 %)" in row.reason
    narrow = analysed(patients_of(study), confidence=0.8).tests.set_index("test").loc["cox"]
    assert narrow.hazard_ratio_high < row.hazard_ratio_high


def test_cox__fits_the_groups_that_are_not_separated():
    table = patients_of("apart")
    tests = analysed(table).tests.set_index(["test", "group"])
    pair = analysed(table[table.group != "b"]).tests.set_index(["test", "group"])
    assert tests.loc[("cox", "b"), "status"] == "not_finite"
    assert tests.hazard_ratio[("cox", "c")] == pytest.approx(pair.hazard_ratio[("cox", "c")])
    assert tests.loc["proportional_hazards"].iloc[0].reason.endswith("of a, c only")


# ---- what cannot be analysed keeps its row


def statuses(table: pd.DataFrame, **options: float) -> tuple[dict[str, str], dict[str, str]]:
    found = analysed(table, **options)
    return found.tests.set_index("test").status.to_dict(), found.medians.set_index("group").status.to_dict()


TESTS = ("log_rank", "cox", "cox_likelihood_ratio", "proportional_hazards")


@pytest.mark.parametrize(
    ("groups", "test", "medians"),
    [
        ({"a": [(4, 1), (7, 1)]}, "one_group", {"a": "ok"}),
        ({"a": [(4, 0), (7, 0)], "b": [(3, 0)]}, "no_events", {"a": "no_events", "b": "no_events"}),
        (
            {"a": [(0, 0), (0, 0)], "b": [(0, 0)]},
            "all_censored_at_0",
            {"a": "all_censored_at_0", "b": "all_censored_at_0"},
        ),
        ({"a": [(4, 1), (7, 0)], "b": [(3, 0)]}, "too_few", {"a": "ok", "b": "no_events"}),
        ({"a": [(np.nan, 1), (np.nan, 0)], "b": [(np.nan, 1)]}, "no_follow_up", {"a": "no_follow_up"}),
        ({"a": [(4, 1), (7, 1)], "b": [(np.nan, 1)]}, "one_group", {"a": "ok", "b": "no_follow_up"}),
        ({chr(97 + n): [(n + 1, 1)] for n in range(12)}, "too_many_groups", {"all groups": "ok"}),
    ],
)
def test_list_tests__says_why_groups_cannot_be_tested(groups, test, medians):
    tests, of_groups = statuses(people(groups))
    assert tests == dict.fromkeys(TESTS, test)
    assert medians.items() <= of_groups.items()


def test_analyse__keeps_rows_where_no_patient_has_a_group():
    sheet = sheet_of(people({"a": [(4, 1), (7, 1)]}))
    grouping = Grouping("score_group", pd.Series(None, index=sheet.index, dtype=object), [])
    found = survival.analyse(sheet, [grouping], no_corrections(), 60, 0.95)
    assert (found.tests.status == "no_groups").all()
    assert len(found.tests) == 2 * len(TESTS)
    assert found.km.empty
    assert found.medians.empty


def test_analyse__counts_patients_without_follow_up_and_leaves_them_out():
    table = people({"a": [(4, 1), (7, 0), (np.nan, 1), (5, 1)], "b": [(2, 1), (3, 1), (9, 0)]})
    row = analysed(table).medians.set_index("group").loc["a"]
    assert row[["patients", "no_follow_up", "followed", "events"]].tolist() == [4, 1, 3, 2]
    assert "1 of 4 without follow-up" in row.reason


def test_list_tests__marks_few_events():
    tests, _ = statuses(people({"a": [(4, 1), (7, 1), (9, 1)], "b": [(2, 1), (6, 0), (8, 1)]}))
    assert tests == dict.fromkeys(TESTS, "few_events")


def test_at_times__says_what_lies_beyond_the_last_patient():
    ended = [(4, 1), (15, 1)]
    table = people({"a": [(4, 1), (20, 1), (30, 0)], "b": ended})
    times = analysed(table, horizon=60).times.set_index(["group", "time_months"])
    assert times.status["a"].tolist() == ["ok", "ok", "beyond_follow_up", "beyond_follow_up"]
    assert "30 months" in times.reason["a"][36]
    assert times.survival["a"].isna().tolist() == [False, False, True, True]
    assert times.status["b"].tolist() == ["ok", "all_events", "all_events", "all_events"]
    assert (times.survival["b"][1:] == 0).all()


def test_at_times__gives_no_interval_before_the_first_event():
    times = analysed(people({"a": [(40, 1), (50, 0)], "b": [(2, 1), (61, 0)]}), horizon=60).times
    row = times[(times.group == "a") & (times.time_months == 24)].iloc[0]
    assert (row.survival, row.status) == (1, "no_events")
    assert np.isnan(row.survival_low)


@pytest.mark.parametrize(
    ("steps", "median"),
    [
        ([1, 0.75, 0.5, 0.25], 2.5),
        ([1, 0.75, 0.5, 0.5], 2),
        ([1, 0.8, 0.6, 0.51], np.nan),
        ([1, 0.6, 0.4, 0.2], 2),
        ([np.nan, 0.6, np.nan, np.nan], np.nan),
    ],
)
def test_median_of__is_the_middle_of_a_step_at_one_half(steps, median):
    np.testing.assert_equal(survival.median_of(np.arange(4.0), np.array(steps)), median)


def test_list_tests__holds_up_in_small_random_studies():
    # Ties, months 0, single patients, no events: nothing but rows with numbers that are numbers.
    rng = np.random.default_rng(8)
    for size in (2, 3, 5, 9):
        for _ in range(5):
            table = pd.DataFrame(
                {
                    "time": rng.integers(0, 6, size),
                    "event": rng.integers(0, 2, size),
                    "group": rng.choice(["a", "b", "c"], size),
                }
            )
            found = analysed(table)
            for each in found:
                numbers = each.select_dtypes("number").astype(float).to_numpy()
                assert not np.isinf(numbers).any()
            tested = found.tests[found.tests.p_value.notna()]
            assert tested.status.isin(["ok", "few_events"]).all()
            assert tested.p_value.between(0, 1).all()


# ---- the choice of the cutoff


def corrections(circular: str = "yes") -> pd.DataFrame:
    columns = ["endpoint", "test", "p_corrected", "cutoff_source", "circular"]
    rows = [
        ("os", "log_rank", 0.04, "youden", "no"),
        ("dfs", "log_rank", 0.06, "youden", circular),
        ("dfs", "cox", 0.07, "youden", circular),
    ]
    return pd.DataFrame(rows, columns=columns)


def test_with_correction__brings_the_corrected_p_to_the_tests_of_the_score():
    table = simulated(np.random.default_rng(9), {"high": 0.2, "low": 0.05}, 20)
    sheet = sheet_of(table)
    groupings = [
        grouping_of(sheet, "score_group")._replace(order=["low", "high"]),
        grouping_of(sheet)._replace(order=["low", "high"]),
    ]
    tests = survival.analyse(sheet, groupings, corrections(), 60, 0.95).tests
    tests = tests.set_index(["grouping", "endpoint", "test"])
    of_score = tests.loc["score_group"]
    assert of_score.p_corrected.dropna().to_dict() == {
        **{("os", "log_rank"): 0.04, ("dfs", "log_rank"): 0.06, ("dfs", "cox"): 0.07}
    }
    assert (of_score.data_driven == "yes").all()
    assert (of_score.circular["os"] == "no").all()
    assert (of_score.circular["dfs"] == "yes").all()
    assert of_score.reference[("os", "cox")] == "low"
    assert of_score.hazard_ratio[("os", "cox")] > 1
    assert tests.loc["group", ["p_corrected", "data_driven", "circular"]].isna().all().all()


# ---- the groups


@pytest.mark.parametrize(
    ("names", "ordered"),
    [
        (["high", "low"], ["low", "high"]),
        (["positive", "negative"], ["negative", "positive"]),
        (["Yes", "No"], ["No", "Yes"]),
        (["IV", "II", "III", "I"], ["I", "II", "III", "IV"]),
        (["T10", "T2", "T1"], ["T1", "T2", "T10"]),
        (["10", "9", "b", "a1"], ["9", "10", "a1", "b"]),
        (["former", "never", "current"], ["never", "current", "former"]),
    ],
)
def test_in_order__begins_with_the_group_that_others_are_compared_with(names, ordered):
    assert in_order(names) == ordered


def test_file_stems__name_each_grouping_once_and_plainly():
    none = pd.Series(dtype=object)
    names = ["T stage", "T/stage", "HPV+", "../x", "age>60", "\u03b1"]
    stems = file_stems([Grouping(name, none, []) for name in names])
    assert stems == ["T_stage", "T_stage_2", "HPV", "x", "age_60", "groups"]


# ---- the command


def write_study(folder, table: pd.DataFrame, scored: bool = True) -> dict[str, object]:
    """Write patients.tsv and the scores' folder; return the options."""
    sheet = sheet_of(table).assign(sex=["male", "female"] * (len(table) // 2) + ["male"] * (len(table) % 2))
    sheet.drop(columns="group").to_csv(folder / "patients.tsv", sep="\t", index=False)
    if scored:
        (folder / "scores").mkdir()
        columns = {
            "patient": sheet.patient,
            "score": 1.0,
            "score_group": sheet.group,
            "status": "ok",
            "reason": "",
        }
        pd.DataFrame(columns).to_csv(folder / "scores/groups.tsv", sep="\t", index=False)
        given = corrections().assign(statistic=1.0, p_value=0.01, permutations=1000)
        given.to_csv(folder / "scores/corrected.tsv", sep="\t", index=False)
    return {"patients": folder / "patients.tsv", "scores": folder / "scores"}


def section(folder, name: str = "survival") -> dict:
    return json.loads((folder / f"{name}_mqc.json").read_text())


def test_main__writes_tables_one_figure_a_grouping_and_what_the_choice_of_the_cutoff_does(
    tmp_path, run_script
):
    table = simulated(np.random.default_rng(10), {"high": 0.1, "low": 0.02}, 20)
    table.loc[0, "time"] = np.nan
    options = write_study(tmp_path, table)
    options |= {"survival_groups": "sex,score_group", "results": tmp_path}
    assert run_script(survival.main, **options).exit_code == 0
    assert {path.name for path in tmp_path.glob("*.curves.*")} == {
        f"{stem}.curves.{suffix}" for stem in ("score_group", "sex") for suffix in ("svg", "png", "tsv")
    }
    tests = pd.read_csv(tmp_path / "tests.tsv", sep="\t")
    assert tests.grouping.drop_duplicates().tolist() == ["score_group", "sex"]
    told = section(tmp_path)
    assert "1 more without follow-up" in told["description"]
    assert "corrected for the choice of the cutoff p = 0.040" in told["description"]
    assert "circular" in told["description"]
    assert "Score high against low: HR" in told["description"]
    assert "corrected p = 0.040" in told["nrf2flow"]["findings"]["patients"]
    assert told["nrf2flow"]["answers"]["patients"][0].startswith("Overall survival, score high against low:")
    drawn = pd.read_csv(tmp_path / "score_group.curves.tsv", sep="\t")
    assert drawn.text.dropna().str.contains("corrected for the choice of cutoff p = 0.040").any()
    assert drawn.text.dropna().str.contains("circular").any()
    risk = drawn[(drawn.element == "at_risk") & (drawn.endpoint == "os") & (drawn.group == "high")]
    high = table[(table.group == "high") & table.time.notna()]
    assert risk["count"].tolist() == [int((high.time >= month).sum()) for month in risk.time_months]


def test_main__does_without_scores_if_other_groups_are_named(tmp_path, run_script):
    options = write_study(tmp_path, simulated(np.random.default_rng(11), {"a": 0.1}, 12), scored=False)
    done = run_script(survival.main, **options, survival_groups="score_group,sex", results=tmp_path)
    assert done.exit_code == 0
    tests = pd.read_csv(tmp_path / "tests.tsv", sep="\t")
    assert set(tests.status[tests.grouping == "score_group"]) == {"no_groups"}
    assert tests.p_value[tests.grouping == "sex"].notna().any()
    assert "no patient has a group (no scores)" in section(tmp_path)["description"]


def test_main__has_rows_and_sections_without_any_follow_up(tmp_path, run_script):
    options = write_study(tmp_path, people({"high": [(np.nan, 1)] * 3, "low": [(np.nan, 0)] * 2}))
    assert run_script(survival.main, **options, results=tmp_path).exit_code == 0
    assert set(pd.read_csv(tmp_path / "tests.tsv", sep="\t").status) == {"no_follow_up"}
    assert pd.read_csv(tmp_path / "km.tsv", sep="\t").empty
    assert not list(tmp_path.glob("*.curves.*"))
    assert "No patient has times of overall survival" in section(tmp_path)["description"]
    assert section(tmp_path, "survival_figures")["data"] == "<p>There is nothing to draw.</p>"


@pytest.mark.parametrize(
    "groups",
    [
        {"high": [(0, 0)], "low": [(0, 0)] * 2},
        {"high": [(0, 1)] * 2, "low": [(0, 1), (0, 0)]},
        {"high": [(5, 1)]},
        {"high": [(5, 0), (6, 0)], "low": [(7, 0)]},
        {"high": [(5, 1), (6, 1)], "low": [(7, 0), (100, 1)]},
    ],
    ids=["censored at 0", "events at 0", "one patient", "no events", "separated"],
)
def test_main__draws_and_tells_what_there_is(groups, tmp_path, run_script):
    options = write_study(tmp_path, people(groups))
    assert run_script(survival.main, **options, results=tmp_path).exit_code == 0
    drawn = pd.read_csv(tmp_path / "score_group.curves.tsv", sep="\t")
    assert set(drawn.element) >= {"curve", "at_risk", "text"}
    assert section(tmp_path)["description"].startswith(f"Overall survival of {len(people(groups))} patient")


def test_main__names_the_columns_where_a_grouping_is_none_of_them(tmp_path, run_script):
    options = write_study(tmp_path, simulated(np.random.default_rng(12), {"a": 0.1}, 4))
    done = run_script(survival.main, **options, survival_groups="stage", results=tmp_path)
    assert done.exit_code == 1
    assert "patients.tsv: --survival-groups: no column stage (expected one of score_group, " in done.output


def test_main__explains_every_column_and_writes_the_same_bytes(tmp_path, run_script):
    options = write_study(tmp_path, simulated(np.random.default_rng(13), {"high": 0.2, "low": 0.1}, 12))
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        assert run_script(survival.main, **options, results=tmp_path / folder).exit_code == 0
    rows = [line.split("\t") for line in (ORACLES.parents[1] / "assets/columns.tsv").read_text().splitlines()]
    explained = {(row[0], row[1]) for row in rows}
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(names) > 9
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
        if name.endswith(".tsv") and name != "versions.tsv":
            table = "*.curves.tsv" if name.endswith(".curves.tsv") else name
            for column in (tmp_path / "one" / name).read_text().splitlines()[0].split("\t"):
                assert (f"survival/{table}", column) in explained


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.234, "0.23"), (0.0504, "0.050"), (0.01, "0.010"), (0.00234, "0.0023"), (0.00012, "0.00012")],
)
def test_p_text__shows_on_which_side_of_a_limit_p_lies(p, text):
    assert p_text(p) == f"p = {text}"
    assert p_text(0.00001) == "p < 0.0001"


def test_draw__keeps_names_apart_that_end_at_the_same_height(tmp_path, run_script):
    rates = dict.fromkeys("abcdef", 0.05)
    options = write_study(tmp_path, simulated(np.random.default_rng(15), rates, 6), scored=False)
    sheet = pd.read_csv(options["patients"], sep="\t")
    sheet["site"] = np.repeat(["oral_cavity_of_a_long_name", *"bcdef"], 6)
    sheet.to_csv(options["patients"], sep="\t", index=False)
    done = run_script(survival.main, **options, survival_groups="site", results=tmp_path)
    assert done.exit_code == 0
    drawn = pd.read_csv(tmp_path / "site.curves.tsv", sep="\t")
    for _, own in drawn[drawn.element == "curve"].groupby(["endpoint", "group"]):
        assert all(one >= other for one, other in pairwise(own.survival))
