"""Draw the shapes of the simulated study's genes: those that are read as they are, the others at random."""

import numpy as np
import pandas as pd

from common.mini_genome import Design, Isoform, split_length
from common.study_design import SHAPES

CONTIGS = tuple(f"chr{name}" for name in [*range(1, 23), "X"])
EXONS, EXON_MIN, TRANSCRIPT_LENGTHS = (2, 6), 60, (600, 2500)
SHARE_TWO_ISOFORMS = 0.15


def draw_designs(random: np.random.Generator, table: pd.DataFrame) -> list[Design]:
    """Draw the shapes of all genes of a table (gene_id, gene_name), in its order."""
    designs = []
    for number, (gene_id, name) in enumerate(zip(table.gene_id, table.gene_name, strict=True), start=1):
        exons = random.integers(EXONS[0], EXONS[1] + 1)
        length = int(np.exp(random.uniform(*np.log(TRANSCRIPT_LENGTHS))))
        lengths = tuple(map(int, split_length(random, length, exons, EXON_MIN)))
        contig, strand = CONTIGS[random.integers(len(CONTIGS))], "+-"[random.integers(2)]
        left_out = int(random.integers(1, exons - 1)) if exons > 2 else None
        two = left_out is not None and random.random() < SHARE_TWO_ISOFORMS
        first = int(random.integers(30, length // 6))
        coding = (first, first + 3 * int((0.8 * length - first) // 3))
        isoforms = (Isoform(f"SIMT{2 * number - 1:011d}.1", None, True),)
        isoforms += (Isoform(f"SIMT{2 * number:011d}.1", left_out, False),) if two else ()
        if name in SHAPES:
            shape = SHAPES[name]
            lengths, contig, strand = shape.exons, shape.contig, "-"
            coding = (shape.cds_start - 1, shape.cds_start + 2 + 3 * shape.residues)
            isoforms = (Isoform(shape.transcript_id, None, True),)
            if shape.skipped:
                isoforms += (Isoform(shape.skipped[1], shape.skipped[0] - 1, True),)
        elif gene_id.startswith(name):
            coding, isoforms = None, tuple(each._replace(coding=False) for each in isoforms)
        codons = SHAPES[name].codons if name in SHAPES else {}
        designs.append(Design(gene_id, name, contig, strand, lengths, coding, isoforms, codons))
    return designs
