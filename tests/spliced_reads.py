"""A genome of 60 kb with three genes, and error-free reads of their spliced transcripts."""

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

CONTIGS = {"chr2": 20_000, "chr16": 40_000}
COMPLEMENT = str.maketrans("ACGT", "TGCA")


class Gene(NamedTuple):
    """A gene of one transcript; exons are 0-based, end exclusive, from left to right."""

    contig: str
    strand: str
    exons: tuple[tuple[int, int], ...]

    def introns(self) -> list[tuple[int, int]]:
        """Return the introns as STAR counts them: first and last base, 1-based."""
        return [(left[1] + 1, right[0]) for left, right in zip(self.exons, self.exons[1:], strict=False)]


GENES = {
    "FORWARD": Gene("chr16", "+", ((2000, 2300), (3000, 3150), (5000, 5200), (8000, 8500))),
    "REVERSE": Gene("chr16", "-", ((20_000, 20_400), (21_000, 21_120), (26_000, 26_300))),
    "OTHER": Gene("chr2", "+", ((5000, 5400), (9000, 9400))),
}


def genome(seed: int = 1) -> dict[str, str]:
    """Draw the contigs; each intron has the motif of its strand, GT-AG."""
    draw = np.random.default_rng(seed)
    bases = {name: draw.choice(list("ACGT"), length) for name, length in CONTIGS.items()}
    for gene in GENES.values():
        left, right = ("GT", "AG") if gene.strand == "+" else ("CT", "AC")
        for first, last in gene.introns():
            bases[gene.contig][first - 1 : first + 1] = list(left)
            bases[gene.contig][last - 2 : last] = list(right)
    return {name: "".join(sequence) for name, sequence in bases.items()}


def write_fasta(contigs: Mapping[str, str], path: Path) -> Path:
    """Write contigs as FASTA, and the index beside it."""
    text, index, lines = "", [], 60
    for name, sequence in contigs.items():
        text += f">{name}\n"
        index.append(f"{name}\t{len(sequence)}\t{len(text)}\t{lines}\t{lines + 1}\n")
        text += "".join(f"{sequence[at : at + lines]}\n" for at in range(0, len(sequence), lines))
    path.write_text(text)
    path.with_name(f"{path.name}.fai").write_text("".join(index))
    return path


def write_gtf(path: Path) -> Path:
    """Write the genes as GTF: gene, transcript and exon lines."""
    lines = []
    for name, gene in GENES.items():
        spans = [("gene", gene.exons[0][0], gene.exons[-1][1])]
        spans += [("transcript", *spans[0][1:])] + [("exon", *exon) for exon in gene.exons]
        for kind, start, end in spans:
            names = f'gene_id "{name}"; gene_name "{name}"; transcript_id "{name}.1";'
            lines.append(
                f"{gene.contig}\tplanted\t{kind}\t{start + 1}\t{end}\t.\t{gene.strand}\t.\t{names}\n"
            )
    path.write_text("".join(lines))
    return path


def spliced(contigs: Mapping[str, str], gene: Gene, without: Sequence[int] = ()) -> str:
    """Join the exons from left to right, but for those of these places (0 is the leftmost)."""
    kept = [exon for place, exon in enumerate(gene.exons) if place not in without]
    return "".join(contigs[gene.contig][start:end] for start, end in kept)


def reverse_complement(sequence: str) -> str:
    """Read a sequence from the other strand."""
    return sequence.translate(COMPLEMENT)[::-1]


def fragments(transcript: str, number: int, length: int = 200, read: int = 100) -> list[tuple[str, str]]:
    """Cut fragments at even distances, each from both ends: the left mate, and the right one reversed."""
    starts = np.linspace(0, len(transcript) - length, number).astype(int)
    cut = [transcript[start : start + length] for start in starts]
    return [(piece[:read], reverse_complement(piece[-read:])) for piece in cut]


def write_reads(
    pairs: Sequence[tuple[str, str]], folder: Path, sample: str, paired: bool = True
) -> list[Path]:
    """Write read pairs as <sample>_1.fastq.gz and, if paired, _2; returns both paths."""
    paths = [folder / f"{sample}_{mate}.fastq.gz" for mate in (1, 2)]
    for mate, path in enumerate(paths[: 2 if paired else 1]):
        records = (f"@read{at}\n{pair[mate]}\n+\n{'I' * len(pair[mate])}\n" for at, pair in enumerate(pairs))
        path.write_bytes(gzip.compress("".join(records).encode(), mtime=0))
    return paths
