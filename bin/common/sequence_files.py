"""Write FASTA, GTF and FASTQ files, gzipped: the same content gives the same bytes.

Sequences are arrays of codes (uint8): 0 A, 1 C, 2 G, 3 T. The complement of a code is 3 minus it.
"""

import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)
LINE_WIDTH = 60
PHRED_OFFSET = 33
NAME_DIGITS = 7
GZIP = 31  # zlib's window bits for a gzip stream; its header has no time and no name


def encode(sequence: str) -> np.ndarray:
    """Turn letters into codes."""
    return np.searchsorted(LETTERS, np.frombuffer(sequence.encode(), dtype=np.uint8)).astype(np.uint8)


def decode(codes: np.ndarray) -> str:
    """Turn codes into letters."""
    return LETTERS[codes].tobytes().decode()


def reverse_complement(codes: np.ndarray) -> np.ndarray:
    """Return the other strand, read from its own start."""
    return 3 - codes[::-1]


def gzipped(content: bytes, level: int = 6) -> bytes:
    """Compress bytes as one gzip stream."""
    return zlib.compress(content, level, GZIP)


def write_gzip(content: bytes, path: Path, level: int = 6) -> None:
    """Write bytes as one gzip stream."""
    path.write_bytes(gzipped(content, level))


def write_fasta(contigs: Mapping[str, np.ndarray], path: Path) -> None:
    """Write contigs, 60 bases a line."""
    lines = []
    for name, codes in contigs.items():
        letters = decode(codes)
        lines += [f">{name}"] + [letters[at : at + LINE_WIDTH] for at in range(0, len(letters), LINE_WIDTH)]
    write_gzip(("\n".join(lines) + "\n").encode(), path)


def gtf_row(
    contig: str,
    feature: str,
    start: int,
    end: int,
    strand: str,
    attributes: Mapping[str, object],
    frame: int | str = ".",
    source: str = "SIMULATED",
) -> str:
    """Return a row of a GTF; start counts from 0, and end is exclusive. Numbers stand without quotes."""
    described = " ".join(
        f'{name} "{value}";' if isinstance(value, str) else f"{name} {value};"
        for name, value in attributes.items()
    )
    fields = (contig, source, feature, start + 1, end, ".", strand, frame, described)
    return "\t".join(map(str, fields))


def write_gtf(rows: Iterable[str], path: Path, comments: Iterable[str] = ()) -> None:
    """Write rows of a GTF below lines of comment."""
    lines = [f"##{comment}" for comment in comments] + list(rows)
    write_gzip(("\n".join(lines) + "\n").encode(), path)


def fastq_records(
    prefix: str, mate: int, bases: np.ndarray, qualities: np.ndarray, ending: str = "/{mate}"
) -> bytes:
    """Return reads of one length (reads x cycles: codes, Phred scores) as the text of a FASTQ file.

    A read's title is the prefix, its number from 0 in seven digits, and an ending with the mate.
    """
    reads, cycles = bases.shape
    numbers = np.arange(reads)[:, None] // 10 ** np.arange(NAME_DIGITS - 1, -1, -1) % 10 + ord("0")
    head = np.frombuffer(f"@{prefix}".encode(), dtype=np.uint8)
    tail = np.frombuffer(f"{ending.format(mate=mate)}\n".encode(), dtype=np.uint8)
    between = np.frombuffer(b"\n+\n", dtype=np.uint8)
    ends = np.cumsum([0, len(head), NAME_DIGITS, len(tail), cycles, len(between), cycles, 1])
    parts = (head, numbers, tail, LETTERS[bases], between, qualities + np.uint8(PHRED_OFFSET), ord("\n"))
    records = np.empty((reads, ends[-1]), dtype=np.uint8)
    for start, end, part in zip(ends[:-1], ends[1:], parts, strict=True):
        records[:, start:end] = part
    return records.tobytes()
