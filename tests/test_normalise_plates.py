import json

import numpy as np
import pandas as pd
import pytest
from common.plates_report import MOST, chosen
from conftest import REFERENCE_DATA
from normalise_plates import (
    DIRECTIONS,
    SHEET,
    analyse,
    growth_rates,
    holm,
    labelled,
    main,
    robust_noise,
    stratified_rank_test,
)
from scipy.stats import binomtest, friedmanchisquare, kruskal

# GRmetrics of R (Clark et al. 2017, doi:10.1186/s12885-017-3689-3) on the toy example of datarail/gr_metrics.
GR_VALUES = REFERENCE_DATA / "dose_response/gr_metrics_R_input1_GRvalues.tsv"
CELLS = {"line": "A", "condition": "parental", "condition_role": "reference"}
DRUG = CELLS | {"compound": "cisplatin", "dose_unit": "ug/mL"}


def sheet_of(*wells: dict) -> pd.DataFrame:
    """Make a sheet as the gate writes it; experiment 1 and plate p, unless a well says otherwise."""
    table = pd.DataFrame([{"experiment": "1", "plate": "p"} | well for well in wells])
    text = [column for column, kind in SHEET.items() if kind == "str"]
    table = table.reindex(columns=list(SHEET)).astype("object")
    return table.fillna(dict.fromkeys(text, "")).infer_objects().astype(SHEET)


def blank(response: float, **more: object) -> dict:
    return {"role": "blank", "response": response} | more


def vehicle(response: float, **more: object) -> dict:
    return CELLS | {"role": "vehicle", "response": response} | more


def sample(response: float, dose: float = 1, **more: object) -> dict:
    return DRUG | {"role": "sample", "response": response, "dose": dose} | more


def analysed(*wells: dict):
    return analyse(labelled(sheet_of(*wells)))


def viabilities(*wells: dict) -> list[float]:
    found = analysed(*wells)[0]
    return list(found.viability_percent[found.role == "sample"])


def plate(
    seed: int = 0, noise: float = 4, experiment: str = "1", name: str = "p", shift: dict | None = None
) -> list[dict]:
    """Wells of a full plate, doses along the rows, replicates in each column; `shift` adds to rows."""
    rng = np.random.default_rng(seed)
    wells = []
    for row in "ABCDEFGH":
        for column in range(1, 13):
            place = {"experiment": experiment, "plate": name, "well": f"{row}{column}"}
            if column == 12:
                wells.append(blank(100 + rng.normal(), **place))
                continue
            dose = 2.0 ** (column - 6)
            level = 1000 / (1 + dose / 4) if column > 1 else 1000
            response = 100 + level + 10 * rng.normal(0, noise) + (shift or {}).get(row, 0)
            wells.append((vehicle if column == 1 else sample)(response, **place))
            if column > 1:
                wells[-1]["dose"] = dose
    return wells


# ---- normalisation


def test_analyse__gives_percent_of_the_mean_vehicle_above_the_mean_blank():
    wells = [blank(10), blank(12), vehicle(110), vehicle(112), sample(61), sample(36), sample(11)]
    assert viabilities(*wells) == pytest.approx([50, 25, 0])


def test_analyse__neither_the_level_of_the_blank_nor_the_scale_of_the_reader_matters():
    wells = plate()
    expected = viabilities(*wells)
    changed = [well | {"response": 7.5 * well["response"] + 321} for well in wells]
    np.testing.assert_allclose(viabilities(*changed), expected, rtol=1e-9)


def test_analyse__a_plate_has_its_own_blanks_and_vehicles():
    first = [blank(0), vehicle(100), sample(50)]
    second = [well | {"plate": "q", "response": 3 * well["response"] + 5} for well in first]
    assert viabilities(*first, *second) == pytest.approx([50, 50])


def test_analyse__without_blanks_nothing_is_subtracted_and_the_plate_says_so():
    wells, _, plates, _ = analysed(vehicle(100), vehicle(100), sample(50))
    assert list(wells.viability_percent) == [100, 100, 50]
    assert list(plates.status) == ["no_blank"]
    assert plates.reason[0] == "no blank well: nothing was subtracted"


def test_analyse__a_sheet_without_vehicles_is_taken_as_given():
    wells, responses, plates, vehicles = analysed(
        blank(0.1), sample(7.58, 0), sample(0.5, 30), sample(0.7, 30)
    )
    assert list(wells.viability_percent) == [7.58, 0.5, 0.7]
    assert set(wells.response_unit) == set(responses.response_unit) == {"as_given"}
    assert list(responses.response_mean) == pytest.approx([7.58, 0.6])
    assert list(plates.status) == ["as_given"]
    assert vehicles.empty


NAC = {"modulator": "NAC", "modulator_dose": 5, "modulator_unit": "mM"}


@pytest.mark.parametrize(
    ("vehicles", "well", "viability", "compound", "modulator", "flags"),
    [
        ([{}], {}, 100, "", "", ""),
        ([{}, {"condition": "resistant", "response": 50}], {}, 100, "", "", ""),
        ([{}, {"line": "B", "response": 50}], {}, 100, "", "", ""),
        ([{}, {"compound": "cisplatin", "response": 50}], {}, 200, "cisplatin", "", ""),
        ([{}, {"compound": "erastin", "response": 50}], {}, 100, "", "", ""),
        ([{}, NAC | {"response": 50}], {}, 100, "", "", ""),
        ([{}, NAC | {"response": 50}], NAC, 200, "", "NAC 5 mM", ""),
        ([{}, NAC | {"response": 50, "modulator_dose": 1}], NAC, 100, "", "", "vehicle_without_modulator"),
        ([{}, {"modulator": "NAC", "response": 50}], NAC, 200, "", "NAC", ""),
        ([{}, {"modulator": "DFO", "response": 50}], NAC, 100, "", "", "vehicle_without_modulator"),
        (
            [{"compound": "cisplatin", "response": 25}, NAC | {"response": 50}], NAC, 200, "", "NAC 5 mM", "",
        ),
    ],
    ids=[
        *("one", "own condition", "own line", "own compound", "another compound", "modulator not asked for"),
        *("own modulator", "another dose", "dose not given", "other modulator", "modulator before compound"),
    ],
)  # fmt: skip
def test_analyse__the_nearest_vehicle_serves_and_is_recorded(
    vehicles, well, viability, compound, modulator, flags
):
    wells = analysed(*(vehicle(100) | each for each in vehicles), sample(100) | well)[0]
    found = wells[wells.role == "sample"].iloc[0]
    assert found.viability_percent == pytest.approx(viability)
    assert (found.vehicle_compound, found.vehicle_modulator, found["flags"]) == (compound, modulator, flags)
    assert found.status == "ok"


def test_analyse__a_curve_without_vehicle_on_its_plate_keeps_its_rows():
    wells, responses, plates, _ = analysed(
        vehicle(100),
        sample(50),
        sample(60, condition="resistant"),
        sample(40, plate="q"),
        vehicle(80, plate="q"),
    )
    lost = wells[wells.viability_percent.isna()]
    assert list(zip(lost.condition, lost.status, lost.reason, strict=True)) == [
        ("resistant", "no_vehicle", "no vehicle of A resistant on the plate serves cisplatin")
    ]
    row = responses[responses.condition == "resistant"].iloc[0]
    assert (row.wells, row.status) == (0, "no_vehicle")
    assert list(plates.status) == ["no_vehicle", "no_blank"]
    assert plates.reason[0].startswith("1 of 3 wells: have no vehicle")


def test_analyse__a_vehicle_that_is_not_above_the_blank_serves_none():
    for readings in ([0, 0], [102, 104]):
        wells, responses, plates, vehicles = analysed(
            blank(100), blank(104), blank(102), *map(vehicle, readings), sample(101)
        )
        assert set(wells.status) == {"vehicle_not_above_blank"}
        assert wells.viability_percent.isna().all()
        assert list(responses.status) == ["vehicle_not_above_blank"]
        assert list(plates.status) == ["vehicle_not_above_blank"]
        assert list(vehicles.status) == ["not_above_blank"]
        assert "6 (3 SD of blanks) may be chance" in wells.reason[0]


def test_analyse__what_is_below_the_blank_is_kept_and_said():
    wells, responses, plates, _ = analysed(blank(10), vehicle(110), sample(5), sample(9))
    assert list(wells.viability_percent[1:]) == pytest.approx([-5, -1])
    assert list(wells["flags"]) == ["", "below_blank", "below_blank"]
    assert wells.reason[1] == "5 below the blank, kept"
    assert responses.reason[0] == "below the blank in the mean, kept"
    assert plates.below_blank_wells[0] == 2


def test_analyse__vehicles_say_what_a_modulator_does_by_itself():
    vehicles = analysed(vehicle(100), vehicle(104), vehicle(51, **NAC), sample(50), sample(50, **NAC))[3]
    assert list(vehicles.percent_of_unmodulated.fillna(-1)) == pytest.approx([-1, 50])
    assert list(vehicles.status) == ["ok", "one_well"]


def test_responses__average_the_wells_of_an_experiment_over_its_plates():
    wells = [vehicle(100), sample(40), sample(50), sample(90, 0.1)]
    wells += [
        vehicle(10, plate="q"),
        sample(6, plate="q"),
        vehicle(100, experiment="2"),
        sample(10, experiment="2"),
    ]
    responses = analysed(*wells)[1]
    assert list(responses.experiment) == ["1", "1", "2"]
    assert list(responses.dose) == [1, 0.1, 1]
    assert list(responses.response_mean) == pytest.approx([50, 90, 10])
    assert list(responses.response_sd.fillna(-1)) == pytest.approx([10, -1, -1])
    assert list(responses.wells) == [3, 1, 1]
    assert list(responses.plates) == [2, 1, 1]


# ---- growth rate


def test_growth_rates__are_those_of_r():
    table = pd.read_csv(GR_VALUES, sep="\t")
    found = growth_rates(*(table[f"cell_count{what}"].to_numpy(float) for what in ("", "__time0", "__ctrl")))
    np.testing.assert_allclose(found, table.GR, rtol=0, atol=1e-10)


def test_analyse__growth_rates_of_plates_are_those_of_r():
    """Each vehicle reading of the reference makes a plate of its own, with a blank that adds to all."""
    table = pd.read_csv(GR_VALUES, sep="\t")
    wells = []
    for number, (_, rows) in enumerate(table.groupby(["cell_count__ctrl", "cell_count__time0"], sort=False)):
        key = {"plate": f"p{number}"}
        ctrl, start = rows[["cell_count__ctrl", "cell_count__time0"]].iloc[0] + 37
        wells += [blank(37, **key), vehicle(ctrl, **key)]
        wells += [
            sample(row.cell_count + 37, row.concentration, response_t0=start, compound=row.agent, **key)
            for row in rows.itertuples()
        ]
    found = analysed(*wells)[0].query("role == 'sample'").growth_rate_value
    expected = [
        value
        for _, rows in table.groupby(["cell_count__ctrl", "cell_count__time0"], sort=False)
        for value in rows.GR
    ]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


def test_growth_rates__of_no_effect_no_growth_and_no_cells_are_1_0_and_minus_1():
    found = growth_rates(np.array([400.0, 100, 0, -5]), np.full(4, 100.0), np.full(4, 400.0))
    np.testing.assert_allclose(found, [1, 0, -1, -1])


def test_analyse__growth_rates_say_why_there_are_none():
    start = {"response_t0": 100.0}
    wells = analysed(
        vehicle(400, **start), sample(200), sample(200, condition="resistant", **start),
        vehicle(80, plate="q"), sample(50, plate="q", **start), vehicle(90, plate="r"), sample(50, plate="r"),
    )[0]  # fmt: skip
    samples = wells[wells.role == "sample"]
    assert list(samples.growth_rate_status) == ["ok", "no_vehicle", "no_growth", "not_measured"]
    assert samples.growth_rate_value.iloc[0] == pytest.approx(2**0.5 - 1)
    assert samples.growth_rate_value.iloc[1:].isna().all()


def test_analyse__the_reading_at_time_0_has_its_own_blank_if_there_is_one():
    own = analysed(
        blank(50, response_t0=20.0), vehicle(450), sample(250, response_t0=120.0)
    )[0]  # fmt: skip
    shared = analysed(blank(50), vehicle(450), sample(250, response_t0=150.0))[0]
    for wells in (own, shared):
        assert wells.growth_rate_value.iloc[1] == pytest.approx(2**0.5 - 1)


# ---- replicates and patterns


def test_robust_noise__is_consistent_for_normal_replicates_of_any_number():
    rng = np.random.default_rng(1)
    for size in (2, 3, 8):
        groups = pd.Series(np.repeat(np.arange(4000), size))
        level = 100.0 * (groups % 2)
        values = level + pd.Series(rng.normal(0, 3 + 0.06 * level))  # 3 in one half, 9 in the other
        values[groups < 100] -= 1000 * np.abs(rng.normal(size=100 * size))
        sd, share = robust_noise(values, groups)
        assert 3 < sd < 9
        assert share == pytest.approx(0.09, rel=0.08)
        assert robust_noise(values[level == 0], groups)[0] == pytest.approx(3, rel=0.08)


def test_analyse__a_well_that_stands_out_is_named_and_kept():
    wells = plate()
    place = next(place for place, well in enumerate(wells) if well["well"] == "C4")
    wells[place]["response"] -= 400
    found, responses, plates, _ = analysed(*wells)
    assert list(found.well[found.outlier]) == ["C4"]
    assert found["flags"][found.outlier].iloc[0] == "outlier"
    assert "from the median of 8 replicates" in found.reason[found.outlier].iloc[0]
    assert (plates.status[0], plates.outliers[0]) == ("outliers", "C4")
    assert responses.wells.eq(8).all()
    assert "1 of 8 wells stand out, kept" in set(responses.reason)


def test_analyse__few_wells_of_even_plates_stand_out():
    """At most one in 1,000 of normal wells, here 88 of each of 40 plates."""
    wells = [well for seed in range(40) for well in plate(seed, name=f"p{seed}")]
    assert analysed(*wells)[0].outlier.mean() < 1e-3


def test_analyse__noise_that_grows_with_the_reading_is_not_taken_for_outliers():
    """6 % of the reading and 1.5 % of the vehicle's: at most one in 500 of 40 plates' wells."""
    rng = np.random.default_rng(9)
    wells = [well for number in range(40) for well in plate(noise=0, name=f"p{number}")]
    for well in wells:
        signal = well["response"] - 100 if well["role"] != "blank" else 0
        well["response"] += signal * rng.normal(0, 0.06) + rng.normal(0, 15)
    assert analysed(*wells)[0].outlier.mean() < 2e-3


def test_analyse__of_two_replicates_neither_stands_out():
    wells = [vehicle(100), vehicle(101), vehicle(99), *(sample(50, dose) for dose in (1, 2, 3, 1, 2))]
    wells.append(sample(5, 3))
    assert not analysed(*wells)[0].outlier.any()


def test_analyse__among_equal_replicates_one_that_differs_stands_out():
    found = analysed(*[vehicle(100)] * 4, *[sample(50)] * 4, *[sample(20, 2)] * 3, sample(40, 2))[0]
    assert list(found.viability_percent[found.outlier]) == [40]
    assert found.robust_z.isna().all()


def test_stratified_rank_test__in_one_stratum_it_is_kruskal_and_wallis():
    rng = np.random.default_rng(2)
    values, places = rng.normal(size=40).round(1), rng.integers(0, 4, 40)
    p, freedom = stratified_rank_test(values, np.zeros(40), places)
    assert freedom == 3
    assert p == pytest.approx(kruskal(*(values[places == place] for place in range(4))).pvalue, rel=1e-9)


def test_stratified_rank_test__of_ranks_within_complete_blocks_it_is_friedman():
    rng = np.random.default_rng(3)
    ranks = rng.permuted(np.tile(np.arange(5.0), (12, 1)), axis=1)
    strata, places = np.indices(ranks.shape)
    p, freedom = stratified_rank_test(ranks.ravel(), strata.ravel(), places.ravel())
    assert freedom == 4
    assert p == pytest.approx(friedmanchisquare(*ranks.T).pvalue, rel=1e-9)


def test_stratified_rank_test__agrees_with_permutations_within_strata():
    """The slow, obvious one: exchange values within strata, and compare between-place sums of squares."""
    rng = np.random.default_rng(4)
    strata = np.repeat(np.arange(15), 4)
    places = np.tile([0, 1, 1, 2], 15)
    values = rng.normal(size=60) + 0.45 * (places == 2)

    def p_of(shuffled):
        return stratified_rank_test(shuffled, strata, places)[0]

    observed = p_of(values)
    chance = [p_of(rng.permuted(values.reshape(15, 4), axis=1).ravel()) for _ in range(2000)]
    assert np.mean(np.array(chance) <= observed) == pytest.approx(observed, abs=0.03)


def test_stratified_rank_test__what_cannot_be_told_from_the_strata_has_no_test():
    p, freedom = stratified_rank_test(np.arange(8.0), np.repeat([0, 1], 4), np.repeat([0, 1], 4))
    assert np.isnan(p)
    assert freedom == 0
    assert stratified_rank_test(np.zeros(8), np.repeat([0, 1], 4), np.tile([0, 1], 4))[1] == 0


def test_analyse__without_pattern_the_tests_hold_their_level():
    """Rows and edge of 200 even plates: as many p below 0.05 as chance gives (0.1 % to 99.9 %)."""
    wells = [well for seed in range(200) for well in plate(seed, name=f"p{seed}")]
    plates = analysed(*wells)[2]
    assert plates.column_p.isna().all()  # doses lie in columns
    for direction in ("row", "edge"):
        below = int((plates[f"{direction}_p"] < 0.05).sum())
        assert binomtest(below, 200, 0.05).pvalue > 2e-3, (direction, below)
    assert (plates.status == "pattern").sum() <= 1


def test_analyse__a_row_that_differs_is_found_and_named_and_others_are_not():
    wells = [*plate(1, name="even"), *plate(2, name="uneven", shift={"A": -200})]
    plates = analysed(*wells)[2].set_index("plate")
    assert list(plates.status) == ["ok", "pattern"]
    assert "rows differ" in plates.reason["uneven"]
    assert plates.row_p_adjusted["uneven"] < 0.01 < plates.row_p_adjusted["even"]
    assert plates.edge_wells["uneven"] == 8 + 2 * 10  # column 12 has blanks


def test_analyse__shifts_name_the_row():
    plates = analysed(*plate(3, shift={"C": 300}))[2]
    assert plates.largest_shift_at[0] == "row C"
    assert plates.largest_shift[0] > 20


def test_holm__is_the_stepwise_rule():
    rng = np.random.default_rng(5)
    p = rng.uniform(size=20) ** 3
    p[[3, 7]] = np.nan
    known = np.sort(p[~np.isnan(p)])
    for value, adjusted in zip(p, holm(p), strict=True):
        if np.isnan(value):
            assert np.isnan(adjusted)
        else:
            steps = [each * (len(known) - rank) for rank, each in enumerate(known) if each <= value]
            assert adjusted == pytest.approx(min(1, max(steps)))


@pytest.mark.parametrize(
    ("wells", "status", "words"),
    [
        ([blank(0), blank(0), *map(vehicle, (60, 100, 140))], "noisy_vehicle", "vehicle CV 0.4, at most 0.2"),
        (
            [*map(blank, (0, 20, 40)), *map(vehicle, (200, 220, 240))],
            "small_window", "signal window 0.4, at least 0.4",
        ),
        ([blank(50), blank(51), vehicle(100), vehicle(101)], "high_blank", "blank 0.5 of the vehicle"),
        ([blank(1), blank(1), vehicle(100), vehicle(101)], "ok", ""),
    ],
)  # fmt: skip
def test_analyse__a_plate_is_judged_by_its_vehicles_and_blanks(wells, status, words):
    wells = [*wells, sample(50)]
    plates = analysed(*wells)[2]
    if status == "small_window":  # 1 - 3 (20 + 20) / 200 is 0.4: just enough
        assert plates.signal_window[0] == pytest.approx(0.4)
        wells[0] = blank(-1)
        plates = analysed(*wells)[2]
        words = "signal window 0.39"
    assert plates.status[0] == status
    assert words in plates.reason[0]


# ---- the command


def write(folder, *wells: dict):
    sheet_of(*wells).to_csv(folder / "sheet.tsv", sep="\t", index=False)
    return folder / "sheet.tsv"


def section(folder) -> dict:
    return json.loads((folder / "normalise_plates_mqc.json").read_text())


def test_main__writes_tables_figure_and_section(run_script, tmp_path):
    wells = [*plate(1, name="a"), *plate(2, name="b", shift={"A": -250})]
    assert run_script(main, wells=write(tmp_path, *wells), results=tmp_path).exit_code == 0
    found = section(tmp_path)
    assert "160 sample, 16 vehicle and 16 blank wells on 2 plates of 1 experiments" in found["description"]
    assert "differ from the rest on 1 of 2 plates tested: 1 / b." in found["description"]
    assert found["nrf2flow"]["statuses"] == "ok 1, pattern 1"
    assert list(found["data"]) == ["1 / a", "1 / b"]
    drawn = pd.read_csv(tmp_path / "plate_maps.tsv", sep="\t")
    assert drawn.role.value_counts().to_dict() == {"sample": 160, "vehicle": 16, "blank": 16}
    for suffix in ("svg", "png"):
        assert (tmp_path / f"plate_maps.{suffix}").stat().st_size > 0


def test_main__draws_the_plates_with_problems_first_and_says_how_many(run_script, tmp_path):
    wells = [well for number in range(MOST + 1) for well in plate(number, name=f"p{number}")]
    wells += plate(99, name="uneven", shift={"A": -300})
    assert run_script(main, wells=write(tmp_path, *wells), results=tmp_path).exit_code == 0
    drawn = pd.read_csv(tmp_path / "plate_maps.tsv", sep="\t")
    assert len(drawn["plate"].unique()) == MOST
    assert "uneven" in set(drawn["plate"])
    assert f"The figure shows {MOST} plates" in section(tmp_path)["description"]


def test_chosen__takes_the_gravest_and_keeps_the_order_of_the_sheet():
    statuses = ["ok", "outliers", "no_blank", "pattern", "no_vehicle", "outliers", "high_blank"]
    plates = pd.DataFrame({"plate": list("abcdefg"), "status": statuses})
    assert "".join(chosen(plates, 3)["plate"]) == "deg"
    assert "".join(chosen(plates, 5)["plate"]) == "bdefg"
    assert "".join(chosen(plates, 9)["plate"]) == "abcdefg"


DEGENERATE = {
    "one well": [sample(5)],
    "one well and its vehicle": [vehicle(10), sample(5)],
    "vehicle alone": [vehicle(10)],
    "blank alone": [blank(1)],
    "all equal": [blank(0, well="A1"), *[vehicle(10, well=f"B{n}") for n in range(1, 4)]]
    + [sample(10, n, well=f"C{n}") for n in range(1, 4)],
    "vehicle of zero": [blank(0), vehicle(0), sample(0)],
    "384 wells": [vehicle(10, well="P24"), vehicle(9, well="A1"), sample(5, well="O3"), sample(4, well="C3")],
}  # fmt: skip


@pytest.mark.parametrize("wells", DEGENERATE.values(), ids=DEGENERATE)
def test_main__a_degenerate_plate_keeps_rows_and_has_a_section(wells, run_script, tmp_path):
    assert run_script(main, wells=write(tmp_path, *wells), results=tmp_path).exit_code == 0
    found = pd.read_csv(tmp_path / "wells.tsv", sep="\t")
    assert len(found) == sum(well["role"] != "blank" for well in wells)
    assert (found.viability_percent.notna() == (found.status == "ok")).all()
    assert not found.isin([np.inf, -np.inf]).any(axis=None)
    plates = pd.read_csv(tmp_path / "plates.tsv", sep="\t")
    assert len(plates) == 1
    assert plates[[f"{direction}_p_adjusted" for direction in DIRECTIONS]].fillna(1).ge(0.05).all(axis=None)
    assert section(tmp_path)["description"]
    named = any("well" in well for well in wells)
    assert (tmp_path / "plate_maps.svg").exists() == named


def test_main__the_same_input_gives_the_same_bytes(run_script, tmp_path):
    path = write(tmp_path, *plate(), *plate(1, name="q"))
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        assert run_script(main, wells=path, results=folder).exit_code == 0
    for made in sorted((tmp_path / "a").iterdir()):
        assert made.read_bytes() == (tmp_path / "b" / made.name).read_bytes(), made.name
