"""Check that the sheets of cohorts go together: mutations, profiled samples, panels and their genes.

MAF files may have a million rows: of them the header is read, and the columns of samples and genome builds.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from common.maf_files import BUILD, NEEDED, SAMPLE, column_called, header_of, read_columns
from common.read_files import Seen
from common.sheets import (
    Problems,
    UnreadableError,
    check_once,
    check_spelling,
    listed,
    meant,
    read_sheet,
    rows_of,
    shown,
)
from common.signature_tables import CONTEXTS

A_FILE = "a file, by its path from the sheet's folder, its absolute path or its address"
GENE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+-]*")
HEADS = {"gene", "gene_name", "hugo_symbol", "symbol"}  # of lists of genes, whatever their case
BUILDS = {"GRCh37": ("37", "19"), "GRCh38": ("38",)}  # numbers by which a MAF may call it
MATRIX_HEADS = ("MutationType", "Type")
PANELS = ["panel", "specimen", "normal", "gene", "chrom", "start", "end"]
PROFILED = ["cohort", "sample", "patient", "panel"]


class Table(NamedTuple):
    """A file that a cell of a sheet names and that is read here."""

    name: str  # what problems call it
    path: Path


class Cohorts(NamedTuple):
    """What the sheets of cohorts hold, checked."""

    cohorts: pd.DataFrame  # cohort genome_build maf sbs96: numbers of files
    files: pd.DataFrame  # kind number uri
    profiled: pd.DataFrame  # cohort sample patient panel
    panels: pd.DataFrame | None
    there: set[str]  # what analyses need of them


def read_genes(table: Table, problems: Problems) -> list[str]:
    """Read a list of genes: a symbol a row, further columns and lines that start with # left out."""
    genes: dict[str, int] = {}
    try:
        rows = [(number, fields[0]) for number, fields in rows_of(table.path) if not fields[0].startswith("#")]
    except UnreadableError as error:
        problems.add(table.name, str(error), "UTF-8 text with a gene a row")
        return []
    for place, (number, gene) in enumerate(rows):
        if place == 0 and gene.lower() in HEADS:
            continue
        if GENE.fullmatch(gene):
            genes.setdefault(gene, number)
        else:
            problems.add(f"{table.name}, row {number}", shown(gene), "a gene symbol")
    if not rows:
        problems.add(table.name, "no gene", "a gene a row")
    return list(genes)


def read_regions(table: Table, problems: Problems) -> list[tuple[str, str, str, str]]:
    """Read the regions of a panel (BED): gene, chrom, start, end."""
    regions = []
    try:
        for number, fields in rows_of(table.path):
            if re.match(r"#|track\b|browser\b", fields[0]):
                continue
            chrom, start, end, gene = [*fields, "", "", ""][:4]
            if not (start.isdecimal() and end.isdecimal() and int(start) < int(end)):
                found = f"{shown(start)} and {shown(end)}"
                expected = "start, counted from 0, and a larger end (BED: contig, start, end, gene)"
                problems.add(f"{table.name}, row {number}", found, expected)
            elif gene and not GENE.fullmatch(gene):
                problems.add(f"{table.name}, row {number}", shown(gene), "a gene symbol in the fourth column")
            else:
                regions.append((gene, chrom, start, end))
    except UnreadableError as error:
        problems.add(table.name, str(error), "UTF-8 text with a region a row")
        return []
    if not regions:
        problems.add(table.name, "no region", "a region a row: contig, start, end, gene")
    elif not any(region[0] for region in regions):
        problems.add(table.name, "no gene in the fourth column", "the gene of each region")
    return regions


def read_panels(
    name: str, sheet: pd.DataFrame, tables: Mapping[tuple[str, str], Table], problems: Problems
) -> pd.DataFrame:
    """Read the genes or regions of each panel."""
    rows = []
    for row in sheet.dropna().itertuples():
        if (table := tables.get(("panels", row.file))) is None:
            continue
        if row.file.lower().removesuffix(".gz").endswith(".bed"):
            its = read_regions(table, problems)
        else:
            its = [(gene, "", "", "") for gene in read_genes(table, problems)]
        rows += [(row.panel, row.specimen, row.normal, *one) for one in its]
    return pd.DataFrame(rows, columns=PANELS)


def read_profiled(
    cohort: str, table: Table, schema: Mapping, panels: Sequence[str], problems: Problems
) -> pd.DataFrame:
    """Read the profiled samples of a cohort; a sample without a patient stands for one."""
    found = read_sheet(table.path, table.name, schema, problems)
    if found is None:
        return pd.DataFrame(columns=PROFILED)
    for row, panel in found.panel.dropna().items():
        if panel and panel not in panels:
            known = f"a panel of --panels: {listed(panels)}" if len(panels) else "--panels, with its genes"
            problems.add(f"{table.name}, row {row}, panel", f"{shown(panel)}{meant(panel, panels)}", known)
    patient = found.patient.where(found.patient.fillna("").ne(""), found["sample"])
    return found.assign(cohort=cohort, patient=patient)[PROFILED]


def check_maf(table: Table, build: str | None, profiled: pd.Series | None, problems: Problems) -> bool:
    """Check a MAF: its columns, its genome build, and that its samples were profiled.

    Returns whether it has a column of contexts.
    """
    try:
        header = header_of(table.path)
    except UnreadableError as error:
        problems.add(table.name, str(error), "a MAF: tab-separated text with a header")
        return False
    lacking = [field for field in NEEDED if not column_called(field, header)]
    for field in lacking:
        found = f"no such column among {listed(header)}{meant(NEEDED[field], header)}"
        problems.add(f"{table.name}, header, {NEEDED[field]}", found, f"the column {NEEDED[field]} of a MAF")
    wanted = [column for field in (SAMPLE, BUILD) if (column := column_called(field, header))]
    values = read_columns(table.path, wanted)
    if values.empty:
        problems.add(table.name, "no row below the header", "a row a mutation")
        return False
    by_build = column_called(BUILD, header)
    if by_build and build:
        check_build(table.name, values[by_build], build, problems)
    by_sample = column_called(SAMPLE, header)
    if by_sample and profiled is not None:
        counts = values[by_sample].value_counts(sort=False)
        unknown = sorted(set(counts.index) - set(profiled.dropna()))
        if unknown:
            found = f"{listed(unknown)}, with {counts[unknown].sum():,} mutations"
            expected = "samples of the cohort's list: it has all that were profiled"
            problems.add(f"{table.name}, {by_sample}", found, expected)
    return column_called("context", header) != ""


def check_build(name: str, builds: pd.Series, build: str, problems: Problems) -> None:
    """Find rows whose genome build is another than the sheet says."""
    for said, rows in builds[builds.ne("")].value_counts(sort=False).items():
        if not any(number in said for number in BUILDS[build]):
            expected = f"{build}, as the sheet says of the cohort"
            problems.add(f"{name}, NCBI_Build", f"{shown(said)} in {rows:,} rows", expected)


def check_matrix(table: Table, problems: Problems) -> list[str]:
    """Check a ready matrix of mutations; return its samples."""
    try:
        rows = list(rows_of(table.path))
    except UnreadableError as error:
        problems.add(table.name, str(error), "a matrix: MutationType, then a column for each sample")
        return []
    header = rows[0][1] if rows else []
    if not header or header[0] not in MATRIX_HEADS:
        found = shown(header[0]) if header else "an empty file"
        problems.add(f"{table.name}, row 1", found, f"{' or '.join(MATRIX_HEADS)}, then a column for each sample")
        return []
    contexts = {fields[0]: number for number, fields in rows[1:]}
    if lacking := [context for context in CONTEXTS if context not in contexts]:
        found = f"{len(lacking)} of the 96 contexts missing ({listed(lacking)})"
        problems.add(f"{table.name}, {header[0]}", found, "each of the 96, such as A[C>A]A, once")
    for number, fields in rows[1:]:
        wrong = [cell for cell in fields[1 : len(header)] if not re.fullmatch(r"\d+(\.0*)?", cell)]
        if wrong or len(fields) != len(header):
            found = shown(wrong[0]) if wrong else f"{len(fields)} fields"
            problems.add(f"{table.name}, row {number}", found, "a count of mutations for each sample")
    return header[1:]


def check_named(
    name: str, sheet: pd.DataFrame, columns: Iterable[str], found: Mapping[str, Seen], problems: Problems
) -> None:
    """Find files that cells name and that are not there."""
    for column in columns:
        for row, cell in sheet[column].dropna().items():
            if cell and (fault := found.get(cell, Seen(cell)).fault()):
                problems.add(f"{name}, row {row}, {column}", fault, A_FILE)


def check_cohorts(
    names: Mapping[str, str],
    tables: Mapping[str, pd.DataFrame],
    found: Mapping[str, Mapping[str, Seen]],
    read: Mapping[tuple[str, str], Table],
    schemas: Path,
    problems: Problems,
) -> Cohorts | None:
    """Check the sheets of cohorts and panels, and the files that they name; None if there are none."""
    panels = None
    if "panels" in tables:
        check_named(names["panels"], tables["panels"], ["file"], found.get("panels", {}), problems)
        panels = read_panels(names["panels"], tables["panels"], read, problems)
    if "cohorts" not in tables:
        return None
    name, cohorts = names["cohorts"], tables["cohorts"]
    seen = found.get("cohorts", {})
    check_named(name, cohorts, ("maf", "samples", "sbs96"), seen, problems)
    schema = json.loads((schemas / "assets/cohort_samples.schema.json").read_text())
    known = [] if "panels" not in tables else list(tables["panels"].panel.dropna())
    rows, files, lists, there = [], [], [], set()
    for row in cohorts.itertuples():
        where = f"{name}, row {row.Index}"
        if row.maf == "" and row.sbs96 == "":
            problems.add(f"{where}, maf", "nothing, and no sbs96", "a MAF file, or a ready matrix")
        if row.maf and row.samples == "":
            problems.add(f"{where}, samples", "nothing, with a MAF", "the list of all profiled samples")
        profiled = None
        if row.samples and (table := read.get(("cohorts", row.samples))):
            profiled = read_profiled(row.cohort, table, schema, known, problems)
            lists.append(profiled)
        if row.maf and (table := read.get(("cohorts", row.maf))):
            samples = None if profiled is None else profiled["sample"]
            there |= {"MAF"} | ({"a context column"} if check_maf(table, row.genome_build, samples, problems) else set())
        if row.sbs96 and (table := read.get(("cohorts", row.sbs96))):
            there.add("sbs96")
            counted = check_matrix(table, problems)
            if profiled is None:
                lists.append(pd.DataFrame({"sample": counted, "patient": counted, "panel": ""}).assign(cohort=row.cohort))
        numbers = []
        for kind, cell in (("maf", row.maf), ("sbs96", row.sbs96)):
            number = sum(file[0] == kind for file in files) + 1
            numbers.append(str(number) if cell else "")
            files += [(kind, str(number), seen[cell].uri)] if cell and cell in seen else []
        rows.append((row.cohort, row.genome_build, *numbers))
    every = pd.concat([each[PROFILED] for each in lists]) if lists else pd.DataFrame(columns=PROFILED)
    note_profiled(name, every, cohorts, problems)
    if unused := [panel for panel in known if panel not in set(every.panel)]:
        problems.note(names["panels"], f"no sample has panel {listed(unused)}")
    return Cohorts(
        pd.DataFrame(rows, columns=["cohort", "genome_build", "maf", "sbs96"]),
        pd.DataFrame(files, columns=["kind", "number", "uri"]),
        every,
        panels,
        there,
    )


def note_profiled(name: str, profiled: pd.DataFrame, cohorts: pd.DataFrame, problems: Problems) -> None:
    """Note patients that are in more than one cohort, and genome builds that differ."""
    per_patient = profiled.groupby("patient").cohort.nunique()
    if len(both := list(per_patient.index[per_patient > 1])):
        found = f"{len(both):,} patients are in more than one cohort ({listed(both)})"
        problems.note(name, f"{found}: tests between cohorts take them as independent")
    builds = list(cohorts.genome_build.dropna().unique())
    if len(builds) > 1:
        problems.note(name, f"cohorts of {' and '.join(builds)}: --fasta can serve one of them")
