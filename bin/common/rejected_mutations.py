"""List mutations that do not count, and say why."""

import numpy as np
import pandas as pd

from common.genome_bases import BASES

REJECTED = ["cohort", "sample", "gene", "chrom", "position", "ref", "alt", "status", "reason"]
# Why a mutation does not count.
REASONS = {
    "not_counted": "of a sample that does not count",
    "indel": "an insertion or deletion",
    "longer_substitution": "three or more bases in a row",
    "not_a_base": "alleles other than A, C, G, T",
    "no_change": "both alleles are the same",
    "shared_base": "a doublet of which one base does not change",
    "unknown_contig": "the genome has no such contig",
    "outside_contig": "beyond the end of the contig",
    "wrong_ref": "the {source} has {base} there",
    "duplicate": "the same again in this sample",
    "contig_end": "a base at the end of a contig has one neighbour",
    "unknown_context": "the base or a neighbour is not known (N)",
    "no_context": "without context in the MAF",
}
CODE = {status: code for code, status in enumerate(REASONS, start=1)}  # 0: it counts


def rejected_rows(
    table: pd.DataFrame,
    state: np.ndarray,
    listed: np.ndarray,
    events: pd.DataFrame,
    status: np.ndarray,
    origin: np.ndarray,
) -> pd.DataFrame:
    """List rows that do not count, with status and reason."""
    by_genome = origin[events.owner] == "genome"
    bases = np.where(by_genome, events.genome_middle, events.middle)
    wrong = (status == CODE["wrong_ref"]) & (bases != events.ref)  # of a doublet, the base that differs
    found = np.zeros(len(table), dtype=np.uint8)
    found[events.row[wrong]] = bases[wrong] + 4 * by_genome[wrong]
    words = [
        REASONS["wrong_ref"].format(source=name, base=base)
        for name in ("MAF's context", "genome")
        for base in BASES
    ]
    rows = np.nonzero(listed)[0]
    code = state[rows]
    reason = np.array(["", *REASONS.values()], dtype=object)[code]
    differs = code == CODE["wrong_ref"]
    reason[differs] = np.array(words, dtype=object)[found[rows[differs]]]
    result = table.iloc[rows].assign(status=np.array(["", *REASONS])[code], reason=reason)
    return result[REJECTED].reset_index(drop=True)
