"""Check that the sheets of target genes and of what is known about them go together."""

import re
from collections.abc import Container, Mapping

import pandas as pd

from common.sheets import Problems, check_once, listed, meant, shown

OF_TRANSCRIPTS = ("loci", "skipping")  # each row is looked up in a transcript of a target gene
OF_PROTEINS = ("domains", "hotspots")  # rows of other genes do no harm
# How each kind of hotspot is written, and an example.
CHANGES = {
    "substitution": (re.compile(r"[A-Z*]\d+[A-Z*=]"), "R320Q"),
    "codon": (re.compile(r"[A-Z]\d+"), "D29"),
    "inframe_indel": (re.compile(r"(\d+)-(\d+)"), "16-38"),
    "position": (re.compile(r"c\..+"), "c.-733"),
}


def transcripts_of(cell: str) -> list[str]:
    """Return the ids between semicolons, without their versions."""
    return [name.split(".")[0] for name in cell.split(";")]


def check_coding(name: str, genes: pd.DataFrame, problems: Problems) -> None:
    """Check that a coding sequence has both ends, the last after the first, and whole codons between."""
    for row, start, end in genes[["cds_start", "cds_end"]].dropna().itertuples(name=None):
        length = int(end) - int(start) + 1 if start and end else 3
        if bool(start) != bool(end):
            column, other = ("cds_end", "cds_start") if start else ("cds_start", "cds_end")
            problems.add(f"{name}, row {row}, {column}", f"nothing, with {other}", "both, or none")
        elif length < 3 or length % 3:
            said = f"{end}, with cds_start {start}: {length} bases"
            problems.add(f"{name}, row {row}, cds_end", said, "whole codons from cds_start to cds_end")


def check_domains(name: str, domains: pd.DataFrame, problems: Problems) -> None:
    """Find domains that end before they start."""
    for row, start, end in domains[["start", "end"]].dropna().itertuples(name=None):
        if int(end) < int(start):
            problems.add(f"{name}, row {row}, end", f"{end}, with start {start}", "start, or more")


def check_hotspots(name: str, hotspots: pd.DataFrame, problems: Problems) -> None:
    """Find changes that are not written as their kind is, and ranges that end before they start."""
    for row, kind, change in hotspots[["kind", "change"]].dropna().itertuples(name=None):
        form, example = CHANGES[kind]
        match = form.fullmatch(change)
        if not match or (kind == "inframe_indel" and int(match[2]) < int(match[1])):
            said = f"{shown(change)} for kind {kind}"
            problems.add(f"{name}, row {row}, change", said, f"a change as {example}")


def check_transcripts(name: str, genes: pd.DataFrame, problems: Problems) -> dict[str, set[str]]:
    """Find a transcript that two genes have; return those of each gene."""
    known: dict[str, set[str]] = {}
    first: dict[str, int] = {}
    for row, gene, cell in genes[["gene", "transcript"]].dropna().itertuples(name=None):
        for transcript in dict.fromkeys(transcripts_of(cell)):
            check_once(f"{name}, row {row}, transcript", transcript, row, first, problems)
            known.setdefault(gene, set()).add(transcript)
    return known


def check_targets(
    tables: Mapping[str, pd.DataFrame],
    names: Mapping[str, str],
    own: Container[str],
    problems: Problems,
) -> None:
    """Check the sheets beside that of the target genes by it.

    `tables` and `names` (as problems call them) are by parameter; `own` are those not shipped.
    """
    for parameter, check in (("domains", check_domains), ("hotspots", check_hotspots)):
        if parameter in tables:
            check(names[parameter], tables[parameter], problems)
    if "target_genes" not in tables:
        return
    genes, sheet = tables["target_genes"], names["target_genes"]
    check_coding(sheet, genes, problems)
    known = check_transcripts(sheet, genes, problems)
    unread = set(genes.gene[genes.transcript.isna()].dropna())
    for parameter in OF_TRANSCRIPTS:
        if parameter not in tables:
            continue
        for row, gene, cell in tables[parameter][["gene", "transcript"]].dropna().itertuples(name=None):
            where = f"{names[parameter]}, row {row}"
            if gene not in known and gene not in unread:
                expected = f"a gene of {sheet} (--target_genes): {listed(known)}"
                problems.add(f"{where}, gene", f"{shown(gene)}{meant(gene, known)}", expected)
            elif gene in known and not known[gene] & set(transcripts_of(cell)):
                expected = f"a transcript that the gene has in {sheet}"
                problems.add(f"{where}, transcript", f"{shown(cell)} for {gene}", expected)
    for parameter in OF_PROTEINS:
        if parameter in tables and parameter in own:
            others = [gene for gene in tables[parameter].gene.dropna().unique() if gene not in known]
            if others:
                problems.note(names[parameter], f"not used: {sheet} does not list {listed(others)}")
