"""Lay out amplicons over coding exons, and draw their libraries: what is amplified, how often, how well.

Amplicons
  Inserts    cover the coding part of each exon and 5 bases on both sides (intron or untranslated), neighbours
             overlap by 8. Primers lie outside the insert, 18 to 24 bases, as many as melt at 58 degrees by
             Wallace's rule (Wallace et al. 1979, doi:10.1093/nar/6.11.3543). Neighbours are in two pools.
  Fragments  of an amplicon: 600 in an average library, times its efficiency (log-normal over amplicons, SD
             0.3; 0.6 in pool 2), the library's factor (log-uniform from 0.8 to 1.25) and a log-normal factor
             of amplicon and library (SD 0.1), Poisson. One that drops out has up to 3.
  Molecules  begin and end with the primers' own bases, whatever the sample has there.
  Errors of PCR, in the insert: of polymerase, about 4e-5 of bases, four in five transitions, each in up to 6
             fragments that descend from one molecule, but not beyond a hundredth of all of its chromosome and
             amplicon, as PCR begins with that many molecules or more; by oxidation (C>A and G>T), 8e-5 of C
             and G, each in one fragment (magnitudes: Potapov and Ong 2017, doi:10.1371/journal.pone.0169774;
             Costello et al. 2013, doi:10.1093/nar/gks1443).
  Others     2 % of pairs: half of them from elsewhere in the genome, between two primers, half primer dimers.

Reads
  Pairs      2 x 150 bases from both ends of a fragment, which of them is mate 1 by chance. Qualities fall
             along the read in steps, more in mate 2; errors have the chance that the quality states. What is
             shorter than a read goes on into Illumina's TruSeq adapters.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from common.mini_genome import Gene, parts_of
from common.sequence_files import encode
from common.simulated_dna import Placed, Template, stretch
from common.simulated_reads import Fragments, Sequencer, draw_qualities, mixed, sequence

FLANK, OVERLAP = 5, 8  # bases
PRIMER_LENGTHS, MELTING = (18, 24), 58  # bases, degrees Celsius
MEDIAN_FRAGMENTS = 600
EFFICIENCY_SD, SECOND_POOL, IN_LIBRARY_SD = 0.3, 0.6, 0.1
LIBRARY_FACTORS = (0.8, 1.25)
MOST_OF_DROPOUT = 3  # fragments
POLYMERASE, TRANSITIONS = 4e-5, 0.8
LARGEST_FAMILY, LARGEST_SHARE = 6, 0.01  # fragments, and of those of one kind
OXIDATION = 8e-5  # of C and G
SHARE_OTHERS, SHARE_DIMERS = 0.02, 0.5
OFF_TARGET_PRODUCTS, OFF_TARGET_LENGTHS = 40, (60, 200)  # bases between the primers
DIMER_PRODUCTS, DIMER_OVERLAPS = 30, (2, 8)
SEQUENCER = Sequencer(
    cycles=150,
    adapters=("AGATCGGAAGAGCACACGTCTGAACTCCAGTCA", "AGATCGGAAGAGCGTCGTGTAGGGAAAGAGTGT"),
    phred=(37, 32, 24, 15),
    decay=(0.05, 0.1),
    decay_sd=0.8,
    profiles=256,
)


class Amplicon(NamedTuple):
    """An amplicon on its contig: primers from start to insert_start, and from insert_end to end."""

    name: str
    gene: str
    pool: int
    contig: str
    start: int
    insert_start: int
    insert_end: int
    end: int

    def shows(self, variant: Placed) -> bool:
        """Whether a variant lies in the insert as a whole."""
        start, end = variant.start, variant.start + len(variant.ref)
        return variant.contig == self.contig and self.insert_start <= start and end <= self.insert_end

    def product(self, contigs: Mapping[str, np.ndarray], template: Template) -> np.ndarray:
        """Return what is amplified of a kind of molecules."""
        left = stretch(contigs, self.contig, self.start, self.insert_start)
        right = stretch(contigs, self.contig, self.insert_end, self.end)
        insert = stretch(contigs, self.contig, self.insert_start, self.insert_end, template.variants)
        return np.concatenate([left, insert, right])


class Panel(NamedTuple):
    """Amplicons, how well each is amplified, and what else their primers make."""

    amplicons: list[Amplicon]
    efficiency: np.ndarray  # relative to the median amplicon
    others: list[np.ndarray]
    share_of_others: np.ndarray
    courses: list[np.ndarray]  # of quality, by mate


def tiles(start: int, end: int, number: int) -> list[tuple[int, int]]:
    """Cover a range with as many inserts of equal length."""
    cuts = np.rint(np.linspace(start, end - OVERLAP, number + 1)).astype(int).tolist()
    return [(first, second + OVERLAP) for first, second in pairwise(cuts)]


def inserts_of(
    gene: Gene, of_exons: Mapping[int, int], before: Mapping[str, tuple[int, int]]
) -> dict[str, tuple[int, int]]:
    """Lay out the inserts of a gene: {name: range of its contig}.

    `of_exons` has the number of amplicons by exon; `before` has ranges before the transcript, in bases of
    the coding sequence (c.-733 is -733).
    """
    design = gene.design
    coding = parts_of(gene, range(len(design.exons)), *design.cds)
    found = {
        f"{design.gene_name}_{name}": (first + design.cds[0], last + 1 + design.cds[0])
        for name, (first, last) in before.items()
    }
    for exon, number in of_exons.items():
        start, end, _ = coding[exon - 1]
        for at, tile in enumerate(tiles(start - FLANK, end + FLANK, number), start=1):
            found[f"{design.gene_name}_e{exon}" + (f"_{at}" if number > 1 else "")] = tile
    return {name: gene.on_genome(*insert) for name, insert in found.items()}


def primer_length(codes: np.ndarray) -> int:
    """Choose how much of a sequence, from its first base on, is a primer."""
    degrees = np.cumsum(np.where(np.isin(codes, encode("CG")), 4, 2))
    return int(np.clip(np.searchsorted(degrees, MELTING) + 1, *PRIMER_LENGTHS))


def lay_out(
    genes: Sequence[Gene],
    contigs: Mapping[str, np.ndarray],
    of_exons: Mapping[str, Mapping[int, int]],
    before: Mapping[str, Mapping[str, tuple[int, int]]],
) -> list[Amplicon]:
    """Lay out all amplicons, by their place; pools alternate along a gene."""
    found = []
    for gene in genes:
        name, contig = gene.design.gene_name, gene.design.contig
        inserts = inserts_of(gene, of_exons.get(name, {}), before.get(name, {}))
        for at, (amplicon, (start, end)) in enumerate(sorted(inserts.items(), key=lambda item: item[1])):
            left = primer_length(contigs[contig][start - PRIMER_LENGTHS[1] : start][::-1])
            right = primer_length(contigs[contig][end : end + PRIMER_LENGTHS[1]])
            found.append(Amplicon(amplicon, name, at % 2 + 1, contig, start - left, start, end, end + right))
    order = list(contigs)
    return sorted(found, key=lambda each: (order.index(each.contig), each.start))


def primers_of(amplicons: Sequence[Amplicon]) -> pd.DataFrame:
    """Make the table of the primers: places count from 0, ends are exclusive."""
    rows = [(*(each.contig, each.start, each.end, each.name, each.pool), *each[4:]) for each in amplicons]
    columns = ["chrom", "start", "end", "amplicon", "pool"]
    return pd.DataFrame(rows, columns=[*columns, "left_start", "left_end", "right_start", "right_end"])


def draw_panel(
    random: np.random.Generator, amplicons: list[Amplicon], contigs: Mapping[str, np.ndarray]
) -> Panel:
    """Draw how well each amplicon is amplified, the by-products, and the courses of quality."""
    efficiency = random.lognormal(0, EFFICIENCY_SD, len(amplicons))
    efficiency *= np.where([each.pool == 2 for each in amplicons], SECOND_POOL, 1)
    left = [stretch(contigs, each.contig, each.start, each.insert_start) for each in amplicons]
    right = [stretch(contigs, each.contig, each.insert_end, each.end) for each in amplicons]
    elsewhere = [name for name in contigs if name not in {each.contig for each in amplicons}]
    others = []
    for _ in range(OFF_TARGET_PRODUCTS):
        contig = elsewhere[random.integers(len(elsewhere))]
        length = random.integers(*OFF_TARGET_LENGTHS)
        start = random.integers(0, len(contigs[contig]) - length)
        between = contigs[contig][start : start + length]
        ends = random.integers(len(amplicons), size=2)
        others.append(np.concatenate([left[ends[0]], between, right[ends[1]]]))
    for _ in range(DIMER_PRODUCTS):
        ends = random.integers(len(amplicons), size=2)
        others.append(np.concatenate([left[ends[0]], right[ends[1]][random.integers(*DIMER_OVERLAPS) :]]))
    weights = random.lognormal(0, 1, len(others))
    dimer = np.arange(len(others)) >= OFF_TARGET_PRODUCTS
    weights /= np.where(dimer, weights[dimer].sum(), weights[~dimer].sum())
    return Panel(
        amplicons,
        efficiency / np.median(efficiency),
        others,
        weights * np.where(dimer, SHARE_DIMERS, 1 - SHARE_DIMERS),
        [draw_qualities(random, SEQUENCER, decay) for decay in SEQUENCER.decay],
    )


def expected_shares(panel: Panel, dropped: Collection[str]) -> np.ndarray:
    """Return the share of a library's fragments on target that each amplicon should have."""
    kept = np.array([each.name not in dropped for each in panel.amplicons])
    return panel.efficiency * kept / (panel.efficiency * kept).sum()


def draw_counts(random: np.random.Generator, panel: Panel, dropped: Collection[str]) -> np.ndarray:
    """Draw the fragments of each amplicon in a library."""
    factor = np.exp(random.uniform(*np.log(LIBRARY_FACTORS)))
    varied = panel.efficiency * random.lognormal(0, IN_LIBRARY_SD, len(panel.amplicons))
    few = random.integers(0, MOST_OF_DROPOUT + 1, len(panel.amplicons))
    out = [each.name in dropped for each in panel.amplicons]
    return np.where(out, few, random.poisson(MEDIAN_FRAGMENTS * factor * varied))


def draw_copies_with_errors(
    random: np.random.Generator, products: Sequence[np.ndarray], fragments: np.ndarray
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Draw the errors of PCR: changed products, the fragments of each, and those of the products left.

    `fragments` are of each product; an error takes some of them. Primers have no errors.
    """
    margin = PRIMER_LENGTHS[1]
    room = np.array([len(product) - 2 * margin for product in products])
    bases = np.cumsum(fragments * room)
    sizes = np.arange(1, LARGEST_FAMILY + 1)
    of_size = 0.5**sizes / (0.5**sizes).sum()
    families = random.poisson(POLYMERASE * bases[-1] / (sizes @ of_size))
    oxidised = random.poisson(OXIDATION * bases[-1])
    size = np.append(random.choice(sizes, families, p=of_size), np.ones(oxidised, dtype=int))
    where = np.searchsorted(bases, random.integers(0, bases[-1], families + oxidised), side="right")
    size = np.minimum(size, np.maximum(LARGEST_SHARE * fragments[where], 1).astype(int))
    at = margin + (random.random(families + oxidised) * room[where]).astype(int)
    # Codes are A, C, G, T: exclusive or with 2 is a transition, with 1 C>A, G>T, A>C or T>G.
    exchange = random.choice([2, 1, 3], len(where), p=[TRANSITIONS, *[(1 - TRANSITIONS) / 2] * 2])
    exchange[families:] = 1
    left, copies, numbers = fragments.copy(), [], []
    for number, (product, place, change) in enumerate(zip(where, at, exchange, strict=True)):
        base = products[product][place]
        taken = min(size[number], left[product])
        if taken and (number < families or base in (1, 2)):
            copies.append(products[product].copy())
            copies[-1][place] = base ^ change
            numbers.append(taken)
            left[product] -= taken
    return copies, np.array(numbers, dtype=int), left


def draw_library(
    random: np.random.Generator,
    panel: Panel,
    contigs: Mapping[str, np.ndarray],
    templates: Sequence[Template],
    dropped: Collection[str],
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw a library and read it: (bases, Phred scores) of mate 1 and mate 2, reads x cycles."""
    counts = draw_counts(random, panel, dropped)
    products = [amplicon.product(contigs, template) for amplicon in panel.amplicons for template in templates]
    fragments = random.multinomial(counts, [template.share for template in templates]).ravel()
    copies, of_copies, fragments = draw_copies_with_errors(random, products, fragments)
    others = random.poisson(counts.sum() * SHARE_OTHERS / (1 - SHARE_OTHERS) * panel.share_of_others)
    pieces = [*products, *copies, *panel.others]
    numbers = np.concatenate([fragments, of_copies, others])
    lengths = np.array([len(piece) for piece in pieces])
    starts = np.cumsum(lengths) - lengths
    drawn = Fragments(
        np.repeat(starts, numbers), np.repeat(lengths, numbers), random.random(numbers.sum()) < 0.5
    )
    return sequence(random, SEQUENCER, np.concatenate(pieces), mixed(random, [drawn]), panel.courses)
