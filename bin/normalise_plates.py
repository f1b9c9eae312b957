#!/usr/bin/env python3
"""Turn the wells of plates into viabilities in percent of the vehicle, and judge the plates.

Normalisation
  Of each well the mean of the plate's blanks is subtracted; on a plate without blanks nothing is, and its
  status says so. The viability is 100 times what is left over the mean of the vehicle wells that serve:
  those of the same plate, line and condition, with the same modulator at the same dose, that name the same
  compound; else those that name none; else, likewise, those with the modulator at a dose that the sheet
  does not give, and those without modulator, which the well's flags then say. A vehicle must be above 0 and
  above BLANK_LIMIT standard deviations of the plate's blanks. A sheet without any vehicle well holds
  responses that are normalised already: they stay as given, and nothing is subtracted.
Growth rate
  GR = 2^(log2(x / x0) / log2(v / x0)) - 1, with x the well, v its vehicle, x0 the reading when the compound
  was added (response_t0 of the well, else the mean of its vehicle's): 1 is growth as in the vehicle, 0
  none, below 0 loss of cells (Hafner et al. 2016). From x0 the mean response_t0 of the blanks is
  subtracted, and where blanks have none, their mean response. A well at or below the blank has the limit,
  -1. Where the vehicle did not grow there is no GR.
Quality of a plate
  Replicates are wells of one plate, line, condition, compound, dose, modulator and role; a well's deviation
  is that from their median. Vehicles have their coefficient of variation, pooled over the plate's, and the
  signal window 1 - 3 (SD of vehicle + SD of blank) / |difference of means| (Z' of Zhang et al. 1999), the
  lowest of the plate's. Both are held to the limits of the Assay Guidance Manual (Iversen et al. 2012).
  A well stands out if it is more than OUTLIER_SD robust standard deviations and more than OUTLIER_MIN of
  the plate's highest median from its replicates, which must be three or more. The standard deviation is the
  plate's: the median over replicates of theirs, each over the median of the chi distribution of its degrees
  of freedom; or that of their coefficients of variation times the replicates' median, if more, for noise
  grows with the reading. Wells that stand out are named and kept.
Patterns
  Do rows, columns, or edge and inner wells differ? Deviations are ranked over the plate (aligned ranks,
  Hodges and Lehmann 1962), and rank sums of rows compared with their expectation and covariance when ranks
  are exchanged within replicates only: chi-squared, as many degrees of freedom as that covariance has (a
  stratified Kruskal-Wallis test). A direction in which replicates lie side by side cannot be told from the
  doses, and has no test. p is adjusted by Holm's method over all plates and directions. The edge is that of
  96 wells, or of 384 where wells lie beyond row H or column 12.
Assumes    That replicates are exchangeable within a plate, and that the blank adds to the signal.

References: Hafner et al. 2016, doi:10.1038/nmeth.3853; Zhang et al. 1999, doi:10.1177/108705719900400206;
Iversen et al. 2012, Assay Guidance Manual, PMID 22553862; Hodges and Lehmann 1962,
doi:10.1214/aoms/1177704575; Holm 1979, Scand J Stat 6:65
"""

from pathlib import Path

import click
import numpy as np
import pandas as pd
from common.cli import INPUT, RESULTS, Script
from common.multiqc import write_versions
from common.plates_report import write_maps, write_plates
from common.tables import read_table, write_table
from scipy.special import chdtrc, chdtri

SHEET = dict.fromkeys(
    [
        *("experiment", "plate", "well", "line", "condition", "condition_role", "compound", "dose_unit"),
        *("role", "modulator", "modulator_unit"),
    ],
    "str",
) | dict.fromkeys(["dose", "response", "modulator_dose", "response_t0"], "float64")
PLATE = ["experiment", "plate"]
CURVE = ["line", "condition", "compound", "modulator", "modulator_dose", "modulator_unit"]
WELL_COLUMNS = [
    *("experiment", "plate", "well", "role", "line", "condition", "condition_role", "compound", "dose"),
    *("dose_unit", "modulator", "modulator_dose", "modulator_unit", "response", "blank_subtracted"),
    *("vehicle_compound", "vehicle_modulator", "vehicle_wells", "vehicle_mean", "viability_percent"),
    *("response_unit", "deviation", "robust_z", "growth_rate_value", "growth_rate_status", "flags"),
    *("status", "reason"),
]
VEHICLE_COLUMNS = [
    *(*PLATE, *CURVE, "wells", "mean", "sd", "cv", "signal_window", "percent_of_unmodulated"),
    *("status", "reason"),
]
DIRECTIONS = ("row", "column", "edge")

BLANK_LIMIT = 3.0  # standard deviations of the blanks: the limit of detection
OUTLIER_SD, OUTLIER_MIN = 5.0, 0.05
NOISE_GROUPS = 3
MIN_REPLICATES = 3  # of two wells that differ, neither is the outlier
CV_MAX, WINDOW_MIN = 0.2, 0.4  # Assay Guidance Manual
# Of the vehicle's reading: from here on the blank's error is a good part of the signal's.
BLANK_SHARE_MAX = 0.25
SIGNIFICANT = 0.05
DECIMALS = 9  # deviations that differ by less are ties: so are those that differ by the machine only


# ---- from readings to viabilities


def labelled(wells: pd.DataFrame) -> pd.DataFrame:
    """Make empty text "" and add `modulated`, the modulator with its dose in words."""
    text = [column for column, kind in SHEET.items() if kind == "str"]
    wells = wells.assign(**wells[text].fillna(""))
    dose = wells.modulator_dose.map(" {:.10g} ".format, na_action="ignore") + wells.modulator_unit
    return wells.assign(modulated=wells.modulator + dose.fillna("").str.rstrip())


def with_blanks(wells: pd.DataFrame) -> pd.DataFrame:
    """Add mean, SD and number of the plate's blanks to each well, and what it has above them (`signal`)."""
    blanks = wells[wells.role == "blank"].groupby(PLATE)
    found = blanks.agg(
        blank_mean=("response", "mean"), blank_sd=("response", "std"), blank_wells=("response", "size"),
        blank_t0=("response_t0", "mean"),
    )  # fmt: skip
    wells = wells.join(found, on=PLATE)
    wells["blank_wells"] = wells.blank_wells.fillna(0).astype(int)
    blank_t0 = wells.blank_t0.fillna(wells.blank_mean).fillna(0)
    return wells.assign(
        signal=wells.response - wells.blank_mean.fillna(0), signal_t0=wells.response_t0 - blank_t0
    )


def vehicles_of(wells: pd.DataFrame) -> pd.DataFrame:
    """List the vehicles: a row a plate, line, condition, compound (if named) and modulator."""
    keys = [*PLATE, "line", "condition", "compound", "modulated"]
    groups = wells[wells.role == "vehicle"].groupby(keys, sort=False)
    found = groups.agg(
        modulator=("modulator", "first"), modulator_dose=("modulator_dose", "first"),
        modulator_unit=("modulator_unit", "first"), wells=("signal", "size"), mean=("signal", "mean"),
        sd=("signal", "std"), mean_t0=("signal_t0", "mean"), blank_mean=("blank_mean", "first"),
        blank_sd=("blank_sd", "first"),
    ).reset_index()  # fmt: skip
    limit = BLANK_LIMIT * found.blank_sd.fillna(0)
    good = (found["mean"] > limit) & (found["mean"] > 0)
    window = 1 - 3 * (found.sd + found.blank_sd) / found["mean"].where(good)
    plain = found[good & (found.modulated == "")].set_index(keys[:-1])["mean"].rename("plain")
    found = found.join(plain, on=keys[:-1])
    says = [
        f"{mean:.4g} above the blank, of which {least:.4g} ({BLANK_LIMIT:g} SD of blanks) may be chance"
        for mean, least in zip(found["mean"], limit, strict=True)
    ]
    single = np.where(found.wells == 1, "one_well", "ok")
    return found.assign(
        usable=good,
        cv=found.sd / found["mean"].where(good),
        signal_window=window,
        percent_of_unmodulated=(100 * found["mean"] / found.plain).where(good & (found.modulated != "")),
        status=np.where(good, single, "not_above_blank"),
        reason=np.where(good, np.where(single == "ok", "", "one well: its spread is not known"), says),
    )


def served(wells: pd.DataFrame, vehicles: pd.DataFrame) -> pd.DataFrame:
    """Add the vehicle that serves each well: its mean, number of wells, compound and modulator."""
    found = ["mean", "wells", "mean_t0", "usable", "reason"]
    keys = [*PLATE, "line", "condition", "compound", "modulated"]
    table = vehicles.set_index(keys)[found].add_prefix("vehicle_")
    wells = wells.reset_index(drop=True)
    best = pd.DataFrame(index=wells.index, columns=["vehicle_compound", "vehicle_modulator"], dtype="str")
    parts, left = [], wells.assign(vehicle_compound="", vehicle_modulator="")
    for modulated in (wells.modulated, wells.modulator, pd.Series("", wells.index)):
        for compound in (wells.compound, pd.Series("", wells.index)):
            wanted = left[[*PLATE, "line", "condition"]].assign(
                compound=compound[left.index], modulated=modulated[left.index]
            )
            hit = wanted.join(table, on=keys)
            hit = hit[hit.vehicle_mean.notna()]
            best.loc[hit.index, "vehicle_compound"] = hit["compound"]
            best.loc[hit.index, "vehicle_modulator"] = hit["modulated"]
            parts.append(hit[table.columns])
            left = left.drop(hit.index)
    parts = pd.concat(parts).reindex(wells.index)
    parts["vehicle_usable"] = parts.vehicle_usable.eq(True)
    return wells.join(parts).join(best.fillna(""))


def growth_rates(signal: np.ndarray, start: np.ndarray, vehicle: np.ndarray) -> np.ndarray:
    """Return GR values; arrays of one shape: the wells, their cells at time 0, their vehicles.

    Missing where one is, where cells at time 0 are not above 0, or where the vehicle did not grow.
    """
    known = (start > 0) & (vehicle > start)
    start, vehicle = np.where(known, start, np.nan), np.where(known, vehicle, np.nan)
    alive = np.where(signal > 0, signal, np.nan)
    value = 2 ** (np.log2(alive / start) / np.log2(vehicle / start)) - 1
    return np.where(known & (signal <= 0), -1.0, value)


def with_growth_rates(wells: pd.DataFrame, given: bool) -> pd.DataFrame:
    """Add GR values with their own status: ok, not_measured, no_vehicle, no_growth."""
    if given:
        measured = wells.response_t0.notna()
        status = np.where(measured, "no_vehicle", "not_measured")
        return wells.assign(growth_rate_value=np.nan, growth_rate_status=status)
    start = wells.signal_t0.fillna(wells.vehicle_mean_t0)
    vehicle = wells.vehicle_mean.where(wells.vehicle_usable)
    value = growth_rates(wells.signal.to_numpy(), start.to_numpy(), vehicle.to_numpy())
    missing = np.where(vehicle.isna(), "no_vehicle", "no_growth")
    status = np.where(np.isnan(value), np.where(start.isna(), "not_measured", missing), "ok")
    return wells.assign(growth_rate_value=value, growth_rate_status=status)


def normalised(wells: pd.DataFrame, vehicles: pd.DataFrame) -> pd.DataFrame:
    """Add viability, its status and reason, to the sample and vehicle wells of `with_blanks`."""
    wells = wells[wells.role != "blank"]
    if vehicles.empty:
        nothing = dict.fromkeys(["vehicle_compound", "vehicle_modulator", "status", "reason"], "")
        nothing |= dict.fromkeys(["vehicle_mean", "vehicle_wells"], np.nan)
        wells = wells.reset_index(drop=True).assign(**nothing)
        wells = wells.assign(
            blank_subtracted=wells.response, viability_percent=wells.response, response_unit="as_given",
            status="ok",
        )  # fmt: skip
        return with_growth_rates(wells, given=True)
    wells = served(wells, vehicles)
    wells["blank_subtracted"] = wells.signal
    wells["response_unit"] = "percent_of_vehicle"
    wells["viability_percent"] = 100 * wells.signal / wells.vehicle_mean.where(wells.vehicle_usable)
    absent = wells.vehicle_mean.isna()
    wells["status"] = np.where(
        absent, "no_vehicle", np.where(wells.vehicle_usable, "ok", "vehicle_not_above_blank")
    )
    for_what = (
        wells.compound + wells.modulated.map(lambda words: f" with {words}" if words else "")
    ).str.strip()
    none = "no vehicle of " + wells.line + " " + wells.condition + " on the plate serves " + for_what
    wells["reason"] = np.where(
        absent, none, np.where(wells.vehicle_usable, "", "vehicle " + wells.vehicle_reason.fillna(""))
    )
    return with_growth_rates(wells, given=False)


# ---- replicates, outliers and patterns


def replicates_of(wells: pd.DataFrame) -> pd.Series:
    """Return the number of each well's group of replicates; without viability it is in none (-1)."""
    keys = [*PLATE, "role", "line", "condition", "compound", "dose", "modulated"]
    doses = wells.dose.where(wells.role == "sample")  # a vehicle's 0 may be written or not
    groups = wells.assign(dose=doses).groupby(keys, sort=False, dropna=False).ngroup()
    return groups.where(wells.viability_percent.notna(), -1)


def robust_noise(values: pd.Series, groups: pd.Series) -> tuple[float, float]:
    """Return how replicates spread: a SD, and a share of their level, which prevails where wells read high.

    Medians over groups of two or more, made consistent for a normal; the share over those whose median is at
    least half of the highest, 0 if they are less than NOISE_GROUPS. Both are missing without a group.
    """
    found = values.groupby(groups).agg(["std", "size", "median"])
    found = found[found["size"] > 1]
    if found.empty:
        return np.nan, np.nan
    freedom = found["size"].to_numpy() - 1
    spread, level = (
        found["std"].to_numpy() / np.sqrt(chdtri(freedom, 0.5) / freedom),
        found["median"].to_numpy(),
    )
    high = (level > 0) & (level >= level.max() / 2)
    share = np.median(spread[high] / level[high]) if high.sum() >= NOISE_GROUPS else 0.0
    return float(np.median(spread)), float(share)


def with_deviations(wells: pd.DataFrame) -> pd.DataFrame:
    """Add each well's replicates, deviation from their median, robust z, and `outlier`."""
    wells = wells.assign(replicates=replicates_of(wells))
    groups = wells.replicates.where(wells.replicates >= 0)
    values = wells.viability_percent
    medians = values.groupby(groups).transform("median")
    size = values.groupby(groups).transform("size").fillna(0)
    wells["deviation"] = (values - medians).where(size > 1).round(DECIMALS)
    wells["replicate_wells"] = size.astype(int)
    wells["robust_z"], wells["outlier"] = np.nan, False
    for _, rows in wells.groupby(PLATE, sort=False).groups.items():
        sd, share = robust_noise(values[rows], groups[rows])
        deviation, level = wells.deviation[rows], medians[rows]
        expected = np.maximum(np.nan_to_num(sd), np.nan_to_num(share) * level)
        enough = (size[rows] >= MIN_REPLICATES) & (deviation.abs() > OUTLIER_MIN * level.max())
        # Replicates that are all equal have no scale; the least deviation then decides alone.
        wells.loc[rows, "robust_z"] = (deviation / expected).where(expected > 0)
        wells.loc[rows, "outlier"] = enough & (deviation.abs() > OUTLIER_SD * expected)
    return wells


def places_of(wells: pd.DataFrame) -> pd.DataFrame:
    """Return row (letter), column (number) and edge (edge, inner) of wells; missing if unnamed."""
    parts = wells.well.str.upper().str.extract(r"^([A-P])0?(\d+)$")
    row, column = parts[0], parts[1].astype("float64")
    large = pd.Series((row > "H") | (column > 12)).groupby([wells[key] for key in PLATE]).transform("any")
    last_row, last_column = np.where(large, "P", "H"), np.where(large, 24, 12)
    outer = row.eq("A") | row.eq(last_row) | column.eq(1) | column.eq(last_column)
    edge = pd.Series(np.where(outer, "edge", "inner"), wells.index).where(row.notna())
    return pd.DataFrame({"row": row, "column": column, "edge": edge})


def stratified_rank_test(values: np.ndarray, strata: np.ndarray, places: np.ndarray) -> tuple[float, int]:
    """Test whether values differ between places, given that they are exchangeable within strata.

    Three arrays of one length. The values should be aligned (centred within strata). Returns p, by the
    chi-squared approximation, and the degrees of freedom; without any, p is missing.
    """
    ranks = pd.Series(values).rank().to_numpy()
    _, stratum = np.unique(strata, return_inverse=True)
    _, place = np.unique(places, return_inverse=True)
    counts = np.zeros((stratum.max() + 1, place.max() + 1))
    np.add.at(counts, (stratum, place), 1)
    sizes = counts.sum(axis=1)
    means = np.bincount(stratum, ranks) / sizes
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = np.bincount(stratum, (ranks - means[stratum]) ** 2) / (sizes - 1)
    variance = np.where(sizes > 1, np.nan_to_num(variance), 0)
    difference = np.bincount(place, ranks) - means @ counts
    weighted = counts * (variance / sizes)[:, None]
    totals = variance @ counts
    size, vectors = np.linalg.eigh(np.diag(totals) - counts.T @ weighted)
    kept = size > 1e-9 * totals.max()
    freedom = int(kept.sum())
    if not freedom:
        return np.nan, 0
    statistic = ((vectors[:, kept].T @ difference) ** 2 / size[kept]).sum()
    return float(chdtrc(freedom, statistic)), freedom


def patterns(wells: pd.DataFrame, places: pd.DataFrame) -> dict[str, object]:
    """Test rows, columns and edge of one plate; say where deviations are largest in the mean."""
    found: dict[str, object] = {}
    shifts = []
    for direction in DIRECTIONS:
        place = places[direction]
        usable = wells.deviation.notna() & place.notna()
        found[f"{direction}_p"] = np.nan
        if usable.any():
            rows = wells[usable]
            p, freedom = stratified_rank_test(
                rows.deviation.to_numpy(), rows.replicates.to_numpy(), place[usable].to_numpy()
            )
            found[f"{direction}_p"] = p
            means = rows.deviation.groupby(place[usable]).mean()
            if freedom:
                worst = means.abs().idxmax()
                name = f"{worst:.0f}" if direction == "column" else worst
                shifts.append((p, direction, f"{direction} {name}".replace("edge ", ""), means[worst]))
    found["edge_wells"] = int((places.edge == "edge").sum())
    if shifts:
        _, _, found["largest_shift_at"], found["largest_shift"] = min(shifts)
    return found


def holm(p: np.ndarray) -> np.ndarray:
    """Adjust p by Holm's method; missing ones are no tests."""
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


# ---- tables


def named(rows: pd.DataFrame) -> str:
    """Name wells: by their place, else by what they hold."""
    what = (
        rows.line + " " + rows.compound + " " + rows.dose.map("{:.4g}".format, na_action="ignore").fillna("")
    )
    return "; ".join(rows.well.where(rows.well != "", what.str.strip() + " " + rows.role))


def flags_of(wells: pd.DataFrame) -> pd.DataFrame:
    """Add `flags` (outlier, below_blank, vehicle_without_modulator; `;` between) and their reasons."""
    served_without = wells.modulated.ne("") & wells.vehicle_mean.notna() & wells.vehicle_modulator.eq("")
    raised = {
        "outlier": wells.outlier,
        "below_blank": wells.response_unit.ne("as_given") & wells.blank_subtracted.lt(0),
        "vehicle_without_modulator": served_without,
    }
    flags, reasons = pd.Series("", wells.index), wells.reason.astype("str")
    for row in wells[pd.DataFrame(raised).any(axis=1)].itertuples():
        z = f" ({row.robust_z:+.1f} robust SD)" if row.robust_z == row.robust_z else ""
        says = {
            "outlier": f"{row.deviation:+.3g} from the median of {row.replicate_wells} replicates{z}, kept",
            "below_blank": f"{-row.blank_subtracted:.4g} below the blank, kept",
            "vehicle_without_modulator": f"no vehicle with {row.modulated}: that without modulator served",
        }
        own = [flag for flag in raised if raised[flag][row.Index]]
        flags[row.Index] = ";".join(own)
        reasons[row.Index] = "; ".join(filter(None, [row.reason, *(says[flag] for flag in own)]))
    return wells.assign(flags=flags, below_blank=raised["below_blank"], reason=reasons)


def responses_of(wells: pd.DataFrame) -> pd.DataFrame:
    """Average the sample wells of each experiment, curve and dose, over its plates."""
    samples = wells[wells.role == "sample"]
    lost = samples.viability_percent.isna()
    samples = samples.assign(
        lost=lost, why=samples.reason.where(lost), lost_status=samples.status.where(lost)
    )
    groups = samples.groupby(["experiment", *CURVE[:3], "modulated", "dose"], sort=False, dropna=False)
    first = ["condition_role", "dose_unit", *CURVE[3:], "response_unit"]
    table = groups.agg(
        **{column: (column, "first") for column in first},
        all_wells=("lost", "size"), lost=("lost", "sum"), why=("why", "first"),
        status=("lost_status", "first"),
        outliers=("outlier", "sum"), response_mean=("viability_percent", "mean"),
        response_sd=("viability_percent", "std"), growth_rate_value=("growth_rate_value", "mean"),
        plates=("plate", "nunique"),
    ).reset_index()  # fmt: skip
    table["wells"] = table.all_wells - table.lost
    table["status"] = table.status.where(table.wells == 0, "ok")
    table["reason"] = [
        "; ".join(
            words
            for said, words in (
                (row.lost, f"{row.lost} of {row.all_wells} wells without value: {row.why}"),
                (row.outliers, f"{row.outliers} of {row.all_wells} wells stand out, kept"),
                (row.below, "below the blank in the mean, kept"),
            )
            if said
        )
        for row in table.assign(
            below=(table.response_mean < 0) & (table.response_unit != "as_given")
        ).itertuples()
    ]
    columns = [
        *("experiment", "line", "condition", "condition_role", "compound", "dose", "dose_unit"),
        *("modulator", "modulator_dose", "modulator_unit", "wells", "response_mean", "response_sd"),
        *("response_unit", "growth_rate_value", "plates", "status", "reason"),
    ]
    return table[columns]


def judge(plate: dict, given: bool, lost: pd.Series) -> tuple[str, str]:
    """Return status (the gravest) and reason (all) of a plate; `lost` counts wells without value."""
    says: list[tuple[str, str]] = []
    for status, words in (
        ("no_vehicle", "have no vehicle"),
        ("vehicle_not_above_blank", "vehicle not above blank"),
    ):
        if count := int(lost.get(status, 0)):
            says.append((status, f"{count} of {plate['wells']} wells: {words}"))
    for direction in DIRECTIONS:
        if plate[f"{direction}_p_adjusted"] < SIGNIFICANT:
            what = "edge and inner wells" if direction == "edge" else f"{direction}s"
            says.append(("pattern", f"{what} differ, adjusted p {plate[f'{direction}_p_adjusted']:.2g}"))
    if plate["vehicle_cv"] > CV_MAX:
        says.append(("noisy_vehicle", f"vehicle CV {plate['vehicle_cv']:.2g}, at most {CV_MAX:g}"))
    if plate["signal_window"] < WINDOW_MIN:
        says.append(("small_window", f"signal window {plate['signal_window']:.2g}, at least {WINDOW_MIN:g}"))
    if plate["blank_share"] > BLANK_SHARE_MAX:
        share = f"blank {plate['blank_share']:.2g} of the vehicle's reading, at most {BLANK_SHARE_MAX:g}"
        says.append(("high_blank", share))
    if plate["outlier_wells"]:
        says.append(("outliers", f"wells that stand out, kept: {plate['outliers']}"))
    if given:
        says.append(("as_given", "no vehicle in the sheet: responses as given, nothing subtracted"))
    elif not plate["blank_wells"]:
        says.append(("no_blank", "no blank well: nothing was subtracted"))
    return (says[0][0], "; ".join(words for _, words in says)) if says else ("ok", "")


def plates_of(sheet: pd.DataFrame, wells: pd.DataFrame, vehicles: pd.DataFrame) -> pd.DataFrame:
    """List the plates with their quality; `sheet` has all wells, `wells` those with viabilities."""
    given, rows = vehicles.empty, []
    places, none = places_of(wells), np.zeros(0, dtype=int)
    wells_on, vehicles_on = (table.groupby(PLATE).indices for table in (wells, vehicles))
    for key, all_wells in sheet.groupby(PLATE, sort=False):
        own, serving = wells.iloc[wells_on.get(key, none)], vehicles.iloc[vehicles_on.get(key, none)]
        blank, freedom = all_wells.blank_mean.iloc[0], serving.wells - 1
        noise = robust_noise(own.viability_percent, own.replicates.where(own.replicates >= 0))
        usable = serving.cv.notna()
        pooled = np.nan
        if usable.any():
            pooled = np.sqrt((freedom * serving.cv**2)[usable].sum() / freedom[usable].sum())
        level = np.average(serving["mean"], weights=serving.wells) if len(serving) else np.nan
        counts = all_wells.role.value_counts()
        rows.append(
            {
                "experiment": key[0],
                "plate": key[1],
                "wells": len(own),
                **{f"{role}_wells": int(counts.get(role, 0)) for role in ("sample", "vehicle", "blank")},
                "vehicle_mean": level,
                "vehicle_cv": pooled,
                "blank_mean": blank,
                "blank_share": blank / (blank + level) if blank + level > 0 else np.nan,
                "signal_window": serving.signal_window.min(),
                "replicate_sd": noise[0],
                "replicate_share": noise[1],
                **patterns(own, places.loc[own.index]),
                "outlier_wells": int(own.outlier.sum()),
                "outliers": named(own[own.outlier]),
                "below_blank_wells": int(own.below_blank.sum()),
                "lost": own.status[own.status != "ok"].value_counts(),
            }
        )
    table = pd.DataFrame(rows)
    tests = [f"{direction}_p" for direction in DIRECTIONS]
    adjusted = holm(table[tests].to_numpy(float).ravel()).reshape(-1, len(tests))
    table[[f"{test}_adjusted" for test in tests]] = adjusted
    table["adjust_method"] = np.where(np.isnan(adjusted).all(axis=1), "", "holm")
    judged = [judge(row, given, row["lost"]) for row in table.to_dict("records")]
    table["status"], table["reason"] = zip(*judged, strict=True)
    columns = [
        *("experiment", "plate", "wells", "sample_wells", "vehicle_wells", "blank_wells", "vehicle_mean"),
        *("vehicle_cv", "blank_mean", "blank_share", "signal_window", "replicate_sd", "replicate_share"),
        *(*tests, *(f"{test}_adjusted" for test in tests), "adjust_method", "edge_wells", "largest_shift_at"),
        *("largest_shift", "outlier_wells", "outliers", "below_blank_wells", "status", "reason"),
    ]
    return table.reindex(columns=columns)


def analyse(sheet: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return wells, responses, plates and vehicles of a sheet as `labelled` has it."""
    sheet = with_blanks(sheet)
    vehicles = vehicles_of(sheet)
    wells = flags_of(with_deviations(normalised(sheet, vehicles)))
    return wells, responses_of(wells), plates_of(sheet, wells, vehicles), vehicles


@click.command(cls=Script)
@click.option(
    "--wells",
    "sheet",
    type=INPUT,
    required=True,
    help="TSV: experiment, plate, well, line, compound, dose, …",
)
@RESULTS
def main(sheet: Path, results: Path) -> None:
    """Normalise wells to blanks and vehicle, average them by experiment, judge the plates."""
    all_wells = labelled(read_table(sheet, SHEET))
    wells, responses, plates, vehicles = analyse(all_wells)
    write_table(wells[WELL_COLUMNS], results / "wells.tsv")
    write_table(responses, results / "responses.tsv")
    write_table(plates, results / "plates.tsv")
    write_table(vehicles[VEHICLE_COLUMNS], results / "vehicles.tsv")
    everything = pd.concat([wells, all_wells[all_wells.role == "blank"]], ignore_index=True)
    drawn = write_maps(results, everything.join(places_of(everything)), plates)
    write_plates(results, wells, responses, plates, drawn)
    write_versions(results / "versions.tsv", "matplotlib", "numpy", "pandas", "scipy")


if __name__ == "__main__":
    main()
