"""Read the variants of VCFs: position and alleles, nothing else."""

import gzip
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from common.cli import InputError

VCF = re.compile(r"\.vcf(\.b?gz)?$")


class Variant(NamedTuple):
    """A line of a VCF and one of its alternative alleles; position from 0."""

    contig: str
    position: int
    ref: str
    alt: str


def vcfs_of(folder: Path) -> list[Path]:
    """Return the VCFs of a folder by name; none if there is no such folder."""
    return sorted(path for path in folder.glob("*") if VCF.search(path.name))


def read_variants(paths: Iterable[Path], passed: bool = False) -> list[Variant]:
    """Read the variants of VCFs, plain or compressed: each alternative allele once, sorted by contig.

    Contigs keep the order in which they come. A line without an alternative allele has no variant, and
    if only those that `passed` are wanted, one whose FILTER is neither PASS nor missing has none.
    """
    found: dict[Variant, None] = {}
    for path in paths:
        with gzip.open(path, "rt") if path.suffix in (".gz", ".bgz") else path.open() as lines:
            try:
                for number, line in enumerate(lines, 1):
                    if line.strip() and not line.startswith("#"):
                        found |= dict.fromkeys(variants_of(line, f"{path.name}, line {number}", passed))
            except (EOFError, OSError, UnicodeDecodeError) as error:
                raise InputError(f"{path.name}: cannot be read to its end ({error})") from error
    contigs = {contig: rank for rank, contig in enumerate(dict.fromkeys(each.contig for each in found))}
    return sorted(found, key=lambda each: (contigs[each.contig], *each[1:]))


def variants_of(line: str, place: str, passed: bool) -> list[Variant]:
    """Split a line of a VCF into its alternative alleles."""
    fields = line.rstrip("\n").split("\t", 7)
    if len(fields) < 5 or not fields[1].isdecimal():
        raise InputError(f"{place}: not a line of a VCF, which has CHROM, POS, ID, REF and ALT between tabs")
    contig, position, _, ref, alts = fields[:5]
    if passed and len(fields) > 6 and fields[6] not in ("PASS", "."):
        return []
    return [
        Variant(contig, int(position) - 1, ref.upper(), alt.upper()) for alt in alts.split(",") if alt != "."
    ]
