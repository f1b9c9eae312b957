"""Build a small genome of made-up sequence around genes of given shape.

A gene is designed as its transcript: lengths of exons, coding sequence, codons that are wanted at
some places. Its sequence is drawn at random around these; introns begin with GT and end with AG.
Positions count from 0, ends are exclusive; sequences are codes (common.sequence_files).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from common.sequence_files import encode, gtf_row, reverse_complement

BASES = "TCAG"
AMINO_ACIDS = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"  # in the order of BASES
CODONS = [first + second + third for first in BASES for second in BASES for third in BASES]
GENETIC_CODE = dict(zip(CODONS, AMINO_ACIDS, strict=True))
THREE_LETTERS = {
    **{"A": "Ala", "R": "Arg", "N": "Asn", "D": "Asp", "C": "Cys", "Q": "Gln", "E": "Glu", "G": "Gly"},
    **{"H": "His", "I": "Ile", "L": "Leu", "K": "Lys", "M": "Met", "F": "Phe", "P": "Pro", "S": "Ser"},
    **{"T": "Thr", "W": "Trp", "Y": "Tyr", "V": "Val"},
}
SENSE = np.array([encode(codon) for codon in CODONS if GENETIC_CODE[codon] != "*"])
STOPS = np.array([encode(codon) for codon in CODONS if GENETIC_CODE[codon] == "*"])
UNKNOWN_CDS = "protein_coding_CDS_not_defined"  # GENCODE's type of such a transcript of a coding gene


class Isoform(NamedTuple):
    """A transcript: the exon it leaves out (a number from 0, or None), and whether it has a known CDS."""

    transcript_id: str
    left_out: int | None
    coding: bool


class Design(NamedTuple):
    """The shape of a gene, in the order of transcription."""

    gene_id: str
    gene_name: str
    contig: str
    strand: str  # + or -
    exons: tuple[int, ...]  # lengths
    cds: tuple[int, int] | None  # of the transcript with all exons, with the stop codon
    isoforms: tuple[Isoform, ...]  # the first has all exons
    codons: Mapping[int, str]  # wanted codons, by their number from 1


class Gene(NamedTuple):
    """A gene in its place: its design, its sequence before splicing, and where its exons lie in it."""

    design: Design
    start: int  # on the contig, of the gene's leftmost base
    unspliced: np.ndarray  # as transcribed
    exons: tuple[tuple[int, int], ...]  # of the unspliced sequence

    def exon_sequences(self) -> list[np.ndarray]:
        """Return the sequence of each exon, as transcribed."""
        return [self.unspliced[start:end] for start, end in self.exons]

    def transcript(self) -> np.ndarray:
        """Return the spliced sequence of all exons."""
        return np.concatenate(self.exon_sequences())

    def exon_of(self, offset: int) -> tuple[int, int]:
        """Return the exon (from 0) that holds a place of the transcript, and the place within it."""
        ends = np.cumsum(self.design.exons)
        number = int(np.searchsorted(ends, offset, side="right"))
        return number, offset - int(ends[number]) + self.design.exons[number]

    def on_genome(self, start: int, end: int) -> tuple[int, int]:
        """Turn a range of the unspliced sequence into one of the contig."""
        if self.design.strand == "+":
            return self.start + start, self.start + end
        length = len(self.unspliced)
        return self.start + length - end, self.start + length - start


def split_length(random: np.random.Generator, length: int, parts: int, least: int) -> np.ndarray:
    """Split a length into parts of random size, none below the least."""
    cuts = np.sort(random.integers(0, length - parts * least + 1, parts - 1))
    return np.diff(np.concatenate([[0], cuts, [length - parts * least]])) + least


def draw_transcript(random: np.random.Generator, design: Design) -> np.ndarray:
    """Draw the spliced sequence: an open reading frame of random codons, but for the wanted ones."""
    codes = random.integers(0, 4, sum(design.exons), dtype=np.uint8)
    if design.cds:
        start, end = design.cds
        coding = SENSE[random.integers(0, len(SENSE), (end - start) // 3)]
        coding[0] = encode("ATG")
        coding[-1] = STOPS[random.integers(len(STOPS))]
        for number, codon in design.codons.items():
            coding[number - 1] = encode(codon)
        codes[start:end] = coding.ravel()
    return codes


def draw_intron(random: np.random.Generator, shortest: int, longest: int) -> np.ndarray:
    """Draw an intron, from its donor GT to its acceptor AG."""
    codes = random.integers(0, 4, random.integers(shortest, longest + 1), dtype=np.uint8)
    codes[:2], codes[-2:] = encode("GT"), encode("AG")
    return codes


def draw_gene(random: np.random.Generator, design: Design, introns: tuple[int, int], start: int) -> Gene:
    """Draw the sequence of a gene, its introns between a shortest and a longest length."""
    spliced = np.split(draw_transcript(random, design), np.cumsum(design.exons)[:-1])
    pieces, exons, at = [], [], 0
    for number, exon in enumerate(spliced):
        if number:
            pieces.append(draw_intron(random, *introns))
            at += len(pieces[-1])
        exons.append((at, at + len(exon)))
        pieces.append(exon)
        at += len(exon)
    return Gene(design, start, np.concatenate(pieces), tuple(exons))


def draw_genome(
    random: np.random.Generator,
    designs: Sequence[Design],
    contigs: Sequence[str],
    introns: tuple[int, int],
    spacers: tuple[int, int],
) -> tuple[dict[str, np.ndarray], list[Gene]]:
    """Draw all genes, in a random order on their contigs with spacers around each.

    Returns the contigs' sequences, in the order given, and the genes in the order of the designs.
    """
    genes: dict[int, Gene] = {}
    sequences = {}
    order = random.permutation(len(designs))
    for contig in contigs:
        pieces, at = [], 0
        for number in [number for number in order if designs[number].contig == contig]:
            spacer = random.integers(0, 4, random.integers(spacers[0], spacers[1] + 1), dtype=np.uint8)
            gene = draw_gene(random, designs[number], introns, at + len(spacer))
            forward = gene.design.strand == "+"
            pieces += [spacer, gene.unspliced if forward else reverse_complement(gene.unspliced)]
            at = gene.start + len(gene.unspliced)
            genes[number] = gene
        pieces.append(random.integers(0, 4, spacers[1], dtype=np.uint8))
        sequences[contig] = np.concatenate(pieces)
    return sequences, [genes[number] for number in range(len(designs))]


def places_without_exons(contigs: Mapping[str, np.ndarray], genes: Sequence[Gene], margin: int) -> np.ndarray:
    """List the places of the contigs, one behind the other, in no exon and not within a margin of an end."""
    free = {name: np.ones(len(codes), dtype=bool) for name, codes in contigs.items()}
    for gene in genes:
        for exon in gene.exons:
            start, end = gene.on_genome(*exon)
            free[gene.design.contig][start:end] = False
    for each in free.values():
        each[:margin] = each[-margin:] = False
    return np.flatnonzero(np.concatenate(list(free.values())))


def parts_of(gene: Gene, kept: Sequence[int], first: int, last: int) -> dict[int, tuple[int, int, int]]:
    """Find a range of the transcript in the exons that an isoform keeps: {exon: (start, end, frame)}.

    Start and end are of the unspliced sequence. The frame is the number of bases before the first whole
    codon, if the range begins with one.
    """
    parts, before, found = {}, 0, 0
    for number, length in enumerate(gene.design.exons):
        start, end = max(first - before, 0), min(last - before, length)
        if number in kept and start < end:
            at = gene.exons[number][0]
            parts[number] = (at + start, at + end, -found % 3)
            found += end - start
        before += length
    return parts


def rows_of_gene(gene: Gene) -> Iterator[str]:
    """Yield the rows of a gene in a GTF as GENCODE has them: gene, transcripts, exons, CDS, stop codons."""
    design = gene.design
    of_gene = {
        "gene_id": design.gene_id,
        "gene_type": "protein_coding" if design.cds else "lncRNA",
        "gene_name": design.gene_name,
    }

    def row(feature: str, start: int, end: int, attributes: Mapping, frame: int | str = ".") -> str:
        return gtf_row(design.contig, feature, *gene.on_genome(start, end), design.strand, attributes, frame)

    yield row("gene", 0, len(gene.unspliced), of_gene)
    for number, isoform in enumerate(design.isoforms, start=1):
        kept = [exon for exon in range(len(design.exons)) if exon != isoform.left_out]
        attributes = of_gene | {
            "transcript_id": isoform.transcript_id,
            "transcript_type": UNKNOWN_CDS if design.cds and not isoform.coding else of_gene["gene_type"],
            "transcript_name": f"{design.gene_name}-{200 + number}",
        }
        yield row("transcript", gene.exons[kept[0]][0], gene.exons[kept[-1]][1], attributes)
        features = {}
        if isoform.coding:
            first, last = design.cds
            features["CDS"] = parts_of(gene, kept, first, last - 3)
            features["stop_codon"] = parts_of(gene, kept, last - 3, last)
        for at, exon in enumerate(kept, start=1):
            numbered = attributes | {"exon_number": at}
            yield row("exon", *gene.exons[exon], numbered)
            for feature, parts in features.items():
                if exon in parts:
                    start, end, frame = parts[exon]
                    yield row(feature, start, end, numbered, frame)


def gtf_rows(genes: Sequence[Gene], contigs: Sequence[str]) -> Iterator[str]:
    """Yield the rows of all genes, by their place."""
    for gene in sorted(genes, key=lambda gene: (contigs.index(gene.design.contig), gene.start)):
        yield from rows_of_gene(gene)
