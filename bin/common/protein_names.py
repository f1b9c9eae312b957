"""Compare names of protein changes, in one-letter or three-letter code, and find the residue of one."""

import re

import pandas as pd

# The order of the standard residues in both codes; stop, and any residue.
LONG = dict(
    zip(
        "ACDEFGHIKLMNPQRSTVWYX*",
        re.findall("...", "AlaCysAspGluPheGlyHisIleLysLeuMetAsnProGlnArgSerThrValTrpTyrXaaTer"),
        strict=True,
    )
)
SHORT = {long: short for short, long in LONG.items()}
SUBSTITUTION = re.compile(r"([A-Z*])(\d+)([A-Z*])")
FRAMESHIFT = re.compile(r"([A-Z])(\d+)([A-Z]?)fs(?:\*(\d+|\?)?)?")
BESIDE_EXON = re.compile(r"c\.(\d+)[+-]\d")


def short_name(name: str) -> str:
    """Write a change in one-letter code, without p. and parentheses: p.(Trp544Ter) and W544X are W544*."""
    plain = name.strip().removeprefix("p.").strip("()").removeprefix("p.").strip("()")
    plain = re.sub("[A-Z][a-z]{2}", lambda code: SHORT.get(code[0], code[0]), plain)
    return re.sub(r"(?<=\d)X$|(?<=fs)X", "*", plain)


def same_change(one: str, other: str) -> bool:
    """Tell whether two names are of one change; of a frameshift the residue is enough."""
    one, other = short_name(one), short_name(other)
    parts = FRAMESHIFT.fullmatch(one), FRAMESHIFT.fullmatch(other)
    if one == other or None in parts:
        return one == other
    first, second = (shift.groups() for shift in parts)
    return first[:2] == second[:2] and all(
        a == b or not a or not b for a, b in zip(first[2:], second[2:], strict=True)
    )


def residue_of(protein_start: int | None, hgvs_c: str) -> int | None:
    """Return the residue of a variant: of a splice site that has none, the one of the nearest coding base."""
    if pd.notna(protein_start):
        return int(protein_start)
    near = BESIDE_EXON.match(hgvs_c)
    return (int(near[1]) + 2) // 3 if near else None
