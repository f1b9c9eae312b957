"""Put the variants of the KEAP1-NRF2 axis, and genes without any, into rows of evidence for the call."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from common.annotation import Transcript
from common.evidence import evidence_table
from common.target_sites import reason_for
from common.variant_comparison_tables import GROUP, SITE

AXIS = {"NFE2L2": "nfe2l2_variant", "KEAP1": "keap1_variant", "CUL3": "cul3_variant"}
COVERAGE = dict.fromkeys(["line", "condition", "amplicon", "chrom", "status", "reason"], "str")
COVERAGE |= {"insert_start": "int64", "insert_end": "int64", "min_depth": "float64"}
SHARE = "share"  # the unit
SOURCE = "variant_comparison/comparison.tsv"
Row = dict[str, object]


def start(place: Sequence[str], gene: str) -> Row:
    """Begin a row of evidence: whose it is, and of which gene."""
    return dict(zip(GROUP, place, strict=True)) | {"evidence": AXIS[gene], "source": SOURCE}


def short(name: Mapping[str, object]) -> str:
    """Name a variant in few letters: its protein change, or else its coding change."""
    protein = name["hgvs_p_short"]
    return str(protein).removeprefix("p.") if protein not in (None, "p.?", "p.=") else str(name["hgvs_c"])


def variant_rows(
    pools: pd.DataFrame,
    names: pd.DataFrame,
    known_effect: Callable[..., str | None],
    finding: Callable[[tuple, bool], tuple[str | None, str, str] | None],
) -> Iterator[Row]:
    """Yield a row a condition and variant that it has or may have."""
    having = {
        (row.line, *(getattr(row, column) for column in SITE))
        for row in pools[pools.state == "present"].itertuples()
    }
    about = {}
    for name in names[names.gene.isin(AXIS)].to_dict("records"):
        effect = known_effect(*(name[key] for key in ("gene", "consequence", "domain", "hotspot_effect")))
        if effect:
            about[tuple(name[column] for column in SITE)] = name | {"effect": effect}
    for row in pools.itertuples():
        site = tuple(getattr(row, column) for column in SITE)
        found = finding(row, (row.line, *site) in having) if site in about else None
        if found:
            name, (call, status, reason) = about[site], found
            made = start((row.line, row.condition, row.role), name["gene"])
            made |= {"item": name["hgvs_c"], "label": short(name), "effect": name["effect"], "unit": SHARE}
            made |= {"value": row.vaf, "low": row.vaf_low, "high": row.vaf_high, "n": row.depth}
            yield made | {"call": call, "status": status, "reason": reason}


def coding_bases(transcript: Transcript) -> np.ndarray:
    """Return the positions of the genome of a coding sequence, in order."""
    first, end = transcript.cds
    return np.sort([transcript.to_genome(offset) for offset in range(first, end)])


def held(bases: np.ndarray, inserts: pd.DataFrame) -> np.ndarray:
    """Tell which bases each insert (insert_start, insert_end) holds: inserts x bases."""
    ends = inserts[["insert_start", "insert_end"]].to_numpy()
    return (bases >= ends[:, :1]) & (bases < ends[:, 1:])


def absence_rows(
    rows: Sequence[Row],
    study: pd.DataFrame,
    coverage: pd.DataFrame,
    targets: Mapping[str, Transcript | str],
    ids: Mapping[str, str],
    absence: Callable[[pd.DataFrame, float], tuple[str, str]],
) -> Iterator[Row]:
    """Yield a row a condition and gene in which nothing is, or in which more may be: it was not all read.

    `rows` are those of variants. A gene of which no amplicon holds a coding base has none.
    """
    having = {(row["line"], row["condition"], row["evidence"]) for row in rows}
    for gene, target in ((gene, targets[gene]) for gene in AXIS if gene in targets):
        bases = coding_bases(target) if isinstance(target, Transcript) else np.empty(0)
        for place in study[GROUP].drop_duplicates().itertuples(index=False, name=None):
            made = start(place, gene)
            if isinstance(target, str):
                yield made | {"status": target, "reason": reason_for(target, ids[gene])}
                continue
            own = coverage[(coverage.line == place[0]) & (coverage.condition == place[1])]
            own = own[own.chrom == target.contig]
            inside = held(bases, own)
            own, read = own[inside.any(axis=1)], inside.any(axis=0).mean()
            if own.empty:
                continue
            status, reason = absence(own, read)
            made |= {"n": own.groupby("amplicon").min_depth.max().min(), "status": status, "reason": reason}
            if status != "ok":
                yield made
            elif (*place[:2], AXIS[gene]) not in having:
                yield made | {"value": 0.0, "unit": SHARE, "call": "absent"}


def in_order(rows: Sequence[Row], study: pd.DataFrame) -> pd.DataFrame:
    """Make a table of rows: lines and conditions as in the sheet, genes as in AXIS."""
    places = study[["line", "condition"]].drop_duplicates().itertuples(index=False, name=None)
    order = {place: number for number, place in enumerate(places)}
    kinds = list(AXIS.values())
    return evidence_table(
        sorted(rows, key=lambda row: (order[row["line"], row["condition"]], kinds.index(row["evidence"])))
    )
