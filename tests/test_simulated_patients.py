"""The patients of the simulated study.

Oracles: what the founding study says of its patients (score, recurrence, five-year survival, pairs), and
tests of scipy and lifelines on many draws.
"""

import numpy as np
import pandas as pd
import pytest
from common.simulated_patients import CLINICAL, HORIZON, PAIRS, draw_patients, youden
from common.study_design import CUTOFF
from gate import Gate
from lifelines.statistics import logrank_test
from scipy import stats
from simulate_study import stream

SEEDS = range(40)


def drawn(seed: int = 1, effects: float = 1.0):
    return draw_patients(stream(seed, "patients"), effects)


@pytest.fixture(scope="module")
def many():
    return [drawn(seed).sheet for seed in SEEDS]


@pytest.fixture(scope="module")
def null():
    return [drawn(seed, effects=0.0).sheet for seed in range(100)]


def groups(sheet: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    return sheet.score > CUTOFF, sheet.recurrence == 1


def test_draw_patients__passes_the_gate(run_script, tmp_path):
    sheet = drawn().sheet
    gate = Gate(run_script, tmp_path)
    assert gate.say({"patients.csv": sheet.to_csv(index=False)}, patients="patients.csv") == []
    read = gate.table("patients.tsv")
    assert [row["patient"] for row in read] == list(sheet.patient)
    assert [row["score"] for row in read] == list(sheet.score.astype(str))


def test_draw_patients__score_and_recurrence_are_as_in_the_founding_study(many):
    for sheet in many:
        high, recurrent = groups(sheet)
        assert pd.crosstab(recurrent, high).to_numpy().tolist() == [[9, 4], [3, 15]]
        assert sheet.score.between(0, 300).all()
        assert sheet.score.is_unique
        assert stats.chi2_contingency(pd.crosstab(recurrent, high), correction=False)[0] == pytest.approx(
            8.79, abs=0.01
        )


def test_draw_patients__the_best_cutoff_is_82_alone_and_a_low_patient_has_it(many):
    for sheet in many:
        score, recurrent = sheet.score.to_numpy(), (sheet.recurrence == 1).to_numpy()
        index = youden(score, recurrent)
        assert score[index > index.max() - 1e-9].tolist() == [82]
        assert index.max() == pytest.approx(15 / 18 + 9 / 13 - 1)


def test_draw_scores__are_higher_with_recurrence(many):
    p = [
        stats.mannwhitneyu(
            *(sheet.score[groups(sheet)[1] == recurrent] for recurrent in (True, False))
        ).pvalue
        for sheet in many
    ]
    assert np.median(p) < 0.02


def test_youden__counts_what_lies_above_the_cutoff():
    score, recurrent = np.array([1, 2, 3, 4]), np.array([False, True, False, True])
    assert youden(score, recurrent).tolist() == [0.5, 0, 0.5, 0]


def test_draw_patients__survival_is_as_in_the_founding_study(many):
    for sheet in many:
        high, recurrent = groups(sheet)
        followed = sheet.os_months.notna()
        assert (~followed).sum() == 1
        assert (high & ~recurrent)[~followed].all()
        assert sheet.loc[~followed, ["os_event", "dfs_months", "dfs_event"]].isna().all(axis=None)
        for group, patients, events, deaths in ((high, 18, 15, 10), (~high, 12, 3, 2)):
            rows = sheet[group & followed]
            assert (len(rows), rows.dfs_event.sum(), rows.os_event.sum()) == (patients, events, deaths)
            assert (rows.dfs_months[rows.dfs_event == 1] < HORIZON).all()
            assert (rows.os_months[rows.os_event == 1] <= HORIZON).all()
        rows = sheet[followed]
        assert (rows.dfs_event == rows.recurrence).all()
        assert (rows.dfs_months > 0).all()
        assert (rows.os_months > rows.dfs_months)[rows.dfs_event == 1].all()
        assert (rows.os_months == rows.dfs_months)[rows.dfs_event == 0].all()


def test_draw_patients__high_scores_fare_worse(many):
    for sheet in many:
        rows = sheet[sheet.os_months.notna()]
        high = rows.score > CUTOFF
        months = [rows[which].dfs_months.clip(upper=60) for which in (high, ~high)]
        events = [rows[which].dfs_event.astype(int) for which in (high, ~high)]
        assert logrank_test(*months, *events).p_value < 0.02


def test_draw_patients__six_of_seven_scores_rise_with_recurrence(many):
    for sheet in many:
        pairs = sheet[sheet.recurrent_score.notna()]
        change = (pairs.recurrent_score - pairs.score).astype(int)
        assert len(pairs) == PAIRS == 7
        assert ((change > 0).sum(), (change < 0).sum()) == (6, 1)
        assert (pairs.recurrence == 1).all()
        assert pairs.recurrent_score.between(0, 300).all()
        assert stats.wilcoxon(change).pvalue < 0.05


def test_draw_patients__clinical_columns_have_their_values_and_some_are_missing(many):
    table = pd.concat(many)
    for name, shares in CLINICAL.items():
        found = table[name][table[name] != ""].value_counts(normalize=True)
        assert set(found.index) == set(shares)
        assert (abs(found - pd.Series(shares)) < 0.08).all()
    assert (many[0][["stage", "hpv"]] == "").sum().tolist() == [2, 6]
    assert table.age.astype(int).between(35, 88).all()


def test_draw_patients__without_effects_the_score_says_nothing(null):
    p_score, p_survival, changes = [], [], []
    for sheet in null:
        high, recurrent = groups(sheet)
        assert (len(sheet), high.sum(), recurrent.sum(), sheet.os_months.isna().sum()) == (31, 19, 18, 1)
        p_score.append(stats.mannwhitneyu(sheet.score[recurrent], sheet.score[~recurrent]).pvalue)
        rows = sheet[sheet.os_months.notna()]
        median = rows.score > rows.score.median()
        p_survival.append(
            logrank_test(
                rows.os_months[median],
                rows.os_months[~median],
                rows.os_event[median].astype(int),
                rows.os_event[~median].astype(int),
            ).p_value
        )
        changes.append((sheet.recurrent_score - sheet.score).dropna().astype(int))
    low, high = stats.binom.interval(0.999, len(null), 0.05)
    for p in (p_score, p_survival):
        assert low <= (np.array(p) < 0.05).sum() <= high
    changes = pd.concat(changes)
    assert stats.binomtest(int((changes > 0).sum()), len(changes)).pvalue > 0.001
    assert abs(changes).max() <= 40


@pytest.mark.parametrize("effects", [0, 1])
def test_draw_patients__its_truth_is_that_of_the_sheet(effects):
    sheet, truth = drawn(3, effects)
    assert list(truth.patient) == list(sheet.patient)
    high, recurrent = groups(sheet)
    assert (truth.score_group == np.where(high, "high", "low")).all()
    assert (truth.recurrence == np.where(recurrent, "yes", "no")).all()
    assert (truth.followed == np.where(sheet.os_months.notna(), "yes", "no")).all()
    assert (truth.death == sheet.os_event.map({1: "yes", 0: "no"}).fillna("")).all()
    assert truth.recurrent_score_change.equals(sheet.recurrent_score - sheet.score)


def test_draw_patients__the_same_seed_gives_the_same_and_another_seed_other_numbers():
    for table, same, other in zip(drawn(), drawn(), drawn(2), strict=True):
        pd.testing.assert_frame_equal(table, same)
        assert not table.equals(other)
