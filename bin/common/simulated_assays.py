"""What the simulated study measures at the bench: plates, reporter, fluorescence, blots, activity, PCR.

Plates     96 wells: 8 doses 2.5-fold apart around the line's IC50s, in triplicate (parental in rows A-C,
           resistant in F-H), 9 vehicle wells of each condition, 6 blanks. Three experiments.
Response   blank + signal * viability: signal 1.2 (log-normal by plate, SD 0.08), blank 0.08 (SD 0.004).
           Each well has noise of its own: 6 % of its signal and 1.5 % of the plate's. Viability falls from 1
           to the compound's bottom along log dose, log-logistic. Cells that are read when the compound is
           added (those of MMC) have a quarter of the vehicle's signal, SD 3 %.
Shifts     of log10 IC50 between experiments, where the compound has some (carboplatin, SD 0.1): half of the
           variance is common to both conditions of a line, half is each curve's own.
Flaws      wells without or with too many cells; a plate whose outer wells lost a quarter of their signal.
Assays     three experiments of each, log-normal. Reporter: firefly over Renilla, which vary together with
           transfection (SD 0.25), their ratio by 10 %. Fluorescence: 800 units, rising by 12 % for each ug/mL
           of cisplatin; SD 8 %. Blots: band over loading control, which vary together (SD 0.2), their ratio
           by 12 %; called by what was measured: absent up to 0.2, reduced up to 0.5 of an unchanged line.
           Activity: 120 nmol/min/mg, SD 10 %.
PCR        384 wells: Ct = intercept + slope * log10(quantity), SD 0.12 in each of three wells. Between
           experiments RNA input (log-normal, SD 0.2, common to both genes) and expression (SD 0.15) vary.
           Five standards 5-fold apart; blanks stay undetermined. One well amplified three cycles late.
"""

from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd

from common.study_design import (
    BENCH,
    COMPOUNDS,
    CONDITIONS,
    EDGE_EFFECT,
    FLAWED_PCR,
    FLAWED_WELLS,
    LINES,
    Bench,
    Compound,
    Line,
    Modulator,
    bench_of,
)

EXPERIMENTS = ("1", "2", "3")
DOSES, DILUTION = 8, 2.5
SIGNAL, SIGNAL_SD, BLANK, BLANK_SD = 1.2, 0.08, 0.08, 0.004
WELL_CV, WELL_SD = 0.06, 0.015
AT_START, AT_START_CV = 0.25, 0.03
EDGE_LOSS = 0.75
REPORTER, TRANSFECTION_SD, RENILLA, REPORTER_SD = 0.5, 0.25, 40_000, 0.1
FLUORESCENCE, RISE, FLUORESCENCE_SD, CISPLATIN = 800, 0.12, 0.08, (0, 5, 10, 20)
LOADING, LOADING_SD, BLOT_SD, ABSENT, REDUCED = 20_000, 0.2, 0.12, 0.2, 0.5
ACTIVITY, ACTIVITY_SD = 120, 0.1
BLOTS = ("nrf2_protein", "keap1_protein", "cul3_protein", "nqo1_protein")
STANDARDS = (100.0, 20.0, 4.0, 0.8, 0.16)
CURVES = {"NQO1": (-3.40, 26.5), "GAPDH": (-3.33, 21.0)}  # slope, intercept
TEMPLATE, INPUT_SD, EXPRESSION_SD, CT_SD, LATE = 8.0, 0.2, 0.15, 0.12, 3.0
LINES_OF_PLATE = 7  # of PCR

WELLS = [
    *(
        "experiment",
        "plate",
        "well",
        "line",
        "condition",
        "compound",
        "dose",
        "dose_unit",
        "response",
        "role",
    ),
    *("modulator", "modulator_dose", "modulator_unit", "response_t0"),
]
PCR = ["plate", "well", "gene", "role", "quantity", "ct", "line", "condition", "replicate"]
FLAWS = ["sheet", "experiment", "plate", "well", "flaw"]


class Measured(NamedTuple):
    """A sheet, what is true of its rows, and which of them are flawed."""

    sheet: pd.DataFrame
    truth: pd.DataFrame
    flaws: pd.DataFrame


def joined(parts: Sequence[Measured]) -> Measured:
    """Put what was measured below each other."""
    return Measured(*(pd.concat(tables, ignore_index=True) for tables in zip(*parts, strict=True)))


# ---- plates


def layout() -> pd.DataFrame:
    """Lay out a plate: a row a well, its role, its condition and dose by number, and if it lies outside."""
    wells = []
    for row, column in product("ABCFGH", range(1, 13)):
        role = "blank" if column == 12 else "sample" if 3 <= column <= 10 else "vehicle"
        outer = row in "AH" or column in (1, 12)
        wells.append((f"{row}{column}", role, int(row in "FGH"), column - 3, outer))
    return pd.DataFrame(wells, columns=["well", "role", "condition", "dose", "outer"])


def doses_of(pair: tuple[float, float]) -> np.ndarray:
    """Return the doses around the IC50s of a pair of lines, to three digits."""
    doses = np.sqrt(pair[0] * pair[1]) * DILUTION ** (np.arange(DOSES) - (DOSES - 1) / 2)
    return np.array([float(f"{dose:.3g}") for dose in doses])


def viability(dose: np.ndarray, ic50: np.ndarray, compound: Compound) -> np.ndarray:
    """Return the share of the vehicle's cells that are left."""
    return compound.bottom + (1 - compound.bottom) / (1 + (dose / ic50) ** compound.slope)


def draw_plate(
    random: np.random.Generator,
    line: str,
    experiment: str,
    compound: Compound,
    modulator: Modulator | None,
    ic50: np.ndarray,
    flawed: bool,
) -> Measured:
    """Draw a plate of a line, both conditions; `ic50` has those of this experiment; its truth is empty."""
    plan = layout()
    doses = doses_of(compound.ic50[line])
    sample, blank = (plan.role == "sample").to_numpy(), (plan.role == "blank").to_numpy()
    dose = np.where(sample, doses[plan.dose.clip(0, DOSES - 1)], np.nan)
    left = np.where(sample, viability(np.nan_to_num(dose), ic50[plan.condition], compound), 1.0)
    name = ".".join([line, compound.name, *([f"{modulator.name}_{modulator.dose:g}"] if modulator else [])])
    flaws = []
    if flawed and not modulator:
        key = (line, compound.name, experiment)
        if key == EDGE_EFFECT:
            left = np.where(plan.outer, EDGE_LOSS * left, left)
            flaws.append(("dose_response", experiment, name, "", "edge"))
        if key in FLAWED_WELLS:
            well, factor = FLAWED_WELLS[key]
            left = np.where(plan.well == well, factor * left, left)
            flaws.append(
                ("dose_response", experiment, name, well, "no_cells" if factor < 1 else "many_cells")
            )
    signal = SIGNAL * random.lognormal(0, SIGNAL_SD)
    noise = random.normal(size=(4, len(plan)))
    empty = BLANK + BLANK_SD * noise[2]
    cells = signal * (left * (1 + WELL_CV * noise[0]) + WELL_SD * noise[1])
    start = empty + np.where(blank, 0, AT_START * signal * (1 + AT_START_CV * noise[3]))
    of_cells = pd.Series(np.array(CONDITIONS)[plan.condition]).mask(blank, "")
    sheet = pd.DataFrame(
        {
            **{"experiment": experiment, "plate": name, "well": plan.well},
            **{"line": np.where(blank, "", line), "condition": of_cells},
            **{"compound": np.where(sample, compound.name, ""), "dose": dose},
            **{"dose_unit": np.where(sample, compound.unit, "")},
            **{"response": np.round(np.maximum(empty + np.where(blank, 0, cells), 0), 4), "role": plan.role},
            "modulator": np.where(blank | (modulator is None), "", modulator.name if modulator else ""),
            "modulator_dose": np.where(
                blank | (modulator is None), np.nan, modulator.dose if modulator else 0
            ),
            "modulator_unit": np.where(blank | (modulator is None), "", modulator.unit if modulator else ""),
            "response_t0": np.round(start, 4) if compound.with_t0 else np.nan,
        }
    )[WELLS]
    return Measured(sheet, pd.DataFrame(), pd.DataFrame(flaws, columns=FLAWS))


def draw_plates(
    random: np.random.Generator, name: str, like: str, compound: Compound, effects: float
) -> Measured | None:
    """Draw the plates of a line that behaves as `like`, without and with modulators, if there are any."""
    if like not in compound.ic50:
        return None
    pair = compound.ic50[like]
    planted = np.array([pair[0], pair[0] * (pair[1] / pair[0]) ** effects])
    as_line = compound._replace(ic50={name: pair})
    parts, shift = [], compound.shift_sd / np.sqrt(2)
    for modulator in (None, *compound.modulators.get(like, ())):
        factors = np.array(modulator.factors if modulator else (1.0, 1.0)) ** effects
        for experiment in EXPERIMENTS:
            moved = shift * (random.normal() + random.normal(size=2))
            ic50 = planted * factors * 10**moved
            flawed = effects > 0 and name == like
            drawn = draw_plate(random, name, experiment, as_line, modulator, ic50, flawed)
            truth = pd.DataFrame(
                {
                    **{"line": name, "condition": CONDITIONS, "compound": compound.name},
                    "dose_unit": compound.unit,
                    "modulator": modulator.name if modulator else "",
                    "modulator_dose": modulator.dose if modulator else np.nan,
                    "modulator_unit": modulator.unit if modulator else "",
                    **{"experiment": experiment, "top": 100.0, "bottom": 100 * compound.bottom},
                    **{"slope": compound.slope, "ic50": planted * factors, "ic50_of_experiment": ic50},
                }
            )
            parts.append(drawn._replace(truth=truth))
    return joined(parts)


# ---- reporter, fluorescence, blots, activity


def call_of(share: float) -> str:
    """Say what an eye sees of a band."""
    return "absent" if share <= ABSENT else "reduced" if share <= REDUCED else "present"


def draw_assays(random: np.random.Generator, name: str, bench: Bench, effects: float) -> Measured:
    """Draw all assays of a line but plates and PCR."""
    rows, truth = [], []

    def add(
        assay: str, at: int, level: float, sd: float, unit: float,
        control: tuple[float, float] | None = None, **dose: object,
    ) -> None:  # fmt: skip
        condition = CONDITIONS[at]
        truth.append({"assay": assay, "line": name, "condition": condition, **dose, "relative_mean": level})
        for replicate in EXPERIMENTS:
            ratio = level * random.lognormal(0, sd)
            below = control[0] * random.lognormal(0, control[1]) if control else np.nan
            value = unit * ratio * (below if control else 1)
            row = {"assay": assay, "line": name, "condition": condition, "replicate": replicate, **dose}
            row |= {"value": float(f"{value:.5g}"), "normaliser": float(f"{below:.5g}")}
            rows.append(row | {"call": call_of(ratio) if assay == "nqo1_protein" else ""})

    for at in range(len(CONDITIONS)):
        level = {key: pair[at] ** effects for key, pair in bench._asdict().items() if pair}
        add("are_reporter", at, level["are_reporter"], REPORTER_SD, REPORTER, (RENILLA, TRANSFECTION_SD))
        for dose in CISPLATIN:
            risen = 1 + RISE * dose * level["cellrox_rise"]
            treated = {"treatment": "cisplatin", "treatment_dose": dose, "treatment_unit": "ug/mL"}
            add("cellrox", at, risen, FLUORESCENCE_SD, FLUORESCENCE, **treated)
        for assay in BLOTS:
            add(assay, at, level[assay], BLOT_SD, 1, (LOADING, LOADING_SD))
        if bench.nqo1_activity:
            add("nqo1_activity", at, level["nqo1_activity"], ACTIVITY_SD, ACTIVITY)
    treatment = ["treatment", "treatment_dose", "treatment_unit"]
    columns = ["assay", "line", "condition", "replicate", "value", "normaliser", *treatment, "call"]
    return Measured(
        pd.DataFrame(rows).reindex(columns=columns),
        pd.DataFrame(truth).reindex(columns=["assay", "line", "condition", *treatment, "relative_mean"]),
        pd.DataFrame(columns=FLAWS),
    )


# ---- PCR


def cycles(random: np.random.Generator, gene: str, quantity: float, wells: int = 3) -> np.ndarray:
    """Draw the threshold cycles of a quantity."""
    slope, intercept = CURVES[gene]
    return np.round(intercept + slope * np.log10(quantity) + random.normal(0, CT_SD, wells), 2)


def draw_pcr_of_line(
    random: np.random.Generator, name: str, bench: Bench, effects: float
) -> tuple[list[dict], list[dict]]:
    """Draw the wells of a line, without their places, and what is true of its genes."""
    wells, truth = [], []
    for at, condition in enumerate(CONDITIONS):
        levels = {"NQO1": bench.nqo1_mrna[at] ** effects, "GAPDH": 1.0}
        cells = {"line": name, "condition": condition}
        for gene, level in levels.items():
            efficiency = 10 ** (-1 / CURVES[gene][0]) - 1
            row = {"gene": gene, **cells, "quantity_to_housekeeping": level}
            truth.append(row | {"slope": CURVES[gene][0], "efficiency": efficiency})
        for replicate in EXPERIMENTS:
            template = TEMPLATE * random.lognormal(0, INPUT_SD)
            for gene, level in levels.items():
                own = level * (random.lognormal(0, EXPRESSION_SD) if gene == "NQO1" else 1)
                for well, ct in enumerate(cycles(random, gene, template * own), start=1):
                    flawed = effects > 0 and (*cells.values(), gene, int(replicate), well) == FLAWED_PCR
                    row = {"gene": gene, "role": "sample", **cells, "replicate": replicate}
                    ct = round(ct + LATE, 2) if flawed else ct
                    wells.append(row | {"ct": ct, "flawed": flawed})
    return wells, truth


def draw_pcr_plate(random: np.random.Generator, plate: str, wells: Sequence[dict]) -> Measured:
    """Draw the standards and blanks of a plate, and give all wells their places; its truth is empty."""
    rows = []
    for gene in CURVES:
        for quantity in STANDARDS:
            for ct in cycles(random, gene, quantity):
                rows.append({"gene": gene, "role": "standard", "quantity": quantity, "ct": ct})
        rows += [{"gene": gene, "role": "blank", "ct": "Undetermined"}] * 3
    table = pd.DataFrame([*rows, *wells]).assign(plate=plate)
    table["well"] = [f"{row}{column}" for row, column in product("ABCDEFGHIJKLMNOP", range(1, 25))][
        : len(table)
    ]
    off = table[table.flawed.eq(True)]
    flaws = pd.DataFrame({"sheet": "qpcr", "plate": plate, "well": off.well, "flaw": "late"}).reindex(
        columns=FLAWS
    )
    return Measured(table.reindex(columns=PCR), pd.DataFrame(), flaws)


def draw_bench(
    stream: Callable[..., np.random.Generator], lines: Sequence[Line], effects: float
) -> dict[str, Measured]:
    """Draw all that is measured of these lines, by sheet; `stream` gives random numbers by part and key."""
    plates, assays, pcr = [], [], []
    for first in range(0, len(lines), LINES_OF_PLATE):
        wells, truth = [], []
        for line in lines[first : first + LINES_OF_PLATE]:
            key, like = LINES.index(line), bench_of(line)
            for number, compound in enumerate(COMPOUNDS):
                drawn = draw_plates(stream("plates", key, number), line.name, like, compound, effects)
                plates += [drawn] if drawn else []
            assays.append(draw_assays(stream("assays", key), line.name, BENCH[like], effects))
            of_line = draw_pcr_of_line(stream("qpcr", key), line.name, BENCH[like], effects)
            wells += of_line[0]
            truth += of_line[1]
        number = first // LINES_OF_PLATE
        plate = draw_pcr_plate(stream("qpcr", len(LINES) + number), f"qpcr-{number + 1}", wells)
        pcr.append(plate._replace(truth=pd.DataFrame(truth)))
    measured = joined(assays)
    by_assay = [
        table.sort_values("assay", key=lambda names: pd.factorize(names)[0], kind="stable")
        for table in (measured.sheet, measured.truth)
    ]
    return {
        "dose_response": joined(plates),
        "assays": Measured(*by_assay, measured.flaws),
        "qpcr": joined(pcr),
    }
