#!/usr/bin/env python3
"""Compare dose-response curves: tests, fold changes of IC50, trends along modulators, the resistance table.

Pairs      Reference and target of a line, each modulator and none, and those of a sheet, as fit_dose_curves
           fitted them, each with its model (one curve for both: with that of fewer parameters). The fold
           change is the IC50 of curve 2 over that of curve 1.
F test     Extra sum of squares (`f_test`, as Prism): one curve for both, and one IC50 for both, with the
           difference of AICc (above 0: two curves, or two IC50s, are better; Motulsky and Christopoulos 2004)
           and the fold change's profile-likelihood interval. Values count as independent, which those of
           experiments that shift as a whole are not: with SDs of 0.1 of log10 IC50 between experiments, true
           null hypotheses were rejected in 14 % of studies at 0.05.
By         log10 IC50 of each experiment (`by_experiment`): t test, paired where two experiments or more have
experiment both curves, else Welch's, with the t interval of the fold change. Where one of both tests is
           significant and the other is not, both rows' status is `disagreement`.
Family     p is adjusted by Holm's method over all lines and conditions with the same compound, kind of pair,
           hypothesis and method: each row names its family.
Trend      Per experiment the slope of log10 IC50 over the ranks of a modulator's doses, none included: t test
           of the slopes against 0. Experiments that lack a dose are left out.
Figures    Means over experiments with their SEM, curves, IC50s; the vehicle, or dose 0, behind a break.

References Motulsky and Christopoulos 2004, Fitting models to biological data using linear and nonlinear
           regression, ISBN 978-0-19-517180-8; Prism's curve fitting guide,
           graphpad.com/guides/prism/latest/curve-fitting; Welch 1947, doi:10.1093/biomet/34.1-2.28;
           Holm 1979, Scand J Stat 6:65
"""

from pathlib import Path

import click
import numpy as np
import pandas as pd
from common.cli import FOLDER, RESULTS, Script
from common.dose_comparison_figure import draw_curves, draw_forest
from common.dose_comparison_report import write_comparisons, write_lines
from common.dose_curves import CURVE, CURVES, FITTED, GIVEN, PAIR_FITS, RESPONSES, WELLS, described
from common.evidence import evidence_table, write_evidence
from common.figures import save_figure
from common.multiqc import write_versions
from common.tables import read_table, write_table
from scipy.special import fdtrc, stdtr, stdtrit

TESTED = ["comparison", "null_hypothesis", "fold_change", "p_adjusted", "status"]
PANELS = 12  # lines in a figure
# Compounds whose shift is compared with the call, as sheets name them.
SHIFTS = {
    "mmc_shift": {"mmc", "mitomycin", "mitomycinc"},
    "cisplatin_shift": {"cisplatin", "cddp", "cisplatinum", "cisdiamminedichloroplatinum"},
}
SETTING = ["line", "condition", "condition_role", "compound", "dose_unit"]
COMPARED = [
    *("comparison", "kind", "line", "compound", "dose_unit", "curve_1", "curve_2", "status_1", "status_2"),
    *("null_hypothesis", "method", "test", "model", "statistic", "df_1", "df_2", "experiments_1"),
    *("experiments_2", "p_value", "p_adjusted", "adjust_method", "family", "aicc_difference", "fold_change"),
    *("fold_change_low", "fold_change_high", "disagreement", "status", "reason"),
]
RESISTANCE = [
    *("line", "compound", "dose_unit", "condition_reference", "condition_target", "ic50_reference"),
    *("ic50_reference_low", "ic50_reference_high", "status_reference", "ic50_target", "ic50_target_low"),
    *("ic50_target_high", "status_target", "fold_change", "fold_change_low", "fold_change_high", "p_value"),
    *("p_adjusted", "by_experiment_fold_change", "by_experiment_low", "by_experiment_high"),
    *("by_experiment_p", "by_experiment_p_adjusted", "status", "reason"),
]
TRENDS = [
    *(*SETTING, "modulator", "modulator_unit", "modulator_dose", "ic50", "ic50_low", "ic50_high"),
    *("ic50_status", "fold_change", "fold_change_low", "fold_change_high"),
    *("experiments", "fold_per_step", "fold_per_step_low", "fold_per_step_high", "test", "statistic", "df"),
    *("p_value", "p_adjusted", "adjust_method", "family", "status", "reason"),
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


def t_interval(values: np.ndarray, confidence: float) -> tuple[float, float, float, float, float, float]:
    """Return mean, low, high, t, df and p of values against a mean of 0; no t without a variance."""
    count, mean = len(values), values.mean()
    error = values.std(ddof=1) / np.sqrt(count) if count > 1 else 0.0
    if error <= 1e-12 * np.abs(values).max():
        return mean, np.nan, np.nan, np.nan, count - 1, np.nan
    reach = stdtrit(count - 1, (1 + confidence) / 2) * error
    p = 2 * stdtr(count - 1, -abs(mean / error))
    return mean, mean - reach, mean + reach, mean / error, count - 1, p


def welch(one: np.ndarray, two: np.ndarray, confidence: float) -> tuple[float, ...]:
    """Return the mean of `two` minus that of `one`, low, high, t, df and p, by Welch's t test."""
    difference = two.mean() - one.mean()
    shares = np.array([one.var(ddof=1) / len(one), two.var(ddof=1) / len(two)])
    if shares.sum() <= 1e-24 * max(np.abs(one).max(), np.abs(two).max()) ** 2:
        return difference, np.nan, np.nan, np.nan, np.nan, np.nan
    df = shares.sum() ** 2 / (shares**2 / [len(one) - 1, len(two) - 1]).sum()
    error = np.sqrt(shares.sum())
    reach = stdtrit(df, (1 + confidence) / 2) * error
    p = 2 * stdtr(df, -abs(difference / error))
    return difference, difference - reach, difference + reach, difference / error, df, p


def holm(p: pd.Series) -> pd.Series:
    """Adjust p by Holm's method; missing ones do not count."""
    known = p.dropna().sort_values(kind="stable")
    steps = known * np.arange(len(known), 0, -1)
    return steps.cummax().clip(upper=1).reindex(p.index)


def aicc(squares: pd.Series, n: pd.Series, parameters: pd.Series) -> pd.Series:
    """Return Akaike's criterion, corrected for small n; the variance counts as a parameter (as in Prism)."""
    count = parameters + 1
    usable = (n - count - 1 > 0) & (squares > 0)
    logs = np.log(squares.where(usable) / n)
    return n * logs + 2 * count + 2 * count * (count + 1) / (n - count - 1).where(usable)


def by_experiment(one: pd.Series, two: pd.Series, confidence: float) -> dict[str, object]:
    """Compare log10 IC50s by experiment (index) of two curves: differences two - one, and their test."""
    both = one.index.intersection(two.index, sort=False)
    counts = {"experiments_1": len(one), "experiments_2": len(two)}
    if len(both) >= 2:
        result, test = t_interval((two[both] - one[both]).to_numpy(), confidence), "paired_t"
        counts = dict.fromkeys(counts, len(both))
    elif min(len(one), len(two)) >= 2:
        result, test = welch(one.to_numpy(), two.to_numpy(), confidence), "welch_t"
    else:
        words = f"{len(one)} and {len(two)} experiments with an IC50, 2 needed"
        return counts | {"status": "too_few_experiments", "reason": words}
    mean, low, high, statistic, df, p = result
    row = counts | {"test": test, "statistic": statistic, "df_1": df, "p_value": p}
    row |= {"fold": mean, "low": low, "high": high, "status": "ok", "reason": ""}
    return row if p == p else row | {"status": "no_variance", "reason": "experiments do not differ"}


def compare(
    pairs: pd.DataFrame, curves: pd.DataFrame, experiments: pd.DataFrame, confidence: float
) -> pd.DataFrame:
    """Test all pairs of curves: three rows each, Holm's adjustment within families, disagreement named."""
    places = experiments.dropna(subset="log10_ic50").set_index("experiment").groupby("curve").log10_ic50
    places = dict(iter(places))
    tests = {}
    for null, prefix in (("one_curve", "common_"), ("shared_ic50", "")):
        n, k, full = pairs.n, pairs[f"{prefix}parameters"], pairs[f"{prefix}squares_separate"]
        squares, extra = pairs[f"squares_{null}"], k / 2 if null == "one_curve" else k * 0 + 1
        ratio, p = f_test(squares, full, extra, n - k)
        better = aicc(squares, n, k - extra) - aicc(full, n, k)
        found = {"statistic": ratio, "p_value": p, "df_1": extra, "df_2": n - k}
        tests[null] = pd.DataFrame(found | {"aicc_difference": better})
    rows = []
    for pair in pairs.itertuples():
        ends = (pair.curve_1, pair.curve_2)
        known = [curves.loc[end] if end >= 0 else None for end in ends]
        base = {"comparison": pair.comparison, "kind": pair.kind}
        some = next((each for each in known if each is not None), None)
        if some is not None:
            base |= {"line": some.line, "compound": some.compound, "dose_unit": some.dose_unit}
        for side, each in enumerate(known, 1):
            base[f"curve_{side}"] = "" if each is None else described(each)
            base[f"status_{side}"] = "not_measured" if each is None else each.status
        missing = pair.reason if isinstance(pair.reason, str) else ""
        unfit, ungiven = (
            [
                f"curve {side}: {each.status}"
                for side, each in enumerate(known, 1)
                if each is not None and each.status not in good
            ]
            for good in (FITTED, GIVEN)
        )
        for null in ("one_curve", "shared_ic50"):
            test = tests[null].loc[pair.Index]
            row = base | {"null_hypothesis": null, "method": "f_test", "test": "extra_sum_of_squares_f"}
            if missing or not isinstance(pair.model_1, str):
                words = missing or "; ".join(unfit) or "no model fits both"
                row |= {"status": "not_compared", "reason": words}
            elif null == "shared_ic50" and unfit:
                row |= {"status": "no_ic50", "reason": "; ".join(unfit)}
            elif np.isnan(test.p_value):
                row |= {"status": "no_residuals", "reason": "no degrees of freedom or no residuals are left"}
            else:
                models = sorted({pair.model_1, pair.model_2})  # in the order of their parameters
                row |= test.to_dict() | {"status": "ok", "reason": ""}
                row["model"] = models[0] if null == "one_curve" else " and ".join(models)
                if null == "shared_ic50":
                    row |= {"low": pair.log10_fold_low, "high": pair.log10_fold_high}
                    row |= {"reason": "; ".join(ungiven)} if ungiven else {"fold": pair.log10_fold}
            rows.append(row)
        row = base | {"null_hypothesis": "shared_ic50", "method": "by_experiment"}
        if missing:
            rows.append(row | {"status": "not_compared", "reason": missing})
        else:
            nothing = pd.Series(dtype=float)
            rows.append(row | by_experiment(*(places.get(end, nothing) for end in ends), confidence))
    table = pd.DataFrame(rows, columns=[*COMPARED, "fold", "low", "high"])
    table["family"] = (
        table.compound.fillna("") + ": " + table.kind + ", " + table.method + ", " + table.null_hypothesis
    )
    table["p_adjusted"] = table.groupby("family").p_value.transform(holm)
    table["adjust_method"] = "holm"
    for side, name in (("fold", ""), ("low", "_low"), ("high", "_high")):
        logs = table[side].astype(float)
        table[f"fold_change{name}"] = 10.0 ** logs.where(logs.abs() < 100)
    table["disagreement"] = pd.Series("", table.index)
    tested = table[table.null_hypothesis == "shared_ic50"]
    significant = (tested.p_adjusted < 1 - confidence).where(tested.p_adjusted.notna())
    for _, pair in significant.groupby(np.arange(len(tested)) // 2):
        if pair.isna().any():
            continue
        table.loc[pair.index, "disagreement"] = "yes" if pair.iloc[0] != pair.iloc[1] else "no"
        if pair.iloc[0] != pair.iloc[1]:
            which = dict(zip(table.method[pair.index], pair, strict=True))
            words = (
                f"p is below {1 - confidence:.2g} by {'f_test' if which['f_test'] else 'by_experiment'} only"
            )
            table.loc[pair.index, "status"] = "disagreement"
            table.loc[pair.index, "reason"] = (table.reason[pair.index] + "; " + words).str.strip("; ")
    return table[COMPARED]


def list_resistance(pairs: pd.DataFrame, compared: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """List target against reference of each line and compound: IC50s, fold change by both methods."""
    rows = []
    tested = compared[(compared.kind == "conditions") & (compared.null_hypothesis == "shared_ic50")]
    for pair in pairs[pairs.kind == "conditions"].itertuples():
        one, two = curves.loc[pair.curve_1], curves.loc[pair.curve_2]
        found = tested[tested.comparison == pair.comparison].set_index("method")
        row = {name: one[name] for name in ("line", "compound", "dose_unit")}
        for end, curve in (("reference", one), ("target", two)):
            row[f"condition_{end}"], row[f"status_{end}"] = curve.condition, curve.status
            row |= {f"ic50_{end}{side}": curve[f"ic50{side}"] for side in ("", "_low", "_high")}
        test, other = found.loc["f_test"], found.loc["by_experiment"]
        row |= {name: test[name] for name in RESISTANCE if name in test.index and name not in row}
        row |= {f"by_experiment_{name}": other[name] for name in ("fold_change", "p_adjusted")}
        row |= {f"by_experiment_{end}": other[f"fold_change_{end}"] for end in ("low", "high")}
        rows.append(row | {"by_experiment_p": other.p_value})
    return pd.DataFrame(rows, columns=RESISTANCE)


def list_evidence(resistance: pd.DataFrame) -> pd.DataFrame:
    """List shifts of MMC and cisplatin, log2 of the fold change of IC50; what `resistance` has, in log2.

    Of experiments, where these have an interval; else of the F test, which takes all values as independent.
    """
    rows = []
    for row in resistance.itertuples():
        plain = "".join(filter(str.isalnum, row.compound.casefold()))
        evidence = next((name for name, names in SHIFTS.items() if plain in names), None)
        if evidence is None:
            continue
        found = [row.by_experiment_fold_change, row.by_experiment_low, row.by_experiment_high]
        said = [] if row.status in ("ok", "disagreement") else [row.status.replace("_", " ")]
        if pd.isna(found).any():
            found = [row.fold_change, row.fold_change_low, row.fold_change_high]
            said.append("interval of the F test, values as independent" if pd.notna(found).all() else "")
        value, low, high = np.log2(np.array(found, dtype=float))
        status = "no_fold_change" if np.isnan(value) else "ok"
        if status != "ok":
            curves = f"curves: {row.status_reference} and {row.status_target}"
            said = [row.reason if isinstance(row.reason, str) and row.reason else curves]
        rows.append(
            {"line": row.line, "condition": row.condition_target, "role": "target", "evidence": evidence}
            | {"value": value, "low": low, "high": high, "unit": "log2", "status": status}
            | {"reason": "; ".join(filter(None, said)), "source": "dose_comparison/resistance.tsv"}
        )
    return evidence_table(rows)


def list_trends(
    pairs: pd.DataFrame,
    compared: pd.DataFrame,
    curves: pd.DataFrame,
    experiments: pd.DataFrame,
    confidence: float,
) -> pd.DataFrame:
    """List IC50s along the doses of each modulator, with the test for a trend of their logarithms."""
    places = experiments.pivot_table("log10_ic50", "experiment", "curve", sort=False)
    folds = compared[(compared.null_hypothesis == "shared_ic50") & (compared.method == "f_test")]
    folds = folds[folds.kind == "modulators"].set_index("comparison")
    names = pairs[pairs.kind == "modulators"].set_index("curve_2").comparison
    rows = []
    keys = [*SETTING, "modulator", "modulator_unit"]
    modulators = curves[curves.modulator.notna()].groupby(keys, sort=False, dropna=False)
    for number, (_, group) in enumerate(modulators):
        first = group.iloc[0]
        plain = curves[curves.modulator.isna() & (curves[SETTING] == first[SETTING]).all(axis=1)]
        steps = pd.concat([plain, group.sort_values("modulator_dose")])
        base = {name: first[name] for name in keys} | {"trend": number, "adjust_method": "holm"}
        base["family"] = f"{first.compound}: trend along {first.modulator}"
        complete = places.reindex(columns=steps.curve).dropna()
        test: dict[str, object] = {"experiments": len(complete)}
        if len(plain) == 0 or len(group) < 2:
            test |= {
                "status": "too_few_doses",
                "reason": f"{len(steps)} doses of the modulator (none is one), 3 needed",
            }
        elif len(complete) < 2:
            test |= {
                "status": "too_few_experiments",
                "reason": f"{len(complete)} experiments with all IC50s, 2 needed",
            }
        else:
            ranks = np.arange(len(steps)) - (len(steps) - 1) / 2
            slopes = complete.to_numpy() @ ranks / (ranks @ ranks)
            mean, low, high, statistic, df, p = t_interval(slopes, confidence)
            test |= {"test": "t_of_slopes", "statistic": statistic, "df": df, "p_value": p, "status": "ok"}
            test |= {"fold_per_step": 10**mean, "fold_per_step_low": 10**low, "fold_per_step_high": 10**high}
            if np.isnan(p):
                test |= {"status": "no_variance", "reason": "experiments do not differ"}
        for curve in steps.itertuples():
            row = base | test | {"modulator_dose": 0 if pd.isna(curve.modulator) else curve.modulator_dose}
            row |= {"ic50": curve.ic50, "ic50_low": curve.ic50_low, "ic50_high": curve.ic50_high}
            row["ic50_status"] = curve.status
            if names.get(curve.curve) in folds.index:
                fold = folds.loc[names[curve.curve]]
                row |= {name: fold[name] for name in ("fold_change", "fold_change_low", "fold_change_high")}
            rows.append(row)
    table = pd.DataFrame(rows, columns=[*TRENDS, "trend"])
    tests = table.drop_duplicates("trend").set_index("trend")  # one p a trend
    table["p_adjusted"] = table.trend.map(tests.groupby("family").p_value.transform(holm))
    return table[TRENDS]


def summarise(values: pd.DataFrame) -> pd.DataFrame:
    """Average values by curve and dose over experiments, whose wells are averaged first: mean and SEM."""
    means = values.groupby(["curve", "experiment", "dose"]).value.mean().reset_index()
    table = means.groupby(["curve", "dose"]).value.agg(["mean", "sem", "size"]).reset_index()
    return table.set_axis(["curve", "dose", "response", "sem", "experiments"], axis=1)


def drawn(
    some: pd.DataFrame,
    points: pd.DataFrame,
    tests: pd.DataFrame,
    trends: pd.DataFrame,
    curves: pd.DataFrame,
) -> pd.DataFrame:
    """List what a figure shows of some curves: means with SEM, fits, IC50s, and p of tests and trends."""
    names = ["line", "condition", "condition_role", "modulator", "modulator_dose", "modulator_unit"]
    tables = []
    for curve in some.to_dict("records"):
        parts = [points[points.curve == curve["curve"]].assign(status=curve["status"])]
        if curve["status"] in FITTED:
            dose = np.geomspace(curve["lowest_dose"], curve["highest_dose"], 60)
            share = 1 / (1 + (dose / 10 ** curve["log10_ic50"]) ** -curve["slope"])
            fitted = curve["bottom"] + (curve["top"] - curve["bottom"]) * share
            parts.append(pd.DataFrame({"kind": "curve", "dose": dose, "response": fitted}))
        if curve["status"] in GIVEN:
            middle = (curve["top"] + curve["bottom"]) / 2
            parts.append(pd.DataFrame([{"kind": "ic50", "dose": curve["ic50"], "response": middle}]))
        tables += [part.assign(**{name: curve[name] for name in names}) for part in parts]
    for test in tests.to_dict("records"):
        row = {"kind": "test", "line": test["line"], "test": test["method"]}
        row |= {name: test[name] for name in TESTED}
        if test["kind"] == "modulators":
            row |= curves.loc[test["curve_2"], names].to_dict()
        tables.append(pd.DataFrame([row]))
    known = trends[trends.p_value.notna()].drop_duplicates(["line", "condition", "condition_role"])
    known = known.assign(kind="trend", fold_change=known.fold_per_step)
    tables.append(known[["kind", *names[:4], "test", "fold_change", "p_adjusted", "status"]])
    columns = ["kind", *names, "dose", "response", "sem", "experiments", *TESTED[:2], "test"]
    filled = [table.dropna(axis=1, how="all") for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True).reindex(columns=[*columns, *TESTED[2:]])


def list_forest(curves: pd.DataFrame, compared: pd.DataFrame) -> pd.DataFrame:
    """List what the overview of a compound draws: IC50s without modulator, and fold changes by method.

    `compared` has both tests of one IC50, each with its own status.
    """
    spots = curves[["line", "condition", "condition_role", "lowest_dose", "highest_dose", "status"]].assign(
        kind="ic50", estimate=curves.ic50, low=curves.ic50_low, high=curves.ic50_high
    )
    names = {"fold_change": "estimate", "fold_change_low": "low", "fold_change_high": "high"}
    folds = compared[["line", "method", *names, "p_adjusted", "status"]].rename(columns=names)
    folds = pd.concat([folds[folds.method == method] for method in ("f_test", "by_experiment")])
    folds["kind"] = "fold_change"
    columns = ["kind", "line", "condition", "condition_role", "method", "estimate", "low", "high"]
    filled = [table.dropna(axis=1, how="all") for table in (spots, folds) if len(table)]
    return pd.concat(filled).reindex(
        columns=[*columns, "lowest_dose", "highest_dose", "p_adjusted", "status"]
    )


def read_points(wells: Path, responses: Path, curves: pd.DataFrame) -> pd.DataFrame:
    """Read the responses to draw (curve, dose, mean, SEM over experiments), vehicles at dose 0 among them."""
    keys = curves[["curve", *CURVE]]
    listed = read_table(responses / "responses.tsv", RESPONSES).merge(keys, on=CURVE)
    samples = summarise(listed.rename(columns={"response_mean": "value"}).dropna(subset="value"))
    plates = read_table(wells / "wells.tsv", WELLS)
    vehicles = plates[(plates.role == "vehicle") & plates.viability_percent.notna()]
    at = ["line", "condition", "modulator", "modulator_dose"]
    named = vehicles.merge(keys[["curve", "compound", *at]], on=at, suffixes=("_named", ""))
    named = named[named.compound_named.isna() | (named.compound_named == named.compound)]
    zero = summarise(named.assign(dose=0.0, value=named.viability_percent))
    zero = zero[~zero.curve.isin(samples.curve[samples.dose == 0])]
    return pd.concat([samples.assign(kind="mean"), zero.assign(kind="vehicle")], ignore_index=True)


@click.command(cls=Script)
@click.option("--wells", type=FOLDER, required=True, help="Folder of wells.tsv of normalise_plates.")
@click.option("--responses", type=FOLDER, required=True, help="Folder of responses.tsv of normalise_plates.")
@click.option("--fits", type=FOLDER, required=True, help="Folder of the tables of fit_dose_curves.")
@click.option("--curves", type=FOLDER, required=True, help="Folder of curves.tsv and experiments.tsv.")
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Level of the intervals, as fitted.",
)
@RESULTS
def main(wells: Path, responses: Path, fits: Path, curves: Path, confidence: float, results: Path) -> None:
    """Compare dose-response curves, and draw them."""
    judged = read_table(curves / "curves.tsv", CURVES).set_index("curve", drop=False)
    own = read_table(
        curves / "experiments.tsv", {"curve": "int64", "experiment": "str", "log10_ic50": "float64"}
    )
    pairs = read_table(fits / "pair_fits.tsv", PAIR_FITS)
    places = read_table(fits / "fits.tsv", {"curve": "int64", "log10_ic50": "float64"}).set_index("curve")
    judged["log10_ic50"] = places.log10_ic50
    compared = compare(pairs, judged, own, confidence)
    resistance = list_resistance(pairs, compared, judged)
    trends = list_trends(pairs, compared, judged, own, confidence)
    write_table(compared, results / "comparisons.tsv")
    write_table(resistance, results / "resistance.tsv")
    write_table(trends, results / "trends.tsv")
    write_evidence(list_evidence(resistance), "dose_comparison", results)

    points = read_points(wells, responses, judged.reset_index(drop=True))
    tested = compared.merge(
        pairs[["comparison", "kind", "curve_2"]], on=["comparison", "kind"], suffixes=("_name", "")
    )
    percent = (judged.response_unit == "percent_of_vehicle").all()
    response = "viability (% of vehicle)" if percent else "response (as given)"
    shown, stems = {}, []
    for compound, group in judged.groupby("compound", sort=False):
        unit = group.dose_unit.iloc[0]
        plain = group[group.modulator.isna()]
        parts = {} if plain.empty else {compound: (plain, tested[tested.kind == "conditions"])}
        for modulator in group.modulator.dropna().unique():
            some = group[group.modulator.isna() | (group.modulator == modulator)]
            lines = group.line[group.modulator == modulator]
            tests = tested[(tested.kind == "modulators") & tested.curve_2.isin(some.curve)]
            parts[f"{compound}.{modulator}"] = (some[some.line.isin(lines)], tests)
        for stem, (some, tests) in parts.items():
            along = trends[(trends.compound == compound) & (compound + "." + trends.modulator == stem)]
            table = drawn(some, points, tests[tests.compound == compound], along, judged)
            shown[stem] = table
            lines = list(table.line[(table.kind == "mean") & (table.dose > 0)].unique())
            for page, first in enumerate(range(0, len(lines), PANELS), 1):
                name = f"{stem}.{page}.curve" if len(lines) > PANELS else f"{stem}.curve"
                part = table[table.line.isin(lines[first : first + PANELS])]
                save_figure(draw_curves(part, compound, unit, response), part, results / name)
                stems.append(f"{name}.svg")
        dosed = plain[plain.lowest_dose.notna()]
        if len(dosed):
            pairs_of_lines = compared[
                (compared.compound == compound)
                & (compared.kind == "conditions")
                & (compared.null_hypothesis == "shared_ic50")
                & compared.line.isin(dosed.line)
            ]
            table = list_forest(dosed, pairs_of_lines)
            save_figure(draw_forest(table, compound, unit, confidence), table, results / f"{compound}.forest")
            stems.append(f"{compound}.forest.svg")
    units = judged.drop_duplicates("compound").set_index("compound").dose_unit.to_dict()
    write_comparisons(results / "dose_comparison_mqc.json", compared, resistance, confidence, stems)
    plain = {compound: table for compound, table in shown.items() if compound in units}
    write_lines(results / "dose_comparison_curves_mqc.json", plain, units, response)
    write_versions(results / "versions.tsv", "matplotlib", "numpy", "pandas", "scipy")


if __name__ == "__main__":
    main()
