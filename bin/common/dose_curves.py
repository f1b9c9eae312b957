"""Dose-response curves between processes: columns, reading, names, and the pairs that are compared."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from common.tables import read_table

CURVE = ["line", "condition", "condition_role", "compound", "dose_unit"]
CURVE += ["modulator", "modulator_dose", "modulator_unit"]
KEYS = dict.fromkeys(CURVE, "str") | {"modulator_dose": "float64"}
VALUES = KEYS | {"experiment": "str", "dose": "float64", "growth_rate_value": "float64"}
RESPONSES = VALUES | {"response_mean": "float64", "response_unit": "str", "reason": "str"}
WELLS = VALUES | {
    "role": "str",
    "response": "float64",
    "viability_percent": "float64",
    "response_unit": "str",
}

SHAPE = dict.fromkeys(
    ["slope", "log10_ic50", "residual_squares", "n", "df", "flat_p", "r_squared"], "float64"
) | dict.fromkeys(["all_equal", "converged", "at_limit"], "str")
FIT = {"curve": "int64", "model": "str"} | SHAPE
FIT |= dict.fromkeys(
    [
        *("bottom", "top", "log10_ic50_low", "log10_ic50_high", "log10_ic50_se", "log10_ic50_absolute"),
        "log10_ic50_absolute_se",
    ],
    "float64",
)
FITS = KEYS | FIT | {"response_unit": "str", "model_reason": "str"}
EXPERIMENT_FITS = FIT | {"experiment": "str"}
GROWTH_FITS = {"curve": "int64", "gr_inf": "float64"} | SHAPE
PAIR_FITS = {
    **{"kind": "str", "comparison": "str", "curve_1": "int64", "curve_2": "int64", "reason": "str"},
    **{"model_1": "str", "model_2": "str"},
    **dict.fromkeys(
        [
            *("n", "parameters", "squares_separate", "squares_shared_ic50"),
            *("common_parameters", "common_squares_separate", "squares_one_curve"),
            *("log10_fold", "log10_fold_low", "log10_fold_high"),
        ],
        "float64",
    ),
}
SIDES = ["line", "condition", "compound", "modulator", "modulator_dose"]
SHEET = {"comparison": "str"} | {f"{name}_{side}": "str" for side in (1, 2) for name in SIDES}
SHEET |= {f"modulator_dose_{side}": "float64" for side in (1, 2)}
CURVES = KEYS | {"curve": "int64", "response_unit": "str", "model": "str", "status": "str", "reason": "str"}
CURVES |= dict.fromkeys(
    ["bottom", "top", "slope", "ic50", "ic50_low", "ic50_high", "lowest_dose", "highest_dose"], "float64"
)
GIVEN = ("ok", "ambiguous")  # statuses of curves that have an IC50
FITTED = (*GIVEN, "ic50_above_range", "ic50_below_range", "not_monotone")  # with an effect, drawn as curves


def modulated(curve: Mapping[str, object]) -> str:
    """Name a curve's modulator: `NAC 5 mM`, or nothing."""
    if pd.isna(curve["modulator"]):
        return ""
    dose = curve["modulator_dose"]
    return str(curve["modulator"]) + ("" if pd.isna(dose) else f" {dose:g} {curve['modulator_unit']}")


def described(curve: Mapping[str, object]) -> str:
    """Name a curve: `HSC-3 resistant cisplatin + NAC 5 mM`."""
    words = f"{curve['line']} {curve['condition']} {curve['compound']}"
    return f"{words} + {modulated(curve)}" if modulated(curve) else words


def read_curves(responses: Path) -> pd.DataFrame:
    """Read the curves, as they come, from the folder of responses.tsv; the index numbers them."""
    listed = read_table(responses / "responses.tsv", RESPONSES)
    return listed[[*CURVE, "response_unit"]].drop_duplicates(CURVE).reset_index(drop=True)


def read_values(wells: Path, responses: Path, curves: pd.DataFrame, fit_on: str) -> pd.DataFrame:
    """Read what curves are fitted on, experiments' means or wells: curve, experiment, dose, value, growth."""
    if fit_on == "experiments":
        listed = read_table(responses / "responses.tsv", RESPONSES)
    else:
        listed = read_table(wells / "wells.tsv", WELLS)
        listed = listed[listed.role == "sample"]
        given = listed.response.where(listed.response_unit == "as_given")
        listed = listed.assign(response_mean=listed.viability_percent.fillna(given))
    listed = listed.merge(curves[["curve", *CURVE]], on=CURVE)
    columns = ["curve", "experiment", "dose", "response_mean", "growth_rate_value"]
    return listed[columns].rename(columns={"response_mean": "value"})


def read_reasons(responses: Path, curves: pd.DataFrame) -> pd.Series:
    """Read why values of curves are missing; an empty text where none is."""
    listed = read_table(responses / "responses.tsv", RESPONSES).merge(curves[["curve", *CURVE]], on=CURVE)
    missing = listed[listed.response_mean.isna()].groupby("curve").reason.first()
    return missing.reindex(curves.curve).fillna("").reset_index(drop=True)


def plan(curves: pd.DataFrame, sheet: pd.DataFrame) -> pd.DataFrame:
    """List the pairs of curves to compare (numbers of rows of `curves`), and why one cannot be.

    Target against reference, without modulator, in each line; modulators against none; the sheet's.
    """
    rows, plain = [], curves[curves.modulator.isna()]
    for (line, compound), group in plain.groupby(["line", "compound"], sort=False):
        for reference in group[group.condition_role == "reference"].itertuples():
            for target in group[group.condition_role == "target"].itertuples():
                name = f"{line}.{compound}.{target.condition}_vs_{reference.condition}"
                rows.append(("conditions", name, reference.Index, target.Index))
    for number, curve in curves[curves.modulator.notna()].iterrows():
        same = plain[
            (plain[["line", "condition", "compound"]] == curve[["line", "condition", "compound"]]).all(axis=1)
        ]
        name = f"{curve.line}.{curve.condition}.{curve.compound}.{modulated(curve).replace(' ', '_')}_vs_none"
        rows.append(("modulators", name, same.index[0] if len(same) else -1, number))
    for pair in sheet.to_dict("records"):
        ends = []
        for side in (1, 2):
            hit = pd.Series(True, curves.index)
            for name in SIDES:
                value = pair[f"{name}_{side}"]
                hit &= curves[name].isna() if pd.isna(value) else curves[name] == value
            ends.append(curves.index[hit][0] if hit.any() else -1)
        rows.append(("sheet", pair["comparison"], *ends))
    pairs = pd.DataFrame(rows, columns=["kind", "comparison", "curve_1", "curve_2"])
    reasons = []
    for pair in pairs.itertuples():
        if min(pair.curve_1, pair.curve_2) < 0:
            reasons.append(f"curve {1 if pair.curve_1 < 0 else 2} was not measured")
            continue
        one, two = curves.loc[pair.curve_1], curves.loc[pair.curve_2]
        units = [name for name in ("dose_unit", "response_unit") if one[name] != two[name]]
        reasons.append(" and ".join(f"{name}s differ: {one[name]}, {two[name]}" for name in units))
    return pairs.assign(reason=pd.Series(reasons, dtype="str"))
