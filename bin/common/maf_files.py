"""Find the columns of MAF files, whoever wrote them: GDC, cBioPortal, C-CAT.

Names of columns are compared without case, spaces and punctuation.
"""

import gzip
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.sheets import UnreadableError, lines_of

SAMPLE, BUILD = "sample", "build"
# What a column holds, and the names that it has; the first is GDC's.
SYNONYMS = {
    "gene": ("Hugo_Symbol", "Gene", "Gene_Symbol", "GeneSymbol", "Marker"),
    "chrom": ("Chromosome", "Chr", "Chrom"),
    "position": ("Start_Position", "Start", "Position", "Pos"),
    "end": ("End_Position", "End"),
    "ref": ("Reference_Allele", "Ref", "Reference"),
    "alt": ("Tumor_Seq_Allele2", "Alt", "Alternate_Allele", "Variant_Allele"),
    "classification": ("Variant_Classification", "Mutation_Type", "MutationType", "Effect"),
    SAMPLE: ("Tumor_Sample_Barcode", "Sample", "Sample_ID", "SampleId"),
    BUILD: ("NCBI_Build", "Genome_Build"),
    "filter": ("FILTER",),
    "hgvs_c": ("HGVSc", "cDNA_Change", "CDS_Change"),
    "hgvs_p": ("HGVSp_Short", "HGVSp", "Amino_Acid_Change", "Protein_Change"),
    "transcript": ("Transcript_ID", "RefSeq", "Annotation_Transcript", "Transcript"),
    "protein_position": ("Protein_Position",),
    "context": ("CONTEXT", "ref_context"),
    "t_ref_count": ("t_ref_count",),
    "t_alt_count": ("t_alt_count",),
}
# What a MAF cannot do without, by the names that problems give.
NEEDED = {
    field: SYNONYMS[field][0] for field in ("gene", "chrom", "position", "ref", "alt", "classification", SAMPLE)
}


def plain(name: str) -> str:
    """Write a column's name without case, spaces and punctuation."""
    return "".join(filter(str.isalnum, name.lower()))


def column_called(field: str, header: Sequence[str]) -> str:
    """Return the column that holds what a field is: the first synonym that is there; empty if none is."""
    by_plain = {plain(name): name for name in reversed(header)}
    return next((by_plain[name] for name in map(plain, SYNONYMS[field]) if name in by_plain), "")


def header_of(path: Path) -> list[str]:
    """Read the header of a MAF, below comment lines that start with #."""
    for line in lines_of(path):
        if line.strip() and not line.startswith("#"):
            return [name.strip() for name in line.rstrip("\r\n").split("\t")]
    raise UnreadableError("no header")


def comments_above(path: Path) -> int:
    """Count the lines above the header."""
    count = 0
    for line in lines_of(path):
        if line.strip() and not line.startswith("#"):
            return count
        count += 1
    return count


def read_columns(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read the named columns of a MAF as text (categories), an empty cell as empty text.

    `path` is compressed if its content says so.
    """
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    with (gzip.open if compressed else open)(path, "rb") as text:
        table = pd.read_csv(
            text,
            sep="\t",
            skiprows=comments_above(path),
            usecols=list(dict.fromkeys(columns)),
            dtype="category",
            keep_default_na=False,
            quoting=3,  # quotation marks are letters
            encoding_errors="replace",
            skipinitialspace=True,
        )
    return table.rename(columns=str.strip)
