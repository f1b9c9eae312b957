"""Read a matrix of counts that a user wrote, and find what is wrong with it, whatever its size."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from common.parameters import NUMBER
from common.sheets import (
    SHOWN,
    Problems,
    UnreadableError,
    check_once,
    listed,
    meant,
    rows_of,
    separated_otherwise,
    shown,
)
from common.tables import GENES

PLAIN_COUNTS = re.compile(r"\d{1,9}(\t\d{1,9})*", re.ASCII)
WHOLE_COUNTS = re.compile(r"\d{1,9}(\.0*)?(\t\d{1,9}(\.0*)?)*", re.ASCII)
NO_FRACTION = re.compile(r"\.0*(?=\t|$)")
ENOUGH = 100_000  # wrong counts: the rest is not looked at
LARGEST_COUNT = 2**31 - 1  # DESeq2's
A_COUNT = "a number of reads, whole and 0 or more"
# Rows that counting programs (HTSeq, STAR) put among the genes.
TOTAL = re.compile(r"__\w+|N_(unmapped|multimapping|noFeature|ambiguous)")
MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
MANGLED = re.compile(rf"\d{{1,2}}-({MONTHS})|({MONTHS})-\d\d|\d{{4}}-\d\d-\d\d|\d\.\d+e\+\d\d", re.IGNORECASE)
KINDS_OF_IDS = {
    "Ensembl gene ids": re.compile(r"ENS[A-Z]*G\d{11}"),
    "Ensembl transcript ids": re.compile(r"ENS[A-Z]*T\d{11}"),
    "FlyBase ids": re.compile(r"FBgn\d{7}"),
    "NCBI gene numbers": re.compile(r"\d+"),
    "gene symbols": re.compile(r"[A-Za-z][\w.@-]*"),
}


class Matrix(NamedTuple):
    """A matrix that was read: its genes, and its text as a table with the samples in the sheet's order."""

    gene_ids: list[str]
    gene_names: list[str]
    text: str

    def names(self) -> list[str]:
        """Return the name of each gene, or its id where it has none."""
        return [name or gene for gene, name in zip(self.gene_ids, self.gene_names, strict=True)]

    def genes(self) -> set[str]:
        """Return all names by which a gene set may call a gene: symbols, and ids without their version."""
        return {gene.split(".")[0] for gene in self.gene_ids} | set(filter(None, self.gene_names))


def kind_of_ids(genes: Sequence[str]) -> str:
    """Say what most of these names look like; empty if they are of no one kind."""
    for kind, pattern in KINDS_OF_IDS.items():
        if sum(pattern.fullmatch(gene.split(".")[0]) is not None for gene in genes) > len(genes) / 2:
            return kind
    return ""


def fault_of(cell: str) -> str:
    """Say what is wrong with a count; empty if nothing is. 10.0 and 1e+05 (as R writes 100000) are whole."""
    if not cell:
        return "empty"
    if not NUMBER.fullmatch(cell):
        return "not a number"
    value = float(cell)
    if value < 0:
        return "negative"
    if value > LARGEST_COUNT:
        return "too large"
    return "" if value.is_integer() else "fractional"


class Counts:
    """Checks the counts of one gene after the other, and keeps of each sample what only all genes tell."""

    def __init__(self, name: str, samples: Sequence[str], problems: Problems) -> None:
        """Begin with the matrix called `name` in problems; its samples in the order in which counts come."""
        self.name, self.samples, self.problems = name, samples, problems
        self.wrong = 0
        self.silent = range(len(samples))  # samples with no read so far
        self.alike = [range(len(samples))]  # groups of samples with the same counts so far

    def check(self, row: int, counts: Sequence[str]) -> str:
        """Check the counts of a gene; return them as whole numbers between tabs."""
        text = "\t".join(counts)
        if not PLAIN_COUNTS.fullmatch(text):
            if WHOLE_COUNTS.fullmatch(text):
                text = NO_FRACTION.sub("", text)
            elif self.wrong < ENOUGH:
                text = "\t".join(self.whole(row, *cell) for cell in zip(self.samples, counts, strict=True))
            counts = text.split("\t")
        if self.silent:
            self.silent = [
                sample for sample in self.silent if counts[sample] and not counts[sample].strip("0")
            ]
        if self.alike:
            self.alike = [part for group in self.alike for part in self.told_apart(group, counts)]
        return text

    def whole(self, row: int, sample: str, cell: str) -> str:
        """Check one count; return it as a whole number."""
        if not (fault := fault_of(cell)):
            return str(int(float(cell)))
        self.wrong += 1
        where, kind = f"{self.name}, row {row}, {sample}", f"{self.name}, {fault} counts"
        self.problems.add(where, f"{shown(cell)} ({fault})", A_COUNT, kind)
        return cell

    @staticmethod
    def told_apart(group: Iterable[int], counts: Sequence[str]) -> list[list[int]]:
        """Split a group of samples by their counts; a sample of its own is of no further interest."""
        parts: dict[str, list[int]] = {}
        for sample in group:
            parts.setdefault(counts[sample], []).append(sample)
        return [part for part in parts.values() if len(part) > 1]

    def finish(self) -> None:
        """Report the samples without reads, note those that are copies of each other."""
        if self.wrong >= ENOUGH:
            self.problems.add(f"{self.name}, all rows", f"{ENOUGH:,} wrong counts or more", A_COUNT)
        for sample in self.silent:
            where, kind = f"{self.name}, all rows, {self.samples[sample]}", f"{self.name}, all rows"
            self.problems.add(where, "0 in every gene", "a sample with reads", kind)
        for group in self.alike:
            if not set(group) <= set(self.silent):
                copies = listed([self.samples[sample] for sample in group])
                self.problems.note(self.name, f"{copies} have the same counts in every gene: is one a copy?")


def quoted(field: str) -> str:
    """Write a field of a table: as it is, or as a quote if it has quotes in it."""
    return '"' + field.replace('"', '""') + '"' if '"' in field else field


def check_columns(
    name: str, header: list[str], samples: dict[int, str] | None, sheet: str, problems: Problems
) -> list[str]:
    """Compare the columns of the matrix with the samples (by row) of the sheet; return those in both.

    The order is the sheet's. Without a sheet that can be read, every column is a sample.
    """
    columns = dict.fromkeys(column for column in header if column not in GENES)
    for column, times in Counter(filter(None, header)).items():
        if times > 1:
            found, kind = f"{times} columns of this name", f"{name}, columns"
            problems.add(f"{name}, row 1, {column}", found, "one of each name", kind)
    if "gene_id" not in header:
        hint = "" if header[0] else "; the first column has no name"
        hint = hint or separated_otherwise(header) or meant("gene_id", columns)
        found = f"no such column among {listed(filter(None, header))}{hint}"
        problems.add(f"{name}, row 1, gene_id", found, "the name of each gene, each once")
    if not samples:
        return [column for column in columns if column]
    named = list(dict.fromkeys(samples.values()))
    alone, absent = set(columns) - set(named), {}
    for row, sample in samples.items():
        if sample not in columns:
            near = (
                meant(sample, [column for column in columns if column in alone])
                if len(absent) < SHOWN
                else ""
            )
            absent[sample] = row
            found = f"{shown(sample)}, but no such column in {name}{near}"
            problems.add(f"{sheet}, row {row}, sample", found, f"a sample with a column of counts in {name}")
    unclaimed = [*absent, *(column for column in GENES if column not in header)]
    for tried, column in enumerate(column for column in columns if column in alone):
        near = meant(column, unclaimed) if tried < SHOWN else ""
        if column or "gene_id" in header:
            found, expected = (
                f"no such sample in {sheet}{near}",
                f"a row of {sheet} for each column of counts",
            )
            problems.add(f"{name}, row 1, {column or 'unnamed'}", found, expected, f"{name}, columns")
    return [sample for sample in named if sample not in absent]


def check_gene(name: str, row: int, gene: str, first: dict[str, int], problems: Problems) -> None:
    """Check a gene's id; `first` has the row of each id so far."""
    where = f"{name}, row {row}, gene_id"
    if not gene:
        problems.add(where, "nothing", "the name of a gene")
    elif TOTAL.fullmatch(gene):
        problems.add(where, f"{shown(gene)}, a total of the counting program", "genes only")
    else:
        check_once(where, gene, row, first, problems)


def note_genes(name: str, gene_ids: list[str], gene_names: list[str], problems: Problems) -> None:
    """Note gene names that a spreadsheet has changed, and ids that are not those of genes."""
    mangled = [gene for gene in dict.fromkeys(gene_ids + gene_names) if MANGLED.fullmatch(gene)]
    if mangled:
        found = "a spreadsheet seems to have turned names of genes into dates or numbers"
        problems.note(name, f"{found}: {listed(mangled)}")
    if kind_of_ids(gene_ids) == "Ensembl transcript ids":
        problems.note(name, "gene_id holds Ensembl transcript ids: every result is per transcript")


def read_counts(
    path: Path,
    name: str,
    samples: dict[int, str] | None,
    sheet: str,
    problems: Problems,
    called: Callable[[str], str] = str,
) -> Matrix | None:
    """Read and check a count matrix; `samples` are those of the sheet, by row. None: nothing to look at.

    `called` says by which name the sheet has a sample of the matrix.
    """
    gene_ids: list[str] = []
    gene_names: list[str] = []
    first: dict[str, int] = {}
    try:
        rows = rows_of(path)
        _, header = next(rows, (0, []))
        if not header:
            problems.add(name, "an empty file", "a header in row 1")
            return None
        header = [column if column in GENES else called(column) for column in header]
        both = check_columns(name, header, samples, sheet, problems)
        text = ["\t".join([*GENES, *both]) + "\n"]
        position = {column: at for at, column in reversed(list(enumerate(header)))}
        id_at, name_at = (position.get(column) for column in GENES)
        columns, counts = [position[sample] for sample in both], Counts(name, both, problems)
        for row, fields in rows:
            if len(fields) < len(header) or any(fields[len(header) :]):
                problems.add(
                    f"{name}, row {row}", f"{len(fields)} fields", f"{len(header)}, as in the header"
                )
                continue
            if id_at is not None:
                check_gene(name, row, fields[id_at], first, problems)
            gene_ids.append("" if id_at is None else fields[id_at])
            gene_names.append("" if name_at is None else fields[name_at])
            checked = counts.check(row, [fields[column] for column in columns]) if columns else ""
            text.append(f"{quoted(gene_ids[-1])}\t{quoted(gene_names[-1])}\t{checked}\n")
    except UnreadableError as error:
        problems.add(name, str(error), "UTF-8 text with a header in row 1, or that in gz if the name says so")
        return None
    if not gene_ids:
        problems.add(f"{name}, row 2", "no complete row below the header", "a row for each gene")
        return None
    counts.finish()
    note_genes(name, gene_ids, gene_names, problems)
    return Matrix(gene_ids, gene_names, "".join(text))
