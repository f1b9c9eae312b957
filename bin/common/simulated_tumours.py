"""Draw the mutations of tumours from signatures, and those of drivers.

Places are those of common.simulated_mutations.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from common.cosmic import packaged
from common.sequence_files import encode
from common.simulated_mutations import MISSENSE, SILENT, Coding, classes_of, replaced, trinucleotides
from common.study_design import (
    BACKGROUND,
    DOUBLETS,
    DRIVERS,
    GENOME_BUILD,
    PLATINUM,
    PLATINUM_DOUBLETS,
    PLATINUM_SHARE,
    Driver,
)

LOAD, LOAD_SD = 60, 0.55
CONCENTRATION, PLATINUM_BETA, MOST_PLATINUM = 12, 10, 0.9
SHARE_DOUBLETS, SHARE_PLATINUM_DOUBLETS, SHARE_INDELS = 0.012, 0.03, 0.05
SHARE_SINGLE, SHARE_INSERTIONS = 0.8, 0.4  # of insertions and deletions
SECOND_MUTATIONS = 2
APART = 2  # substitutions of a sample are further apart than this


class Spectra(NamedTuple):
    """COSMIC's signatures: what is drawn, and its chances by signature, which are in the order of names."""

    names: list[str]
    types: list[str]  # A[C>A]A or AC>CA
    chances: np.ndarray  # signatures x types


class Coverage(NamedTuple):
    """What a test covers: places by trinucleotide and by dinucleotide, and its share of all places."""

    genes: np.ndarray  # numbers of genes
    places: np.ndarray  # by trinucleotide
    starts: np.ndarray  # of each trinucleotide in these
    pairs: np.ndarray  # places of which the next is coding too, by dinucleotide
    pair_starts: np.ndarray
    share: float


def spectra_of(names: Sequence[str], kind: str) -> Spectra:
    """Read signatures as they are in exomes."""
    table = pd.read_csv(packaged(GENOME_BUILD, exome=True, kind=kind), sep="\t", index_col="Type")
    chances = table[list(names)].to_numpy().T
    return Spectra(list(names), list(table.index), chances / chances.sum(axis=1, keepdims=True))


def drawn_from(random: np.random.Generator, chances: np.ndarray) -> np.ndarray:
    """Draw a column by each row's chances."""
    cumulative = np.cumsum(chances, axis=1)
    return (random.random(len(chances))[:, None] * cumulative[:, -1:] >= cumulative).sum(axis=1)


# ---- what tests cover


def types_of(spectra: Spectra) -> tuple[np.ndarray, np.ndarray]:
    """Return the trinucleotide (as common.simulated_mutations has it) and the new base of each type."""
    before, ref, alt, behind = np.array(
        [encode(name[0] + name[2] + name[4] + name[6]) for name in spectra.types]
    ).T
    return 16 * (ref == 3) + 4 * before.astype(int) + behind, alt


def dinucleotides(coding: Coding) -> np.ndarray:
    """Return 4 * base + next base of the gene's strand; -1 where both are not coding bases of one exon."""
    follows = (np.diff(coding.gene) == 0) & (np.abs(np.diff(coding.position)) == 1)
    within = (coding.step[:-1] == 0) & (coding.step[1:] == 0) & (coding.base[:-1] >= 3)
    ends = np.array([3 * len(protein) - 3 for protein in coding.proteins])
    within &= coding.base[1:] < ends[coding.gene[1:]]
    codes = coding.codes[coding.starts[coding.gene] + coding.base].astype(int)
    return np.append(np.where(follows & within, 4 * codes[:-1] + codes[1:], -1), -1)


def grouped(places: np.ndarray, groups: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Sort places by their group, and say where each begins."""
    order = np.argsort(groups, kind="stable")
    return places[order], np.searchsorted(groups[order], np.arange(number + 1))


def coverage_of(coding: Coding, contexts: np.ndarray, pairs: np.ndarray, covered: np.ndarray) -> Coverage:
    """List what a test of some genes covers; `contexts` and `pairs` are of all places."""
    places = np.flatnonzero(covered[coding.gene])
    in_pairs = places[pairs[places] >= 0]
    return Coverage(
        np.flatnonzero(covered),
        *grouped(places, contexts[places].astype(np.int8), 32),
        *grouped(in_pairs, pairs[in_pairs].astype(np.int8), 16),
        len(places) / len(contexts),
    )


def evenly(
    random: np.random.Generator, places: np.ndarray, starts: np.ndarray, group: np.ndarray
) -> np.ndarray:
    """Draw a place of each group."""
    return places[
        starts[group] + (random.random(len(group)) * (starts[group + 1] - starts[group])).astype(int)
    ]


# ---- mutations


class Mutations(NamedTuple):
    """Substitutions of a cohort, arrays of one length, and what else there is: owner, place, bases."""

    owner: np.ndarray  # number of the sample
    place: np.ndarray
    alt: np.ndarray  # on the contig
    others: list[tuple[int, int, int, np.ndarray]]  # owner, place, bases lost, bases gained (gene's strand)


class Source(NamedTuple):
    """All that mutations are drawn from."""

    coding: Coding
    own: np.ndarray  # whether a place's pyrimidine lies on the contig's strand
    contexts: np.ndarray  # trinucleotide of each place
    pairs: np.ndarray  # dinucleotide
    spectra: Spectra
    doublets: Spectra
    drivers: np.ndarray  # numbers of their genes
    exome: Coverage


def too_close(source: Source, owner: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Tell which substitutions lie close to another, earlier one of the same sample."""
    coding = source.coding
    order = np.lexsort((coding.position[place], coding.contig[place], owner))
    same = (np.diff(owner[order]) == 0) & (np.diff(coding.contig[place[order]]) == 0)
    near = same & (np.diff(coding.position[place[order]]) <= APART)
    found = np.zeros(len(owner), dtype=bool)
    found[order[1:][near]] = True
    return found


def on_contig(source: Source, place: np.ndarray, alt: np.ndarray) -> np.ndarray:
    """Turn new bases for pyrimidines into those of the contig."""
    return np.where(source.own[place], alt, 3 - alt)


def draw_substitutions(
    random: np.random.Generator, source: Source, test: Coverage, owner: np.ndarray, types: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the places of substitutions of these types, and the new bases on the contig.

    None changes the protein of a driver, and none is close to another one of its sample.
    """
    context, alt = (values[types] for values in types_of(source.spectra))
    place = evenly(random, test.places, test.starts, context)
    while True:
        kind, *_ = classes_of(source.coding, place, on_contig(source, place, alt))
        changes = np.isin(source.coding.gene[place], source.drivers) & (kind != SILENT)
        again = np.flatnonzero(changes | too_close(source, owner, place))
        if not len(again):
            return place, on_contig(source, place, alt)
        place[again] = evenly(random, test.places, test.starts, context[again])


def draw_doublets(
    random: np.random.Generator, source: Source, test: Coverage, owner: np.ndarray, signature: np.ndarray
) -> list[tuple[int, int, int, np.ndarray]]:
    """Draw doublets from signatures, none of them in a driver."""
    rows = []
    types = drawn_from(random, source.doublets.chances[signature]) if len(owner) else []
    for sample, number in zip(owner, types, strict=True):
        ref, alt = map(encode, source.doublets.types[number].split(">"))
        if random.random() < 0.5:
            ref, alt = 3 - ref[::-1], 3 - alt[::-1]
        while True:
            place = evenly(random, test.pairs, test.pair_starts, np.array([4 * int(ref[0]) + int(ref[1])]))[0]
            change = (int(place), 2, alt)
            if source.coding.gene[place] not in source.drivers and replaced(source.coding, *change):
                break
        rows.append((int(sample), *change))
    return rows


def draw_indels(
    random: np.random.Generator, source: Source, test: Coverage, owner: np.ndarray
) -> list[tuple[int, int, int, np.ndarray]]:
    """Draw insertions and deletions, none of them in a driver."""
    rows = []
    for sample in owner:
        length = 1 if random.random() < SHARE_SINGLE else 3
        inserts = random.random() < SHARE_INSERTIONS
        while True:
            place = int(random.choice(test.places))
            bases = random.integers(0, 4, length * inserts).astype(np.uint8)
            change = (place, 0 if inserts else length, bases)
            if source.coding.gene[place] not in source.drivers and replaced(source.coding, *change):
                break
        rows.append((int(sample), *change))
    return rows


def weights_of(residue: np.ndarray, driver: Driver, effects: float) -> np.ndarray:
    """Return how much likelier mutations are at each residue than elsewhere."""
    factors = np.ones(len(residue))
    for first, last, factor in driver.residues:
        factors[(residue >= first) & (residue <= last)] = float(factor) ** effects
    return factors


def draw_driver_substitutions(
    random: np.random.Generator,
    source: Source,
    gene: int,
    driver: Driver,
    spectrum: np.ndarray,
    effects: float,
    size: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw substitutions that change a driver's protein: their places, and the new bases on the contig."""
    coding = source.coding
    of_gene = np.flatnonzero(coding.gene == gene)
    context, alt = types_of(source.spectra)
    of_type = np.full((32, 4), -1)
    of_type[context, alt] = np.arange(len(alt))
    place, base = np.repeat(of_gene, 4), np.tile(np.arange(4), len(of_gene))
    types = of_type[source.contexts[place], base]
    place, base, types = place[types >= 0], base[types >= 0], types[types >= 0]
    base = on_contig(source, place, base)
    kind, *_ = classes_of(coding, place, base)
    opportunities = np.diff(source.exome.starts)[context[types]]
    factors = weights_of(coding.residues(place), driver, effects)
    if driver.missense_only:
        factors = np.where(kind == MISSENSE, factors, 1)
    weights = np.where(kind != SILENT, spectrum[types] / opportunities * factors, 0)
    chosen = random.choice(len(place), size, p=weights / weights.sum())
    return place[chosen], base[chosen]


def draw_driver_others(
    random: np.random.Generator, source: Source, gene: int, driver: Driver, effects: float
) -> tuple[int, int, np.ndarray]:
    """Draw an insertion or a deletion in a driver: place, bases lost and gained."""
    coding = source.coding
    of_gene = np.flatnonzero((coding.gene == gene) & (coding.step == 0))
    weights = weights_of(coding.residues(of_gene), driver, effects)
    while True:
        place = int(random.choice(of_gene, p=weights / weights.sum()))
        inserts = driver.others == "frameshift" and random.random() < SHARE_INSERTIONS
        bases = random.integers(0, 4, int(inserts)).astype(np.uint8)
        lost = 0 if inserts else 1 if driver.others == "frameshift" else 3
        aligned = driver.others == "frameshift" or coding.base[place] % 3 == 0
        if aligned and replaced(coding, place, lost, bases):
            return place, lost, bases


def draw_drivers(
    random: np.random.Generator,
    source: Source,
    gene: int,
    spectrum: np.ndarray,
    effects: float,
    owner: np.ndarray,
    taken: Mutations,
) -> Mutations:
    """Draw the mutations of a driver for the samples that have one; some of these have a second one.

    `taken` are mutations that lie elsewhere.
    """
    driver = DRIVERS[source.coding.genes[gene].design.gene_name]
    other = random.random(len(owner)) < driver.share_of_others
    others = [
        (int(sample), *draw_driver_others(random, source, gene, driver, effects)) for sample in owner[other]
    ]
    with_snv = np.concatenate([owner[~other], owner[:SECOND_MUTATIONS]])
    all_owners = np.concatenate([taken.owner, with_snv])
    while True:
        place, alt = draw_driver_substitutions(random, source, gene, driver, spectrum, effects, len(with_snv))
        if not too_close(source, all_owners, np.concatenate([taken.place, place])).any():
            return Mutations(with_snv, place, alt, others)


def draw_exposures(random: np.random.Generator, samples: int, treated: bool, effects: float) -> np.ndarray:
    """Draw the shares of signatures in each sample: those of the background, then those of platinum."""
    background, platinum = (np.array(list(means.values())) for means in (BACKGROUND, PLATINUM))
    shares = PLATINUM_BETA * np.array([PLATINUM_SHARE, 1 - PLATINUM_SHARE])
    share = np.minimum(random.beta(*shares, samples) * effects * treated, MOST_PLATINUM)[:, None]
    usual = random.dirichlet(CONCENTRATION * background, samples)
    return np.hstack([usual * (1 - share), random.dirichlet(CONCENTRATION * platinum, samples) * share])


def draw_background(
    random: np.random.Generator,
    source: Source,
    samples: pd.DataFrame,
    tests: Mapping[str, Coverage],
    treated: bool,
    effects: float,
) -> tuple[Mutations, pd.DataFrame]:
    """Draw all mutations but those of drivers, for samples that are the first of their patients.

    Returns them, and what was drawn from signatures: signature and number of the gene, a row a mutation.
    """
    shares = draw_exposures(random, len(samples), treated, effects)
    load = LOAD * random.lognormal(0, LOAD_SD, len(samples)) * [tests[name].share for name in samples.panel]
    size = random.poisson(load)
    doublets = random.poisson(SHARE_DOUBLETS * load)
    platinum = random.poisson(SHARE_PLATINUM_DOUBLETS * effects * treated * load)
    indels = random.poisson(SHARE_INDELS * load)
    parts, others, origins = [], [], []
    for name, test in tests.items():
        of_test = np.flatnonzero(samples.panel == name)
        owner = np.repeat(of_test, size[of_test])
        signature = drawn_from(random, shares[owner])
        types = drawn_from(random, source.spectra.chances[signature])
        parts.append((owner, *draw_substitutions(random, source, test, owner, types)))
        origins.append((np.array(source.spectra.names)[signature], parts[-1][1]))
        owner = np.repeat(of_test, doublets[of_test])
        usual = drawn_from(random, np.tile(list(DOUBLETS.values()), (len(owner), 1)))
        owner = np.append(owner, np.repeat(of_test, platinum[of_test]))
        signature = np.append(usual, np.full(len(owner) - len(usual), len(DOUBLETS)))
        drawn = draw_doublets(random, source, test, owner, signature)
        others += drawn + draw_indels(random, source, test, np.repeat(of_test, indels[of_test]))
        places = np.array([place for _, place, *_ in drawn], dtype=int)
        origins.append((np.array(source.doublets.names)[signature], places))
    signature, place = map(np.concatenate, zip(*origins, strict=True))
    origin = pd.DataFrame({"signature": signature, "gene": source.coding.gene[place]})
    return Mutations(*map(np.concatenate, zip(*parts, strict=True)), others), origin


def source_of(coding: Coding) -> Source:
    """Put together what all mutations of these genes are drawn from."""
    contexts, own = trinucleotides(coding)
    names = [gene.design.gene_name for gene in coding.genes]
    pairs = dinucleotides(coding)
    return Source(
        *(coding, own, contexts, pairs),
        spectra_of([*BACKGROUND, *PLATINUM], "SBS"),
        spectra_of([*DOUBLETS, *PLATINUM_DOUBLETS], "DBS"),
        np.array([names.index(name) for name in DRIVERS]),
        coverage_of(coding, contexts, pairs, np.ones(len(names), dtype=bool)),
    )
