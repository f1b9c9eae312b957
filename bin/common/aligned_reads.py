"""Read the alignments of some regions of a BAM or CRAM file into arrays.

Positions count from 0 and ends are exclusive. Only what the index names is read, and a base takes two bytes.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pysam

from common.cli import InputError

MATCH, INSERTION, DELETION, SPLICE = range(4)  # as CIGAR counts them; = and X are read as MATCH
ON_REFERENCE = np.array([1, 0, 1, 1, 0, 0, 0, 1, 1, 0])
ON_QUERY = np.array([1, 1, 0, 0, 1, 0, 0, 1, 1, 0])
EQUAL, DIFFERENT = 7, 8
CHUNK = 1 << 21  # bases that are compared at once
INDEXES = {".bam": (".bam.bai", ".bam.csi", ".bai", ".csi"), ".cram": (".cram.crai", ".crai")}


class Reads(NamedTuple):
    """Reads as arrays: some have a number a read, some one a CIGAR operation, two one a base of all reads."""

    fragment: np.ndarray  # of a read: the number of its fragment, in order of appearance
    reverse: np.ndarray
    begin: np.ndarray  # of a read: the place of its first base in `bases`, clipped or not
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


class Part(NamedTuple):
    """What a sample has of a target: status, reason, and the file of its reads if there are any."""

    status: str
    reason: str
    reads: Path | None

    def load(self) -> Reads:
        """Read back the reads that were laid down."""
        with np.load(self.reads) as stored:
            return Reads(**stored)


def lay_down(
    samples: Iterable[str],
    folder: Path,
    genome: pysam.FastaFile,
    wanted: Mapping[str, tuple[str, list[tuple[int, int]]]],
    min_mapping_quality: int,
    excluded_flags: int,
    scratch: Path,
) -> dict[tuple[str, str], Part]:
    """Read what is wanted (contig and regions by name) of each sample, and keep it in the scratch folder."""
    parts = {}
    genome_path = Path(genome.filename.decode())
    for row, sample in enumerate(samples):
        path = find_alignment(folder, sample)
        if path is None:
            parts |= {(sample, name): Part("no_alignment", "no BAM or CRAM file", None) for name in wanted}
            continue
        with open_alignment(path, genome_path, scratch) as alignments:
            for number, (name, (contig, regions)) in enumerate(wanted.items()):
                if reason := unusable(alignments, contig, genome.get_reference_length(contig), path.name):
                    parts[sample, name] = Part("no_contig", reason, None)
                    continue
                parts[sample, name] = Part("ok", "", scratch / f"{row}.{number}.npz")
                reads = read_regions(alignments, contig, united(regions), min_mapping_quality, excluded_flags)
                np.savez(parts[sample, name].reads, **reads._asdict())
    return parts


def unusable(alignments: pysam.AlignmentFile, contig: str, length: int, name: str) -> str:
    """Say why the alignments of a contig cannot be those of this genome; nothing if they can."""
    if contig not in alignments.references:
        has = ", ".join(alignments.references[:5]) or "none"
        return f"{name} has no contig {contig} (it has {has})"
    own = alignments.get_reference_length(contig)
    return "" if own == length else f"{contig} has {own:,} bases in {name}, and {length:,} in the genome"


def united(regions: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Unite regions that overlap or touch, and put them in order."""
    apart: list[tuple[int, int]] = []
    for start, end in sorted(regions):
        if apart and start <= apart[-1][1]:
            apart[-1] = apart[-1][0], max(apart[-1][1], end)
        else:
            apart.append((start, end))
    return apart


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
    return decode(
        np.array(fragment, dtype=np.int32),
        np.array(reverse, dtype=bool),
        np.array(start, dtype=np.int64),
        np.array(operations, dtype=np.int64),
        kinds,
        lengths,
        np.frombuffer(bases, dtype=np.uint8),
        np.frombuffer(qualities, dtype=np.uint8),
    )


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
    begin = query[own_first]
    place += (start - place[own_first])[owner]
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
    return Reads(fragment, reverse, begin, first, end, owner, kinds, place, lengths, query, bases, qualities)


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


def reads_across(
    reads: Reads, numbers: np.ndarray, start: int, end: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the reads that show all places from start to end, and where their bases there begin and end.

    `numbers` has the segment of each operation. What is inserted at either edge lies outside.
    """
    shows = (reads.kind == MATCH) | (reads.kind == DELETION)
    sides = []
    for place, behind in ((start, 0), (end - 1, 1)):
        at = np.flatnonzero(shows & (reads.place <= place) & (reads.place + reads.length > place))
        within = np.where(reads.kind[at] == MATCH, place - reads.place[at] + behind, 0)
        sides.append((numbers[at], reads.query[at] + within, reads.owner[at]))
    (left, begins, owner), (right, ends, _) = sides
    _, on_left, on_right = np.intersect1d(left, right, assume_unique=True, return_indices=True)
    return owner[on_left], begins[on_left], ends[on_right]


def ascii_of(bases: str) -> np.ndarray:
    """Return bases as ASCII numbers."""
    return np.frombuffer(bases.encode(), dtype=np.uint8)


def mismatches(reads: Reads, start: int, genome: str, searched: np.ndarray) -> tuple[np.ndarray, ...]:
    """Find the aligned bases that are not the genome's: read, place, base and quality of each.

    `genome` and `searched` (where to look) are of a stretch that begins at `start`; places count from there.
    """
    end = start + len(genome)
    matched = np.flatnonzero(
        (reads.kind == MATCH) & (reads.place < end) & (reads.place + reads.length > start)
    )
    # Nowhere is searched outside of the stretch: any place there is made the last, which is added.
    own, where = np.append(ascii_of(genome), 0), np.append(searched, False)
    sizes = np.cumsum(reads.length[matched])
    cuts = np.searchsorted(sizes, np.arange(CHUNK, sizes[-1] if len(sizes) else 0, CHUNK))
    found = []
    for some in np.split(matched, cuts):
        length = reads.length[some]
        within = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
        query = np.repeat(reads.query[some], length) + within
        place = np.repeat(reads.place[some] - start, length) + within
        place = np.where((place < 0) | (place > len(genome)), len(genome), place)
        base = reads.bases[query]
        which = np.flatnonzero((base != own[place]) & where[place])
        owner = np.repeat(reads.owner[some], length)[which]
        found.append((owner, place[which], base[which], reads.qualities[query[which]]))
    return tuple(np.concatenate(each) for each in zip(*found, strict=True))


class Gaps(NamedTuple):
    """Insertions and deletions: read, first and end of the places that are missing, and bases instead."""

    owner: np.ndarray
    start: np.ndarray
    end: np.ndarray
    bases: list[str]
    first: np.ndarray  # where the bases instead lie in those of the reads
    behind: np.ndarray


def gaps(reads: Reads, start: int, searched: np.ndarray) -> Gaps:
    """Find the insertions and deletions that touch where it is searched; places as in `mismatches`."""
    some = np.flatnonzero((reads.kind == INSERTION) | (reads.kind == DELETION))
    first = reads.place[some] - start
    end = first + np.where(reads.kind[some] == DELETION, reads.length[some], 0)
    within = (first > 0) & (end < len(searched))
    within[within] = searched[first[within]] | searched[end[within] - 1]
    some, first, end = some[within], first[within], end[within]
    begins = reads.query[some]
    ends = begins + np.where(reads.kind[some] == INSERTION, reads.length[some], 0)
    bases = [reads.bases[low:high].tobytes().decode() for low, high in zip(begins, ends, strict=True)]
    return Gaps(reads.owner[some], first, end, bases, begins, ends)


def covered(reads: Reads, segments: Segments) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unite what the reads of each fragment cover: fragment, start and end of each stretch."""
    fragment = reads.fragment[segments.owner].astype(np.int64)
    order = np.lexsort((segments.start, fragment))
    fragment, start, end = fragment[order], segments.start[order], segments.end[order]
    apart = fragment << 32  # more than any contig has: stretches of different fragments never touch
    reached = np.maximum.accumulate(end + apart)
    fresh = np.flatnonzero(np.concatenate([[True], (start + apart)[1:] > reached[:-1]])[: len(start)])
    last = np.append(fresh[1:], len(start))[: len(fresh)] - 1
    return fragment[fresh], start[fresh], (reached - apart)[last]


def depth_of(
    starts: np.ndarray, ends: np.ndarray, start: int, end: int, times: np.ndarray | None = None
) -> np.ndarray:
    """Count the stretches over each place from start to end; each of them so many times, or once."""
    size = end - start
    begun, ended = (np.bincount(np.clip(at - start, 0, size), times, size + 1) for at in (starts, ends))
    return np.cumsum(begun - ended)[:size].astype(np.int64)
