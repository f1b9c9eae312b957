"""Read the coding exons of genes from a GTF; unite regions, and find what they share."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from common.genome_bases import plain_contig

REGION = {"gene": "str", "contig": "str", "start": "int64", "end": "int64"}
PLACE = ["contig", "start", "end"]
NAME = re.compile(r'\bgene_name "([^"]+)"')
OTHER_NAMES = (re.compile(r'\bgene "([^"]+)"'), re.compile(r'\bgene_id "([^"]+)"'))


def read_coding(gtf: Path) -> pd.DataFrame:
    """Return the coding exons of all transcripts, stop codons with them: gene, contig (plain), start, end.

    Positions count from 0, ends are exclusive. Exons that transcripts share come once.
    """
    found = set()
    with gtf.open() as lines:
        for line in lines:
            if "\tCDS\t" not in line and "\tstop_codon\t" not in line:
                continue
            fields = line.split("\t")
            if len(fields) < 9 or fields[2] not in ("CDS", "stop_codon"):
                continue
            name = NAME.search(fields[8])
            for other in OTHER_NAMES:
                name = name or other.search(fields[8])
            if name:
                found.add((name[1], plain_contig(fields[0]), int(fields[3]) - 1, int(fields[4])))
    return pd.DataFrame(sorted(found), columns=list(REGION)).astype(REGION)


def united(regions: pd.DataFrame) -> pd.DataFrame:
    """Unite regions that overlap or touch (contig, start, end)."""
    regions = regions[PLACE].sort_values(PLACE, ignore_index=True)
    furthest = regions.groupby("contig", sort=False).end.cummax()
    begins = (regions.contig != regions.contig.shift()) | (regions.start > furthest.shift())
    first = {"contig": ("contig", "first"), "start": ("start", "min"), "end": ("end", "max")}
    return regions.groupby(begins.cumsum()).agg(**first).reset_index(drop=True)


def shared(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Return what two sets of united regions share."""
    parts = [one[:0]]
    for contig, left in one.groupby("contig", sort=False):
        right = other[other.contig == contig]
        first = np.searchsorted(right.end.to_numpy(), left.start.to_numpy(), side="right")
        behind = np.searchsorted(right.start.to_numpy(), left.end.to_numpy(), side="left")
        hits = np.maximum(behind - first, 0)
        ours = left.iloc[np.repeat(np.arange(len(left)), hits)]
        within = np.arange(hits.sum()) - np.repeat(np.cumsum(hits) - hits, hits)
        theirs = right.iloc[np.repeat(first, hits) + within]
        start = np.maximum(ours.start.to_numpy(), theirs.start.to_numpy())
        end = np.minimum(ours.end.to_numpy(), theirs.end.to_numpy())
        parts.append(pd.DataFrame({"contig": contig, "start": start, "end": end}))
    return pd.concat(parts, ignore_index=True)
