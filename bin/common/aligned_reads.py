"""Read the alignments of some regions of a BAM or CRAM file into arrays.

Positions count from 0 and ends are exclusive. Only what the index names is read, and a base takes two bytes.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pysam

from common.cli import InputError

MATCH, INSERTION, DELETION, SPLICE = range(4)  # as CIGAR counts them; = and X are read as MATCH
ON_REFERENCE = np.array([1, 0, 1, 1, 0, 0, 0, 1, 1, 0])
ON_QUERY = np.array([1, 1, 0, 0, 1, 0, 0, 1, 1, 0])
EQUAL, DIFFERENT = 7, 8
INDEXES = {".bam": (".bam.bai", ".bam.csi", ".bai", ".csi"), ".cram": (".cram.crai", ".crai")}


class Reads(NamedTuple):
    """Reads as arrays: some have a number a read, some one a CIGAR operation, two one a base of all reads."""

    fragment: np.ndarray  # of a read: the number of its fragment, in order of appearance
    reverse: np.ndarray
    first: np.ndarray  # of its aligned bases: the place in `bases`; what is clipped lies outside
    end: np.ndarray
    owner: np.ndarray  # of an operation (matches, insertions, deletions, splices): its read
    kind: np.ndarray
    place: np.ndarray  # where it begins in the contig
    length: np.ndarray
    query: np.ndarray  # where it begins in `bases`
    bases: np.ndarray  # ASCII
    qualities: np.ndarray  # Phred

    @property
    def fragments(self) -> int:
        """Return the number of fragments."""
        return int(self.fragment.max(initial=-1)) + 1


class Segments(NamedTuple):
    """Stretches of reads between splices: read, place in the contig, and number of aligned bases."""

    owner: np.ndarray
    start: np.ndarray
    end: np.ndarray
    aligned: np.ndarray


def find_alignment(folder: Path, sample: str) -> Path | None:
    """Return <sample>.bam or .cram of a folder that may be absent; None if there is none."""
    paths = [folder / f"{sample}{suffix}" for suffix in INDEXES]
    return next((path for path in paths if path.is_file()), None)


def open_alignment(path: Path, genome: Path, scratch: Path) -> pysam.AlignmentFile:
    """Open a BAM or CRAM file with the index beside it, or with one made in the scratch folder.

    A CRAM is read with the genome given; no other reference is looked for, here or in the network.
    """
    os.environ["REF_PATH"] = os.environ["REF_CACHE"] = str(scratch)
    names = [path.with_name(f"{path.stem}{suffix}") for suffix in INDEXES[path.suffix]]
    index = next((name for name in names if name.is_file()), None)
    try:
        if index is None:
            index = scratch / names[0].name
            pysam.index("-o", str(index), str(path))
        return pysam.AlignmentFile(path, reference_filename=str(genome), index_filename=str(index))
    except (OSError, ValueError, pysam.SamtoolsError) as error:
        raise InputError(f"{path.name}: no BAM or CRAM file sorted by coordinate") from error


def read_regions(
    alignments: pysam.AlignmentFile,
    contig: str,
    regions: Sequence[tuple[int, int]],
    min_mapping_quality: int,
    excluded_flags: int,
) -> Reads:
    """Read each alignment that overlaps regions of a contig (in order, apart), but for those excluded.

    A read of a pair has the fragment of its mate. Reads without bases are left out.
    """
    names: dict[str, int] = {}
    fragment, reverse, start, operations, cigars = [], [], [], [], []
    bases, qualities = bytearray(), bytearray()
    before = 0  # the end of the region before: what begins there has been read
    for region in regions:
        for read in alignments.fetch(contig, *region):
            if (
                read.flag & excluded_flags
                or read.mapping_quality < min_mapping_quality
                or read.reference_start < before
                or not (sequence := read.query_sequence)
            ):
                continue
            fragment.append(names.setdefault(read.query_name, len(names)))
            reverse.append(read.is_reverse)
            start.append(read.reference_start)
            cigar = read.cigartuples
            operations.append(len(cigar))
            cigars += cigar
            bases += sequence.encode()
            qualities += read.query_qualities or b"\xff" * len(sequence)  # SAM: not available
        before = region[1]
    kinds, lengths = np.array(cigars, dtype=np.int64).reshape(-1, 2).T
    as_read = np.array(fragment, dtype=np.int32), np.array(reverse, dtype=bool)
    stored = np.frombuffer(bytes(bases), dtype=np.uint8), np.frombuffer(bytes(qualities), dtype=np.uint8)
    return decode(*as_read, np.array(start, dtype=np.int64), np.array(operations), kinds, lengths, *stored)


def decode(
    fragment: np.ndarray,
    reverse: np.ndarray,
    start: np.ndarray,
    operations: np.ndarray,
    kinds: np.ndarray,
    lengths: np.ndarray,
    bases: np.ndarray,
    qualities: np.ndarray,
) -> Reads:
    """Find where each CIGAR operation begins, in the contig and in the bases.

    `start` and `operations` (their number) are of a read.
    """
    owner = np.repeat(np.arange(len(fragment)), operations)
    on_reference, on_query = lengths * ON_REFERENCE[kinds], lengths * ON_QUERY[kinds]
    query = np.cumsum(on_query) - on_query
    place = np.cumsum(on_reference) - on_reference
    own_first = np.cumsum(operations) - operations
    place += (start - place[own_first])[owner] if len(owner) else 0
    kinds = np.where((kinds == EQUAL) | (kinds == DIFFERENT), MATCH, kinds)
    # Matches beside each other (= and X) become one.
    same = (kinds[1:] == MATCH) & (kinds[:-1] == MATCH) & (owner[1:] == owner[:-1])
    begins = np.flatnonzero(np.concatenate([[True], ~same])[: len(kinds)])
    lengths = np.add.reduceat(lengths, begins) if len(begins) else lengths
    kept = kinds[begins] <= SPLICE
    begins, lengths = begins[kept], lengths[kept]
    owner, kinds, place, query = owner[begins], kinds[begins], place[begins], query[begins]
    aligned = np.flatnonzero(kinds == MATCH)
    first = np.zeros(len(fragment), dtype=np.int64)
    end = np.zeros(len(fragment), dtype=np.int64)
    first[owner[aligned[::-1]]] = query[aligned[::-1]]
    end[owner[aligned]] = query[aligned] + lengths[aligned]
    return Reads(fragment, reverse, first, end, owner, kinds, place, lengths, query, bases, qualities)


def segments_of(reads: Reads) -> tuple[np.ndarray, Segments]:
    """Cut reads at their splices: the segment of each operation (of a splice: the one behind it), and all."""
    fresh = np.concatenate([[True], reads.owner[1:] != reads.owner[:-1]])[: len(reads.owner)]
    number = np.cumsum(fresh | (reads.kind == SPLICE)) - 1
    total = int(number[-1]) + 1 if len(number) else 0
    shown = np.flatnonzero((reads.kind == MATCH) | (reads.kind == DELETION))
    start = np.zeros(total, dtype=np.int64)
    end = np.zeros(total, dtype=np.int64)
    owner = np.zeros(total, dtype=np.int64)
    owner[number] = reads.owner
    start[number[shown[::-1]]] = reads.place[shown[::-1]]
    end[number[shown]] = reads.place[shown] + reads.length[shown]
    aligned = np.bincount(number, np.where(reads.kind == MATCH, reads.length, 0), total).astype(np.int64)
    return number, Segments(owner, start, end, aligned)
