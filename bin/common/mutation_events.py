"""Turn rows of mutations into events: bases that change, as codes, with what lies around them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from common.genome_bases import OUTSIDE, Genome, plain_contig
from common.mutation_classes import CODE_OF
from common.mutation_tables import BESIDE, MISSING


class Contigs(NamedTuple):
    """The contigs of a table of mutations."""

    names: list[str]  # plain
    of_row: np.ndarray  # number in `names`
    known: np.ndarray  # by number: whether the genome has it


def pairs_of(one: pd.Series, other: pd.Series) -> tuple[list[tuple[str, str]], np.ndarray]:
    """Return the distinct pairs of two categorical columns, and the number of each row's."""
    size = max(len(other.cat.categories), 1)
    pairs = one.cat.codes.to_numpy(np.int64) * size + other.cat.codes.to_numpy(np.int64)
    found, which = np.unique(pairs, return_inverse=True)
    names = [(one.cat.categories[pair // size], other.cat.categories[pair % size]) for pair in found]
    return names, which


def owners_of(table: pd.DataFrame, owners: pd.DataFrame) -> np.ndarray:
    """Return the number in `owners` (cohort, sample) of each row's sample; -1 if it is not there."""
    names, which = pairs_of(table.cohort, table["sample"])
    known = {key: number for number, key in enumerate(zip(owners.cohort, owners["sample"], strict=True))}
    return np.array([known.get(name, -1) for name in names], dtype=np.int64)[which]


def kinds_of(table: pd.DataFrame, kind_of: Callable[[str, str], str]) -> np.ndarray:
    """Return the kind of each row's alleles, which `kind_of` tells."""
    names, which = pairs_of(table.ref, table.alt)
    return np.array([kind_of(ref.upper(), alt.upper()) for ref, alt in names], dtype="U20")[which]


def contigs_of(table: pd.DataFrame, genome: Genome | None) -> Contigs:
    """Return the contigs of the rows; chr1 and 1 are the same."""
    plain = [plain_contig(name) for name in table.chrom.cat.categories]
    names = sorted(set(plain))
    number = np.array([names.index(name) for name in plain], dtype=np.int64)
    known = np.array([genome is not None and name in genome.contigs for name in names], dtype=bool)
    return Contigs(names, number[table.chrom.cat.codes], known)


def allele_codes(alleles: pd.Series, place: int) -> np.ndarray:
    """Return the code of the base at a place of each allele, a categorical column."""
    texts = alleles.cat.categories.str.upper()
    codes = np.array([CODE_OF.get(text[place : place + 1], MISSING) for text in texts], dtype=np.uint8)
    return codes[alleles.cat.codes]


def events_of(
    table: pd.DataFrame, kinds: np.ndarray, contigs: Contigs, genome: Genome | None
) -> pd.DataFrame:
    """Make an event of each base that changes: one of each `single`, two of each `doublet`.

    row (of the table), owner, contig (number), known (whether the genome has the contig), position, ref, alt,
    and the bases before, at and after it that the MAF (before, middle, after) and the genome
    (genome_before ...) have. Doublets have no context in the MAF.
    """
    parts = []
    for kind, place in (("single", 0), ("doublet", 0), ("doublet", 1)):
        rows = np.nonzero(kinds == kind)[0]
        some = table.iloc[rows]
        part = {"row": rows, "owner": some.owner, "contig": contigs.of_row[rows]}
        part |= {"position": some.position + place}
        part |= {name: allele_codes(some[name], place) for name in ("ref", "alt")}
        part |= {name: some[name] if kind == "single" else np.uint8(MISSING) for name in BESIDE}
        parts.append(pd.DataFrame(part | {"single": kind == "single"}))
    events = pd.concat(parts, ignore_index=True)
    bases = bases_around(events, contigs.names, genome)
    events = events.assign(**{f"genome_{name}": codes for name, codes in zip(BESIDE, bases, strict=True)})
    return events.assign(known=contigs.known[events.contig])


def bases_around(events: pd.DataFrame, contigs: Sequence[str], genome: Genome | None) -> np.ndarray:
    """Return what the genome has before, at and after each event (3 x n)."""
    found = np.full((3, len(events)), OUTSIDE, dtype=np.uint8)
    if genome:
        contig, position = events.contig.to_numpy(), events.position.to_numpy()
        order = np.lexsort((position, contig))
        bounds = np.searchsorted(contig[order], np.arange(len(contigs) + 1))
        for number, name in enumerate(contigs):
            rows = order[bounds[number] : bounds[number + 1]]
            found[:, rows] = genome.codes(name, position[rows] - 1 + np.array([[-1], [0], [1]]))
    return found
