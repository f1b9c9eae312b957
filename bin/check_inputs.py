#!/usr/bin/env python3
"""Check every parameter and sheet, report all problems at once, and plan what can run.

What is right is said in nextflow_schema.json and, for a sheet, in the schema that it names; what a
problem gives after "expected" is the "description" there. Beyond single values it is checked here that
sheets, matrix, contrasts, gene sets and parameters agree with each other. Only when all is right are
files written: the sheets as tables without paths (moving them reruns nothing) and what is planned.

A contrast is estimable in `~ blocking + condition` if and only if one block at least has samples of
both conditions: the indicator of the target is a sum of block indicators exactly when none has.

A count is a whole number from 0 to 2147483647, DESeq2's largest; 10.0 and 1e+05 (R's way to write
100000) are whole, 1_000 and inf are not numbers. Matrices are read up to 2 billion characters.
"""

import csv
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import pandas as pd
from common.cli import FOLDER, INPUT, RESULTS, InputError, Script
from common.gene_sets import GeneSet, parse_set
from common.multiqc import write_versions
from common.sheets import (
    Problems,
    UnreadableError,
    lines_of,
    listed,
    meant,
    nearest,
    read_sheet,
    rows_of,
    separated_otherwise,
    shown,
)
from common.tables import GENES, write_table
from jsonschema import Draft202012Validator

# Stricter than float(), which also takes nan, inf and 1_000.
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
PLAIN_COUNTS = re.compile(r"\d{1,9}(\t\d{1,9})*", re.ASCII)
LARGEST_COUNT = 2**31 - 1
A_COUNT = "a number of reads, whole and 0 or more"
# Rows that counting programs (HTSeq, STAR) put among the genes.
COUNTER = re.compile(r"__\w+|N_(unmapped|multimapping|noFeature|ambiguous)")
MANGLED = re.compile(
    r"\d{1,2}-(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)|(mar|sep|dec|oct)-\d\d|\d+\.\d+e\+\d+",
    re.IGNORECASE,
)
KINDS_OF_IDS = {
    "Ensembl gene ids": re.compile(r"ENS[A-Z]*G\d{11}"),
    "Ensembl transcript ids": re.compile(r"ENS[A-Z]*T\d{11}"),
    "FlyBase ids": re.compile(r"FBgn\d{7}"),
    "NCBI gene numbers": re.compile(r"\d+"),
    "gene symbols": re.compile(r"(?!ENS[A-Z]*[GT]\d{11})[A-Za-z][\w.@-]*"),
}
# Names that a column per sample would share with a table's own columns, and the column that is added.
RESERVED_SAMPLES = ("collection", "gene_id", "gene_name", "gene_set", "identifier", "panel", "reason", "size", "status")  # fmt: skip
ADDED = "role"
ALL_LINES = "all"
SHEETS = ("rnaseq", "counts", "contrasts")  # those that --simulate makes
NOT_IN_RESULTS = ("gene_sets", "gene_panels", "outdir", "publish_dir_mode", "registry", "help", *SHEETS)
NEEDS = {
    "normalise_expression": ("counts",),
    "expression_heatmap": ("counts", "gene_panels"),
    "differential_expression": ("counts",),
    "gene_set_enrichment": ("counts", "gene_sets"),
    "sample_enrichment": ("counts", "gene_sets"),
    "sample_projection": ("counts",),
}


class File(NamedTuple):
    """An input file: the parameter that it is for, its path as given, where it is now, whose it is."""

    parameter: str
    given: str
    path: Path
    origin: str  # given, shipped or simulated

    @property
    def name(self) -> str:
        """Return what problems call it."""
        return Path(self.given).name


class Matrix(NamedTuple):
    """The checked count matrix: its genes, and its text with the samples in the sheet's order."""

    gene_ids: list[str]
    gene_names: list[str]
    text: str

    def genes(self) -> set[str]:
        """Return all names by which a gene set may call a gene."""
        return {gene.split(".")[0] for gene in self.gene_ids} | set(filter(None, self.gene_names))


# --- parameters


def typed(value: object, spec: Mapping) -> object:
    """Turn text into what the schema asks for, and a number into text where it asks for that.

    Parameters of a command line are text in some Nextflows and numbers in others.
    """
    if spec["type"] in ("number", "integer") and isinstance(value, str) and NUMBER.fullmatch(value.strip()):
        value = float(value)
    if spec["type"] in ("number", "integer") and isinstance(value, float) and value.is_integer():
        return int(value)
    if spec["type"] == "boolean" and isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower(), value)
    if spec["type"] == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value


def parameters_of(schema: Mapping) -> dict[str, dict]:
    """Return the specifications of all parameters of all groups."""
    return {name: spec for group in schema["$defs"].values() for name, spec in group["properties"].items()}


def check_parameters(values: Mapping, schema: Mapping, problems: Problems) -> dict[str, object]:
    """Check each parameter, and those that need or exclude each other; return those that are right."""
    described, right = parameters_of(schema), {}
    for name in values:
        if name not in described:
            near = nearest(name, described)
            problems.add(f"--{name}", "no such parameter", f"--{near}" if near else "one that --help lists")
    for name, spec in described.items():
        value = typed(values.get(name), spec)
        if value is None and "default" not in spec:
            continue
        if Draft202012Validator(spec).is_valid(value):
            right[name] = value
        else:
            found = "no value" if value is True and spec["type"] == "string" else shown(value)
            problems.add(f"--{name}", found, spec["description"])

    for group in schema["$defs"].values():
        for name, needed in group.get("dependentRequired", {}).items():
            for other in needed:
                if values.get(name) is not None and values.get(other) is None and not values.get("simulate"):
                    found = f"nothing, though --{name} is given"
                    problems.add(f"--{other}", found, described[other]["description"])
    if values.get("simulate"):
        for name in SHEETS:
            if values.get(name) is not None:
                problems.add("--simulate", f"--{name} as well", "sheets or a simulated study, not both")
    if right.get("gene_set_min", 0) > right.get("gene_set_max", right.get("gene_set_min", 0)):
        found = f"{right['gene_set_min']}, more than --gene_set_max {right['gene_set_max']}"
        problems.add("--gene_set_min", found, described["gene_set_min"]["description"])
    if {"reference_condition", "target_condition"} <= right.keys():
        if right["reference_condition"] == right["target_condition"]:
            found = f"{shown(right['target_condition'])}, as --reference_condition"
            problems.add("--target_condition", found, described["target_condition"]["description"])
    return right


def check_files(values: Mapping, files: Sequence[File], schema: Mapping, problems: Problems) -> None:
    """Find the files that were given and do not exist."""
    there = {(file.parameter, file.given) for file in files} | {
        (file.parameter, file.origin) for file in files
    }
    for name in (*SHEETS, "gene_sets", "gene_panels"):
        value = values.get(name)
        if isinstance(value, str) and value != "none":
            for path in value.split(",") if name == "gene_sets" else [value]:
                if path and path != "shipped" and (name, path) not in there:
                    problems.add(f"--{name}", f"no file {path}", parameters_of(schema)[name]["description"])


# --- matrix


def fault_of(cell: str) -> str:
    """Say what is wrong with a count; empty if nothing is."""
    if not cell:
        return "empty"
    if not NUMBER.fullmatch(cell):
        return "not a number"
    value = float(cell)
    if value < 0:
        return "negative"
    return "too large" if value > LARGEST_COUNT else "" if value.is_integer() else "fractional"


def check_columns(
    file: File, header: list[str], samples: pd.DataFrame | None, sheet: str, problems: Problems
) -> list[str]:
    """Compare the columns of the matrix with the sheet's samples; return the samples of both, in order."""
    columns = [column for column in header if column not in GENES]
    named = list(dict.fromkeys(samples["sample"].dropna())) if samples is not None else columns
    absent = [sample for sample in named if sample not in columns]
    for column in dict.fromkeys(filter(None, header)):
        if header.count(column) > 1:
            problems.add(
                f"{file.name}, row 1, {column}", f"{header.count(column)} columns of this name", "one"
            )
    if "gene_id" not in header:
        hint = " (the first has no name)" if not header[0] else meant("gene_id", columns)
        found = f"no such column among {listed(filter(None, header))}{hint or separated_otherwise(header)}"
        problems.add(f"{file.name}, row 1, gene_id", found, "the unique name of each gene")
    if named and samples is not None:
        for number, sample in samples["sample"].dropna().items():
            if sample in absent:
                found = f"{shown(sample)}, no column of {file.name}{meant(sample, set(columns) - set(named))}"
                problems.add(f"{sheet}, row {number}, sample", found, "a column of counts")
        for column in dict.fromkeys(columns):
            if column not in named and (column or "gene_id" in header):
                near = meant(column, [*absent, *(set(GENES) - set(header))])
                found, expected = (
                    f"no sample of this name in {sheet}{near}",
                    f"a row of {sheet} for each sample",
                )
                where = f"{file.name}, row 1, {column or 'column without a name'}"
                problems.add(where, found, expected)
    return [sample for sample in named if sample not in absent]


class Cells:
    """Checks the rows of a matrix one after the other, and remembers what only all of them tell."""

    def __init__(self, file: File, header: list[str], samples: list[str], problems: Problems) -> None:
        """Look at these samples' columns."""
        self.file, self.problems, self.samples = file, problems, samples
        self.columns = [header.index(sample) for sample in samples]
        self.silent = list(range(len(samples)))
        self.alike = [list(range(len(samples)))]
        self.checked = 0

    def check(self, number: int, counts: list[str]) -> list[str]:
        """Check the counts of a row; return them as plain whole numbers."""
        if not PLAIN_COUNTS.fullmatch("\t".join(counts)):
            for sample, (cell, fault) in zip(
                self.samples, ((cell, fault_of(cell)) for cell in counts), strict=True
            ):
                if fault:
                    kind = f"{self.file.name}, {fault} counts"
                    self.problems.add(
                        f"{self.file.name}, row {number}, {sample}", f"{shown(cell)} ({fault})", A_COUNT, kind
                    )
            counts = [cell if fault_of(cell) else str(int(float(cell))) for cell in counts]
        self.silent = [position for position in self.silent if not counts[position].strip("0")]
        if self.alike:
            split = []
            for group in self.alike:
                values: dict[str, list[int]] = {}
                for position in group:
                    values.setdefault(counts[position].lstrip("0"), []).append(position)
                split += [part for part in values.values() if len(part) > 1]
            self.alike = split
        self.checked += 1
        return counts


def check_counts(
    file: File, samples: pd.DataFrame | None, sheet: str, problems: Problems, notes: list
) -> Matrix | None:
    """Check the count matrix against the samples; None if it cannot be read at all."""
    gene_ids: list[str] = []
    gene_names: list[str] = []
    first: dict[str, int] = {}
    text = io.StringIO()
    table = csv.writer(text, delimiter="\t", lineterminator="\n")
    try:
        rows = rows_of(file.path)
        _, header = next(rows, (0, []))
        if not header:
            problems.add(file.name, "an empty file", "a header in row 1")
            return None
        named = check_columns(file, header, samples, sheet, problems)
        cells = Cells(file, header, named, problems)
        table.writerow([*GENES, *named])
        id_at, name_at = (header.index(column) if column in header else None for column in GENES)
        for number, fields in rows:
            if len(fields) != len(header) and any(fields[len(header) :]) or len(fields) < len(header):
                found = f"{len(fields)} fields"
                problems.add(f"{file.name}, row {number}", found, f"{len(header)}, as in the header")
                continue
            gene = fields[id_at] if id_at is not None else str(number)
            if not gene:
                problems.add(f"{file.name}, row {number}, gene_id", "nothing", "the unique name of a gene")
            elif COUNTER.fullmatch(gene):
                found = f"{shown(gene)}, a total of the counting program"
                problems.add(f"{file.name}, row {number}, gene_id", found, "genes only")
            elif first.setdefault(gene, number) != number:
                found = f"{shown(gene)}, as in row {first[gene]}"
                problems.add(f"{file.name}, row {number}, gene_id", found, "another in each row")
            gene_ids.append(gene)
            gene_names.append(fields[name_at] if name_at is not None else "")
            counts = cells.check(number, [fields[column] for column in cells.columns])
            table.writerow([gene, gene_names[-1], *counts])
    except UnreadableError as error:
        problems.add(
            file.name, str(error), "UTF-8 text with a header in row 1, gz-compressed if its name ends in .gz"
        )
        return None
    if not gene_ids:
        problems.add(f"{file.name}, row 2", "no row below the header", "a row for each gene")
        return None
    for position in cells.silent:
        found = "0 in every gene"
        problems.add(f"{file.name}, all rows, {named[position]}", found, "a sample with reads")
    for group in cells.alike:
        if not set(group) <= set(cells.silent):
            alike = listed([named[position] for position in group])
            notes.append((file.name, f"samples {alike} have the same counts in every gene: is one a copy?"))
    note_genes(file.name, gene_ids, gene_names, notes)
    return Matrix(gene_ids if id_at is not None else [], gene_names, text.getvalue())


def note_genes(name: str, gene_ids: list[str], gene_names: list[str], notes: list) -> None:
    """Note gene names that a spreadsheet has changed, and ids of transcripts."""
    mangled = [gene for gene in dict.fromkeys(gene_ids + gene_names) if MANGLED.fullmatch(gene)]
    if mangled:
        notes.append(
            (
                name,
                f"gene names that a spreadsheet seems to have turned into dates or numbers: {listed(mangled)}",
            )
        )
    if kind_of_ids(gene_ids) == "Ensembl transcript ids":
        notes.append(
            (name, "gene_id holds Ensembl transcript ids: results are per transcript, as if each were a gene")
        )


# --- gene sets


def kind_of_ids(genes: Iterable[str]) -> str:
    """Say what most of these names look like; empty if they are of no one kind."""
    genes = list(genes)
    for kind, pattern in KINDS_OF_IDS.items():
        if sum(pattern.fullmatch(gene.split(".")[0]) is not None for gene in genes) > len(genes) / 2:
            return kind
    return ""


def check_gene_sets(file: File, problems: Problems) -> tuple[list[GeneSet], str]:
    """Check a GMT file; return its sets, and its text without padding and blank lines."""
    sets, lines, first = [], [], {}
    try:
        for number, line in enumerate(lines_of(file.path), start=1):
            fields = [" ".join(field.split()) for field in line.split("\t")]
            if not any(fields):
                continue
            where = f"{file.name}, row {number}"
            if not fields[0]:
                problems.add(f"{where}, name", "nothing", "the name of a gene set")
            if not any(fields[2:]):
                found = f"{shown(fields[0])} without genes"
                problems.add(f"{where}, genes", found, "name, description and genes between tabs")
                continue
            line = "\t".join([*fields[:2], *filter(None, fields[2:])])
            each = parse_set(line)
            if first.setdefault(each.name, number) != number:
                found = f"{shown(each.name)}, as in row {first[each.name]}"
                problems.add(f"{where}, name", found, "another in each row")
            sets.append(each)
            lines.append(f"{line}\n")
    except UnreadableError as error:
        problems.add(file.name, str(error), "a GMT file: UTF-8 text, a line a gene set")
        return [], ""
    if not lines and not first and file.name not in {kind.split(",")[0] for kind in problems.lines}:
        problems.add(file.name, "no gene set", "a GMT file: a line a gene set")
    return sets, "".join(lines)


def collection_of(file: File) -> str:
    """Name a collection as its file, with nothing in it that a file of results could not be named by."""
    return re.sub(r"[^A-Za-z0-9_.+-]+", "_", file.name.removesuffix(".gmt")).lstrip("_.+-")


def check_overlap(
    file: File, sets: list[GeneSet], matrix: Matrix, counts: str, problems: Problems, notes: list
) -> None:
    """Find a collection that has no gene of the matrix, or few."""
    members = list(dict.fromkeys(gene for each in sets for gene in each.genes))
    genes = matrix.genes()
    both = sum(gene in genes for gene in members)
    if both >= len(members) / 10:
        return
    kinds = kind_of_ids(members), kind_of_ids(matrix.gene_ids)
    hint = ""
    if all(kinds) and kinds[0] != kinds[1]:
        hint = f" ({kinds[0]} here, {kinds[1]} in {counts}: a column gene_name could join them)"
    elif sum(gene.upper() in genes for gene in members) < len(
        {gene.upper() for gene in genes} & set(members)
    ):
        hint = " (they would agree in upper case: is it another species?)"
    if both or file.origin != "given":
        share = f"{both:,} of its {len(members):,} genes are in {counts}" if both else f"none of its {len(members):,} genes is in {counts}"  # fmt: skip
        notes.append((file.name, share + hint))
    else:
        found = f"{len(members):,} genes and none of them in {counts}{hint}"
        problems.add(
            f"{file.name}, all rows, genes", found, f"genes as gene_name or gene_id of {counts} has them"
        )


# --- samples and contrasts


def check_samples(
    name: str, samples: pd.DataFrame, right: Mapping, others: Iterable[str], problems: Problems, notes: list
) -> None:
    """Check what a sheet's rows say together: conditions, names, replicates."""
    known = [right.get("reference_condition"), right.get("target_condition"), *others]
    if None not in known:
        for condition, rows in samples.groupby("condition", sort=False):
            if condition not in known:
                number, more = rows.index[0], f" (and {len(rows) - 1} rows more)" if len(rows) > 1 else ""
                problems.add(
                    f"{name}, row {number}, condition",
                    f"{shown(condition)}{more}{meant(condition, known)}",
                    f"{' or '.join(map(shown, dict.fromkeys(known)))}: --reference_condition, --target_condition "
                    "or what --contrasts compares",
                )
    for number, sample in samples["sample"].dropna().items():
        if sample in RESERVED_SAMPLES:
            problems.add(
                f"{name}, row {number}, sample",
                shown(sample),
                "another name: tables of results have such a column",
            )
    spelled: dict[str, str] = {}
    for number, line in samples["line"].dropna().drop_duplicates().items():
        where = f"{name}, row {number}, line"
        if line.lower() == ALL_LINES:
            problems.add(where, shown(line), "another name: this one is for all lines together")
        if (other := spelled.setdefault(line.lower(), line)) != line:
            problems.add(where, f"{shown(line)}, elsewhere {shown(other)}", "one spelling of a line")
    if ADDED in samples:
        problems.add(
            f"{name}, row 1, {ADDED}", "a column of this name", "another: it is added from the conditions"
        )
    for _, rows in samples.dropna().groupby(["line", "condition", "replicate"], sort=False):
        if len(rows) > 1:
            notes.append(
                (name, f"samples {listed(rows['sample'])} are the same replicate: they count as independent")
            )
    further = list(samples.columns[4:])
    if further:
        notes.append((name, f"further columns, kept for blocking: {', '.join(further)}"))


def has_both(samples: pd.DataFrame, by: str, reference: str, target: str) -> list[str]:
    """Return the values of a column that have samples of both conditions, in the sheet's order."""
    of = {
        condition: set(samples.loc[samples.condition == condition, by]) for condition in (reference, target)
    }
    return [value for value in samples[by].dropna().unique() if value in of[reference] & of[target]]


def default_contrasts(samples: pd.DataFrame, reference: str, target: str) -> list[dict[str, str]]:
    """Contrast the conditions in each line that has both, and over these lines, blocked by line."""
    lines = has_both(samples, "line", reference, target)
    over = [(line, [line], "") for line in lines]
    if len(lines) > 1:
        over.append((ALL_LINES, lines, "line"))
    return [
        {
            "contrast": f"{name}.{target}_vs_{reference}",
            "reference": reference,
            "target": target,
            "lines": ";".join(its),
            "blocking": blocking,
        }  # fmt: skip
        for name, its, blocking in over
    ]


def check_contrast(
    where: str, row: Mapping, samples: pd.DataFrame, sheet: str, problems: Problems, notes: list
) -> dict[str, str] | None:
    """Check a row of the contrasts sheet; return the contrast with its lines and blocking filled in."""
    before = problems.found.total()
    reference, target, conditions = row["reference"], row["target"], list(samples.condition.dropna().unique())
    if reference == target:
        problems.add(f"{where}, target", f"{shown(target)}, as reference", "another condition")
    for column in ("reference", "target"):
        if row[column] not in conditions:
            found = f"{shown(row[column])}, no condition of {sheet}{meant(row[column], conditions)}"
            problems.add(f"{where}, {column}", found, f"one of {listed(conditions)}")
    known = list(samples.line.dropna().unique())
    lines = list(dict.fromkeys(filter(None, map(str.strip, (row["lines"] or "").split(";")))))
    for line in lines:
        if line not in known:
            found = f"{shown(line)}, no line of {sheet}{meant(line, known)}"
            problems.add(f"{where}, lines", found, f"some of {listed(known)}, separated by semicolons")  # fmt: skip
    columns = [column for column in samples if column not in ("sample", "condition")]
    blocking = row["blocking"]
    if blocking not in ("", "none", *columns):
        found = f"{shown(blocking)}{meant(blocking, columns)}"
        problems.add(
            f"{where}, blocking", found, f"a column of {sheet} to block by: {listed(columns)}; or none"
        )
    if problems.found.total() > before:
        return None

    lines = lines or has_both(samples, "line", reference, target)
    if not lines:
        found = f"nothing, and no line has both {shown(reference)} and {shown(target)}"
        problems.add(f"{where}, lines", found, "lines to compare")
        return None
    blocking = blocking or ("line" if len(lines) > 1 else "none")
    chosen = samples[samples.line.isin(lines) & samples.condition.isin([reference, target])]
    for condition in (reference, target):
        if condition not in set(chosen.condition):
            problems.add(
                f"{where}, lines",
                f"{listed(lines)} without any sample of {shown(condition)}",
                "samples of both",
            )
    if problems.found.total() > before:
        return None
    if blocking != "none":
        both, blocks = has_both(chosen, blocking, reference, target), list(chosen[blocking].unique())
        one_sided = [block for block in blocks if block not in both]
        if "" in blocks:
            number = chosen.index[chosen[blocking] == ""][0]
            problems.add(f"{sheet}, row {number}, {blocking}", "nothing", f"a value: {where} blocks by it")
        elif not both:
            found = f"{shown(blocking)}, each value of which has one condition only"
            problems.add(f"{where}, blocking", found, "a column that does not tell the conditions apart")
        elif one_sided and blocking == "line":
            found = f"{listed(one_sided)} with one condition only"
            problems.add(
                f"{where}, lines", found, "lines that have both conditions, where line is blocked by"
            )
        elif one_sided:
            notes.append((where, f"{blocking} {listed(one_sided)} has one condition only and tells nothing"))
        elif len(blocks) == 1:
            notes.append((where, f"{blocking} has one value only: nothing to block by"))
            blocking = "none"
    filled = {"lines": ";".join(lines), "blocking": "" if blocking == "none" else blocking}
    return {column: row[column] for column in ("contrast", "reference", "target")} | filled


def check_contrasts(
    sheet: tuple[str, pd.DataFrame] | None,
    name: str,
    samples: pd.DataFrame,
    right: Mapping,
    problems: Problems,
    notes: list,
) -> list[dict[str, str]]:
    """Return the contrasts of the sheet, or those made by default."""
    if sheet is None:
        ends = right["reference_condition"], right["target_condition"]
        contrasts = default_contrasts(samples, *ends)
        if not contrasts and set(samples.condition.dropna()) <= set(ends):
            found = f"no line that has both {shown(ends[0])} and {shown(ends[1])}"
            problems.add(f"{name}, all rows, condition", found, "one such line at least, or --contrasts")
    else:
        rows = sheet[1].dropna(subset=["contrast", "reference", "target", "blocking"])
        checked = [
            check_contrast(f"{sheet[0]}, row {row['Index']}", row, samples, name, problems, notes)
            for row in (each._asdict() for each in rows.itertuples())
        ]
        contrasts = [contrast for contrast in checked if contrast]
    compared = {line for contrast in contrasts for line in contrast["lines"].split(";")}
    for line, rows in samples.groupby("line", sort=False):
        if line not in compared:
            conditions = listed(rows.condition.dropna().unique())
            only = f"has only {conditions}" if rows.condition.nunique() == 1 else "is in no contrast"
            notes.append(
                (name, f"line {line} {only}: no contrast for it, but it is in every result per sample")
            )
    return contrasts


def check_common(value: str, default: str, contrasts: list[dict[str, str]], problems: Problems) -> None:
    """Check --common_contrasts: contrasts by name, or a number of them."""
    names = [contrast["contrast"] for contrast in contrasts]
    if re.fullmatch(r"\d+", value):
        if not 1 <= int(value) <= len(names) and value != default:
            problems.add("--common_contrasts", f"{value}, with {len(names)} contrasts", f"a number from 1 to {len(names)}, or contrasts")  # fmt: skip
        return
    for name in filter(None, map(str.strip, value.split(","))):
        if name not in names:
            found, expected = (
                f"{shown(name)}, no contrast{meant(name, names)}",
                f"a number, or some of {listed(names)}",
            )
            problems.add("--common_contrasts", found, expected)


# --- what is written


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as it was given."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def plan(have: Mapping[str, str]) -> pd.DataFrame:
    """Say of each analysis if it will run; `have` tells of each input that it needs why it is absent, if it is."""
    rows = []
    for analysis, needs in NEEDS.items():
        absent = [have[need] for need in needs if have[need]]
        rows.append((analysis, "no" if absent else "yes", "; ".join(absent) or f"given: {', '.join(needs)}"))
    return pd.DataFrame(rows, columns=["analysis", "planned", "reason"])


def as_text(value: object) -> str:
    """Write a parameter the same way whether it came as text or number."""
    return (
        str(value).lower()
        if isinstance(value, bool)
        else f"{value:.10g}"
        if isinstance(value, float)
        else str(value)
    )


@click.command(cls=Script)
@click.option(
    "--values",
    type=INPUT,
    required=True,
    help="JSON: parameters {name: value}; files [{parameter, path, origin}].",
)
@click.option(
    "--schema", type=INPUT, required=True, help="nextflow_schema.json, beside the assets/ that it names."
)
@click.option(
    "--sheets", type=FOLDER, required=True, help="Folder with <n>/<file> for the n-th of the files."
)
@RESULTS
def main(values: Path, schema: Path, sheets: Path, results: Path) -> None:
    """Check every parameter and sheet; write the sheets as tables, and what is planned, if all are right."""
    given, described = json.loads(values.read_text()), json.loads(schema.read_text())
    parameters, specs = given["parameters"], parameters_of(described)
    files = [
        File(file["parameter"], file["path"], next(sheets.glob(f"{number}/*")), file["origin"])
        for number, file in enumerate(given["files"], start=1)
    ]
    problems, notes = Problems(), []
    right = check_parameters(parameters, described, problems)
    check_files(parameters, files, described, problems)

    tables, names = {}, {file.parameter: file.name for file in files}
    for file in files:
        if "schema" in specs[file.parameter]:
            rules = json.loads((schema.parent / specs[file.parameter]["schema"]).read_text())
            tables[file.parameter] = read_sheet(file.path, file.name, rules, problems)
            if tables[file.parameter] is not None and file.parameter != "rnaseq":
                further = list(
                    tables[file.parameter].columns.difference(rules["items"]["properties"], sort=False)
                )
                if further:
                    notes.append((file.name, f"further columns, ignored: {', '.join(further)}"))
    rnaseq, contrasts_sheet = tables.get("rnaseq"), tables.get("contrasts")
    counts = next((file for file in files if file.parameter == "counts"), None)
    matrix = check_counts(counts, rnaseq, names.get("rnaseq", ""), problems, notes) if counts else None

    collections: dict[str, str] = {}
    rows_read = {name: len(table) for name, table in tables.items() if table is not None}
    sizes = []
    for file in files:
        if file.parameter == "gene_sets":
            sets, text = check_gene_sets(file, problems)
            sizes.append(len(sets))
            collection = collection_of(file)
            if collection in collections:
                problems.add(
                    "--gene_sets", f"two collections called {collection}", "files of different names"
                )
            collections[collection] = text
            if matrix and matrix.gene_ids and sets:
                check_overlap(file, sets, matrix, counts.name, problems, notes)

    contrasts = []
    if rnaseq is not None:
        others = []
        if contrasts_sheet is not None:
            others = [*contrasts_sheet.reference.dropna(), *contrasts_sheet.target.dropna()]
        check_samples(names["rnaseq"], rnaseq, right, others, problems, notes)
        if {"reference_condition", "target_condition"} <= right.keys() and right[
            "reference_condition"
        ] != right["target_condition"]:
            sheet = (names["contrasts"], contrasts_sheet) if contrasts_sheet is not None else None
            if sheet or "contrasts" not in tables:
                contrasts = check_contrasts(sheet, names["rnaseq"], rnaseq, right, problems, notes)
            if contrasts and "common_contrasts" in right:
                check_common(
                    right["common_contrasts"], specs["common_contrasts"]["default"], contrasts, problems
                )
    if problems.found:
        raise InputError(str(problems))

    results.mkdir(parents=True, exist_ok=True)
    rows_read["counts"] = len(matrix.gene_ids) if matrix else 0
    number_of = iter(sizes)
    inputs = [
        (
            file.parameter,
            file.given,
            sha256(file.path),
            next(number_of) if file.parameter == "gene_sets" else rows_read[file.parameter],
        )
        for file in files
    ]
    write_table(pd.DataFrame(inputs, columns=["sheet", "path", "sha256", "rows"]), results / "inputs.tsv")
    have = {name: "" if name in names else f"{name} not given" for name in ("counts", "gene_panels")}
    have["gene_sets"] = "" if collections else "gene_sets is none"
    write_table(plan(have), results / "plan.tsv")
    write_table(pd.DataFrame(notes, columns=["sheet", "note"]), results / "notes.tsv")
    bearing = [(name, as_text(value)) for name, value in right.items() if name not in NOT_IN_RESULTS]
    write_table(pd.DataFrame(bearing, columns=["parameter", "value"]), results / "parameters.tsv")
    if rnaseq is not None:
        roles = {right["reference_condition"]: "reference", right["target_condition"]: "target"}
        rnaseq.insert(3, ADDED, rnaseq.condition.map(lambda condition: roles.get(condition, "other")))
        write_table(rnaseq, results / "samples.tsv")
        write_table(pd.DataFrame(contrasts), results / "contrasts.tsv")
    if matrix:
        (results / "counts.tsv").write_text(matrix.text)
    if "gene_panels" in tables:
        write_table(tables["gene_panels"][["panel", "gene_name"]], results / "gene_panels.tsv")
    for collection, text in collections.items():
        (results / "gene_sets").mkdir(exist_ok=True)
        (results / "gene_sets" / f"{collection}.gmt").write_text(text)
    write_versions(results / "versions.tsv", "click", "jsonschema", "pandas")


if __name__ == "__main__":
    main()
