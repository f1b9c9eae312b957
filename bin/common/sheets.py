"""Read the sheets that users wrote, checked by schemas, and keep every problem for one report.

A sheet's schema is JSON Schema 2020-12 and describes its rows; "uniqueEntries" (the columns that, as
far as they are filled, together name a row) is an addition of nf-schema. Rows count from 1, the header,
as in a spreadsheet.
"""

import csv
import difflib
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from pathlib import Path

import pandas as pd
from jsonschema import Draft202012Validator

LONGEST_LINE = 2**24  # characters
LARGEST_TEXT = 2**31  # characters, decompressed
LARGEST_SHEET = 2**26  # the same of what is kept whole
MOST_LINES = 2**22  # however short
SHOWN = 5  # problems of a kind that are spelled out
# A report, if it can be: Nextflow prints the last 50 lines of what a task says, and what is longer than
# 5 KiB it prints in part twice, and its beginning not at all.
LINES = 48
BYTES = 5000
WIDTHS = (1000, 240, 200, 160, 120)  # characters of a line, longer ones are cut
ROW = re.compile(r", row \d+")
KINDS_OF_FILE = {
    b"\x1f\x8b": "a gz-compressed file",
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}


class UnreadableError(ValueError):
    """A file cannot be read any further; the message says what was found instead of text."""


class Problems:
    """What is wrong, in the order in which it was found: of each kind the first few, and how many more.

    And the notes: what is not wrong, but worth a reader's attention.
    """

    def __init__(self) -> None:
        """Start with no problem."""
        self.notes: list[tuple[str, str]] = []
        self.lines: dict[tuple[str, str], list[str]] = {}
        self.found: Counter[tuple[str, str]] = Counter()

    def add(self, where: str, found: str, expected: str, kind: str = "") -> None:
        """Keep a problem. Those with the same `expected` in one column (or of one `kind`) are of a kind."""
        key = kind or ROW.sub("", where), expected
        self.found[key] += 1
        if self.found[key] <= SHOWN:
            self.lines.setdefault(key, []).append(f"{where}: found {found}; expected {expected}")

    def note(self, sheet: str, note: str) -> None:
        """Keep a note on a sheet."""
        self.notes.append((sheet, note))

    def __str__(self) -> str:
        """Say all of it, a problem a line, under their number."""
        # Rather fewer of each kind than lines that are cut, and rather those than some that are not seen.
        for width in WIDTHS:
            for most in range(SHOWN, 0, -1):
                said = self.said(most, width)
                if len(said) <= LINES and sum(len(line.encode()) + 1 for line in said) <= BYTES:
                    return "\n".join(said)
        said = self.said(1, WIDTHS[0])
        return "\n".join([*said, f"{said[0]} the list is long, and begins in .command.err of the work dir"])

    def said(self, most: int, width: int) -> list[str]:
        """Say how many problems there are, and at most so many of each kind, in lines of such a width."""
        said = [f"{self.found.total():,} to put right before anything runs:"]
        for (kind, expected), lines in self.lines.items():
            more = self.found[kind, expected] - len(lines[:most])
            said += lines[:most] + ([f"{kind}: {more:,} more; expected {expected}"] if more else [])
        return [line if len(line) <= width else f"{line[: width - 3]}..." for line in said]


def shown(value: object) -> str:
    """Quote a value as the user would recognise it."""
    if value in ("", None):
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:76]}...{text[0]}"


def listed(names: Iterable[str]) -> str:
    """List the first few names, and how many there are beyond."""
    names = list(names)
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def nearest(name: str, names: Iterable[str], cutoff: float = 0.6) -> str:
    """Find the name that was probably meant, whatever its case and punctuation; empty if none is near."""
    plain = {"".join(filter(str.isalnum, each.lower())): each for each in names}
    near = difflib.get_close_matches("".join(filter(str.isalnum, name.lower())), plain, n=1, cutoff=cutoff)
    return plain[near[0]] if near else ""


def meant(name: str, names: Iterable[str]) -> str:
    """Add to a problem which name was probably meant, if one is near."""
    return f" (perhaps {near})" if (near := nearest(name, names)) else ""


def lines_of(path: Path, largest: int | None = None) -> Iterator[str]:
    """Yield the lines of a UTF-8 text, decompressed if its name ends in .gz, with their ends.

    Raises UnreadableError for what is no such text, and beyond LONGEST_LINE, MOST_LINES and `largest`
    (LARGEST_TEXT) characters: a few bytes may be decompressed to any number.
    """
    largest = largest or LARGEST_TEXT
    if path.is_dir():
        raise UnreadableError("a folder")
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except PermissionError as error:
        raise UnreadableError("a file that may not be read") from error
    compressed = path.suffix == ".gz"
    for magic, kind in KINDS_OF_FILE.items():
        if start.startswith(magic) and not (compressed and magic == b"\x1f\x8b"):
            raise UnreadableError(kind)
    size = lines = 0
    try:
        with (gzip.open if compressed else open)(path, "rb") as file:
            text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
            while line := text.readline(LONGEST_LINE):
                size += len(line)
                lines += 1
                if len(line) == LONGEST_LINE or size > largest:
                    limit = f"{LONGEST_LINE:,} in a line" if size <= largest else f"{largest:,}"
                    raise UnreadableError(f"more characters than are read ({limit})")
                if lines > MOST_LINES:
                    raise UnreadableError(f"more lines than are read ({MOST_LINES:,})")
                yield line
    except UnicodeDecodeError as error:
        raise UnreadableError("text that is not UTF-8") from error
    except gzip.BadGzipFile as error:
        raise UnreadableError("no valid gz compression") from error
    except (EOFError, zlib.error) as error:
        raise UnreadableError("a gz compression that breaks off or is damaged") from error


def rows_of(path: Path, largest: int | None = None) -> Iterator[tuple[int, list[str]]]:
    """Yield row number and fields of each row of a CSV (by its name) or TSV that is not blank.

    Fields come without padding; a tab or line break within one becomes a space. `largest` as in lines_of.
    """
    delimiter = "," if path.name.removesuffix(".gz").endswith(".csv") else "\t"
    reader = csv.reader(lines_of(path, largest), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, fields in enumerate(reader, start=1):
            text = "".join(fields)
            if " " in text or not (
                text.isascii() and text.isprintable()
            ):  # nearly every row of a matrix is not
                fields = [" ".join(field.split()) for field in fields]
            if any(fields):
                yield number, fields
    except csv.Error as error:
        raise UnreadableError(f"what is no {'CSV' if delimiter == ',' else 'TSV'} ({error})") from error
    except UnreadableError as error:
        raise UnreadableError(f"{error} after row {number}" if number else str(error)) from error


def separated_otherwise(header: list[str]) -> str:
    """Say so if a header of one field seems to hold several, between other separators."""
    if len(header) == 1:
        for separator, name in {";": "semicolons", "\t": "tabs", ",": "commas", " ": "spaces"}.items():
            if separator in header[0]:
                return f" (columns separated by {name}?)"
    return ""


def check_header(name: str, header: list[str], schema: Mapping, problems: Problems) -> None:
    """Find the columns that are missing, there twice, or probably misspelt."""
    columns, required = schema["items"]["properties"], schema["items"]["required"]
    further = [column for column in header if column and column not in columns]
    for column, times in Counter(filter(None, header)).items():
        if times > 1:
            problems.add(f"{name}, row 1, {column}", f"{times} columns of this name", "one of each name")
    for column, spec in columns.items():
        near = nearest(column, further, 0.6 if column in required else 0.75)
        if column not in header and (near or column in required):
            hint = f" (perhaps {near} is it)" if near else separated_otherwise(header)
            found = f"no such column among {listed(filter(None, header))}{hint}"
            problems.add(f"{name}, row 1, {column}", found, spec["description"])


def check_cells(name: str, table: pd.DataFrame, schema: Mapping, problems: Problems) -> None:
    """Find the cells that are wrong by the schema, and set them to None."""
    for column, spec in schema["items"]["properties"].items():
        right = Draft202012Validator(spec).is_valid
        empty = column not in schema["items"]["required"]
        wrong = {
            value for value in table[column].dropna().unique() if not ((empty and not value) or right(value))
        }
        for number in table.index[table[column].isin(wrong)]:
            where = f"{name}, row {number}, {column}"
            problems.add(where, shown(table[column][number]), spec["description"])
        table.loc[table[column].isin(wrong), column] = None


def check_once(where: str, value: Hashable, row: int, first: dict[Hashable, int], problems: Problems) -> None:
    """Report a value that an earlier row has; `first` has the row of each value so far."""
    if first.setdefault(value, row) != row:
        said = ", ".join(map(shown, value if isinstance(value, tuple) else [value]))
        problems.add(where, f"{said}, as in row {first[value]}", "another in each row")


def check_spelling(name: str, values: pd.Series, problems: Problems) -> None:
    """Report values that differ in case only: one line written twice, or two files of one name on a Mac."""
    spelled: dict[str, str] = {}
    for row, value in values.dropna().drop_duplicates().items():
        if (other := spelled.setdefault(value.lower(), value)) != value:
            found = f"{shown(value)} beside {shown(other)}"
            problems.add(f"{name}, row {row}, {values.name}", found, "one spelling")


def check_conditions(name: str, sheet: pd.DataFrame, known: Iterable[str], problems: Problems) -> None:
    """Find conditions that are not among those known."""
    known = list(dict.fromkeys(known))
    for condition, rows in sheet.groupby("condition", sort=False):
        if condition not in known:
            others = f" here and {len(rows) - 1} times more" if len(rows) > 1 else ""
            found = f"{shown(condition)}{others}{meant(condition, known)}"
            expected = f"one of {', '.join(known)} (--reference_condition, --target_condition, --contrasts)"
            problems.add(f"{name}, row {rows.index[0]}, condition", found, expected)


def read_sheet(path: Path, name: str, schema: Mapping, problems: Problems) -> pd.DataFrame | None:
    """Read and check a sheet, called `name` in problems.

    Its table has the columns of the schema (all None where a required one is missing, empty where
    an optional one is), then the further ones, as text; its index is the row's number. A cell with a
    problem is None, so that comparing it with others makes no second problem. None: nothing to look at.
    """
    rows: list[tuple[int, list[str]]] = []
    try:
        rows.extend(rows_of(path, LARGEST_SHEET))
    except UnreadableError as error:
        problems.add(name, str(error), "UTF-8 text with a header in row 1")
        return None
    if not rows:
        problems.add(name, "an empty file", "a header in row 1")
        return None
    (_, header), *rows = rows
    check_header(name, header, schema, problems)
    if not rows:
        problems.add(f"{name}, row 2", "no row below the header", "at least one")
        return None

    columns, required = schema["items"]["properties"], schema["items"]["required"]
    first_of = {column: position for position, column in reversed(list(enumerate(header))) if column}
    kept = sorted(first_of.values())
    cells = {}
    for number, fields in rows:
        filled = max(position for position, field in enumerate(fields, start=1) if field)
        full = fields + [""] * (len(header) - len(fields))
        cells[number] = [full[position] for position in kept]
        if len(fields) < len(header) or filled > len(header):
            found = f"{max(filled, len(fields))} fields"
            problems.add(f"{name}, row {number}", found, f"{len(header)}, as in the header")
            # Beyond a gap, fields belong to other columns: only the first is sure to be what it seems.
            cells[number][1:] = [None] * (len(kept) - 1)
        elif any(field and not column for field, column in zip(fields, header, strict=False)):
            found = "a field in a column without a name"
            problems.add(f"{name}, row {number}", found, "a name for each column in row 1")
    named = [header[position] for position in kept]
    table = pd.DataFrame.from_dict(cells, orient="index", columns=named, dtype=object)
    for column in columns:
        if column not in table:
            table[column] = None if column in required else ""
    table = table[[*columns, *(column for column in table if column not in columns)]]
    check_cells(name, table, schema, problems)
    first: dict[Hashable, int] = {}
    unique = schema.get("uniqueEntries", [])
    for number, *entry in table[unique].dropna().itertuples(name=None) if unique else ():
        filled = {column: value for column, value in zip(unique, entry, strict=True) if value}
        where = f"{name}, row {number}, {', '.join(filled)}"
        check_once(where, tuple(filled.values()), number, first, problems)
    return table
