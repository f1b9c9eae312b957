"""Give DNA its variants, as a VCF spells them, and make the kinds of DNA molecules that a sample has.

Sequences are codes (common.sequence_files) of the genome's forward strand; places count from 0.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from common.mini_genome import Gene
from common.sequence_files import decode, encode, reverse_complement
from common.simulated_alleles import Variant


class Placed(NamedTuple):
    """A variant on its contig."""

    contig: str
    start: int
    ref: str
    alt: str


class DnaVariant(NamedTuple):
    """A variant that a sample's DNA has, on one or both of two chromosomes of a gene."""

    variant: Variant
    placed: Placed
    origin: str
    on: tuple[bool, bool]
    clone: float = 1.0  # share of the cells

    @property
    def share(self) -> float:
        """Return the share of the DNA that has it."""
        return sum(self.on) / 2 * self.clone

    @property
    def zygosity(self) -> str:
        """Say how many of two copies have it, if all cells do."""
        return "subclonal" if self.clone < 1 else "hom" if all(self.on) else "het"


class Template(NamedTuple):
    """A kind of DNA molecules: its share of the sample, and what it has."""

    share: float
    variants: list[Placed]


def placed(gene: Gene, variant: Variant) -> Placed:
    """Find a variant on the genome; a place before the transcript lies before the gene."""
    first = variant.offset
    if first >= 0:
        exon, within = gene.exon_of(first)
        first = gene.exons[exon][0] + within
    start, _ = gene.on_genome(first, first + len(variant.ref))
    bases = [encode(variant.ref), encode(variant.alt)]
    if gene.design.strand == "-":
        bases = [reverse_complement(codes) for codes in bases]
    return Placed(gene.design.contig, start, *map(decode, bases))


def snv_before(row: int, gene: Gene, offset: int, base: int, contigs: Mapping[str, np.ndarray]) -> Variant:
    """Return the exchange of A and C, or of G and T, before a gene: at an offset of the transcript below 0.

    `base` counts from the coding sequence.
    """
    start, end = gene.on_genome(offset, offset + 1)
    codes = contigs[gene.design.contig][start:end]
    ref = decode(codes if gene.design.strand == "+" else reverse_complement(codes))
    alt = "ACGT"["CATG".index(ref)]
    return Variant(row, offset, ref, alt, f"c.{base}{ref}>{alt}", "")


def templates_of(found: Sequence[DnaVariant]) -> list[Template]:
    """Make the kinds of molecules: both chromosomes, and the second one of each subclone."""
    first, second = ([each.placed for each in found if each.clone == 1 and each.on[at]] for at in (0, 1))
    clones = [Template(each.share, [*second, each.placed]) for each in found if each.clone < 1]
    return [Template(0.5, first), Template(0.5 - sum(each.share for each in clones), second), *clones]


def stretch(
    contigs: Mapping[str, np.ndarray], contig: str, start: int, end: int, variants: Sequence[Placed] = ()
) -> np.ndarray:
    """Return the bases between two places, with those of the variants that lie between them as a whole."""
    pieces, at = [], start
    for each in sorted(variants, key=lambda each: each.start):
        if each.contig == contig and at <= each.start and each.start + len(each.ref) <= end:
            pieces += [contigs[contig][at : each.start], encode(each.alt)]
            at = each.start + len(each.ref)
            if decode(contigs[contig][each.start : at]) != each.ref:
                raise ValueError(f"{contig}:{each.start + 1}: the genome does not have {each.ref}")
    return np.concatenate([*pieces, contigs[contig][at:end]])
