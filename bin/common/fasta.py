"""Read FASTA files of any size, finding what is wrong with them, and write them in lines of one length."""

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from common.sheets import Problems

CHUNK = 2**24  # bytes
LONGEST_HEADER = 2**16  # bytes: beyond it, the file is no FASTA
WIDTH = 60  # bases a line
NUCLEOTIDES = b"ACGTUNRYSWKMBDHVacgtunryswkmbdhv"
COMPLEMENT = bytes.maketrans(b"ACGTRYKMBDHV", b"TGCAYRMKVHDB")
DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error)
BROKEN_OFF, COMPLETE = "a gz compression that breaks off or is damaged", "a complete file"
A_FASTA = "FASTA: > and a name in a line, nucleotides in those below"


def opened(path: Path) -> BinaryIO:
    """Open a file, decompressed if it is gz or bgz, whatever its name."""
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    return io.BufferedReader(gzip.open(path, "rb"), 2**20) if compressed else path.open("rb", 2**20)


def shown(text: bytes) -> str:
    """Quote what a file has."""
    return repr(text.decode(errors="replace"))


def parts_of(file: BinaryIO) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield row and text of each header of a FASTA with nothing, then with each piece of what lies below.

    What lies above the first header comes with row 0. Raises ValueError at a header without an end.
    """
    row, above, header = 1, 0, b""
    rest, begins = b"", True
    while chunk := file.read(CHUNK):
        text, rest, at = rest + chunk, b"", 0
        while at < len(text):
            if begins and text[at] == ord(">"):
                end = text.find(b"\n", at)
                if end < 0:
                    rest = text[at:]
                    break
                above, header, at = row, text[at + 1 : end], end + 1
                row += 1
                yield above, header, b""
                continue
            end = text.find(b"\n>", at) + 1 or len(text)
            piece = text[at:end]
            row += piece.count(b"\n")
            yield above, header, piece
            at, begins = end, piece.endswith(b"\n")
        if len(rest) > LONGEST_HEADER:
            raise ValueError
    if rest:
        yield row, rest[1:], b""


class Record(NamedTuple):
    """A record of a FASTA; its bases, without line ends, can be read once."""

    row: int
    name: str
    bases: Iterator[bytes]


def parts_in(path: Path, problems: Problems) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield the parts of a file as far as it can be read, and report where it cannot."""
    header = b""
    try:
        with opened(path) as file:
            for part in parts_of(file):
                header = part[1]
                yield part
    except ValueError:
        problems.add(path.name, "a line that does not end", A_FASTA)
    except DAMAGED:
        last = f" after {name_of(header)}" if header else ""
        problems.add(path.name, f"{BROKEN_OFF}{last}", COMPLETE)


def name_of(header: bytes) -> str:
    """Return the first word of a header."""
    return b"".join(header.split(None, 1)[:1]).decode(errors="replace")


def records_of(path: Path, problems: Problems) -> Iterator[Record]:
    """Yield the records of a FASTA, and report what is wrong with them; each must be read before the next."""
    rows: dict[str, int] = {}
    for (row, header), parts in groupby(parts_in(path, problems), key=itemgetter(0, 1)):
        where, name = f"{path.name}, row {row or 1}", name_of(header)
        if not row:
            if text := b"".join(piece for _, _, piece in parts).strip():
                problems.add(where, f"{shown(text[:20])} above the first >", A_FASTA)
                return
            continue
        first = rows.setdefault(name, row)
        if not name:
            problems.add(where, "a > without a name", A_FASTA)
        elif first != row:
            problems.add(where, f"{name}, as in row {first}", "each name once", f"{path.name}, names")
        yield Record(row, name, checked(parts, where, name, path, problems))
    if not rows and not problems.found:
        problems.add(path.name, "an empty file", A_FASTA)


def checked(
    parts: Iterable[tuple[int, bytes, bytes]], where: str, name: str, path: Path, problems: Problems
) -> Iterator[bytes]:
    """Yield the bases of a record piece by piece; report letters that are none, or that there are none."""
    length, strange = 0, b""
    for _, _, piece in parts:
        bases = piece.translate(None, b"\r\n")
        length += len(bases)
        if not strange and (strange := bases.translate(None, NUCLEOTIDES)):
            letters = "".join(sorted(set(strange.decode(errors="replace"))))
            hint = ": a protein?" if set("EFILPQ") & set(letters) else ""
            found, kind = f"{name} with {shown(letters.encode())}{hint}", f"{path.name}, letters"
            problems.add(where, found, "letters of nucleotides (A, C, G, T, N and the like)", kind)
        yield bases
    if not length:
        problems.add(where, f"{name} without sequence", "nucleotides below each name", f"{path.name}, empty")


def write_record(file: BinaryIO, name: str, bases: Iterable[bytes]) -> int:
    """Write a record in lines of WIDTH; return its number of bases."""
    file.write(b">%s\n" % name.encode())
    rest, length = b"", 0
    for piece in bases:
        length += len(piece)
        text = rest + piece
        lines = len(text) // WIDTH
        rest = text[lines * WIDTH :]
        if lines:
            block = np.empty((lines, WIDTH + 1), dtype=np.uint8)
            block[:, :WIDTH] = np.frombuffer(text, np.uint8, lines * WIDTH).reshape(lines, WIDTH)
            block[:, WIDTH] = ord("\n")
            file.write(block.data)
    if rest:
        file.write(rest + b"\n")
    return length
