"""Draw polymorphisms, give variants to chromosomes, and make the RNA molecules that these transcribe.

Bases are those of the gene's own strand; places count from 0 in the transcript with all exons.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from common.mini_genome import GENETIC_CODE, THREE_LETTERS, Gene
from common.sequence_files import decode, encode
from common.simulated_reads import Molecules


class Polymorphisms(NamedTuple):
    """How many common polymorphisms there are, and where not."""

    in_read_genes: int  # each
    elsewhere: int  # in all
    frequency: float
    differences: int  # in genotypes of the genes that are read, between any two lines to tell apart
    from_allele: int  # bases, or more
    from_edge: int  # of an exon; bases, or more


class Variant(NamedTuple):
    """A variant of the study, on the strand of its gene."""

    gene: int  # row
    offset: int  # of its first base in the transcript with all exons
    ref: str
    alt: str
    hgvs_c: str
    hgvs_p: str


class Carried(NamedTuple):
    """A variant in a line and condition; pairs are of the two chromosomes."""

    variant: Variant
    origin: str  # planted or common_snp
    on: tuple[bool, bool]
    shares: tuple[float, float]  # of the gene's RNA

    @property
    def zygosity(self) -> str:
        """Say on how many chromosomes it lies."""
        return "hom" if all(self.on) else "het"

    @property
    def rna_share(self) -> float:
        """Return the share of the gene's RNA that has it."""
        return sum(share for share, has in zip(self.shares, self.on, strict=True) if has)


def sites_of_snps(gene: Gene, taken: Sequence[int], plan: Polymorphisms) -> np.ndarray:
    """List the offsets of coding bases where C and T mean the same: third in a codon, away from all else."""
    start, end = gene.design.cds
    offsets = np.arange(start + 5, end - 3, 3)
    offsets = offsets[np.isin(gene.transcript()[offsets], encode("CT"))]
    edges = np.cumsum(gene.design.exons)
    near_edge = (np.abs(offsets[:, None] - edges) < plan.from_edge).any(axis=1)
    near_allele = (np.abs(offsets[:, None] - np.array(taken, dtype=int)) < plan.from_allele).any(axis=1)
    return offsets[~near_edge & ~near_allele]


def snp_at(row: int, gene: Gene, offset: int) -> Variant:
    """Return the synonymous exchange of C and T at the third base of a codon."""
    transcript, base = decode(gene.transcript()), offset - gene.design.cds[0] + 1
    ref = transcript[offset]
    alt = "CT"["TC".index(ref)]
    residue = THREE_LETTERS[GENETIC_CODE[transcript[offset - 2 : offset + 1]]]
    return Variant(row, offset, ref, alt, f"c.{base}{ref}>{alt}", f"p.{residue}{base // 3}=")


def draw_snps(
    random: np.random.Generator,
    genes: Sequence[Gene],
    read: Sequence[int],
    elsewhere: Sequence[int],
    alleles: Sequence[Variant],
    plan: Polymorphisms,
) -> list[Variant]:
    """Draw common polymorphisms: first some in each gene that is read, spread over it, then one in others.

    `read` and `elsewhere` are rows of genes; those elsewhere are candidates.
    """
    snps = []
    for row in read:
        taken = [allele.offset for allele in alleles if allele.gene == row]
        for sites in np.array_split(sites_of_snps(genes[row], taken, plan), plan.in_read_genes):
            snps.append(snp_at(row, genes[row], int(random.choice(sites))))
    for row in np.sort(random.choice(elsewhere, plan.elsewhere, replace=False)).tolist():
        snps.append(snp_at(row, genes[row], int(random.choice(sites_of_snps(genes[row], [], plan)))))
    return snps


def draw_haplotypes(
    random: np.random.Generator, shape: tuple[int, int], told_apart: tuple[int, int], plan: Polymorphisms
) -> np.ndarray:
    """Draw whether a chromosome has the alternative base: lines x SNPs x 2.

    `shape` is lines and SNPs. The first lines and SNPs, as many as `told_apart` says, are drawn
    until the genotypes of any two lines differ in enough of them.
    """
    lines, snps = told_apart
    pairs = np.triu_indices(lines, 1)
    while True:
        haplotypes = random.random((*shape, 2)) < plan.frequency
        genotypes = haplotypes[:lines, :snps].sum(axis=2)
        differences = (genotypes[:, None] != genotypes[None]).sum(axis=2)
        if differences[pairs].min() >= plan.differences:
            return haplotypes


def carried_by(
    planted: Mapping[Variant, float], snps: Sequence[Variant], haplotypes: np.ndarray
) -> list[Carried]:
    """List what a line carries, of planted alleles with their shares of the RNA, and of SNPs.

    Both chromosomes have half of a gene's RNA each, unless an allele is planted with another share:
    it lies on the second chromosome, or on both if the share is 1.
    """
    second = {variant.gene: share for variant, share in planted.items() if share < 1}
    found = [(variant, "planted", (share == 1, True)) for variant, share in planted.items()]
    for snp, (first, other) in zip(snps, haplotypes.tolist(), strict=True):
        if first or other:
            found.append((snp, "common_snp", (first, other)))
    shares = [second.get(variant.gene, 0.5) for variant, *_ in found]
    return [Carried(*each, (1 - share, share)) for each, share in zip(found, shares, strict=True)]


def with_variants(gene: Gene, variants: Sequence[Variant]) -> list[np.ndarray]:
    """Return the sequences of a gene's exons with these variants, none of which goes beyond an exon."""
    exons = gene.exon_sequences()
    for variant in sorted(variants, key=lambda variant: -variant.offset):
        number, at = gene.exon_of(variant.offset)
        before, after = exons[number][:at], exons[number][at + len(variant.ref) :]
        if decode(exons[number][at : at + len(variant.ref)]) != variant.ref:
            raise ValueError(f"{variant.hgvs_c} of {gene.design.gene_name}: the genome has another base")
        exons[number] = np.concatenate([before, encode(variant.alt), after])
    return exons


def molecules_of(
    genes: Sequence[Gene], carried: Sequence[Carried], minor: np.ndarray
) -> tuple[Molecules, list[np.ndarray]]:
    """Make the RNA molecules of a line: each isoform, from each chromosome where these differ.

    `minor` is the share of each gene's second isoform, if it has one. The weight of a molecule is its
    share of the gene's molecules times its length. Starts are in the molecules, one behind the other.
    """
    by_gene: dict[int, list[Carried]] = {}
    for each in carried:
        by_gene.setdefault(each.variant.gene, []).append(each)
    rows, sequences = [], []
    for row, gene in enumerate(genes):
        found, isoforms = by_gene.get(row, []), gene.design.isoforms
        shares = (1 - minor[row], minor[row]) if len(isoforms) > 1 else (1.0,)
        for chromosome, share in enumerate(found[0].shares if found else (1.0,)):
            exons = with_variants(gene, [each.variant for each in found if each.on[chromosome]])
            for isoform, of_isoform in zip(isoforms, shares, strict=True):
                kept = [exon for number, exon in enumerate(exons) if number != isoform.left_out]
                sequences.append(np.concatenate(kept))
                length = len(sequences[-1])
                rows.append((row, share * of_isoform * length, length))
    gene, weight, length = map(np.array, zip(*rows, strict=True))
    return Molecules(gene, weight, np.cumsum(length) - length, length), sequences
