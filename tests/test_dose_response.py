import json

import numpy as np
import pandas as pd
import pytest
from common.dose_curves import CURVE
from conftest import REFERENCE_DATA
from dose_response import diagnose, judge, list_curves, list_growth, main
from fit_dose_curves import chosen, estimate, gather
from fit_dose_curves import main as fit_main
from scipy.stats import f, spearmanr

DATA = REFERENCE_DATA / "dose_response"
CONFIDENCE = 0.95
DOSES = np.array([0.3, 1, 3, 10, 30, 100, 300])


def response(dose, bottom=4.0, top=100.0, slope=1.3, ic50=8.0):
    return bottom + (top - bottom) / (1 + (dose / ic50) ** slope)


def values_of(rows: list[tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
    """Make a table of values of (doses, responses) a curve, replicates being experiments."""
    tables = [
        pd.DataFrame({"curve": number, "dose": dose, "value": value})
        for number, (dose, value) in enumerate(rows)
    ]
    values = pd.concat(tables, ignore_index=True)
    return values.assign(experiment=values.groupby(["curve", "dose"]).cumcount().astype(str))


def curves_of(values: pd.DataFrame, unit: str = "percent_of_vehicle", model: str = "4pl") -> pd.DataFrame:
    """Fit and list curves."""
    count = values.curve.nunique()
    points = gather(values.curve.to_numpy(), values.dose.to_numpy(), values.value.to_numpy(), count)
    fits = chosen(points, np.full(count, unit == "percent_of_vehicle"), model, CONFIDENCE)
    keys = pd.DataFrame("x", range(count), CURVE).assign(modulator_dose=np.nan, response_unit=unit)
    fits = pd.concat([keys, fits.replace({"model": {"": np.nan}})], axis=1).assign(curve=range(count))
    return list_curves(fits, values, pd.Series("", range(count)), CONFIDENCE)


def replicated(doses: np.ndarray, noise: float = 2.0, seed: int = 1, **shape: float) -> tuple:
    dose = np.repeat(doses, 3)
    return dose, response(dose, **shape) + np.random.default_rng(seed).normal(0, noise, len(dose))


def test_list_curves__each_status_has_its_case_and_says_why():
    bump = np.repeat([100, 95, 40, 10, 60, 80, 90], 3) + np.tile([-1.0, 0, 1], 7)
    rows = {
        "ok": replicated(DOSES),
        "no_effect": (np.repeat(DOSES, 3), 100 + np.random.default_rng(3).normal(0, 3, 21)),
        "ic50_above_range": replicated(DOSES, ic50=900, slope=1),
        "ic50_below_range": replicated(DOSES, ic50=0.1, bottom=0),
        "not_monotone": (np.repeat(DOSES, 3), bump),
        "too_few_doses": replicated(DOSES[2:5]),
    }
    found = curves_of(values_of(list(rows.values())))
    assert list(found.status) == list(rows)
    reasons = found.set_index("status").reason
    assert reasons["ok"] == ""
    assert reasons["no_effect"].startswith("fits no better than a constant (F test, p ")
    assert reasons["ic50_above_range"].startswith("above the highest dose, 300")
    assert reasons["ic50_below_range"].startswith("below the lowest dose, 0.3")
    assert reasons["not_monotone"].startswith("means rise again by 8")
    assert reasons["too_few_doses"] == "3 doses with values, 4 needed"
    assert found.ic50.notna().tolist() == [True] + [False] * 5
    assert not np.isinf(found.select_dtypes("number")).any(axis=None)


def test_list_curves__an_open_interval_is_ambiguous_and_says_which_end():
    dose, value = replicated(DOSES[:6], noise=9, seed=8, ic50=20, slope=1, bottom=40)
    found = curves_of(values_of([(dose, value)]), unit="as_given", model="4pl").iloc[0]
    assert found.status == "ambiguous"
    assert found.reason == "the interval of the IC50 is open: its upper end lies beyond what was searched"
    assert found.ic50_low < found.ic50
    assert np.isnan(found.ic50_high)
    assert found.ic50_absolute_status == "not_percent"


def test_list_curves__equal_and_rising_responses_have_no_effect():
    found = curves_of(values_of([(DOSES, np.full(7, 100.0)), (DOSES, np.arange(7.0))]))
    assert list(found.status) == ["no_effect"] * 2
    assert list(found.reason) == ["all responses are equal", "no falling curve fits better than a constant"]


def test_judge__a_fit_that_did_not_converge_has_failed():
    values = values_of([replicated(DOSES)])
    points = gather(values.curve.to_numpy(), values.dose.to_numpy(), values.value.to_numpy(), 1)
    fits = chosen(points, np.array([True]), "4pl", CONFIDENCE).assign(converged="no")
    status, reason = judge(fits, diagnose(values, 1), CONFIDENCE)
    assert (status[0], reason[0]) == ("fit_failed", "the fit did not converge")


def test_list_curves__the_planted_ic50_and_its_absolute_one_lie_in_their_intervals():
    rows = [replicated(DOSES, noise=4, seed=seed, bottom=20, ic50=8) for seed in range(60)]
    found = curves_of(values_of(rows))
    true = 8 * (80 / 30 - 1) ** (1 / 1.3)  # where 20 + 80 share is 50
    for name, ic50 in (("ic50", 8), ("ic50_wald", 8), ("ic50_absolute", true)):
        inside = (found[f"{name}_low"] <= ic50) & (ic50 <= found[f"{name}_high"])
        assert 51 <= inside.sum() <= 60
    assert (found.ic50_absolute_status == "ok").all()


def test_list_curves__absolute_ic50_is_not_reached_where_half_the_cells_survive():
    found = curves_of(values_of([replicated(DOSES, bottom=65)])).iloc[0]
    assert found.status == "ok"
    assert found.ic50_absolute_status == "not_reached"
    assert np.isnan(found.ic50_absolute)


def test_list_curves__lack_of_fit_is_the_replicates_test():
    dose, value = replicated(DOSES)
    value = value + np.where(dose == 3, 25, 0)
    found = curves_of(values_of([(dose, value), replicated(DOSES)]))
    within = sum(((value[dose == each] - value[dose == each].mean()) ** 2).sum() for each in DOSES)
    squares = found.residual_sd[0] ** 2 * 17
    ratio = (squares - within) / 3 / (within / 14)
    assert found.lack_of_fit_p[0] == pytest.approx(f.sf(ratio, 3, 14))
    assert found.lack_of_fit_p[0] < 0.001 < found.lack_of_fit_p[1]


def falling(mean: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Find the closest falling values, pool by pool."""
    pools: list[list[float]] = []
    for value, count in zip(mean, number, strict=True):
        pools.append([value, count, 1])
        while len(pools) > 1 and pools[-2][0] < pools[-1][0]:
            (one, n, many), (two, m, more) = pools[-2:]
            pools[-2:] = [[(one * n + two * m) / (n + m), n + m, many + more]]
    return np.concatenate([np.full(int(many), value) for value, _, many in pools])


def test_diagnose__tests_rises_against_the_closest_falling_curve():
    rng = np.random.default_rng(5)
    rows = []
    for _ in range(30):
        doses = np.sort(rng.choice(DOSES, rng.integers(3, 8), replace=False))
        dose = np.repeat(doses, rng.integers(1, 4, len(doses)))
        rows.append((dose, rng.normal(0, 1, len(dose)) - np.log(dose) * rng.uniform(-0.3, 0.5)))
    found = diagnose(values_of(rows), 30)
    for (dose, value), row in zip(rows, found.itertuples(), strict=True):
        doses = np.unique(dose)
        groups = [value[dose == each] for each in doses]
        mean, number = np.array([each.mean() for each in groups]), np.array([len(each) for each in groups])
        within = sum(((each - each.mean()) ** 2).sum() for each in groups)
        closest = falling(mean, number)
        blocks = len(np.unique(closest))
        df_1, df_2 = len(doses) - blocks, len(dose) - len(doses)
        assert row.within == pytest.approx(within, abs=1e-12)
        assert row.rise == pytest.approx(max((mean - np.minimum.accumulate(mean)).max(), 0))
        if df_1 and df_2:
            ratio = (number * (mean - closest) ** 2).sum() / df_1 / (within / df_2)
            assert row.rise_p == pytest.approx(f.sf(ratio, df_1, df_2))
        else:
            assert np.isnan(row.rise_p)


def test_list_curves__agrees_with_the_published_ic50s_of_head_and_neck_lines():
    # CCLE 2012 (doi:10.1038/nature11003) chose among models by chi-squared, let curves of weak compounds be
    # flat, and gave the dose of 50 % viability as IC50, at most 8 uM, the highest dose. So the absolute IC50
    # compares, where both are below that. They differ most where few doses lie on the slope, or where
    # the plateau is not reached.
    table = pd.read_csv(DATA / "CCLE2012_HNSCC_lines_dose_response.csv")
    dose, value = (table.filter(regex=f"^{name}").to_numpy(float) for name in ("dose", "via"))
    rows = [
        (d[k], v[k]) for d, v in zip(dose, value, strict=True) if (k := np.isfinite(v) & np.isfinite(d)).any()
    ]
    found = curves_of(values_of(rows))
    both = found.ic50_absolute.notna() & (table.ic50_published < 8)
    assert both.sum() >= 30
    assert spearmanr(found.ic50_absolute[both], table.ic50_published[both]).statistic > 0.9
    ratio = np.log10(found.ic50_absolute[both] / table.ic50_published[both])
    assert ratio.abs().median() < 0.1
    # A viability of 50 % that they did not reach we do not reach either, but for few.
    unreached = table.ic50_published >= 8
    assert found.ic50_absolute[unreached].isna().mean() > 0.9


def growth(values: pd.DataFrame, curves: int) -> pd.DataFrame:
    points = gather(values.curve.to_numpy(), values.dose.to_numpy(), values.value.to_numpy(), curves)
    fits = estimate(points, "growth_rate", CONFIDENCE).rename(columns={"bottom": "gr_inf"})
    keys = pd.DataFrame("x", range(curves), CURVE).assign(modulator_dose=np.nan)
    return list_growth(fits.assign(curve=range(curves)), values, keys)


def test_list_growth__equals_the_r_package():
    # R package GRmetrics (datarail/gr_metrics), its output for toy_example_input1. GR50s beyond the doses,
    # and infinite ones, are statuses here. Of MCF7 drugD 0 2 48 R's optimiser missed the optimum.
    theirs = pd.read_csv(DATA / "gr_metrics_R_input1_GRmetrics.tsv", sep="\t").set_index(
        "experiment", drop=False
    )
    table = pd.read_csv(DATA / "gr_metrics_R_input1_GRvalues.tsv", sep="\t")
    code, names = pd.factorize(table.experiment)
    found = growth(pd.DataFrame({"curve": code, "dose": table.concentration, "value": table.GR}), len(names))
    theirs = theirs.loc[names].reset_index(drop=True)
    assert (found["fit"] == theirs["fit"]).all()
    assert found.gr_max.to_numpy() == pytest.approx(theirs.GRmax.to_numpy(), abs=1e-12)
    assert found.gr_aoc.to_numpy() == pytest.approx(theirs.GR_AOC.to_numpy(), abs=1e-12)
    missed = theirs.experiment == "MCF7 drugD 0 2 48"
    assert (found.r_squared > theirs.r2 + 0.005)[missed].all()
    sigmoid = (found["fit"] == "sigmoid") & ~missed
    flat = found["fit"] == "flat"
    # Flat fits have the R2 of nothing; where R's curve did not leave its start, its p is 1.
    assert found.p_value[sigmoid].to_numpy() == pytest.approx(theirs.pval[sigmoid].to_numpy(), rel=1e-4)
    assert found.gr_inf[flat].to_numpy() == pytest.approx(theirs.GRinf[flat].to_numpy(), abs=1e-12)
    for ours, name in (("gec50", "GEC50"), ("hill", "Hill")):
        assert found[ours][sigmoid].to_numpy() == pytest.approx(theirs[name][sigmoid].to_numpy(), rel=2e-3)
    assert found.gr_inf[sigmoid].to_numpy() == pytest.approx(theirs.GRinf[sigmoid].to_numpy(), abs=2e-4)
    inside = found.gr50.notna() & ~missed
    assert inside.sum() > 80
    assert found.gr50[inside].to_numpy() == pytest.approx(theirs.GR50[inside].to_numpy(), rel=1e-3)
    outside = found.gr50.isna() & ~missed
    assert ((theirs.GR50 > 10) | (theirs.GR50 < 0.001))[outside].all()
    assert set(found.status[outside]) == {"no_effect", "gr50_above_range"}


def test_list_growth__too_few_doses_keep_their_row():
    values = pd.DataFrame({"curve": 0, "dose": [1.0, 10, 100], "value": [0.9, 0.5, 0.1]})
    found = growth(values, 1).iloc[0]
    assert (found.status, found.reason) == ("too_few_doses", "3 doses with values, 4 needed")


def write_inputs(folder, growing: bool) -> None:
    """Write what normalise_plates and fit_dose_curves write, of two curves; one has no values."""
    keys = dict(zip(CURVE, ("A", "parental", "reference", "drug", "uM", None, np.nan, None), strict=True))
    rng, rows = np.random.default_rng(1), []
    for experiment in ("1", "2", "3"):
        for dose in DOSES:
            value = response(dose) + rng.normal(0, 2)
            row = keys | {"experiment": experiment, "dose": dose, "response_unit": "percent_of_vehicle"}
            rows.append(
                row | {"response_mean": value, "growth_rate_value": value / 100 if growing else np.nan}
            )
            rows.append(row | {"line": "B", "response_mean": np.nan, "reason": "no vehicle of B parental"})
    table = pd.DataFrame(rows)
    wells = table.assign(role="sample", viability_percent=table.response_mean, response=np.nan)
    for name, each in (("responses", table), ("wells", wells)):
        (folder / name).mkdir()
        each.to_csv(folder / name / f"{name}.tsv", sep="\t", index=False)
    (folder / "fits").mkdir()


@pytest.mark.parametrize("growing", [True, False])
def test_main__lists_curves_experiments_and_growth_rates(run_script, tmp_path, growing):
    write_inputs(tmp_path, growing)
    given = {name: tmp_path / name for name in ("wells", "responses")}
    assert (
        run_script(fit_main, **given, comparisons=tmp_path / "no", results=tmp_path / "fits").exit_code == 0
    )
    result = run_script(main, **given, fits=tmp_path / "fits", results=tmp_path)
    assert result.exit_code == 0, result.output
    curves = pd.read_csv(tmp_path / "curves.tsv", sep="\t")
    assert list(curves.status) == ["ok", "too_few_doses"]
    assert curves.reason[1] == "0 doses with values, 4 needed; no vehicle of B parental"
    assert curves.ic50[0] == pytest.approx(8, rel=0.15)
    experiments = pd.read_csv(tmp_path / "experiments.tsv", sep="\t")
    assert (10 ** experiments.log10_ic50[:3]).to_numpy() == pytest.approx(8, rel=0.3)
    table = pd.read_csv(tmp_path / "growth_rate.tsv", sep="\t")
    assert len(table) == (1 if growing else 0)
    section = json.loads((tmp_path / "dose_response_mqc.json").read_text())
    assert "2 dose-response curves of 1 compound in 2 lines, 1 with an IC50" in section["description"]
    assert section["nrf2flow"]["statuses"] == "ok 1, too_few_doses 1"
    assert (tmp_path / "dose_response_growth_rate_mqc.json").exists() == growing
