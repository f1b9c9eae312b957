"""Check that the sheets of cohorts go together: mutations, profiled samples, panels and their genes.

MAF files may have a million rows: of them the header is read, and the columns of samples and genome builds.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from common.cli import InputError
from common.maf_files import NEEDED, find_columns, read_fields, read_header
from common.pseudonyms import Pseudonyms
from common.read_files import Seen
from common.sheets import (
    Problems,
    UnreadableError,
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
POOLED = "pooled"  # what the matrix of all cohorts is called by
PANELS = ["panel", "specimen", "normal", "gene", "chrom", "start", "end"]
PROFILED = ["cohort", "sample", "patient", "panel"]
SAMPLES_SCHEMA = "assets/cohort_samples.schema.json"


class Table(NamedTuple):
    """A file that a cell of a sheet names and that is read here."""

    name: str  # what problems call it
    path: Path


class Cohorts(NamedTuple):
    """What the sheets of cohorts hold, checked."""

    cohorts: pd.DataFrame  # cohort genome_build maf sbs96: numbers of files
    files: pd.DataFrame  # kind number uri
    profiled: pd.DataFrame  # cohort sample patient panel; barcode, the sample in files, under pseudonyms
    panels: pd.DataFrame | None
    there: set[str]  # what analyses need of them


def read_genes(table: Table, problems: Problems) -> list[str]:
    """Read a list of genes: a symbol a row, further columns and lines that start with # left out."""
    genes: dict[str, int] = {}
    try:
        rows = [
            (number, fields[0]) for number, fields in rows_of(table.path) if not fields[0].startswith("#")
        ]
    except UnreadableError as error:
        problems.add(table.name, str(error), "UTF-8 text with a gene a row")
        return []
    rows = [(number, gene) for number, gene in rows if not gene.startswith("#")]
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
    regions, right = [], problems.found.total()
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
    if not regions and problems.found.total() == right:
        problems.add(table.name, "no region", "a region a row: contig, start, end, gene")
    elif problems.found.total() == right and not any(region[0] for region in regions):
        problems.add(table.name, "no gene in the fourth column", "the gene of each region")
    return regions


def read_panels(
    sheet: pd.DataFrame, tables: Mapping[tuple[str, str], Table], problems: Problems
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


def names_in_cohorts(
    cohorts: pd.DataFrame, read: Mapping[tuple[str, str], Table], schemas: Path
) -> list[pd.DataFrame]:
    """Read which samples and patients each cohort has, whatever else may be wrong with it."""
    schema, found = json.loads((schemas / SAMPLES_SCHEMA).read_text()), []
    for row in cohorts[cohorts.cohort.notna()].itertuples():
        listed_samples, matrix = (read.get(("cohorts", cell)) for cell in (row.samples, row.sbs96))
        if listed_samples:
            found.append(read_profiled(row.cohort, listed_samples, schema, [], Problems()))
        elif matrix:
            found.append(profiled_in(row.cohort, check_matrix(matrix, Problems())))
    return found


def profiled_in(cohort: str, samples: Sequence[str]) -> pd.DataFrame:
    """Take the samples of a ready matrix, which has no list of them, for a patient each."""
    return pd.DataFrame({"cohort": cohort, "sample": samples, "patient": samples, "panel": ""})


def renamed(profiled: pd.DataFrame, pseudonyms: Pseudonyms) -> pd.DataFrame:
    """Put pseudonyms into profiled samples; what files call a sample stays beside, as its barcode."""
    called = {
        column: profiled[column].map(pseudonyms.of, na_action="ignore") for column in ("sample", "patient")
    }
    return profiled.assign(**called, barcode=profiled["sample"])


def check_maf(table: Table, build: str | None, profiled: pd.Series | None, problems: Problems) -> bool:
    """Check a MAF: its columns, its genome build, and that its samples were profiled.

    Returns whether it has a column of contexts.
    """
    try:
        header = read_header(table.path).columns
        there = find_columns(header)
        fields = read_fields(table.path, ("sample", "build"))
    except InputError as error:
        found = error.message.removeprefix(f"{table.path.name}: ")
        problems.add(table.name, found, "a MAF, gz-compressed or not")
        return False
    for column in [column for field, column in NEEDED.items() if field not in there]:
        found = f"no such column among {listed(header)}{meant(column, header)}"
        problems.add(f"{table.name}, header, {column}", found, "one of that name, or of that meaning")
    if not there.keys() & {"classification", "hgvs_p"}:
        found = f"no such column among {listed(header)}"
        expected = "this one, or HGVSp_Short: what a mutation does"
        problems.add(f"{table.name}, header, Variant_Classification", found, expected)
    counts = {
        field: {each["values"].as_py(): each["counts"].as_py() for each in values.value_counts()}
        for field, values in fields.items()
    }
    if "sample" in counts and not counts["sample"]:
        problems.add(table.name, "no row below the header", "a row a mutation")
    for said, rows in counts.get("build", {}).items() if build else ():
        if said and not any(number in said for number in BUILDS[build]):
            found, expected = f"{shown(said)} in {rows:,} rows", f"{build}, as the sheet says of the cohort"
            problems.add(f"{table.name}, {header[there['build']]}", found, expected)
    known = None if profiled is None else set(profiled.dropna())
    unknown = [] if known is None else sorted(counts.get("sample", {}).keys() - known)
    if unknown:
        found = f"{listed(unknown)}, with {sum(counts['sample'][name] for name in unknown):,} mutations"
        expected = "samples of the cohort's list, which has all that were profiled"
        problems.add(f"{table.name}, {header[there['sample']]}", found, expected)
    return "context" in there


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
        problems.add(
            f"{table.name}, row 1", found, f"{' or '.join(MATRIX_HEADS)}, then a column for each sample"
        )
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


def profiled_samples(
    row: NamedTuple,
    read: Mapping[tuple[str, str], Table],
    schema: Mapping,
    panels: Sequence[str],
    problems: Problems,
) -> tuple[pd.DataFrame | None, set[str]]:
    """Check the files of a cohort, a row of its sheet.

    Returns its profiled samples (None if nothing tells them), and what analyses need of it: `MAF`, `sbs96`,
    `a context column`.
    """
    listed_samples, maf, matrix = (read.get(("cohorts", cell)) for cell in (row.samples, row.maf, row.sbs96))
    profiled = None
    if listed_samples:
        profiled = read_profiled(row.cohort, listed_samples, schema, panels, problems)
    there = set()
    if maf:
        samples = None if profiled is None else profiled["sample"]
        has_contexts = check_maf(maf, row.genome_build, samples, problems)
        there |= {"MAF", "a context column"} if has_contexts else {"MAF"}
    if matrix:
        there.add("sbs96")
        counted = check_matrix(matrix, problems)
        if profiled is None:
            profiled = profiled_in(row.cohort, counted)
    return profiled, there


def check_cohorts(
    names: Mapping[str, str],
    tables: Mapping[str, pd.DataFrame],
    found: Mapping[str, Mapping[str, Seen]],
    read: Mapping[tuple[str, str], Table],
    schemas: Path,
    gene: str,
    problems: Problems,
    pseudonyms: Pseudonyms | None = None,
) -> Cohorts | None:
    """Check the sheets of cohorts and panels, and the files that they name; None if there are none.

    `gene` has a spectrum of its own, in a file of its name.
    """
    panels, known = None, []
    if "panels" in tables:
        check_named(names["panels"], tables["panels"], ["file"], found.get("panels", {}), problems)
        panels = read_panels(tables["panels"], read, problems)
        known = list(tables["panels"].panel.dropna())
    if "cohorts" not in tables:
        return None
    name, cohorts, seen = names["cohorts"], tables["cohorts"], found.get("cohorts", {})
    check_named(name, cohorts, ("maf", "samples", "sbs96"), seen, problems)
    schema = json.loads((schemas / SAMPLES_SCHEMA).read_text())
    rows, files, samples, there = [], [], [], set()
    for row in cohorts.itertuples():
        if row.cohort in (POOLED, gene):
            expected = "another name: a matrix of all cohorts, or of --spectrum_gene, has this one"
            problems.add(f"{name}, row {row.Index}, cohort", shown(row.cohort), expected)
        if row.maf == "" and row.sbs96 == "":
            expected = "a MAF file, or a ready matrix in the column sbs96"
            problems.add(f"{name}, row {row.Index}, maf", "nothing, and no sbs96", expected)
        if row.maf and row.samples == "":
            expected = "the list of all samples that were profiled, mutated or not"
            problems.add(f"{name}, row {row.Index}, samples", "nothing, with a MAF", expected)
        profiled, its = profiled_samples(row, read, schema, known, problems)
        if profiled is not None:
            samples.append(renamed(profiled, pseudonyms) if pseudonyms else profiled)
        there |= its
        numbers = []
        for kind, cell in (("maf", row.maf), ("sbs96", row.sbs96)):
            numbers.append(str(sum(file[0] == kind for file in files) + 1) if cell else "")
            files += [(kind, numbers[-1], seen[cell].uri)] if cell in seen else []
        rows.append((row.cohort, row.genome_build, *numbers))
    every = pd.concat(samples) if samples else pd.DataFrame(columns=PROFILED)
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
