"""Draw the read pairs of a library from RNA molecules: fragments, adapters, qualities and errors.

Sequences are codes (common.sequence_files). All molecules that a library is made of, and what else is in
the tube, lie one behind the other in a pool: a fragment is a start in the pool, a length and a strand.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from common.sequence_files import encode


class Library(NamedTuple):
    """How a library of RNA was made."""

    fragment_mean: float  # bases
    fragment_sd: float
    fragment_range: tuple[int, int]
    three_prime_bias: float  # of the natural logarithm of coverage, from the 5' to the 3' end


class Sequencer(NamedTuple):
    """How a library is read."""

    cycles: int  # bases of a read
    adapters: tuple[str, str]  # what mate 1 and mate 2 read behind a fragment's end
    phred: tuple[int, ...]  # the scores there are, from the best
    decay: tuple[float, float]  # chance a cycle that a mate's score falls, at its last cycle
    decay_sd: float  # of the natural logarithm of that chance, between reads
    profiles: int  # different courses of quality


class Molecules(NamedTuple):
    """The kinds of RNA molecules of a line in one condition, sorted by gene: arrays of one length."""

    gene: np.ndarray  # row of the gene
    weight: np.ndarray  # share of the gene's fragments, in any unit
    start: np.ndarray  # in the pool
    length: np.ndarray


class Fragments(NamedTuple):
    """Fragments of a library: arrays of one length."""

    start: np.ndarray  # in the pool
    length: np.ndarray
    sense: np.ndarray  # whether the pool has the strand that was the RNA


def draw_qualities(random: np.random.Generator, sequencer: Sequencer, decay: float) -> np.ndarray:
    """Draw courses of quality (profiles x cycles, Phred): the score falls now and then, and recovers.

    The chance to fall grows with the square of the cycle, from a twentieth of `decay` on.
    """
    levels = len(sequencer.phred)
    state = np.zeros(sequencer.profiles, dtype=np.int64)
    decays = decay * random.lognormal(0, sequencer.decay_sd, sequencer.profiles)
    course = np.empty((sequencer.profiles, sequencer.cycles), dtype=np.int64)
    for cycle in range(sequencer.cycles):
        falls = random.random(sequencer.profiles) < decays * ((cycle / sequencer.cycles) ** 2 + 0.05)
        recovers = random.random(sequencer.profiles) < 0.3
        state = np.where(falls, state + random.integers(1, levels, sequencer.profiles), state - recovers)
        state = np.clip(state, 0, levels - 1)
        course[:, cycle] = state
    return np.array(sequencer.phred, dtype=np.uint8)[course]


def draw_lengths(random: np.random.Generator, library: Library, limits: np.ndarray) -> np.ndarray:
    """Draw lengths of fragments: normal within the range, none longer than its molecule."""
    lengths = random.normal(library.fragment_mean, library.fragment_sd, len(limits))
    return np.minimum(np.clip(np.rint(lengths), *library.fragment_range).astype(np.int64), limits)


def draw_fragments(
    random: np.random.Generator, library: Library, counts: np.ndarray, molecules: Molecules
) -> Fragments:
    """Draw the fragments of a library: as many of each gene as counted, more of them near the 3' end."""
    genes = np.repeat(np.arange(len(counts)), counts)
    cumulative = np.cumsum(molecules.weight)
    of_gene = np.bincount(molecules.gene, molecules.weight, len(counts))
    before = np.concatenate([[0], np.cumsum(of_gene)])
    wanted = before[genes] + random.random(len(genes)) * of_gene[genes]
    chosen = np.minimum(np.searchsorted(cumulative, wanted, side="right"), len(cumulative) - 1)
    lengths = draw_lengths(random, library, molecules.length[chosen])
    # Inverse of the distribution function of a density proportional to exp(bias * x) on [0, 1].
    place = np.log1p(random.random(len(genes)) * np.expm1(library.three_prime_bias))
    place /= library.three_prime_bias
    room = molecules.length[chosen] - lengths + 1
    start = molecules.start[chosen] + np.minimum((place * room).astype(np.int64), room - 1)
    return Fragments(start, lengths, np.ones(len(genes), dtype=bool))


def draw_from_places(
    random: np.random.Generator, library: Library, number: int, places: np.ndarray
) -> Fragments:
    """Draw fragments of either strand around places of the pool: what is no RNA of a gene."""
    lengths = draw_lengths(random, library, np.full(number, library.fragment_range[1]))
    return Fragments(
        places[random.integers(0, len(places), number)] - lengths // 2, lengths, random.random(number) < 0.5
    )


def mixed(random: np.random.Generator, parts: Sequence[Fragments]) -> Fragments:
    """Put the fragments of all parts in a random order."""
    order = random.permutation(sum(len(part.start) for part in parts))
    return Fragments(*(np.concatenate(column)[order] for column in zip(*parts, strict=True)))


def read_through(random: np.random.Generator, bases: np.ndarray, lengths: np.ndarray, adapter: str) -> None:
    """Replace what lies behind the end of fragments shorter than a read: the adapter, then anything."""
    cycles = bases.shape[1]
    short = np.flatnonzero(lengths < cycles)
    behind = random.integers(0, 4, (len(short), cycles), dtype=np.uint8)
    behind[:, : len(adapter)] = encode(adapter)
    cycle = np.arange(cycles) - lengths[short, None]
    after = np.take_along_axis(behind, np.maximum(cycle, 0), axis=1)
    bases[short] = np.where(cycle >= 0, after, bases[short])


def sequence(
    random: np.random.Generator,
    sequencer: Sequencer,
    pool: np.ndarray,
    fragments: Fragments,
    qualities: Sequence[np.ndarray],
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Read the fragments from both ends: (bases, Phred scores) of mate 1 and mate 2, reads x cycles.

    Mate 2 reads as the pool where that is the sense strand, and mate 1 is its complement: so a library of
    RNA that is stranded by dUTP.
    """
    cycles = sequencer.cycles
    padded = np.concatenate([pool, np.zeros(cycles, dtype=np.uint8)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, cycles)
    from_start = windows[fragments.start]
    mirrored = np.concatenate([3 - pool[::-1], np.zeros(cycles, dtype=np.uint8)])
    windows = np.lib.stride_tricks.sliding_window_view(mirrored, cycles)
    from_end = windows[len(pool) - fragments.start - fragments.length]
    sense = fragments.sense[:, None]
    mates = []
    for bases, adapter, courses in zip(
        (np.where(sense, from_end, from_start), np.where(sense, from_start, from_end)),
        sequencer.adapters,
        qualities,
        strict=True,
    ):
        read_through(random, bases, fragments.length, adapter)
        phred = courses[random.integers(0, len(courses), len(bases))]
        chance = (10 ** (-np.arange(64) / 10)).astype(np.float32)
        wrong = np.nonzero(random.random(bases.shape, dtype=np.float32) < chance[phred])
        bases[wrong] = (bases[wrong] + random.integers(1, 4, len(wrong[0]), dtype=np.uint8)) % 4
        mates.append((bases, phred))
    return mates
