"""A study for lollipop: the proteins of KEAP1 and NFE2L2 with their real lengths, lines and what they carry.

The genes are short: each has three exons and no bases but those of its coding sequence and 10 beside them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from coding_genome import write_fasta, write_gtf
from common.annotation import Transcript
from conftest import ROOT

LENGTHS = {"KEAP1": 624, "NFE2L2": 605, "CUL3": 768}
IDS = {"KEAP1": "ENST00000171111", "NFE2L2": "ENST00000397062", "CUL3": "ENST00000264414"}
CONTIGS = {"KEAP1": "chr19", "NFE2L2": "chr2", "CUL3": "chr2"}
STARTS = {"KEAP1": 1000, "NFE2L2": 500, "CUL3": 6000}
ROLES = {"parental": "reference", "resistant": "target"}
COMPARISON = [
    *("line", "condition", "gene", "hgvs_c", "hgvs_p_short", "consequence", "protein_start"),
    *("common_polymorphism", "comparison", "vaf_reference", "zygosity_reference", "vaf_target"),
    "zygosity_target",
]
# gene, hgvs_c, hgvs_p_short, consequence, protein_start, common_polymorphism
VARIANTS = {
    "V512I": ("KEAP1", "c.1534G>A", "p.V512I", "missense_variant&splice_region_variant", 512, "no"),
    "W544*": ("KEAP1", "c.1632G>A", "p.W544*", "stop_gained", 544, "no"),
    "fs": ("KEAP1", "c.340del", "p.D114Qfs*4", "frameshift_variant", 114, "no"),
    "G333C": ("KEAP1", "c.997G>T", "p.G333C", "missense_variant", 333, "no"),
    "R470C": ("KEAP1", "c.1408C>T", "p.R470C", "missense_variant", 470, "no"),
    "R470H": ("KEAP1", "c.1409G>A", "p.R470H", "missense_variant", 470, "no"),
    "splice": ("KEAP1", "c.1704+1del", "p.?", "splice_donor_variant", None, "no"),
    "L471": ("KEAP1", "c.1413C>G", "p.L471=", "synonymous_variant", 471, "yes"),
    "A200": ("KEAP1", "c.600C>G", "p.A200=", "synonymous_variant", 200, "no"),
    "intron": ("KEAP1", "c.639+40C>T", None, "intron_variant", None, "no"),
    "E82D": ("NFE2L2", "c.246A>C", "p.E82D", "missense_variant", 82, "no"),
}
SHARED = ("shared", 0.47, "het", 0.5, "het")
GAINED = ("gained", 0.0, "absent", 0.48, "het")
SUBCLONE = ("gained", 0.0002, "absent", 0.031, "subclonal")
LOST = ("lost", 0.2, "subclonal", 0.0, "absent")
UNKNOWN = ("not_assessable", 0.01, "not_assessable", 0.3, "subclonal")
LINES = ("HSC-2", "HSC-3", "HO-1-u-1", "HSC-4")
FOUNDING = {
    "HSC-2": {"V512I": GAINED, "L471": SHARED},
    "HSC-3": {"W544*": ("gained", 0.0, "absent", 0.51, "het"), "A200": SHARED},
    "HO-1-u-1": {"E82D": SHARED, "intron": SHARED},
    "HSC-4": {"fs": GAINED, "G333C": SUBCLONE},
}


def transcripts() -> list[Transcript]:
    """Return the genes' transcripts: KEAP1 and CUL3 on the minus strand, NFE2L2 on the plus strand."""
    made = []
    for gene, residues in LENGTHS.items():
        bases, start = 3 * (residues + 1), STARTS[gene]
        sizes = [310, 602, bases - 912 + 20]
        exons, at = [], start
        for size in sizes:
            exons.append((at, at + size))
            at += size + 100
        strand = "+" if gene == "NFE2L2" else "-"
        ordered = tuple(exons if strand == "+" else exons[::-1])
        made.append(
            Transcript(IDS[gene], f"ENSG_{gene}", gene, CONTIGS[gene], strand, ordered, (10, 10 + bases))
        )
    return made


def residues_at(gene: str, first: int, last: int) -> list[tuple[str, int, int]]:
    """Return the stretches of the genome (contig, start, end) that code for residues of a protein."""
    transcript = next(each for each in transcripts() if each.gene_name == gene)
    places = sorted(transcript.to_genome(10 + base) for base in range(3 * (first - 1), 3 * last))
    found = [[places[0], places[0]]]
    for place in places[1:]:
        if place > found[-1][1] + 1:
            found.append([place, place])
        found[-1][1] = place
    return [(transcript.contig, start, end + 1) for start, end in found]


def write_study(
    folder: Path,
    carried: Mapping[str, Mapping[str, tuple]] = FOUNDING,
    lines: Sequence[str] = LINES,
    conditions: Mapping[str, Sequence[str]] | None = None,
    unread: Mapping[tuple[str, str], tuple[str, int, int]] | None = None,
    variants: Mapping[str, tuple] = VARIANTS,
    covered: Sequence[str] = ("KEAP1", "NFE2L2"),
) -> dict[str, Path]:
    """Write a study: what lines carry, and residues (gene, first, last) that a line's condition lacks."""
    folder.mkdir(parents=True, exist_ok=True)
    samples, coverage = [], []
    for line in lines:
        for condition in (conditions or {}).get(line, ROLES):
            sample = f"{line}.{condition}"
            samples.append((sample, line, condition, ROLES.get(condition, "other")))
            for gene in covered:
                gap = (unread or {}).get((line, condition), ("", 0, -1))
                length = LENGTHS[gene]
                parts = [(1, length, "ok")]
                if gap[0] == gene:
                    ends = [(1, gap[1] - 1, "ok"), (gap[1], gap[2], "dropout"), (gap[2] + 1, length, "ok")]
                    parts = [part for part in ends if part[0] <= part[1]]
                coverage += [
                    (sample, line, condition, f"{gene}_{first}", contig, start, end, status)
                    for first, last, status in parts
                    for contig, start, end in residues_at(gene, first, last)
                ]
    rows = [
        (line, list((conditions or {}).get(line, ROLES))[-1], *variants[name], *of)
        for line in lines
        for name, of in carried.get(line, {}).items()
    ]
    columns = ["sample", "line", "condition", "amplicon", "chrom", "insert_start", "insert_end", "status"]
    tables = {
        "amplicons": pd.DataFrame(samples, columns=["sample", "line", "condition", "role"]),
        "coverage": pd.DataFrame(coverage, columns=columns),
        "comparison": pd.DataFrame(rows, columns=COMPARISON).astype({"protein_start": "Int64"}),
        "target_genes": pd.DataFrame(
            [(gene, f"{IDS[gene]};NM_1", None, None) for gene in LENGTHS],
            columns=["gene", "transcript", "cds_start", "cds_end"],
        ),
    }
    paths = {name: folder / f"{name}.tsv" for name in tables}
    for name, table in tables.items():
        table.to_csv(paths[name], sep="\t", index=False)
    genome = write_fasta({"chr2": "A" * 9500, "chr19": "C" * 4000}, folder / "genome.fa")
    annotation = write_gtf(transcripts(), folder / "genes.gtf")
    return paths | {"genome": genome, "annotation": annotation, "domains": ROOT / "assets/domains.tsv"}
