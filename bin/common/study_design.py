"""What is planted in the simulated study: lines, genes, programmes and alleles, as in the founding study."""

from collections.abc import Mapping
from typing import NamedTuple

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
    *("MAFF", "MAFG", "MAFK", "MDM2", "NCOA4", "PCBP1", "PGLS", "POR", "RBX1", "RPE", "RPIA", "RRM2B"),
    *("SAT1", "SLC11A2", "SLC3A2", "SLC40A1", "SQSTM1", "STEAP3", "TFRC", "TP53", "VDAC2", "VDAC3", "XPC"),
    "ZMAT3",
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
        {57: "GAC", 320: "CGG", 512: "GTC", 544: "TGG"},
    ),
    "NFE2L2": Shape(
        *("ENST00000397062.8", "chr2", (196, 267, 90, 192, 1701), 152, 605),
        {30: "CTT", 31: "GGA", 32: "GTC", 82: "GAA"}
        | {478: "CTG", 479: "AAA", 480: "ACC", 481: "GCT", 482: "GAA", 483: "GTG", 484: "ACC"},
    ),
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
    # Under the left primer of KEAP1_e2_1 and in the insert of KEAP1_e2_2.
    "D57=": Allele("KEAP1", 171, "C", "T", "c.171C>T", "p.Asp57="),
    "W544*": Allele("KEAP1", 1631, "G", "A", "c.1631G>A", "p.Trp544Ter"),
    "E82D": Allele("NFE2L2", 246, "A", "C", "c.246A>C", "p.Glu82Asp"),
    # GATT is lost, CA stays, C becomes G: in this frame a stop follows two codons later.
    "delins": Allele("NQO1", 340, "GATTCAC", "CAG", "c.340_346delinsCAG", "p.Asp114GlnfsTer4"),
    "R139W": Allele("NQO1", 415, "C", "T", "c.415C>T", "p.Arg139Trp"),
    "P187S": Allele("NQO1", 559, "C", "T", "c.559C>T", "p.Pro187Ser"),
    # One A of four is lost; a stop follows three codons later. In the last exon, so its RNA does not decay.
    "T480fs": Allele("NFE2L2", 1438, "AC", "C", "c.1438del", "p.Thr480ProfsTer4"),
}
# These are in DNA alone: RNA cannot show a promoter or a subclone of a few percent.
DNA_ALLELES = {
    "R320Q": Allele("KEAP1", 959, "G", "A", "c.959G>A", "p.Arg320Gln"),
    "Q31ins": Allele("NFE2L2", 94, "G", "CAGG", "c.93_94insCAG", "p.Gly31_Val32insGln"),
    # Of rs6721961. The base before the gene is random: it is exchanged for that which pairs differently.
    "promoter": Allele("NFE2L2", -733, "", "", "", ""),
}


class Line(NamedTuple):
    """A pair of lines; each pair of values is (parental, resistant)."""

    name: str
    activity: Mapping[str, tuple[float, float]]  # of programmes
    nqo1_functional: tuple[str, str]
    alleles: Mapping[str, tuple[float, float]] = {}  # share of the gene's RNA: 0 has it not, 1 is homozygous
    skipping: tuple[float, float] | None = None  # share of NQO1's transcripts without exon 4; else the usual
    dna_alleles: Mapping[
        str, tuple[float, float]
    ] = {}  # share of the DNA: 0.5 is heterozygous, less a subclone


STUDY_LINES = (
    Line("RPMI2650", {}, ("yes", "no")),
    Line(
        *("HSC-2", {"nrf2": (0, 1)}, ("yes", "no")),
        {"D57=": (0.5, 0.5), "V512I": (0, 0.5), "delins": (0, 0.5)},
    ),
    # Nonsense-mediated decay leaves little RNA of the truncated allele.
    Line(
        *("HSC-3", {"nrf2": (0, 0.9)}, ("yes", "yes"), {"W544*": (0, 0.2)}),
        dna_alleles={"R320Q": (0, 0.03)},
    ),
    Line(
        *("HO-1-u-1", {"nrf2": (1, 1.35)}, ("yes", "yes"), {"E82D": (0.5, 0.7)}),
        dna_alleles={"Q31ins": (0, 0.06), "promoter": (0.5, 0.5)},
    ),
    Line("Ca9-22", {"mesenchymal": (0, 1)}, ("no", "no"), {"R139W": (1, 1)}, (0.5, 0.5)),
    Line(
        *("HSC-4", {"platinum_transport": (0, 1)}, ("no", "no")),
        {"P187S": (1, 1), "T480fs": (0, 0.5)},
    ),
    Line("SAS", {"interferon": (0, 1)}, ("yes", "yes")),
)
WITHOUT_NQO1 = ("HSC-4", "parental", 2)  # a sample: line, condition, replicate
WITHOUT_AMPLICON = ("HSC-4", "parental", "NFE2L2_e3")  # line, condition, amplicon
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

# How many amplicons cover the coding part of each exon, and where further ones lie before the gene (c.).
AMPLICONS_OF_EXONS = {"KEAP1": {2: 4, 3: 5, 4: 2, 5: 1, 6: 1}, "NFE2L2": {1: 1, 2: 2, 3: 1, 4: 1, 5: 8}}
AMPLICONS_BEFORE = {"NFE2L2": {"promoter": (-800, -640), "upstream": (-330, -165)}}


class Trace(NamedTuple):
    """A Sanger trace: of a PCR product around an allele, from its forward or its reverse primer."""

    line: str
    condition: str
    allele: str  # of ALLELES, that is expected
    direction: str  # forward: along the gene
    told: bool = True  # whether the sheet says what is expected
    around: int | None = None  # base of the coding sequence in the middle of the product, if not the allele's
    readable: bool = True

    @property
    def name(self) -> str:
        """Return the name of its file, without .ab1."""
        change = f"c{self.around}" if self.around else self.allele.replace("*", "X")
        gene, end = ALLELES[self.allele].gene, self.direction[0].upper()
        return f"{self.line}.{SHORT[self.condition]}.{gene}_{change}_{end}"


TRACES = (
    *(Trace("HSC-2", condition, "V512I", "forward") for condition in CONDITIONS),
    Trace("HSC-2", "parental", "V512I", "reverse"),
    Trace("HSC-2", "resistant", "V512I", "reverse", told=False),
    *(Trace("HSC-3", condition, "W544*", "forward") for condition in CONDITIONS),
    Trace("HSC-3", "resistant", "W544*", "reverse", readable=False),
    *(Trace("HO-1-u-1", condition, "E82D", "forward") for condition in CONDITIONS),
    Trace("HO-1-u-1", "resistant", "E82D", "reverse", around=1000),
    *(Trace("HSC-4", condition, "T480fs", "forward") for condition in CONDITIONS),
)


class Modulator(NamedTuple):
    """A second compound at one dose, and the factors on the IC50 of the first: (parental, resistant)."""

    name: str
    dose: float
    unit: str
    factors: tuple[float, float]


class Compound(NamedTuple):
    """A compound on plates: IC50s of lines (parental, resistant), and the curve's slope and bottom."""

    name: str
    unit: str
    ic50: Mapping[str, tuple[float, float]]
    slope: float
    bottom: float  # share of the vehicle
    modulators: Mapping[str, tuple[Modulator, ...]] = {}  # by line
    shift_sd: float = 0.0  # of log10 IC50 between experiments
    with_t0: bool = False  # whether cells were also read when the compound was added


FER_1 = Modulator("Fer-1", 2.0, "uM", (1.0, 1.0))
COMPOUNDS = (
    Compound(
        *("cisplatin", "ug/mL"),
        {
            **{"RPMI2650": (4.5, 22), "HSC-2": (7.9, 26), "HSC-3": (7.8, 13), "HO-1-u-1": (50, 89)},
            **{"Ca9-22": (10, 24), "HSC-4": (11, 25), "SAS": (4.1, 8.2)},
        },
        *(1.5, 0.05),
        {
            "HSC-2": (
                Modulator("NAC", 1.25, "mM", (1.5, 1.25)),
                Modulator("NAC", 2.5, "mM", (2.0, 1.5)),
                Modulator("NAC", 5.0, "mM", (3.0, 2.0)),
                FER_1,
                Modulator("DFO", 100.0, "uM", (1.0, 1.0)),
            )
        },
    ),
    Compound(
        *("erastin", "uM", {"HSC-2": (1.5, 7.5), "HSC-4": (1.2, 1.2)}, 1.8, 0.1),
        dict.fromkeys(("HSC-2", "HSC-4"), (FER_1._replace(factors=(15.0, 15.0)),)),
    ),
    Compound(
        *("MMC", "uM"),
        {
            **{"HSC-2": (1.0, 1.0), "HSC-3": (0.9, 0.3), "HO-1-u-1": (0.6, 0.24)},
            **{"Ca9-22": (1.2, 1.2), "HSC-4": (1.4, 1.4)},
        },
        *(1.2, 0.08),
        with_t0=True,
    ),
    Compound(
        *("carboplatin", "ug/mL", {"HSC-2": (40, 120), "HSC-3": (35, 60), "SAS": (20, 20)}, 1.5, 0.05),
        shift_sd=0.1,
    ),
)
EDGE_EFFECT = ("SAS", "cisplatin", "2")  # line, compound, experiment of a plate whose edge dried out
FLAWED_WELLS = {  # line, compound, experiment: a well of the plate without modulator, and its share of cells
    ("HSC-3", "cisplatin", "1"): ("C7", 0.02),
    ("RPMI2650", "cisplatin", "3"): ("G5", 1.9),
    ("HO-1-u-1", "MMC", "2"): ("B5", 1.7),
}


class Bench(NamedTuple):
    """What a pair of lines has at the bench, relative to a line without effects: (parental, resistant)."""

    are_reporter: tuple[float, float] = (1, 1)
    nrf2_protein: tuple[float, float] = (1, 1)
    keap1_protein: tuple[float, float] = (1, 1)
    cul3_protein: tuple[float, float] = (1, 1)
    nqo1_protein: tuple[float, float] = (1, 1)
    nqo1_mrna: tuple[float, float] = (1, 1)
    cellrox_rise: tuple[float, float] = (1, 1)  # of the fluorescence with cisplatin
    nqo1_activity: tuple[float, float] | None = None  # None was not measured


BENCH = {
    "RPMI2650": Bench(nqo1_protein=(1, 0.1)),
    "HSC-2": Bench(
        *((1, 6), (1, 3.5), (1, 1), (1, 1), (1, 0.15), (1, 4)),
        cellrox_rise=(1, 0.35),
    ),
    "HSC-3": Bench(
        *((1, 4.5), (1, 3), (1, 0.6), (1, 1), (1, 3), (1, 3.5)),
        cellrox_rise=(1, 0.4),
        nqo1_activity=(1, 3),
    ),
    "HO-1-u-1": Bench(
        *((7, 9), (3.5, 4.5), (1, 1), (1, 1), (3, 3.6), (3, 6)),
        cellrox_rise=(0.4, 0.35),
    ),
    "Ca9-22": Bench(nqo1_protein=(0.35, 0.35)),  # R139W: little of the protein is left
    "HSC-4": Bench(nqo1_protein=(0.1, 0.1), nqo1_activity=(0.005, 0.005)),  # P187S
    "SAS": Bench(),
}
FLAWED_PCR = (
    "HSC-3",
    "resistant",
    "NQO1",
    2,
    3,
)  # line, condition, gene, replicate, its well: amplified late


def bench_of(line: Line) -> str:
    """Name the line of the founding study that a line behaves as."""
    return STUDY_LINES[LINES.index(line) % len(STUDY_LINES)].name


# Patients, as in the founding study: how many with a score above the cutoff, and what became of them.
CUTOFF = 82  # of the score: above it is high; one patient without recurrence has it
HIGHEST_SCORE = 300
RECURRENT, NOT_RECURRENT = (15, 3), (4, 9)  # patients: high, low
DEATHS = (10, 2)  # of those with recurrence: high, low
PAIRS, PAIRS_HIGHER = 7, 6  # tumours measured again at recurrence; higher than at first

# Cohorts. What is planted in them is raised to the power of `effects`, or multiplied by it.
GENOME_BUILD = "GRCh38"
BACKGROUND = {  # mean shares of substitutions in both cohorts
    **{"SBS1": 0.13, "SBS2": 0.17, "SBS4": 0.10, "SBS5": 0.26, "SBS13": 0.17, "SBS16": 0.09, "SBS18": 0.08},
}
PLATINUM, PLATINUM_SHARE = {"SBS31": 0.6, "SBS35": 0.4}, 0.15  # of the treated; mean over samples
DOUBLETS, PLATINUM_DOUBLETS = {"DBS2": 0.6, "DBS11": 0.4}, {"DBS5": 1.0}


class GenePanel(NamedTuple):
    """A panel of the treated cohort: its samples, how many genes it has, and how it is measured."""

    name: str
    samples: int
    genes: int
    specimen: str  # tissue or liquid
    normal: str  # matched or none
    regions: bool = False  # whether its file has regions, or else names of genes
    lacks: tuple[str, ...] = ()
    isoform_2: bool = False  # whether it names changes of NFE2L2 on its second isoform


GENE_PANELS = (
    GenePanel("tissue_large", 430, 160, "tissue", "none"),
    GenePanel("liquid_large", 110, 160, "liquid", "none"),
    GenePanel("tissue_matched", 110, 90, "tissue", "matched", regions=True),
    GenePanel("tissue_small", 50, 60, "tissue", "matched", regions=True, isoform_2=True),
    GenePanel("liquid_small", 120, 45, "liquid", "none", lacks=("KEAP1",)),
)


class Cohort(NamedTuple):
    """A cohort: its patients, by panel if there are any, and what therapy they had."""

    name: str
    patients: int
    panels: tuple[GenePanel, ...]  # none: all have exomes
    treated: bool


NAIVE = Cohort("TCGA", 530, (), treated=False)
TREATED = Cohort("C-CAT", sum(panel.samples for panel in GENE_PANELS), GENE_PANELS, treated=True)


class Driver(NamedTuple):
    """A gene in which mutations are planted, and where in its protein they gather.

    `residues` are (first, last, factor on the chance). `others` are what else than substitutions there is.
    """

    rates: tuple[float, float]  # of patients whose test covers the gene: naive, treated
    residues: tuple[tuple[int, int, float], ...]
    missense_only: bool  # whether only changes of a residue gather
    others: str  # frameshift or in_frame
    share_of_others: float


DRIVERS = {
    "KEAP1": Driver((20 / 530, 28 / 700), ((61, 178, 10), (327, 624, 5)), False, "frameshift", 0.15),
    "NFE2L2": Driver(
        (30 / 530, 90 / 820),
        (
            *((24, 24, 100), (26, 28, 100), (29, 31, 400), (32, 32, 100), (34, 34, 100)),
            *((77, 78, 100), (79, 82, 400), (83, 83, 100)),
        ),
        *(True, "in_frame", 0.1),
    ),
}
ISOFORM_2 = ("NFE2L2", "NM_001145412.3", 16)  # gene, transcript, residues that it lacks at its beginning
PREVIOUS_SYMBOLS = {"MTOR": "FRAP1", "PRKN": "PARK2", "PTCH1": "PTCH", "SMAD2": "MADH2"}
PANEL_GENES = (  # on every panel that is large enough, if the study has them; the rest are drawn
    *("KEAP1", "NFE2L2", "CUL3", "TP53", "CDKN1A", "CASP8", "HRAS", "EGFR", "CCND1", "NOTCH2", "RB1", "NF1"),
    *("MTOR", "APC", "BRAF", "BRCA1", "CDH1", "CDK4", "CTNNB1", "FAS", "GNAS", "IDH1", "IDH2", "JAK2"),
    *("MAP3K1", "MDM2", "MLH1", "MYC", "NF2", "PRKN", "PTCH1", "SMAD2", "STAT3", "TSC2", "AKT3", "ARAF"),
    *("AURKA", "AXIN1", "BCL2L1", "BTG2", "CBL", "CCND2", "CCNE1", "CDKN1B", "CDKN2C", "EPHB4", "ERRFI1"),
    *("EZH2", "GATA3", "GSK3B", "HGF", "INPP4B", "JUN", "LYN", "MYD88", "NPM1", "PDGFRB", "RAD51", "SOCS1"),
    *("VEGFA", "XPO1"),
)
