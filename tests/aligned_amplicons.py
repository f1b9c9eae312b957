"""Alignments of amplicon fragments as an aligner without faults would write them, their primers clipped."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pysam
from amplicon_library import AMPLICONS, Amplicon

FORWARD, REVERSE = 99, 147


class Edit(NamedTuple):
    """A variant of a fragment: from `start` on, the bases `ref` are `alt`; either may be empty."""

    start: int
    ref: str
    alt: str


class Fragment(NamedTuple):
    """A fragment; qualities and bases of one mate (FORWARD or REVERSE) may differ at some places."""

    amplicon: str
    edits: Sequence[Edit] = ()
    quality: Mapping[int, int] = {}
    mate_quality: Mapping[tuple[int, int], int] = {}  # by mate and place
    mate_bases: Mapping[tuple[int, int], str] = {}
    mates: Sequence[int] = (FORWARD, REVERSE)
    flag: int = 0
    mapping_quality: int = 60
    length: int = 150
    clipped: bool = True


def tokens_of(fragment: Fragment, bases: str, amplicon: Amplicon) -> list[tuple[str, int, str]]:
    """Spell a product: operation, place and base of each column of its alignment."""
    found, edits, place = [], {edit.start: edit for edit in fragment.edits}, amplicon.left_start
    while place < amplicon.right_end:
        ref = ""
        if edit := edits.pop(place, None):
            _, ref, alt = edit
            same = min(len(ref), len(alt))
            found += [("M", place + at, alt[at]) for at in range(same)]
            found += [("I", place + same, base) for base in alt[same:]]
            found += [("D", place + at, "") for at in range(same, len(ref))]
            place += len(ref)
        if not ref:
            found.append(("M", place, bases[place]))
            place += 1
    return found


def record_of(
    fragment: Fragment, mate: int, tokens: list[tuple[str, int, str]], amplicon: Amplicon, name: str, header
) -> pysam.AlignedSegment:
    """Read a product from one end, and clip its primers."""
    order = tokens if mate == FORWARD else tokens[::-1]
    kept, length = [], 0
    for token in order:
        if length == fragment.length:
            break
        kept.append(token)
        length += token[0] != "D"
    kept = kept if mate == FORWARD else kept[::-1]
    while kept[0][0] == "D":
        kept.pop(0)
    while kept[-1][0] == "D":
        kept.pop()
    cigar, bases, qualities = [], "", []
    for kind, place, base in kept:
        primer = not amplicon.left_end <= place < amplicon.right_start
        shown = "S" if primer and fragment.clipped else kind
        if cigar and cigar[-1][0] == shown:
            cigar[-1][1] += 1
        else:
            cigar.append([shown, 1])
        if kind != "D":
            bases += fragment.mate_bases.get((mate, place), base)
            usual = fragment.quality.get(place, 37)
            qualities.append(fragment.mate_quality.get((mate, place), usual))
    record = pysam.AlignedSegment(header)
    record.query_name, record.flag = name, mate | fragment.flag
    record.reference_id = header.get_tid(amplicon.chrom)
    inside = [place for kind, place, _ in kept if kind == "M"
              and (not fragment.clipped or amplicon.left_end <= place < amplicon.right_start)]  # fmt: skip
    record.reference_start = inside[0]
    record.cigarstring = "".join(f"{number}{kind}" for kind, number in cigar)
    record.mapping_quality = fragment.mapping_quality
    record.query_sequence = bases
    record.query_qualities = qualities
    return record


def write_alignment(
    folder: Path, sample: str, fragments: Iterable[Fragment], contigs: Mapping[str, str],
    amplicons: Mapping[str, Amplicon] | None = None,
) -> Path:  # fmt: skip
    """Write <sample>.bam and its index."""
    amplicons = amplicons or AMPLICONS
    header = pysam.AlignmentHeader.from_references(list(contigs), [len(bases) for bases in contigs.values()])
    records = []
    for number, fragment in enumerate(fragments):
        amplicon = amplicons[fragment.amplicon]
        tokens = tokens_of(fragment, contigs[amplicon.chrom], amplicon)
        records += [
            record_of(fragment, mate, tokens, amplicon, f"f{number}", header) for mate in fragment.mates
        ]
    records.sort(key=lambda record: (record.reference_id, record.reference_start))
    folder.mkdir(exist_ok=True)
    path = folder / f"{sample}.bam"
    with pysam.AlignmentFile(path, "wb", header=header) as out:
        for record in records:
            out.write(record)
    pysam.index(str(path))
    return path
