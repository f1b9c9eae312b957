"""Variants as places of the genome: minimal and left-aligned, from HGVS notation, and as VCF.

A variant replaces the bases `ref`, from `start` (from 0) on, by `alt`; one of them may be empty. It is in
normal form if both share no base at an end, and an insertion or deletion lies as far left as it can
(Tan et al. 2015, doi:10.1093/bioinformatics/btv112).
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pysam

from common.annotation import Transcript, reverse_complement

PLACE = r"[-*]?\d+(?:[+-]\d+)?"
HGVS_C = re.compile(
    rf"c\.(?P<first>{PLACE})(?:_(?P<last>{PLACE}))?"
    r"(?:(?P<ref>[ACGT])>(?P<alt>[ACGT])|(?P<kind>delins|del|dup|ins)(?P<bases>[ACGT]*))"
)
FLANK = 10_000  # bases on both sides of what is looked at


class Variant(NamedTuple):
    """A variant in normal form."""

    contig: str
    start: int
    ref: str
    alt: str


class MismatchError(ValueError):
    """The genome does not have what a variant replaces."""


class Sequence(NamedTuple):
    """A stretch of a contig, in capitals, that knows its place."""

    contig: str
    start: int
    bases: str

    @property
    def end(self) -> int:
        """Return where it ends in the contig."""
        return self.start + len(self.bases)

    def cut(self, start: int, end: int) -> str:
        """Return the bases between two places of the contig; what lies outside is missing."""
        return self.bases[max(start - self.start, 0) : max(end - self.start, 0)]


def sequence_around(genome: pysam.FastaFile, contig: str, start: int, end: int) -> Sequence:
    """Read a stretch of a contig and what is beside it."""
    first = max(start - FLANK, 0)
    return Sequence(contig, first, genome.fetch(contig, first, end + FLANK).upper())


def trimmed(start: int, ref: str, alt: str) -> tuple[int, str, str]:
    """Cut off the bases that both alleles end with alike, then those that they begin with."""
    while ref and alt and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    while ref and alt and ref[0] == alt[0]:
        ref, alt, start = ref[1:], alt[1:], start + 1
    return start, ref, alt


def normal_form(start: int, ref: str, alt: str, sequence: Sequence) -> Variant:
    """Bring a variant into normal form."""
    start, ref, alt = trimmed(start, ref, alt)
    while not (ref and alt) and start > sequence.start and (ref + alt)[-1] == sequence.cut(start - 1, start):
        ref, alt = (f"{bases[-1]}{bases[:-1]}" if bases else "" for bases in (ref, alt))
        start -= 1
    return Variant(sequence.contig, start, ref, alt)


def vcf_fields(variant: Variant, sequence: Sequence) -> tuple[str, int, str, str]:
    """Return contig, position (from 1), REF and ALT: neither is empty, so the base before may be in both."""
    contig, start, ref, alt = variant
    if ref and alt:
        return contig, start + 1, ref, alt
    if start == 0:
        behind = sequence.cut(len(ref), len(ref) + 1)
        return contig, 1, ref + behind, alt + behind
    before = sequence.cut(start - 1, start)
    return contig, start, before + ref, before + alt


def place_of(notation: str, transcript: Transcript) -> int:
    """Return the place in the genome of c.`notation`; MismatchError if the coding sequence ends before."""
    coding = transcript.cds[1] - transcript.cds[0]
    if notation[0] not in "-*" and int(re.match(r"\d+", notation)[0]) > coding:
        raise MismatchError(f"c.{notation} is beyond the coding sequence of {coding} bases")
    return transcript.coding_to_genome(notation)


def from_hgvs(hgvs_c: str, transcript: Transcript, sequence: Sequence) -> Variant:
    """Find a variant by its name on a transcript; MismatchError if the genome has not what it replaces."""
    parts = HGVS_C.fullmatch(hgvs_c)
    if not parts:
        raise MismatchError(f"{hgvs_c} is no substitution, deletion, duplication or insertion")
    places = [place_of(notation, transcript) for notation in (parts["first"], parts["last"]) if notation]
    low, high = min(places), max(places) + 1
    if low < sequence.start or high > sequence.end:
        raise MismatchError(f"{hgvs_c} is outside of the contig, or more than {FLANK:,} bases from the gene")
    forward = transcript.strand == "+"
    replaced = sequence.cut(low, high)
    own = replaced if forward else reverse_complement(replaced)
    new = parts["alt"] or parts["bases"]
    new = new if forward else reverse_complement(new)
    if parts["ref"]:
        if own != parts["ref"]:
            raise MismatchError(f"the genome has {own} where {hgvs_c} has {parts['ref']}")
    elif parts["kind"] == "dup":
        low, replaced, new = high, "", replaced
    elif parts["kind"] == "ins":
        if high - low != 2:
            raise MismatchError(f"{hgvs_c} does not name two bases beside each other")
        low, replaced = low + 1, ""
    elif parts["kind"] == "del":
        new = ""
    if replaced == new:
        raise MismatchError(f"the genome has what {hgvs_c} changes to")
    return normal_form(low, replaced, new, sequence)


def write_sites(
    path: Path,
    contigs: Iterable[tuple[str, int]],
    info: dict[str, str],
    rows: Iterable[tuple[str, int, str, str, dict[str, str]]],
) -> None:
    """Write a VCF without samples; `info` has the description of each field, rows their values."""
    lines = ["##fileformat=VCFv4.2", '##FILTER=<ID=PASS,Description="All filters passed">']
    lines += [f"##contig=<ID={name},length={length}>" for name, length in contigs]
    lines += [
        f'##INFO=<ID={name},Number=.,Type=String,Description="{described}">'
        for name, described in info.items()
    ]
    lines.append("\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]))
    for contig, position, ref, alt, values in rows:
        described = ";".join(f"{name}={value}" for name, value in values.items() if value)
        lines.append("\t".join([contig, str(position), ".", ref, alt, ".", ".", described or "."]))
    path.write_text("\n".join(lines) + "\n")
