"""Read a genome along either strand, and move deletions and insertions along it.

Positions rise along the strand, from 0; those of the minus strand are negative: -1 is the first base of the
contig.
"""

from collections.abc import Callable
from typing import NamedTuple

from common.annotation import Sequences, reverse_complement


class Change(NamedTuple):
    """What a variant changes, as a strand reads it; it could be moved 5' of this by `slack` bases."""

    start: int
    ref: str
    alt: str
    slack: int

    @property
    def end(self) -> int:
        """Return where the change ends; an insertion ends where it starts."""
        return self.start + len(self.ref)


def shared(one: str, other: str) -> int:
    """Count the letters that two texts begin with alike."""
    count = 0
    for first, second in zip(one, other, strict=False):
        if first != second:
            break
        count += 1
    return count


def room(sequence: str, following: Callable[[int, int], str]) -> int:
    """Count by how many bases a deletion or insertion of a sequence can be moved towards what follows.

    `following` returns the bases behind it, between two distances.
    """
    steps, text = 0, sequence
    while piece := following(steps, steps + 64):
        text += piece
        alike = shared(piece, text[steps:])
        steps += alike
        if alike < len(piece):
            break
    return steps


def fetch(genome: Sequences, contig: str, strand: str, start: int, end: int) -> str:
    """Return the bases of a strand; nothing lies before the contig."""
    if strand == "-":
        return reverse_complement(genome.fetch(contig, max(-end, 0), max(-start, 0)).upper())
    return genome.fetch(contig, max(start, 0), max(end, 0)).upper()


def moved(change: Change, steps: int) -> Change:
    """Move a deletion or insertion by bases, to where it is the same change."""
    start, ref, alt, slack = change
    turn = steps % len(ref or alt)
    return Change(start + steps, ref[turn:] + ref[:turn], alt[turn:] + alt[:turn], slack + steps)
