"""Write the alleles of samples as a VCF, compressed and indexed."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pysam

from common.amplicon_candidates import VARIANT

FLAGGED = ("strand_bias", "read_end", "primer_site")
HOMOZYGOUS = 0.9  # VAF from which GT is 1/1
FILTERS = {
    "strand_bias": "Shown by reads of one strand, where both cover it",
    "read_end": "At the end of the reads that show it",
    "primer_site": "Shown by no amplicon without a primer there, or not by all that cover it",
    "low_depth": "Fewer fragments than amplicon_min_depth",
    "no_alignment": "No alignment of the sample",
    "below_detection": "Not distinguished from errors, or below min_vaf",
}
FORMAT = {
    "GT": ("1", "String", "Genotype as if of two copies: 0/1 also below one half"),
    "DP": ("1", "Integer", "Fragments"),
    "AD": ("R", "Integer", "Fragments that show each allele"),
    "AF": ("A", "Float", "Share of the fragments"),
    "FT": ("1", "String", "Filter of the sample"),
}
FIXED = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]


def write_calls(
    path: Path,
    contigs: Iterable[tuple[str, int]],
    filters: Mapping[str, str],
    samples: Sequence[str],
    records: Iterable[tuple[str, int, str, str, str, Sequence[Mapping[str, object]]]],
) -> None:
    """Write <path> (.vcf.gz) and its index .tbi; `filters` are described.

    A record has contig, position (from 1), REF, ALT, filters, and the values of FORMAT in each sample (what
    is absent is missing). They come in the order of the contigs and positions.
    """
    lines = ["##fileformat=VCFv4.2", '##FILTER=<ID=PASS,Description="All filters passed">']
    lines += [f'##FILTER=<ID={name},Description="{says}">' for name, says in filters.items()]
    lines += [f"##contig=<ID={name},length={length}>" for name, length in contigs]
    lines += [
        f'##FORMAT=<ID={name},Number={number},Type={kind},Description="{says}">'
        for name, (number, kind, says) in FORMAT.items()
    ]
    lines.append("\t".join([*FIXED, *samples]))
    for contig, position, ref, alt, passed, values in records:
        shown = [
            ":".join(str(own.get(name, "./." if name == "GT" else ".")) for name in FORMAT) for own in values
        ]
        lines.append(
            "\t".join([contig, str(position), ".", ref, alt, ".", passed, ".", ":".join(FORMAT), *shown])
        )
    with pysam.BGZFile(str(path), "wb") as compressed:
        compressed.write(("\n".join(lines) + "\n").encode())
    pysam.tabix_index(str(path), preset="vcf", force=True)


def genotype(row: tuple) -> dict[str, object]:
    """Return the fields of a VCF for a candidate in a sample."""
    if row.status == "no_alignment":
        return {"FT": "no_alignment"}
    if row.status == "low_depth":
        gt = "./."
    elif row.status in ("not_detected", "below_detection"):
        gt = "0/0"
    else:
        gt = "1/1" if row.vaf >= HOMOZYGOUS else "0/1"
    values = {"GT": gt, "DP": row.depth, "AD": f"{row.ref_count},{row.alt_count}"}
    values["AF"] = f"{row.vaf:.6g}" if row.depth else "."
    return values | {"FT": "PASS" if row.status in ("ok", "not_detected") else row.status}


def records_of(variants: pd.DataFrame) -> list[tuple]:
    """Return what a VCF says of each candidate that is there, or flagged, in any sample."""
    records = []
    for key, own in variants.groupby(VARIANT, sort=False):
        flags = sorted(set(own.status) & set(FLAGGED))
        if "ok" in set(own.status) or flags:
            passed = "PASS" if "ok" in set(own.status) else ";".join(flags)
            records.append((*key, passed, [genotype(row) for row in own.itertuples()]))
    return records
