#!/usr/bin/env python3
"""Draw the proteins of target genes with their domains, and below them each line's variants.

Drawn      Variants that change the protein: missense, truncating (stop, frameshift, lost start), in frame,
           splice sites (at the codon of the nearest coding base) and lost stops. Common polymorphisms and
           changes of no residue stay in the table, not drawn, with the reason. A head has a half for each
           condition: filled where the variant was found, white where it was looked for in vain, grey where it
           could not be told; VAFs stand beside it.
Read       A residue was read in a condition if all bases of its codon lie in inserts of amplicons that are
           `ok` in one of its samples. A line without variants has its row, which says in how much of the
           protein none was found: where nothing was read, nothing can be found.
Which      Target genes whose coding sequence an amplicon covers, or that have variants, if domains.tsv has a
           feature of them. A study without variants has its proteins and lines all the same.
Numbering  Residues of the named transcript's protein, from its start methionine; repeats as domains.tsv
           counts them (other counts exist).

References: Ou and Zhu 2019, doi:10.1038/s41592-019-0430-y (stems with room for their labels); Jay and Brouwer
2016, doi:10.1371/journal.pone.0160519 (diagrams that fit on a page)
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
import pysam
from common.annotation import Transcript
from common.cli import INPUT, RESULTS, Script
from common.figures import save_figure
from common.lollipop_figure import draw
from common.lollipop_layout import Protein, Track
from common.lollipop_report import left_out, write_report
from common.multiqc import write_versions
from common.protein_names import residue_of, short_name
from common.protein_regions import fitted, notes_of
from common.tables import LIBRARY, TARGET_GENES, read_table, write_table
from common.target_sites import find_targets, reason_for
from matplotlib.figure import Figure

COVERAGE = dict.fromkeys(["line", "condition", "chrom", "status"], "str")
COVERAGE |= {"insert_start": "int64", "insert_end": "int64"}
NAMES = ["line", "condition", "gene", "hgvs_c", "hgvs_p_short", "consequence", "common_polymorphism"]
STATES = ["comparison", "zygosity_reference", "zygosity_target"]
COMPARISON = dict.fromkeys(NAMES + STATES, "str") | {"protein_start": "Int64"}
COMPARISON |= {"vaf_reference": "float64", "vaf_target": "float64"}
DOMAINS = {"gene": "str", "kind": "str", "name": "str", "start": "int64", "end": "int64", "source": "str"}
# What is drawn of a variant, the first that applies; terms of the Sequence Ontology.
CLASSES = {
    "truncating": {"transcript_ablation", "stop_gained", "frameshift_variant", "start_lost"},
    "splice site": {"splice_acceptor_variant", "splice_donor_variant"},
    "in frame": {"inframe_insertion", "inframe_deletion", "protein_altering_variant"},
    "missense": {"missense_variant"},
    "other": {"stop_lost"},
}
PRESENT = ("hom", "imbalanced", "het", "subclonal")
COLUMNS = [
    *("gene", "transcript", "element", "name", "start", "end", "line", "condition", "hgvs_c", "hgvs_p_short"),
    *("position", "class", "comparison", "vaf_reference", "vaf_target", "count", "label", "drawn"),
    *("status", "reason"),
]
PROTEINS = ["gene", "transcript", "residues", "lines", "variants", "drawn", "left_out", "status", "reason"]
WHOLE = 0.995  # a protein of which this share was read counts as read, for primers may cover a few codons


class Row(NamedTuple):
    """A row of a figure: a condition of a line, beside its reference condition."""

    line: str
    condition: str
    role: str
    roles: dict[str, str]  # condition of each role that is looked at


# ---- variants


def class_of(consequence: str) -> str:
    """Return the class of a variant by its terms; empty if it changes no residue and no splice site."""
    terms = set(consequence.split("&"))
    return next((name for name, own in CLASSES.items() if terms & own), "")


def state_of(zygosity: str | float) -> str:
    """Say whether a condition has a variant: present, absent or unknown."""
    return "present" if zygosity in PRESENT else "absent" if zygosity == "absent" else "unknown"


def percent(share: float) -> str:
    """Write a VAF with two digits: 48 %, 3.1 %, 0.25 %; n/a where there is none."""
    if np.isnan(share):
        return "n/a"
    return f"{100 * share:.2g} %" if share < 0.995 else "100 %"


def describe(found: pd.DataFrame, rows: Sequence[Row]) -> pd.DataFrame:
    """Turn the rows of comparison.tsv of a gene into marks, and say which are drawn and why others are not.

    Adds track (row of the figure), position, class, count, label, what `draw` takes of both conditions,
    drawn, status and reason.
    """
    tracks = {(row.line, row.condition): number for number, row in enumerate(rows)}
    table = found.assign(
        track=[tracks[key] for key in zip(found.line, found.condition, strict=True)],
        position=pd.array(list(map(residue_of, found.protein_start, found.hgvs_c.fillna(""))), dtype="Int64"),
        count=1,
    )
    table["class"] = found.consequence.fillna("").map(class_of)
    protein = found.hgvs_p_short.where(found.hgvs_p_short != "p.?")
    table["label"] = protein.map(short_name, na_action="ignore").fillna(found.hgvs_c)
    for role in ("reference", "target"):
        table[role] = found[f"zygosity_{role}"].map(state_of)
        shares = found[f"vaf_{role}"].where(table[role] != "unknown")
        table[f"{role}_text"] = shares.map(percent)
    table["note"] = found.comparison.str.replace("_", " ")
    causes = {
        "common_polymorphism": found.common_polymorphism == "yes",
        "unchanged_protein": table["class"] == "",
        "no_position": table.position.isna(),
    }
    table["status"] = np.select(list(causes.values()), list(causes), "ok")
    says = {
        "common_polymorphism": "a common polymorphism",
        "unchanged_protein": "no residue changes",
        "no_position": "no single residue can be named",
    }
    table["reason"] = table.status.map(says).fillna("")
    silent = table.status == "unchanged_protein"
    table.loc[silent, "reason"] += ": " + found.consequence[silent].fillna("consequence not known")
    table["drawn"] = np.where(table.status == "ok", "yes", "no")
    return table


# ---- what was read


def codons_of(transcript: Transcript) -> np.ndarray:
    """Return the positions of the genome of each codon but the stop: residues x 3."""
    first, end = transcript.cds
    return np.array([transcript.to_genome(offset) for offset in range(first, end - 3)]).reshape(-1, 3)


def bases_read(codons: np.ndarray, inserts: pd.DataFrame) -> np.ndarray:
    """Tell of each base of each codon whether one of the inserts (insert_start, insert_end) holds it."""
    held = np.zeros(codons.shape, dtype=bool)
    for start, end in zip(inserts.insert_start, inserts.insert_end, strict=True):
        held |= (codons >= start) & (codons < end)
    return held


def read_residues(codons: np.ndarray, inserts: pd.DataFrame) -> np.ndarray:
    """Tell of each residue whether inserts hold all bases of its codon."""
    return bases_read(codons, inserts).all(axis=1)


def stretches(read: np.ndarray) -> list[tuple[int, int]]:
    """Return first and last residue, from 1, of each stretch that was read."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], read.astype(int), [0]])))
    return [(int(start) + 1, int(end)) for start, end in edges.reshape(-1, 2)]


def rows_of(study: pd.DataFrame) -> list[Row]:
    """List the rows of figures, in the order of the sheet: each condition of a line that is no reference.

    A line that has no other condition has a row of its reference.
    """
    rows = []
    for line, own in study.drop_duplicates(["line", "condition"]).groupby("line", sort=False):
        others = own[own.role != "reference"]
        reference = dict(own.loc[own.role == "reference", ["role", "condition"]].to_numpy())
        for condition, role in zip(others.condition, others.role, strict=True):
            rows.append(Row(line, condition, role, reference | {role: condition}))
        if others.empty:
            rows.append(Row(line, reference["reference"], "target", reference))
    return rows


def verdict(row: Row, read: Mapping[str, np.ndarray], variants: int, names: Mapping[str, str]) -> dict:
    """Say what a row of a figure shows: label (in the figure), status and reason.

    `read` has the residues that were read by role, `names` the study's conditions by role.
    """
    shares = {role: float(residues.mean()) for role, residues in read.items()}
    reason = ", ".join(f"{row.roles[role]}: {int(100 * share)} % read" for role, share in shares.items())
    lacking = [names[role] for role in ("reference", "target") if role in names and role not in row.roles]
    if row.role == "other":
        lacking = [name for name in lacking if name != names.get("target")]
    reason = "; ".join([reason, *(f"no {name} sample" for name in lacking)])
    if variants:
        return {"label": "", "status": "ok", "reason": reason}
    if unread := [row.roles[role] for role, share in shares.items() if not share]:
        label = f"not assessable: nothing was read in {' and '.join(unread)}"
        return {"label": label, "status": "not_read", "reason": reason}
    both = float(np.logical_and.reduce(list(read.values())).mean())
    label = "none found" if both >= WHOLE else f"none found in the {int(100 * both)} % that were read"
    label += "".join(f", no {name} sample" for name in lacking)
    return {"label": label, "status": "none_found", "reason": reason}


# ---- a protein


class Inputs(NamedTuple):
    """The tables that are drawn from."""

    study: pd.DataFrame
    coverage: pd.DataFrame
    comparison: pd.DataFrame
    domains: pd.DataFrame


def conditions_of(study: pd.DataFrame) -> dict[str, str]:
    """Return the conditions of each role, in words."""
    return {role: " or ".join(dict.fromkeys(own)) for role, own in study.groupby("role").condition}


def tracks_of(
    rows: Sequence[Row], transcript: Transcript, shown: pd.DataFrame, inputs: Inputs
) -> tuple[list[Track], pd.DataFrame]:
    """Return the tracks of a figure that shows these marks, and a table of them and of what was read."""
    names, codons = conditions_of(inputs.study), codons_of(transcript)
    usable = inputs.coverage[(inputs.coverage.chrom == transcript.contig) & (inputs.coverage.status == "ok")]
    inserts = dict(iter(usable.groupby(["line", "condition"])))
    lines = [row.line for row in rows]
    tracks, parts = [], []
    for number, row in enumerate(rows):
        read = {
            role: read_residues(codons, inserts.get((row.line, condition), usable[:0]))
            for role, condition in row.roles.items()
        }
        said = verdict(row, read, int((shown.track == number).sum()), names)
        parts.append({"element": "line", "line": row.line, "condition": row.condition} | said)
        spans = {role: stretches(residues) for role, residues in read.items()}
        for role, found in spans.items():
            about = {"element": "read", "line": row.line, "condition": row.roles[role]}
            parts += [about | {"start": start, "end": end} for start, end in found]
        detail = row.condition if lines.count(row.line) > 1 else ""
        tracks.append(Track(row.line, detail, said["label"], row.role, spans))
    return tracks, pd.DataFrame(parts)


def picture(gene: str, transcript: Transcript, inputs: Inputs) -> tuple[Figure, pd.DataFrame]:
    """Draw a gene's protein; return the figure and the table of all that it shows or leaves out."""
    residues, rows = len(codons_of(transcript)), rows_of(inputs.study)
    features = fitted(inputs.domains[inputs.domains.gene == gene], residues)
    marks = describe(inputs.comparison[inputs.comparison.gene == gene], rows)
    shown = marks[marks.drawn == "yes"].astype({"position": int})
    tracks, parts = tracks_of(rows, transcript, shown, inputs)
    lost = left_out(marks)
    figure, labelled = draw(
        Protein(gene, transcript.transcript_id, residues, features[features.drawn == "yes"]),
        shown,
        tracks,
        conditions=conditions_of(inputs.study),
        notes=[f"Not drawn: {lost}."] * bool(lost) + notes_of(features),
    )
    marks["label"] = marks.label.where(labelled.reindex(marks.index, fill_value=False))
    whole = pd.DataFrame([{"element": "protein", "name": gene, "start": 1, "end": residues}])
    table = pd.concat([whole, features, parts, marks.assign(element="variant")], ignore_index=True)
    table = table.assign(gene=gene, transcript=transcript.transcript_id).reindex(columns=COLUMNS)
    table = table.fillna({"status": "ok", "drawn": "yes"})
    return figure, table.astype(dict.fromkeys(["start", "end", "position", "count"], "Int64"))


def why_not(gene: str, transcript: Transcript | str, ids: str, inputs: Inputs) -> tuple[str, str]:
    """Return status and reason of a target gene that is not drawn; the status is ok if it is."""
    if not (inputs.domains.gene == gene).any():
        return "no_domains", f"the table of domains has none of {gene}"
    if isinstance(transcript, str):
        return transcript, reason_for(transcript, ids)
    inserts = inputs.coverage[inputs.coverage.chrom == transcript.contig].drop_duplicates("insert_start")
    near = bases_read(codons_of(transcript), inserts).any()
    if not near and not (inputs.comparison.gene == gene).any():
        return "no_amplicon", "no amplicon holds a base of its coding sequence"
    return "ok", ""


@click.command(cls=Script)
@click.option("--amplicons", type=INPUT, required=True, help="TSV: sample, line, condition, role.")
@click.option("--coverage", type=INPUT, required=True, help="coverage.tsv of align_amplicons.")
@click.option("--comparison", type=INPUT, required=True, help="comparison.tsv of variant_comparison.")
@click.option(
    "--domains", type=INPUT, required=True, help="TSV: gene, kind, name, start, end (residues), source."
)
@click.option("--annotation", type=INPUT, required=True, help="GTF: the lengths of proteins.")
@click.option("--target-genes", type=INPUT, required=True, help="TSV: gene, transcript, cds_start, cds_end.")
@click.option("--genome", type=INPUT, required=True, help="FASTA of the genome, with its index beside it.")
@RESULTS
def main(
    amplicons: Path,
    coverage: Path,
    comparison: Path,
    domains: Path,
    annotation: Path,
    target_genes: Path,
    genome: Path,
    results: Path,
) -> None:
    """Draw proteins with their domains and the variants in them."""
    inputs = Inputs(
        read_table(amplicons, LIBRARY),
        read_table(coverage, COVERAGE),
        read_table(comparison, COMPARISON),
        read_table(domains, DOMAINS),
    )
    targets = read_table(target_genes, TARGET_GENES)
    with pysam.FastaFile(str(genome)) as sequences:
        transcripts = find_targets(targets, annotation, sequences)
    folder = results / "proteins"
    folder.mkdir(parents=True, exist_ok=True)
    listed, made = [], {}
    for gene, ids in zip(targets.gene, targets.transcript, strict=True):
        transcript = transcripts[gene]
        status, reason = why_not(gene, transcript, ids, inputs)
        row = {"gene": gene, "status": status, "reason": reason}
        if status == "ok":
            figure, table = picture(gene, transcript, inputs)
            save_figure(figure, table, folder / gene)
            made[gene] = (figure, table)
            variants = table[table.element == "variant"]
            changes = variants.drop_duplicates("hgvs_c")
            row |= {
                "transcript": transcript.transcript_id,
                "residues": int(table.end[0]),
                "lines": variants.line[variants.drawn == "yes"].nunique(),
                "variants": len(changes),
                "drawn": int((changes.drawn == "yes").sum()),
                "left_out": int((changes.drawn == "no").sum()),
            }
        listed.append(row)
    proteins = pd.DataFrame(listed, columns=PROTEINS)
    numbers = ["residues", "lines", "variants", "drawn", "left_out"]
    write_table(proteins.astype(dict.fromkeys(numbers, "Int64")), results / "proteins.tsv")
    write_report(results / "lollipop_mqc.json", proteins, made, inputs.domains)
    write_versions(results / "versions.tsv", "matplotlib", "numpy", "pandas", "pysam")


if __name__ == "__main__":
    main()
