"""A genome of 3 kb, six amplicons that overlap, and libraries of read pairs with planted variants.

For tests of what reads amplicons: the genome is random sequence on chr2 and chr19, without a variant. A pair
begins with the primers of its amplicon, whose bases are the primer's: a variant under one's own primer is
not in the product, one under a neighbour's is. Every second pair has its first mate on the reverse strand.

On chr19, K1, K2 and K3 overlap (pools 1, 2, 1), so that the primers of each lie in the insert of its
neighbours; on chr2, N1 and N2 overlap (pools 1, 2), and N3 (pool 2) is apart. See AMPLICONS.
"""

import gzip
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from spliced_reads import reverse_complement, write_fasta

CONTIGS = {"chr2": 1400, "chr19": 1600}
PRIMER = 20
OTHER_BASE = {"A": "C", "C": "T", "G": "A", "T": "G"}


class Amplicon(NamedTuple):
    """An amplicon as in primers.tsv; places count from 0, ends are exclusive."""

    chrom: str
    start: int
    end: int
    amplicon: str
    pool: str
    left_start: int
    left_end: int
    right_start: int
    right_end: int


def amplicon(name: str, chrom: str, start: int, end: int, pool: str, primer: int = PRIMER) -> Amplicon:
    """Make an amplicon with primers of one length at its ends."""
    return Amplicon(chrom, start, end, name, pool, start, start + primer, end - primer, end)


AMPLICONS = {
    each.amplicon: each
    for each in (
        amplicon("K1", "chr19", 400, 620, "1"),
        amplicon("K2", "chr19", 550, 780, "2"),
        amplicon("K3", "chr19", 700, 920, "1"),
        amplicon("N1", "chr2", 330, 540, "1"),
        amplicon("N2", "chr2", 460, 700, "2"),
        amplicon("N3", "chr2", 1020, 1200, "2"),
    )
}


class Planted(NamedTuple):
    """A variant in a share of the fragments; `start` is the place of the first base of `ref`, from 0.

    `ref` and `alt` may be of any length, also empty: an insertion lies before `start`.
    """

    chrom: str
    start: int
    ref: str
    alt: str
    share: float


def genome(seed: int = 1) -> dict[str, str]:
    """Draw the contigs."""
    rng = random.Random(seed)
    return {name: "".join(rng.choices("ACGT", k=length)) for name, length in CONTIGS.items()}


def write_genome(folder: Path, contigs: Mapping[str, str] | None = None) -> Path:
    """Write genome.fa, and genome.fa.fai beside it; returns the former."""
    return write_fasta(contigs or genome(), folder / "genome.fa")


def write_primers(folder: Path, amplicons: Sequence[Amplicon] | None = None) -> Path:
    """Write primers.tsv as the gate does."""
    lines = ["\t".join(Amplicon._fields)]
    lines += ["\t".join(map(str, each)) for each in amplicons or AMPLICONS.values()]
    path = folder / "primers.tsv"
    path.write_text("\n".join(lines) + "\n")
    return path


def write_sheet(folder: Path, samples: Sequence[tuple[str, str, str]]) -> Path:
    """Write amplicons.tsv as the gate does, of (sample, line, condition)."""
    roles = {"parental": "reference", "resistant": "target"}
    rows = [("sample", "line", "condition", "role")]
    rows += [(*sample, roles.get(sample[2], "other")) for sample in samples]
    path = folder / "amplicons.tsv"
    path.write_text("".join("\t".join(row) + "\n" for row in rows))
    return path


def substitution(chrom: str, place: int, share: float, contigs: Mapping[str, str] | None = None) -> Planted:
    """Plant another base at a place."""
    ref = (contigs or genome())[chrom][place]
    return Planted(chrom, place, ref, OTHER_BASE[ref], share)


def products(
    amplicon: Amplicon,
    number: int,
    planted: Sequence[Planted],
    contigs: Mapping[str, str],
    rng: random.Random,
) -> list[str]:
    """Make the products of an amplicon: each variant of its insert is in exactly its share of them, rounded.

    Which of the products have it is drawn, for each variant on its own.
    """
    inside = [
        variant
        for variant in planted
        if variant.chrom == amplicon.chrom
        and amplicon.left_end <= variant.start
        and variant.start + len(variant.ref) <= amplicon.right_start
    ]
    carriers = [set(rng.sample(range(number), round(each.share * number))) for each in inside]
    order = sorted(range(len(inside)), key=lambda at: -inside[at].start)
    made = []
    for fragment in range(number):
        bases = contigs[amplicon.chrom]
        end = amplicon.right_end
        for at in order:  # from right to left: what lies before keeps its place
            variant = inside[at]
            if fragment in carriers[at]:
                behind = variant.start + len(variant.ref)
                bases = bases[: variant.start] + variant.alt + bases[behind:]
                end += len(variant.alt) - len(variant.ref)
        made.append(bases[amplicon.left_start : end])
    return made


def sequenced(fragments: Sequence[str], read_length: int = 150) -> list[tuple[str, str]]:
    """Read fragments from both ends, every second one with its first mate on the reverse strand."""
    pairs = []
    for number, fragment in enumerate(fragments):
        ends = fragment[:read_length], reverse_complement(fragment)[:read_length]
        pairs.append(ends if number % 2 == 0 else ends[::-1])
    return pairs


def with_errors(pairs: Sequence[tuple[str, str]], rate: float, seed: int) -> list[tuple[str, str]]:
    """Exchange each base with this probability."""
    draw = np.random.default_rng(seed)
    joined = np.frombuffer("".join(first + second for first, second in pairs).encode(), np.uint8).copy()
    wrong = np.flatnonzero(draw.random(len(joined)) < rate)
    codes = np.searchsorted(np.frombuffer(b"ACGT", np.uint8), joined[wrong])
    joined[wrong] = np.frombuffer(b"ACGT", np.uint8)[(codes + draw.integers(1, 4, len(wrong))) % 4]
    text, at, changed = joined.tobytes().decode(), 0, []
    for first, second in pairs:
        middle, end = at + len(first), at + len(first) + len(second)
        changed.append((text[at:middle], text[middle:end]))
        at = end
    return changed


def write_pairs(
    folder: Path, sample: str, pairs: Sequence[tuple[str, str]], quality: str = "F"
) -> list[Path]:
    """Write <sample>_1.fastq.gz and <sample>_2.fastq.gz; returns both."""
    paths = [folder / f"{sample}_{mate}.fastq.gz" for mate in (1, 2)]
    for mate, path in enumerate(paths):
        text = "".join(
            f"@{sample}.{at} {mate + 1}\n{pair[mate]}\n+\n{quality * len(pair[mate])}\n"
            for at, pair in enumerate(pairs)
        )
        path.write_bytes(gzip.compress(text.encode(), 1, mtime=0))
    return paths


def write_library(
    folder: Path,
    sample: str,
    depths: int | Mapping[str, int],
    planted: Sequence[Planted] = (),
    *,
    contigs: Mapping[str, str] | None = None,
    amplicons: Mapping[str, Amplicon] | None = None,
    error_rate: float = 0,
    read_length: int = 150,
    seed: int = 1,
) -> list[Path]:
    """Write the FASTQ pair of a sample: so many pairs an amplicon (one number for all, or by name)."""
    contigs, amplicons = contigs or genome(), amplicons or AMPLICONS
    rng = random.Random(f"{sample}.{seed}")
    pairs = []
    for name, each in amplicons.items():
        number = depths if isinstance(depths, int) else depths.get(name, 0)
        pairs += sequenced(products(each, number, planted, contigs, rng), read_length)
    rng.shuffle(pairs)
    return write_pairs(folder, sample, with_errors(pairs, error_rate, seed) if error_rate else pairs)
