"""Name single-base substitutions, doublets and trinucleotides by their pyrimidine, from codes of bases.

Codes are those of `genome_bases`. Each table holds the number of a class under the codes of its bases, for
both strands; -1 is none.
"""

import numpy as np

from common.genome_bases import BASES
from common.signature_tables import CONTEXTS

# COSMIC's 78 types; the other 66 are their reverse complements.
DOUBLETS = [
    f"{ref}>{alt}"
    for ref, alts in {
        "AC": "CA CG CT GA GG GT TA TG TT",
        "AT": "CA CC CG GA GC TA",
        "CC": "AA AG AT GA GG GT TA TG TT",
        "CG": "AT GC GT TA TC TT",
        "CT": "AA AC AG GA GC GG TA TC TG",
        "GC": "AA AG AT CA CG TA",
        "TA": "AT CG CT GC GG GT",
        "TC": "AA AG AT CA CG CT GA GG GT",
        "TG": "AA AC AT CA CC CT GA GC GT",
        "TT": "AA AC AG CA CC CG GA GC GG",
    }.items()
    for alt in alts.split()
]
TRINUCLEOTIDES = [f"{before}{middle}{after}" for middle in "CT" for before in BASES for after in BASES]
CODE_OF = {base: code for code, base in enumerate(BASES)}


def codes_of(bases: str) -> list[int]:
    """Return the codes of bases."""
    return [CODE_OF[base] for base in bases]


def opposite(codes: list[int]) -> list[int]:
    """Return the codes of the other strand's bases, in its direction."""
    return [3 - code for code in reversed(codes)]


def substitution_table() -> np.ndarray:
    """Return numbers in CONTEXTS, by the base before, ref, the base after, and alt; -1 if ref is alt."""
    table = np.full((4, 4, 4, 4), -1)
    for number, name in enumerate(CONTEXTS):
        three, alt = codes_of(name[0] + name[2] + name[6]), CODE_OF[name[4]]
        table[*three, alt] = table[*opposite(three), 3 - alt] = number
    return table


def doublet_table() -> np.ndarray:
    """Return numbers in DOUBLETS, by two ref and two alt bases; -1 if a base stays."""
    table = np.full((4, 4, 4, 4), -1)
    for number, name in enumerate(DOUBLETS):
        ref, alt = codes_of(name[:2]), codes_of(name[3:])
        table[*ref, *alt] = table[*opposite(ref), *opposite(alt)] = number
    return table


def trinucleotide_table() -> np.ndarray:
    """Return numbers in TRINUCLEOTIDES, by three bases."""
    table = np.full((4, 4, 4), -1)
    for number, name in enumerate(TRINUCLEOTIDES):
        three = codes_of(name)
        table[*three] = table[*opposite(three)] = number
    return table
