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
  Counts     fragments of each gene: 26,000 a library times a log-uniform factor from 0.85 to 1.15, negative
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
  Fragments  of spliced molecules, length normal (180, 50) from 40 to 400, denser towards the 3' end (1.6
             times as dense as at the 5' end), stranded by dUTP: mate 1 is the complement of the RNA.
  Pairs      2 x 100 bases; quality falls along the read in steps, errors have the chance that it states.
             What is shorter than a read goes on into the adapters of MGI/DNBSEQ.
  Others     1 % of pairs come from introns and between genes, of either strand; 0.5 % from no genome.

Amplicons and traces, of DNA
  Alleles    those of KEAP1 and NFE2L2 on one of two chromosomes, however much RNA each gives, and the
             polymorphisms in the same phase. In DNA alone: a subclone of 3 % and one of 6 %, a variant under
             a primer of one amplicon, which its neighbour shows, one in the promoter. One amplicon drops out.
  Reads      as common/simulated_amplicons.py says, of a library of each line and condition.
  Traces     as common/simulated_traces.py says, of PCR products around planted alleles; one cannot be read,
             and one is of another region.

Bench, of all seven lines in a study of any size
  Plates     cisplatin, alone and with NAC, Fer-1 or DFO, erastin with Fer-1, and MMC, with IC50s near those
             of the founding study; carboplatin has shifts between experiments. A few wells are flawed.
  Others     reporter, CellROX by cisplatin dose, blots, activity of NQO1, PCR of NQO1 and GAPDH. The noise of
             all is stated in common/simulated_assays.py, what is planted in common/study_design.py.

Patients and cohorts, the same in a study of any size
  Patients   31 with score, recurrence and survival, as in the founding study: common/simulated_patients.py.
  Cohorts    530 exomes of untreated and 820 panel tests of treated tumours, their mutations in the coding
             sequence of the mini genome, from COSMIC's signatures: common/simulated_cohorts.py.

Truth (truth/): counts.tsv (fragments drawn of each gene), genes.tsv (log2 fold changes by contrast),
gene_sets.tsv (direction of each planted set by contrast), calls.tsv (each line and condition), genotypes.tsv
(planted alleles by sample), variants.tsv (what each line carries), skipping.tsv, amplicon_variants.tsv,
amplicons.tsv, traces.tsv, dose_response.tsv (IC50s by curve and experiment), assays.tsv, qpcr.tsv (relative
levels), flaws.tsv (wells and plates that went wrong), patients.tsv (groups and events), cohorts.tsv (patients
with a mutated gene, and those profiled for it), mutations.tsv (of KEAP1 and NFE2L2), signatures.tsv (shares
of each cohort's mutations), dropped.tsv (rows of the MAFs that should not count).

With `effects` 0 nothing is planted: libraries, lines, drift and polymorphisms stay. It is the negative
control.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
from common.cli import FOLDER, RESULTS, InputError, Script
from common.gene_sets import GeneSet, read_collections
from common.mini_genome import Gene, draw_genome, gtf_rows, places_without_exons
from common.multiqc import write_versions
from common.sequence_files import (
    fastq_records,
    write_fasta,
    write_gtf,
    write_gzip,
)
from common.simulated_alleles import (
    Carried,
    Polymorphisms,
    Variant,
    carried_by,
    draw_haplotypes,
    draw_snps,
    molecules_of,
)
from common.simulated_amplicons import (
    Amplicon,
    Panel,
    draw_library,
    draw_panel,
    expected_shares,
    lay_out,
    primers_of,
)
from common.simulated_assays import draw_bench
from common.simulated_cohort_files import FOLDER as COHORT_FILES
from common.simulated_cohorts import draw_cohorts
from common.simulated_dna import DnaVariant, placed, snv_before, templates_of
from common.simulated_genes import CONTIGS, draw_designs
from common.simulated_patients import draw_patients
from common.simulated_reads import (
    Library,
    Molecules,
    Sequencer,
    draw_fragments,
    draw_from_places,
    draw_qualities,
    mixed,
    sequence,
)
from common.simulated_traces import ab1, draw_trace, products_of
from common.study_design import (
    ALLELES,
    AMPLICONS_BEFORE,
    AMPLICONS_OF_EXONS,
    CONDITIONS,
    DNA_ALLELES,
    LINES,
    NRF2_REGULATORS,
    NRF2_TARGETS,
    OTHER_GENES,
    PLATINUM_GENES,
    PROGRAMMES,
    SHAPES,
    SHORT,
    SIZES,
    STUDY_LINES,
    TRACES,
    WITHOUT_AMPLICON,
    WITHOUT_NQO1,
    Line,
)
from common.tables import write_table

MEMBERS_PLANTED, MEMBERS_OTHER, NOVEL_GENES = 45, 22, 100
SHARE_SILENT = 0.1
SHARE_RESPONDING = 0.6
SHARE_DRIFTING = 0.08
BASELINE = {  # log2 abundance, about fragments of 60,000: mean, SD
    **{"expressed": (4.8, 1.0), "moved": (5.7, 0.6), "target": (6.3, 0.4), "platinum": (7.8, 0.4)},
    "silent": (-5.0, 1.5),
}
READ_GENES = {"NQO1": 1500, "KEAP1": 1800, "NFE2L2": 2400, "CUL3": 1200}  # abundance: enough to see alleles
TARGET_RESPONSE = (1.0, 2.5)
LINE_SD_SHAPE, LINE_SD_MEAN, LINE_SD_TARGETS, LINE_SD_READ_GENES = 4.0, 0.8, 0.3, 0.15
DRIFT_SD = 0.7
FRAGMENTS = 26_000
LIBRARY_FACTORS = (0.85, 1.15)
DISPERSION_AT_HIGH_MEAN, DISPERSION_SLOPE, DISPERSION_SD = 0.01, 0.5, 0.3

INTRONS, SPACERS = (100, 400), (300, 900)  # lengths
MINOR_ISOFORM = (0.15, 0.5)  # shares of a gene's RNA
SKIPPING = 0.03  # of NQO1 exon 4, where nothing is planted
POLYMORPHISMS = Polymorphisms(
    in_read_genes=4, elsewhere=45, frequency=0.4, differences=4, from_allele=20, from_edge=5
)
SNP_BASELINE = 5.0  # log2 fragments of a gene with one, or more

LIBRARY = Library(fragment_mean=180, fragment_sd=50, fragment_range=(40, 400), three_prime_bias=0.5)
SEQUENCER = Sequencer(
    cycles=100,
    adapters=("AAGTCGGAGGCCAAGCGGTCTTAGGAAGACAA", "AAGTCGGATCGTAGCCATGTCGTTCTGTGAGCCAAGGAGTTG"),
    phred=(36, 27, 18, 9),
    decay=(0.03, 0.05),
    decay_sd=0.8,
    profiles=4096,
)
SHARE_GENOMIC, SHARE_FOREIGN, FOREIGN_LENGTH = 0.01, 0.005, 100_000
FLOW_CELL, MISEQ_RUN = "V300000001L1C001R001", "M00001:1:000000000-SIM01:1:1101"

# Streams of random numbers. Later parts are appended: the key is the position.
PARTS = (
    *("genes", "lines", "samples", "genome", "variants", "reads", "amplicons", "traces"),
    *("plates", "assays", "qpcr"),
    *("patients", "cohorts"),
)


class Genes(NamedTuple):
    """The genes of the study: arrays of one length, and by programme what each gene responds."""

    table: pd.DataFrame  # gene_id, gene_name
    baseline: np.ndarray  # log2 abundance
    dispersion: np.ndarray
    line_sd: np.ndarray  # log2
    may_drift: np.ndarray
    responses: dict[str, np.ndarray]  # log2 per unit of activity


class Genome(NamedTuple):
    """The mini genome, and what may differ from it."""

    contigs: dict[str, np.ndarray]
    foreign: np.ndarray  # sequence of no contig
    genes: list[Gene]  # in the order of the table of genes
    minor: np.ndarray  # share of each gene's second isoform
    alleles: dict[str, Variant]  # planted ones, by name
    dna_alleles: dict[str, Variant]  # those in DNA alone
    snps: list[Variant]
    haplotypes: np.ndarray  # whether a chromosome has the alternative base: lines x SNPs x 2


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


def offset_of(gene: str, base: int) -> int:
    """Find a base of the coding sequence (from 1; -1 is before it) in the transcript."""
    return SHAPES[gene].cds_start - 1 + (base - 1 if base > 0 else base)


def draw_reference(seed: int, genes: Genes) -> Genome:
    """Draw the mini genome with its genes, and the variants of the study."""
    random = stream(seed, "genome")
    designs = draw_designs(random, genes.table)
    contigs, models = draw_genome(random, designs, CONTIGS, INTRONS, SPACERS)
    foreign = random.integers(0, 4, FOREIGN_LENGTH, dtype=np.uint8)
    minor = random.uniform(*MINOR_ISOFORM, len(designs))
    rows = {name: row for row, name in enumerate(genes.table.gene_name)}
    alleles, dna_alleles = {}, {}
    for name, allele in (ALLELES | DNA_ALLELES).items():
        row, offset = rows[allele.gene], offset_of(allele.gene, allele.base)
        variant = Variant(row, offset, *allele[2:])
        if not allele.ref:
            variant = snv_before(row, models[row], offset, allele.base, contigs)
        (alleles if name in ALLELES else dna_alleles)[name] = variant

    random = stream(seed, "variants")
    read = [rows[name] for name in SHAPES]
    coding = np.array([design.cds is not None for design in designs])
    elsewhere = np.setdiff1d(np.flatnonzero(coding & (genes.baseline >= SNP_BASELINE)), read)
    taken = [*alleles.values(), *dna_alleles.values()]
    snps = draw_snps(random, models, read, elsewhere, taken, POLYMORPHISMS)
    told_apart = (len(STUDY_LINES), len(read) * POLYMORPHISMS.in_read_genes)
    haplotypes = draw_haplotypes(random, (len(LINES), len(snps)), told_apart, POLYMORPHISMS)
    return Genome(contigs, foreign, models, minor, alleles, dna_alleles, snps, haplotypes)


def skipping_of(line: Line, condition: int, effects: float) -> float:
    """Return the share of NQO1's transcripts without exon 4."""
    return line.skipping[condition] if effects and line.skipping else SKIPPING


def variants_of(genome: Genome, line: Line, condition: int, effects: float) -> list[Carried]:
    """List what a line carries in a condition; without effects, polymorphisms only."""
    shares = {genome.alleles[name]: pair[condition] for name, pair in line.alleles.items() if effects}
    planted = {variant: share for variant, share in shares.items() if share}
    return carried_by(planted, genome.snps, genome.haplotypes[LINES.index(line)])


def dna_of(genome: Genome, line: Line, condition: int, effects: float) -> list[DnaVariant]:
    """List what a line's DNA has in the genes of the amplicons, on two chromosomes and in subclones.

    What its RNA has, whatever its share there; and what is planted in DNA alone, on the second chromosome.
    """
    found = [
        DnaVariant(each.variant, placed(genome.genes[each.variant.gene], each.variant), each.origin, each.on)
        for each in variants_of(genome, line, condition, effects)
        if genome.genes[each.variant.gene].design.gene_name in AMPLICONS_OF_EXONS
    ]
    for name, shares in line.dna_alleles.items() if effects else ():
        variant, share = genome.dna_alleles[name], shares[condition]
        if share:
            place = placed(genome.genes[variant.gene], variant)
            found.append(DnaVariant(variant, place, "planted", (False, True), min(2 * share, 1)))
    return found


def draw_reads(
    random: np.random.Generator, counts: np.ndarray, tube: Tube, courses: Sequence[np.ndarray]
) -> tuple[bytes, bytes]:
    """Draw the read pairs of a library, with the courses of quality of each mate: two FASTQ files' text."""
    total = counts.sum()
    fragments = mixed(
        random,
        [
            draw_fragments(random, LIBRARY, counts, tube.molecules),
            draw_from_places(random, LIBRARY, round(SHARE_GENOMIC * total), tube.genomic),
            draw_from_places(random, LIBRARY, round(SHARE_FOREIGN * total), tube.foreign),
        ],
    )
    mates = sequence(random, SEQUENCER, tube.pool, fragments, courses)
    first, second = (fastq_records(FLOW_CELL, mate, *reads) for mate, reads in enumerate(mates, start=1))
    return first, second


def fill_tube(genome: Genome, line: Line, condition: int, effects: float) -> Tube:
    """Put the RNA of a line in a condition, some of its genome and some foreign sequence together."""
    names = [gene.design.gene_name for gene in genome.genes]
    minor = np.where(np.array(names) == "NQO1", skipping_of(line, condition, effects), genome.minor)
    carried = variants_of(genome, line, condition, effects)
    molecules, sequences = molecules_of(genome.genes, carried, minor)
    others = [genome.foreign, *genome.contigs.values()]
    margin = LIBRARY.fragment_range[1]
    return Tube(
        np.concatenate([*others, *sequences]),
        molecules._replace(start=molecules.start + sum(map(len, others))),
        genomic=len(genome.foreign) + places_without_exons(genome.contigs, genome.genes, margin),
        foreign=np.arange(margin, len(genome.foreign) - margin),
    )


def amplicon_samples(lines: Sequence[Line]) -> pd.DataFrame:
    """Make the sheet of the amplicons: a library of each line in each condition."""
    rows = [(f"{line.name}.{SHORT[each]}", line.name, each) for line in lines for each in CONDITIONS]
    samples = pd.DataFrame(rows, columns=["sample", "line", "condition"])
    stem = "amplicon_reads/" + samples["sample"]
    return samples.assign(fastq_1=stem + "_1.fastq.gz", fastq_2=stem + "_2.fastq.gz")


def dropped_of(line: str, condition: str, effects: float) -> set[str]:
    """Name the amplicons that drop out of a library."""
    return {WITHOUT_AMPLICON[2]} if effects and (line, condition) == WITHOUT_AMPLICON[:2] else set()


def draw_amplicon_reads(
    seed: int, genome: Genome, panel: Panel, line: Line, condition: str, effects: float
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw the reads of the amplicons of a line in a condition: bases and Phred scores of each mate."""
    at = CONDITIONS.index(condition)
    random = stream(seed, "amplicons", LINES.index(line), at)
    templates = templates_of(dna_of(genome, line, at, effects))
    return draw_library(random, panel, genome.contigs, templates, dropped_of(line.name, condition, effects))


def draw_traces(
    seed: int, genome: Genome, lines: Mapping[str, Line], effects: float
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, bytes]]:
    """Draw the Sanger traces: their sheet, what is true of each, and the files by name."""
    rows, truth, files = [], [], {}
    for number, plan in enumerate(TRACES):
        allele, variant = ALLELES[plan.allele], genome.alleles[plan.allele]
        found = dna_of(genome, lines[plan.line], CONDITIONS.index(plan.condition), effects)
        gene = genome.genes[variant.gene]
        middle = variant._replace(offset=offset_of(allele.gene, plan.around or allele.base))
        forward = (plan.direction == "forward") == (gene.design.strand == "+")
        random = stream(seed, "traces", number)
        products = products_of(random, genome.contigs, placed(gene, middle), forward, templates_of(found))
        files[f"{plan.name}.ab1"] = ab1(draw_trace(random, products, plan.readable), plan.name)
        zygosity = {each.variant: each.zygosity for each in found}.get(variant, "absent")
        call = zygosity if plan.readable and not plan.around else "not_assessable"
        subject = (plan.line, plan.condition, allele.gene)
        rows.append((*subject, f"traces/{plan.name}.ab1", allele.hgvs_p if plan.told else ""))
        truth.append((f"{plan.name}.ab1", *subject, allele.hgvs_c, allele.hgvs_p, plan.direction, call))
    sheet = pd.DataFrame(rows, columns=["line", "condition", "gene", "ab1", "expected"])
    columns = ["file", "line", "condition", "gene", "hgvs_c", "hgvs_p", "direction", "call"]
    return sheet, pd.DataFrame(truth, columns=columns), files


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
        carried = variants_of(genome, by_name[sample.line], CONDITIONS.index(sample.condition), effects)
        of_variant = {each.variant: each for each in carried}
        lost = lacks_nqo1((sample.line, sample.condition, sample.replicate), effects)
        for name, variant in genome.alleles.items():
            gene, found = ALLELES[name].gene, of_variant.get(variant)
            genotype, share = (found.zygosity, found.rna_share) if found else ("ref", 0)
            expressed = "no" if lost and gene == "NQO1" else "yes"
            place = (sample.sample, sample.line, sample.condition, gene, variant.hgvs_c, variant.hgvs_p)
            rows.append((*place, genotype, share, expressed))
    columns = ["sample", "line", "condition", "gene", "hgvs_c", "hgvs_p"]
    return pd.DataFrame(rows, columns=[*columns, "genotype", "rna_share", "expressed"])


def true_variants(genome: Genome, lines: Sequence[Line], effects: float) -> pd.DataFrame:
    """List what each line carries in each condition, placed and spelled as in a VCF."""
    rows = []
    for line in lines:
        for at, condition in enumerate(CONDITIONS):
            for each in variants_of(genome, line, at, effects):
                variant, gene = each.variant, genome.genes[each.variant.gene]
                contig, start, *bases = placed(gene, variant)
                place = (contig, start + 1, *bases)
                named = (variant.hgvs_c, variant.hgvs_p, each.zygosity, each.rna_share, each.origin)
                rows.append((line.name, condition, gene.design.gene_name, *place, *named))
    columns = ["line", "condition", "gene", "chrom", "pos", "ref", "alt"]
    return pd.DataFrame(rows, columns=[*columns, "hgvs_c", "hgvs_p", "zygosity", "rna_share", "origin"])


def true_amplicon_variants(
    genome: Genome, lines: Sequence[Line], amplicons: Sequence[Amplicon], effects: float
) -> pd.DataFrame:
    """List what the DNA of each library has, and the amplicons whose inserts can show it."""
    by_name, rows = {line.name: line for line in lines}, []
    for sample in amplicon_samples(lines).itertuples():
        found = dna_of(genome, by_name[sample.line], CONDITIONS.index(sample.condition), effects)
        for each in sorted(found, key=lambda each: (CONTIGS.index(each.placed.contig), each.placed.start)):
            contig, start, *bases = each.placed
            gene = genome.genes[each.variant.gene].design.gene_name
            showing = ";".join(amplicon.name for amplicon in amplicons if amplicon.shows(each.placed))
            subject = (sample.sample, sample.line, sample.condition, gene, contig, start + 1, *bases)
            named = (each.variant.hgvs_c, each.variant.hgvs_p, each.share, each.zygosity, each.origin)
            rows.append((*subject, *named, showing))
    columns = ["sample", "line", "condition", "gene", "chrom", "pos", "ref", "alt", "hgvs_c", "hgvs_p"]
    return pd.DataFrame(rows, columns=[*columns, "vaf", "zygosity", "origin", "amplicons"])


def true_amplicons(lines: Sequence[Line], panel: Panel, effects: float) -> pd.DataFrame:
    """List the share of each amplicon that each library should have."""
    tables = []
    for sample in amplicon_samples(lines).itertuples():
        dropped = dropped_of(sample.line, sample.condition, effects)
        table = pd.DataFrame({"amplicon": [each.name for each in panel.amplicons]})
        table["expected_share"] = expected_shares(panel, dropped)
        table["dropped"] = np.where(table.amplicon.isin(dropped), "yes", "no")
        tables.append(table.assign(sample=sample.sample))
    return pd.concat(tables)[["sample", "amplicon", "expected_share", "dropped"]]


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

    for folder in ("truth", "reads", "amplicon_reads", "traces", COHORT_FILES):
        (results / folder).mkdir(parents=True, exist_ok=True)
    write_fasta(genome.contigs, results / "fasta.fa.gz")
    comment = f"description: genome and genes of a simulated study (seed {seed}), in the form of GENCODE"
    write_gtf(gtf_rows(genome.genes, CONTIGS), results / "gtf.gtf.gz", [comment])
    sheet = samples.assign(
        fastq_1="reads/" + samples["sample"] + "_1.fastq.gz",
        fastq_2="reads/" + samples["sample"] + "_2.fastq.gz",
        strandedness="reverse",
    )
    sheet.to_csv(results / "rnaseq.csv", index=False, lineterminator="\n")
    by_name = {line.name: line for line in lines}
    random = stream(seed, "reads")
    courses = [draw_qualities(random, SEQUENCER, decay) for decay in SEQUENCER.decay]
    for (name, condition), group in samples.groupby(["line", "condition"], sort=False):
        at = CONDITIONS.index(condition)
        tube = fill_tube(genome, by_name[name], at, effects)
        for sample, replicate in zip(group["sample"], group.replicate, strict=True):
            random = stream(seed, "reads", LINES.index(by_name[name]), at, replicate)
            mates = draw_reads(random, counts[sample].to_numpy(), tube, courses)
            for mate, text in enumerate(mates, start=1):
                write_gzip(text, results / f"reads/{sample}_{mate}.fastq.gz", level=1)  # for speed

    read = [gene for gene in genome.genes if gene.design.gene_name in AMPLICONS_OF_EXONS]
    amplicons = lay_out(read, genome.contigs, AMPLICONS_OF_EXONS, AMPLICONS_BEFORE)
    panel = draw_panel(stream(seed, "amplicons"), amplicons, genome.contigs)
    write_table(primers_of(amplicons), results / "primers.tsv")
    libraries = amplicon_samples(lines)
    libraries.to_csv(results / "amplicons.csv", index=False, lineterminator="\n")
    for number, row in enumerate(libraries.itertuples(), start=1):
        mates = draw_amplicon_reads(seed, genome, panel, by_name[row.line], row.condition, effects)
        for mate, (reads, path) in enumerate(zip(mates, (row.fastq_1, row.fastq_2), strict=True), start=1):
            text = fastq_records(f"{MISEQ_RUN}:{1000 + number}:", mate, *reads, " {mate}:N:0:1")
            write_gzip(text, results / path, level=7)  # those of a small study take less than 10 MB
    sanger, true_traces, traces = draw_traces(seed, genome, by_name, effects)
    sanger.to_csv(results / "sanger.csv", index=False, lineterminator="\n")
    for name, content in traces.items():
        (results / "traces" / name).write_bytes(content)

    bench = draw_bench(partial(stream, seed), lines if size == "large" else STUDY_LINES, effects)
    for name, measured in bench.items():
        measured.sheet.to_csv(results / f"{name}.csv", index=False, lineterminator="\n")

    patients = draw_patients(stream(seed, "patients"), effects)
    cohorts = draw_cohorts(partial(stream, seed), genome.contigs, genome.genes, effects)
    for name, sheet in {"patients": patients.sheet, **cohorts.sheets}.items():
        sheet.to_csv(results / f"{name}.csv", index=False, lineterminator="\n")
    for path, content in cohorts.files.items():
        (results / path).write_bytes(content)

    truth = {
        "counts": counts,
        "genes": true_genes(genes, study),
        "gene_sets": true_gene_sets(collections, genes, study, effects),
        "calls": true_calls(lines, effects),
        "genotypes": true_genotypes(genome, samples, lines, effects),
        "variants": true_variants(genome, lines, effects),
        "skipping": true_skipping(lines, effects),
        "amplicon_variants": true_amplicon_variants(genome, lines, amplicons, effects),
        "amplicons": true_amplicons(lines, panel, effects),
        "traces": true_traces,
        **{name: measured.truth for name, measured in bench.items()},
        "flaws": pd.concat([measured.flaws for measured in bench.values()]),
        "patients": patients.truth,
        **cohorts.truth,
    }
    for name, table in truth.items():
        write_table(table, results / f"truth/{name}.tsv")
    write_versions(results / "versions.tsv", "SigProfilerAssignment", "numpy", "pandas")


if __name__ == "__main__":
    main()
