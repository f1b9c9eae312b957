"""Show named variants in the report."""

from pathlib import Path

import pandas as pd

from common.multiqc import rows_of, write_section

SHOWN = 200  # rows of the table
COLUMNS = [
    *("hgvs_c", "hgvs_p_short", "consequence", "exon", "domain", "hotspot", "hotspot_effect", "status"),
    "reason",
]


def write_report(path: Path, table: pd.DataFrame, variants: int, severity: dict[str, int]) -> None:
    """Write the report's section: the variants on the named transcripts, the most severe first.

    `table` is variants.tsv, `variants` how many were read, `severity` the rank of each term.
    """
    named = table[table.named == "yes"]
    ranks = [severity[terms.split("&")[0]] for terms in named.consequence]
    order = named.assign(rank=ranks).sort_values(["rank", "gene", "pos"], kind="stable").index
    shown = named.loc[order[:SHOWN]]
    names = [f"{row.gene} {row.chrom}:{row.pos} {row.ref}>{row.alt}" for row in shown.itertuples()]
    changing = sum(not name.endswith("=") for name in named.hgvs_p_short.dropna())
    sentence = (
        f"{variants:,} variants were found, and {len(named):,} are named on the transcripts by which their "
        f"genes' variants are called. Of these {changing:,} change the protein, or may by another splice "
        f"site, and {named.hotspot.notna().sum():,} are known changes or common polymorphisms."
    )
    if not variants:
        sentence = "No variant was found, so none was named."
    if len(named) > SHOWN:
        sentence += f" The {SHOWN} most severe are shown."
    write_section(
        path,
        "Variants and what they change",
        sentence,
        "table",
        rows_of(shown[COLUMNS].set_axis(names, axis=0)),
        settings={"col1_header": "variant"},
        table="variants.tsv",
        statuses=table.status,
        links=["variants.tsv"],
        dois=["10.1002/humu.22981", "10.1186/gb-2005-6-5-r44", "10.1186/s13059-016-0974-4"],
    )
