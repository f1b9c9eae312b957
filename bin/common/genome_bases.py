"""Look up bases at many places of a genome at once, in the FASTA itself: nothing of it is read beforehand."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from common.cli import InputError

BASES = "ACGT"  # codes 0 to 3: the complement of a code is 3 minus it
UNKNOWN, OUTSIDE = 4, 5  # codes of N and the like, and of no place of the contig
CODES = np.full(256, UNKNOWN, dtype=np.uint8)
for code, base in enumerate(BASES):
    CODES[[ord(base), ord(base.lower())]] = code


class Contig(NamedTuple):
    """A row of a FASTA's index."""

    length: int
    offset: int  # in the file, of the first base
    bases: int  # a line
    width: int  # of a line with its end


def plain_contig(name: str) -> str:
    """Name a contig without chr; the mitochondrial one is MT."""
    name = name.removeprefix("chr")
    return "MT" if name == "M" else name


class Genome:
    """A FASTA with its index (.fai) beside it; contigs are known by their plain names."""

    def __init__(self, path: Path) -> None:
        """Read the index."""
        self.path = path
        self.contigs: dict[str, Contig] = {}
        with Path(f"{path}.fai").open() as lines:
            for line in lines:
                name, *numbers = line.rstrip("\n").split("\t")[:5]
                self.contigs.setdefault(plain_contig(name), Contig(*map(int, numbers)))

    def codes(self, contig: str, positions: np.ndarray) -> np.ndarray:
        """Return codes of the bases at these positions of a contig, which count from 0 (any shape; uint8)."""
        known = self.contigs.get(contig)
        found = np.full(positions.shape, OUTSIDE, dtype=np.uint8)
        if known is None or not known.length:
            return found
        inside = (positions >= 0) & (positions < known.length)
        line, within = np.divmod(positions[inside], known.bases)
        size = (known.length - 1) // known.bases * known.width + (known.length - 1) % known.bases + 1
        # The file's pages are mapped and let go of contig by contig: memory holds one at most.
        mapped = np.memmap(self.path, np.uint8, "r", known.offset, (size,))
        found[inside] = CODES[mapped[line * known.width + within]]
        return found


def find_genome(folder: Path) -> Genome | None:
    """Return the genome of a folder that may have one: a FASTA, and its index of the same name and .fai."""
    indexes = sorted(folder.glob("*.fai")) if folder.is_dir() else []
    if not indexes:
        return None
    path = indexes[0].with_suffix("")
    if not path.is_file():
        raise InputError(f"{indexes[0].name}: no {path.name} beside it")
    return Genome(path)
