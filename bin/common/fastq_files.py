"""Read FASTQ files of unknown quality in blocks of records, and say what is wrong with them.

A file is gzip if its first bytes say so, whatever its name; lanes of both kinds may be mixed. Everything
is read once, as a stream, and held to: complete gzip members whose checksums agree, four lines a record,
@ and +, as many qualities as bases. Line ends become those of Unix, and a last one is added.
"""

import zlib
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np

RECORDS = 4096  # of a block
READ_BYTES = 2**17
GZIP_MAGIC = b"\x1f\x8b"
GZIP = 31  # zlib's window bits for a gzip stream
MATES = tuple(separator + mate for separator in (b"/", b".", b"_") for mate in (b"1", b"2"))
SHOWN = 40  # characters of a line or name


class BadReadsError(ValueError):
    """A FASTQ file cannot be used; the text has its name and what was found in it."""


class Block(NamedTuple):
    """Records of one file that follow each other, as text; `first` is the number of the first, from 1."""

    lane: int
    first: int
    records: int
    text: bytes

    def names(self) -> list[bytes]:
        """Return the names of the reads, without what follows a blank and without the mate's number."""
        heads = [line.split(None, 1)[0] for line in self.text.split(b"\n")[:-1:4]]
        return [name[:-2] if name.endswith(MATES) else name for name in heads]


def shown(line: bytes) -> str:
    """Show a line or name of a file; what is no printable character is a question mark."""
    text = "".join(chr(code) if 32 <= code < 127 else "?" for code in line)
    return f"'{text[:SHOWN]}{'…' if len(text) > SHOWN else ''}'"


def decompressed(path: Path) -> Iterator[bytes]:
    """Read a file in pieces, gzip or not; a damaged or incomplete one raises after its last good piece."""
    with path.open("rb") as opened:
        piece = opened.read(READ_BYTES)
        if not piece.startswith(GZIP_MAGIC):
            while piece:
                yield piece
                piece = opened.read(READ_BYTES)
            return
        member = zlib.decompressobj(GZIP)
        while piece:
            try:
                yield member.decompress(piece)
            except zlib.error as error:
                raise BadReadsError("its gzip data are damaged") from error
            piece = member.unused_data or opened.read(READ_BYTES)
            if member.eof:
                piece = piece.lstrip(b"\0") or opened.read(READ_BYTES).lstrip(b"\0")
                if piece:
                    member = zlib.decompressobj(GZIP)
        if not member.eof:
            raise BadReadsError("its gzip data end too early, as those of a file that was not copied whole")


def blocks(path: Path, lane: int = 0) -> Iterator[Block]:
    """Read a FASTQ file in blocks of RECORDS, the last of fewer; raise BadReadsError for bad ones."""
    done, rest, pieces = 0, b"", decompressed(path)
    while True:
        try:
            piece = next(pieces, None)
        except BadReadsError as error:
            done += rest.count(b"\n") // 4
            raise BadReadsError(f"{path.name}: {error} (after record {done:,})") from error
        if piece is not None:
            rest += piece.replace(b"\r", b"") if b"\r" in piece else piece
        else:
            rest = completed(rest)
        ends = np.flatnonzero(np.frombuffer(rest, np.uint8) == ord("\n"))
        unit = RECORDS if piece is not None else 1
        whole = len(ends) // 4 // unit * unit
        for start in range(0, whole, RECORDS):
            lines = ends[4 * start : 4 * min(start + RECORDS, whole)]
            begin = ends[4 * start - 1] + 1 if start else 0
            block = Block(lane, done + 1, len(lines) // 4, rest[begin : lines[-1] + 1])
            check(path.name, block, lines - begin)
            yield block
            done += block.records
        if whole:
            rest = rest[ends[4 * whole - 1] + 1 :]
        if piece is None:
            break
    if rest:
        head = rest.split(b"\n", 1)[0]
        if not head.startswith(b"@"):
            raise BadReadsError(f"{path.name}: record {done + 1:,} begins with {shown(head)}, expected @")
        raise BadReadsError(f"{path.name}: ends within record {done + 1:,}")


def completed(rest: bytes) -> bytes:
    """End the last line of a file, and leave out empty lines below the last record."""
    rest += b"" if rest.endswith(b"\n") or not rest else b"\n"
    lines = rest.count(b"\n")
    while rest.endswith(b"\n\n") and lines % 4:
        rest, lines = rest[:-1], lines - 1
    return rest if rest.strip(b"\n") else b""


def check(name: str, block: Block, ends: np.ndarray) -> None:
    """Hold the records of a block to the format; `ends` are the places of its line ends."""
    letters = np.frombuffer(block.text, np.uint8)
    starts = np.concatenate([[0], ends[:-1] + 1]).reshape(-1, 4)
    lengths = ends.reshape(-1, 4) - starts
    good = (letters[starts[:, 0]] == ord("@")) & (lengths[:, 0] > 1) & (letters[starts[:, 2]] == ord("+"))
    bad = np.flatnonzero(~(good & (lengths[:, 1] == lengths[:, 3])))
    if not len(bad):
        return
    head, bases, plus, qualities = block.text.split(b"\n")[4 * bad[0] : 4 * bad[0] + 4]
    where = f"{name}: record {block.first + bad[0]:,}"
    if not head.startswith(b"@") or head == b"@":
        raise BadReadsError(f"{where} begins with {shown(head)}, expected @ and a name")
    if not plus.startswith(b"+"):
        raise BadReadsError(f"{where} has {shown(plus)} in its third line, expected +")
    raise BadReadsError(f"{where} has {len(bases):,} bases and {len(qualities):,} qualities")


def all_blocks(paths: Sequence[Path]) -> Iterator[Block]:
    """Read the lanes of a library one after the other; a lane without reads raises BadReadsError."""
    for lane, path in enumerate(paths):
        block = None
        for block in blocks(path, lane):
            yield block
        if block is None:
            said = "has no reads" if path.stat().st_size else "is empty"
            raise BadReadsError(f"{path.name}: {said}")


def check_all(reads: Sequence[Sequence[Path]]) -> None:
    """Read all files of a library, mates side by side; raise BadReadsError for the first that is bad.

    `reads` are the lanes of the first reads and, if it is paired, those of the second ones.
    """
    if len(reads) == 1:
        for _ in all_blocks(reads[0]):
            pass
        return
    for first, second in zip(*reads, strict=True):
        counted = [0, 0]
        other = ""
        for pair in zip_longest(all_blocks([first]), all_blocks([second])):
            for mate, block in enumerate(pair):
                counted[mate] += block.records if block else 0
            if None in pair or other:
                continue
            for number, names in enumerate(zip(*(block.names() for block in pair), strict=False)):
                if names[0] != names[1]:
                    words = f"is {shown(names[0])} in {first.name} and {shown(names[1])} in {second.name}"
                    other = f"record {pair[0].first + number:,} {words}: they are not mates"
                    break
        if counted[0] != counted[1]:
            has = f"{first.name} has {counted[0]:,} reads and {second.name} {counted[1]:,}"
            raise BadReadsError(f"{has}: not all have a mate" + (f" ({other})" if other else ""))
        if other:
            raise BadReadsError(other)
