"""Cut windows around amplicons, and lay out the contigs on which their reads lie until they are clipped."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from common.aligned_reads import united
from common.cli import InputError

PRIMERS = {
    **{"chrom": "str", "start": "int64", "end": "int64", "amplicon": "str", "pool": "str"},
    **dict.fromkeys(["left_start", "left_end", "right_start", "right_end"], "int64"),
}
WINDOWS = {"window": "str", "chrom": "str", "start": "int64", "end": "int64"}


class Primer(NamedTuple):
    """A primer on the strand of the reads that begin with it; its outer end is a place in its window."""

    amplicon: int
    outer: int
    length: int


class Layout(NamedTuple):
    """The contigs of reads while primers are clipped: the windows, then a copy for each amplicon."""

    names: list[bytes]
    lengths: list[int]
    contigs: list[int]  # of the genome, by number
    offsets: list[int]  # where they begin there
    windows: int
    primers: dict[tuple[bytes, bool], list[Primer]]  # by window, and whether the read is reverse

    def header(self) -> bytes:
        """Name the contigs as SAM does."""
        lines = (b"@SQ\tSN:%s\tLN:%d\n" % each for each in zip(self.names, self.lengths, strict=True))
        return b"@HD\tVN:1.6\tSO:unsorted\n" + b"".join(lines)


def read_lengths(genome: Path) -> dict[str, int]:
    """Return the contigs of a genome and their lengths, from its index, in its order."""
    index = pd.read_csv(f"{genome}.fai", sep="\t", usecols=[0, 1], names=["contig", "length"],
                        dtype={"contig": "str"}, keep_default_na=False)  # fmt: skip
    return dict(index.itertuples(index=False))


def check_primers(primers: pd.DataFrame, lengths: Mapping[str, int]) -> None:
    """Hold the amplicons to the genome's contigs; all that do not fit are named at once."""
    few = ", ".join(list(lengths)[:3]) + (", …" if len(lengths) > 3 else "")
    wrong = []
    for row, each in enumerate(primers.itertuples(), start=2):
        where = f"primers.tsv, row {row} ({each.amplicon})"
        if each.chrom not in lengths:
            wrong.append(f"{where}, chrom: found {each.chrom}; expected a contig of the genome ({few})")
        elif each.end > lengths[each.chrom]:
            most = f"{lengths[each.chrom]:,} or less, the length of {each.chrom}"
            wrong.append(f"{where}, end: found {each.end:,}; expected {most}")
    if wrong:
        raise InputError(
            "\n".join([f"{len(wrong):,} of {len(primers):,} amplicons do not fit the genome:", *wrong])
        )


def windows_of(primers: pd.DataFrame, lengths: Mapping[str, int], flank: int) -> pd.DataFrame:
    """Unite amplicons that touch with their flanks; windows end with the contig, and have its order."""
    found = []
    for chrom, length in lengths.items():
        ours = primers[primers.chrom == chrom]
        apart = united(zip(ours.start - flank, ours.end + flank, strict=True))
        found += [(chrom, max(0, start), min(end, length)) for start, end in apart]
    names = [f"window_{number}" for number in range(1, len(found) + 1)]
    return pd.DataFrame(
        [(name, *each) for name, each in zip(names, found, strict=True)], columns=list(WINDOWS)
    )


def lay_out(primers: pd.DataFrame, windows: pd.DataFrame, lengths: Mapping[str, int]) -> Layout:
    """Put a copy of its window beside the windows for each amplicon, and find the primers' outer ends."""
    contigs = {name: number for number, name in enumerate(lengths)}
    rows = list(windows.itertuples())
    own = [
        next(row for row in rows if row.chrom == each.chrom and row.start <= each.start < row.end)
        for each in primers.itertuples()
    ]
    found: dict[tuple[bytes, bool], list[Primer]] = {}
    for number, (each, window) in enumerate(zip(primers.itertuples(), own, strict=True)):
        name = window.window.encode()
        left = Primer(number, each.left_start - window.start, each.left_end - each.left_start)
        right = Primer(number, each.right_end - window.start, each.right_end - each.right_start)
        found.setdefault((name, False), []).append(left)
        found.setdefault((name, True), []).append(right)
    names = [row.window.encode() for row in rows]
    names += [b"amplicon_%d" % number for number in range(1, len(own) + 1)]
    laid = rows + own
    return Layout(
        names,
        [row.end - row.start for row in laid],
        [contigs[row.chrom] for row in laid],
        [row.start for row in laid],
        len(rows),
        found,
    )


def bed_of(primers: pd.DataFrame, layout: Layout) -> str:
    """Write the primers as BED, those of each amplicon on its copy of the window."""
    lines = []
    for number, each in enumerate(primers.itertuples(), start=layout.windows):
        name, offset = layout.names[number].decode(), layout.offsets[number]
        sides = (each.left_start, each.left_end, "+"), (each.right_start, each.right_end, "-")
        for start, end, strand in sides:
            lines.append(f"{name}\t{start - offset}\t{end - offset}\t{each.amplicon}\t0\t{strand}\n")
    return "".join(lines)
