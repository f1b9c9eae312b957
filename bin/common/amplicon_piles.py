"""The study's amplicons, and the fragments of each as matrices: bases and qualities over its insert.

Places count from 0 and ends are exclusive. Amplicons near each other are a stretch of the genome that is
looked at at once; each place of an insert is a site, once, however many amplicons cover it.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
import pysam

from common.aligned_reads import Reads, ascii_of
from common.read_matrices import extents, spread
from common.variant_sites import Sequence as Bases
from common.variant_sites import Variant, sequence_around

PRIMERS = {"chrom": "str", "start": "int64", "end": "int64", "amplicon": "str", "left_start": "int64"}
PRIMERS |= {"left_end": "int64", "right_start": "int64", "right_end": "int64"}
NONE = -1
PRIMER_REACH, FAR = 10, 50  # bases from its primer where a read of an amplicon may begin; further is as far
APART = 10_000  # bases from which amplicons are looked at apart
LONGEST_REPEAT = 100  # bases over which an insertion or deletion is moved


class Amplicon(NamedTuple):
    """An amplicon; `start` and `end` are of its insert, `site` is the column of its first base."""

    name: str
    start: int
    end: int
    left_start: int
    right_end: int
    site: int

    def holds(self, variant: Variant, sequence: Bases) -> bool:
        """Say whether all places where a variant can lie are in the insert; of an indel, not at its edges."""
        low, high = core_of(variant, sequence)
        beside = int(len(variant.ref) != len(variant.alt))
        return self.start + beside <= low and high <= self.end - beside

    def meets_primer(self, variant: Variant, sequence: Bases) -> bool:
        """Say whether a variant can lie under a primer, or beside it if it is an indel."""
        low, high = core_of(variant, sequence)
        beside = int(len(variant.ref) != len(variant.alt))
        left = low < self.start + beside and high > self.left_start - beside
        return left or (low < self.right_end + beside and high > self.end - beside)


class Stretch(NamedTuple):
    """Amplicons near each other, the sequence around them, and the places of their inserts, each once."""

    name: str
    sequence: Bases
    amplicons: list[Amplicon]
    places: np.ndarray

    def column_of(self, place: int) -> int:
        """Return the number of a place among the stretch's, or of the nearest before it."""
        return max(int(np.searchsorted(self.places, place, side="right")) - 1, 0)


class Pile(NamedTuple):
    """The fragments of an amplicon; the first axis of arrays is the strand (forward, reverse)."""

    bases: np.ndarray  # (2, fragments, places) ASCII
    qualities: np.ndarray  # 0: not covered
    low: np.ndarray  # (2, fragments) where what was read begins and ends, the clipped primers with it
    high: np.ndarray
    row: np.ndarray  # of a read of the stretch: its fragment here, -1 if it is not of this amplicon
    fragment: np.ndarray  # its number in the stretch
    reads: Reads  # their CIGAR operations only


class Placed(NamedTuple):
    """The reads of a stretch, and where they belong."""

    reads: Reads
    amplicon: np.ndarray  # of a read, -1 if there is none
    low: np.ndarray  # of a read: where what was read begins and ends, the clipped primers with it
    high: np.ndarray
    operations: list[np.ndarray]  # of an amplicon: their numbers


def place(reads: Reads, amplicons: Sequence[Amplicon]) -> Placed:
    """Find the amplicon of each read."""
    start, end, clipped_left, clipped_right = extents(reads)
    begins = np.where(reads.reverse, end + clipped_right, start - clipped_left)
    amplicon = amplicon_of(reads, start, end, begins, amplicons)
    inserts = np.array([[each.start, each.end] for each in amplicons])[amplicon]
    # Where a read begins, or reaches the end of the insert, a primer is clipped: it was read all the same.
    low = start - np.where(~reads.reverse | (start <= inserts[:, 0]), clipped_left, 0)
    high = end + np.where(reads.reverse | (end >= inserts[:, 1]), clipped_right, 0)
    of = amplicon[reads.owner]
    order = np.argsort(of, kind="stable")
    cuts = np.searchsorted(of[order], np.arange(len(amplicons) + 1))
    operations = [order[first:last] for first, last in pairwise(cuts)]
    return Placed(reads, amplicon, low, high, operations)


def stretches_of(primers: pd.DataFrame, fasta: pysam.FastaFile) -> list[Stretch]:
    """Put amplicons near each other together, in the order of the genome, and find the places of inserts."""
    order = {contig: number for number, contig in enumerate(fasta.references)}
    rows = sorted(primers.itertuples(), key=lambda row: (order[row.chrom], row.left_end, row.right_start))
    groups: list[list] = []
    for row in rows:
        last = groups[-1][-1] if groups else None
        if last is None or last.chrom != row.chrom or row.left_end - last.right_start > APART:
            groups.append([])
        groups[-1].append(row)
    found = []
    for group in groups:
        contig = group[0].chrom
        places = np.unique(np.concatenate([np.arange(row.left_end, row.right_start) for row in group]))
        low, high = min(row.start for row in group), max(row.end for row in group)
        amplicons = [
            Amplicon(
                row.amplicon, row.left_end, row.right_start, row.left_start, row.right_end,
                int(np.searchsorted(places, row.left_end)),
            )
            for row in group
        ]  # fmt: skip
        sequence = sequence_around(fasta, contig, low, high)
        found.append(Stretch(f"{contig}:{low}", sequence, amplicons, places))
    return found


def amplicon_of(
    reads: Reads, start: np.ndarray, end: np.ndarray, begins: np.ndarray, amplicons: Sequence[Amplicon]
) -> np.ndarray:
    """Return the amplicon of each read: of its fragment, by where its mates begin; -1 if there is none.

    `start` and `end` are of a read's aligned bases, `begins` of what was read, on its strand. Fragments that
    begin with no primer are of the amplicon whose insert they cover most.
    """
    own = np.array([[each.left_start, each.right_end] for each in amplicons])
    number = reads.fragments
    cost = np.zeros((number, len(amplicons)))
    near = np.zeros((number, len(amplicons)), dtype=bool)
    for strand in (0, 1):
        some = np.flatnonzero((reads.reverse == strand) & (end > 0))
        away = np.abs(begins[some, None] - own[:, strand])
        cost[reads.fragment[some]] += np.minimum(away, FAR)
        near[reads.fragment[some]] |= away <= PRIMER_REACH
    best = cost.argmin(axis=1)
    lost = np.flatnonzero(~near[np.arange(number), best])
    if len(lost):
        first = np.full(number, np.iinfo(np.int64).max)
        last = np.zeros(number, dtype=np.int64)
        np.minimum.at(first, reads.fragment, np.where(end > 0, start, np.iinfo(np.int64).max))
        np.maximum.at(last, reads.fragment, end)
        inserts = np.array([[each.start, each.end] for each in amplicons])
        shared = np.minimum(last[lost, None], inserts[:, 1]) - np.maximum(first[lost, None], inserts[:, 0])
        best[lost] = np.where(shared.max(axis=1) > 0, shared.argmax(axis=1), NONE)
    return best[reads.fragment]


def pile_of(placed: Placed, number: int, amplicon: Amplicon) -> Pile:
    """Lay the reads of an amplicon over its insert."""
    own = np.flatnonzero(placed.amplicon == number)
    names = ("owner", "kind", "place", "length", "query")
    some = placed.operations[number]
    reads = placed.reads._replace(**{name: getattr(placed.reads, name)[some] for name in names})
    fragment, row = np.unique(reads.fragment[own], return_inverse=True)
    shape = (2, len(fragment))
    low, high = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    laid, rows = [], np.full(len(reads.fragment), NONE)
    for strand in (0, 1):
        some = np.flatnonzero(reads.reverse[own] == strand)
        _, first = np.unique(row[some], return_index=True)  # of mates on one strand, one
        some = some[first]
        on_strand = np.full(len(reads.fragment), NONE)
        on_strand[own[some]] = rows[own[some]] = row[some]
        low[strand, row[some]], high[strand, row[some]] = placed.low[own[some]], placed.high[own[some]]
        laid.append(spread(reads, on_strand, len(fragment), amplicon.start, amplicon.end))
    bases, qualities = (np.stack(each) for each in zip(*laid, strict=True))
    return Pile(bases, qualities, low, high, rows, fragment, reads)


def core_of(variant: Variant, sequence: Bases) -> tuple[int, int]:
    """Return the places where a variant can lie."""
    _, start, ref, alt = variant
    high, moved = start + len(ref), ref or alt
    if not (ref and alt):
        while (
            high - start < LONGEST_REPEAT + len(ref)
            and sequence.cut(high, high + 1) == moved[(high - start) % len(moved)]
        ):
            high += 1
    return start, high


def run_at(place: int, sequence: Bases) -> int:
    """Return the length of the homopolymer in which a place lies."""
    bases, at = sequence.bases, place - sequence.start
    first = last = at
    while first > 0 and bases[first - 1] == bases[at]:
        first -= 1
    while last + 1 < len(bases) and bases[last + 1] == bases[at]:
        last += 1
    return last - first + 1


class Window(NamedTuple):
    """Where reads show an insertion or deletion, and what reference and variant spell there, as ASCII."""

    start: int
    end: int
    core: tuple[int, int]  # the places where it can lie
    haplotypes: tuple[np.ndarray, np.ndarray]


def window_of(variant: Variant, sequence: Bases, amplicon: Amplicon, flank: int) -> Window:
    """Find where reads of an amplicon are compared with an indel: its places, and bases on both sides."""
    cut = sequence.cut
    low, high = core_of(variant, sequence)
    first, last = max(low - flank, amplicon.start), min(high + flank, amplicon.end)
    spelled = cut(first, low) + variant.alt + cut(low + len(variant.ref), last)
    return Window(first, last, (low, high), (ascii_of(cut(first, last)), ascii_of(spelled)))
