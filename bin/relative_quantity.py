#!/usr/bin/env python3
"""Turn threshold cycles into quantities by standard curves, relative to housekeeping genes and a calibrator.

Replicates   Wells of one plate, gene and sample (line, condition, replicate), or of one standard's
             dilution, are technical replicates. Of three or more, those more than OUTLIER_CT cycles from
             their median are left out and named, if two or more are nearer; else all are kept and the
             replicates are `scattered`, as two that lie further apart than that are. The others are
             averaged as cycles.
Standards    Ct = intercept + slope log10(quantity), by least squares over the standard's wells of a plate
             and gene, three dilutions or more. Efficiency is 10^(-1/slope) - 1 (Pfaffl 2001), its limits
             are those of the slope (t). A curve with a slope above SLOPE_MAX gives no quantities;
             efficiencies outside EFFICIENCY and r squared below R_SQUARED_MIN are marked.
Quantity     x = (Ct - intercept) / slope is log10 of the quantity, by the curve of the well's own plate. It
             is extrapolated if it lies outside the standards' range. To the housekeeping genes: x minus the
             mean x of the housekeeping genes of the same sample (their geometric mean), of the same plate
             where they lie on it; samples on several plates are averaged. Relative to the calibrator: minus
             the mean over the calibrator's replicates (relative standard curve method: Applied Biosystems
             1997; Larionov et al. 2005). One constant for all: ratios between groups are those before it.
Error        Of measurement, by the delta method. A sum of x with weights w has the variance sum of w^2 s^2
             / (m slope^2) over wells (s: the SD between replicates, pooled over the samples of the plate
             and gene, else the curve's residual SD; m: wells averaged) plus g' V g over curves (V: the
             curve's covariance matrix; g: sum of w times the derivative of x by intercept and slope).
             Errors of a curve that samples share cancel where they are equal. Intervals are those of t on
             the logarithm, with the degrees of freedom of Welch and Satterthwaite. How samples differ is
             not in it.
Blanks       Wells without template that amplify less than BLANK_CYCLES after a sample: its status says so,
             for more than 2^-5 of its signal may be from elsewhere.
Assumes      Standards and samples amplify alike; housekeeping genes are the same in all conditions.

References: Applied Biosystems 1997, User Bulletin 2; Larionov et al. 2005, doi:10.1186/1471-2105-6-62;
Pfaffl 2001, doi:10.1093/nar/29.9.e45; Vandesompele et al. 2002, doi:10.1186/gb-2002-3-7-research0034;
Bustin et al. 2009 (MIQE), doi:10.1373/clinchem.2008.112797; Satterthwaite 1946, doi:10.2307/3002019
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
from common.cli import INPUT, RESULTS, Script
from common.multiqc import write_versions
from common.quantity_report import write_curves, write_sections
from common.tables import read_table, write_table
from scipy.special import stdtrit

SHEET = dict.fromkeys(
    ["plate", "well", "gene", "role", "line", "condition", "condition_role", "replicate"], "str"
) | dict.fromkeys(["quantity", "ct"], "float64")
CURVE = ["plate", "gene"]
SAMPLE = ["line", "condition", "replicate"]

OUTLIER_CT = 0.5
ROUNDING = 1e-9  # differences below are those of numbers with decimals
MIN_REPLICATES = 3
MIN_DILUTIONS = 3
SLOPE_MAX = -1.0  # doubling is -3.32; above -1 a curve does not rank quantities
EFFICIENCY = (0.9, 1.1)
R_SQUARED_MIN = 0.98
BLANK_CYCLES = 5.0
# The gravest first; quantities of the first four are missing.
STATUSES = (
    *("no_standard", "undetermined", "no_housekeeping", "no_calibrator"),
    *("template_in_blank", "extrapolated", "partly_undetermined", "scattered", "ok"),
)
STANDARD_COLUMNS = [
    *("plate", "gene", "wells", "wells_left_out", "left_out", "undetermined", "dilutions", "lowest_quantity"),
    *("highest_quantity", "slope", "slope_se", "intercept", "intercept_se", "r_squared", "residual_sd"),
    *("efficiency", "efficiency_low", "efficiency_high", "replicate_sd", "blank_wells", "blank_ct"),
    *("highest_sample_ct", "status", "reason"),
]
MEASURED_COLUMNS = [
    *("plate", "gene", "line", "condition", "role", "replicate", "wells", "wells_left_out", "left_out"),
    *("undetermined", "ct_mean", "ct_sd", "quantity", "quantity_low", "quantity_high", "in_range"),
    *("status", "reason"),
]
QUANTITY_COLUMNS = [
    *("gene", "line", "condition", "role", "replicate", "quantity", "quantity_se", "quantity_low"),
    *("quantity_high", "quantity_to_housekeeping", "quantity_to_housekeeping_se", "ct_mean", "ct_sd"),
    *("wells", "plates", "calibrator", "housekeeping", "status", "reason"),
]


class Line(NamedTuple):
    """A standard curve: Ct = intercept + slope log10(quantity)."""

    intercept: float
    slope: float
    covariance: np.ndarray  # 2 x 2, intercept first
    residual_sd: float
    freedom: int
    r_squared: float


class Estimate(NamedTuple):
    """A sum of log10 quantities, with its standard error and degrees of freedom."""

    value: float
    error: float
    freedom: float


# ---- wells


def kept_replicates(ct: pd.Series, groups: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Say which threshold cycles to average, and which are of replicates that scatter; all are numbers.

    `groups` says which are replicates of each other.
    """
    replicates = ct.groupby(groups)
    distance = (ct - replicates.transform("median")).abs()
    near = distance <= OUTLIER_CT + ROUNDING
    enough = (replicates.transform("size") >= MIN_REPLICATES) & (near.groupby(groups).transform("sum") >= 2)
    wide = replicates.transform("max") - replicates.transform("min") > OUTLIER_CT + ROUNDING
    return near | ~enough, wide & ~enough


def with_kept(wells: pd.DataFrame) -> pd.DataFrame:
    """Add `kept` (amplified, and not left out) and `scattered` to the wells of samples and standards."""
    groups = wells.groupby([*CURVE, "role", "quantity", *SAMPLE], dropna=False, sort=False).ngroup()
    known = wells.ct.notna() & (wells.role != "blank")
    kept, scattered = kept_replicates(wells.ct[known], groups[known])
    flags = {"kept": kept, "scattered": scattered}
    return wells.assign(**{name: flag.reindex(wells.index).eq(True) for name, flag in flags.items()})


def named(wells: pd.DataFrame) -> str:
    """Name the wells that were left out: by their place, with their cycles."""
    out = wells.ct.notna().to_numpy() & ~wells.kept.to_numpy()
    return (
        "; ".join(f"{row.well} ({row.ct:g})".strip() for row in wells[out].itertuples()) if out.any() else ""
    )


def spread_of(wells: pd.DataFrame) -> pd.DataFrame:
    """Pool the SD between replicates over a plate and gene's samples; `highest` is their highest cycle."""
    groups = wells[wells.kept & (wells.role == "sample")].groupby([*CURVE, *SAMPLE]).ct
    samples = groups.agg(["var", "size", "mean"])
    samples = samples.assign(freedom=samples["size"] - 1, squares=samples["var"] * (samples["size"] - 1))
    pooled = samples.groupby(CURVE).agg(
        squares=("squares", "sum"), freedom=("freedom", "sum"), highest=("mean", "max")
    )
    return pooled.assign(sd=(pooled.squares / pooled.freedom.where(pooled.freedom > 0)) ** 0.5)


# ---- standard curves


def fit(log_quantity: np.ndarray, ct: np.ndarray) -> Line:
    """Fit a standard curve to wells by least squares; three or more, of two quantities or more."""
    mean, freedom = log_quantity.mean(), len(ct) - 2
    centred, total = log_quantity - mean, float(((ct - ct.mean()) ** 2).sum())
    size = float(centred @ centred)
    slope = float(centred @ (ct - ct.mean())) / size
    residual = ct - ct.mean() - slope * centred
    squares = float(residual @ residual)
    variance = squares / freedom
    share = 1 - squares / total if total > 0 else 0.0
    inverse = np.array([[1 / len(ct) + mean**2 / size, -mean / size], [-mean / size, 1 / size]])
    intercept = float(ct.mean() - slope * mean)
    return Line(intercept, slope, variance * inverse, variance**0.5, freedom, share)


def efficiency(slope: float) -> float:
    """Return the share of molecules that are copied in a cycle; missing unless the slope is usable."""
    return 10 ** (-1 / slope) - 1 if slope <= SLOPE_MAX else np.nan


def standard_row(rows: pd.DataFrame, confidence: float) -> tuple[dict[str, object], Line | None]:
    """Describe the curve of one gene on one plate; it is missing where it is not usable."""
    standards, blanks = rows[rows.role == "standard"], rows.ct[rows.role == "blank"]
    used = standards[standards.kept]
    row: dict[str, object] = {
        "wells": len(used),
        "wells_left_out": int((standards.ct.notna() & ~standards.kept).sum()),
        "left_out": named(standards),
        "undetermined": int(standards.ct.isna().sum()),
        "dilutions": used.quantity.nunique(),
        "lowest_quantity": used.quantity.min(),
        "highest_quantity": used.quantity.max(),
        "blank_wells": len(blanks),
        "blank_ct": blanks.min(),
        "status": "ok",
        "reason": "",
    }
    if standards.empty:
        return row | {"status": "no_standard", "reason": "no standard of the gene on the plate"}, None
    if row["dilutions"] < MIN_DILUTIONS:
        reason = f"{row['dilutions']} dilutions amplified, {MIN_DILUTIONS} needed"
        return row | {"status": "too_few_standards", "reason": reason}, None
    line = fit(np.log10(used.quantity.to_numpy()), used.ct.to_numpy())
    error = line.covariance[1, 1] ** 0.5
    reach = stdtrit(line.freedom, (1 + confidence) / 2) * error
    row |= {
        "slope": line.slope, "slope_se": error, "intercept": line.intercept,
        "intercept_se": line.covariance[0, 0] ** 0.5, "r_squared": line.r_squared,
        "residual_sd": line.residual_sd, "efficiency": efficiency(line.slope),
        "efficiency_low": efficiency(line.slope - reach), "efficiency_high": efficiency(line.slope + reach),
    }  # fmt: skip
    if line.slope > SLOPE_MAX:
        reason = f"slope {line.slope:.3g}, at most {SLOPE_MAX:g}: cycles do not tell quantities"
        return row | {"status": "not_decreasing", "reason": reason}, None
    return row, line


def judge(row: Mapping[str, object]) -> tuple[str, str]:
    """Return status and reason of a curve that gives quantities."""
    says = []
    if row["r_squared"] < R_SQUARED_MIN:
        says.append(("poor_fit", f"r squared {row['r_squared']:.3f}, at least {R_SQUARED_MIN:g}"))
    if not EFFICIENCY[0] <= row["efficiency"] <= EFFICIENCY[1]:
        words = f"efficiency {row['efficiency']:.3f}, {EFFICIENCY[0]:g} to {EFFICIENCY[1]:g} expected"
        says.append(("efficiency_out_of_range", words))
    if row["blank_ct"] - row["highest_sample_ct"] < BLANK_CYCLES:
        words = f"a blank amplified at {row['blank_ct']:.4g}, samples at up to {row['highest_sample_ct']:.4g}"
        says.append(("template_in_blank", words))
    return (says[0][0], "; ".join(words for _, words in says)) if says else ("ok", "")


def standards_of(wells: pd.DataFrame, confidence: float) -> tuple[pd.DataFrame, dict[tuple, Line]]:
    """List the standard curves, a row a plate and gene, and return those that give quantities."""
    rows, lines, spread = [], {}, spread_of(wells)
    for key, its in wells.groupby(CURVE, sort=False):
        row, line = standard_row(its, confidence)
        row = dict(zip(CURVE, key, strict=True)) | row
        known = key in spread.index
        row["replicate_sd"] = spread.sd[key] if known else np.nan
        row["replicate_freedom"] = int(spread.freedom[key]) if known else 0
        row["highest_sample_ct"] = spread.highest[key] if known else np.nan
        if line:
            row["status"], row["reason"] = judge(row)
            lines[key] = line
        rows.append(row)
    fitted = ["slope", "slope_se", "intercept", "intercept_se", "r_squared", "residual_sd"]
    fitted += ["efficiency", "efficiency_low", "efficiency_high"]
    table = pd.DataFrame(rows).reindex(columns=[*STANDARD_COLUMNS, "replicate_freedom"])
    return table.astype(dict.fromkeys(fitted, "float64")), lines


# ---- samples


def measured_row(rows: pd.DataFrame, standard: Mapping[str, object], line: Line | None) -> dict[str, object]:
    """Describe one sample's wells of one gene on one plate; `standard` is that plate and gene's row."""
    kept, every = rows.kept.to_numpy(), rows.ct.to_numpy()
    used, lost = every[kept], int(np.isnan(every).sum())
    ct = used.mean() if len(used) else np.nan
    row: dict[str, object] = {
        "role": rows.condition_role.iloc[0],
        "wells": len(used),
        "wells_left_out": len(every) - len(used) - lost,
        "left_out": named(rows),
        "undetermined": lost,
        "ct_mean": ct,
        "ct_sd": used.std(ddof=1) if len(used) > 1 else np.nan,
        "x": (ct - line.intercept) / line.slope if line else np.nan,
        "in_range": "",
    }
    says: list[tuple[str, str]] = []
    if line is None:
        says.append(("no_standard", standard["reason"]))
    if not len(used):
        least = f"; the lowest standard is {standard['lowest_quantity']:g}" if line else ""
        says.append(("undetermined", f"none of {len(every)} wells amplified{least}"))
    else:
        if standard["blank_ct"] - ct < BLANK_CYCLES:
            words = f"a blank amplified at {standard['blank_ct']:.4g}, the sample at {ct:.4g}"
            says.append(("template_in_blank", words))
        low, high = standard["lowest_quantity"], standard["highest_quantity"]
        if line:
            ends = np.log10(low) - ROUNDING, np.log10(high) + ROUNDING
            row["in_range"] = "yes" if ends[0] <= row["x"] <= ends[1] else "no"
        if row["in_range"] == "no":
            says.append(("extrapolated", f"quantity {10 ** row['x']:.3g}, standards {low:g} to {high:g}"))
        if lost:
            says.append(("partly_undetermined", f"{lost} of {len(every)} wells did not amplify"))
        if rows.scattered.to_numpy()[kept].any():
            says.append(("scattered", f"{np.ptp(used):.2g} cycles between {len(used)} replicates"))
    if row["left_out"]:
        says.append(("ok", f"left out: {row['left_out']}"))
    return row | {"status": says[0][0] if says else "ok", "reason": "; ".join(words for _, words in says)}


def measured_of(wells: pd.DataFrame, standards: pd.DataFrame, lines: Mapping[tuple, Line]) -> pd.DataFrame:
    """List what was measured: a row a plate, gene and sample."""
    by_key = {(row["plate"], row["gene"]): row for row in standards.to_dict("records")}
    rows = []
    for key, its in wells[wells.role == "sample"].groupby([*CURVE, *SAMPLE], sort=False):
        row = measured_row(its, by_key[key[:2]], lines.get(key[:2]))
        rows.append(dict(zip([*CURVE, *SAMPLE], key, strict=True)) | row)
    return pd.DataFrame(rows, columns=[*dict.fromkeys([*MEASURED_COLUMNS, "x"])])


class Errors:
    """The variances of log10 quantities, and what they share."""

    def __init__(self, measured: pd.DataFrame, standards: pd.DataFrame, lines: Mapping[tuple, Line]) -> None:
        """Take the tables of `measured_of` and `standards_of`, and the curves."""
        self.keys = list(zip(measured["plate"], measured.gene, strict=True))
        self.x, self.wells, self.lines = measured.x.to_numpy(), measured.wells.to_numpy(), lines
        self.spread = {
            (row.plate, row.gene): (row.replicate_sd, row.replicate_freedom)
            if row.replicate_freedom
            else (row.residual_sd, lines[row.plate, row.gene].freedom)
            for row in standards.itertuples()
            if (row.plate, row.gene) in lines
        }

    def estimate(self, weights: Mapping[int, float]) -> Estimate:
        """Return the sum of x with these weights (by row of the measurements)."""
        wells: dict[tuple, float] = {}
        curves: dict[tuple, np.ndarray] = {}
        value = 0.0
        for row, weight in weights.items():
            key = self.keys[row]
            slope = self.lines[key].slope
            value += weight * self.x[row]
            wells[key] = wells.get(key, 0.0) + weight**2 / (self.wells[row] * slope**2)
            derivative = -weight / slope * np.array([1.0, self.x[row]])
            curves[key] = curves.get(key, np.zeros(2)) + derivative
        parts = [(part * self.spread[key][0] ** 2, self.spread[key][1]) for key, part in wells.items()]
        for key, gradient in curves.items():
            line = self.lines[key]
            parts.append((float(gradient @ line.covariance @ gradient), line.freedom))
        variance = sum(part for part, _ in parts)
        lost = sum(part**2 / freedom for part, freedom in parts)
        return Estimate(float(value), variance**0.5, variance**2 / lost if lost > 0 else np.inf)


def scaled(estimate: Estimate, confidence: float) -> tuple[float, float, float, float]:
    """Return quantity, standard error and limits from those of its log10."""
    t = stdtrit(min(estimate.freedom, 1e9), (1 + confidence) / 2)
    value = 10**estimate.value
    reach = t * estimate.error
    limits = 10 ** np.clip([estimate.value - reach, estimate.value + reach], -300, 300)
    return value, value * np.log(10) * estimate.error, *map(float, limits)


def mean_of(all_weights: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """Average weights."""
    mean: dict[int, float] = {}
    for weights in all_weights:
        for row, weight in weights.items():
            mean[row] = mean.get(row, 0.0) + weight / len(all_weights)
    return mean


def minus(weights: Mapping[int, float], other: Mapping[int, float]) -> dict[int, float]:
    """Subtract weights."""
    rows = dict.fromkeys([*weights, *other])
    return {row: weights.get(row, 0.0) - other.get(row, 0.0) for row in rows}


def gravest(statuses: Iterable[str]) -> str:
    """Return the gravest of statuses."""
    return min(statuses, key=STATUSES.index, default="ok")


class Ratio(NamedTuple):
    """One gene of one sample, to the housekeeping genes: the weights of measurements, and what they say."""

    weights: dict[int, float] | None
    status: str
    reason: str


def to_housekeeping(
    rows: Sequence[tuple], own: Sequence[int], housekeeping: Mapping[str, Sequence[int]]
) -> Ratio:
    """Weigh one sample's measurements of a gene (`own` of all rows) against those of housekeeping genes."""
    used = [place for place in own if rows[place].x == rows[place].x]
    if not used:
        worst = min((rows[place] for place in own), key=lambda row: STATUSES.index(row.status))
        return Ratio(None, worst.status, worst.reason)
    beside = []
    for gene, places in housekeeping.items():
        known = [place for place in places if rows[place].x == rows[place].x]
        if not known:
            why = f"{gene}: {rows[places[0]].reason}" if places else f"{gene} was not measured in the sample"
            return Ratio(None, "no_housekeeping", why)
        beside.append(known)
    parts = []
    for place in used:
        means = []
        for known in beside:
            same = [other for other in known if rows[other].plate == rows[place].plate] or known
            means.append(dict.fromkeys(same, 1 / len(same)))
        parts.append(minus({place: 1.0}, mean_of(means)))
    weights = mean_of(parts)
    shown = list(dict.fromkeys([*own, *weights]))
    says = [f"{rows[n].gene} on {rows[n].plate}: {rows[n].reason}" for n in shown if rows[n].reason]
    statuses = [rows[place].status for place in weights]
    statuses += ["partly_undetermined"] * (len(used) < len(own))
    return Ratio(weights, gravest(statuses), "; ".join(says))


def quantities_of(
    measured: pd.DataFrame, errors: Errors, housekeeping: Sequence[str], calibrator: str, confidence: float
) -> pd.DataFrame:
    """List the quantities of the genes that are not housekeeping: a row a gene and sample."""
    rows = list(measured.itertuples(index=False))
    places: dict[tuple, list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault((row.gene, row.line, row.condition, row.replicate), []).append(place)
    reference = {row.line: f"{row.line}.{row.condition}" for row in rows if row.role == "reference"}
    ratios: dict[tuple, Ratio] = {}
    groups: dict[tuple, list] = {}
    for key, own in places.items():
        gene, line, condition, _ = key
        if gene in housekeeping:
            continue
        others = {other: places.get((other, *key[1:]), []) for other in housekeeping}
        ratios[key] = to_housekeeping(rows, own, others)
        if ratios[key].weights is not None:
            groups.setdefault((gene, f"{line}.{condition}"), []).append(ratios[key].weights)
    bases = {key: mean_of(weights) for key, weights in groups.items()}
    listed = []
    for key, ratio in ratios.items():
        gene, line = key[:2]
        own, group = [rows[place] for place in places[key]], calibrator or reference.get(line, "")
        ct = [row.ct_mean for row in own if row.wells]
        sd = [row.ct_sd**2 for row in own if row.wells > 1]
        row = dict(zip(["gene", *SAMPLE], key, strict=True)) | {
            "role": own[0].role,
            "ct_mean": np.mean(ct) if ct else np.nan,
            "ct_sd": np.mean(sd) ** 0.5 if sd else np.nan,
            "wells": sum(row.wells for row in own),
            "plates": len(own),
            "calibrator": group,
            "housekeeping": ";".join(housekeeping),
            "status": ratio.status,
            "reason": ratio.reason,
        }
        if ratio.weights is not None:
            value, error, _, _ = scaled(errors.estimate(ratio.weights), confidence)
            row |= {"quantity_to_housekeeping": value, "quantity_to_housekeeping_se": error}
            if base := bases.get((gene, group)):
                relative = errors.estimate(minus(ratio.weights, base))
                names = ("quantity", "quantity_se", "quantity_low", "quantity_high")
                row |= dict(zip(names, scaled(relative, confidence), strict=True))
            else:
                why = f"no quantity of {gene} in {group}" if group else f"{line} has no reference condition"
                row |= {"status": "no_calibrator", "reason": "; ".join(filter(None, [why, ratio.reason]))}
        listed.append(row)
    return pd.DataFrame(listed, columns=QUANTITY_COLUMNS)


def means_of(quantities: pd.DataFrame) -> pd.DataFrame:
    """Average the quantities of each gene, line and condition, as logarithms."""
    known = quantities[quantities.quantity.gt(0)]
    groups = known.assign(log=np.log10(known.quantity)).groupby(
        ["line", "gene", "condition", "role", "calibrator"], sort=False
    )
    return (10 ** groups.log.mean()).rename("mean").to_frame().join(groups.size().rename("n")).reset_index()


def analyse(
    wells: pd.DataFrame, housekeeping: Sequence[str], calibrator: str, confidence: float
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return standards, measurements, quantities, and the wells with `kept`, of a checked sheet."""
    text = [column for column, kind in SHEET.items() if kind == "str"]
    wells = with_kept(wells.assign(**wells[text].fillna("")))
    standards, lines = standards_of(wells, confidence)
    measured = measured_of(wells, standards, lines)
    errors = Errors(measured, standards, lines)
    quantities = quantities_of(measured, errors, housekeeping, calibrator, confidence)
    found = [
        scaled(errors.estimate({row: 1.0}), confidence) if x == x else [np.nan] * 4
        for row, x in measured.x.items()
    ]
    columns = ["quantity", "quantity_se", "quantity_low", "quantity_high"]
    measured[columns] = pd.DataFrame(found, columns=columns, index=measured.index, dtype="float64")
    return standards, measured, quantities, wells


@click.command(cls=Script)
@click.option(
    "--wells",
    "sheet",
    type=INPUT,
    required=True,
    help="TSV: plate, well, gene, role, quantity, ct (cycles), line, condition, replicate and so on.",
)
@click.option(
    "--housekeeping",
    default="GAPDH",
    show_default=True,
    help="Genes that quantities are relative to, separated by commas.",
)
@click.option(
    "--calibrator",
    default="",
    help="Group that quantities are relative to, as line.condition; else each line's reference condition.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Confidence of intervals.",
)
@RESULTS
def main(sheet: Path, housekeeping: str, calibrator: str, confidence: float, results: Path) -> None:
    """Fit standard curves, and quantify genes relative to housekeeping genes and calibrator."""
    genes = list(dict.fromkeys(filter(None, (gene.strip() for gene in housekeeping.split(",")))))
    standards, measured, quantities, wells = analyse(read_table(sheet, SHEET), genes, calibrator, confidence)
    write_table(standards[STANDARD_COLUMNS], results / "standards.tsv")
    write_table(measured[MEASURED_COLUMNS], results / "measurements.tsv")
    write_table(quantities, results / "quantities.tsv")
    drawn = write_curves(results, wells, standards, measured)
    write_sections(results, standards, quantities, means_of(quantities), drawn, confidence)
    write_versions(results / "versions.tsv", "matplotlib", "numpy", "pandas", "scipy")


if __name__ == "__main__":
    main()
