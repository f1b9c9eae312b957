#!/usr/bin/env python3
"""Simulate a whole study with known truth, from one seed: lines, their resistant sublines, and what differs.

Every part (genes, expression, genome, variants, reads) is drawn from streams of its own, keyed by part,
line and sample: a part that is added changes no other, and a line is the same in a study of any size.

Expression
  Genes      the NRF2 targets and other named genes, up to 45 of each set that effects are planted in, 22 of
             each other Hallmark set, and 100 novel genes in no set. A tenth is not expressed; what a
             programme moves always is.
  Mean       log2 abundance = baseline + line + programmes + drift. Baseline: normal over genes. Line: normal
             per line and gene, its SD a gamma variable of the gene (mean 0.8): lines differ strongly.
             Programmes: a line's activity in a condition times the gene's response, times `effects`.
             Drift: in each line, 8 % of genes change with resistance at random (normal, SD 0.7), up or
             down, independently of each other: what a subcloned line shows without any common cause.
  Programmes nrf2 moves every target by log2 1-2.5 and a random 60 % of four gene sets by 0.5-1.5 per unit of
             activity; NFE2L2, KEAP1 and CUL3 themselves stay, for NRF2 is activated as a protein.
             platinum_transport moves single genes and no set; the others move one set each.
  Targets    barely differ between lines (SD 0.3) and do not drift: their mean is the state of the axis.
  Counts     fragments of each gene: 55,000 a library times a log-uniform factor from 0.85 to 1.15, negative
             binomial, variance = mean + dispersion * mean^2. Dispersion = (0.01 + 0.5 / mean count over
             lines) times a log-normal factor of the gene (SD 0.3): the form of the trend in real studies
             (Love et al. 2014, doi:10.1186/s13059-014-0550-8). One sample has no NQO1 at all.

Genome
  Genes      NQO1, KEAP1, NFE2L2 and CUL3 lie on their contigs of GRCh38 and on its minus strand, with the
             exons of their transcripts in GENCODE (3' untranslated regions of NQO1 and CUL3 shortened) and
             their protein lengths. The others have 2-6 exons and 600-2,500 bases, a part of them a second
             isoform that skips an exon. All sequence is random, but for start and stop, introns GT..AG,
             and the codons where alleles are planted.
  Alleles    in NQO1, KEAP1 and NFE2L2 by line and condition, as in the founding study; each has a share of
             the gene's RNA. Common polymorphisms, synonymous and in Hardy-Weinberg equilibrium (frequency
             0.4), are in each line the same in both conditions.
  Skipping   of NQO1 exon 4 in 3 % of transcripts, and in half of them where c.415C>T is homozygous (which
             promotes it: Pan et al. 1995, Cancer Res 55:3263).

Reads
  Fragments  of spliced molecules, length normal (180, 50) from 40 to 400, denser towards the 3' end (twice
             as dense at its end as at the other, in poly(A) libraries), stranded by dUTP: mate 1 is reverse.
  Pairs      2 x 100 bases; quality falls along the read in steps, errors have the chance that it states.
             What is shorter than a read goes on into the adapters of MGI/DNBSEQ.
  Others     1 % of pairs come from introns and between genes, of either strand; 0.5 % from no genome.

Truth (truth/): counts.tsv (fragments drawn of each gene), genes.tsv (log2 fold changes by contrast),
gene_sets.tsv (direction of each planted set by contrast), calls.tsv (each line and condition), genotypes.tsv
(planted alleles by sample), variants.tsv (what each line carries), skipping.tsv.

With `effects` 0 nothing is planted: libraries, lines, drift and polymorphisms stay. It is the negative
control.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
from common.cli import FOLDER, RESULTS, InputError, Script
from common.gene_sets import GeneSet, read_collections
from common.mini_genome import (
    GENETIC_CODE,
    THREE_LETTERS,
    Design,
    Gene,
    Isoform,
    draw_genome,
    gtf_rows,
    split_length,
)
from common.multiqc import write_versions
from common.sequence_files import (
    decode,
    encode,
    fastq_records,
    reverse_complement,
    write_fasta,
    write_gtf,
    write_gzip,
)
from common.simulated_reads import (
    Chemistry,
    Molecules,
    draw_fragments,
    draw_from_places,
    draw_qualities,
    mixed,
    sequence,
)
from common.tables import write_table

CONDITIONS = ("parental", "resistant")
SHORT = {"parental": "P", "resistant": "CR"}  # in sample names, as the founding study has them

NRF2_TARGETS = (
    *("GCLC", "GCLM", "SLC7A11", "TXNRD1", "SRXN1", "TXN", "GSR", "PRDX1", "G6PD", "PGD", "TALDO1", "TKT"),
    *("ME1", "OSGIN1", "AKR1B10", "AKR1C1", "AKR1C2", "AKR1C3", "ABCC2", "ABCC3", "CBR1", "CBR3", "GPX2"),
    *("UGDH", "ALDH3A1", "TRIM16L", "PIR", "NQO1", "HMOX1"),
)
NRF2_REGULATORS = ("NFE2L2", "KEAP1", "CUL3")
PLATINUM_GENES = {  # log2 per unit of activity: less uptake, more export, binding, bypass and repair
    **{"SLC31A1": -1.5, "LRRC8A": -1.2, "LRRC8D": -1.2, "ATP7A": 1.0, "ATP7B": 1.5, "ERCC1": 1.0, "XPA": 0.8},
    **{"TMEM205": 1.2, "MT1X": 1.4, "MT2A": 1.3, "POLH": 1.1, "REV3L": 1.1, "ATOX1": 1.1, "MLH1": -1.2},
}
OTHER_GENES = (  # of the gene panels, besides those above
    *("ACSL4", "AIFM2", "ALOX15", "BACH1", "BAX", "BBC3", "BTG2", "BTRC", "CDKN1A", "CYB5R3", "DDB2", "FAS"),
    *("FTH1", "FTL", "GADD45A", "GCH1", "GDF15", "GPX4", "GSK3B", "GSS", "GSTP1", "IDH1", "IREB2", "LPCAT3"),
    *(
        "MAFF",
        "MAFG",
        "MAFK",
        "MDM2",
        "NCOA4",
        "PCBP1",
        "PGLS",
        "POR",
        "RBX1",
        "RPE",
        "RPIA",
        "RRM2B",
        "SAT1",
    ),
    *("SLC11A2", "SLC3A2", "SLC40A1", "SQSTM1", "STEAP3", "TFRC", "TP53", "VDAC2", "VDAC3", "XPC", "ZMAT3"),
)


class Programme(NamedTuple):
    """Gene sets that move together: identifiers, and the range of responses in log2 per unit of activity."""

    sets: tuple[str, ...]
    low: float
    high: float


PROGRAMMES = {
    "nrf2": Programme(
        (
            *("HALLMARK_XENOBIOTIC_METABOLISM", "HALLMARK_REACTIVE_OXYGEN_SPECIES_PATHWAY"),
            *("WP2884", "WP4313"),  # NRF2 pathway, ferroptosis
        ),
        0.5,
        1.5,
    ),
    "platinum_transport": Programme((), 0, 0),
    "mesenchymal": Programme(("HALLMARK_EPITHELIAL_MESENCHYMAL_TRANSITION",), 0.5, 1.5),
    "interferon": Programme(("HALLMARK_INTERFERON_ALPHA_RESPONSE",), -1.5, -0.5),
}


class Shape(NamedTuple):
    """A gene whose sequence is read: its transcript in GENCODE and what is planted in it."""

    transcript_id: str
    contig: str
    exons: tuple[int, ...]  # lengths
    cds_start: int  # in the transcript, from 1
    residues: int
    codons: Mapping[int, str]
    skipped: tuple[int, str] | None = None  # the exon, from 1, that a second isoform skips, and its id


SHAPES = {
    "KEAP1": Shape(
        *("ENST00000171111.10", "chr19", (116, 686, 686, 206, 177, 694), 164, 624),
        {512: "GTC", 544: "TGG"},
    ),
    "NFE2L2": Shape("ENST00000397062.8", "chr2", (196, 267, 90, 192, 1701), 152, 605, {82: "GAA"}),
    "CUL3": Shape(
        *("ENST00000264414.9", "chr2"),
        (420, 198, 114, 161, 115, 229, 146, 177, 171, 108, 125, 97, 135, 187, 146, 582),
        *(355, 768, {}),
    ),
    "NQO1": Shape(
        *("ENST00000320623.10", "chr16", (128, 165, 131, 114, 102, 806), 122, 274),
        {113: "CTG", 114: "GAT", 115: "TCA", 116: "CTG", 117: "CAA", 118: "GTA", 119: "ACC"}
        | {139: "CGG", 187: "CCT"},
        (4, "SIMT00000000000.1"),
    ),
}


class Allele(NamedTuple):
    """A variant to plant: the bases that it replaces, from this base of the coding sequence on."""

    gene: str
    base: int
    ref: str
    alt: str
    hgvs_c: str
    hgvs_p: str


ALLELES = {
    "V512I": Allele("KEAP1", 1534, "G", "A", "c.1534G>A", "p.Val512Ile"),
    "W544*": Allele("KEAP1", 1631, "G", "A", "c.1631G>A", "p.Trp544Ter"),
    "E82D": Allele("NFE2L2", 246, "A", "C", "c.246A>C", "p.Glu82Asp"),
    # GATT is lost, CA stays, C becomes G: in this frame a stop follows two codons later.
    "delins": Allele("NQO1", 340, "GATTCAC", "CAG", "c.340_346delinsCAG", "p.Asp114GlnfsTer4"),
    "R139W": Allele("NQO1", 415, "C", "T", "c.415C>T", "p.Arg139Trp"),
    "P187S": Allele("NQO1", 559, "C", "T", "c.559C>T", "p.Pro187Ser"),
}


class Line(NamedTuple):
    """A pair of lines; each pair of values is (parental, resistant)."""

    name: str
    activity: Mapping[str, tuple[float, float]]  # of programmes
    nqo1_functional: tuple[str, str]
    alleles: Mapping[str, tuple[float, float]] = {}  # share of the gene's RNA: 0 has it not, 1 is homozygous
    skipping: tuple[float, float] | None = None  # share of NQO1's transcripts without exon 4; else the usual


STUDY_LINES = (
    Line("RPMI2650", {}, ("yes", "no")),
    Line("HSC-2", {"nrf2": (0, 1)}, ("yes", "no"), {"V512I": (0, 0.5), "delins": (0, 0.5)}),
    # Nonsense-mediated decay leaves little RNA of the truncated allele.
    Line("HSC-3", {"nrf2": (0, 0.9)}, ("yes", "yes"), {"W544*": (0, 0.2)}),
    Line("HO-1-u-1", {"nrf2": (1, 1.35)}, ("yes", "yes"), {"E82D": (0.5, 0.7)}),
    Line("Ca9-22", {"mesenchymal": (0, 1)}, ("no", "no"), {"R139W": (1, 1)}, (0.5, 0.5)),
    Line("HSC-4", {"platinum_transport": (0, 1)}, ("no", "no"), {"P187S": (1, 1)}),
    Line("SAS", {"interferon": (0, 1)}, ("yes", "yes")),
)
WITHOUT_NQO1 = ("HSC-4", "parental", 2)  # a sample: line, condition, replicate
# Further lines, SIM-08 to SIM-50, behave as the seven do, in turn.
LINES = STUDY_LINES + tuple(
    STUDY_LINES[number % len(STUDY_LINES)]._replace(name=f"SIM-{number + 1:02d}")
    for number in range(len(STUDY_LINES), 50)
)
SMALL = ("HSC-2", "HSC-3", "HO-1-u-1", "HSC-4")
SIZES = {  # lines, replicates per line and condition
    "small": ([line for line in LINES if line.name in SMALL], 2),
    "medium": (list(STUDY_LINES), 3),
    "large": (list(LINES), 3),
}

MEMBERS_PLANTED, MEMBERS_OTHER, NOVEL_GENES = 45, 22, 100
SHARE_SILENT = 0.1
SHARE_RESPONDING = 0.6
SHARE_DRIFTING = 0.08
BASELINE = {  # log2 fragments: mean, SD
    **{"expressed": (4.8, 1.0), "moved": (5.7, 0.6), "target": (6.3, 0.4), "platinum": (7.8, 0.4)},
    "silent": (-5.0, 1.5),
}
READ_GENES = {"NQO1": 1000, "KEAP1": 600, "NFE2L2": 500, "CUL3": 550}  # fragments: enough to see alleles
TARGET_RESPONSE = (1.0, 2.5)
LINE_SD_SHAPE, LINE_SD_MEAN, LINE_SD_TARGETS, LINE_SD_READ_GENES = 4.0, 0.8, 0.3, 0.15
DRIFT_SD = 0.7
FRAGMENTS = 55_000
LIBRARY_FACTORS = (0.85, 1.15)
DISPERSION_AT_HIGH_MEAN, DISPERSION_SLOPE, DISPERSION_SD = 0.01, 0.5, 0.3

CONTIGS = tuple(f"chr{name}" for name in [*range(1, 23), "X"])
EXONS, EXON_MIN, TRANSCRIPT_LENGTHS = (2, 6), 60, (600, 2500)
INTRONS, SPACERS = (100, 400), (300, 900)  # lengths
SHARE_TWO_ISOFORMS, MINOR_ISOFORM = 0.15, (0.15, 0.5)
SKIPPING = 0.03  # of NQO1 exon 4
SNPS_READ_GENE, SNPS_ELSEWHERE, SNP_FREQUENCY = 4, 45, 0.4
SNP_DIFFERENCES = 4  # between any two lines of the study, in the genes that are read
SNP_FROM_ALLELE, SNP_FROM_EDGE = 20, 5  # bases
SNP_BASELINE = 5.0  # log2 fragments, or more

CHEMISTRY = Chemistry(
    cycles=100,
    fragment_mean=180,
    fragment_sd=50,
    fragment_range=(40, 400),
    three_prime_bias=0.7,
    adapters=("AAGTCGGAGGCCAAGCGGTCTTAGGAAGACAA", "AAGTCGGATCGTAGCCATGTCGTTCTGTGAGCCAAGGAGTTG"),
    phred=(36, 27, 18, 9),
    decay=(0.05, 0.08),
    profiles=4096,
)
SHARE_GENOMIC, SHARE_FOREIGN, FOREIGN_LENGTH = 0.01, 0.005, 100_000
FLOW_CELL = "V300000001L1C001R001"

# Streams of random numbers. Later parts are appended: the key is the position.
PARTS = ("genes", "lines", "samples", "genome", "variants", "reads")


class Genes(NamedTuple):
    """The genes of the study: arrays of one length, and by programme what each gene responds."""

    table: pd.DataFrame  # gene_id, gene_name
    baseline: np.ndarray  # log2 abundance
    dispersion: np.ndarray
    line_sd: np.ndarray  # log2
    may_drift: np.ndarray
    responses: dict[str, np.ndarray]  # log2 per unit of activity


class Variant(NamedTuple):
    """A variant of the study, on the strand of its gene."""

    gene: int  # row
    offset: int  # of its first base in the transcript with all exons
    ref: str
    alt: str
    hgvs_c: str
    hgvs_p: str


class Genome(NamedTuple):
    """The mini genome, and what may differ from it."""

    contigs: dict[str, np.ndarray]
    foreign: np.ndarray  # sequence of no contig
    genes: list[Gene]  # in the order of the table of genes
    minor: np.ndarray  # share of each gene's second isoform
    alleles: dict[str, Variant]  # planted ones, by name
    snps: list[Variant]
    haplotypes: np.ndarray  # whether a chromosome has the alternative base: lines x SNPs x 2


class Carried(NamedTuple):
    """A variant in a line and condition; pairs are of the two chromosomes."""

    variant: Variant
    origin: str  # planted or common_snp
    on: tuple[bool, bool]
    shares: tuple[float, float]  # of the gene's RNA

    @property
    def zygosity(self) -> str:
        """Say on how many chromosomes it lies."""
        return "hom" if all(self.on) else "het"

    @property
    def rna_share(self) -> float:
        """Return the share of the gene's RNA that has it."""
        return sum(share for share, has in zip(self.shares, self.on, strict=True) if has)


class Tube(NamedTuple):
    """All sequence that a library is made of, one piece behind the other, and what lies where."""

    pool: np.ndarray
    molecules: Molecules
    genomic: np.ndarray  # places in no exon
    foreign: np.ndarray  # places of sequence that no genome has


class Expression(NamedTuple):
    """A line's genes: log2 abundances by condition, and the two parts of what resistance changes."""

    line: Line
    log2_abundance: dict[str, np.ndarray]
    planted: np.ndarray  # log2 fold change
    drift: np.ndarray  # log2 fold change


def stream(seed: int, part: str, *keys: int) -> np.random.Generator:
    """Return the random numbers of a part, or of its line and sample: independent of all others."""
    sequence = np.random.SeedSequence(seed, spawn_key=(PARTS.index(part), *keys))
    return np.random.Generator(np.random.PCG64(sequence))


def planted_sets(collections: Mapping[str, Sequence[GeneSet]]) -> dict[str, tuple[str, GeneSet]]:
    """Find the sets that programmes move: {identifier: (collection, set)}; all must be there."""
    known = {each.identifier: (name, each) for name, sets in collections.items() for each in sets}
    wanted = [identifier for programme in PROGRAMMES.values() for identifier in programme.sets]
    if absent := [identifier for identifier in wanted if identifier not in known]:
        raise InputError(f"gene sets: no set {', '.join(absent)}, in which effects are planted")
    return {identifier: known[identifier] for identifier in wanted}


def mean_count_over_lines(baseline: np.ndarray, line_sd: np.ndarray) -> np.ndarray:
    """Return the count of each gene that is expected in an average library, over lines without number.

    2 to the power of a normal variable has a mean above 2 to the power of its mean.
    """
    abundance = np.exp2(baseline + line_sd**2 * np.log(2) / 2)
    return FRAGMENTS * abundance / abundance.sum()


def dispersion_trend(mean_count: np.ndarray) -> np.ndarray:
    """Return the dispersion of an average gene of this mean count."""
    return DISPERSION_AT_HIGH_MEAN + DISPERSION_SLOPE / mean_count


def choose_names(random: np.random.Generator, collections: Mapping[str, Sequence[GeneSet]]) -> list[str]:
    """Choose the named genes, sorted: those with a part of their own, and some of each set."""
    names = {*NRF2_TARGETS, *NRF2_REGULATORS, *PLATINUM_GENES, *OTHER_GENES}
    planted = planted_sets(collections)
    hallmark = [each for sets in collections.values() for each in sets if each.name.startswith("HALLMARK_")]
    others = [each for each in hallmark if each.identifier not in planted]
    chosen = [(each, MEMBERS_PLANTED) for _, each in planted.values()]
    for gene_set, members in chosen + [(each, MEMBERS_OTHER) for each in others]:
        names |= set(random.permutation(sorted(gene_set.genes))[:members])
    return sorted(map(str, names))


def draw_genes(seed: int, collections: Mapping[str, Sequence[GeneSet]]) -> Genes:
    """Draw the genes of the study: names from the gene sets, the rest novel."""
    random = stream(seed, "genes")
    names = np.array(choose_names(random, collections) + [""] * NOVEL_GENES, dtype=object)
    targets, platinum = np.isin(names, NRF2_TARGETS), np.isin(names, list(PLATINUM_GENES))
    regulators, read = np.isin(names, NRF2_REGULATORS), np.isin(names, list(READ_GENES))

    responses = {}
    sets = planted_sets(collections)
    for name, programme in PROGRAMMES.items():
        members = np.isin(names, [gene for each in programme.sets for gene in sets[each][1].genes])
        responding = members & (random.random(len(names)) < SHARE_RESPONDING)
        responses[name] = np.where(responding, random.uniform(programme.low, programme.high, len(names)), 0)
    to_nrf2 = random.uniform(*TARGET_RESPONSE, len(names))
    responses["nrf2"] = np.where(targets, to_nrf2, np.where(regulators, 0, responses["nrf2"]))
    responses["platinum_transport"] = np.array([PLATINUM_GENES.get(name, 0.0) for name in names])

    moved = np.any(list(responses.values()), axis=0)
    silent = ~moved & ~read & (random.random(len(names)) < SHARE_SILENT)
    kinds = np.select(
        [platinum, targets, moved, silent], ["platinum", "target", "moved", "silent"], "expressed"
    )
    mean, sd = np.array([BASELINE[kind] for kind in kinds]).T
    baseline = random.normal(mean, sd)
    baseline = np.where(read, np.log2([READ_GENES.get(name, 1) for name in names]), baseline)
    line_sd = random.gamma(LINE_SD_SHAPE, LINE_SD_MEAN / LINE_SD_SHAPE, len(names))
    line_sd = np.select([read, targets], [LINE_SD_READ_GENES, LINE_SD_TARGETS], line_sd)
    ids = np.array([f"SIMG{number:011d}" for number in range(1, len(names) + 1)], dtype=object)
    trend = dispersion_trend(mean_count_over_lines(baseline, line_sd))
    return Genes(
        # As in GENCODE, the id without version stands for a name.
        table=pd.DataFrame({"gene_id": ids + ".1", "gene_name": np.where(names == "", ids, names)}),
        baseline=baseline,
        dispersion=trend * random.lognormal(0, DISPERSION_SD, len(names)),
        line_sd=line_sd,
        may_drift=~targets & ~read & ~platinum,
        responses=responses,
    )


def draw_expression(seed: int, line: Line, genes: Genes, effects: float) -> Expression:
    """Draw what a line and its resistant subline express."""
    random = stream(seed, "lines", LINES.index(line))
    size = len(genes.baseline)
    own = genes.baseline + random.normal(0, genes.line_sd)
    drifting = genes.may_drift & (random.random(size) < SHARE_DRIFTING)
    drift = np.where(drifting, random.normal(0, DRIFT_SD, size), 0)
    moved = {
        condition: effects
        * sum((genes.responses[name] * levels[at] for name, levels in line.activity.items()), np.zeros(size))
        for at, condition in enumerate(CONDITIONS)
    }
    return Expression(
        line,
        {"parental": own + moved["parental"], "resistant": own + moved["resistant"] + drift},
        planted=moved["resistant"] - moved["parental"],
        drift=drift,
    )


def draw_counts(
    random: np.random.Generator, log2_abundance: np.ndarray, dispersion: np.ndarray
) -> np.ndarray:
    """Draw the counts of one library, negative binomial as a Poisson variable with a gamma mean."""
    fragments = FRAGMENTS * np.exp(random.uniform(*np.log(LIBRARY_FACTORS)))
    abundance = np.exp2(log2_abundance)
    mean = fragments * abundance / abundance.sum()
    return random.poisson(random.gamma(1 / dispersion, mean * dispersion))


def lacks_nqo1(sample: tuple[str, str, int], effects: float) -> bool:
    """Whether a sample (line, condition, replicate) is the one without NQO1."""
    return effects > 0 and sample == WITHOUT_NQO1


def draw_matrix(
    seed: int, genes: Genes, study: Sequence[Expression], replicates: int, effects: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw all libraries: the samples' sheet, and the matrix of counts."""
    nqo1 = (genes.table.gene_name == "NQO1").to_numpy()
    rows, columns = [], {}
    for expression in study:
        line = expression.line
        for at, condition in enumerate(CONDITIONS):
            for replicate in range(1, replicates + 1):
                random = stream(seed, "samples", LINES.index(line), at, replicate)
                sample = f"{line.name}.{SHORT[condition]}{replicate}"
                rows.append((sample, line.name, condition, replicate))
                counts = draw_counts(random, expression.log2_abundance[condition], genes.dispersion)
                if lacks_nqo1((line.name, condition, replicate), effects):
                    counts = np.where(nqo1, 0, counts)
                columns[sample] = counts
    samples = pd.DataFrame(rows, columns=["sample", "line", "condition", "replicate"])
    return samples, pd.concat([genes.table, pd.DataFrame(columns)], axis=1)


def designs_of(random: np.random.Generator, table: pd.DataFrame) -> list[Design]:
    """Draw the shapes of all genes: those that are read as they are, the others at random."""
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


def sites_of_snps(gene: Gene) -> np.ndarray:
    """List the offsets of coding bases where C and T mean the same: third in a codon, away from all else."""
    start, end = gene.design.cds
    offsets = np.arange(start + 5, end - 3, 3)
    offsets = offsets[np.isin(gene.transcript()[offsets], encode("CT"))]
    edges = np.cumsum(gene.design.exons)
    taken = [start + each.base - 1 for each in ALLELES.values() if each.gene == gene.design.gene_name]
    near_edge = (np.abs(offsets[:, None] - edges) < SNP_FROM_EDGE).any(axis=1)
    near_allele = (np.abs(offsets[:, None] - np.array(taken, dtype=int)) < SNP_FROM_ALLELE).any(axis=1)
    return offsets[~near_edge & ~near_allele]


def snp_at(row: int, gene: Gene, offset: int) -> Variant:
    """Return the synonymous exchange of C and T at the third base of a codon."""
    transcript, base = decode(gene.transcript()), offset - gene.design.cds[0] + 1
    ref = transcript[offset]
    alt = "CT"["TC".index(ref)]
    residue = THREE_LETTERS[GENETIC_CODE[transcript[offset - 2 : offset + 1]]]
    return Variant(row, offset, ref, alt, f"c.{base}{ref}>{alt}", f"p.{residue}{base // 3}=")


def draw_snps(random: np.random.Generator, genes: Genes, models: Sequence[Gene]) -> list[Variant]:
    """Draw common polymorphisms: some in each gene that is read, spread over it, and one in others."""
    names = genes.table.gene_name
    snps = []
    for row in np.flatnonzero(names.isin(list(SHAPES))):
        for sites in np.array_split(sites_of_snps(models[row]), SNPS_READ_GENE):
            snps.append(snp_at(row, models[row], int(random.choice(sites))))
    coding = np.array([model.design.cds is not None for model in models])
    others = np.flatnonzero(coding & ~names.isin(list(SHAPES)) & (genes.baseline >= SNP_BASELINE))
    for row in np.sort(random.choice(others, SNPS_ELSEWHERE, replace=False)):
        snps.append(snp_at(row, models[row], int(random.choice(sites_of_snps(models[row])))))
    return snps


def draw_haplotypes(random: np.random.Generator, snps: int, told_apart_by: int) -> np.ndarray:
    """Draw both chromosomes of all lines at each SNP; the first SNPs tell the study's lines apart."""
    pairs = np.triu_indices(len(STUDY_LINES), 1)
    while True:
        haplotypes = random.random((len(LINES), snps, 2)) < SNP_FREQUENCY
        alternative = haplotypes[: len(STUDY_LINES), :told_apart_by].sum(axis=2)
        differences = (alternative[:, None] != alternative[None]).sum(axis=2)
        if differences[pairs].min() >= SNP_DIFFERENCES:
            return haplotypes


def draw_reference(seed: int, genes: Genes) -> Genome:
    """Draw the mini genome with its genes, and the variants of the study."""
    random = stream(seed, "genome")
    designs = designs_of(random, genes.table)
    contigs, models = draw_genome(random, designs, CONTIGS, INTRONS, SPACERS)
    foreign = random.integers(0, 4, FOREIGN_LENGTH, dtype=np.uint8)
    minor = random.uniform(*MINOR_ISOFORM, len(designs))
    rows = {name: row for row, name in enumerate(genes.table.gene_name)}
    alleles = {}
    for name, allele in ALLELES.items():
        offset = SHAPES[allele.gene].cds_start + allele.base - 2
        alleles[name] = Variant(rows[allele.gene], offset, *allele[2:])
    random = stream(seed, "variants")
    snps = draw_snps(random, genes, models)
    haplotypes = draw_haplotypes(random, len(snps), len(SHAPES) * SNPS_READ_GENE)
    return Genome(contigs, foreign, models, minor, alleles, snps, haplotypes)


def skipping_of(line: Line, condition: int, effects: float) -> float:
    """Return the share of NQO1's transcripts without exon 4."""
    return line.skipping[condition] if effects and line.skipping else SKIPPING


def carried_by(genome: Genome, line: Line, condition: int, effects: float) -> list[Carried]:
    """List what a line carries in a condition.

    Both chromosomes have half of a gene's RNA each, unless an allele is planted with another share:
    it lies on the second chromosome, or on both if the share is 1.
    """
    planted = {name: pair[condition] for name, pair in line.alleles.items() if effects and pair[condition]}
    second = {genome.alleles[name].gene: share for name, share in planted.items() if share < 1}
    found = [(genome.alleles[name], "planted", (share == 1, True)) for name, share in planted.items()]
    found += [
        (snp, "common_snp", tuple(map(bool, has)))
        for snp, has in zip(genome.snps, genome.haplotypes[LINES.index(line)], strict=True)
        if has.any()
    ]
    return [
        Carried(variant, origin, on, (1 - second.get(variant.gene, 0.5), second.get(variant.gene, 0.5)))
        for variant, origin, on in found
    ]


def with_variants(gene: Gene, variants: Sequence[Variant]) -> list[np.ndarray]:
    """Return the sequences of a gene's exons with these variants, none of which goes beyond an exon."""
    exons = gene.exon_sequences()
    for variant in sorted(variants, key=lambda variant: -variant.offset):
        number, at = gene.exon_of(variant.offset)
        before, after = exons[number][:at], exons[number][at + len(variant.ref) :]
        if decode(exons[number][at : at + len(variant.ref)]) != variant.ref:
            raise ValueError(f"{variant.hgvs_c} of {gene.design.gene_name}: the genome has another base")
        exons[number] = np.concatenate([before, encode(variant.alt), after])
    return exons


def molecules_of(genome: Genome, carried: Sequence[Carried], skipping: float) -> tuple[Molecules, list]:
    """Make the RNA molecules of a line: each isoform from each chromosome, where these differ.

    The weight of a molecule is its share of the gene's molecules times its length.
    """
    by_gene: dict[int, list[Carried]] = {}
    for each in carried:
        by_gene.setdefault(each.variant.gene, []).append(each)
    rows, pieces = [], []
    for row, gene in enumerate(genome.genes):
        found, isoforms = by_gene.get(row, []), gene.design.isoforms
        minor = skipping if gene.design.gene_name == "NQO1" else genome.minor[row]
        shares = (1 - minor, minor) if len(isoforms) > 1 else (1.0,)
        chromosomes = zip(found[0].shares, range(2), strict=True) if found else [(1.0, 0)]
        for share, chromosome in chromosomes:
            exons = with_variants(gene, [each.variant for each in found if each.on[chromosome]])
            for isoform, of_isoform in zip(isoforms, shares, strict=True):
                kept = [exon for number, exon in enumerate(exons) if number != isoform.left_out]
                pieces.append(np.concatenate(kept))
                rows.append((row, share * of_isoform * len(pieces[-1]), len(pieces[-1])))
    gene, weight, length = map(np.array, zip(*rows, strict=True))
    return Molecules(gene, weight, np.cumsum(length) - length, length), pieces


def places_without_genes(genome: Genome) -> np.ndarray:
    """List the places of the contigs, one behind the other, in no exon and not at a contig's end."""
    free = {name: np.ones(len(codes), dtype=bool) for name, codes in genome.contigs.items()}
    for gene in genome.genes:
        for exon in gene.exons:
            start, end = gene.on_genome(*exon)
            free[gene.design.contig][start:end] = False
    margin = CHEMISTRY.fragment_range[1]
    for each in free.values():
        each[:margin] = each[-margin:] = False
    return np.flatnonzero(np.concatenate(list(free.values())))


def draw_reads(
    seed: int, line: Line, condition: int, replicate: int, counts: np.ndarray, tube: Tube
) -> tuple[bytes, bytes]:
    """Draw the read pairs of a library: the text of two FASTQ files."""
    random = stream(seed, "reads", LINES.index(line), condition, replicate)
    total = counts.sum()
    fragments = mixed(
        random,
        [
            draw_fragments(random, CHEMISTRY, counts, tube.molecules),
            draw_from_places(random, CHEMISTRY, round(SHARE_GENOMIC * total), tube.genomic),
            draw_from_places(random, CHEMISTRY, round(SHARE_FOREIGN * total), tube.foreign),
        ],
    )
    qualities = [draw_qualities(random, CHEMISTRY, decay) for decay in CHEMISTRY.decay]
    mates = sequence(random, CHEMISTRY, tube.pool, fragments, qualities)
    first, second = (fastq_records(FLOW_CELL, mate, *reads) for mate, reads in enumerate(mates, start=1))
    return first, second


def fill_tube(genome: Genome, line: Line, condition: int, effects: float) -> Tube:
    """Put the RNA of a line in a condition, some of its genome and some foreign sequence together."""
    carried = carried_by(genome, line, condition, effects)
    molecules, pieces = molecules_of(genome, carried, skipping_of(line, condition, effects))
    others = [genome.foreign, *genome.contigs.values()]
    offset = sum(map(len, others))
    margin = CHEMISTRY.fragment_range[1]
    return Tube(
        np.concatenate([*others, *pieces]),
        molecules._replace(start=molecules.start + offset),
        genomic=len(genome.foreign) + places_without_genes(genome),
        foreign=np.arange(margin, len(genome.foreign) - margin),
    )


def contrasts_of(study: Sequence[Expression]) -> dict[str, list[Expression]]:
    """Name the contrasts and their lines: each line's, and that over all lines."""
    each = {f"{expression.line.name}.resistant_vs_parental": [expression] for expression in study}
    return each | {"all.resistant_vs_parental": list(study)}


def true_genes(genes: Genes, study: Sequence[Expression]) -> pd.DataFrame:
    """List the genes that change in each contrast; over several lines, by the mean of the lines."""
    tables = []
    for contrast, compared in contrasts_of(study).items():
        planted = np.mean([each.planted for each in compared], axis=0)
        drift = np.mean([each.drift for each in compared], axis=0)
        table = genes.table.assign(
            contrast=contrast,
            log2_fold_change=planted + drift,
            planted_log2_fold_change=planted,
            drift_log2_fold_change=drift,
        )
        tables.append(table[(planted != 0) | (drift != 0)])
    columns = [f"{part}log2_fold_change" for part in ("", "planted_", "drift_")]
    return pd.concat(tables)[["contrast", "gene_id", "gene_name", *columns]]


def true_gene_sets(
    collections: Mapping[str, Sequence[GeneSet]],
    genes: Genes,
    study: Sequence[Expression],
    effects: float,
) -> pd.DataFrame:
    """List the sets that move in any line of the study: their direction in every contrast, or none."""
    sets = planted_sets(collections)
    used = {name for expression in study for name in expression.line.activity}
    rows = []
    for name, programme in PROGRAMMES.items():
        for identifier in programme.sets if name in used else ():
            collection, gene_set = sets[identifier]
            members = genes.table.gene_name.isin(gene_set.genes).to_numpy()
            for contrast, compared in contrasts_of(study).items():
                levels = [each.line.activity.get(name, (0, 0)) for each in compared]
                change = effects * np.mean([resistant - parental for parental, resistant in levels])
                sign = change * genes.responses[name][members].sum()
                planted = np.mean([each.planted[members] for each in compared], axis=0)
                rows.append(
                    {
                        "collection": collection,
                        "gene_set": gene_set.name,
                        "identifier": identifier,
                        "contrast": contrast,
                        "direction": "up" if sign > 0 else "down" if sign < 0 else "none",
                        "genes": members.sum(),
                        "planted_genes": (planted != 0).sum(),
                        "planted_log2_fold_change": planted.mean(),
                    }
                )
    return pd.DataFrame(rows)


def true_calls(lines: Sequence[Line], effects: float) -> pd.DataFrame:
    """List what should be said of each line and condition.

    Without planted effects NRF2 is active nowhere, and NQO1 is lost nowhere.
    """
    rows = []
    for line in lines:
        levels = line.activity.get("nrf2", (0, 0))
        active = ["yes" if effects and level > 0 else "no" for level in levels]
        gained = ["", "yes" if active == ["no", "yes"] else "no"]
        functional = line.nqo1_functional if effects else ("yes", "yes")
        for row in zip(CONDITIONS, active, gained, functional, strict=True):
            rows.append((line.name, *row, "candidate" if row[1] == row[3] == "yes" else "not_candidate"))
    return pd.DataFrame(
        rows, columns=["line", "condition", "nrf2_active", "nrf2_gained", "nqo1_functional", "call"]
    )


def true_genotypes(
    genome: Genome, samples: pd.DataFrame, lines: Sequence[Line], effects: float
) -> pd.DataFrame:
    """List the genotype of each sample at each place where an allele is planted in any line."""
    by_name = {line.name: line for line in lines}
    rows = []
    for sample in samples.itertuples():
        carried = carried_by(genome, by_name[sample.line], CONDITIONS.index(sample.condition), effects)
        of_variant = {each.variant: each for each in carried}
        lost = lacks_nqo1((sample.line, sample.condition, sample.replicate), effects)
        for name, variant in genome.alleles.items():
            gene, found = ALLELES[name].gene, of_variant.get(variant)
            genotype, share = (found.zygosity, found.rna_share) if found else ("ref", 0)
            expressed = "no" if lost and gene == "NQO1" else "yes"
            place = (sample.sample, sample.line, sample.condition, gene, variant.hgvs_c, variant.hgvs_p)
            rows.append((*place, genotype, share, expressed))
    columns = [
        "sample",
        "line",
        "condition",
        "gene",
        "hgvs_c",
        "hgvs_p",
        "genotype",
        "rna_share",
        "expressed",
    ]
    return pd.DataFrame(rows, columns=columns)


def true_variants(genome: Genome, lines: Sequence[Line], effects: float) -> pd.DataFrame:
    """List what each line carries in each condition, placed and spelled as in a VCF."""
    rows = []
    for line in lines:
        for at, condition in enumerate(CONDITIONS):
            for each in carried_by(genome, line, at, effects):
                variant, gene = each.variant, genome.genes[each.variant.gene]
                exon, offset = gene.exon_of(variant.offset)
                first = gene.exons[exon][0] + offset
                start, _ = gene.on_genome(first, first + len(variant.ref))
                bases = [encode(variant.ref), encode(variant.alt)]
                if gene.design.strand == "-":
                    bases = [reverse_complement(codes) for codes in bases]
                place = (gene.design.contig, start + 1, *map(decode, bases))
                named = (variant.hgvs_c, variant.hgvs_p, each.zygosity, each.rna_share, each.origin)
                rows.append((line.name, condition, gene.design.gene_name, *place, *named))
    columns = ["line", "condition", "gene", "chrom", "pos", "ref", "alt"]
    return pd.DataFrame(rows, columns=[*columns, "hgvs_c", "hgvs_p", "zygosity", "rna_share", "origin"])


def true_skipping(lines: Sequence[Line], effects: float) -> pd.DataFrame:
    """List the share of transcripts without an exon, by line and condition."""
    rows = []
    for line in lines:
        for at, condition in enumerate(CONDITIONS):
            for gene, shape in SHAPES.items():
                if shape.skipped:
                    rows.append(
                        (line.name, condition, gene, shape.skipped[0], skipping_of(line, at, effects))
                    )
    return pd.DataFrame(rows, columns=["line", "condition", "gene", "exon", "share"])


@click.command(cls=Script)
@click.option(
    "--size",
    type=click.Choice(list(SIZES)),
    default="small",
    show_default=True,
    help="small: 4 lines x 2 conditions x 2 replicates; medium: 7 x 2 x 3; large: 50 x 2 x 3.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=1,
    show_default=True,
    help="Seed of all random numbers.",
)
@click.option(
    "--gene-sets", type=FOLDER, required=True, help="Folder of GMT files: the genes, and the sets that move."
)
@click.option(
    "--effects",
    type=click.FloatRange(0, 2),
    default=1,
    show_default=True,
    help="Factor on all that is planted; 0 makes the negative control.",
)
@RESULTS
def main(size: str, seed: int, gene_sets: Path, effects: float, results: Path) -> None:
    """Write the sheets of a simulated study, named as the pipeline's parameters, and its truth."""
    collections = read_collections(gene_sets)
    lines, replicates = SIZES[size]
    genes = draw_genes(seed, collections)
    study = [draw_expression(seed, line, genes, effects) for line in lines]
    samples, counts = draw_matrix(seed, genes, study, replicates, effects)
    genome = draw_reference(seed, genes)

    for folder in (results / "truth", results / "reads"):
        folder.mkdir(parents=True, exist_ok=True)
    write_fasta(genome.contigs, results / "fasta.fa.gz")
    comment = f"description: genome and genes of a simulated study (seed {seed}), in the form of GENCODE"
    write_gtf(gtf_rows(genome.genes, CONTIGS), results / "gtf.gtf.gz", [comment])
    files = [f"reads/{sample}_{{}}.fastq.gz" for sample in samples["sample"]]
    sheet = samples.assign(
        **{f"fastq_{mate}": [name.format(mate) for name in files] for mate in (1, 2)}, strandedness="reverse"
    )
    sheet.to_csv(results / "rnaseq.csv", index=False, lineterminator="\n")
    by_name = {line.name: line for line in lines}
    for (name, condition), group in samples.groupby(["line", "condition"], sort=False):
        at = CONDITIONS.index(condition)
        tube = fill_tube(genome, by_name[name], at, effects)
        for sample, replicate in zip(group["sample"], group.replicate, strict=True):
            mates = draw_reads(seed, by_name[name], at, replicate, counts[sample].to_numpy(), tube)
            for mate, text in enumerate(mates, start=1):
                write_gzip(text, results / f"reads/{sample}_{mate}.fastq.gz", level=1)

    truth = {
        "counts": counts,
        "genes": true_genes(genes, study),
        "gene_sets": true_gene_sets(collections, genes, study, effects),
        "calls": true_calls(lines, effects),
        "genotypes": true_genotypes(genome, samples, lines, effects),
        "variants": true_variants(genome, lines, effects),
        "skipping": true_skipping(lines, effects),
    }
    for name, table in truth.items():
        write_table(table, results / f"truth/{name}.tsv")
    write_versions(results / "versions.tsv", "numpy", "pandas")


if __name__ == "__main__":
    main()
