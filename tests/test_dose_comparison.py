import json

import numpy as np
import pandas as pd
import pytest
from common.dose_comparison_figure import draw_forest
from common.dose_curves import CURVE, FITTED
from common.mmc_candidates_tables import read_evidence
from conftest import ORACLES
from dose_comparison import (
    RESISTANCE,
    aicc,
    by_experiment,
    compare,
    f_test,
    holm,
    list_evidence,
    list_forest,
    list_resistance,
    list_trends,
    main,
    t_interval,
    welch,
)
from dose_response import diagnose, judge
from dose_response import main as judge_main
from fit_dose_curves import by_model, gather
from fit_dose_curves import main as fit_main
from scipy import stats

CONFIDENCE = 0.95
DOSES = np.array([0.3, 1, 3, 10, 30, 100, 300])


def response(dose, bottom=4.0, top=100.0, slope=1.3, ic50=8.0):
    return bottom + (top - bottom) / (1 + (dose / ic50) ** slope)


def test_f_test__equals_anova_of_nls():
    # R 4.2, anova of two nls fits: tests/oracles/fit_dose_curves.R; the squares are made from its F.
    expected = pd.read_csv(ORACLES / "fit_dose_curves_pairs.tsv", sep="\t", comment="#")
    null = 1 + expected.f * expected.df_1 / expected.df_2
    ratio, p = f_test(null, np.ones(len(null)), expected.df_1, expected.df_2)
    assert ratio == pytest.approx(expected.f.to_numpy(), rel=1e-9)
    assert p == pytest.approx(expected.p.to_numpy(), rel=1e-8)


def test_aicc__differs_as_between_nls_fits():
    expected = pd.read_csv(ORACLES / "fit_dose_curves_pairs.tsv", sep="\t", comment="#")
    full = pd.Series(1.0, expected.index)
    null = 1 + expected.f * expected.df_1 / expected.df_2
    count, parameters = full * 42, full * 8
    found = aicc(null, count, parameters - expected.df_1) - aicc(full, count, parameters)
    assert found.to_numpy() == pytest.approx(expected.aicc_difference.to_numpy(), rel=1e-6)


def test_f_test__has_no_p_without_degrees_of_freedom_or_residuals():
    ratio, p = f_test(np.array([2.0, 2.0]), np.array([1.0, 0.0]), np.array([1, 1]), np.array([0, 5]))
    assert np.isnan(ratio).all()
    assert np.isnan(p).all()


def test_t_interval_and_welch__equal_scipy():
    rng = np.random.default_rng(1)
    one, two = rng.normal(0, 1, 4), rng.normal(1, 2, 6)
    expected = stats.ttest_1samp(two, 0)
    ends = expected.confidence_interval(CONFIDENCE)
    found = t_interval(two, CONFIDENCE)
    assert found == pytest.approx((two.mean(), ends.low, ends.high, expected.statistic, 5, expected.pvalue))
    expected = stats.ttest_ind(two, one, equal_var=False)
    ends = expected.confidence_interval(CONFIDENCE)
    difference = two.mean() - one.mean()
    found = welch(one, two, CONFIDENCE)
    assert found == pytest.approx(
        (difference, ends.low, ends.high, expected.statistic, expected.df, expected.pvalue)
    )


def test_t_interval__equal_values_have_no_test():
    assert np.isnan(t_interval(np.array([0.3, 0.3, 0.3]), CONFIDENCE)[1:4]).all()
    assert np.isnan(welch(np.array([1.0, 1.0]), np.array([2.0, 2.0]), CONFIDENCE)[1:]).all()


def test_holm__equals_p_adjust_and_passes_over_missing_p():
    # R 4.2: p.adjust(c(0.01, 0.04, NA, 0.03, 0.005), "holm")
    found = holm(pd.Series([0.01, 0.04, np.nan, 0.03, 0.005]))
    assert found.to_numpy() == pytest.approx([0.03, 0.06, np.nan, 0.06, 0.02], nan_ok=True)


def experiments_of(studies: int, seed: int, shift: float, fold: float = 1.0) -> list[pd.Series]:
    """Simulate log10 IC50s of three experiments of 7 doses, which shift as a whole by an SD of `shift`."""
    rng = np.random.default_rng(seed)
    ic50 = 8 * fold * 10 ** rng.normal(0, shift, (studies * 3, 1))
    values = response(DOSES, ic50=ic50) + rng.normal(0, 5, (studies * 3, 7))
    fit, dose = np.repeat(np.arange(studies * 3), 7), np.tile(DOSES, studies * 3)
    fits = by_model(gather(fit, dose, values.ravel(), studies * 3), np.full(studies * 3, "4pl"), CONFIDENCE)
    shown = diagnose(pd.DataFrame({"curve": fit, "dose": dose, "value": values.ravel()}), studies * 3)
    status, _ = judge(fits, shown, CONFIDENCE)
    places = fits.log10_ic50.where(status.isin(["ok", "ambiguous"])).to_numpy().reshape(studies, 3)
    return [pd.Series(row, ["1", "2", "3"]).dropna() for row in places]


def rate_may_be(hits: np.ndarray, rate: float) -> bool:
    low, high = stats.binomtest(int(hits.sum()), len(hits)).proportion_ci(0.999, "exact")
    return low <= rate <= high


@pytest.fixture(scope="module")
def shifted() -> list[list[pd.Series]]:
    """Simulate 1,000 pairs of curves without a difference."""
    return [experiments_of(1000, seed, 0.1) for seed in (1, 2)]


@pytest.mark.parametrize("paired", [True, False])
def test_by_experiment__holds_its_levels_where_experiments_shift(shifted, paired):
    one, two = shifted
    if not paired:
        two = [each.set_axis([f"later {name}" for name in each.index]) for each in two]
    rows = pd.DataFrame([by_experiment(a, b, CONFIDENCE) for a, b in zip(one, two, strict=True)])
    known = rows[rows.status == "ok"]
    assert len(known) > 950
    assert set(known.test) == {"paired_t" if paired else "welch_t"}
    # Welch's test of three and three is conservative: below 5 %, coverage above 95 %.
    low, high = stats.binomtest(int((known.p_value < 0.05).sum()), len(known)).proportion_ci(0.999, "exact")
    covered = (known.low <= 0) & (known.high >= 0)
    assert low <= 0.05
    assert (covered == (known.p_value >= 0.05)).all()
    if paired:
        assert high >= 0.05
        assert rate_may_be(covered.to_numpy(), CONFIDENCE)


def test_by_experiment__finds_a_planted_fold():
    one, two = experiments_of(200, 3, 0.03), experiments_of(200, 4, 0.03, fold=3.0)
    rows = pd.DataFrame([by_experiment(a, b, CONFIDENCE) for a, b in zip(one, two, strict=True)])
    assert 10 ** rows.fold.median() == pytest.approx(3, rel=0.05)
    assert (rows.p_value < 0.05).mean() > 0.8


def test_by_experiment__one_experiment_is_not_enough():
    alone = pd.Series([0.4], ["1"])
    found = by_experiment(alone, alone, CONFIDENCE)
    assert found["status"] == "too_few_experiments"
    assert found["reason"] == "1 and 1 experiments with an IC50, 2 needed"


def pair_fits(**changed: object) -> pd.DataFrame:
    row = {"kind": "conditions", "comparison": "A.drug.resistant_vs_parental", "curve_1": 0, "curve_2": 1}
    row |= {"reason": np.nan, "model_1": "4pl", "model_2": "4pl", "n": 42, "parameters": 8}
    row |= {"squares_separate": 800.0, "common_parameters": 8, "common_squares_separate": 800.0}
    row |= {"squares_one_curve": 9000.0, "squares_shared_ic50": 4000.0, "log10_fold": 0.5}
    row |= {"log10_fold_low": 0.4, "log10_fold_high": 0.6}
    return pd.DataFrame([row | changed])


def judged(*statuses: str) -> pd.DataFrame:
    rows = [
        ("A", condition, role, "drug", "uM", np.nan, np.nan, np.nan)
        for condition, role in (("parental", "reference"), ("resistant", "target"))
    ]
    table = pd.DataFrame(rows, columns=CURVE).assign(status=statuses, curve=[0, 1])
    return table.assign(ic50=[1.0, 10**0.5], ic50_low=[0.9, 3.0], ic50_high=[1.1, 3.4])


def own(one: list[float], two: list[float]) -> pd.DataFrame:
    rows = [
        (curve, str(at), value) for curve, values in enumerate((one, two)) for at, value in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=["curve", "experiment", "log10_ic50"])


def test_compare__tests_both_hypotheses_by_both_methods():
    found = compare(pair_fits(), judged("ok", "ok"), own([0, 0.01, -0.01], [0.5, 0.52, 0.49]), CONFIDENCE)
    assert found[["null_hypothesis", "method"]].to_numpy().tolist() == [
        ["one_curve", "f_test"],
        ["shared_ic50", "f_test"],
        ["shared_ic50", "by_experiment"],
    ]
    assert found.statistic[:2].tolist() == pytest.approx([8200 / 4 / (800 / 34), 3200 / (800 / 34)])
    assert found.df_1[:2].tolist() == [4, 1]
    assert found.df_2[:2].tolist() == [34, 34]
    assert found.fold_change[1] == pytest.approx(10**0.5)
    assert found.fold_change[2] == pytest.approx(10 ** (1.51 / 3))
    assert found.status.tolist() == ["ok"] * 3
    assert found.disagreement.tolist() == ["", "no", "no"]
    assert found.family[1] == "drug: conditions, f_test, shared_ic50"
    table = list_resistance(pair_fits(), found, judged("ok", "ok"))
    assert table.fold_change[0] == pytest.approx(10**0.5)
    assert table.ic50_target[0] == pytest.approx(10**0.5)


def test_compare__names_disagreement():
    found = compare(pair_fits(), judged("ok", "ok"), own([0, 0.4, -0.4], [0.5, 0.1, 1.2]), CONFIDENCE)
    assert found.status.tolist() == ["ok", "disagreement", "disagreement"]
    assert found.disagreement.tolist() == ["", "yes", "yes"]
    assert found.reason[1] == "p is below 0.05 by f_test only"


@pytest.mark.parametrize(
    ("statuses", "changed", "expected", "reason"),
    [
        (("ok", "no_effect"), {}, ["ok", "no_ic50", "too_few_experiments"], "curve 2: no_effect"),
        (
            ("ok", "too_few_doses"),
            {"model_1": np.nan},
            ["not_compared"] * 2 + ["too_few_experiments"],
            "curve 2",
        ),
        (
            ("ok", "ok"),
            {"squares_separate": 0.0, "common_squares_separate": 0.0},
            ["no_residuals"] * 2 + ["too_few_experiments"],
            "no degrees",
        ),
        (("ok", "ok"), {"reason": "dose_units differ: uM, nM"}, ["not_compared"] * 3, "dose_units differ"),
        (("ok", "ok"), {"reason": "no such curve", "curve_2": -1}, ["not_compared"] * 3, "no such curve"),
    ],
)
def test_compare__what_cannot_be_tested_keeps_its_rows(statuses, changed, expected, reason):
    found = compare(pair_fits(**changed), judged(*statuses), own([0.1], []), CONFIDENCE)
    assert found.status.tolist() == expected
    assert found.reason[1].startswith(reason)
    assert found.p_value[found.status != "ok"].isna().all()


def test_compare__an_ic50_above_the_doses_has_no_fold_but_its_lower_end():
    changed = {"log10_fold_high": np.nan}
    found = compare(pair_fits(**changed), judged("ok", "ic50_above_range"), own([0.1], []), CONFIDENCE)
    shared = found.iloc[1]
    assert shared.status == "ok"
    assert np.isnan(shared.fold_change)
    assert shared.fold_change_low == pytest.approx(10**0.4)
    assert np.isnan(shared.fold_change_high)
    assert shared.reason == "curve 2: ic50_above_range"


def test_compare__p_is_adjusted_within_compound_and_kind():
    pairs = pd.concat([pair_fits(), pair_fits(squares_shared_ic50=1000.0), pair_fits(kind="sheet")])
    pairs["comparison"] = ["a", "b", "c"]
    found = compare(pairs.reset_index(drop=True), judged("ok", "ok"), own([0.1], []), CONFIDENCE)
    shared = found[(found.null_hypothesis == "shared_ic50") & (found.method == "f_test")]
    assert (shared.p_adjusted / shared.p_value).tolist() == pytest.approx([2, 1, 1])


@pytest.mark.parametrize(
    ("statuses", "f_test", "labels"),
    [
        (("ok", "ok"), "ok", ["too few experiments"]),
        (("ok", "no_effect"), "no_ic50", ["no ic50", "too few experiments"]),
    ],
)
def test_list_forest__each_method_has_its_own_status_and_label(statuses, f_test, labels):
    curves = judged(*statuses).assign(lowest_dose=0.3, highest_dose=300)
    found = compare(pair_fits(), curves, own([0.1], []), CONFIDENCE)
    table = list_forest(curves, found[found.null_hypothesis == "shared_ic50"])
    folds = table[table.kind == "fold_change"].set_index("method").status
    assert folds.to_dict() == {"f_test": f_test, "by_experiment": "too_few_experiments"}
    texts = [text.get_text() for text in draw_forest(table, "drug", "uM", CONFIDENCE).axes[1].texts]
    assert [text for text in texts if not text.startswith(("p ", "no p"))] == labels


def trend_study(steps: list[float], experiments: int = 3) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make curves along doses of NAC, and their log10 IC50s by experiment."""
    modulators = [np.nan] + ["NAC"] * (len(steps) - 1)
    curves = pd.DataFrame(
        {
            **{"line": "A", "condition": "parental", "condition_role": "reference", "compound": "drug"},
            **{
                "dose_unit": "uM",
                "modulator": modulators,
                "modulator_dose": [np.nan, 1, 5, 10][: len(steps)],
            },
            **{"modulator_unit": [np.nan] + ["mM"] * (len(steps) - 1), "curve": range(len(steps))},
            **{"ic50": 10 ** np.array(steps), "ic50_low": 1.0, "ic50_high": 100.0, "status": "ok"},
        }
    )
    noise = np.random.default_rng(1).normal(0, 0.02, (experiments, len(steps)))
    places = [(curve, str(at), steps[curve] + noise[at, curve] + 0.2 * at)
              for at in range(experiments) for curve in range(len(steps))]  # fmt: skip
    return curves, pd.DataFrame(places, columns=["curve", "experiment", "log10_ic50"])


def test_list_trends__finds_a_planted_slope_whatever_the_experiments_shifts():
    curves, places = trend_study([0.5, 0.7, 0.9, 1.1])
    nothing = compare(pair_fits().iloc[:0], curves, places, CONFIDENCE)
    found = list_trends(pair_fits().iloc[:0], nothing, curves, places, CONFIDENCE)
    assert list(found.modulator_dose) == [0, 1, 5, 10]
    assert found.fold_per_step.to_numpy() == pytest.approx(10**0.2, rel=0.05)
    assert (found.p_value < 0.01).all()
    assert (found.p_adjusted == found.p_value).all()
    # R: t.test(apply(places, 1, function(y) coef(lm(y ~ c(1, 2, 3, 4)))[2]))
    slopes = [np.polyfit(range(4), group.log10_ic50, 1)[0] for _, group in places.groupby("experiment")]
    assert found.p_value[0] == pytest.approx(stats.ttest_1samp(slopes, 0).pvalue)


@pytest.mark.parametrize(
    ("steps", "experiments", "status", "reason"),
    [
        ([0.5, 0.7], 3, "too_few_doses", "2 doses of the modulator (none is one), 3 needed"),
        ([0.5, 0.7, 0.9], 1, "too_few_experiments", "1 experiments with all IC50s, 2 needed"),
    ],
)
def test_list_trends__says_why_there_is_none(steps, experiments, status, reason):
    curves, places = trend_study(steps, experiments)
    nothing = compare(pair_fits().iloc[:0], curves, places, CONFIDENCE)
    found = list_trends(pair_fits().iloc[:0], nothing, curves, places, CONFIDENCE)
    assert set(found.status) == {status}
    assert set(found.reason) == {reason}
    assert found.p_value.isna().all()


IC50S = {"HSC-2": (7.9, 26), "HSC-3": (7.8, 13), "SAS": (4.1, 4.1)}


def write_plates(folder, lines=IC50S, modulator=True, conditions=2, noise=2.5, experiments=3) -> None:
    """Write wells.tsv and responses.tsv as normalise_plates does: cisplatin, with NAC in the first line."""
    rng, rows = np.random.default_rng(7), []
    doses = np.array([1.5625, 3.125, 6.25, 12.5, 25, 50, 100])
    for place, (line, ic50s) in enumerate(lines.items()):
        for condition, role, ic50 in list(
            zip(("parental", "resistant"), ("reference", "target"), ic50s, strict=True)
        )[:conditions]:
            kinds = [(None, np.nan, None, 1.0)]
            if modulator and place == 0:
                kinds += [("NAC", 1.0, "mM", 1.3), ("NAC", 5.0, "mM", 2.5)]
            for name, amount, unit, factor in kinds:
                keys = dict(
                    zip(CURVE, (line, condition, role, "cisplatin", "ug/mL", name, amount, unit), strict=True)
                )
                for experiment in map(str, range(1, experiments + 1)):
                    shift = 10 ** rng.normal(0, 0.03)
                    for dose in doses:
                        value = response(dose, slope=1.6, ic50=ic50 * factor * shift) + rng.normal(0, noise)
                        rows.append(
                            keys | {"experiment": experiment, "dose": dose, "viability_percent": value}
                        )
                    vehicle = {"experiment": experiment, "role": "vehicle", "viability_percent": 100.0}
                    rows.append(keys | vehicle | {"compound": None})
    wells = pd.DataFrame(rows).assign(response=np.nan, growth_rate_value=np.nan)
    wells["role"] = wells.role.fillna("sample")
    wells["response_unit"] = "percent_of_vehicle"
    samples = wells[wells.role == "sample"].rename(columns={"viability_percent": "response_mean"})
    for name, table in (("wells", wells), ("responses", samples.assign(reason=""))):
        (folder / name).mkdir(exist_ok=True)
        table.to_csv(folder / name / f"{name}.tsv", sep="\t", index=False)


def run_all(run_script, folder, **options) -> dict[str, bytes]:
    """Fit, judge and compare; return what the comparison wrote."""
    given = {name: folder / name for name in ("wells", "responses")}
    for name in ("fits", "curves", "results"):
        (folder / name).mkdir(exist_ok=True)
    calls = [
        (fit_main, given | {"comparisons": folder / "comparisons", "results": folder / "fits"}),
        (judge_main, given | {"fits": folder / "fits", "results": folder / "curves"}),
        (main, given | {"fits": folder / "fits", "curves": folder / "curves", "results": folder / "results"}),
    ]
    for command, words in calls:
        result = run_script(command, **words)
        assert result.exit_code == 0, result.output
    return {path.name: path.read_bytes() for path in (folder / "results").iterdir()}


def test_main__finds_the_planted_folds_draws_and_reports_the_same_each_time(run_script, tmp_path):
    write_plates(tmp_path)
    first = run_all(run_script, tmp_path)
    table = pd.read_csv(tmp_path / "results/resistance.tsv", sep="\t").set_index("line")
    for line, (parental, resistant) in IC50S.items():
        row = table.loc[line]
        assert row.fold_change_low / 1.15 < resistant / parental < row.fold_change_high * 1.15
        assert row.by_experiment_fold_change == pytest.approx(resistant / parental, rel=0.2)
    assert (table.p_adjusted[["HSC-2", "HSC-3"]] < 0.001).all()
    assert table.p_adjusted["SAS"] > 0.05
    trends = pd.read_csv(tmp_path / "results/trends.tsv", sep="\t")
    assert (trends.fold_change.dropna() > 1).all()
    for stem in ("cisplatin.curve", "cisplatin.NAC.curve", "cisplatin.forest"):
        assert {f"{stem}.{suffix}" for suffix in ("svg", "png", "tsv")} <= set(first)
    section = json.loads(first["dose_comparison_mqc.json"])
    assert "IC50s rise in HSC-2 (" in section["description"]
    assert section["nrf2flow"]["findings"]["HSC-2"].startswith("cisplatin IC50 3")
    curves = json.loads(first["dose_comparison_curves_mqc.json"])
    assert "HSC-3 resistant" in curves["data"][0]
    assert first == run_all(run_script, tmp_path)


def test_main__a_figure_draws_means_vehicle_curves_and_ic50s(run_script, tmp_path):
    write_plates(tmp_path, {"HSC-2": (7.9, 26)}, modulator=False)
    run_all(run_script, tmp_path)
    table = pd.read_csv(tmp_path / "results/cisplatin.curve.tsv", sep="\t")
    counts = table.kind.value_counts()
    assert counts["mean"] == 14
    assert counts["vehicle"] == 2
    assert counts["ic50"] == 2
    assert (table.dose[table.kind == "vehicle"] == 0).all()
    points = pd.read_csv(tmp_path / "responses/responses.tsv", sep="\t")
    some = points[(points.condition == "parental") & (points.dose == 12.5)].response_mean
    row = table[(table.kind == "mean") & (table.condition == "parental") & (table.dose == 12.5)].iloc[0]
    assert row.response == pytest.approx(some.mean())
    assert row["sem"] == pytest.approx(some.std() / np.sqrt(3))


@pytest.mark.parametrize(
    "plates",
    [
        {"conditions": 1, "modulator": False},
        {"experiments": 1},
        {"lines": {"HSC-2": (7.9, 5000.0)}, "modulator": False},
        {"lines": {"A-line-with-a-very-long-name-indeed": (5000.0, 5000.0)}, "modulator": False},
    ],
)
def test_main__degenerate_studies_keep_rows_and_a_section(run_script, tmp_path, plates):
    write_plates(tmp_path, **({"lines": {"HSC-2": (7.9, 26)}} | plates))
    written = run_all(run_script, tmp_path)
    section = json.loads(written["dose_comparison_mqc.json"])
    assert section["description"]
    tests = pd.read_csv(tmp_path / "results/comparisons.tsv", sep="\t")
    assert tests.status.notna().all()
    assert not np.isinf(tests.select_dtypes("number")).any(axis=None)
    assert "ok" in FITTED


# ---- evidence for the call


def resistance_of(compound: str = "MMC", line: str = "A", **found: object) -> dict[str, object]:
    row = dict.fromkeys(RESISTANCE) | {"line": line, "compound": compound, "condition_target": "resistant"}
    row |= {"status_reference": "ok", "status_target": "ok", "status": "ok", "reason": ""}
    by_f = {"fold_change": 0.5, "fold_change_low": 0.25, "fold_change_high": 1.0}
    return row | by_f | found


def evidence_of(*rows: dict[str, object]) -> pd.DataFrame:
    return list_evidence(pd.DataFrame(rows, columns=RESISTANCE))


def test_list_evidence__has_the_interval_of_experiments_where_there_is_one():
    by_experiment = {
        "by_experiment_fold_change": 0.125,
        "by_experiment_low": 0.0625,
        "by_experiment_high": 0.25,
    }
    [both, one] = evidence_of(resistance_of(**by_experiment), resistance_of(line="B")).to_dict("records")
    assert (both["value"], both["low"], both["high"]) == pytest.approx((-3, -4, -2))
    assert (one["value"], one["low"], one["high"]) == pytest.approx((-1, -2, 0))
    assert both["reason"] == ""
    assert one["reason"] == "interval of the F test, values as independent"
    assert both["role"] == "target"
    assert both["condition"] == "resistant"
    assert both["source"] == "dose_comparison/resistance.tsv"


def test_list_evidence__knows_the_names_of_mmc_and_cisplatin():
    names = ["Mitomycin C", "mmc", "Cis-platin", "CDDP", "erastin", "carboplatin"]
    table = evidence_of(*(resistance_of(name, line=name) for name in names))
    assert table.evidence.tolist() == ["mmc_shift"] * 2 + ["cisplatin_shift"] * 2


def test_list_evidence__keeps_a_pair_without_a_fold_change_with_its_reason():
    nothing = dict.fromkeys(["fold_change", "fold_change_low", "fold_change_high"], np.nan)
    reason = "curve 2: ic50_above_range"
    [row] = evidence_of(resistance_of(**nothing, status="no_ic50", reason=reason)).to_dict("records")
    assert (row["status"], row["reason"]) == ("no_fold_change", reason)
    [row] = evidence_of(resistance_of(**nothing, status_target="no_effect")).to_dict("records")
    assert row["reason"] == "curves: ok and no_effect"
    assert list_evidence(pd.DataFrame(columns=RESISTANCE)).empty


def test_main__writes_shifts_that_the_call_can_read(run_script, tmp_path):
    write_plates(tmp_path, modulator=False)
    run_all(run_script, tmp_path)
    table = read_evidence(tmp_path / "results").set_index("line")
    resistance = pd.read_csv(tmp_path / "results/resistance.tsv", sep="\t").set_index("line")
    assert set(table.evidence) == {"cisplatin_shift"}
    assert (table.status == "ok").all()
    for line, (parental, resistant) in IC50S.items():
        row = table.loc[line]
        assert row.value == pytest.approx(np.log2(resistance.by_experiment_fold_change[line]))
        assert row.low < row.value < row.high
        assert row.value == pytest.approx(np.log2(resistant / parental), abs=0.3)


def write_given(folder, conditions, value, modulators=((None, np.nan, None),), reason="") -> None:
    """Write responses as given, dose 0 among them: `value` of dose, condition's place and experiment."""
    rows = []
    for place, (condition, role) in enumerate(conditions):
        for modulator in modulators:
            for experiment in range(3):
                keys = ("A", condition, role, "drug", "uM", *modulator)
                row = dict(zip(CURVE, keys, strict=True)) | {"experiment": experiment, "reason": reason}
                for dose in (0, 0.3, 1, 3, 10, 30, 100):
                    rows.append(row | {"dose": dose, "response_mean": value(dose, place, experiment)})
    table = pd.DataFrame(rows).assign(response_unit="as_given", growth_rate_value=np.nan)
    wells = table.assign(role="sample", response=table.response_mean, viability_percent=np.nan)
    for name, each in (("wells", wells), ("responses", table)):
        (folder / name).mkdir()
        each.to_csv(folder / name / f"{name}.tsv", sep="\t", index=False)


BOTH = (("parental", "reference"), ("resistant", "target"))


@pytest.mark.parametrize(
    ("given", "curves", "tests", "figures"),
    [
        (
            {"value": lambda dose, place, experiment: response(dose, ic50=(5, 20)[place])},
            {"ok"},
            ["no_residuals", "no_residuals", "no_variance"],
            2,
        ),
        (
            {"value": lambda dose, place, experiment: 100.0},
            {"no_effect"},
            ["no_residuals", "no_ic50", "too_few_experiments"],
            2,
        ),
        (
            {"value": lambda dose, place, experiment: np.nan, "reason": "no vehicle"},
            {"too_few_doses"},
            ["not_compared", "not_compared", "too_few_experiments"],
            0,
        ),
        (
            {
                "value": lambda dose, place, experiment: -3 + response(dose) / 100 + 0.02 * experiment,
                "conditions": BOTH[:1],
                "modulators": (("NAC", 1.0, "mM"), ("NAC", 5.0, "mM")),
            },
            {"ok"},
            ["not_compared"] * 6,
            1,
        ),
    ],
)
def test_main__responses_as_given_without_noise_effect_values_or_a_curve_to_compare(
    run_script, tmp_path, given, curves, tests, figures
):
    write_given(tmp_path, **({"conditions": BOTH} | given))
    written = run_all(run_script, tmp_path)
    judged = pd.read_csv(tmp_path / "curves/curves.tsv", sep="\t")
    assert set(judged.status) == curves
    assert judged.ic50_absolute.isna().all()
    compared = pd.read_csv(tmp_path / "results/comparisons.tsv", sep="\t")
    assert compared.status.tolist() == tests
    assert compared.p_value.isna().all()
    assert sum(name.endswith(".png") for name in written) == figures
