"""A genome of a few kb with coding genes on both strands, and random variants of it.

Bases and codons repeat, so that many deletions and insertions can be placed in several ways.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from common.annotation import CODE, Transcript, reverse_complement

SENSE = sorted(codon for codon, residue in CODE.items() if residue != "*")
EXONS = (90, 131, 64, 153, 118)  # of each gene; the coding sequence starts in the second, ends in the fourth
INTRONS = (70, 45, 88, 61)
LEADER, TRAILER = 110, 150  # bases of both UTRs
SPACE = 200


class Contigs:
    """Sequences as a pysam.FastaFile has them."""

    def __init__(self, **contigs: str) -> None:
        self.contigs = contigs
        self.references = list(contigs)
        self.lengths = [len(sequence) for sequence in contigs.values()]

    def fetch(self, reference: str, start: int, end: int) -> str:
        return self.contigs[reference][start:end]


class Allele(NamedTuple):
    """A variant; position from 0."""

    contig: str
    position: int
    ref: str
    alt: str


def bases(draw: np.random.Generator, number: int) -> str:
    """Draw bases of which every second is that before, or the one before that."""
    drawn: list[str] = []
    for _ in range(number):
        back = draw.choice([0, 1, 2, 3], p=[0.5, 0.25, 0.15, 0.1])
        drawn.append(drawn[-back] if 0 < back <= len(drawn) else str(draw.choice(list("ACGT"))))
    return "".join(drawn)


def gene(draw: np.random.Generator) -> tuple[str, list[tuple[int, int]], tuple[int, int]]:
    """Draw a gene: sequence with introns, exons within that, coding sequence within the transcript."""
    codons = ["ATG"]
    while len(codons) < (sum(EXONS) - LEADER - TRAILER) // 3 - 1:
        codons.append(codons[-1] if draw.random() < 0.3 else str(draw.choice(SENSE)))
    coding = "".join(codons) + str(draw.choice(["TAA", "TAG", "TGA"]))
    rest = sum(EXONS) - LEADER - len(coding)
    transcript = bases(draw, LEADER) + coding + bases(draw, rest)
    sequence, exons, done = "", [], 0
    for number, length in enumerate(EXONS):
        exons.append((len(sequence), len(sequence) + length))
        sequence += transcript[done : done + length]
        done += length
        if number < len(INTRONS):
            sequence += "GT" + bases(draw, INTRONS[number] - 4) + "AG"
    return sequence, exons, (LEADER, LEADER + len(coding))


def genome(seed: int, genes: int = 4) -> tuple[dict[str, str], list[Transcript]]:
    """Draw a contig whose genes are on either strand in turn; return it and its transcripts."""
    draw = np.random.default_rng(seed)
    contig, transcripts = bases(draw, SPACE), []
    for number in range(genes):
        sequence, exons, cds = gene(draw)
        strand = "+-"[number % 2]
        if strand == "-":
            sequence = reverse_complement(sequence)
            exons = [(len(sequence) - end, len(sequence) - start) for start, end in exons]
        placed = tuple((len(contig) + start, len(contig) + end) for start, end in exons)
        name = f"G{number + 1}"
        transcripts.append(Transcript(f"T{number + 1}.1", f"E{name}", name, "chr1", strand, placed, cds))
        contig += sequence + bases(draw, SPACE)
    return {"chr1": contig}, transcripts


def alleles(
    contigs: Mapping[str, str], transcripts: list[Transcript], seed: int, number: int
) -> list[Allele]:
    """Draw variants of each kind within genes and 20 bases beside them, written as a caller might."""
    draw = np.random.default_rng(seed)
    drawn: dict[Allele, None] = {}
    while len(drawn) < number:
        transcript = transcripts[draw.integers(len(transcripts))]
        sequence = contigs[transcript.contig]
        low, high = min(transcript.exons)[0] - 20, max(transcript.exons)[1] + 20
        position = int(draw.integers(low, high))
        kind = draw.choice(["snv", "mnv", "ins", "copy", "del", "delins"])
        size = int(draw.integers(1, 8))
        fresh = "".join(draw.choice(list("ACGT"), size))
        ref = sequence[position]
        alt = ref + (sequence[position + 1 : position + 1 + size] if kind == "copy" else fresh)
        if kind in ("snv", "mnv"):
            ref = sequence[position : position + (1 if kind == "snv" else 2 + size % 2)]
            alt = "".join(draw.choice(list("ACGT"), len(ref)))
        elif kind == "del":
            ref, alt = sequence[position : position + 1 + size], ref
        elif kind == "delins":
            ref, alt = sequence[position : position + 1 + int(draw.integers(1, 8))], ref + fresh
        if ref != alt:
            drawn[Allele(transcript.contig, position, ref, alt)] = None
    return list(drawn)


def apply(sequence: str, allele: Allele) -> str:
    """Return a contig with a variant in it."""
    behind = allele.position + len(allele.ref)
    return sequence[: allele.position] + allele.alt + sequence[behind:]


def left_aligned(sequence: str, allele: Allele) -> Allele:
    """Place a variant as VCF asks: as short as it can be written, and as far to the left."""
    contig, position, ref, alt = allele
    while ref[-1] == alt[-1] and position > 0:
        ref, alt = ref[:-1], alt[:-1]
        if not ref or not alt:
            position -= 1
            ref, alt = sequence[position] + ref, sequence[position] + alt
    while len(ref) > 1 and len(alt) > 1 and ref[0] == alt[0]:
        position, ref, alt = position + 1, ref[1:], alt[1:]
    return Allele(contig, position, ref, alt)


def anchored(sequence: str, allele: Allele) -> Allele:
    """Place a variant to the left, with the base before it where its alleles differ in length."""
    contig, position, ref, alt = left_aligned(sequence, allele)
    if len(ref) == len(alt) or ref[0] == alt[0]:
        return Allele(contig, position, ref, alt)
    before = sequence[position - 1]
    return Allele(contig, position - 1, before + ref, before + alt)


def right_aligned(sequence: str, allele: Allele) -> Allele:
    """Place a variant as far to the right as it goes, with the base before it where it needs one."""
    contig, position, ref, alt = left_aligned(sequence, allele)
    if ref[0] == alt[0] and len(ref) != len(alt):
        while position + len(ref) < len(sequence):
            longer = ref if len(ref) > len(alt) else alt
            if sequence[position + len(ref)] != longer[1]:
                break
            longer = longer[1:] + longer[1]
            position += 1
            ref, alt = (longer, longer[0]) if len(ref) > len(alt) else (longer[0], longer)
    return Allele(contig, position, ref, alt)


def write_fasta(contigs: Mapping[str, str], path: Path) -> Path:
    """Write contigs as FASTA, a line each, and the index beside it."""
    text, index = "", ""
    for name, sequence in contigs.items():
        text += f">{name}\n"
        index += f"{name}\t{len(sequence)}\t{len(text)}\t{len(sequence)}\t{len(sequence) + 1}\n"
        text += f"{sequence}\n"
    path.write_text(text)
    path.with_name(f"{path.name}.fai").write_text(index)
    return path


def coding_rows(transcript: Transcript) -> list[tuple[int, int, int]]:
    """Return start, end (from 0) and phase of each part of the coding sequence, in transcript order."""
    rows = []
    first, behind = transcript.cds
    for (start, end), offset in zip(transcript.exons, transcript.starts, strict=True):
        near, far = max(first, offset), min(behind, offset + end - start)
        if near < far:
            place = sorted((transcript.to_genome(near), transcript.to_genome(far - 1)))
            rows.append((place[0], place[1] + 1, -(near - first) % 3))
    return rows


def write_gtf(transcripts: list[Transcript], path: Path) -> Path:
    """Write transcripts as GTF: exons, and coding sequences with their stop codons."""
    lines = []
    for each in transcripts:
        names = (
            f'gene_id "{each.gene_id}"; transcript_id "{each.transcript_id}"; gene_name "{each.gene_name}";'
        )
        parts = [("exon", start, end, ".") for start, end in each.exons]
        parts += [("CDS", *row) for row in coding_rows(each)] if each.cds else []
        lines += [
            f"{each.contig}\tdrawn\t{kind}\t{start + 1}\t{end}\t.\t{each.strand}\t{phase}\t{names}\n"
            for kind, start, end, phase in parts
        ]
    path.write_text("".join(lines))
    return path


def write_vcf(drawn: list[Allele], path: Path) -> Path:
    """Write variants as a VCF without samples, sorted."""
    contigs = dict.fromkeys(each.contig for each in drawn)
    header = "##fileformat=VCFv4.2\n" + "".join(f"##contig=<ID={name}>\n" for name in contigs)
    rows = "".join(
        f"{each.contig}\t{each.position + 1}\t.\t{each.ref}\t{each.alt}\t.\t.\t.\n" for each in sorted(drawn)
    )
    path.write_text(header + "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n" + rows)
    return path
