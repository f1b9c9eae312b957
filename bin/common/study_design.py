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
