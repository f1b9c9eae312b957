"""Check the read files that the sheets of samples name, and how their rows go together.

Several rows of a sample are lanes of one library. Which files exist only Nextflow can say, of remote
ones above all: a mapping of `Seen` has what it found, by the text of the cell.
"""

from collections.abc import Mapping, Set
from typing import NamedTuple

import pandas as pd

from common.sheets import Problems, check_spelling, listed, shown

READS = ["fastq_1", "fastq_2", "bam"]
KINDS = {"FASTQ": "a FASTQ file", "BAM": "a BAM or CRAM file"}
A_FILE = "a file with reads, by its path from the sheet's folder, its absolute path or its address"

# What main.nf does not let into the scripts of tasks: Nextflow leaves it to the shell.
UNQUOTABLE = "whose name or folder has one of $ * ? [ ] { } or a control character, or begins with -"


class Seen(NamedTuple):
    """What Nextflow sees of a file or folder that is not read here."""

    path: str  # as the user wrote it
    uri: str = ""  # absolute
    exists: bool = False
    kind: str = "file"  # or folder
    size: int = 0  # bytes
    quotable: bool = True  # whether the scripts of tasks can have its uri in them

    def fault(self, kind: str = "file") -> str:
        """Say what is there instead of a file with content, or of a folder; empty if it is there."""
        if not self.quotable:
            return f"{self.path}, {UNQUOTABLE}"
        if not self.exists:
            return f"no {kind} {self.path}"
        if self.kind != kind:
            return f"a {self.kind} {self.path}"
        return f"an empty file {self.path}" if kind == "file" and not self.size else ""


def one_row_each(lanes: pd.DataFrame) -> pd.DataFrame:
    """Take of each sample the first row; a further one without reads of its own is no lane, and stays."""
    return lanes[~(lanes.duplicated("sample") & lanes["sample"].notna() & lanes.fastq_1.ne(""))]


def check_existence(name: str, lanes: pd.DataFrame, found: Mapping[str, Seen], problems: Problems) -> None:
    """Find the files that are absent or empty."""
    for column in READS:
        for row, cell in lanes[column].dropna().items():
            if cell and (fault := found.get(cell, Seen(cell)).fault()):
                problems.add(f"{name}, row {row}, {column}", fault, A_FILE)


def check_repetition(name: str, lanes: pd.DataFrame, found: Mapping[str, Seen], problems: Problems) -> None:
    """Find a file that is given twice: in two samples, two lanes, or as both reads of a pair.

    An alignment may stand in each row of its sample. A row that repeats another's sample and FASTQ file
    as they are written is left to the check of the sheet's key.
    """
    first: dict[str, tuple[int, str, str, str]] = {}
    for row, sample, *cells in lanes[["sample", *READS]].itertuples(name=None):
        for column, cell in zip(READS, cells, strict=True):
            if not cell:
                continue
            uri = found[cell].uri if cell in found else cell
            earlier, its_column, its_sample, its_cell = first.setdefault(uri, (row, column, sample, cell))
            same = (its_column, its_sample) == (column, sample)
            known = same and (column == "bam" or (column == "fastq_1" and its_cell == cell))
            if (earlier, its_column) != (row, column) and not known:
                where = f"as {its_column} in row {earlier}"
                problems.add(f"{name}, row {row}, {column}", f"{shown(cell)}, {where}", "each file once")


def check_lanes(name: str, lanes: pd.DataFrame, found: Mapping[str, Seen], problems: Problems) -> None:
    """Find rows of one sample that are no lanes of one library, and second reads without first ones."""
    for row in lanes.index[lanes.fastq_1.eq("") & lanes.fastq_2.ne("") & lanes.fastq_2.notna()]:
        problems.add(f"{name}, row {row}, fastq_1", "nothing, with fastq_2", "the first reads of each pair")
    described = [column for column in lanes if column not in ("sample", *READS)]
    repeated = lanes[lanes.duplicated("sample", keep=False) & lanes["sample"].notna()]
    for sample, rows in repeated.groupby("sample", sort=False):
        check_alike(name, sample, rows.bam[rows.bam.ne("")], found, problems)
        given = rows[rows.fastq_1.ne("")]
        if given.empty:
            continue
        for row in rows.index[rows.fastq_1.eq("") & rows.fastq_2.eq("")]:
            said = f"nothing for {sample}, which has one in row {given.index[0]}"
            problems.add(f"{name}, row {row}, fastq_1", said, "a FASTQ file in each row of a sample")
        paired = given.index[given.fastq_2.notna() & given.fastq_2.ne("")]
        for row in given.index[given.fastq_2.eq("")]:
            if len(paired):
                said = f"nothing for {sample}, which has one in row {paired[0]}"
                expected = "a file in each row of a sample, or in none"
                problems.add(f"{name}, row {row}, fastq_2", said, expected)
        for column in described:
            check_alike(name, sample, given[column], {}, problems)


def check_alike(
    name: str, sample: str, cells: pd.Series, found: Mapping[str, Seen], problems: Problems
) -> None:
    """Find the rows of a sample that have another value than its first one, or another file."""
    cells = cells.dropna()
    for row, cell in cells.items():
        first = cells.iloc[0]
        same = cell in found and first in found and found[cell].uri == found[first].uri
        if cell != first and not same:
            said = f"{shown(cell)} for {sample}, which has {shown(first)} in row {cells.index[0]}"
            problems.add(f"{name}, row {row}, {cells.name}", said, "the same in all rows of a sample")


def located(lanes: pd.DataFrame, found: Mapping[str, Seen]) -> pd.DataFrame:
    """Return the rows that name files, with absolute addresses; an alignment in all rows of its sample."""
    files = lanes[["sample", *READS]].copy()
    for column in READS:
        files[column] = files[column].map(lambda cell: found[cell].uri if cell else "")
    files["bam"] = files.groupby("sample", sort=False).bam.transform("max")
    return files[files[READS].ne("").any(axis=1)]


def check_reads(
    name: str, lanes: pd.DataFrame, found: Mapping[str, Seen], there: Set[str], problems: Problems
) -> None:
    """Check the read files of a sheet; `there` names what was given: FASTQ, BAM, counts.

    Without counts each sample needs reads of one kind: all FASTQ, or all alignments.
    """
    if there.isdisjoint(KINDS):
        return
    check_spelling(name, lanes["sample"], problems)
    check_existence(name, lanes, found, problems)
    check_repetition(name, lanes, found, problems)
    check_lanes(name, lanes, found, problems)
    kind, columns = ("FASTQ", READS[:2]) if "FASTQ" in there else ("BAM", READS[2:])
    given = lanes[READS if "counts" in there else columns].ne("").any(axis=1)
    lacking = lanes[lanes["sample"].notna() & ~lanes["sample"].isin(lanes["sample"][given])]
    lacking = lacking.drop_duplicates("sample")
    if "counts" in there and len(lacking):
        problems.note(name, f"no genotype of {listed(lacking['sample'])}: neither FASTQ nor BAM given")
    for row in lacking.index if "counts" not in there else ():
        wanted = f"{KINDS[kind]} for each sample, or --counts for all"
        problems.add(f"{name}, row {row}, {columns[0]}", "nothing", wanted)
