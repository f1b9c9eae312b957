"""A study of lines in two conditions, as tables of counted and named alleles that agree with each other.

A sample has genotypes of variants, a depth, and junction reads; the counts are drawn from them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import locus_genotype as script
import numpy as np
import pandas as pd
from common import genotype_tables as tables
from common.tables import SAMPLES, read_table

ROLES = {"parental": "reference", "resistant": "target"}
TRANSCRIPTS = {"NQO1": "ENST00000320623", "KEAP1": "ENST00000171111", "NFE2L2": "ENST00000397062"}
EXONS = {"NQO1": range(1, 7), "KEAP1": range(2, 7), "NFE2L2": range(1, 6)}  # with coding sequence
LOCI = {"R139W": "reduced", "P187S": "deficient"}
HOTSPOTS = {"E82D": "activating"}
DOMAINS = {"V512I": "Kelch/DGR;Kelch 4", "E82D": "Neh2;ETGE"}
CODING_BASES = 100  # of an exon
NAMED = [
    "gene",
    "chrom",
    "pos",
    "ref",
    "alt",
    "hgvs_c",
    "hgvs_p",
    "hgvs_p_short",
    "consequence",
    "exon",
    "protein_start",
]
VARIANTS = {
    row.split()[0]: dict(zip(NAMED, row.split()[1:], strict=True))
    for row in """
R139W  NQO1   chr16 69714966  G     A c.415C>T       p.(Arg139Trp)      p.R139W     missense_variant    4 139
P187S  NQO1   chr16 69711242  G     A c.559C>T       p.(Pro187Ser)      p.P187S     missense_variant    6 187
delins NQO1   chr16 69715000  TTGCA C c.380_384delinsG p.(Lys127fs) p.K127Sfs*9 frameshift_variant 4 127
K200R  NQO1   chr16 69711202  T     C c.599A>G       p.(Lys200Arg)      p.K200R     missense_variant    6 200
utr    NQO1   chr16 69710000  A     G c.*90T>C       -                  -           3_prime_UTR_variant 6 -
V512I  KEAP1  chr19 10489366  C     T c.1534G>A      p.(Val512Ile)      p.V512I     missense_variant    5 512
W544*  KEAP1  chr19 10489268  C     T c.1632G>A      p.(Trp544Ter)      p.W544*     stop_gained         5 544
Q75*   KEAP1  chr19 10499900  G     A c.223C>T       p.(Gln75Ter)       p.Q75*      stop_gained         2 75
L471   KEAP1  chr19 10489487  G     C c.1413C>G      p.(Leu471=)        p.L471=     synonymous_variant  4 471
Y537   KEAP1  chr19 10489289  G     A c.1611C>T      p.(Tyr537=)        p.Y537=     synonymous_variant  5 537
E82D   NFE2L2 chr2  177234071 T     G c.246A>C       p.(Glu82Asp)       p.E82D      missense_variant    2 82
S167   NFE2L2 chr2  177233500 A     G c.501T>C       p.(Ser167=)        p.S167=     synonymous_variant  4 167
L300   NFE2L2 chr2  177232000 C     T c.900G>A       p.(Leu300=)        p.L300=     synonymous_variant  5 300
""".strip().splitlines()
}
SHARES = {0: 0.001, 1: 0.5, 2: 0.999}
NO_ALIGNMENT = {"status": "no_alignment", "reason": "no BAM or CRAM"}
OK = {"status": "ok", "reason": ""}
# Lines of the founding study: HSC-2 gains a deletion, Ca9-22 has R139W, HSC-4 P187S.
BACKGROUND = {
    "HSC-2": {"L471": 1, "Y537": 0, "S167": 2, "L300": 1},
    "HSC-3": {"L471": 2, "Y537": 1, "S167": 0, "L300": 1},
    "HO-1-u-1": {"L471": 0, "Y537": 2, "S167": 1, "L300": 0, "E82D": 1},
    "Ca9-22": {"L471": 1, "Y537": 1, "S167": 1, "L300": 2, "R139W": 2},
    "HSC-4": {"L471": 2, "Y537": 0, "S167": 2, "L300": 2, "P187S": 2},
}
GAINED = {"HSC-2": {"delins": 1, "V512I": 1}, "HSC-3": {"W544*": 0.3}}
COLUMNS = {
    "samples": "sample line condition role replicate",
    "alleles": "sample gene locus source chrom pos ref alt depth ref_count alt_count other_count alt_forward "
    "alt_reverse alt_base_quality alt_read_position status reason",
    "coverage": "sample gene transcript exon c_start c_end min_depth fragments status reason",
    "junctions": "sample gene transcript exon skipping_reads upstream_reads downstream_reads status reason",
    "linkage": "sample gene variant_1 variant_2 ref_ref ref_alt alt_ref alt_alt",
    "variants": "chrom pos ref alt gene transcript named hgvs_c hgvs_p hgvs_p_short consequence exon codon "
    "protein_start protein_end domain hotspot hotspot_effect status reason",
    "loci": "gene transcript hgvs_c hgvs_p rs_id effect source",
    "skipping": "gene transcript exon meaning source",
}


@dataclass
class Sample:
    """A sample: genotypes by variant (0, 1, 2 copies, or a share), and what its reads are like."""

    name: str
    line: str = "HSC-2"
    condition: str = "parental"
    genotypes: Mapping[str, float] = field(default_factory=dict)
    depth: int = 120
    skipped: float = 0.02  # of the transcripts, without exon 4 of NQO1
    junction_reads: int = 100
    tpm: float = 50.0
    aligned: bool = True


@dataclass
class Study:
    """Samples, and what differs from what they would have.

    `variants` are those counted, by default the loci and what a sample has. `linkage` has rows of sample, two
    variants and four counts; `unplaced` are loci that were not found, with status and reason; `changes` are
    of counted rows, by sample and variant; `thinnest` is the depth at an exon's thinnest place.
    """

    samples: Sequence[Sample]
    variants: Sequence[str] | None = None
    dna: Sequence[str] = ()
    linkage: Sequence[tuple] = ()
    unplaced: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    changes: Mapping[tuple[str, str], Mapping[str, object]] = field(default_factory=dict)
    thinnest: Mapping[tuple[str, str, int], int] = field(default_factory=dict)
    tpm: bool = True
    seed: int = 1


def founding_samples(replicates: int = 2) -> list[Sample]:
    short = {"parental": "P", "resistant": "CR"}
    return [
        Sample(
            f"{line}{short[condition]}_{replicate}",
            line,
            condition,
            genotypes | (GAINED.get(line, {}) if condition == "resistant" else {}),
        )
        for line, genotypes in BACKGROUND.items()
        for condition in ROLES
        for replicate in range(1, replicates + 1)
    ]


def spelled(name: str) -> str:
    return "{chrom}:{pos}:{ref}>{alt}".format(**VARIANTS[name])


def alleles_of(study: Study, names: Sequence[str]) -> list[dict[str, object]]:
    draw = np.random.default_rng(study.seed)
    rows = []
    for sample in study.samples:
        for name in names:
            about = VARIANTS[name]
            row: dict[str, object] = {"sample": sample.name, "gene": about["gene"]}
            row["locus"] = about["hgvs_c"] if name in LOCI else ""
            row["source"] = "locus" if name in LOCI else "dna,rna" if name in study.dna else "rna"
            if name in study.unplaced:
                rows.append(row | dict(zip(("status", "reason"), study.unplaced[name], strict=True)))
                continue
            row |= {column: about[column] for column in ("chrom", "pos", "ref", "alt")}
            if not sample.aligned:
                rows.append(row | NO_ALIGNMENT)
                continue
            copies = sample.genotypes.get(name, 0)
            alt = int(draw.binomial(sample.depth, SHARES.get(copies, copies)))
            forward = int(draw.binomial(alt, 0.5))
            row |= {
                "depth": sample.depth,
                "ref_count": sample.depth - alt,
                "alt_count": alt,
                "other_count": 0,
            }
            row |= {"alt_forward": forward, "alt_reverse": alt - forward} | OK
            row |= {"alt_base_quality": 35, "alt_read_position": 24} if alt else {}
            rows.append(row | dict(study.changes.get((sample.name, name), {})))
    return rows


def coverage_of(study: Study) -> list[dict[str, object]]:
    rows = []
    for sample in study.samples:
        for gene, exons in EXONS.items():
            for exon in exons:
                least = study.thinnest.get((sample.name, gene, exon), int(0.9 * sample.depth))
                counts = {"min_depth": least, "fragments": sample.depth * 10} | OK
                row = {"sample": sample.name, "gene": gene, "transcript": TRANSCRIPTS[gene], "exon": exon}
                row |= {"c_start": CODING_BASES * (exon - 1) + 1, "c_end": CODING_BASES * exon}
                rows.append(row | (counts if sample.aligned else NO_ALIGNMENT))
    return rows


def junctions_of(study: Study) -> list[dict[str, object]]:
    rows = []
    for sample in study.samples:
        for gene, exon, skipped in (("NQO1", 4, sample.skipped), ("NFE2L2", 2, 0)):
            skipping = round(skipped * sample.junction_reads)
            kept = sample.junction_reads - skipping
            counts = {"skipping_reads": skipping, "upstream_reads": kept, "downstream_reads": kept} | OK
            row = {"sample": sample.name, "gene": gene, "transcript": TRANSCRIPTS[gene], "exon": exon}
            rows.append(row | (counts if sample.aligned else NO_ALIGNMENT))
    return rows


def write_study(study: Study, folder: Path) -> dict[str, Path]:
    """Write the inputs of locus_genotype, and return them by option."""
    folder.mkdir(parents=True, exist_ok=True)
    names = study.variants
    if names is None:
        names = dict.fromkeys([*LOCI, *(name for sample in study.samples for name in sample.genotypes)])
    named = [
        {column: "" if value == "-" else value for column, value in VARIANTS[name].items()}
        | {"transcript": TRANSCRIPTS[VARIANTS[name]["gene"]], "named": "yes", "hotspot": HOTSPOTS.get(name)}
        | {"hotspot_effect": HOTSPOTS.get(name), "domain": DOMAINS.get(name), "status": "ok"}
        for name in names
        if name not in study.unplaced
    ]
    rows = {
        "samples": [
            {"sample": each.name, "line": each.line, "condition": each.condition, "replicate": 1}
            | {"role": ROLES.get(each.condition, "other")}
            for each in study.samples
        ],
        "alleles": alleles_of(study, list(names)),
        "coverage": coverage_of(study),
        "junctions": junctions_of(study),
        "linkage": [
            dict(zip(COLUMNS["linkage"].split(), row, strict=True))
            for row in (
                (sample, VARIANTS[one]["gene"], spelled(one), spelled(two), *counts)
                for sample, one, two, *counts in study.linkage
            )
        ],
        "variants": named,
        "loci": [
            {"gene": "NQO1", "transcript": TRANSCRIPTS["NQO1"], "rs_id": "rs1", "effect": effect}
            | {"hgvs_c": VARIANTS[name]["hgvs_c"], "hgvs_p": VARIANTS[name]["hgvs_p_short"]}
            for name, effect in LOCI.items()
        ],
        "skipping": [
            {"gene": gene, "transcript": TRANSCRIPTS[gene], "exon": exon, "meaning": meaning}
            for gene, exon, meaning in (
                ("NQO1", 4, "the protein lacks codons"),
                ("NFE2L2", 2, "it is active"),
            )
        ],
    }
    for name, table in rows.items():
        frame = pd.DataFrame(table).reindex(columns=COLUMNS[name].split())
        frame.to_csv(folder / f"{name}.tsv", sep="\t", index=False)
    if study.tpm:
        (folder / "tpm").mkdir()
        tpm = pd.DataFrame({"gene_id": TRANSCRIPTS.values(), "gene_name": list(TRANSCRIPTS)})
        tpm = tpm.assign(**{sample.name: [sample.tpm, 30.0, 30.0] for sample in study.samples})
        tpm.to_csv(folder / "tpm/tpm.tsv", sep="\t", index=False)
    return {name: folder / f"{name}.tsv" for name in rows} | {"tpm": folder / "tpm"}


def analysed(study: Study, folder: Path, depth: int = 20) -> dict[str, pd.DataFrame]:
    """Write a study and analyse it, without figures and sections."""
    paths = write_study(study, folder / "inputs")
    loci = read_table(paths["loci"], tables.LOCI)
    counted = read_table(paths["alleles"], tables.ALLELES)
    covered = read_table(paths["coverage"], tables.COVERAGE)
    names = read_table(paths["variants"], tables.VARIANTS)
    samples = read_table(paths["samples"], SAMPLES)
    given = script.Tables(
        samples,
        tables.describe(counted, names, loci, script.effect_of),
        covered,
        read_table(paths["junctions"], tables.JUNCTIONS),
        read_table(paths["linkage"], tables.LINKAGE),
        tables.read_tpm(paths["tpm"], set(covered.gene), list(samples["sample"])),
    )
    thresholds = script.Thresholds(depth, 10)
    return script.analyse(given, read_table(paths["skipping"], tables.SKIPPING), loci, thresholds)


def pair(parental: dict, resistant: dict, **further: object) -> list[Sample]:
    """Make a line of one parental and one resistant sample."""
    return [
        Sample("P", "HSC-2", "parental", parental, **further),
        Sample("CR", "HSC-2", "resistant", resistant, **further),
    ]
