#!/usr/bin/env python3
"""Draw proteins with their domains and the mutations of each cohort, two cohorts as mirror images.

Drawn      Mutations that change the protein, of patients in whom the gene was looked at: missense, truncating
           (stop, frameshift, lost start), in frame, splice sites (at the residue that is given, else at the
           codon of the nearest coding base) and lost stops (behind the last residue). A stem is as high as
           the number of patients with a mutation of its residue, a head for each mutation. Counts of both
           cohorts have one scale; beside it stands what they are in percent of each cohort's patients.
Labels     Residues with the most patients first; those that find no room are not labelled.
Which      Target genes with the length of their coding sequence in the table of target genes, and a mutation
           in one of the cohorts of a pair. Each pair of cohorts, or, of more than MOST_PAIRS pairs, the first
           cohort with each other one; a single cohort stands alone.
Numbering  Residues of the named transcript's protein, from its start methionine; repeats as domains.tsv
           counts them (other counts exist).

References: Ou and Zhu 2019, doi:10.1038/s41592-019-0430-y (stems with room for their labels); Jay and Brouwer
2016, doi:10.1371/journal.pone.0160519 (diagrams that fit on a page)
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
from common.cli import INPUT, RESULTS, Script
from common.cohort_lollipop_report import write_report
from common.cohort_tables import DOMAINS, lengths_of, pairs_of, read_mutations
from common.figures import save_figure
from common.lollipop_figure import draw
from common.lollipop_layout import Protein, Track
from common.multiqc import write_versions
from common.protein_names import residue_of, short_name
from common.protein_regions import fitted, notes_of
from common.tables import TARGET_GENES, read_table, write_table
from matplotlib.figure import Figure

FREQUENCY = dict.fromkeys(["gene", "cohort", "status"], "str")
FREQUENCY |= {"mutated": "Int64", "profiled": "Int64", "frequency": "float64"}
CLASSES = {  # what the classes of harmonise_mutations are drawn as
    **dict.fromkeys(["truncating", "frameshift", "start_lost"], "truncating"),
    **{"missense": "missense", "in_frame": "in frame", "splice_site": "splice site"},
}
MOST_PAIRS = 6
HEADS = (
    "A head a mutation; the outermost stands at the number of patients of its residue. On the right: percent"
    " of the patients in whom the gene was looked at."
)
MARKS = ["cohort", "position", "hgvs_p", "hgvs_c", "label", "class", "count", "status", "reason"]
COLUMNS = [
    *("gene", "transcript", "element", "name", "start", "end", "cohort", "profiled", "position", "hgvs_p"),
    *("hgvs_c", "class", "count", "percent", "label", "drawn", "status", "reason"),
]
PROTEINS = [
    *("gene", "transcript", "residues", "cohort_1", "mutated_1", "profiled_1", "cohort_2", "mutated_2"),
    *("profiled_2", "variants", "drawn", "left_out", "figure", "status", "reason"),
]


def drawn_pairs(cohorts: Sequence[str]) -> list[tuple[str, ...]]:
    """List the pairs of cohorts that are drawn; a single cohort is no pair."""
    pairs = pairs_of(cohorts)
    if len(pairs) > MOST_PAIRS:
        pairs = [pair for pair in pairs if pair[0] == cohorts[0]]
    return pairs or [(cohort,) for cohort in cohorts]


def marks_of(mutations: pd.DataFrame, residues: int) -> pd.DataFrame:
    """Count the patients with each mutation of a gene that changes the protein: a row a cohort and mutation.

    The mutations of a residue are told apart by what becomes of the protein. Status says which cannot be
    drawn.
    """
    own = mutations[mutations.protein_changing == "yes"]
    places = list(map(residue_of, own.protein_position, own.hgvs_c.fillna("")))
    known = own.hgvs_p.where(own.hgvs_p != "p.?")
    label = known.map(short_name, na_action="ignore").fillna(own.hgvs_c).fillna("?")
    own = own.assign(position=pd.array(places, dtype="Int64"), label=label)
    own["class"] = own["class"].map(CLASSES).fillna("other")
    keys = ["cohort", "position", "label", "class"]
    rows = own.groupby(keys, sort=False, dropna=False).agg(
        hgvs_p=("hgvs_p", "first"), hgvs_c=("hgvs_c", "first"), count=("patient", "nunique")
    )
    rows = rows.reset_index().sort_values(["position", "label"], kind="stable", ignore_index=True)
    # A lost stop is behind the last residue.
    beyond = (rows.position > residues + 1).fillna(False).astype(bool)
    causes = {"no_position": rows.position.isna(), "beyond_end": beyond}
    rows["status"] = np.select(list(causes.values()), list(causes), "ok")
    says = {"no_position": "no residue can be named", "beyond_end": f"the protein has {residues} residues"}
    rows["reason"] = rows.status.map(says).fillna("")
    return rows.reindex(columns=MARKS)


class Side(NamedTuple):
    """A cohort of a picture: how many of its patients were looked at, and had the gene mutated."""

    cohort: str
    mutated: int | None
    profiled: int

    @property
    def track(self) -> Track:
        """Return what the figure says of the cohort."""
        if not self.profiled:
            return Track(self.cohort, "", "not looked at in any patient")
        share = f"{self.mutated:,} of {self.profiled:,}, {100 * self.mutated / self.profiled:.1f} %"
        none = "none that has a place" if self.mutated else f"none in {self.profiled:,} patients"
        return Track(self.cohort, share, none, profiled=self.profiled)


def side_of(frequency: pd.DataFrame, gene: str, cohort: str) -> Side:
    """Find what is known of a gene in a cohort."""
    row = frequency[(frequency.gene == gene) & (frequency.cohort == cohort)].iloc[0]
    return Side(cohort, None if pd.isna(row.mutated) else int(row.mutated), int(row.profiled))


def left_out(marks: pd.DataFrame) -> str:
    """Say how many mutations cannot be drawn; empty if all can."""
    lost = marks[marks.status != "ok"]
    if lost.empty:
        return ""
    said = [f"{reason} ({own['count'].sum()})" for reason, own in lost.groupby("reason", sort=False)]
    return f"Not drawn: {'; '.join(said)}."


def picture(protein: Protein, sides: Sequence[Side], marks: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw a protein and the mutations of one or two cohorts; return the figure and what it shows."""
    features = fitted(protein.features, protein.length)
    numbers = {side.cohort: number for number, side in enumerate(sides)}
    own = marks[marks.cohort.isin(list(numbers))].reset_index(drop=True)
    own["track"] = own.cohort.map(numbers)
    shown = own[own.status == "ok"].astype({"position": int})
    figure, labelled = draw(
        protein._replace(features=features[features.drawn == "yes"]),
        shown,
        [side.track for side in sides],
        mirrored=len(sides) > 1,
        notes=[*filter(None, [HEADS, left_out(own)]), *notes_of(features)],
    )
    profiled = {side.cohort: side.profiled for side in sides}
    own = own.assign(
        element="mutation",
        profiled=own.cohort.map(profiled),
        label=own.label.where(labelled.reindex(own.index, fill_value=False)),
        drawn=np.where(own.status == "ok", "yes", "no"),
    )
    own["percent"] = 100 * own["count"] / own.profiled
    whole = {"element": "protein", "name": protein.gene, "start": 1, "end": protein.length}
    cohorts = [
        {"element": "cohort", "cohort": side.cohort, "profiled": side.profiled, "count": side.mutated}
        | {"percent": 100 * side.mutated / side.profiled if side.profiled else None}
        | {"status": "ok" if side.profiled else "not_profiled"}
        for side in sides
    ]
    table = pd.concat([pd.DataFrame([whole]), features, pd.DataFrame(cohorts), own], ignore_index=True)
    table = table.assign(gene=protein.gene, transcript=protein.transcript).reindex(columns=COLUMNS)
    table = table.fillna({"status": "ok", "drawn": "yes"})
    whole_numbers = ["start", "end", "position", "count", "profiled"]
    return figure, table.astype(dict.fromkeys(whole_numbers, "Int64") | {"percent": "float64"})


def why_not(gene: str, residues: int | None, sides: Sequence[Side], marks: pd.DataFrame) -> tuple[str, str]:
    """Return status and reason of a protein that is not drawn; the status is ok if it is."""
    if residues is None:
        return "no_length", f"the table of target genes has no coding sequence of {gene}"
    names = " and ".join(side.cohort for side in sides)
    if not any(side.profiled for side in sides):
        return "not_profiled", f"not looked at in {names}"
    own = marks[marks.cohort.isin([side.cohort for side in sides])]
    if not (own.status == "ok").any():
        return "no_mutation", left_out(own) or f"no mutation that changes the protein in {names}"
    return "ok", ""


@click.command(cls=Script)
@click.option("--mutations", type=INPUT, required=True, help="mutations.tsv.gz of harmonise_mutations.")
@click.option("--frequency", type=INPUT, required=True, help="frequency.tsv of mutation_frequency.")
@click.option(
    "--domains", type=INPUT, required=True, help="TSV: gene, kind, name, start, end (residues), source."
)
@click.option("--target-genes", type=INPUT, required=True, help="TSV: gene, transcript, cds_start, cds_end.")
@RESULTS
def main(mutations: Path, frequency: Path, domains: Path, target_genes: Path, results: Path) -> None:
    """Draw proteins with their domains and the mutations of cohorts."""
    targets, features = read_table(target_genes, TARGET_GENES), read_table(domains, DOMAINS)
    shares, every = read_table(frequency, FREQUENCY), read_mutations(mutations)
    lengths, pairs = lengths_of(targets), drawn_pairs(list(dict.fromkeys(shares.cohort)))
    listed, made = [], {}
    for gene, ids in zip(targets.gene, targets.transcript, strict=True):
        residues = lengths.get(gene)
        looked_at = shares.cohort[(shares.gene == gene) & (shares.profiled > 0)]
        own = every[(every.gene == gene) & every.cohort.isin(looked_at)]
        marks = marks_of(own, residues or 0)
        protein = Protein(gene, ids.split(";")[0], residues or 0, features[features.gene == gene])
        for pair in pairs:
            sides = [side_of(shares, gene, cohort) for cohort in pair]
            status, reason = why_not(gene, residues, sides, marks)
            row = {"gene": gene, "status": status, "reason": reason}
            for number, side in enumerate(sides, 1):
                row |= {f"cohort_{number}": side.cohort, f"mutated_{number}": side.mutated}
                row[f"profiled_{number}"] = side.profiled
            if residues:
                row |= {"transcript": protein.transcript, "residues": residues}
            if status == "ok":
                figure, table = picture(protein, sides, marks)
                stem = f"{gene}.{'_vs_'.join(pair)}.lollipop"
                save_figure(figure, table, results / stem)
                made[stem] = (figure, table)
                variants = table[table.element == "mutation"]
                shown = variants.drawn == "yes"
                row |= {"variants": len(variants), "drawn": int(shown.sum()), "left_out": int((~shown).sum())}
                row["figure"] = f"{stem}.svg"
            listed.append(row)
    whole = [
        name for name in PROTEINS if name.split("_")[0] in ("residues", "mutated", "profiled", "variants")
    ]
    whole += ["drawn", "left_out"]
    proteins = pd.DataFrame(listed).reindex(columns=PROTEINS).astype(dict.fromkeys(whole, "Int64"))
    write_table(proteins, results / "proteins.tsv")
    write_report(results / "cohort_lollipop_mqc.json", proteins, made)
    write_versions(results / "versions.tsv", "matplotlib", "numpy", "pandas")


if __name__ == "__main__":
    main()
