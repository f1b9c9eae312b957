"""Oracle: R's pROC, stats and survival (oracles/biomarker_cutoff.R), and lifelines.

Equal to R to 1e-8, but for:
- R's odds ratio of fisher.test and the shift of wilcox.test with ties come from a root finder that stops at
  1e-4: they are held to 1e-2. The shift is the median of the differences here, with ties too.
- R goes on to coefficients of 30 where all events are in one group; here the hazard ratio has no number.
lifelines' Cox stops before that: it is held to 1e-5.
"""

import json
import re
import time

import numpy as np
import pandas as pd
import pytest
from biomarker_cutoff import (
    Study,
    analyse,
    choose,
    correct,
    cox,
    decide,
    delong,
    exceed,
    fourfold,
    list_association,
    list_roc,
    list_worth,
    log_rank,
    main,
    rank_sum,
    resample,
    risk_sets,
    score_patients,
    shares_of,
    signed_rank,
    statistics_of,
    study_of,
    wilson,
)
from common.biomarker_cutoff_figure import drawn_of
from common.biomarker_cutoff_report import write_sections
from common.biomarker_cutoff_tables import PATIENTS
from common.mmc_candidates_tables import read_evidence
from conftest import ORACLES, REFERENCE_DATA, ROOT
from lifelines import CoxPHFitter
from lifelines.statistics import logrank_test
from scipy import stats
from scipy.special import chdtrc

ASAH = pd.read_csv(REFERENCE_DATA / "roc/aSAH.csv")
POOR = (ASAH.outcome == "Poor").to_numpy()
FOLLOW_UP = ["os_months", "os_event", "dfs_months", "dfs_event"]
LIMITS = ["estimate", "ci_low", "ci_high"]


def oracle(name: str) -> pd.DataFrame:
    return pd.read_csv(ORACLES / f"biomarker_cutoff_{name}.tsv", sep="\t", comment="#")


def rows_of(name: str) -> list:
    return list(oracle(name).itertuples())


def sheet_of(score, recurrence=np.nan, **columns: object) -> pd.DataFrame:
    """Make a sheet of patients; what is not given is missing."""
    table = pd.DataFrame({"patient": [f"P{n}" for n in range(len(score))], "score": score})
    return table.assign(recurrence=recurrence, **columns).reindex(columns=list(PATIENTS)).astype(PATIENTS)


def study(sheet: pd.DataFrame, horizon: float = 60.0) -> Study:
    return study_of(sheet, score_patients(sheet).score, horizon)


def noise(rng: np.random.Generator, patients: int = 31, recurrent: int = 18) -> pd.DataFrame:
    """Draw a study in which the score has nothing to do with anything."""
    recurrence = np.repeat([1, 0], [recurrent, patients - recurrent])
    months, events = rng.exponential(50, (2, patients)) + 0.1, rng.random((2, patients)) < 0.6
    follow_up = dict(zip(FOLLOW_UP, [months[0], events[0], months[1], events[1]], strict=True))
    return sheet_of(rng.random(patients).round(6), recurrence, **follow_up)


def founding() -> pd.DataFrame:
    """Make scores with the founding study's counts: 15 of 18 recurrent patients above 82, 4 of 13 others."""
    recurrent = [*range(84, 120, 4), 140, 160, 190, 200, 210, 230, 20, 30, 40]
    free = [120, 150, 180, 240, 82, 0, 5, 10, 15, 25, 35, 45, 50]
    return sheet_of([*recurrent, *free], np.repeat([1, 0], [18, 13]))


def whole() -> pd.DataFrame:
    """Add follow-up, which one patient has not, and seven pairs."""
    sheet = founding().assign(**noise(np.random.default_rng(3))[FOLLOW_UP])
    sheet.loc[:6, "recurrent_score"] = sheet.score[:7] + np.array([20, 35, -15, 40, 22, 60, 8])
    sheet.loc[18, FOLLOW_UP] = np.nan
    return sheet


# ---- against R


@pytest.mark.parametrize("row", rows_of("roc"), ids=lambda row: row.marker)
def test_delong__has_the_auc_and_the_intervals_of_proc(row):
    marker = ASAH[row.marker].to_numpy(float)
    auc, error = delong(marker[POOR], marker[~POOR])
    assert auc == pytest.approx(row.auc, rel=1e-9)
    for confidence, low, high in ((0.95, row.low, row.high), (0.8, row.low_80, row.high_80)):
        reach = stats.norm.ppf((1 + confidence) / 2) * error
        assert (auc - reach, auc + reach) == pytest.approx((low, high), rel=1e-9)


@pytest.mark.parametrize("row", rows_of("roc"), ids=lambda row: row.marker)
def test_decide__chooses_the_cutoff_that_proc_calls_best(row):
    own = study(sheet_of(ASAH[row.marker], POOR))
    cutoff = decide(own, None)
    # pROC's thresholds lie half way to the next score.
    following = own.levels[np.searchsorted(own.levels, cutoff.value) + 1]
    assert (cutoff.value + following) / 2 == pytest.approx(row.threshold)
    worth = list_worth(own, cutoff, 50, 1, 0.95).set_index("measure")
    assert worth.value.sensitivity == pytest.approx(row.sensitivity)
    assert worth.value.specificity == pytest.approx(row.specificity)
    assert worth.loc["auc", ["value", "ci_low", "ci_high"]].tolist() == pytest.approx(
        [row.auc, row.low, row.high]
    )


@pytest.mark.parametrize("row", rows_of("ranks"), ids=lambda row: f"{row.test}_{row.case}")
def test_rank_tests__are_those_of_wilcox_test(row):
    values = oracle("values")
    own = values[(values.case == row.case) & (values.test == row.test)]
    groups = [own.value[own.group == group].to_numpy() for group in sorted(own.group.unique())]
    found = {"rank_sum": rank_sum, "signed_rank": signed_rank}[row.test](*groups)
    assert found["test"] == f"{row.test}_{'exact' if row.exact else 'approximate'}"
    assert [found["statistic"], found["p_value"]] == pytest.approx([row.statistic, row.p_value], rel=1e-9)
    assert found["estimate"] == pytest.approx(row.shift, rel=1e-9 if row.exact else 0.01, abs=1e-4)


@pytest.mark.parametrize("row", rows_of("tables"))
def test_fourfold__is_chisq_test_and_fisher_test(row):
    table = np.array([[row.high_recurrent, row.high_free], [row.low_recurrent, row.low_free]])
    plain, yates, exact = fourfold(table, 0.95)
    assert [plain["statistic"], plain["p_value"]] == pytest.approx([row.statistic, row.p_value], rel=1e-9)
    of_yates = [yates["statistic"], yates["p_value"]]
    assert of_yates == pytest.approx([row.statistic_yates, row.p_value_yates], rel=1e-9)
    assert exact["p_value"] == pytest.approx(row.p_value_fisher, rel=1e-9)
    odds = [exact[name] for name in LIMITS]
    assert odds == pytest.approx([row.odds_ratio, row.low, row.high], rel=1e-2)
    assert ("estimate" in plain) == table.all()
    if table.all():
        log_odds = np.log(table[0, 0] * table[1, 1] / (table[0, 1] * table[1, 0]))
        reach = stats.norm.ppf(0.975) * np.sqrt((1 / table).sum())  # Woolf 1955
        logs = [np.log(plain[name]) for name in LIMITS]
        assert logs == pytest.approx([log_odds, log_odds - reach, log_odds + reach])


@pytest.mark.parametrize("row", rows_of("survival"), ids=lambda row: f"{row.case}_{row.horizon}")
def test_log_rank_and_cox__are_survdiff_and_coxph(row):
    patients = oracle("patients")
    own = patients[patients.case == row.case]
    sets = risk_sets(own.months.to_numpy(), own.event.to_numpy(float), row.horizon)
    high = own.high.to_numpy(bool)[None]
    assert log_rank(high, sets)[0] == pytest.approx(row.log_rank, rel=1e-8)
    log_hazard, error = (each[0] for each in cox(high, sets))
    if abs(row.log_hazard_ratio) > 20:
        assert np.isnan(log_hazard)
        return
    assert [log_hazard, error] == pytest.approx([row.log_hazard_ratio, row.standard_error], rel=1e-8)
    assert chdtrc(1, (log_hazard / error) ** 2) == pytest.approx(row.p_value, rel=1e-8)


# ---- scores, ROC, cutoff


def test_score_patients__takes_the_score_else_the_h_score_of_three_percentages():
    percent = {"percent_moderate": [20, 1, 33.3, 50], "percent_strong": [30, 1, 33.3, np.nan]}
    sheet = sheet_of([np.nan, 82.5, np.nan, np.nan], percent_weak=[10, 1, 33.3, np.nan], **percent)
    scored = score_patients(sheet)
    assert scored.score.tolist()[:3] == [10 + 40 + 90, 82.5, 199.8]  # not 199.79999999999998
    assert scored.score_source.tolist() == ["h_score", "given", "h_score", ""]
    assert scored.status.tolist() == ["ok", "ok", "ok", "no_score"]
    assert scored.reason[3] == "no score, and no percent_weak, percent_strong"


def test_delong__is_the_variance_of_all_pairs():
    rng = np.random.default_rng(4)
    for _ in range(20):
        recurrent, free = rng.integers(0, 9, 12).astype(float), rng.integers(0, 7, 9).astype(float)
        pairs = np.sign(np.subtract.outer(recurrent, free)) / 2 + 0.5
        variance = pairs.mean(axis=1).var(ddof=1) / 12 + pairs.mean(axis=0).var(ddof=1) / 9
        assert delong(recurrent, free) == pytest.approx((pairs.mean(), np.sqrt(variance)))


def test_delong__covers_the_auc_as_often_as_it_says():
    rng = np.random.default_rng(2)
    auc = stats.norm.cdf(1 / np.sqrt(2))  # of normal scores, one standard deviation apart
    inside = 0
    for _ in range(600):
        found, error = delong(rng.normal(1, 1, 60), rng.normal(0, 1, 50))
        inside += abs(found - auc) < stats.norm.ppf(0.975) * error
    assert stats.binomtest(inside, 600, 0.945).pvalue > 0.001


def obvious_cutoff(score: np.ndarray, recurrence: np.ndarray) -> float:
    """Try every observed score but the highest; the first of the best wins."""
    best, chosen = -np.inf, np.nan
    for cutoff in sorted(set(score))[:-1]:
        high = score > cutoff
        index = high[recurrence == 1].mean() - high[recurrence == 0].mean()
        if index > best + 1e-12:
            best, chosen = index, cutoff
    return chosen


@pytest.mark.parametrize("levels", [3, 12, 1000])
def test_decide__is_the_cutoff_of_trying_them_all_and_lists_its_ties(levels):
    rng = np.random.default_rng(levels)
    for _ in range(60):
        score, recurrence = rng.integers(0, levels, 14), rng.permutation([1.0] * 6 + [0.0] * 8)
        own = study(sheet_of(score, recurrence))
        cutoff = decide(own, None)
        assert cutoff.value == obvious_cutoff(score, recurrence)
        index = list_roc(own, cutoff).query("status == 'ok'").set_index("cutoff").youden
        assert [cutoff.value, *cutoff.tied] == index.index[np.isclose(index, index.max())].tolist()


def test_choose__has_no_cutoff_without_both_outcomes_and_two_scores():
    recurrent, free = np.array([[1, 2], [0, 3], [0, 0]]), np.array([[0, 0], [0, 2], [1, 1]])
    assert choose(recurrent, free).tolist() == [-1, -1, -1]
    assert choose(np.array([[0, 2, 0]]), np.array([[1, 0, 0]])).tolist() == [0]


def test_analysis__gives_the_numbers_of_the_founding_study():
    own = study(founding())
    cutoff = decide(own, None)
    assert (cutoff.value, cutoff.source) == (82, "youden")
    worth = list_worth(own, cutoff, 200, 1, 0.95).set_index("measure")
    shares = worth.loc[["sensitivity", "specificity", "ppv", "npv"], ["count", "of"]]
    assert shares.to_numpy().tolist() == [[15, 18], [9, 13], [15, 19], [9, 12]]
    tests = list_association(own, np.array([]), cutoff, 0.95)
    assert tests.statistic[0] == pytest.approx(8.79, abs=0.005)
    assert tests.p_value[0] == pytest.approx(0.0030, abs=5e-5)
    assert tests.data_driven[:3].tolist() == ["yes"] * 3
    corrected = correct(own, cutoff, 2000, 1).iloc[0]
    assert corrected.statistic == pytest.approx(tests.statistic[0])
    assert 3 * corrected.p_value < corrected.p_corrected < 0.05
    given = correct(own, decide(own, 82.0), 2000, 1).iloc[0]
    assert (given.p_value, given.data_driven, given.circular) == (corrected.p_value, "no", "no")
    assert np.isnan(given.p_corrected)
    assert "if it comes from other patients" in given.reason


# ---- what the cutoff is worth


def test_wilson__holds_the_shares_that_a_score_test_does_not_reject():
    for count, of in ((15, 18), (0, 7), (7, 7), (1, 400)):
        for limit in wilson(count, of, 0.9):
            if 1e-9 < limit < 1 - 1e-9:
                z = (count / of - limit) / np.sqrt(limit * (1 - limit) / of)
                assert abs(z) == pytest.approx(stats.norm.ppf(0.95))
    assert wilson(0, 7, 0.9)[0] == pytest.approx(0, abs=1e-12)
    assert wilson(7, 7, 0.9)[1] == pytest.approx(1)


def test_resample__is_the_optimism_of_a_loop_over_samples():
    sheet = noise(np.random.default_rng(8), 20, 9)
    sheet["score"] = (sheet.score * 8).round()
    own = study(sheet)
    optimism, cutoffs = resample(own, 40, np.random.default_rng(3))
    order = np.argsort(own.score, kind="stable")
    score, recurrence = own.score[order], own.recurrence[order]
    gained, chosen = [], []
    for drawn in np.random.default_rng(3).multinomial(20, np.full(20, 1 / 20), size=40):
        sample = np.repeat(np.arange(20), drawn)
        chosen.append(obvious_cutoff(score[sample], recurrence[sample]))
        worth = []
        for patients in (sample, np.arange(20)):
            high, recurrent = score[patients] > chosen[-1], recurrence[patients] == 1
            shares = [high[recurrent].mean(), 1 - high[~recurrent].mean()]
            worth.append([*shares, recurrent[high].mean(), 1 - recurrent[~high].mean()])
        gained.append(np.subtract(*worth))
    assert cutoffs.tolist() == chosen
    measures = list(shares_of(1, 1, 1, 1))
    assert [optimism[name] for name in measures] == pytest.approx(np.mean(gained, axis=0).tolist())


def test_list_worth__corrects_most_of_what_the_cutoff_loses_in_new_patients():
    rng = np.random.default_rng(12)
    recurrence = np.repeat([1.0, 0.0], 30)
    apparent, corrected, new = [], [], []
    for _ in range(150):
        score = (recurrence * 0.8 + rng.normal(size=60)).round(6)
        own = study(sheet_of(score, recurrence))
        cutoff = decide(own, None)
        worth = list_worth(own, cutoff, 60, 1, 0.95).set_index("measure")
        apparent.append(worth.value.youden)
        corrected.append(worth.corrected.youden)
        new.append(stats.norm.sf(cutoff.value - 0.8) - stats.norm.sf(cutoff.value))
    lost = np.mean(apparent) - np.mean(new)
    assert lost > 0.08
    assert 0.5 * lost < np.mean(apparent) - np.mean(corrected) < 1.1 * lost


# ---- survival of groups


@pytest.mark.parametrize(("ties", "horizon"), [(True, 4.0), (False, 48.0)])
def test_statistics_of__are_those_of_lifelines(ties, horizon):
    rng = np.random.default_rng(5)
    sheet = noise(rng, 40, 20)
    if ties:
        for endpoint in ("os_months", "dfs_months"):
            sheet[endpoint] = np.ceil(sheet[endpoint] / 12)
    sheet.loc[3, ["os_months", "os_event"]] = np.nan
    own, high = study(sheet, horizon), rng.random(40) < 0.5
    found = statistics_of(own, high[None])
    for endpoint in ("os", "dfs"):
        known = sheet[f"{endpoint}_months"].notna().to_numpy()
        months, event = (sheet[f"{endpoint}_{what}"].to_numpy()[known] for what in ("months", "event"))
        event, group = (event == 1) & (months <= horizon), high[known]
        months = np.minimum(months, horizon)
        rival = logrank_test(months[group], months[~group], event[group], event[~group])
        chi = found[endpoint, "log_rank"][0]
        assert [chi, chdtrc(1, chi)] == pytest.approx([rival.test_statistic, rival.p_value], rel=1e-8)
        frame = pd.DataFrame({"months": months, "event": event, "high": group.astype(float)})
        fit = CoxPHFitter().fit(frame, "months", "event", fit_options={"precision": 1e-12})
        log_hazard, error = (each[0] for each in cox(high[None], own.followed[endpoint]))
        assert log_hazard == pytest.approx(fit.params_.iloc[0], rel=1e-5)
        assert found[endpoint, "cox"][0] == log_hazard / error
        assert log_hazard / error == pytest.approx(fit.summary.z.iloc[0], rel=1e-5)


def test_cox__has_no_number_exactly_where_the_likelihood_has_no_maximum():
    events = np.array([1, 1, 0, 1, 0, 0, 0, 0.0])
    sets = risk_sets(np.arange(1.0, 9), events, 60)
    high = ((np.arange(256)[:, None] >> np.arange(8)) & 1).astype(bool)
    found = cox(high, sets)[0]
    for row, log_hazard in zip(high, found, strict=True):
        # Each group must lose a patient while the other still is at risk.
        lost = [any(own[at] and not own[at:].all() for at in (0, 1, 3)) for own in (row, ~row)]
        assert np.isnan(log_hazard) == (not all(lost))
    assert cox(~high, sets)[0] == pytest.approx(-found, nan_ok=True)


def test_log_rank__counts_an_event_at_the_horizon_and_none_after_it():
    months, events = np.array([5.0, 10, 15, 20, 25, 30]), np.ones(6)
    high = np.array([[True, False, True, False, True, False]])
    at, after = (log_rank(high, risk_sets(months, events, horizon))[0] for horizon in (20, 19.9))
    cut = log_rank(high, risk_sets(np.minimum(months, 20), np.array([1.0, 1, 1, 1, 0, 0]), 60))[0]
    assert at == pytest.approx(cut)
    assert at != pytest.approx(after)


# ---- the correction


def test_exceed__repeats_the_chain_as_a_loop_would(monkeypatch):
    sheet = noise(np.random.default_rng(6), 24, 11)
    sheet["score"] = (sheet.score * 12).round()
    sheet.loc[2, "recurrence"] = np.nan
    sheet.loc[[4, 9], ["os_months", "os_event"]] = np.nan
    own = study(sheet)
    names = statistics_of(own, np.zeros((1, 24), dtype=bool))
    observed = {name: -1.1 if name[1] == "cox" else 1.3 for name in names}
    counts = exceed(own, observed, 120, np.random.default_rng(9))
    expected, ordered, known = dict.fromkeys(observed, 0), np.sort(own.score), own.known
    for order in np.random.default_rng(9).permuted(np.broadcast_to(np.arange(24), (120, 24)), axis=1):
        score = np.empty(24)
        score[order] = ordered
        high = score > obvious_cutoff(score[known], own.recurrence[known])
        table = pd.crosstab(high[known], own.recurrence[known])
        statistic = {("recurrence", "chi_squared"): stats.chi2_contingency(table, correction=False)[0]}
        for endpoint, sets in own.followed.items():
            statistic[endpoint, "log_rank"] = chi = log_rank(high[None], sets)[0]
            log_hazard, error = (each[0] for each in cox(high[None], sets))
            statistic[endpoint, "cox"] = np.sqrt(chi) if np.isnan(log_hazard) else log_hazard / error
        for name, value in statistic.items():
            expected[name] += abs(value) >= abs(observed[name])
    assert counts == expected
    monkeypatch.setattr("biomarker_cutoff.CELLS", 24 * 7)  # in parts, of which the last is smaller
    assert exceed(own, observed, 120, np.random.default_rng(9)) == expected


@pytest.fixture(scope="module")
def of_noise() -> pd.DataFrame:
    """Analyse 500 studies in which the score has nothing to do with anything."""
    rng, tables = np.random.default_rng(2024), []
    for seed in range(500):
        sheet = noise(rng)
        own = study_of(sheet, sheet.score, 60.0)
        tables.append(correct(own, decide(own, None), 199, seed))
    return pd.concat(tables)


def test_correct__naive_p_is_too_small_on_noise_and_the_corrected_one_is_not(of_noise):
    own = of_noise[of_noise.test == "chi_squared"]
    naive, corrected = (own.p_value < 0.05).sum(), (own.p_corrected <= 0.05).sum()
    assert stats.binomtest(naive, 500, 0.17).pvalue > 0.001
    assert stats.binomtest(naive, 500, 0.05, alternative="greater").pvalue < 1e-9
    assert stats.binomtest(corrected, 500, 0.05).pvalue > 0.001


@pytest.mark.parametrize("endpoint", ["os", "dfs"])
@pytest.mark.parametrize("test", ["log_rank", "cox"])
def test_correct__gives_survival_p_values_that_hold_on_noise(of_noise, endpoint, test):
    own = of_noise[(of_noise.endpoint == endpoint) & (of_noise.test == test)]
    for level in (0.05, 0.2, 0.5):
        found = (own.p_corrected <= level).sum() + (own.p_corrected.isna() & (test == "cox")).sum() * level
        assert stats.binomtest(round(found), len(own), level).pvalue > 0.001


def test_correct__finds_a_planted_score():
    rng = np.random.default_rng(31)
    sheet = noise(rng)
    sheet["score"] = (60 * sheet.recurrence + rng.normal(100, 20, 31)).round(1)
    for endpoint in ("os", "dfs"):
        sheet[f"{endpoint}_months"] /= np.where(sheet.score > 130, 8, 1)
        sheet[f"{endpoint}_event"] = 1.0
    own = study(sheet)
    corrected = correct(own, decide(own, None), 999, 1)
    assert corrected.p_corrected[0] == 1 / 1000
    assert (corrected.p_corrected <= 0.05).all()
    assert (corrected.statistic > 0).all()


def test_correct__is_circular_where_recurrence_chose_the_cutoff():
    own = study(noise(np.random.default_rng(1)))
    chosen = correct(own, decide(own, None), 9, 1)
    of_endpoints = dict(zip(chosen.endpoint, chosen.circular, strict=True))
    assert of_endpoints == {"recurrence": "yes", "os": "no", "dfs": "yes"}
    assert (chosen.data_driven == "yes").all()
    given = correct(own, decide(own, 0.5), 9, 1)
    assert (given[["circular", "data_driven"]] == "no").all(axis=None)


def test_correct__takes_ten_thousand_permutations_in_five_seconds():
    own = study(noise(np.random.default_rng(1)))
    cutoff = decide(own, None)
    start = time.process_time()
    table = correct(own, cutoff, 10_000, 1)
    assert time.process_time() - start < 5
    assert (table.permutations == 10_000).all()


def test_analysis__sees_only_the_order_of_the_scores_and_not_that_of_the_patients():
    sheet = whole()
    other = sheet.sample(frac=1, random_state=1).assign(score=lambda table: np.exp(table.score / 50))
    found = []
    for each in (sheet, other):
        own = study(each)
        cutoff = decide(own, None)
        tests = list_association(own, np.array([]), cutoff, 0.95)[["test", "statistic", "p_value"]]
        worth = list_worth(own, cutoff, 100, 1, 0.95).query("measure != 'cutoff'").drop(columns="cutoff")
        found.append((tests, worth, correct(own, cutoff, 9, 1)[["statistic", "p_value", "status"]]))
    for one, two in zip(*found, strict=True):
        pd.testing.assert_frame_equal(one, two, rtol=1e-9)


# ---- the command


def test_evidence__says_of_each_tumour_whether_it_is_high_and_by_whose_cutoff(tmp_path, run_script):
    sheet = sheet_of([100, 20, np.nan, 82], [1, 0, 1, 0], recurrent_score=[50, 90, 120, np.nan])
    run(run_script, tmp_path / "given", sheet, score_cutoff=82)
    table = read_evidence(tmp_path / "given").set_index(["condition", "line"])
    assert set(table.evidence) == {"ihc_score"}
    assert table.call["primary"].fillna("").to_dict() == {"P0": "high", "P1": "low", "P2": "", "P3": "low"}
    assert table.call["recurrent"].to_dict() == {"P0": "low", "P1": "high", "P2": "high"}
    assert table.value["recurrent"].to_dict() == {"P0": 50, "P1": 90, "P2": 120}
    assert table.status["primary", "P2"] == "no_score"
    assert table.reason["primary", "P2"]
    assert set(table.status.drop(("primary", "P2"))) == {"ok"}
    assert set(table.effect) == {"cutoff_of_other_patients"}
    run(run_script, tmp_path / "chosen", sheet, score_permutations=9, bootstraps=9)
    assert set(read_evidence(tmp_path / "chosen").effect) == {"cutoff_of_these_patients"}


def test_evidence__has_no_call_where_no_cutoff_can_be_chosen(tmp_path, run_script):
    sheet = founding().assign(recurrence=1.0)
    run(run_script, tmp_path / "out", sheet, score_permutations=9, bootstraps=9)
    table = read_evidence(tmp_path / "out")
    assert set(table.status) == {"no_cutoff"}
    assert table.value.notna().all()
    assert table.call.isna().all()
    assert set(table.reason) == {"31 of 31 patients are recurrent: nothing to tell apart"}


def analysed(sheet: pd.DataFrame, given: float | None = None, seed: int = 1) -> dict[str, pd.DataFrame]:
    return analyse(sheet, given, 49, 60.0, 30, seed, 0.95)


def read(folder, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.tsv", sep="\t")


def run(run_script, folder, sheet: pd.DataFrame, **options: object) -> None:
    """Run the command on a sheet."""
    folder.mkdir(exist_ok=True)
    sheet.to_csv(folder / "patients.tsv", sep="\t", index=False)
    options = {"score_cutoff": "", "score_permutations": 49, "bootstraps": 30} | options
    done = run_script(main, patients=folder / "patients.tsv", results=folder, **options)
    assert done.exit_code == 0, done.output


def sentence(folder, section: str = "") -> str:
    return json.loads((folder / f"biomarker_cutoff{section}_mqc.json").read_text())["description"]


def test_main__writes_tables_a_figure_and_sections_the_same_each_time(tmp_path, run_script):
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        run(run_script, folder, whole())
    written = [path.name for path in sorted(one.iterdir())]
    assert written == [path.name for path in sorted(two.iterdir())]
    for name in written:
        assert (one / name).read_bytes() == (two / name).read_bytes(), name
    assert read(one, "groups").score_group.value_counts().to_dict() == {"high": 19, "low": 12}
    corrected = read(one, "corrected").set_index(["endpoint", "test"])
    assert corrected.n_high["os", "log_rank"] == 18
    assert (corrected.status == "ok").all()
    pairs = read(one, "association").iloc[-1]
    assert (pairs.test, pairs.n_1, pairs.p_value) == ("signed_rank_exact", 7, 0.046875)
    assert pairs.reason == "recurrent less initial: 6 of 7 higher, 0 equal"
    drawn = read(one, "score")
    assert drawn.panel.unique().tolist() == ["roc", "recurrence", "pairs"]
    assert (drawn.element == "patient").sum() == 31
    says = sentence(one)
    assert "15 of 18 recurrent patients are above it (sensitivity 83 %)" in says
    assert "9 of 13 recurrence-free are not (specificity 69 %)" in says
    assert "is circular" in sentence(one, "_corrected")
    assert "6 of 7 higher" in sentence(one, "_association")
    section = json.loads((one / "biomarker_cutoff_mqc.json").read_text())
    assert section["nrf2flow"]["findings"]["patients"].startswith("score above 82 in 15 of 18 recurrent")
    (answer,) = section["nrf2flow"]["answers"]["patients"]
    assert re.search(r"^In recurrence: score above 82 .*AUC 0\.\d\d \(95 % interval 0\.\d\d to", answer)
    dictionary = pd.read_csv(ROOT / "assets/columns.tsv", sep="\t")
    for name in ("groups", "roc", "cutoff", "association", "corrected", "score", "biomarker_cutoff_evidence"):
        explained = dictionary.column[dictionary.table == f"biomarker_cutoff/{name}.tsv"].tolist()
        assert explained == (one / f"{name}.tsv").read_text().splitlines()[0].split("\t"), name


def test_main__with_a_given_cutoff_corrects_nothing_and_says_when_that_is_right(tmp_path, run_script):
    run(run_script, tmp_path, whole(), score_cutoff="0")
    assert read(tmp_path, "roc").query("chosen == 'yes'").cutoff.tolist() == [0]
    assert read(tmp_path, "groups").score_group.value_counts().to_dict() == {"high": 30, "low": 1}
    assert read(tmp_path, "corrected").p_corrected.isna().all()
    assert read(tmp_path, "cutoff").corrected.isna().all()
    assert (read(tmp_path, "association").data_driven == "no").all()
    says = sentence(tmp_path)
    assert "The cutoff 0 was given." in says
    assert "If it comes from other patients" in says


@pytest.mark.parametrize("wrong", ["-1", "high"])
def test_main__refuses_what_is_no_cutoff(tmp_path, run_script, wrong):
    (tmp_path / "patients.tsv").touch()
    done = run_script(main, patients=tmp_path / "patients.tsv", score_cutoff=wrong, results=tmp_path)
    assert done.exit_code == 2
    assert "--score-cutoff" in done.output


FEW = whole().iloc[[0, -1]]
NO_FOLLOW_UP = whole().assign(**dict.fromkeys(FOLLOW_UP, np.nan))
REVERSED = whole().assign(score=lambda table: table.score.max() - table.score)
PERFECT = whole().assign(recurrence=lambda table: (table.score > 82) * 1.0)
# A sheet, the status of the AUC, of groups without a given cutoff, and one of survival then.
DEGENERATE = {
    "no_recurrence": (whole().assign(recurrence=np.nan), "no_recurrence", "no_cutoff", "no_cutoff"),
    "all_recurrent": (whole().assign(recurrence=1.0), "one_outcome", "no_cutoff", "no_cutoff"),
    "none_recurrent": (whole().assign(recurrence=0.0), "one_outcome", "no_cutoff", "no_cutoff"),
    "one_patient": (whole()[:1], "one_outcome", "no_cutoff", "no_cutoff"),
    "two_patients": (FEW, "few_patients", "ok", "no_events"),
    "equal_scores": (whole().assign(score=80.0), "equal_scores", "no_cutoff", "no_cutoff"),
    "no_scores": (whole().assign(score=np.nan), "no_scores", "no_score", "no_cutoff"),
    "no_follow_up": (NO_FOLLOW_UP, "ok", "ok", "no_follow_up"),
    "no_events": (whole().assign(os_event=0.0, dfs_event=0.0), "ok", "ok", "no_events"),
    "no_pairs": (whole().assign(recurrent_score=np.nan), "ok", "ok", "ok"),
    "equal_pairs": (whole().assign(recurrent_score=whole().score), "ok", "ok", "ok"),
    "reversed": (REVERSED, "reversed", "ok", "ok"),
    "perfect": (PERFECT, "perfect_separation", "ok", "ok"),
    "no_patients": (whole()[:0], "no_scores", None, "no_cutoff"),
}


@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize("given", [None, 82.0, 1000.0])
def test_analyse__has_rows_and_reasons_for_what_cannot_be_analysed(tmp_path, case, given):
    sheet, of_auc, of_groups, of_survival = DEGENERATE[case]
    tables = analysed(sheet, given)
    assert tables["cutoff"].status[0] == of_auc
    assert [len(tables[name]) for name in ("cutoff", "association", "corrected")] == [7, 5, 5]
    if given is None:
        assert tables["groups"].status.unique().tolist() == ([of_groups] if of_groups else [])
        assert of_survival in tables["corrected"].status[1:].tolist()
    for name, table in tables.items():
        assert table.status.notna().all()
        assert (table.reason[table.status != "ok"] != "").all(), name
    assert drawn_of(sheet, tables).empty == (of_auc == "no_scores")
    write_sections(tables, ("", []), 0.95, 60.0, tmp_path)
    assert len(list(tmp_path.glob("*_mqc.json"))) == 5


@pytest.mark.parametrize("case", ["no_recurrence", "one_patient", "equal_scores", "no_patients"])
def test_main__draws_what_there_is(tmp_path, run_script, case):
    run(run_script, tmp_path, DEGENERATE[case][0])
    panels = read(tmp_path, "score").panel.unique().tolist() if case != "no_patients" else None
    expected = {"no_recurrence": ["pairs"], "one_patient": ["recurrence", "pairs"], "no_patients": None}
    assert panels == expected.get(case, ["roc", "recurrence", "pairs"])
    assert (tmp_path / "score.png").exists() == bool(panels)


def test_analyse__keeps_a_row_for_a_patient_without_a_score():
    sheet = whole()
    sheet.loc[[2, 20], "score"] = np.nan
    groups = analysed(sheet)["groups"]
    assert groups.patient.tolist() == sheet.patient.tolist()
    assert groups.status.value_counts().to_dict() == {"ok": 29, "no_score": 2}
    assert groups.score_group[[2, 20]].isna().all()


def test_analyse__draws_otherwise_with_another_seed():
    one, same, other = (analysed(whole(), seed=seed)["corrected"].at_least.tolist() for seed in (1, 1, 2))
    assert one == same
    assert one != other
