"""The founding study's seven pairs of lines, as evidence that the analyses would find."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from common.evidence import COLUMNS, NUMBERS, evidence_table
from common.tables import write_table

ROLES = {"parental": "reference", "resistant": "target"}  # all others: other
UNITS = {
    "nqo1_activity": "nmol/min/mg",
    "nqo1_expression": "TPM",
    "mmc_shift": "log2",
    "cisplatin_shift": "log2",
}
SOURCES = {
    "nrf2_target": "target_score/scores.tsv",
    "are": "group_comparison/groups.tsv",
    "nrf2_protein": "group_comparison/groups.tsv",
    "nqo1_protein": "group_comparison/groups.tsv",
    "nqo1_activity": "group_comparison/groups.tsv",
    "nqo1": "locus_genotype/lines.tsv",
    "mmc": "dose_comparison/resistance.tsv",
    "cisplatin": "dose_comparison/resistance.tsv",
    "keap1": "variant_comparison/comparison.tsv",
    "cul3": "variant_comparison/comparison.tsv",
    "nfe2l2": "variant_comparison/comparison.tsv",
    "ihc": "biomarker_cutoff/groups.tsv",
}


def row(
    line: str, condition: str, evidence: str, value: float = np.nan, **further: object
) -> dict[str, object]:
    """Make a row of evidence; what is not said is empty, its status ok."""
    source = next((source for start, source in SOURCES.items() if evidence.startswith(start)), None)
    given = dict.fromkeys(COLUMNS) | dict.fromkeys(NUMBERS, np.nan)
    given |= {
        "line": line,
        "condition": condition,
        "role": ROLES.get(condition, "other"),
        "evidence": evidence,
    }
    return given | {"value": value, "status": "ok", "source": source, "unit": UNITS.get(evidence)} | further


def table_of(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Make a table of evidence."""
    return evidence_table(rows)


def assays(line: str, condition: str, reporter: float, nrf2: float, nqo1: float) -> list[dict[str, object]]:
    """Make the rows of reporter and blots; the call by eye is what the value says."""
    called = "absent" if nqo1 <= 0.2 else "reduced" if nqo1 <= 0.5 else "present"
    return [
        row(line, condition, "are_reporter", reporter, low=0.85 * reporter, high=1.15 * reporter, n=3),
        row(line, condition, "nrf2_protein", nrf2, low=0.85 * nrf2, high=1.15 * nrf2, n=3),
        row(line, condition, "nqo1_protein", nqo1, low=0.85 * nqo1, high=1.15 * nqo1, n=3, call=called),
    ]


def expression(
    line: str, condition: str, score: float, change: float | None = None
) -> list[dict[str, object]]:
    """Make the rows of the target genes, and of the expression of NQO1."""
    rows = [row(line, condition, "nrf2_target_score", score, n=27)]
    if change is not None:
        q = 0.001 if abs(change) > 0.2 else 0.8
        rows.append(row(line, condition, "nrf2_target_change", change, n=27, q_value=q))
    return [*rows, row(line, condition, "nqo1_expression", 80.0)]


def alleles(
    line: str, condition: str, copies: str = "two_intact", **losses: tuple[str, str, float]
) -> list[dict]:
    """Make the rows of NQO1: loci that are not carried, losses (label: hgvs_c, call, VAF), coverage."""
    loci = {"R139W": "c.415C>T", "P187S": "c.559C>T"}
    rows = [
        row(line, condition, "nqo1_allele", 0.0, item=item, label=label, effect="loss", call="ref")
        for label, item in loci.items()
        if label not in losses
    ]
    rows += [
        row(line, condition, "nqo1_allele", vaf, item=item, label=label, effect="loss", call=call)
        for label, (item, call, vaf) in losses.items()
    ]
    return [*rows, row(line, condition, "nqo1_coverage", 1.0, call=copies)]


def shift(line: str, fold: float, compound: str = "mmc") -> dict[str, object]:
    """Make the row of an IC50's fold change in the resistant line."""
    middle = float(np.log2(fold))
    return row(line, "resistant", f"{compound}_shift", middle, low=middle - 0.3, high=middle + 0.3)


def seven_lines() -> pd.DataFrame:
    """Return the evidence of the seven pairs of lines."""
    both, rows = ("parental", "resistant"), []
    genes = {"keap1": "c.1631G>A", "nfe2l2": "c.246A>C", "v512i": "c.1534G>A"}

    def variant(
        line: str, condition: str, gene: str, item: str, label: str, effect: str, vaf: float = 0.5
    ) -> None:
        zygosity = "hom" if vaf > 0.9 else "het"
        found = {"item": item, "label": label, "effect": effect, "call": zygosity}
        rows.append(row(line, condition, f"{gene}_variant", vaf, **found))

    rows += assays("RPMI2650", "parental", 1.0, 1.0, 1.0) + assays("RPMI2650", "resistant", 1.05, 0.9, 0.1)
    for condition in both:
        rows += expression("RPMI2650", condition, 0.1, None if condition == "parental" else 0.05)
        rows += alleles("RPMI2650", condition)

    rows += assays("HSC-2", "parental", 1.0, 1.1, 1.0) + assays("HSC-2", "resistant", 6.0, 3.5, 0.15)
    rows += expression("HSC-2", "parental", 0.05) + expression("HSC-2", "resistant", 1.3, 1.2)
    rows += alleles("HSC-2", "parental")
    rows += alleles("HSC-2", "resistant", "one_loss", delins=("c.340_346delinsCAG", "het", 0.5))
    variant("HSC-2", "resistant", "keap1", genes["v512i"], "V512I", "missense_in_domain")
    rows.append(shift("HSC-2", 1.0))

    rows += assays("HSC-3", "parental", 1.0, 0.9, 1.0) + assays("HSC-3", "resistant", 4.5, 3.0, 3.0)
    rows += expression("HSC-3", "parental", 0.0) + expression("HSC-3", "resistant", 1.2, 1.1)
    rows += alleles("HSC-3", "parental") + alleles("HSC-3", "resistant")
    variant("HSC-3", "resistant", "keap1", genes["keap1"], "W544*", "truncating")
    variant("HSC-3", "resistant", "keap1", "c.959G>A", "R320Q", "known_loss", 0.03)
    rows += [row("HSC-3", "parental", "nqo1_activity", 120.0, low=100, high=140, n=3)]
    rows += [row("HSC-3", "resistant", "nqo1_activity", 360.0, low=320, high=400, n=3), shift("HSC-3", 1 / 3)]

    rows += assays("HO-1-u-1", "parental", 7.0, 3.5, 3.0) + assays("HO-1-u-1", "resistant", 12.0, 4.5, 3.6)
    rows += expression("HO-1-u-1", "parental", 1.4) + expression("HO-1-u-1", "resistant", 1.9, 0.5)
    for condition, vaf in zip(both, (0.5, 0.7), strict=True):
        variant("HO-1-u-1", condition, "nfe2l2", genes["nfe2l2"], "E82D", "hotspot", vaf)
        rows += alleles("HO-1-u-1", condition)
    rows.append(shift("HO-1-u-1", 0.4))

    for line, label, item, protein in (
        ("Ca9-22", "R139W", "c.415C>T", 0.35),
        ("HSC-4", "P187S", "c.559C>T", 0.1),
    ):
        for condition in both:
            rows += assays(line, condition, 1.0, 1.0, protein)
            rows += expression(line, condition, 0.1, None if condition == "parental" else 0.0)
            rows += alleles(line, condition, "two_loss", **{label: (item, "hom", 1.0)})
        rows.append(shift(line, 1.0))
    rows += [row("Ca9-22", condition, "nqo1_exon4_skipping", 0.5, n=60) for condition in both]
    variant("HSC-4", "resistant", "nfe2l2", "c.1438del", "T480fs", "truncating")

    for condition in both:
        rows += assays("SAS", condition, 1.0, 1.0, 1.0)
        rows += expression("SAS", condition, 0.2, None if condition == "parental" else 0.0)
        rows += alleles("SAS", condition)
    rows += [shift(line, fold, "cisplatin") for line, fold in (("SAS", 2.0), ("HSC-2", 3.3), ("HSC-3", 1.7))]
    return table_of(rows)


def write_evidence(table: pd.DataFrame, folder: Path) -> Path:
    """Write the evidence as the analyses do, a file a source; return the folder."""
    folder.mkdir(exist_ok=True)
    for source, rows in table.groupby(table.source.str.partition("/")[0], sort=False):
        write_table(rows, folder / f"{source}_evidence.tsv")
    return folder
