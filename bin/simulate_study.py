#!/usr/bin/env python3
"""Simulate a whole study with known truth, from one seed: lines, their resistant sublines, and what differs.

Every part (so far: the transcriptome) is drawn from streams of its own, keyed by part, line and
sample: a part that is added changes no other, and a line is the same in a study of any size.

Transcriptome
  Genes      all genes of the gene sets, the NRF2 targets, and 1,500 in no set (without a name, as
             novel genes are). A quarter is not expressed; what a programme moves always is.
  Mean       log2 abundance = baseline + line + programmes + drift. Baseline: normal over genes. Line: normal
             per line and gene, its SD a gamma variable of the gene (mean 0.8): lines differ strongly.
             Programmes: a line's activity in a condition times the gene's response, times `effects`.
             Drift: in each line, 8 % of genes change with resistance at random (normal, SD 0.7), up or
             down, independently of each other: what a subcloned line shows without any common cause.
  Programmes nrf2 moves every target by log2 1-2.5 and a random 60 % of four gene sets by 0.5-1.5 per unit of
             activity; NFE2L2, KEAP1 and CUL3 themselves stay, for NRF2 is activated as a protein.
             platinum_transport moves single genes and no set; the others move one set each.
  Targets    barely differ between lines (SD 0.3) and do not drift: their mean is the state of the axis.
  Libraries  12 million reads times a log-uniform factor from 0.6 to 1.6.
  Counts     negative binomial, variance = mean + dispersion * mean^2. Dispersion = (0.02 + 1.5 / mean count
             over lines) times a log-normal factor of the gene (SD 0.3): the form of the trend in real
             studies (Love et al. 2014, doi:10.1186/s13059-014-0550-8).
  Truth      log2 fold changes by gene and contrast (truth/genes.tsv), direction of each planted set in each
             contrast (truth/gene_sets.tsv), the call of each line and condition (truth/calls.tsv).

With `effects` 0 nothing is planted: libraries, lines and drift stay. It is the negative control.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
from common.cli import FOLDER, RESULTS, InputError, Script
from common.gene_sets import GeneSet, read_collections
from common.multiqc import write_versions
from common.tables import write_table

CONDITIONS = ("parental", "resistant")
SHORT = {"parental": "P", "resistant": "CR"}  # in sample names, as the founding study has them

NRF2_TARGETS = (
    *("GCLC", "GCLM", "SLC7A11", "TXNRD1", "SRXN1", "TXN", "GSR", "PRDX1", "G6PD", "PGD", "TALDO1", "TKT"),
    *("ME1", "OSGIN1", "AKR1B10", "AKR1C1", "AKR1C2", "AKR1C3", "ABCC2", "ABCC3", "CBR1", "CBR3", "GPX2"),
    *("UGDH", "ALDH3A1", "TRIM16L", "PIR", "NQO1", "HMOX1"),
)
NRF2_REGULATORS = ("NFE2L2", "KEAP1", "CUL3")
PLATINUM_GENES = {  # log2 per unit of activity: less uptake, more export and repair
    **{"SLC31A1": -1.5, "LRRC8A": -1.2, "LRRC8D": -1.2},
    **{"ATP7A": 1.0, "ATP7B": 1.5, "ERCC1": 1.0, "XPA": 0.8},
}


class Programme(NamedTuple):
    """Gene sets that move together: identifiers, and the range of responses in log2 per unit of activity."""

    sets: tuple[str, ...]
    low: float
    high: float


PROGRAMMES = {
    "nrf2": Programme(
        (
            *("HALLMARK_XENOBIOTIC_METABOLISM", "HALLMARK_REACTIVE_OXYGEN_SPECIES_PATHWAY"),
            *("WP2884", "WP4313"),  # NRF2 pathway, ferroptosis
        ),
        0.5,
        1.5,
    ),
    "platinum_transport": Programme((), 0, 0),
    "mesenchymal": Programme(("HALLMARK_EPITHELIAL_MESENCHYMAL_TRANSITION",), 0.5, 1.5),
    "interferon": Programme(("HALLMARK_INTERFERON_ALPHA_RESPONSE",), -1.5, -0.5),
}


class Line(NamedTuple):
    """A pair of lines: activities of programmes and function of NQO1, each (parental, resistant)."""

    name: str
    activity: Mapping[str, tuple[float, float]]
    nqo1_functional: tuple[str, str]


STUDY_LINES = (
    Line("RPMI2650", {}, ("yes", "no")),
    Line("HSC-2", {"nrf2": (0, 1)}, ("yes", "no")),
    Line("HSC-3", {"nrf2": (0, 0.9)}, ("yes", "yes")),
    Line("HO-1-u-1", {"nrf2": (1, 1.35)}, ("yes", "yes")),
    Line("Ca9-22", {"mesenchymal": (0, 1)}, ("no", "no")),
    Line("HSC-4", {"platinum_transport": (0, 1)}, ("no", "no")),
    Line("SAS", {"interferon": (0, 1)}, ("yes", "yes")),
)
# Further lines, SIM-08 to SIM-50, behave as the seven do, in turn.
LINES = STUDY_LINES + tuple(
    STUDY_LINES[number % len(STUDY_LINES)]._replace(name=f"SIM-{number + 1:02d}")
    for number in range(len(STUDY_LINES), 50)
)
SMALL = ("HSC-2", "HSC-3", "HO-1-u-1", "HSC-4")
SIZES = {  # lines, replicates per line and condition
    "small": ([line for line in LINES if line.name in SMALL], 2),
    "medium": (list(STUDY_LINES), 3),
    "large": (list(LINES), 3),
}

BACKGROUND_GENES = 1500
SHARE_SILENT = 0.25
SHARE_RESPONDING = 0.6
SHARE_DRIFTING = 0.08
BASELINE = {"expressed": (4.5, 2.0), "moved": (5.5, 1.2), "silent": (-5.0, 1.5)}  # log2 abundance: mean, SD
TARGET_RESPONSE = (1.0, 2.5)
LINE_SD_SHAPE, LINE_SD_MEAN, LINE_SD_TARGETS = 4.0, 0.8, 0.3
DRIFT_SD = 0.7
READS = 12e6
LIBRARY_FACTORS = (0.6, 1.6)
DISPERSION_AT_HIGH_MEAN, DISPERSION_SLOPE, DISPERSION_SD = 0.02, 1.5, 0.3

# Streams of random numbers. Later parts are appended: the key is the position.
PARTS = ("genes", "lines", "samples")


class Genes(NamedTuple):
    """The genes of the study: arrays of one length, and by programme what each gene responds."""

    table: pd.DataFrame  # gene_id, gene_name
    baseline: np.ndarray  # log2 abundance
    dispersion: np.ndarray
    line_sd: np.ndarray  # log2
    may_drift: np.ndarray
    responses: dict[str, np.ndarray]  # log2 per unit of activity


class Expression(NamedTuple):
    """A line's genes: log2 abundances by condition, and the two parts of what resistance changes."""

    line: Line
    log2_abundance: dict[str, np.ndarray]
    planted: np.ndarray  # log2 fold change
    drift: np.ndarray  # log2 fold change


def stream(seed: int, part: str, *keys: int) -> np.random.Generator:
    """Return the random numbers of a part, or of its line and sample: independent of all others."""
    sequence = np.random.SeedSequence(seed, spawn_key=(PARTS.index(part), *keys))
    return np.random.Generator(np.random.PCG64(sequence))


def planted_sets(collections: Mapping[str, Sequence[GeneSet]]) -> dict[str, tuple[str, GeneSet]]:
    """Find the sets that programmes move: {identifier: (collection, set)}; all must be there."""
    known = {each.identifier: (name, each) for name, sets in collections.items() for each in sets}
    wanted = [identifier for programme in PROGRAMMES.values() for identifier in programme.sets]
    if absent := [identifier for identifier in wanted if identifier not in known]:
        raise InputError(f"gene sets: no set {', '.join(absent)}, in which effects are planted")
    return {identifier: known[identifier] for identifier in wanted}


def mean_count_over_lines(baseline: np.ndarray, line_sd: np.ndarray) -> np.ndarray:
    """Return the count of each gene that is expected in an average library, over lines without number.

    2 to the power of a normal variable has a mean above 2 to the power of its mean.
    """
    abundance = np.exp2(baseline + line_sd**2 * np.log(2) / 2)
    return READS * abundance / abundance.sum()


def dispersion_trend(mean_count: np.ndarray) -> np.ndarray:
    """Return the dispersion of an average gene of this mean count."""
    return DISPERSION_AT_HIGH_MEAN + DISPERSION_SLOPE / mean_count


def draw_genes(seed: int, collections: Mapping[str, Sequence[GeneSet]]) -> Genes:
    """Draw the genes of the study: names from the gene sets, the rest at random."""
    random = stream(seed, "genes")
    in_sets = {gene for sets in collections.values() for each in sets for gene in each.genes}
    names = np.array(sorted(in_sets | {*NRF2_TARGETS, *NRF2_REGULATORS, *PLATINUM_GENES}), dtype=object)
    names = np.concatenate([names, np.full(BACKGROUND_GENES, "", dtype=object)])
    targets, regulators = np.isin(names, NRF2_TARGETS), np.isin(names, NRF2_REGULATORS)

    responses = {}
    sets = planted_sets(collections)
    for name, programme in PROGRAMMES.items():
        members = np.isin(names, [gene for each in programme.sets for gene in sets[each][1].genes])
        responding = members & (random.random(len(names)) < SHARE_RESPONDING)
        responses[name] = np.where(responding, random.uniform(programme.low, programme.high, len(names)), 0)
    to_nrf2 = random.uniform(*TARGET_RESPONSE, len(names))
    responses["nrf2"] = np.where(targets, to_nrf2, np.where(regulators, 0, responses["nrf2"]))
    responses["platinum_transport"] = np.array([PLATINUM_GENES.get(name, 0.0) for name in names])

    moved = np.any(list(responses.values()), axis=0) | regulators
    silent = ~moved & (random.random(len(names)) < SHARE_SILENT)
    kinds = np.select([moved, silent], ["moved", "silent"], "expressed")
    mean, sd = np.array([BASELINE[kind] for kind in kinds]).T
    baseline = random.normal(mean, sd)
    line_sd = random.gamma(LINE_SD_SHAPE, LINE_SD_MEAN / LINE_SD_SHAPE, len(names))
    line_sd = np.where(targets, LINE_SD_TARGETS, line_sd)
    ids = [f"SIMG{number:011d}" for number in range(1, len(names) + 1)]
    trend = dispersion_trend(mean_count_over_lines(baseline, line_sd))
    return Genes(
        table=pd.DataFrame({"gene_id": ids, "gene_name": names}),
        baseline=baseline,
        dispersion=trend * random.lognormal(0, DISPERSION_SD, len(names)),
        line_sd=line_sd,
        may_drift=~targets & ~regulators & ~np.isin(names, list(PLATINUM_GENES)),
        responses=responses,
    )


def draw_expression(seed: int, line: Line, genes: Genes, effects: float) -> Expression:
    """Draw what a line and its resistant subline express."""
    random = stream(seed, "lines", LINES.index(line))
    size = len(genes.baseline)
    own = genes.baseline + random.normal(0, genes.line_sd)
    drifting = genes.may_drift & (random.random(size) < SHARE_DRIFTING)
    drift = np.where(drifting, random.normal(0, DRIFT_SD, size), 0)
    moved = {
        condition: effects
        * sum((genes.responses[name] * levels[at] for name, levels in line.activity.items()), np.zeros(size))
        for at, condition in enumerate(CONDITIONS)
    }
    return Expression(
        line,
        {"parental": own + moved["parental"], "resistant": own + moved["resistant"] + drift},
        planted=moved["resistant"] - moved["parental"],
        drift=drift,
    )


def draw_counts(
    random: np.random.Generator, log2_abundance: np.ndarray, dispersion: np.ndarray
) -> np.ndarray:
    """Draw the counts of one library, negative binomial as a Poisson variable with a gamma mean."""
    reads = READS * np.exp(random.uniform(*np.log(LIBRARY_FACTORS)))
    abundance = np.exp2(log2_abundance)
    mean = reads * abundance / abundance.sum()
    return random.poisson(random.gamma(1 / dispersion, mean * dispersion))


def draw_matrix(
    seed: int, genes: Genes, study: Sequence[Expression], replicates: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw all libraries: the samples' sheet, and the matrix of counts."""
    rows, columns = [], {}
    for expression in study:
        line = expression.line
        for at, condition in enumerate(CONDITIONS):
            for replicate in range(1, replicates + 1):
                random = stream(seed, "samples", LINES.index(line), at, replicate)
                sample = f"{line.name}.{SHORT[condition]}{replicate}"
                rows.append((sample, line.name, condition, replicate))
                columns[sample] = draw_counts(random, expression.log2_abundance[condition], genes.dispersion)
    samples = pd.DataFrame(rows, columns=["sample", "line", "condition", "replicate"])
    return samples, pd.concat([genes.table, pd.DataFrame(columns)], axis=1)


def contrasts_of(study: Sequence[Expression]) -> dict[str, list[Expression]]:
    """Name the contrasts and their lines: each line's, and that over all lines."""
    each = {f"{expression.line.name}.resistant_vs_parental": [expression] for expression in study}
    return each | {"all.resistant_vs_parental": list(study)}


def true_genes(genes: Genes, study: Sequence[Expression]) -> pd.DataFrame:
    """List the genes that change in each contrast; over several lines, by the mean of the lines."""
    tables = []
    for contrast, compared in contrasts_of(study).items():
        planted = np.mean([each.planted for each in compared], axis=0)
        drift = np.mean([each.drift for each in compared], axis=0)
        table = genes.table.assign(
            contrast=contrast,
            log2_fold_change=planted + drift,
            planted_log2_fold_change=planted,
            drift_log2_fold_change=drift,
        )
        tables.append(table[(planted != 0) | (drift != 0)])
    columns = [f"{part}log2_fold_change" for part in ("", "planted_", "drift_")]
    return pd.concat(tables)[["contrast", "gene_id", "gene_name", *columns]]


def true_gene_sets(
    collections: Mapping[str, Sequence[GeneSet]],
    genes: Genes,
    study: Sequence[Expression],
    effects: float,
) -> pd.DataFrame:
    """List the sets that move in any line of the study: their direction in every contrast, or none."""
    sets = planted_sets(collections)
    used = {name for expression in study for name in expression.line.activity}
    rows = []
    for name, programme in PROGRAMMES.items():
        for identifier in programme.sets if name in used else ():
            collection, gene_set = sets[identifier]
            members = genes.table.gene_name.isin(gene_set.genes).to_numpy()
            for contrast, compared in contrasts_of(study).items():
                levels = [each.line.activity.get(name, (0, 0)) for each in compared]
                change = effects * np.mean([resistant - parental for parental, resistant in levels])
                sign = change * genes.responses[name][members].sum()
                planted = np.mean([each.planted[members] for each in compared], axis=0)
                rows.append(
                    {
                        "collection": collection,
                        "gene_set": gene_set.name,
                        "identifier": identifier,
                        "contrast": contrast,
                        "direction": "up" if sign > 0 else "down" if sign < 0 else "none",
                        "genes": members.sum(),
                        "planted_genes": (planted != 0).sum(),
                        "planted_log2_fold_change": planted.mean(),
                    }
                )
    return pd.DataFrame(rows)


def true_calls(lines: Sequence[Line], effects: float) -> pd.DataFrame:
    """List what should be said of each line and condition.

    Without planted effects NRF2 is active nowhere, and NQO1 is lost nowhere.
    """
    rows = []
    for line in lines:
        levels = line.activity.get("nrf2", (0, 0))
        active = ["yes" if effects and level > 0 else "no" for level in levels]
        gained = ["", "yes" if active == ["no", "yes"] else "no"]
        functional = line.nqo1_functional if effects else ("yes", "yes")
        for row in zip(CONDITIONS, active, gained, functional, strict=True):
            rows.append((line.name, *row, "candidate" if row[1] == row[3] == "yes" else "not_candidate"))
    return pd.DataFrame(
        rows, columns=["line", "condition", "nrf2_active", "nrf2_gained", "nqo1_functional", "call"]
    )


@click.command(cls=Script)
@click.option(
    "--size",
    type=click.Choice(list(SIZES)),
    default="small",
    show_default=True,
    help="small: 4 lines x 2 conditions x 2 replicates; medium: 7 x 2 x 3; large: 50 x 2 x 3.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=1,
    show_default=True,
    help="Seed of all random numbers.",
)
@click.option(
    "--gene-sets", type=FOLDER, required=True, help="Folder of GMT files: the genes, and the sets that move."
)
@click.option(
    "--effects",
    type=click.FloatRange(0, 2),
    default=1,
    show_default=True,
    help="Factor on all that is planted; 0 makes the negative control.",
)
@RESULTS
def main(size: str, seed: int, gene_sets: Path, effects: float, results: Path) -> None:
    """Write the sheets of a simulated study, named as the pipeline's parameters, and its truth."""
    collections = read_collections(gene_sets)
    lines, replicates = SIZES[size]
    genes = draw_genes(seed, collections)
    study = [draw_expression(seed, line, genes, effects) for line in lines]
    samples, counts = draw_matrix(seed, genes, study, replicates)

    truth = results / "truth"
    truth.mkdir(parents=True, exist_ok=True)
    samples.to_csv(results / "rnaseq.csv", index=False, lineterminator="\n")
    write_table(counts, results / "counts.tsv")
    write_table(true_genes(genes, study), truth / "genes.tsv")
    write_table(true_gene_sets(collections, genes, study, effects), truth / "gene_sets.tsv")
    write_table(true_calls(lines, effects), truth / "calls.tsv")
    write_versions(results / "versions.tsv", "numpy", "pandas")


if __name__ == "__main__":
    main()
