"""Find COSMIC's mutational signatures, which a package of PyPI carries."""

from importlib.metadata import distribution
from pathlib import Path

PACKAGE = "SigProfilerAssignment"  # 1.1.5; installed without dependencies, never imported
VERSION = "3.3"  # of COSMIC


def packaged(genome_build: str, exome: bool, kind: str = "SBS") -> Path:
    """Return the matrix of a genome build (GRCh37, GRCh38): Type, then a column a signature.

    With the frequencies of contexts in the genome, or in its `exome`. `kind` is SBS or DBS.
    """
    name = f"COSMIC_v{VERSION}_{kind}_{genome_build}{'_exome' * exome}.txt"
    within = f"{PACKAGE}/data/Reference_Signatures/{genome_build}/{name}"
    return Path(str(distribution(PACKAGE).locate_file(within)))
