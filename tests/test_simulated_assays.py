"""What the simulated study measures at the bench: plates, assays and PCR."""

import re
from functools import partial

import numpy as np
import pandas as pd
import pytest
from common.simulated_assays import (
    BLANK,
    CT_SD,
    CURVES,
    DOSES,
    FLAWS,
    PCR,
    WELL_CV,
    WELL_SD,
    WELLS,
    draw_bench,
    viability,
)
from common.study_design import BENCH, COMPOUNDS, LINES, STUDY_LINES, bench_of
from gate import Gate
from scipy import stats
from scipy.optimize import curve_fit
from simulate_study import stream, true_calls

CURVE = ["line", "condition", "compound", "modulator", "modulator_dose"]
NRF2_LINES = ["HSC-2", "HSC-3", "HO-1-u-1"]
TABLE_1 = {  # of the founding study, ug/mL
    **{"RPMI2650": (4.5, 22), "HSC-2": (7.9, 26), "HSC-3": (7.8, 13), "HO-1-u-1": (50, 89)},
    **{"Ca9-22": (10, 24), "HSC-4": (11, 25), "SAS": (4.1, 8.2)},
}


def drawn(lines=STUDY_LINES, seed: int = 1, effects: float = 1.0):
    return draw_bench(partial(stream, seed), lines, effects)


@pytest.fixture(scope="module")
def bench():
    return drawn()


@pytest.fixture(scope="module")
def many():
    """All fifty lines without planted effects."""
    return drawn(LINES, effects=0.0)


def viabilities(wells: pd.DataFrame) -> pd.DataFrame:
    """Subtract each plate's blanks, divide by its vehicles of the same condition; sample wells only."""
    plate = ["experiment", "plate"]
    blank = wells[wells.role == "blank"].groupby(plate).response.mean()
    table = wells[wells.role != "blank"].join(blank.rename("blank"), on=plate)
    table["signal"] = table.response - table.blank
    vehicle = table[table.role == "vehicle"].groupby([*plate, "condition"]).signal.mean()
    table = table[table.role == "sample"].join(vehicle.rename("vehicle"), on=[*plate, "condition"])
    return table.assign(viability=table.signal / table.vehicle)


def ratios(assays: pd.DataFrame, assay: str) -> pd.Series:
    """Return value over normaliser of an assay, by line, condition and replicate."""
    rows = assays[assays.assay == assay].set_index(["line", "condition", "replicate"])
    return rows.value / rows.normaliser.fillna(1)


# ---- plates


def test_draw_bench__passes_the_gate(run_script, tmp_path, bench):
    files = {f"{name}.csv": measured.sheet.to_csv(index=False) for name, measured in bench.items()}
    gate = Gate(run_script, tmp_path)
    assert gate.say(files, **{name: f"{name}.csv" for name in bench}) == []
    assert len(gate.table("dose_response.tsv")) == len(bench["dose_response"].sheet)


def test_draw_plates__each_plate_has_doses_in_triplicate_vehicles_and_blanks(bench):
    wells = bench["dose_response"].sheet
    assert list(wells) == WELLS
    assert len(wells) < 6000
    assert not wells.duplicated(["experiment", "plate", "well"]).any()
    assert wells.well.str.fullmatch(r"[A-H]([1-9]|1[0-2])").all()
    for _, plate in wells.groupby(["experiment", "plate"]):
        assert plate.role.value_counts().to_dict() == {"sample": 48, "vehicle": 18, "blank": 6}
        samples = plate[plate.role == "sample"]
        assert (samples.groupby(["condition", "dose"]).size() == 3).all()
        assert samples.dose.nunique() == DOSES
        assert (plate[plate.role == "vehicle"].modulator == samples.modulator.iloc[0]).all()


def test_draw_plates__every_curve_has_three_experiments_and_a_dose_on_either_side_of_its_ic50(bench):
    wells, truth = bench["dose_response"].sheet, bench["dose_response"].truth
    samples = wells[wells.role == "sample"].fillna({"modulator_dose": 0})
    experiments = samples.groupby(CURVE).experiment.nunique()
    assert (experiments == 3).all()
    curves = truth.fillna({"modulator_dose": 0}).groupby(CURVE).ic50.agg(["first", "size"])
    assert set(curves.index) == set(experiments.index)
    assert (curves["size"] == 3).all()
    doses = samples.groupby(CURVE).dose.agg(["min", "max"])
    outside = curves.index[(curves["first"] <= doses["min"]) | (curves["first"] >= doses["max"])]
    # Fer-1 rescues from erastin beyond what resistant cells were given.
    assert set(outside) == {("HSC-2", "resistant", "erastin", "Fer-1", 2.0)}


def test_draw_plates__ic50s_are_those_of_the_founding_study_and_its_shifts():
    cisplatin, erastin, mmc, _ = COMPOUNDS
    assert cisplatin.ic50 == TABLE_1
    folds = {(each.name, each.dose): each.factors for each in cisplatin.modulators["HSC-2"]}
    assert folds["NAC", 5.0][0] == 3
    assert folds["NAC", 1.25][0] < folds["NAC", 2.5][0] < folds["NAC", 5.0][0]
    assert folds["Fer-1", 2.0] == folds["DFO", 100.0] == (1, 1)
    assert erastin.ic50["HSC-2"][1] / erastin.ic50["HSC-2"][0] == 5
    assert erastin.modulators["HSC-2"][0].factors[0] > 10
    more_sensitive = {line: parental / resistant for line, (parental, resistant) in mmc.ic50.items()}
    assert {line for line, fold in more_sensitive.items() if 2 <= fold <= 4} == {"HSC-3", "HO-1-u-1"}
    assert {line for line, fold in more_sensitive.items() if fold == 1} == {"HSC-2", "Ca9-22", "HSC-4"}


def test_draw_plates__planted_curves_are_found_again(bench):
    """Fit what is left after the plate's own normalisation; flawed plates are left out."""
    wells, truth, flaws = bench["dose_response"]
    flawed = set(zip(flaws.experiment, flaws.plate, strict=True))
    table = viabilities(wells)
    table = table[[key not in flawed for key in zip(table.experiment, table.plate, strict=True)]]
    errors = []
    for key, rows in table.fillna({"modulator_dose": 0}).groupby([*CURVE, "experiment"]):
        keys = dict(zip([*CURVE, "experiment"], key, strict=True))
        planted = truth.fillna({"modulator_dose": 0})[list(keys)].eq(list(keys.values())).all(axis=1)
        curve = truth[planted].iloc[0]

        def model(dose, log_ic50, slope=curve.slope, bottom=curve.bottom / 100):
            return bottom + (1 - bottom) / (1 + (dose / 10**log_ic50) ** slope)

        fitted = curve_fit(model, rows.dose, rows.viability, [np.log10(rows.dose.median())])
        errors.append(fitted[0][0] - np.log10(curve.ic50_of_experiment))
    assert len(errors) == len(truth) - 2 * len(flawed)
    assert abs(np.mean(errors)) < 0.01
    assert np.std(errors) < 0.04
    assert np.abs(errors).max() < 0.15


def test_viability__is_one_without_and_half_way_to_the_bottom_at_the_ic50():
    cisplatin = COMPOUNDS[0]
    left = viability(np.array([0, 5, 1e9]), np.array([5, 5, 5]), cisplatin)
    np.testing.assert_allclose(left, [1, (1 + cisplatin.bottom) / 2, cisplatin.bottom])


def test_draw_plates__noise_is_each_wells_own_and_as_large_as_is_said(many):
    table = viabilities(many["dose_response"].sheet)
    triplicate = table.groupby(["experiment", "plate", "condition", "dose"]).signal
    centre = triplicate.transform("mean")
    expected = np.sqrt((WELL_CV * centre) ** 2 + (WELL_SD * 1.2) ** 2)
    left = (table.signal - centre) / expected * np.sqrt(3 / 2)
    assert left.std() == pytest.approx(1, abs=0.02)
    by_plate = left.groupby([table.experiment, table.plate, table.condition, table.well.str[0]]).mean()
    # The mean of eight wells of a row: what they had in common would add to this.
    assert by_plate.std() * np.sqrt(8) == pytest.approx(1, abs=0.05)


def test_draw_plates__blanks_hold_no_cells(bench):
    wells = bench["dose_response"].sheet
    blanks = wells[wells.role == "blank"]
    assert (blanks[["line", "condition", "compound", "modulator"]] == "").all(axis=None)
    assert blanks.response.mean() == pytest.approx(BLANK, abs=0.001)
    assert wells[wells.role == "vehicle"].response.min() > 5 * BLANK


def test_draw_plates__one_compound_shifts_between_experiments_and_the_others_do_not(many):
    truth = many["dose_response"].truth
    moved = np.log10(truth.ic50_of_experiment / truth.ic50)
    shifting = truth.compound == "carboplatin"
    assert (moved[~shifting] == 0).all()
    assert moved[shifting].std() == pytest.approx(0.1, rel=0.2)
    pairs = truth.assign(moved=moved)[shifting].pivot_table(
        index=["line", "experiment"], columns="condition", values="moved"
    )
    assert pairs.corr().iloc[0, 1] == pytest.approx(0.5, abs=0.25)


def test_draw_plates__flawed_wells_stand_out_and_are_named(bench):
    wells, _, flaws = bench["dose_response"]
    table = viabilities(wells).set_index(["experiment", "plate", "well"]).sort_index()
    named = flaws[flaws.well != ""]
    assert set(named.flaw) == {"no_cells", "many_cells"}
    for flaw in named.itertuples():
        row = table.loc[flaw.experiment, flaw.plate, flaw.well]
        same = table.loc[flaw.experiment, flaw.plate]
        same = same[(same.condition == row.condition) & (same.dose == row.dose)]
        others = same.drop(index=flaw.well).viability
        assert abs(row.viability - others.mean()) > 5 * WELL_CV
    edge = flaws[flaws.flaw == "edge"].iloc[0]
    plate = wells[(wells.experiment == edge.experiment) & (wells.plate == edge.plate)]
    vehicles = plate[plate.role == "vehicle"]
    outer = vehicles.well.str.contains("A|H") | vehicles.well.str.endswith(("A1", "B1", "C1", "F1", "G1"))
    assert vehicles.response[outer].mean() / vehicles.response[~outer].mean() < 0.85


def test_draw_plates__cells_of_one_compound_were_read_at_the_start_too(bench):
    wells = bench["dose_response"].sheet
    timed = wells.response_t0.notna()
    compounds = wells[timed & (wells.role == "sample")].compound.unique()
    assert list(compounds) == ["MMC"]
    vehicles = wells[timed & (wells.role == "vehicle")]
    grown = (vehicles.response - BLANK) / (vehicles.response_t0 - BLANK)
    assert grown.mean() == pytest.approx(4, rel=0.03)


# ---- assays


def test_draw_assays__all_lines_have_the_assays_that_the_call_knows(bench):
    assays = bench["assays"].sheet
    for assay in ("are_reporter", "cellrox", "nrf2_protein", "keap1_protein", "cul3_protein", "nqo1_protein"):
        rows = assays[assays.assay == assay]
        assert set(rows.line) == {line.name for line in STUDY_LINES}
        assert (rows.groupby(["line", "condition", "treatment_dose"], dropna=False).size() == 3).all()
    assert set(assays.line[assays.assay == "nqo1_activity"]) == {"HSC-3", "HSC-4"}
    assert (assays.call != "").eq(assays.assay == "nqo1_protein").all()
    normalised = assays.assay.isin(["are_reporter"]) | assays.assay.str.endswith("_protein")
    assert assays.normaliser.notna().eq(normalised).all()


def test_draw_assays__levels_are_those_of_the_truth(many, bench):
    for measured in (many, bench):
        truth = measured["assays"].truth
        for assay, rows in truth.groupby("assay"):
            values = ratios(measured["assays"].sheet, assay)
            if assay == "cellrox":
                continue
            means = values.groupby(["line", "condition"]).mean()
            planted = rows.set_index(["line", "condition"]).relative_mean
            scale = np.exp(np.log(means / planted[means.index]).mean())
            error = np.log(means / planted[means.index] / scale)
            assert np.abs(error).max() < 0.4
            assert abs(error.mean()) < 1e-9


def test_draw_assays__cellrox_rises_with_cisplatin_and_less_where_nrf2_is_active(bench):
    truth = bench["assays"].truth
    top = truth[(truth.assay == "cellrox") & (truth.treatment_dose == 20)].set_index(["line", "condition"])
    calls = true_calls(STUDY_LINES, 1.0).set_index(["line", "condition"]).nrf2_active
    assert (top.relative_mean[calls == "yes"] < 2.1).all()
    np.testing.assert_allclose(top.relative_mean[calls == "no"], 3.4)
    sheet = bench["assays"].sheet
    means = sheet[sheet.assay == "cellrox"].groupby(["line", "condition", "treatment_dose"]).value.mean()
    assert (means.unstack().diff(axis=1).iloc[:, 1:] > 0).all(axis=None)  # noqa: PD010


def test_draw_assays__agree_with_the_calls(bench):
    """By the thresholds of the call, relative to SAS parental: the truth, and what was measured."""
    calls = true_calls(STUDY_LINES, 1.0).set_index(["line", "condition"])
    sheet = bench["assays"].sheet
    for assay, high, low in (("are_reporter", 2, 1.5), ("nrf2_protein", 2, 1.5)):
        means = ratios(sheet, assay).groupby(["line", "condition"]).mean()
        relative = means / means["SAS", "parental"]
        assert (relative[calls.index[calls.nrf2_active == "yes"]] > high).all()
        assert (relative[calls.index[calls.nrf2_active == "no"]] < low).all()
    means = ratios(sheet, "nqo1_protein").groupby(["line", "condition"]).mean()
    relative = means / means["SAS", "parental"]
    functional = calls.nqo1_functional
    assert (relative[calls.index[functional == "no"]] < 0.5).all()
    assert (relative[calls.index[functional == "yes"]] > 0.5).all()
    assert relative["RPMI2650", "resistant"] == pytest.approx(0.1, rel=0.4)
    assert relative["HSC-2", "resistant"] == pytest.approx(0.15, rel=0.4)
    activity = ratios(sheet, "nqo1_activity").groupby(["line", "condition"]).mean()
    assert (activity["HSC-4"] < 10).all()
    assert (activity["HSC-3"] >= 50).all()


def test_draw_assays__bands_are_called_by_what_was_measured(bench):
    sheet = bench["assays"].sheet
    rows = sheet[sheet.assay == "nqo1_protein"]
    share = rows.value / rows.normaliser
    assert (share[rows.call == "absent"] <= 0.2).all()
    assert ((share > 0.2) & (share <= 0.5))[rows.call == "reduced"].all()
    assert (share[rows.call == "present"] > 0.5).all()
    assert {"absent", "reduced", "present"} == set(rows.call)


# ---- PCR


def test_draw_pcr__standards_lie_on_their_curves(bench):
    wells = bench["qpcr"].sheet
    assert list(wells) == PCR
    standards = wells[wells.role == "standard"]
    for gene, (slope, intercept) in CURVES.items():
        rows = standards[standards.gene == gene]
        assert rows.quantity.value_counts().eq(3).all()
        assert rows.quantity.nunique() == 5
        fitted = stats.linregress(np.log10(rows.quantity.astype(float)), rows.ct.astype(float))
        assert fitted.slope == pytest.approx(slope, abs=4 * fitted.stderr)
        assert fitted.intercept == pytest.approx(intercept, abs=4 * fitted.intercept_stderr)
    blanks = wells[wells.role == "blank"]
    assert set(blanks.ct) == {"Undetermined"}
    assert set(blanks.gene) == set(CURVES)


def quantities(measured) -> pd.Series:
    """Return the quantity of NQO1 over that of GAPDH by line, condition, replicate; no flawed wells."""
    wells = measured.sheet[~measured.sheet.well.isin(measured.flaws.well)]
    samples = wells[wells.role == "sample"]
    slope, intercept = (
        samples.gene.map({gene: curve[at] for gene, curve in CURVES.items()}) for at in (0, 1)
    )
    log10 = (samples.ct.astype(float) - intercept) / slope
    keys = [samples.gene, samples.line, samples.condition, samples.replicate]
    means = log10.groupby(keys).mean()
    return 10 ** (means["NQO1"] - means["GAPDH"])


def test_draw_pcr__quantities_are_those_of_the_truth_and_lie_within_the_standards(bench):
    truth = bench["qpcr"].truth
    planted = truth[truth.gene == "NQO1"].set_index(["line", "condition"]).quantity_to_housekeeping
    found = quantities(bench["qpcr"]).groupby(["line", "condition"]).mean()
    np.testing.assert_allclose(found[planted.index], planted, rtol=0.35)
    up = {line for line in planted.index.levels[0] if planted[line, "resistant"] > planted[line, "parental"]}
    assert up == set(NRF2_LINES)
    wells = bench["qpcr"].sheet
    for gene, rows in wells[wells.role != "blank"].groupby("gene"):
        late = rows.well.isin(bench["qpcr"].flaws.well)
        cts = rows[~late].astype({"ct": float}).groupby("role").ct
        assert cts.min()["sample"] > cts.min()["standard"], gene
        assert cts.max()["sample"] < cts.max()["standard"], gene


def test_draw_pcr__one_well_is_late(bench):
    wells, _, flaws = bench["qpcr"]
    row = wells[wells.well == flaws.well.iloc[0]].iloc[0]
    assert (row.gene, row.line, row.condition) == ("NQO1", "HSC-3", "resistant")
    keys = ["gene", "line", "condition", "replicate"]
    same = wells[wells[keys].eq(row[keys]).all(axis=1)].ct.astype(float)
    assert same.max() - same.median() > 2
    samples = wells[(wells.role == "sample") & (wells.well != row.well)]
    spread = samples.astype({"ct": float}).groupby(keys).ct.std()
    assert np.sqrt((spread**2).mean()) == pytest.approx(CT_SD, rel=0.2)


def test_draw_pcr__plates_of_384_wells_have_their_own_standards(many):
    wells = many["qpcr"].sheet
    assert wells.plate.nunique() == 8
    assert (wells.groupby(["plate", "role"]).size().unstack()["standard"] == 30).all()  # noqa: PD010
    assert not wells.duplicated(["plate", "well"]).any()
    assert wells.groupby("plate").size().max() <= 384


# ---- negative control, streams


def test_draw_bench__without_effects_no_condition_differs_and_nothing_is_flawed(many):
    for name, column in (
        ("dose_response", "ic50"),
        ("assays", "relative_mean"),
        ("qpcr", "quantity_to_housekeeping"),
    ):
        truth = many[name].truth
        keys = [
            key
            for key in ("gene", "assay", "line", *CURVE[2:], "treatment_dose", "experiment")
            if key in truth
        ]
        values = truth.groupby(keys, dropna=False)[column]
        assert values.size().eq(2).all()  # both conditions
        np.testing.assert_array_equal(values.max(), values.min())
        assert many[name].flaws.empty
    assert set(many["assays"].sheet.call) == {"", "present"}


@pytest.mark.parametrize("assay", ["are_reporter", "nrf2_protein", "nqo1_protein", "cellrox", "qpcr"])
def test_draw_bench__without_effects_five_percent_of_tests_are_significant(many, assay):
    sheet = many["assays"].sheet
    values = quantities(many["qpcr"]) if assay == "qpcr" else None
    if assay == "cellrox":
        sheet = sheet[sheet.treatment_dose == 20]
    values = ratios(sheet, assay) if values is None else values
    wide = np.log(values).unstack("condition")  # noqa: PD010
    p = [stats.ttest_ind(rows.parental, rows.resistant).pvalue for _, rows in wide.groupby("line")]
    low, high = stats.binom.interval(0.999, len(p), 0.05)
    assert len(p) == 50
    assert low <= (np.array(p) < 0.05).sum() <= high
    assert stats.kstest(p, "uniform").pvalue > 0.001


def test_draw_bench__a_line_is_the_same_in_a_study_of_any_size(bench):
    large = drawn(LINES)
    for name in bench:
        names = {line.name for line in STUDY_LINES}
        rows = (
            large[name].sheet[large[name].sheet.plate.eq("qpcr-1")] if name == "qpcr" else large[name].sheet
        )
        if name == "dose_response":
            rows = rows[[re.sub(r"\..*", "", plate) in names for plate in rows.plate]]
        elif name == "assays":
            rows = rows[rows.line.isin(names)]
        assert rows.to_csv(index=False) == bench[name].sheet.to_csv(index=False)


def test_draw_bench__the_same_seed_gives_the_same_and_another_seed_other_numbers(bench):
    again, other = drawn(), drawn(seed=2)
    for name, measured in bench.items():
        for table, same in zip(measured, again[name], strict=True):
            pd.testing.assert_frame_equal(table, same)
        assert measured.sheet.to_csv() != other[name].sheet.to_csv()
        assert list(measured.flaws) == FLAWS


def test_bench_of__further_lines_behave_as_the_seven_in_turn():
    assert [bench_of(line) for line in LINES[:9]] == [*BENCH, *list(BENCH)[:2]]
