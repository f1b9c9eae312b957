#!/usr/bin/env python3
"""Judge dose-response curves as fitted: IC50s with intervals, statuses, growth-rate metrics.

Curves     As fit_dose_curves fitted them: log(inhibitor) vs. response, variable slope. IC50s with profile-
           likelihood and Wald intervals (the latter symmetric on the log scale), absolute IC50s (50 % of the
           vehicle) with the delta method's. Lack of fit: F test of the curve against the means of its doses
           (Prism's replicates test).
Status     too_few_doses (below 4, or no more values than parameters), fit_failed (no convergence), no_effect
           (no better than a constant: F test), not_monotone (means rise again by more than half of their
           range, and replicates, where there are any, say p < 0.01 against any falling curve),
           ic50_above_range, ic50_below_range (not within the doses: no IC50 is given), ambiguous (an end of
           the interval is open, as Prism calls it), ok. A result is never infinite: what is not known is
           missing, and the status says why.
GR         3-parameter curves (Hafner et al. 2016) against a flat one: F test at 0.05 with n - 2 degrees of
           freedom, as their package has it. GRmax is the lower mean GR of the two highest doses, AOC the mean
           of 1 - GR over log dose by trapezes. A flat curve's GRinf is its mean; it has no GR50 or GEC50.
Assumes    Independent errors of one variance: with SDs of 0.1 of log10 IC50 between experiments, 95 %
           intervals held 86 to 88 % (simulated: 7 doses, 3 experiments, residual SD 5 %). Of constants, 1.5 %
           were taken for curves at 0.05, since rising ones are not.

References Ritz et al. 2015, doi:10.1371/journal.pone.0146021 (drc); Prism's curve fitting guide,
           graphpad.com/guides/prism/latest/curve-fitting; Hafner et al. 2016, doi:10.1038/nmeth.3853
"""

from pathlib import Path

import click
import numpy as np
import pandas as pd
from common.cli import FOLDER, RESULTS, Script
from common.dose_curves import (
    CURVE,
    EXPERIMENT_FITS,
    FITS,
    FITTED,
    GIVEN,
    GROWTH_FITS,
    read_reasons,
    read_values,
)
from common.dose_response_report import write_curves, write_growth
from common.multiqc import write_versions
from common.tables import read_table, write_table
from scipy.special import fdtrc, stdtrit

PARAMETERS = {"4pl": 4, "3pl_bottom": 3, "3pl_slope": 3}
MIN_DOSES = 4
RISE, RISE_P = 0.5, 0.01  # share of the range of doses' means, and p, from which a curve is not monotone
GR_ALPHA = 0.05
GROWTH_RATE = [
    *CURVE,
    *("gr50", "gr_max", "gr_inf", "gec50", "hill", "gr_aoc", "r_squared", "p_value", "fit", "n", "doses"),
    *("lowest_dose", "highest_dose", "status", "reason"),
]


def f_test(
    null: np.ndarray, full: np.ndarray, df_1: np.ndarray, df_2: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return F and p of residual squares `full` (df_2) against `null`, which has df_1 parameters fewer.

    NaN where there are no degrees of freedom or no residuals.
    """
    null, full, df_1, df_2 = (np.asarray(each, dtype=float) for each in (null, full, df_1, df_2))
    usable = (df_1 > 0) & (df_2 > 0) & (full > 1e-20 * null)
    safe = np.where(usable, full / np.maximum(df_2, 1), 1)
    ratio = np.where(usable, np.maximum(null - full, 0) / np.maximum(df_1, 1) / safe, np.nan)
    return ratio, fdtrc(np.where(usable, df_1, np.nan), df_2, ratio)


def diagnose(values: pd.DataFrame, curves: int) -> pd.DataFrame:
    """Describe each curve's values (curve, dose, value) without a model: doses, and whether means fall.

    The closest falling curve has at each dose the lowest, over doses up to it, of the highest mean of
    values from there to some dose at or after it (isotonic regression).
    """
    values = values.sort_values(["curve", "dose", "value"])
    groups = values.groupby(["curve", "dose"]).value
    means = groups.agg(["mean", "size"]).reset_index()
    means["place"] = means.groupby("curve").cumcount()
    shape = (curves, int(means.place.max()) + 1 if len(means) else 1)
    mean, number, dose = np.zeros(shape), np.zeros(shape), np.full(shape, np.nan)
    at = (means.curve.to_numpy(int), means.place.to_numpy(int))
    mean[at], number[at], dose[at] = means["mean"], means["size"], means.dose
    within = ((values.value - groups.transform("mean")) ** 2).groupby(values.curve).sum()
    within = within.reindex(range(curves), fill_value=0).to_numpy()

    known, doses, count = number > 0, (number > 0).sum(axis=1), number.sum(axis=1)
    totals = [np.pad(np.cumsum(each, axis=1), ((0, 0), (1, 0))) for each in (number, number * mean)]
    sizes, sums = (each[:, None, 1:] - each[:, :-1, None] for each in totals)
    ahead = np.triu(np.ones((shape[1],) * 2, dtype=bool)) & known[:, :, None]
    spans = np.where(ahead, sums / np.maximum(sizes, 1), -np.inf)
    reached = np.maximum.accumulate(spans[:, :, ::-1], axis=2)[:, :, ::-1]
    falling = np.where(known, np.where(ahead, reached, np.inf).min(axis=1), 0)
    lack = (number * np.where(known, mean - falling, 0) ** 2).sum(axis=1)
    steps = np.pad(np.abs(np.diff(falling, axis=1)) > 1e-12 * np.abs(mean).max(), ((0, 0), (1, 0)))
    blocks = (steps & known).sum(axis=1) + 1
    lowest = np.minimum.accumulate(np.where(known, mean, np.inf), axis=1)
    _, p = f_test(lack + within, within, doses - blocks, count - doses)
    high, low = np.where(known, mean, -np.inf).max(axis=1), np.where(known, mean, np.inf).min(axis=1)
    positive = np.where(dose > 0, dose, np.nan)
    return pd.DataFrame(
        {
            "doses": doses,
            "lowest_dose": np.where(positive > 0, positive, np.inf).min(axis=1),
            "highest_dose": np.where(positive > 0, positive, -np.inf).max(axis=1),
            "rise": np.where(known, mean - lowest, 0).max(axis=1),
            "range": np.where(doses > 0, high - low, 0),
            "rise_p": p,
            "within": within,
        }
    ).replace([np.inf, -np.inf], np.nan)


def judge(fits: pd.DataFrame, shown: pd.DataFrame, confidence: float) -> tuple[pd.Series, pd.Series]:
    """Return the status of each fit and the reason, given what `diagnose` says of its values (same rows)."""
    place, low, high = fits.log10_ic50, np.log10(shown.lowest_dose), np.log10(shown.highest_dose)
    needed = fits.model.map(PARAMETERS).fillna(0)
    rising = shown.rise / shown["range"].where(shown["range"] > 0)
    ends = np.where(
        fits.log10_ic50_low.isna() & fits.log10_ic50_high.isna(),
        "both ends lie",
        np.where(fits.log10_ic50_low.isna(), "its lower end lies", "its upper end lies"),
    )
    rules = [
        (
            (shown.doses < MIN_DOSES) | (fits.n <= needed) | fits.model.isna(),
            "too_few_doses",
            [
                f"{doses:.0f} doses with values, {MIN_DOSES} needed"
                if doses < MIN_DOSES
                else f"{n:.0f} values for {many:.0f} parameters"
                for doses, n, many in zip(shown.doses, fits.n.fillna(0), needed, strict=True)
            ],
        ),
        (fits.all_equal == "yes", "no_effect", ["all responses are equal"] * len(fits)),
        (fits.converged == "no", "fit_failed", ["the fit did not converge"] * len(fits)),
        (
            ~(fits.flat_p < 1 - confidence),
            "no_effect",
            [
                "no falling curve fits better than a constant"
                if np.isnan(p)
                else f"fits no better than a constant (F test, p {p:.2g})"
                for p in fits.flat_p
            ],
        ),
        (
            (rising > RISE) & ~(shown.rise_p >= RISE_P),
            "not_monotone",
            [f"means rise again by {100 * share:.0f} % of their range" for share in rising],
        ),
        (
            place > high,
            "ic50_above_range",
            [f"above the highest dose, {dose:g}" for dose in shown.highest_dose],
        ),
        (
            place < low,
            "ic50_below_range",
            [f"below the lowest dose, {dose:g}" for dose in shown.lowest_dose],
        ),
        (
            fits.log10_ic50_low.isna() | fits.log10_ic50_high.isna(),
            "ambiguous",
            [f"the interval of the IC50 is open: {which} beyond what was searched" for which in ends],
        ),
    ]
    status, reason = pd.Series("ok", fits.index), pd.Series("", fits.index)
    for where, name, words in reversed(rules):
        status, reason = status.mask(where, name), reason.mask(where, pd.Series(words, fits.index))
    return status, reason


def list_curves(
    fits: pd.DataFrame, values: pd.DataFrame, reasons: pd.Series, confidence: float
) -> pd.DataFrame:
    """List the curves with their status; numbers that the status denies are missing.

    `reasons` (by curve) say why values are missing.
    """
    shown = diagnose(values, len(fits))
    status, reason = judge(fits, shown, confidence)
    reason = reason.where(~(reasons.ne("") & status.eq("too_few_doses")), reason + "; " + reasons)
    reason = reason.mask(
        fits.model_reason.notna() & status.isin(FITTED),
        (reason + "; " + fits.model_reason.fillna("")).str.strip("; "),
    )
    effect, given = status.isin(FITTED), status.isin(GIVEN)
    t = pd.Series(stdtrit(np.maximum(fits.df.fillna(1), 1), (1 + confidence) / 2), fits.index)
    reach, absolute_reach = t * fits.log10_ic50_se, t * fits.log10_ic50_absolute_se
    lack_df = shown.doses - fits.model.map(PARAMETERS)
    _, lack_p = f_test(fits.residual_squares, shown.within, lack_df, fits.n - shown.doses)
    residual_sd = np.sqrt(fits.residual_squares / fits.df.where(fits.df > 0))
    inside = given & fits.log10_ic50_absolute.between(
        np.log10(shown.lowest_dose), np.log10(shown.highest_dose)
    )
    percent = fits.response_unit == "percent_of_vehicle"
    half = np.select(
        [~percent, ~effect, fits.log10_ic50_absolute.isna(), ~inside],
        ["not_percent", "no_ic50", "not_reached", "outside_range"],
        "ok",
    )
    absolute = fits.log10_ic50_absolute.where(half == "ok")
    columns = {
        **{name: fits[name] for name in ("curve", *CURVE, "response_unit")},
        "model": fits.model.where(effect),
        **{name: fits[name].where(effect) for name in ("bottom", "top", "slope")},
        "ic50": 10.0 ** fits.log10_ic50.where(given),
        "ic50_low": 10.0 ** fits.log10_ic50_low.where(effect),
        "ic50_high": 10.0 ** fits.log10_ic50_high.where(effect),
        "ic50_wald_low": 10.0 ** (fits.log10_ic50 - reach).where(given & reach.lt(10)),
        "ic50_wald_high": 10.0 ** (fits.log10_ic50 + reach).where(given & reach.lt(10)),
        "ic50_absolute": 10.0**absolute,
        "ic50_absolute_low": 10.0 ** (absolute - absolute_reach).where(absolute_reach.lt(10)),
        "ic50_absolute_high": 10.0 ** (absolute + absolute_reach).where(absolute_reach.lt(10)),
        "ic50_absolute_status": half,
        "r_squared": fits.r_squared.where(effect),
        "residual_sd": residual_sd.where(effect),
        "lack_of_fit_p": pd.Series(lack_p, fits.index).where(effect),
        "no_effect_p": fits.flat_p,
        "at_limit": fits.at_limit.where(effect),
        **{"n": fits.n, "doses": shown.doses},
        "experiments": values.groupby("curve").experiment.nunique().reindex(range(len(fits)), fill_value=0),
        **{"lowest_dose": shown.lowest_dose, "highest_dose": shown.highest_dose},
        **{"status": status, "reason": reason},
    }
    return pd.DataFrame(columns)


def list_experiments(
    fits: pd.DataFrame, curves: pd.DataFrame, values: pd.DataFrame, confidence: float
) -> pd.DataFrame:
    """List each experiment's own fit of each curve, with the curve's model; log10 IC50 where it is given."""
    keys = fits[["curve", "experiment"]].reset_index(names="fit")
    known = values.merge(keys, on=["curve", "experiment"])[["fit", "dose", "value"]]
    shown = diagnose(known.rename(columns={"fit": "curve"}), len(fits))
    status, reason = judge(fits, shown, confidence)
    given, effect = status.isin(GIVEN), status.isin(FITTED)
    table = curves.loc[fits.curve, ["curve", *CURVE]].reset_index(drop=True)
    return table.assign(
        experiment=fits.experiment,
        model=fits.model.where(effect),
        **{name: fits[name].where(effect) for name in ("bottom", "top", "slope")},
        log10_ic50=fits.log10_ic50.where(given),
        ic50=10.0 ** fits.log10_ic50.where(given),
        ic50_low=10.0 ** fits.log10_ic50_low.where(effect),
        ic50_high=10.0 ** fits.log10_ic50_high.where(effect),
        n=fits.n,
        doses=shown.doses,
        status=status,
        reason=reason,
    )


def list_growth(fits: pd.DataFrame, values: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """List growth-rate metrics of the curves that have values (curve, dose, value)."""
    rows = []
    for fit in fits.itertuples():
        known = values[(values.curve == fit.curve) & (values.dose > 0)]
        means = known.groupby("dose").value.mean()
        logs = np.log10(means.index.to_numpy(float))
        row = {name: curves.loc[fit.curve, name] for name in CURVE}
        row |= {"n": fit.n, "doses": len(means), "status": "ok", "reason": ""}
        if len(means) < MIN_DOSES or fit.df < 1:
            words = f"{len(means)} doses with values, {MIN_DOSES} needed"
            rows.append(row | {"status": "too_few_doses", "reason": words})
            continue
        low, high = means.index.min(), means.index.max()
        row |= {"lowest_dose": low, "highest_dose": high, "gr_max": means.iloc[-2:].min()}
        row["gr_aoc"] = np.trapezoid(1 - means.to_numpy(), logs) / (logs[-1] - logs[0])
        about = ((known.value - known.value.mean()) ** 2).sum()
        _, p = f_test(
            np.array([about]), np.array([fit.residual_squares]), np.array([2]), np.array([fit.n - 2])
        )
        row |= {"p_value": p[0], "r_squared": fit.r_squared}
        if not p[0] < GR_ALPHA:
            words = f"fits no better than a constant (F test, p {p[0]:.2g})"
            row |= {"fit": "flat", "gr_inf": known.value.mean(), "status": "no_effect", "reason": words}
        elif fit.converged == "no":
            row |= {"status": "fit_failed", "reason": "the fit did not converge"}
        else:
            hill, gec50 = -fit.slope, 10**fit.log10_ic50
            row |= {"fit": "sigmoid", "gr_inf": fit.gr_inf, "gec50": gec50, "hill": hill}
            gr50 = (
                np.nan
                if fit.gr_inf >= 0.5
                else gec50 * ((1 - fit.gr_inf) / (0.5 - fit.gr_inf) - 1) ** (1 / hill)
            )
            if low <= gr50 <= high:
                row["gr50"] = gr50
            elif gr50 < low:
                row |= {"status": "gr50_below_range", "reason": f"below the lowest dose, {low:g}"}
            else:
                words = "GRinf is 0.5 or more" if np.isnan(gr50) else f"above the highest dose, {high:g}"
                row |= {"status": "gr50_above_range", "reason": words}
        rows.append(row)
    return pd.DataFrame(rows, columns=GROWTH_RATE)


@click.command(cls=Script)
@click.option("--wells", type=FOLDER, required=True, help="Folder of wells.tsv of normalise_plates.")
@click.option("--responses", type=FOLDER, required=True, help="Folder of responses.tsv of normalise_plates.")
@click.option("--fits", type=FOLDER, required=True, help="Folder of the tables of fit_dose_curves.")
@click.option(
    "--dose-fit-on",
    type=click.Choice(["experiments", "wells"]),
    default="experiments",
    show_default=True,
    help="Values that curves were fitted on: experiments' means or wells.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Level of the intervals, as fitted.",
)
@RESULTS
def main(
    wells: Path, responses: Path, fits: Path, dose_fit_on: str, confidence: float, results: Path
) -> None:
    """Judge the fits of dose-response curves."""
    table = read_table(fits / "fits.tsv", FITS).sort_values("curve").reset_index(drop=True)
    values = read_values(wells, responses, table, dose_fit_on)
    reasons = read_reasons(responses, table)
    known = values.dropna(subset="value")
    curves = list_curves(table, known, reasons, confidence)
    own = read_table(fits / "experiment_fits.tsv", EXPERIMENT_FITS)
    experiments = list_experiments(own, curves, known, confidence)
    growing = values.dropna(subset="growth_rate_value").assign(value=lambda rows: rows.growth_rate_value)
    growth = list_growth(read_table(fits / "growth_fits.tsv", GROWTH_FITS), growing, curves)
    write_table(curves, results / "curves.tsv")
    write_table(experiments, results / "experiments.tsv")
    write_table(growth, results / "growth_rate.tsv")
    write_curves(results / "dose_response_mqc.json", curves)
    if len(growth):
        write_growth(results / "dose_response_growth_rate_mqc.json", growth)
    write_versions(results / "versions.tsv", "numpy", "pandas", "scipy")


if __name__ == "__main__":
    main()
