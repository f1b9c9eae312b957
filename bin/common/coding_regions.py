"""Read the coding exons of genes from a GTF."""

import re
from pathlib import Path

import pandas as pd

from common.genome_bases import plain_contig

REGION = {"gene": "str", "contig": "str", "start": "int64", "end": "int64"}
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
