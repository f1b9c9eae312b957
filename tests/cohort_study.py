"""Cohorts with planted mutations, as harmonise_mutations leaves them, and a genome with KEAP1 and NFE2L2.

The genes have the real lengths of their proteins, three exons each and random codons.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from coding_genome import SENSE, bases, write_fasta, write_gtf
from common.annotation import Transcript, reverse_complement
from conftest import ROOT
from lollipop_study import transcripts

COLUMNS = [
    *("cohort", "sample", "patient", "panel", "gene", "chrom", "position", "ref", "alt", "variant_type"),
    *("classification", "class", "protein_changing", "transcript", "hgvs_c", "hgvs_p", "protein_position"),
    *("context", "vaf"),
]
SAMPLES = [
    *("cohort", "sample", "patient", "panel", "specimen", "normal", "counts", "mutations"),
    *("protein_changing", "status", "reason"),
]
LENGTHS = {"KEAP1": 624, "NFE2L2": 605}
QUIET = ("silent", "non_coding", "other")
PANELS = {  # panel: specimen, normal, genes
    "tissue_324": ("tissue", "matched", ("KEAP1", "NFE2L2", "CUL3", "TP53", "KMT2D")),
    "liquid_74": ("liquid", "none", ("NFE2L2", "TP53")),
    "tumour_only": ("tissue", "none", ("KEAP1", "NFE2L2", "TP53")),
}


def sample_rows(cohort: str, number: int, panel: str = "", first: int = 0, **columns: str) -> list[dict]:
    """Make samples of a cohort, one a patient."""
    specimen, normal, _ = PANELS.get(panel, ("", "", ()))
    return [
        {"cohort": cohort, "sample": f"{cohort}-{n}.t", "patient": f"{cohort}-{n}", "panel": panel}
        | {"specimen": specimen, "normal": normal, "counts": "yes", "status": "ok", **columns}
        for n in range(first, first + number)
    ]


def mutation(sample: Mapping[str, str], gene: str, residue: int | None, **columns: object) -> dict:
    """Make a mutation of a sample: a missense substitution, unless told otherwise."""
    row = {name: sample[name] for name in ("cohort", "sample", "patient", "panel")}
    row |= {"gene": gene, "chrom": "1", "position": 1000 + 3 * (residue or 0), "ref": "C", "alt": "T"}
    row |= {"variant_type": "SNV", "class": "missense", "protein_position": residue}
    row |= {"hgvs_p": f"p.R{residue}C" if residue else None, "hgvs_c": f"c.{3 * (residue or 1)}C>T"}
    row |= columns
    return {"protein_changing": "no" if row["class"] in QUIET else "yes"} | row


def genome_of(seed: int) -> tuple[dict[str, str], list[Transcript]]:
    """Draw the contigs of KEAP1 (minus strand) and NFE2L2 (plus strand), with codons on their exons."""
    random = np.random.default_rng(seed)
    made = [each for each in transcripts() if each.gene_name in LENGTHS]
    contigs = {"chr2": list(bases(random, 9500)), "chr19": list(bases(random, 4000))}
    for each in made:
        first, end = each.cds
        codons = ["ATG", *random.choice(SENSE, (end - first) // 3 - 2), "TAA"]
        for offset, base in enumerate("".join(codons), first):
            base = base if each.strand == "+" else reverse_complement(base)
            contigs[each.contig][each.to_genome(offset)] = base
    return {name: "".join(sequence) for name, sequence in contigs.items()}, made


def write_study(
    folder: Path,
    samples: Sequence[Mapping[str, str]],
    mutations: Sequence[Mapping[str, object]],
    panels: Sequence[str] = tuple(PANELS),
    panel_genes: Sequence[str] = (),
    aliases: Mapping[str, str] | None = None,
    genome: bool = False,
    spectra: Mapping[str, pd.Series] | None = None,
    opportunities: pd.DataFrame | None = None,
) -> dict[str, Path]:
    """Write a study; return the options of mutation_frequency."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ("panels", "genes", "matrices", "opportunities", "genome", "gtf")
    folders = {name: folder / name for name in names}
    for each in folders.values():
        each.mkdir(exist_ok=True)

    def write(table: pd.DataFrame, path: Path) -> Path:
        table.to_csv(path, sep="\t", index=False)
        return path

    table = pd.DataFrame(list(mutations)).reindex(columns=COLUMNS).astype({"protein_position": "Int64"})
    paths = {
        "mutations": write(table, folder / "mutations.tsv.gz"),
        "samples": write(pd.DataFrame(list(samples)).reindex(columns=SAMPLES), folder / "samples.tsv"),
    }
    if panels:
        rows = [
            (panel, *PANELS[panel][:2], gene, "", "", "") for panel in panels for gene in PANELS[panel][2]
        ]
        columns = ["panel", "specimen", "normal", "gene", "chrom", "start", "end"]
        write(pd.DataFrame(rows, columns=columns), folders["panels"] / "panels.tsv")
    if panel_genes:
        (folders["genes"] / "list.txt").write_text("# genes of a panel\n" + "\n".join(panel_genes) + "\n")
    known = pd.DataFrame((aliases or {"KMT2D": "MLL2;ALR"}).items(), columns=["gene_name", "previous"])
    paths["gene_aliases"] = write(known, folder / "aliases.tsv")
    if genome:
        contigs, made = genome_of(1)
        write_fasta(contigs, folders["genome"] / "genome.fa")
        write_gtf(made, folders["gtf"] / "genes.gtf")
    if spectra:
        pooled = pd.DataFrame(dict(spectra)).rename_axis("MutationType").reset_index()
        write(pooled, folders["matrices"] / "pooled.SBS96.tsv")
        write(pooled, folders["matrices"] / "KEAP1.SBS96.tsv")
    if opportunities is not None:
        write(opportunities, folders["opportunities"] / "opportunities.tsv")
    return paths | {
        "panels": folders["panels"],
        "panel_genes": folders["genes"],
        "matrices": folders["matrices"],
        "opportunities": folders["opportunities"],
        "genome": folders["genome"],
        "annotation": folders["gtf"],
        "target_genes": ROOT / "assets/target_genes.tsv",
        "domains": ROOT / "assets/domains.tsv",
    }
