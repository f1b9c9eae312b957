#!/usr/bin/env python3
"""Project the samples on principal components, and measure how each line moves with resistance.

What       One projection of the gene set scores of every collection with three or more scored sets, named by
           the collection, and one of the log2 CPM of all expressed genes, `log_cpm`.
Model      Variables (sets or genes) are centred over the samples and, by default, scaled to unit variance.
           The singular value decomposition of samples x variables is U S V'. Coordinates are U S, loadings V,
           and variances S^2 / (samples - 1), so that coordinates keep the samples' distances.
Signs      A component's sign is free. It is chosen so that the loading of largest size is positive; among
           loadings of that size (to one in a million) the variable's whose name is first in the alphabet.
Left out   Samples without values, variables with a missing value, variables that are equal in all samples.
Moves      A line's displacement is the mean of its target samples minus the mean of its reference samples.
           The cosine of two lines' displacements takes all components, not only those listed: 1 is the same
           direction, 0 none in common, -1 the opposite. It needs no sign and no choice of components.
Assumes    That what varies most is of interest: differences between lines, too, make components. Noise in the
           means draws cosines towards 0, the more, the fewer the replicates.
Reference  Jolliffe and Cadima 2016, Phil Trans R Soc A 374:20150202, doi:10.1098/rsta.2015.0202
"""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
from common.cli import FOLDER, INPUT, RESULTS, InputError, Script
from common.figures import save_figure
from common.multiqc import write_versions
from common.projection_report import draw, write_directions, write_scatter
from common.tables import SAMPLES, read_matrix, read_table, write_table

GENES = "log_cpm"  # the projection of expression; the others are named by their collection
SCORES = {"collection": "str", "gene_set": "str", "identifier": "str", "status": "str"}
MIN_SAMPLES = 3  # two samples lie on one line whatever they hold
MIN_VARIABLES = 3
COMPONENTS = 10  # that coordinates, loadings and displacements are listed for
LOADINGS = 1000  # that are listed for a component
BARS = 8  # loadings drawn for a component
TIE = 1e-6
DECIMALS = 9  # below which digits depend on the machine


class Matrix(NamedTuple):
    """What is projected: a table of variables x samples, and each variable's name and identifier."""

    table: pd.DataFrame
    names: pd.DataFrame
    what: str


class Projection(NamedTuple):
    """Samples on their principal components; components are in the order of their variance."""

    coordinates: np.ndarray  # samples x components
    loadings: np.ndarray  # variables x components, each column of length 1
    variance: np.ndarray  # of each component


class Projected(NamedTuple):
    """A projection with what it is of; `projection` is None where `summary` says why."""

    summary: dict[str, object]
    samples: pd.DataFrame
    variables: pd.DataFrame
    projection: Projection | None


def project(values: np.ndarray, scale: bool, names: Sequence[str]) -> Projection:
    """Find the principal components of `values` (samples x variables), no variable being constant.

    `names` (of variables, unique) decide the signs of components whose largest loadings tie.
    """
    centred = values - values.mean(axis=0)
    if scale:
        centred = centred / centred.std(axis=0, ddof=1)
    left, singular, right = np.linalg.svd(centred, full_matrices=False)
    rank = int((singular > singular[0] * max(values.shape) * np.finfo(float).eps).sum())
    rank = min(rank, len(values) - 1)
    loadings = right[:rank].T
    alphabetical = np.argsort(np.asarray(names, dtype="str"), kind="stable")
    sizes = np.abs(loadings[alphabetical])
    first = alphabetical[np.argmax(sizes >= (1 - TIE) * sizes.max(axis=0), axis=0)]
    signs = np.sign(loadings[first, np.arange(rank)])
    return Projection(
        coordinates=left[:, :rank] * singular[:rank] * signs,
        loadings=loadings * signs,
        variance=singular[:rank] ** 2 / (len(values) - 1),
    )


def analyse(name: str, matrix: Matrix, samples: pd.DataFrame, scale: bool) -> Projected:
    """Project what can be projected; the summary has status, reason and the numbers of what was left out."""
    known = matrix.table.notna().any() | matrix.table.empty
    values = matrix.table.loc[:, known]
    complete = values.notna().all(axis=1).to_numpy()
    table = values.to_numpy()[complete].T
    spread = np.ptp(table, axis=0) if len(table) else np.zeros(table.shape[1])
    size = np.abs(table).max(axis=0, initial=0)
    varying = spread > 10.0**-DECIMALS * size
    kept = np.flatnonzero(complete)[varying]
    summary = {
        "projection": name,
        "variables_are": matrix.what,
        "samples": int(known.sum()),
        "variables": len(kept),
        "constant_variables": int((~varying).sum()),
        "incomplete_variables": int((~complete).sum()),
        "scaled": "yes" if scale else "no",
        "components": 0,
        "status": "ok",
        "reason": "",
    }
    chosen, variables = samples[known.to_numpy()], matrix.names.iloc[kept].reset_index(drop=True)
    if known.sum() < MIN_SAMPLES:
        reason = f"{known.sum()} samples with values, {MIN_SAMPLES} needed"
        return Projected(summary | {"status": "too_few_samples", "reason": reason}, chosen, variables, None)
    if len(kept) < MIN_VARIABLES:
        reason = f"{len(kept)} {matrix.what} that vary between samples, {MIN_VARIABLES} needed"
        return Projected(summary | {"status": "too_few_variables", "reason": reason}, chosen, variables, None)
    projection = project(table[:, varying], scale, variables.variable + "\t" + variables.identifier)
    return Projected(
        summary | {"components": len(projection.variance)},
        chosen.reset_index(drop=True),
        variables,
        projection,
    )


def components(projection: Projection) -> list[str]:
    """Name the components: PC1, PC2 and so on."""
    return [f"PC{place + 1}" for place in range(len(projection.variance))]


def stable(values: np.ndarray) -> np.ndarray:
    """Round away the digits that depend on the machine; no zero has a sign."""
    return np.round(values, DECIMALS) + 0.0


def list_coordinates(projected: Projected, samples: pd.DataFrame) -> pd.DataFrame:
    """List where each sample of the study lies on each of the first components."""
    listed, summary = samples[list(SAMPLES)], projected.summary
    if projected.projection is None:
        status, reason = summary["status"], summary["reason"]
        listed = listed.assign(component="", coordinate=np.nan, status=status, reason=reason)
    else:
        names = components(projected.projection)[:COMPONENTS]
        values = stable(projected.projection.coordinates[:, :COMPONENTS])
        wide = pd.DataFrame(values, columns=names).assign(sample=projected.samples["sample"])
        long = wide.melt("sample", names, "component", "coordinate")
        listed = listed.merge(long, on="sample", how="left", validate="one_to_many")
        empty = listed.component.isna()
        listed = listed.assign(status=np.where(empty, "no_values", "ok"))
        listed["reason"] = np.where(empty, f"no {summary['variables_are']} have a value in the sample", "")
    listed.insert(0, "projection", summary["projection"])
    return listed


def list_loadings(projected: Projected) -> pd.DataFrame:
    """List the largest loadings of each of the first components, by size."""
    tables = []
    if projected.projection is not None:
        loadings = stable(projected.projection.loadings)
        for place, name in enumerate(components(projected.projection)[:COMPONENTS]):
            table = projected.variables.assign(loading=loadings[:, place], size=-np.abs(loadings[:, place]))
            table = table.sort_values(["size", "variable", "identifier"]).head(LOADINGS)
            table.insert(0, "rank", range(1, len(table) + 1))
            table.insert(0, "component", name)
            tables.append(table)
    columns = ["component", "rank", "variable", "identifier", "loading"]
    listed = pd.concat(tables)[columns] if tables else pd.DataFrame(columns=columns)
    return listed.assign(projection=projected.summary["projection"])[["projection", *columns]]


def list_variance(projected: Projected) -> pd.DataFrame:
    """List the variance of all components and their shares."""
    variance = np.zeros(0) if projected.projection is None else projected.projection.variance
    share = variance / variance.sum() if len(variance) else variance
    return pd.DataFrame(
        {
            "projection": projected.summary["projection"],
            "component": [f"PC{place + 1}" for place in range(len(variance))],
            "variance": stable(variance),
            "variance_explained_ratio": stable(share),
            "cumulative_ratio": stable(np.cumsum(share)),
        }
    )


def displacements(projected: Projected) -> dict[str, np.ndarray]:
    """Subtract, in each line that has both, its reference samples' mean from its target samples' mean."""
    if projected.projection is None:
        return {}
    moves = {}
    for line, rows in projected.samples.groupby("line", sort=False).groups.items():
        roles = projected.samples.role[rows]
        means = [projected.projection.coordinates[rows[roles == role]] for role in ("reference", "target")]
        if all(len(each) for each in means):
            moves[line] = means[1].mean(axis=0) - means[0].mean(axis=0)
    return moves


def list_displacements(projected: Projected, samples: pd.DataFrame) -> pd.DataFrame:
    """List each line's displacement along the first components; a line that has none keeps a row."""
    moves, rows = displacements(projected), []
    for line, group in samples.groupby("line", sort=False):
        usable = group[group["sample"].isin(projected.samples["sample"])]
        counts = {role: int((usable.role == role).sum()) for role in ("reference", "target")}
        row = {"line": line, **{f"samples_{role}": count for role, count in counts.items()}}
        if line in moves:
            for place, move in enumerate(stable(moves[line])[:COMPONENTS]):
                rows.append(row | {"component": f"PC{place + 1}", "displacement": move, "status": "ok"})
        elif projected.projection is None:
            status, reason = projected.summary["status"], projected.summary["reason"]
            rows.append(row | {"status": status, "reason": reason})
        else:
            reason = f"{counts['reference']} reference and {counts['target']} target samples with values"
            rows.append(row | {"status": "no_pair", "reason": reason})
    columns = [
        *("projection", "line", "samples_reference", "samples_target", "component", "displacement"),
        *("status", "reason"),
    ]
    return pd.DataFrame(rows).assign(projection=projected.summary["projection"]).reindex(columns=columns)


def list_cosines(projected: Projected) -> pd.DataFrame:
    """List the cosine of every two lines' displacements, over all components."""
    moves, rows = displacements(projected), []
    nothing = 10.0**-DECIMALS * max((np.abs(move).max() for move in moves.values()), default=0)
    for (line_a, a), (line_b, b) in combinations(moves.items(), 2):
        lengths = np.linalg.norm([a, b], axis=1)
        row = {"line_a": line_a, "line_b": line_b, "status": "ok"}
        if lengths.min() > nothing:
            rows.append(row | {"cosine": float(stable(a @ b / lengths.prod()))})
        else:
            rows.append(row | {"status": "no_displacement", "reason": "the length of a displacement is 0"})
    columns = ["line_a", "line_b", "cosine", "status", "reason"]
    listed = pd.DataFrame(rows, columns=columns)
    listed.insert(0, "projection", projected.summary["projection"])
    return listed


def drawn(projected: Projected) -> pd.DataFrame:
    """List what the figure draws: samples and arrows on PC1 and PC2, and the largest loadings of both."""
    columns = [
        *("kind", "sample", "line", "condition", "role", "pc1", "pc2", "pc1_end", "pc2_end"),
        *("component", "variable", "identifier", "loading"),
    ]
    if projected.projection is None:
        return pd.DataFrame(columns=columns)
    plane = np.zeros((len(projected.samples), 2))
    plane[:, : len(projected.projection.variance)] = projected.projection.coordinates[:, :2]
    points = projected.samples.assign(kind="sample", pc1=stable(plane[:, 0]), pc2=stable(plane[:, 1]))
    arrows = []
    for line in displacements(projected):
        means = points[points.line == line].groupby("role")[["pc1", "pc2"]].mean()
        start, end = means.loc["reference"], means.loc["target"]
        row = {"kind": "displacement", "line": line, "pc1": start.pc1, "pc2": start.pc2}
        arrows.append(row | {"pc1_end": end.pc1, "pc2_end": end.pc2})
    loadings = list_loadings(projected)
    loadings = loadings[loadings.component.isin(["PC1", "PC2"]) & (loadings["rank"] <= BARS)]
    tables = [points, pd.DataFrame(arrows), loadings.assign(kind="loading")]
    return pd.concat([table for table in tables if len(table)]).reindex(columns=columns)


def read_matrices(samples: Sequence[str], log_cpm: Path, scores: Path) -> dict[str, Matrix]:
    """Read what is to be projected: the scores of each collection (if there are any), and log-CPM."""
    matrices = {}
    if (scores / "scores.tsv").is_file():
        table = read_table(scores / "scores.tsv", SCORES | dict.fromkeys(samples, "float64"))
        for name, sets in table.groupby("collection", sort=False):
            if name == GENES:
                raise InputError(f"scores.tsv: a collection called {GENES}, which is the projection of genes")
            usable = sets[sets.status == "ok"].drop_duplicates(["gene_set", "identifier"])
            names = usable[["gene_set", "identifier"]].set_axis(["variable", "identifier"], axis=1)
            matrices[name] = Matrix(usable[samples], names, "gene sets")
    genes, values = read_matrix(log_cpm, samples)
    names = genes[["gene_name", "gene_id"]].set_axis(["variable", "identifier"], axis=1)
    return matrices | {GENES: Matrix(values, names, "genes")}


@click.command(cls=Script)
@click.option("--samples", type=INPUT, required=True, help="TSV: sample, line, condition, role, replicate.")
@click.option("--log-cpm", type=INPUT, required=True, help="TSV of log2 CPM: gene_id, gene_name, samples.")
@click.option("--scores", type=FOLDER, required=True, help="Folder of scores.tsv; without it, genes only.")
@click.option(
    "--projection-scale",
    type=bool,
    default=True,
    show_default=True,
    help="Whether to scale variables to unit variance.",
)
@RESULTS
def main(samples: Path, log_cpm: Path, scores: Path, projection_scale: bool, results: Path) -> None:
    """Project the samples on principal components of gene set scores and of log-CPM."""
    study = read_table(samples, SAMPLES)
    matrices = read_matrices(list(study["sample"]), log_cpm, scores)
    made = {name: analyse(name, matrix, study, projection_scale) for name, matrix in matrices.items()}
    tables = {
        "projections": [pd.DataFrame([each.summary]) for each in made.values()],
        "coordinates": [list_coordinates(each, study) for each in made.values()],
        "loadings": [list_loadings(each) for each in made.values()],
        "variance": [list_variance(each) for each in made.values()],
        "displacement": [list_displacements(each, study) for each in made.values()],
        "cosine": [list_cosines(each) for each in made.values()],
    }
    for name, parts in tables.items():
        # A table without rows would make pandas guess the types of its columns.
        filled = [part for part in parts if len(part)] or parts[:1]
        write_table(pd.concat(filled), results / f"{name}.tsv")
    for each, variance in zip(made.values(), tables["variance"], strict=True):
        shown = drawn(each)
        stem = results / f"{each.summary['projection']}.projection"
        save_figure(draw(shown, variance, each.summary), shown, stem)
        write_scatter(results, shown, variance, each.summary)

    first = list(made).index(next((name for name, each in made.items() if each.projection), GENES))
    write_directions(
        results / "sample_projection_mqc.json",
        tables["displacement"][first],
        tables["cosine"][first],
        {
            role: ", ".join(study.condition[study.role == role].unique()) or role
            for role in ("reference", "target")
        },
    )
    write_versions(results / "versions.tsv", "matplotlib", "numpy", "pandas")


if __name__ == "__main__":
    main()
