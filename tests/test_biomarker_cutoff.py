"""Oracle: R's pROC, stats and survival (oracles/biomarker_cutoff.R); lifelines and scipy beside them.

Equal to R to 1e-9, but for two things:
- R's odds ratio of fisher.test and the shift of wilcox.test with ties come from a root finder that stops at
  1e-4; the odds ratio is held to scipy's to 1e-8, and the shift is the median of the differences throughout.
- R goes on to coefficients of 30 where all events are in one group; here the hazard ratio has no number.
"""

import json

import numpy as np
import pandas as pd
import pytest
from biomarker_cutoff import (
    ENDPOINTS,
    Study,
    above,
    chi_squared,
    choose,
    correct,
    cox,
    decide,
    delong,
    exceed,
    fisher,
    fourfold,
    grouped,
    list_association,
    list_groups,
    list_roc,
    list_worth,
    log_rank,
    main,
    outcomes_at,
    rank_sum,
    resample,
    risk_sets,
    score_patients,
    signed_rank,
    statistics_of,
    study_of,
    wilson,
)
from common.biomarker_cutoff_tables import PATIENTS
from conftest import ORACLES, REFERENCE_DATA, ROOT
from scipy import stats
from scipy.special import chdtrc

ASAH = pd.read_csv(REFERENCE_DATA / "roc/aSAH.csv")


def oracle(name: str) -> pd.DataFrame:
    return pd.read_csv(ORACLES / f"biomarker_cutoff_{name}.tsv", sep="\t", comment="#")


def sheet_of(score, recurrence=None, **columns: object) -> pd.DataFrame:
    """Make a sheet of patients; what is not given is missing."""
    table = pd.DataFrame({"patient": [f"P{n}" for n in range(len(score))], "score": score})
    table = table.assign(recurrence=np.nan if recurrence is None else recurrence, **columns)
    return table.reindex(columns=list(PATIENTS)).astype({name: kind for name, kind in PATIENTS.items()})


def study(sheet: pd.DataFrame, horizon: float = 60.0) -> Study:
    return study_of(sheet, score_patients(sheet).score, horizon)


def noise(rng: np.random.Generator, patients: int = 31, recurrent: int = 18) -> pd.DataFrame:
    """Draw a study in which the score has nothing to do with anything."""
    recurrence = np.repeat([1, 0], [recurrent, patients - recurrent])
    months = rng.exponential(50, (2, patients)) + 0.1
    events = rng.random((2, patients)) < 0.6
    named = {"os_months": months[0], "os_event": events[0], "dfs_months": months[1], "dfs_event": events[1]}
    return sheet_of(rng.random(patients).round(6), recurrence, **named)


def founding() -> pd.DataFrame:
    """Make scores with the study's counts: 15 of 18 recurrent patients above 82, 4 of 13 others."""
    recurrent = [*range(90, 240, 10), 20, 30, 40]
    free = [95, 105, 115, 125, 82, 0, 5, 10, 15, 25, 35, 45, 50]
    return sheet_of([*recurrent, *free], np.repeat([1, 0], [18, 13]))


# ---- against R


@pytest.mark.parametrize("row", list(oracle("roc").itertuples()), ids=lambda row: row.marker)
def test_delong__has_the_auc_and_the_intervals_of_proc(row):
    marker, poor = ASAH[row.marker].to_numpy(float), (ASAH.outcome == "Poor").to_numpy()
    auc, error = delong(marker[poor], marker[~poor])
    assert auc == pytest.approx(row.auc, rel=1e-9)
    for confidence, low, high in ((0.95, row.low, row.high), (0.8, row.low_80, row.high_80)):
        reach = stats.norm.ppf((1 + confidence) / 2) * error
        assert (auc - reach, auc + reach) == pytest.approx((low, high), rel=1e-9)


@pytest.mark.parametrize("row", list(oracle("roc").itertuples()), ids=lambda row: row.marker)
def test_decide__chooses_the_cutoff_that_proc_calls_best(row):
    sheet = sheet_of(ASAH[row.marker], (ASAH.outcome == "Poor").astype(float))
    own = study(sheet)
    cutoff = decide(own, None)
    # pROC's thresholds lie half way to the next score.
    next_score = own.levels[np.searchsorted(own.levels, cutoff.value) + 1]
    assert (cutoff.value + next_score) / 2 == pytest.approx(row.threshold)
    worth = list_worth(own, cutoff, 50, 1, 0.95).set_index("measure").value
    assert [worth.sensitivity, worth.specificity] == pytest.approx([row.sensitivity, row.specificity])
    assert [worth.auc, worth.cutoff] == pytest.approx([row.auc, cutoff.value])


@pytest.mark.parametrize("row", list(oracle("ranks").itertuples()), ids=lambda row: f"{row.test}_{row.case}")
def test_rank_tests__are_those_of_wilcox_test(row):
    values = oracle("values")
    own = values[(values.case == row.case) & (values.test == row.test)]
    groups = [own.value[own.group == group].to_numpy() for group in sorted(own.group.unique())]
    found = {"rank_sum": rank_sum, "signed_rank": signed_rank}[row.test](*groups, 0.95)
    assert found.test == f"{row.test}_{'exact' if row.exact else 'approximate'}"
    assert [found.statistic, found.p_value] == pytest.approx([row.statistic, row.p_value], rel=1e-9)
    if row.exact:
        assert [found.estimate, found.ci_low, found.ci_high] == pytest.approx([row.shift, row.low, row.high])
    else:
        assert found.estimate == pytest.approx(row.shift, abs=0.05)
        assert found.ci_low <= row.low + 0.05 < row.high - 0.05 <= found.ci_high
        if row.case == "many":
            assert [found.ci_low, found.ci_high] == pytest.approx([row.low, row.high], abs=0.02)


@pytest.mark.parametrize("row", list(oracle("tables").itertuples()))
def test_fourfold__is_chisq_test_and_fisher_test(row):
    table = np.array([[row.high_recurrent, row.high_free], [row.low_recurrent, row.low_free]])
    plain, yates, exact = fourfold(table, 0.95)
    assert [plain.statistic, plain.p_value] == pytest.approx([row.statistic, row.p_value], rel=1e-9)
    assert [yates.statistic, yates.p_value] == pytest.approx(
        [row.statistic_yates, row.p_value_yates], rel=1e-9
    )
    assert exact.p_value == pytest.approx(row.p_value_fisher, rel=1e-9)
    assert [exact.estimate, exact.ci_low, exact.ci_high] == pytest.approx(
        [row.odds_ratio, row.low, row.high], rel=1e-2
    )
    rival = stats.contingency.odds_ratio(table)
    limits = rival.confidence_interval(0.95)
    assert [exact.estimate, exact.ci_low, exact.ci_high] == pytest.approx(
        [rival.statistic, *limits], rel=1e-8
    )
    assert np.isnan(plain.estimate) == (not table.all())
    if table.all():
        sample = stats.contingency.odds_ratio(table, kind="sample")
        assert [plain.estimate, plain.ci_low, plain.ci_high] == pytest.approx(
            [sample.statistic, *sample.confidence_interval(0.95)]
        )


@pytest.mark.parametrize(
    "row", list(oracle("survival").itertuples()), ids=lambda row: f"{row.case}_{row.horizon}"
)
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
