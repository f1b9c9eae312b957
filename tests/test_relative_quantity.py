import json

import numpy as np
import pandas as pd
import pytest
from common.tables import read_table
from conftest import ORACLES
from relative_quantity import SHEET, STATUSES, analyse, fit, kept_replicates, main
from scipy.stats import binomtest

DILUTIONS = (100.0, 20.0, 4.0, 0.8, 0.16)
LINES = {
    "GAPDH": (-3.35, 24.7),
    "ACTB": (-3.2, 25.5),
    "NQO1": (-3.6, 31.0),
}  # slope, cycle of a quantity of 1
ROLES = {"parental": "reference", "resistant": "target"}
ORACLE = {what: ORACLES / f"relative_quantity_{what}.tsv" for what in ("wells", "standards", "quantities")}


def ct_of(gene: str, quantity: float) -> float:
    slope, intercept = LINES[gene]
    return intercept + slope * np.log10(quantity)


def standards(gene: str, plate: str = "p", dilutions=DILUTIONS, wells: int = 2, **more: object) -> list[dict]:
    row = {"plate": plate, "gene": gene, "role": "standard"}
    return [row | {"quantity": q, "ct": ct_of(gene, q)} | more for q in dilutions for _ in range(wells)]


def sample(gene: str, ct, cells: str = "A.parental", replicate: str = "1", plate: str = "p") -> list[dict]:
    """Wells of a sample: one for each cycle (None: undetermined), or two of a quantity given as text."""
    line, condition = cells.split(".")
    cycles = [ct_of(gene, float(ct))] * 2 if isinstance(ct, str) else ct
    row = {"plate": plate, "gene": gene, "role": "sample", "line": line, "condition": condition}
    row |= {"condition_role": ROLES.get(condition, "other"), "replicate": replicate}
    return [row | {"ct": each} for each in cycles]


def blanks(gene: str, *ct, plate: str = "p") -> list[dict]:
    return [{"plate": plate, "gene": gene, "role": "blank", "ct": each} for each in ct]


def sheet_of(*parts: list[dict]) -> pd.DataFrame:
    """Make a sheet as the gate writes it; wells are named in their order."""
    table = pd.DataFrame([row for part in parts for row in part])
    table["well"] = [f"{'ABCDEFGHIJKLMNOP'[n // 24 % 16]}{n % 24 + 1}" for n in range(len(table))]
    text = [column for column, kind in SHEET.items() if kind == "str"]
    table = table.reindex(columns=list(SHEET)).astype("object")
    return table.fillna(dict.fromkeys(text, "")).infer_objects().astype(SHEET)


def analysed(*parts: list[dict], housekeeping=("GAPDH",), calibrator: str = "", confidence: float = 0.95):
    found = analyse(sheet_of(*parts), list(housekeeping), calibrator, confidence)
    for table in found[1:3]:
        assert set(table.status) <= set(STATUSES)
        assert not table.isin([np.inf, -np.inf]).any(axis=None)
    return found


BOTH = [*standards("GAPDH"), *standards("NQO1"), *sample("GAPDH", "4")]


def study(folds: dict[str, float], noise: float = 0.0, seed: int = 0, replicates: int = 3) -> list[dict]:
    """A plate for each replicate: NQO1 `folds` times that of the parental cells, GAPDH at 4."""
    rng = np.random.default_rng(seed)
    wells = []
    for replicate in range(1, replicates + 1):
        plate = f"run{replicate}"
        for gene in ("GAPDH", "NQO1"):
            wells += standards(gene, plate)
            for cells, fold in folds.items():
                quantity = 4 * (fold if gene == "NQO1" else 1)
                wells += sample(gene, [ct_of(gene, quantity)] * 3, cells, str(replicate), plate)
            wells += blanks(gene, None, None, plate=plate)
    for well in wells:
        if well["ct"] is not None:
            well["ct"] += rng.normal(0, noise)
    return wells


# ---- standard curves, quantities and their errors, as in R


def oracle(what: str) -> pd.DataFrame:
    return pd.read_csv(ORACLE[what], sep="\t", dtype={"plate": str, "replicate": str})


def test_analyse__standard_curves_are_those_of_lm():
    found = analyse(read_table(ORACLE["wells"], SHEET), ["GAPDH", "ACTB"], "", 0.95)[0]
    expected = oracle("standards")
    assert list(found.gene) == list(expected.gene)
    for column in expected.columns.drop(["plate", "gene"]):
        np.testing.assert_allclose(found[column], expected[column], rtol=1e-10, err_msg=column)


def test_analyse__quantities_and_their_errors_are_those_of_r():
    """Numerical derivatives over all parameters there: 1e-8."""
    _, measured, found, _ = analyse(read_table(ORACLE["wells"], SHEET), ["GAPDH", "ACTB"], "", 0.95)
    expected = oracle("quantities")
    keys = ["line", "condition", "replicate"]
    merged = found.merge(expected, on=keys, suffixes=("", "_r"), validate="one_to_one")
    assert len(merged) == len(expected) == 8
    for column in found.columns[found.columns.str.startswith("quantity")]:
        np.testing.assert_allclose(merged[column], merged[f"{column}_r"], rtol=1e-8, err_msg=column)
    raw = measured[measured.gene == "NQO1"].merge(expected[[*keys, "raw", "raw_low", "raw_high"]], on=keys)
    for column in ("", "_low", "_high"):
        np.testing.assert_allclose(raw[f"quantity{column}"], raw[f"raw{column}"], rtol=1e-8)


def test_fit__is_exact_without_noise_and_finds_the_efficiency():
    table = analysed(standards("GAPDH", wells=1))[0].iloc[0]
    assert (table.slope, table.intercept) == pytest.approx(LINES["GAPDH"])
    assert table.efficiency == pytest.approx(10 ** (1 / 3.35) - 1)
    assert table.r_squared == pytest.approx(1)
    assert fit(np.array([0.0, 1, 2]), np.array([5.0, 5, 5])).r_squared == 0


# ---- properties


def test_analyse__finds_the_planted_folds_whatever_the_efficiencies():
    found = analysed(study({"A.parental": 1, "A.resistant": 4, "B.parental": 0.5, "B.resistant": 0.5}))[2]
    fold = found.groupby(["line", "condition"]).quantity.mean()
    assert fold["A", "resistant"] == pytest.approx(4)
    assert fold["B", "resistant"] == pytest.approx(1)
    assert list(fold[:, "parental"]) == pytest.approx([1, 1])
    assert set(found.status) == {"ok"}
    assert list(found.gene.unique()) == ["NQO1"]  # GAPDH itself is what others are relative to


@pytest.mark.parametrize("change", ["dilution", "threshold"])
def test_analyse__neither_units_of_standards_nor_thresholds_matter(change):
    wells = study({"A.parental": 1, "A.resistant": 4}, noise=0.1)
    expected = analysed(wells)[2]
    for well in wells:
        if change == "dilution" and well["role"] == "standard" and well["gene"] == "NQO1":
            well["quantity"] *= 7
        if change == "threshold" and well["gene"] == "NQO1" and well["ct"]:
            well["ct"] += 1.5
    found = analysed(wells)[2]
    np.testing.assert_allclose(found.quantity, expected.quantity, rtol=1e-9)
    np.testing.assert_allclose(found.quantity_se, expected.quantity_se, rtol=1e-9)


def test_analyse__more_rna_of_a_sample_changes_nothing():
    def wells(amount: float) -> list[dict]:
        own = [
            well
            for gene, quantity in (("GAPDH", 4.0), ("NQO1", 2.0))
            for well in sample(gene, str(quantity * amount), "A.resistant")
        ]
        both = [*sample("GAPDH", "4", "A.parental"), *sample("NQO1", "1", "A.parental")]
        return [*standards("GAPDH"), *standards("NQO1"), *own, *both]

    for amount in (1, 3):
        found = analysed(wells(amount))[2]
        assert list(found.quantity) == pytest.approx([2, 1])


@pytest.mark.parametrize("wells", [1, 3])
def test_analyse__intervals_hold_the_truth_at_their_confidence(wells):
    """400 lines, each with a plate of its own, noise of measurement alone."""
    rng = np.random.default_rng(wells)
    parts = []
    for line in range(400):
        plate = f"p{line}"
        for gene in ("GAPDH", "NQO1"):
            parts += standards(gene, plate, wells=2)
            for condition, fold in (("parental", 1), ("resistant", 3)):
                quantity = 5 * (fold if gene == "NQO1" else 1)
                parts += sample(gene, [ct_of(gene, quantity)] * wells, f"L{line}.{condition}", plate=plate)
    for well in parts:
        well["ct"] += rng.normal(0, 0.1)
    found = analysed(parts)[2]
    found = found[found.role == "target"]
    inside = int(((found.quantity_low < 3) & (found.quantity_high > 3)).sum())
    assert binomtest(inside, 400, 0.95).pvalue > 2e-3, inside


def test_analyse__what_sample_and_calibrator_share_is_no_error():
    """A calibrator of one replicate is 1 without error; a curve's intercept is in neither of two samples."""
    wells = study({"A.parental": 1, "A.resistant": 4}, noise=0.1, replicates=1)
    found = analysed(wells)[2].set_index("condition")
    assert found.quantity["parental"] == pytest.approx(1)
    assert found.quantity_se["parental"] == pytest.approx(0, abs=1e-9)
    assert found.quantity_se["resistant"] > 0


def test_analyse__a_named_calibrator_serves_all_lines():
    wells = study({"A.parental": 1, "A.resistant": 4, "B.parental": 2})
    found = analysed(wells, calibrator="A.resistant")[2]
    assert set(found.calibrator) == {"A.resistant"}
    mean = found.groupby(["line", "condition"]).quantity.mean()
    assert mean["A", "parental"] == pytest.approx(0.25)
    assert mean["B", "parental"] == pytest.approx(0.5)


def test_analyse__several_housekeeping_genes_count_as_their_geometric_mean():
    wells = [part for gene in LINES for part in standards(gene)]
    wells += sample("GAPDH", "4") + sample("ACTB", "16") + sample("NQO1", "8")
    found = analysed(wells, housekeeping=("GAPDH", "ACTB"))[2]
    assert list(found.gene) == ["NQO1"]
    assert list(found.housekeeping) == ["GAPDH;ACTB"]
    assert found.quantity_to_housekeeping[0] == pytest.approx(1)


def test_analyse__plates_have_their_own_curves_and_are_averaged():
    wells = [part for plate in ("p", "q") for gene in ("GAPDH", "NQO1") for part in standards(gene, plate)]
    for well in wells:
        well["ct"] += 2 if well["plate"] == "q" else 0
    for plate, shift, amount in (("p", 0, 2), ("q", 2, 8)):
        wells += sample("NQO1", [ct_of("NQO1", amount) + shift] * 2, plate=plate)
    wells += sample("GAPDH", [ct_of("GAPDH", 4) + 2] * 2, plate="q")  # on one of them only
    found = analysed(wells)[2]
    assert found.quantity_to_housekeeping[0] == pytest.approx(1)  # geometric mean of 2/4 and 8/4
    assert (found.wells[0], found.plates[0]) == (4, 2)


def test_analyse__a_plate_on_which_nothing_amplified_does_not_count_and_is_said():
    wells = [*BOTH, *standards("NQO1", "q"), *sample("NQO1", "8"), *sample("NQO1", [None], plate="q")]
    found = analysed(wells)[2]
    assert found.quantity_to_housekeeping[0] == pytest.approx(2)
    assert (found.status[0], found.wells[0], found.plates[0]) == ("partly_undetermined", 2, 2)
    assert found.reason[0] == "NQO1 on q: none of 1 wells amplified; the lowest standard is 0.16"


# ---- replicates


@pytest.mark.parametrize(
    ("ct", "kept", "scattered"),
    [
        ([20.0, 20.1, 20.2], "111", False),
        ([20.0, 20.1, 21.0], "110", False),
        ([20.0, 20.5, 21.0], "111", False),
        ([20.0, 21.0, 22.0], "111", True),
        ([20.0, 20.1, 22.0, 22.1], "1111", True),
        ([20.0, 20.1, 20.1, 18.0], "1110", False),
        ([20.0, 21.0], "11", True),
        ([20.0, 20.4], "11", False),
        ([20.0], "1", False),
        ([], "", False),
    ],
)
def test_kept_replicates__leaves_out_what_is_far_from_the_median_of_three(ct, kept, scattered):
    others = [30.0, 31.0]  # of another sample
    found = kept_replicates(pd.Series(ct + others, dtype=float), pd.Series([0] * len(ct) + [1, 1]))
    assert "".join(str(int(each)) for each in found[0]) == kept + "11"
    assert list(found[1]) == [scattered] * len(ct) + [True, True]


def test_analyse__a_well_that_is_left_out_is_named_and_does_not_count():
    wells = [*standards("GAPDH"), *standards("NQO1"), *sample("GAPDH", "4")]
    nqo1 = ct_of("NQO1", 4)
    _, measured, found, _ = analysed(wells, sample("NQO1", [nqo1, nqo1, nqo1 + 1.25]))
    assert found.quantity_to_housekeeping[0] == pytest.approx(1)
    assert (measured.wells.iloc[1], measured.wells_left_out.iloc[1]) == (2, 1)
    assert measured.left_out.iloc[1] == f"B1 ({nqo1 + 1.25:g})"
    assert found.status[0] == "ok"
    assert "left out: B1" in found.reason[0]


def test_analyse__a_standard_well_far_from_two_others_does_not_bend_the_curve():
    wells = standards("GAPDH", wells=3)
    wells[3]["ct"] += 2
    table = analysed(wells)[0].iloc[0]
    assert table.slope == pytest.approx(-3.35)
    assert (table.wells, table.wells_left_out, table.dilutions) == (14, 1, 5)


# ---- what cannot be quantified, or should not be trusted


CASES = {
    "fine": (BOTH, sample("NQO1", "4"), "ok", ""),
    "nothing amplified": (
        BOTH, sample("NQO1", [None, None]),
        "undetermined", "none of 2 wells amplified; the lowest standard is 0.16"
    ),
    "one of two amplified": (
        BOTH, sample("NQO1", [28.0, None]), "partly_undetermined", "NQO1 on p: 1 of 2 wells did not amplify"
    ),
    "two that differ": (
        BOTH, sample("NQO1", [28.0, 29.0]), "scattered", "NQO1 on p: 1 cycles between 2 replicates"
    ),
    "below the standards": (
        BOTH, sample("NQO1", "0.1"), "extrapolated", "NQO1 on p: quantity 0.1, standards 0.16 to 100"
    ),
    "above the standards": (
        BOTH, sample("NQO1", "200"), "extrapolated", "NQO1 on p: quantity 200, standards 0.16 to 100"
    ),
    "no standard": (
        [*standards("GAPDH"), *sample("GAPDH", "4")], sample("NQO1", [28.0]),
        "no_standard", "no standard of the gene on the plate",
    ),
    "two dilutions": (
        [*standards("GAPDH"), *sample("GAPDH", "4"), *standards("NQO1", dilutions=(1, 10))],
        sample("NQO1", "4"), "no_standard", "2 dilutions amplified, 3 needed",
    ),
    "a curve that rises": (
        [*standards("GAPDH"), *sample("GAPDH", "4"), *standards("NQO1", ct=25.0)], sample("NQO1", "4"),
        "no_standard", "slope 0, at most -1: cycles do not tell quantities",
    ),
    "no housekeeping gene": (
        [*standards("GAPDH"), *standards("NQO1")], sample("NQO1", "4"),
        "no_housekeeping", "GAPDH was not measured in the sample",
    ),
    "housekeeping gene not amplified": (
        [*standards("GAPDH"), *standards("NQO1"), *sample("GAPDH", [None])], sample("NQO1", "4"),
        "no_housekeeping", "GAPDH: none of 1 wells amplified; the lowest standard is 0.16",
    ),
    "no reference condition": (
        [*standards("GAPDH"), *standards("NQO1"), *sample("GAPDH", "4", "A.resistant")],
        sample("NQO1", "4", "A.resistant"), "no_calibrator", "A has no reference condition",
    ),
    "a blank that amplifies": (
        [*BOTH, *blanks("NQO1", None, ct_of("NQO1", 4) + 4.5)], sample("NQO1", "4"),
        "template_in_blank", "NQO1 on p: a blank amplified at 33.33, the sample at 28.83",
    ),
    "a blank of the housekeeping gene": (
        [*BOTH, *blanks("GAPDH", 23.0)], sample("NQO1", "4"),
        "template_in_blank", "GAPDH on p: a blank amplified at 23, the sample at 22.68",
    ),
    "a late blank": ([*BOTH, *blanks("NQO1", ct_of("NQO1", 4) + 5.5)], sample("NQO1", "4"), "ok", ""),
}  # fmt: skip
COMPUTED = ("ok", "partly_undetermined", "scattered", "extrapolated", "template_in_blank")


@pytest.mark.parametrize(("wells", "own", "status", "reason"), CASES.values(), ids=CASES)
def test_analyse__what_is_wrong_with_a_quantity_is_its_status(wells, own, status, reason):
    found = analysed(wells, own)[2]
    assert list(found.status) == [status]
    assert found.reason[0] == reason
    assert found.quantity.notna()[0] == (status in COMPUTED)
    assert found.quantity_to_housekeeping.notna()[0] == (status in (*COMPUTED, "no_calibrator"))


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({}, "ok", ""),
        ({"slope": -2.9}, "efficiency_out_of_range", "efficiency 1.212, 0.9 to 1.1 expected"),
        ({"slope": -4.0}, "efficiency_out_of_range", "efficiency 0.778, 0.9 to 1.1 expected"),
        ({"slope": -3.35, "noise": 1.5}, "poor_fit", "r squared 0."),
    ],
)
def test_analyse__a_curve_outside_the_usual_is_marked_and_used(change, status, words):
    rng = np.random.default_rng(6)
    wells = standards("NQO1", wells=1)
    for well in wells:
        own = 25 + change.get("slope", -3.35) * np.log10(well["quantity"])
        well["ct"] = own + rng.normal(0, change.get("noise", 0))
    table = analysed(wells, sample("NQO1", [25.0]))[0].iloc[0]
    assert table.status == status
    assert words in table.reason
    assert np.isfinite(table.slope)


def test_analyse__the_blank_of_one_plate_says_nothing_of_another():
    wells = [*BOTH, *sample("NQO1", "4"), *blanks("NQO1", 29.0, plate="q")]
    standard, _, found, _ = analysed(wells)
    assert list(found.status) == ["ok"]
    assert list(zip(standard["plate"], standard.gene, standard.status, strict=True))[-1] == (
        "q",
        "NQO1",
        "no_standard",
    )


# ---- the command


def write(folder, *parts: list[dict]):
    sheet_of(*parts).to_csv(folder / "sheet.tsv", sep="\t", index=False)
    return folder / "sheet.tsv"


def section(folder, what: str = "") -> dict:
    return json.loads((folder / f"relative_quantity{what}_mqc.json").read_text())


def test_main__writes_tables_figure_and_sections(run_script, tmp_path):
    wells = write(tmp_path, study({"A.parental": 1, "A.resistant": 4}, noise=0.05))
    assert run_script(main, wells=wells, results=tmp_path).exit_code == 0
    found = section(tmp_path)
    assert found["description"].startswith("NQO1 in 6 samples, relative to GAPDH and to A.parental: ")
    assert found["nrf2flow"]["statuses"] == "ok 6"
    words = found["nrf2flow"]["findings"]["A"]
    assert words.startswith("NQO1 ")
    assert words.endswith("times that of A.parental in resistant (n = 3)")
    assert list(found["data"]) == ["NQO1 A parental", "NQO1 A resistant"]
    curves = section(tmp_path, "_standards")
    assert "6 of 6 standard curves" in curves["description"]
    assert "Blanks amplified in 0 of 6 that have some." in curves["description"]
    drawn = pd.read_csv(tmp_path / "standard_curves.tsv", sep="\t")
    assert drawn.kind.value_counts().to_dict() == {"standard": 60, "sample": 12, "curve": 6}
    for suffix in ("svg", "png"):
        assert (tmp_path / f"standard_curves.{suffix}").stat().st_size > 0
    table = pd.read_csv(tmp_path / "quantities.tsv", sep="\t")
    assert table.quantity[table.condition == "resistant"].between(3, 5.3).all()


DEGENERATE = {
    "one well": [sample("NQO1", [25.0])],
    "housekeeping alone": [standards("GAPDH"), sample("GAPDH", [22.0])],
    "standards alone": [standards("NQO1")],
    "blanks alone": [blanks("NQO1", 35.0)],
    "nothing amplified": [sample("NQO1", [None]), sample("GAPDH", [None]), standards("GAPDH", ct=None)],
    "all equal": [
        *(standards(gene, ct=25.0) for gene in ("GAPDH", "NQO1")),
        *(sample(gene, [25.0, 25.0]) for gene in ("GAPDH", "NQO1")),
    ],
    "not the reference": [BOTH, sample("NQO1", "3", "B.clone"), sample("GAPDH", "3", "B.clone")],
}  # fmt: skip


@pytest.mark.parametrize("parts", DEGENERATE.values(), ids=DEGENERATE)
def test_main__a_degenerate_sheet_keeps_rows_and_has_sections(parts, run_script, tmp_path):
    assert run_script(main, wells=write(tmp_path, *parts), results=tmp_path).exit_code == 0
    table = pd.read_csv(tmp_path / "quantities.tsv", sep="\t")
    samples = {well["gene"] for part in parts for well in part if well["role"] == "sample"} - {"GAPDH"}
    assert set(table.gene) == samples
    assert table.quantity.isna().all()
    assert (table.status != "ok").all()
    assert table.reason.notna().all()
    assert section(tmp_path)["description"]
    assert section(tmp_path, "_standards")["description"]


def test_main__the_same_input_gives_the_same_bytes(run_script, tmp_path):
    path = write(tmp_path, study({"A.parental": 1, "A.resistant": 4, "B.parental": 2}, noise=0.1))
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        assert run_script(main, wells=path, results=folder, calibrator="A.parental").exit_code == 0
    for made in sorted((tmp_path / "a").iterdir()):
        assert made.read_bytes() == (tmp_path / "b" / made.name).read_bytes(), made.name
