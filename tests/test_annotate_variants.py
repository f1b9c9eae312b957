"""Names and consequences of variants.

Oracles: names that are published, on real sequences and those of HGVS's own pages; and bcftools csq on random
variants. Properties: a name applied to the reference gives the changed sequence, and one change has one name.
"""

import csv
import gzip
import json
import re
from pathlib import Path

import annotate_variants
import coding_genome
import pandas as pd
import pytest
from annotate_variants import Annotator, main
from coding_genome import Contigs
from common.annotation import Transcript, reverse_complement, spliced_sequence, translate
from common.tables import read_table
from common.vcf import Variant
from conftest import ORACLES, REFERENCE_DATA, ROOT

DOMAINS = read_table(ROOT / "assets/domains.tsv", annotate_variants.DOMAINS)
HOTSPOTS = read_table(ROOT / "assets/hotspots.tsv", annotate_variants.HOTSPOTS)


def annotator(genome, transcripts: list[Transcript], named: bool = True) -> Annotator:
    genes = {each.transcript_id: each.gene_name for each in transcripts} if named else {}
    return Annotator(genome, transcripts, genes, DOMAINS, HOTSPOTS)


class Windows(Contigs):
    """Contigs of which pieces are known; the rest is N."""

    def __init__(self, *pieces: tuple[str, int, str]) -> None:
        self.pieces = pieces
        self.references = list(dict.fromkeys(contig for contig, *_ in pieces))
        self.lengths = [10**9] * len(self.references)

    def fetch(self, reference: str, start: int, end: int) -> str:
        fetched = ["N"] * (end - start)
        for contig, first, sequence in self.pieces:
            low, high = max(start, first), min(end, first + len(sequence))
            if contig == reference and low < high:
                fetched[low - start : high - start] = sequence[low - first : high - first]
        return "".join(fetched)


@pytest.fixture(scope="module")
def real() -> Annotator:
    """KEAP1, NFE2L2 and NQO1 of GRCh38, as far as their sequence is at hand.

    Of KEAP1 the first 12 bases of the coding sequence are made up, of NFE2L2 all but exon 2.
    """
    folder = REFERENCE_DATA / "sequences"
    pieces = []
    for name in ("KEAP1_NFE2L2_genomic_windows.GRCh38.fa", "NQO1_exons.GRCh38.fa"):
        for record in (folder / name).read_text().split(">")[1:]:
            head, *lines = record.split("\n")
            contig, span = head.split()[0].split(":")
            pieces.append((contig, int(span.split("-")[0]) - 1, "".join(lines)))
    exons: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    for line in (folder / "exons.GRCh38.bed").read_text().splitlines():
        contig, start, end, _, gene, _, transcript = line.split("\t")
        exons.setdefault((transcript, f"E{gene}", gene, contig, "-"), []).append((int(start), int(end)))
    targets = read_table(ROOT / "assets/target_genes.tsv", annotate_variants.TARGET_GENES).set_index("gene")
    transcripts = []
    for names, parts in exons.items():
        if names[2] != "CUL3":
            cds = (int(targets.cds_start[names[2]]) - 1, int(targets.cds_end[names[2]]))
            transcripts.append(Transcript(*names, tuple(sorted(parts, reverse=True)), cds))
    genome = Windows(*pieces)
    for each in transcripts:
        known, made = spliced_sequence(each, genome), "ATG" + "GCC" * each.length
        for offset in range(*each.cds):
            if known[offset] == "N":
                base = made[offset - each.cds[0]] if offset < each.cds[1] - 3 else "TAA"[offset - each.cds[1]]
                genome.pieces += ((each.contig, each.to_genome(offset), reverse_complement(base)),)
    return annotator(genome, transcripts)


def named(annotator: Annotator, contig: str, position: int, ref: str, alt: str) -> dict[str, object]:
    """Return the one row of a variant; position from 1."""
    (row,) = annotator.rows(Variant(contig, position - 1, ref, alt))
    return row


@pytest.mark.parametrize(
    ("variant", "hgvs_c", "hgvs_p", "short", "consequence"),
    [
        (
            "chr16 69714966 G A",
            "c.415C>T",
            "p.(Arg139Trp)",
            "p.R139W",
            "missense_variant&splice_region_variant",
        ),
        ("chr16 69711242 G A", "c.559C>T", "p.(Pro187Ser)", "p.P187S", "missense_variant"),
        (
            "chr19 10489366 C T",
            "c.1534G>A",
            "p.(Val512Ile)",
            "p.V512I",
            "missense_variant&splice_region_variant",
        ),
        ("chr19 10489269 C T", "c.1631G>A", "p.(Trp544Ter)", "p.W544*", "stop_gained"),
        ("chr19 10489268 C T", "c.1632G>A", "p.(Trp544Ter)", "p.W544*", "stop_gained"),
        ("chr2 177234071 T G", "c.246A>C", "p.(Glu82Asp)", "p.E82D", "missense_variant"),
        ("chr2 177234071 T A", "c.246A>T", "p.(Glu82Asp)", "p.E82D", "missense_variant"),
    ],
)
def test_rows__names_the_variants_of_the_study_as_published(
    real, variant, hgvs_c, hgvs_p, short, consequence
):
    contig, position, ref, alt = variant.split()
    row = named(real, contig, int(position), ref, alt)
    found = (row["hgvs_c"], row["hgvs_p"], row["hgvs_p_short"], row["consequence"])
    assert found == (hgvs_c, hgvs_p, short, consequence)
    assert (row["status"], row["named"]) == ("ok", "yes")


def test_rows__tells_exon_codon_domain_and_hotspot(real):
    row = named(real, "chr16", 69714966, "G", "A")
    assert (row["exon"], row["codon"], row["protein_start"], row["protein_end"]) == (
        "4/6",
        "CGG>TGG",
        139,
        139,
    )
    assert (row["domain"], row["hotspot"], row["hotspot_effect"]) == ("Flavodoxin-like", "R139W", "reduced")
    row = named(real, "chr2", 177234071, "T", "G")
    assert (row["domain"], row["hotspot"], row["hotspot_effect"]) == ("Neh2;ETGE", "E82", "activating")
    row = named(real, "chr19", 10489366, "C", "T")
    assert (row["domain"], row["exon"], row.get("hotspot")) == ("Kelch/DGR;Kelch 4", "5/6", None)


def apply_dna(contig: str, transcript: Transcript, name: str) -> str:
    """Apply a name of HGVS to a contig."""
    place = r"([-*]?\d+(?:[+-]\d+)?)"
    parts = re.fullmatch(rf"c\.{place}(?:_{place})?(?:([ACGT])>([ACGT])|([a-z]+)([ACGT]*))", name)
    first, last, old, new, kind, given = parts.groups()
    ends = sorted(transcript.coding_to_genome(each) for each in (first, last or first))
    start, end = ends[0], ends[1] + 1
    read = contig[start:end]
    turned = reverse_complement if transcript.strand == "-" else str
    if old:
        assert turned(read) == old
        made = turned(new)
    elif kind == "ins":
        assert end - start == 2
        made = read[0] + turned(given) + read[1]
    else:
        made = {"del": "", "dup": 2 * read, "inv": reverse_complement(read), "delins": turned(given)}[kind]
    return contig[:start] + made + contig[end:]


def check_protein(protein: str, changed: str, name: str) -> None:
    """Hold a name, in one letter, to what a protein (with its stop) has become, read up to a stop."""
    residue = r"([A-Z*])(\d+)"
    parts = re.fullmatch(
        rf"p\.{residue}(?:_{residue})?([A-Z*=]?)(?:(fs|ext)\*(\d+|\?)|(del|dup|ins|delins)([A-Z*]*))?", name
    )
    first, start, last, end, new, shift, count, kind, given = parts.groups()
    start, end, given = int(start) - 1, int(end or start) - 1, given or ""
    assert protein[start] == first
    assert last is None or protein[end] == last
    if shift:
        assert changed[:start] == protein[:start]
        assert changed[start] == new != first
        stop = changed.find("*") + 1
        expected = 0 if not stop else stop - start if shift == "fs" else stop - len(protein)
        assert (first == "*") is (shift == "ext")
        assert count == (str(expected) if expected else "?")
        return
    made = {
        None: protein if new == "=" else protein[:start] + new + protein[end + 1 :],
        "del": protein[:start] + protein[end + 1 :],
        "dup": protein[: end + 1] + protein[start:],
        "ins": protein[:end] + given + protein[end:],
        "delins": protein[:start] + given + protein[end + 1 :],
    }[kind]
    assert made[: made.index("*") + 1] == changed
    assert kind != "ins" or end == start + 1


def changed_protein(annotator: Annotator, transcript: Transcript, variant: Variant) -> str:
    """Change the genome, splice it where the exons are now, translate the whole: the slow, obvious way."""
    contig = annotator.genome.contigs[transcript.contig]
    change = annotate_variants.place(variant, transcript.strand, annotator.genome)
    place = change.start if transcript.strand == "+" else -change.end
    alt = change.alt if transcript.strand == "+" else reverse_complement(change.alt)
    mutated = contig[:place] + alt + contig[place + len(change.ref) :]
    longer = len(change.alt) - len(change.ref)

    def moved(position: int, is_end: bool) -> int:
        inner = position > place if not is_end else position >= place + len(change.ref)
        return position + longer if inner and position >= place + len(change.ref) else position

    exons = [(moved(start, False), moved(end, True)) for start, end in transcript.exons]
    spliced = spliced_sequence(
        transcript._replace(exons=tuple(exons)), Contigs(**{transcript.contig: mutated})
    )
    protein = translate(spliced[transcript.cds[0] :])
    return protein[: protein.index("*") + 1] if "*" in protein else protein


@pytest.mark.parametrize("seed", range(8))
def test_rows__a_name_applied_to_the_reference_gives_the_changed_sequence(seed):
    contigs, transcripts = coding_genome.genome(seed)
    found = annotator(Contigs(**contigs), transcripts)
    by_name = {each.transcript_id: each for each in transcripts}
    kinds = set()
    for allele in coding_genome.alleles(contigs, transcripts, seed, 250):
        for row in found.rows(Variant(*allele)):
            transcript = by_name[row["transcript"]]
            mutated = coding_genome.apply(contigs["chr1"], allele)
            assert apply_dna(contigs["chr1"], transcript, row["hgvs_c"]) == mutated, row
            short = row.get("hgvs_p_short")
            if short not in (None, "p.?", "p.M1?") and "start_retained" not in row["consequence"]:
                changed = changed_protein(found, transcript, Variant(*allele))
                check_protein(found.model(transcript).protein, changed, short)
                kinds |= set(re.findall("fs|ext|delins|ins|del|dup|=", short)) or {"sub"}
    assert kinds >= {"fs", "delins", "del", "dup", "sub"}


@pytest.mark.parametrize("seed", range(20, 24))
def test_rows__one_change_has_one_name_wherever_a_caller_put_it(seed):
    contigs, transcripts = coding_genome.genome(seed)
    found = annotator(Contigs(**contigs), transcripts)
    movable = 0
    for allele in coding_genome.alleles(contigs, transcripts, seed, 250):
        sequence = contigs[allele.contig]
        left, right = (
            coding_genome.left_aligned(sequence, allele),
            coding_genome.right_aligned(sequence, allele),
        )
        assert coding_genome.apply(sequence, left) == coding_genome.apply(sequence, right)
        movable += left != right
        written = [
            [{key: value for key, value in row.items() if key not in ("pos", "ref", "alt")} for row in rows]
            for rows in (found.rows(Variant(*each)) for each in (allele, left, right))
        ]
        assert written[0] == written[1] == written[2]
    assert movable > 40


# csq names terms without _variant, and one splice region beside the coding change.
CSQ = {"5_prime_utr": "5_prime_UTR_variant", "3_prime_utr": "3_prime_UTR_variant"}
WHOLE = {"stop_gained", "stop_lost", "start_lost", "inframe_insertion", "inframe_deletion"}


def csq_rows() -> dict[tuple[str, int, str, str], tuple[set[str], str]]:
    """What csq said of each variant: its terms as the Sequence Ontology has them, and the residues."""
    found: dict[tuple[str, int, str, str], tuple[set[str], str]] = {}
    with (ORACLES / "annotate_variants_csq.tsv").open() as lines:
        for row in csv.DictReader((line for line in lines if not line.startswith("#")), delimiter="\t"):
            variant = (row["chrom"], int(row["pos"]) - 1, row["ref"], row["alt"])
            terms, residues = found.setdefault(variant, (set(), ""))
            said = row["consequence"].split("&")
            terms |= {CSQ.get(term) or (term if term in WHOLE else f"{term}_variant") for term in said}
            found[variant] = (terms, residues or row["amino_acids"])
    return found


def difference(row: dict, csq: set[str], moved: bool) -> str | None:
    """Say by which definition a row's terms differ from csq's; None if they agree, empty if by none."""
    ours, short = set(row["consequence"].split("&")), row.get("hgvs_p_short", "")
    if ours == csq:
        return None
    if ours == csq | {"intron_variant"}:
        return "bases of the intron beside its splice site change: intron_variant too"
    if moved:
        return "csq reads the variant at either end; here it is read where it is named, most 3'"
    if ours == csq | {"stop_gained"}:
        return "a frameshift whose first new codon is a stop is stop_gained too"
    if ours - csq == {"protein_altering_variant"} and csq - ours <= {"inframe_insertion", "inframe_deletion"}:
        return "in frame, but bases both go and come: not a mere insertion or deletion"
    if short == "p.?" and ours & {"coding_sequence_variant", "start_lost", "stop_lost"}:
        return "across the border of an exon: no protein is predicted"
    if "delins" in short and short.endswith("*") and csq - ours == {"missense_variant"}:
        return "csq calls a change of two codons by the first"
    if ("ins" in row["hgvs_c"] and ours == csq | {"5_prime_UTR_variant"}) or ours == csq | {
        "3_prime_UTR_variant"
    }:
        return "an insertion at the border of an exon is in the exon"
    return ""


def test_rows__agrees_with_bcftools_csq():
    """tests/oracles/annotate_variants.py asked bcftools csq 1.16; where it differs, a definition says why."""
    contigs, transcripts = coding_genome.genome(20, 2)
    found = annotator(Contigs(**contigs), transcripts, named=False)
    same, reasons, proteins = 0, {}, 0
    for variant, (terms, residues) in csq_rows().items():
        (row,) = found.rows(Variant(*variant))
        transcript = next(each for each in transcripts if each.transcript_id == row["transcript"])
        moved = annotate_variants.place(Variant(*variant), transcript.strand, found.genome).slack > 0
        reason = difference(row, terms, moved)
        assert reason != "", (row, terms)
        same += reason is None
        if reason:
            reasons[reason] = reasons.get(reason, 0) + 1
        if residues and row.get("hgvs_p", "p.?") not in ("p.?", "p.(Met1?)"):
            protein = found.model(transcript).protein
            changed = csq_protein(protein, residues)
            if not changed.endswith("*"):
                longer = changed_protein(found, transcript, Variant(*variant))
                assert longer.startswith(changed)
                changed = longer
            check_protein(protein, changed, row["hgvs_p_short"])
            proteins += 1
    assert same > 400
    assert proteins > 200


def csq_protein(protein: str, residues: str) -> str:
    """Apply csq's `12VL>12I` (or `41R`, of no change) to a protein; it reads 10 bases beyond the old stop."""
    numbered = [re.fullmatch(r"(\d+)(.*)", part).groups() for part in residues.split(">")]
    (start, old), (_, new) = numbered[0], numbered[-1]
    at = int(start) - 1
    assert protein[at : at + len(old)] == old
    changed = protein[:at] + new + protein[at + len(old) :]
    return changed[: changed.index("*") + 1] if "*" in changed else changed


# Examples of HGVS's recommendations (hgvs-nomenclature.org/stable/recommendations, the pages named): exons
# in capitals, introns not, the change in brackets, `[ref>alt]`; the number is that of the first base.
# Where a page gives a name only, the bases are made up.
DNA = [
    ("DNA/deletion", 5686, "ATTG[A>]AAAAAAATTAG", "c.5697del"),
    ("DNA/deletion", 5686, "ATTGAAAAAAA[A>]TTAG", "c.5697del"),
    ("DNA/deletion", 3919, "GA[T>]gtaccccagTCA", "c.3921del"),
    ("DNA/deletion", 1699, "GAACA[G>]gtccccagTGCC", "c.1704+1del"),
    ("DNA/deletion", 1807, "CTGGCCgtccca[g>]GTTTTA", "c.1813del"),
    ("DNA/deletion", 181, f"TC[ATTCgt{'ac' * 23}>]{'t' * 60}cagTCA", "c.183_186+48del"),
    ("DNA/duplication", 15, "AGAAG[T>TT]AGAGG", "c.20dup"),
    ("DNA/duplication", 15, "AGAA[G>GTAGA]TAGAGG", "c.20_23dup"),
    ("DNA/duplication", 5686, "ATTG[>A]AAAAAAAATTAG", "c.5697dup"),
    ("DNA/duplication", 3919, "GA[T>TT]gtaccccagTCA", "c.3921dup"),
    ("DNA/duplication", 1699, "GAACA[G>GG]gtccccagTGCC", "c.1704+1dup"),
    ("DNA/duplication", 1807, "CTGGCCgtccca[>g]gGTTTTA", "c.1813dup"),
    ("DNA/delins", 6771, "GGAA[GAG>C]TTGC", "c.6775_6777delinsC"),
    ("DNA/delins", 2074, "CAT[G>ATA]ACA", "c.2077delinsATA"),
    ("DNA/delins", 1, "TGT[GC>TG]CA", "c.4_5delinsTG"),
    ("DNA/inversion", 5654, "AGG[CTGA>TCAG]TG", "c.5657_5660inv"),
    ("background/numbering", 87, "GG[>c]gtccccagTCA", "c.88_88+1insC"),
]
PROTEIN = [
    ("protein/frameshift", 1, "ATGGATGCATA[C>]GTCACGTAA", "p.(Tyr4Ter)", "p.Y4*"),
    ("protein/frameshift", 1, "ATGGATGCATACG[>TGCATACG]AGATGAGGTAA", "p.(Glu5ValfsTer5)", "p.E5Vfs*5"),
    ("protein/frameshift", 979, "A[T>GA]AGCCGCCTAAGCC", "p.(Ile327ArgfsTer?)", "p.I327Rfs*?"),
    (
        "protein/frameshift",
        448,
        "CA[T>CA]CAATCTGCAGCTGCTGCTGCTTAAGCTAG",
        "p.(Gln151ThrfsTer10)",
        "p.Q151Tfs*10",
    ),
    ("protein/frameshift", 1, "ATGTGGTCC[AGT>]TCCCACGATTAA", "p.(Ser5del)", "p.S5del"),
    ("protein/deletion", 1, "ATGCTG[TGG>]TGGGAGTAA", "p.(Trp4del)", "p.W4del"),
    ("protein/deletion", 1675, "G[TTGTTGAGG>]AGATAAATTAA", "p.(Val559_Glu561del)", "p.V559_E561del"),
    ("protein/duplication", 1, "ATGCTG[>TGG]TGGGAGTAA", "p.(Trp3dup)", "p.W3dup"),
    ("protein/duplication", 1, "ATGCTGTGG[>TGG]TGGGAGTAA", "p.(Trp4dup)", "p.W4dup"),
    ("protein/insertion", 1, "ATGAAAGGTCAT[>GCA]CAACAATGTTAA", "p.(His4_Gln5insAla)", "p.H4_Q5insA"),
    ("protein/insertion", 1, "ATGAAA[>CAATCTAAA]GGTCATCAATAA", "p.(Lys2_Gly3insGlnSerLys)", "p.K2_G3insQSK"),
    ("protein/insertion", 1, "ATGAAAATG[>GGGTAG]CATCAATAA", "p.(Met3_His4insGlyTer)", "p.M3_H4insG*"),
    (
        "protein/insertion",
        136,
        "CCT[>TCATCATGAGCTCCC]AATGAATAA",
        "p.(Pro46_Asn47insSerSerTer)",
        "p.P46_N47insSS*",
    ),
    ("protein/delins", 136, "CCT[A>TCATCATGAGCTG]ATGAATAA", "p.(Asn47delinsSerSerTer)", "p.N47delinsSS*"),
    ("protein/delins", 1732, "C[CCA>TTT]AGGAATAA", "p.(Pro578_Lys579delinsLeuTer)", "p.P578_K579delinsL*"),
    ("protein/delins", 82, "[TGTAAA>TGG]GAATAA", "p.(Cys28_Lys29delinsTrp)", "p.C28_K29delinsW"),
    ("protein/delins", 82, "TG[T>GGTA]AAAGAATAA", "p.(Cys28delinsTrpVal)", "p.C28delinsWV"),
    ("protein/substitution", 70, "TG[G>T]GAATAA", "p.(Trp24Cys)", "p.W24C"),
    ("protein/substitution", 70, "TG[G>A]GAATAA", "p.(Trp24Ter)", "p.W24*"),
    ("protein/substitution", 562, "TG[C>T]GAATAA", "p.(Cys188=)", "p.C188="),
    ("protein/substitution", 1, "A[T>C]GGAATAA", "p.(Met1?)", "p.M1?"),
    ("protein/substitution", 70, "[TGGGTT>TGCAGA]GAATAA", "p.(Trp24_Val25delinsCysArg)", "p.W24_V25delinsCR"),
    ("protein/extension", 325, f"GCC[T>C]AA{'GCC' * 16}TAGGCC", "p.(Ter110GlnextTer17)", "p.*110Qext*17"),
    ("protein/extension", 976, "GCC[T>A]GAGCCGCC", "p.(Ter327ArgextTer?)", "p.*327Rext*?"),
    ("protein/extension", 325, "GCCTG[>G]AGCTAGCCTAAGCC", "p.(Ter110TrpextTer2)", "p.*110Wext*2"),
]


def row_of(number: int, text: str, strand: str) -> dict[str, object]:
    """Name the change of an example on a strand; the bases before it are ATG and codons of alanine."""
    before, ref, alt, after = re.fullmatch(r"(\w*)\[(\w*)>(\w*)\](\w*)", text).groups()
    made = ("ATG" + "GCC" * number)[: number - 1]
    sequence = "CCGC" + made + before + ref + after + "C"
    exons = [match.span() for match in re.finditer("[A-Z]+", sequence)]
    contig, place = sequence.upper(), 4 + len(made + before)
    spliced = "".join(contig[start:end] for start, end in exons)
    stop = (translate(spliced[4:]) + "*").index("*")
    position, alleles = place - 1, (contig[place - 1] + ref.upper(), contig[place - 1] + alt.upper())
    if strand == "-":
        length = len(contig)
        exons = [(length - end, length - start) for start, end in exons]
        position, contig = length - place - len(ref), reverse_complement(contig)
        behind = contig[position - 1]
        position, alleles = (
            position - 1,
            tuple(behind + reverse_complement(each.upper()) for each in (ref, alt)),
        )
    transcript = Transcript(
        "T1", "E1", "G1", "chr1", strand, tuple(exons), (4, min(7 + 3 * stop, len(spliced)))
    )
    found = annotator(Contigs(chr1=contig), [transcript])
    return found.rows(Variant("chr1", position, *alleles))[0]


@pytest.mark.parametrize("strand", "+-")
@pytest.mark.parametrize(("page", "number", "text", "name"), DNA)
def test_rows__names_changes_of_dna_as_the_examples_of_hgvs(page, number, text, name, strand):
    assert row_of(number, text, strand)["hgvs_c"] == name


@pytest.mark.parametrize("strand", "+-")
@pytest.mark.parametrize(("page", "number", "text", "name", "short"), PROTEIN)
def test_rows__names_changes_of_proteins_as_the_examples_of_hgvs(page, number, text, name, short, strand):
    row = row_of(number, text, strand)
    assert (row["hgvs_p"], row["hgvs_p_short"]) == (name, short)


INTRON = "GTAAGTCACACACACACACACATTTTACAG"
FIRST_EXON = "start_lost&splice_region_variant&5_prime_UTR_variant"
FIRST_AND_INTRON = (
    "splice_acceptor_variant&splice_donor_variant&start_lost&coding_sequence_variant&5_prime_UTR_variant&"
    "intron_variant"
)


@pytest.fixture
def small() -> tuple[Contigs, Transcript]:
    """ATG AAA CCC GGG TTT TGG TAA in two exons with UTRs, and 6,000 bases on either side."""
    gene = f"CCCCATGAAACCCG{INTRON}GGTTTTGGTAAGCATGACTAGC"
    contig = "AC" * 3000 + gene + "AC" * 3000
    exons = ((6000, 6014), (6044, 6066))
    return Contigs(chr1=contig), Transcript("T1.1", "E1", "G1", "chr1", "+", exons, (4, 25))


@pytest.mark.parametrize(
    ("position", "ref", "alt", "hgvs_c", "short", "consequence"),
    [
        (6003, "C", "G", "c.-2C>G", None, "5_prime_UTR_variant"),
        (6005, "A", "G", "c.1A>G", "p.M1?", "start_lost"),
        (6004, "CATG", "C", "c.2_4del", "p.M1?", "start_lost"),
        (6003, "CCA", "C", "c.-1_1del", "p.M1?", "start_lost&5_prime_UTR_variant"),
        (6010, "A", "AATG", "c.6_7insATG", "p.K2_P3insM", "inframe_insertion"),
        (6010, "A", "G", "c.6A>G", "p.K2=", "synonymous_variant"),
        (6010, "AC", "GT", "c.6_7inv", "p.P3S", "missense_variant"),
        (6014, "G", "C", "c.10G>C", "p.G4R", "missense_variant&splice_region_variant"),
        (6015, "G", "C", "c.10+1G>C", "p.?", "splice_donor_variant"),
        (6016, "T", "C", "c.10+2T>C", "p.?", "splice_donor_variant"),
        (6017, "A", "C", "c.10+3A>C", None, "splice_region_variant&intron_variant"),
        (6022, "A", "G", "c.10+8A>G", None, "splice_region_variant&intron_variant"),
        (6023, "C", "G", "c.10+9C>G", None, "intron_variant"),
        (6037, "T", "G", "c.11-8T>G", None, "splice_region_variant&intron_variant"),
        (6042, "C", "G", "c.11-3C>G", None, "splice_region_variant&intron_variant"),
        (6043, "A", "G", "c.11-2A>G", "p.?", "splice_acceptor_variant"),
        (6044, "G", "C", "c.11-1G>C", "p.?", "splice_acceptor_variant"),
        (6045, "G", "C", "c.11G>C", "p.G4A", "missense_variant&splice_region_variant"),
        (6047, "T", "G", "c.13T>G", "p.F5V", "missense_variant&splice_region_variant"),
        (6048, "T", "G", "c.14T>G", "p.F5C", "missense_variant"),
        (6051, "G", "A", "c.17G>A", "p.W6*", "stop_gained"),
        (6053, "T", "C", "c.19T>C", "p.*7Qext*2", "stop_lost"),
        (6055, "A", "G", "c.21A>G", "p.*7=", "stop_retained_variant"),
        (6052, "G", "GTAA", "c.19_21dup", None, "3_prime_UTR_variant"),
        (6052, "G", "GGGG", "c.18_19insGGG", "p.*7Gext*1", "inframe_insertion&stop_retained_variant"),
        (6055, "AGCA", "A", "c.*1_*3del", None, "3_prime_UTR_variant"),
        (6053, "TAAGC", "T", "c.21_*3del", "p.*7Yext*2", "stop_lost&3_prime_UTR_variant"),
        (6049, "TTGGTAAGC", "T", "c.16_*2del", "p.W6Mfs*?", "stop_lost&3_prime_UTR_variant"),
        (6008, "AA", "A", "c.6del", "p.K2Nfs*9", "frameshift_variant"),
        (
            6010,
            "ACCCGGTAAG",
            "A",
            "c.7_10+5del",
            "p.?",
            "splice_donor_variant&coding_sequence_variant&intron_variant",
        ),
        (6000, "CCCCCATGAAACCCG", "C", "c.-4_10del", "p.M1?", FIRST_EXON),
        (6000, f"CCCCCATGAAACCCG{INTRON}G", "C", "c.-4_11del", "p.?", FIRST_AND_INTRON),
    ],
)
def test_rows__says_what_changes_of_each_part_of_a_transcript_do(
    small, position, ref, alt, hgvs_c, short, consequence
):
    genome, transcript = small
    row = named(annotator(genome, [transcript]), "chr1", position, ref, alt)
    found = (row["hgvs_c"], row.get("hgvs_p_short"), row["consequence"])
    assert found == (hgvs_c, short, consequence)


def test_rows__name_the_study_s_deletion_and_substitution_as_one_change(real):
    """Four bases of exon 4 of NQO1 are lost and the next is another, which a caller gives as one event."""
    ref = real.genome.fetch("chr16", 69714969, 69714974)
    row = named(real, "chr16", 69714970, ref, "T")
    assert (ref, row["hgvs_c"]) == ("GGGTC", "c.407_411delinsA")
    assert (row["hgvs_p_short"], row["consequence"], row["exon"]) == (
        "p.G136Dfs*29",
        "frameshift_variant",
        "4/6",
    )


def test_rows__say_how_else_a_change_at_the_border_of_an_exon_can_be_read(small):
    genome, transcript = small
    row = named(annotator(genome, [transcript]), "chr1", 6013, "CG", "C")
    assert (row["hgvs_c"], row["consequence"]) == ("c.10+1del", "splice_donor_variant")
    assert row["reason"] == "at the border of an exon: the same change is c.10del"
    assert named(annotator(genome, [transcript]), "chr1", 6007, "GA", "G")["reason"] is None


def test_rows__have_n_names_on_transcripts_without_coding_sequence(small):
    genome, transcript = small
    found = annotator(genome, [transcript._replace(cds=None)], named=False)
    exon, intron, site = (
        named(found, "chr1", *place) for place in ((6010, "A", "G"), (6023, "C", "G"), (6015, "G", "C"))
    )
    assert (exon["hgvs_c"], exon["consequence"]) == ("n.10A>G", "non_coding_transcript_exon_variant")
    assert (intron["hgvs_c"], intron["consequence"]) == (
        "n.14+9C>G",
        "intron_variant&non_coding_transcript_variant",
    )
    assert (site["hgvs_c"], site["consequence"]) == ("n.14+1G>C", "splice_donor_variant")
    assert not {"hgvs_p", "protein_start"} & (exon.keys() | intron.keys() | site.keys())


@pytest.mark.parametrize(
    ("cds", "contig", "status", "reason"),
    [
        (
            (7, 25),
            "chr1",
            "incomplete_cds",
            "the coding sequence starts with no ATG: no protein is predicted",
        ),
        ((4, 24), "chr1", "incomplete_cds", "has 20 bases, no whole codons and ends without a stop codon"),
        (
            (4, 22),
            "chr1",
            "incomplete_cds",
            "the coding sequence ends without a stop codon: no protein is predicted",
        ),
        (
            (4, 31),
            "chr1",
            "internal_stop",
            "codon 7 is TAA, selenocysteine or a fault: no protein is predicted",
        ),
        ((4, 25), "chrM", "other_genetic_code", "the code of mitochondria: no protein is predicted"),
    ],
)
def test_rows__give_a_status_where_no_protein_can_be_predicted(small, cds, contig, status, reason):
    genome, transcript = small
    found = annotator(
        Contigs(**{contig: genome.contigs["chr1"]}), [transcript._replace(contig=contig, cds=cds)]
    )
    row = named(found, contig, 6048, "T", "G")
    assert (row["status"], row["consequence"]) == (status, "coding_sequence_variant")
    assert reason in row["reason"]
    assert row["hgvs_c"].endswith("T>G")
    assert "hgvs_p" not in row


@pytest.mark.parametrize(
    ("variant", "status", "reason"),
    [
        (Variant("chr1", 6010, "G", "A"), "reference_mismatch", "the genome has C here, not G"),
        (Variant("chr1", 99999, "G", "A"), "reference_mismatch", "the genome has no base here, not G"),
        (Variant("chr1", -1, "N", "A"), "not_supported", "N to A"),
        (Variant("chr1", -1, "A", "C"), "reference_mismatch", "the genome has no base here, not A"),
        (Variant("chr2", 6010, "G", "A"), "unknown_contig", "the genome has no contig chr2"),
        (Variant("chr1", 6010, "C", "<DEL>"), "not_supported", "only alleles of the bases A, C, G and T"),
        (Variant("chr1", 6010, "C", "*"), "not_supported", "C to *"),
        (Variant("chr1", 6010, "C", "C[CHR2:1["), "not_supported", "only alleles"),
        (Variant("chr1", 6010, "C", "N"), "not_supported", "only alleles"),
        (Variant("chr1", 6010, "C", "C"), "not_supported", "REF and ALT are the same"),
    ],
)
def test_rows__keep_a_variant_that_cannot_be_named(small, variant, status, reason):
    genome, transcript = small
    (row,) = annotator(genome, [transcript]).rows(variant)
    assert (row["status"], row["named"], row.get("hgvs_c")) == (status, "no", None)
    assert reason in row["reason"]


def test_rows__say_that_a_target_gene_has_no_coding_sequence(small):
    genome, transcript = small
    row = named(annotator(genome, [transcript._replace(cds=None)]), "chr1", 6010, "A", "G")
    assert (row["status"], row["named"], row["hgvs_c"]) == ("no_cds", "yes", "n.10A>G")
    assert row["reason"] == "neither the GTF nor the target genes have its coding sequence"


def test_rows__say_where_a_variant_lies_that_no_transcript_holds(small):
    genome, transcript = small
    other = transcript._replace(transcript_id="T2", cds=None)
    found = Annotator(genome, [other, transcript], {"T1.1": "G1"}, DOMAINS, HOTSPOTS)
    (upstream,) = found.rows(Variant("chr1", 1001, "C", "G"))
    assert (upstream["transcript"], upstream["hgvs_c"]) == ("T1.1", "c.-5003C>G")
    assert (upstream["consequence"], upstream["status"]) == ("upstream_gene_variant", "ok")
    (downstream,) = found.rows(Variant("chr1", 6067, "C", "G"))
    assert (downstream["hgvs_c"], downstream["consequence"]) == ("c.*13C>G", "downstream_gene_variant")
    (far,) = found.rows(Variant("chr1", 999, "C", "G"))
    assert (far["status"], far["consequence"]) == ("intergenic", "intergenic_variant")
    assert far["reason"] == "no transcript within 5,000 bases"
    inside = found.rows(Variant("chr1", 6009, "A", "G"))
    assert [(row["transcript"], row["named"]) for row in inside] == [("T2", "no"), ("T1.1", "yes")]


def test_rows__add_the_named_transcript_to_others_that_hold_a_variant_of_its_promoter(small):
    genome, transcript = small
    across = transcript._replace(
        transcript_id="T3", gene_name="G3", cds=None, exons=((5000, 5900), (5950, 5960))
    )
    found = Annotator(genome, [across, transcript], {"T1.1": "G1"}, DOMAINS, HOTSPOTS)
    rows = found.rows(Variant("chr1", 5901, "C", "G"))
    assert [(row["gene"], row["named"], row["hgvs_c"]) for row in rows] == [
        ("G3", "no", "n.900+2C>G"),
        ("G1", "yes", "c.-103C>G"),
    ]


@pytest.mark.parametrize(
    ("gene", "coding", "ref", "alt", "hotspot", "effect"),
    [
        ("NFE2L2", "235", "G", "A", "E79", "activating"),
        ("NFE2L2", "246", "A", "G", None, None),  # E82=
        ("NFE2L2", "235", "G", "T", None, None),  # E79*
        ("KEAP1", "959", "G", "A", "R320Q", "reduced"),
        ("KEAP1", "1408", "C", "T", "R470C", "reduced"),
        ("KEAP1", "958", "C", "T", None, None),  # R320*
        ("KEAP1", "1244", "G", "A", "R415", "uncertain"),
        ("KEAP1", "1243", "C", "G", "R415G;R415", "uncertain"),
        ("KEAP1", "1413", "C", "G", "L471=", "common_polymorphism"),
        ("KEAP1", "1611", "C", "T", "Y537=", "common_polymorphism"),
        ("NQO1", "559", "C", "T", "P187S", "loss"),
    ],
)
def test_known__finds_hotspots_of_the_named_transcript(real, gene, coding, ref, alt, hotspot, effect):
    transcript = next(
        each for index in real.indexes.values() for _, _, _, each in index.spans if each.gene_name == gene
    )
    position = transcript.coding_to_genome(coding)
    row = named(real, transcript.contig, position + 1, reverse_complement(ref), reverse_complement(alt))
    assert row["hgvs_c"] == f"c.{coding}{ref}>{alt}"
    assert (row.get("hotspot"), row.get("hotspot_effect")) == (hotspot, effect)


def test_known__finds_in_frame_changes_of_the_motifs_and_polymorphisms_of_the_promoter(real):
    (row,) = real.rows(deletion(real, "NFE2L2", "85", "93"))
    assert (row["hgvs_p_short"], row["hotspot"]) == ("p.D29_G31del", "16-38")
    assert (row["domain"], row["hotspot_effect"]) == ("Neh2;DLG", "activating")
    (row,) = real.rows(deletion(real, "NFE2L2", "85", "92"))
    assert (row["consequence"], row.get("hotspot")) == ("frameshift_variant", None)
    (row,) = real.rows(deletion(real, "NFE2L2", "133", "141"))
    assert (row["consequence"], row.get("hotspot")) == ("inframe_deletion", None)
    # chr2:177265309 of GRCh38, rs6721961, whose reference base is T.
    real.genome.pieces += (("chr2", 177265308, "T"),)
    row = named(real, "chr2", 177265309, "T", "G")
    assert (row["hgvs_c"], row["consequence"]) == ("c.-733A>C", "upstream_gene_variant")
    assert (row["hotspot"], row["hotspot_effect"]) == ("c.-733", "common_polymorphism")


def deletion(real: Annotator, gene: str, first: str, last: str) -> Variant:
    transcript = next(
        each for index in real.indexes.values() for _, _, _, each in index.spans if each.gene_name == gene
    )
    start, end = transcript.coding_to_genome(last) - 1, transcript.coding_to_genome(first) + 1
    ref = real.genome.fetch(transcript.contig, start, end)
    return Variant(transcript.contig, start, ref, ref[0])


def test_known__leaves_other_transcripts_alone(real):
    """Their residues count otherwise: E82 is E66 of isoform 2 of NFE2L2."""
    transcripts = [each for index in real.indexes.values() for _, _, _, each in index.spans]
    row = named(annotator(real.genome, transcripts, named=False), "chr2", 177234071, "T", "G")
    assert (row["named"], row["hgvs_p_short"]) == ("no", "p.E82D")
    assert not {"domain", "hotspot"} & row.keys()


def test_assets__name_residues_that_the_proteins_have(real):
    """KEAP1 is known but for its first residues, of NFE2L2 exon 2."""
    proteins = {
        each.gene_name: real.model(each).protein
        for index in real.indexes.values()
        for _, _, _, each in index.spans
    }
    assert {gene: len(protein) - 1 for gene, protein in proteins.items()} == {
        "KEAP1": 624,
        "NFE2L2": 605,
        "NQO1": 274,
    }
    for row in HOTSPOTS[HOTSPOTS.kind.isin(["substitution", "codon"])].itertuples():
        residue, number = re.match(r"([A-Z])(\d+)", row.change).groups()
        assert proteins[row.gene][int(number) - 1] == residue, row
    motifs = DOMAINS[DOMAINS.kind == "motif"]
    assert [proteins[row.gene][row.start - 1 : row.end] for row in motifs.itertuples()] == list(motifs.name)
    tiled = DOMAINS[(DOMAINS.gene == "KEAP1") & (DOMAINS.kind == "domain")]
    assert list(tiled.start[1:]) == [end + 1 for end in tiled.end[:-1]]
    assert (tiled.start.iloc[0], tiled.end.iloc[-1]) == (1, 624)


# ---- the command


@pytest.fixture
def study(tmp_path) -> dict[str, Path]:
    """Options of the command for a drawn genome; G1 has a named transcript under its second id."""
    contigs, transcripts = coding_genome.genome(3)
    folder = tmp_path / "variants"
    folder.mkdir()
    targets = tmp_path / "targets.tsv"
    targets.write_text(
        "gene\ttranscript\tcds_start\tcds_end\tsource\nG1\tNM_1;T1\t\t\tx\nG2\tT2.7\t\t\tx\nG9\tT9\t\t\tx\n"
    )
    return {
        "variants": folder,
        "genome": coding_genome.write_fasta(contigs, tmp_path / "genome.fa"),
        "annotation": coding_genome.write_gtf(transcripts, tmp_path / "genes.gtf"),
        "target_genes": targets,
        "domains": ROOT / "assets/domains.tsv",
        "hotspots": ROOT / "assets/hotspots.tsv",
    }


def drawn(number: int) -> list[coding_genome.Allele]:
    contigs, transcripts = coding_genome.genome(3)
    return coding_genome.alleles(contigs, transcripts, 3, number)


def run(run_script, study: dict[str, Path], results: Path) -> pd.DataFrame:
    results.mkdir()
    done = run_script(main, **study, results=results)
    assert (done.exit_code, done.output) == (0, "")
    return pd.read_csv(results / "variants.tsv", sep="\t", dtype="str", keep_default_na=False)


def test_main__reads_vcfs_of_several_callers_and_each_variant_once(run_script, study, tmp_path):
    first, second, third = drawn(3)
    plain = coding_genome.write_vcf([first, second], study["variants"] / "rna.vcf")
    with gzip.open(study["variants"] / "dna.vcf.gz", "wt") as packed:
        packed.write(plain.read_text())
        packed.write(
            f"chr1\t{third.position + 1}\t.\t{third.ref.lower()}\t{third.alt},<DEL>,*\t.\t.\tA=1\tGT\t0/1\n"
        )
    (study["variants"] / "dna.vcf.gz.tbi").write_bytes(b"not read")
    table = run(run_script, study, tmp_path / "results")
    keys = table[["chrom", "pos", "ref", "alt"]].drop_duplicates()
    alleles = [*(first, second, third), third._replace(alt="<DEL>"), third._replace(alt="*")]
    assert set(keys.itertuples(index=False, name=None)) == {
        (each.contig, str(each.position + 1), each.ref, each.alt) for each in alleles
    }
    assert set(table.status) == {"ok", "not_supported"}


def test_main__names_the_transcripts_of_the_target_genes_by_any_id(run_script, study, tmp_path):
    coding_genome.write_vcf(drawn(60), study["variants"] / "a.vcf")
    table = run(run_script, study, tmp_path / "results")
    assert set(table.transcript[table.named == "yes"]) == {"T1.1", "T2.1"}
    assert set(table.transcript[table.named == "no"]) == {"T3.1", "T4.1"}


def test_main__takes_the_coding_sequence_of_a_target_gene_where_the_gtf_has_none(run_script, study, tmp_path):
    coding_genome.write_vcf(drawn(60), study["variants"] / "a.vcf")
    whole = run(run_script, study, tmp_path / "whole")
    rows = study["annotation"].read_text().splitlines(keepends=True)
    study["annotation"].write_text("".join(row for row in rows if "\tCDS\t" not in row or "T1.1" not in row))
    (transcript, *_) = coding_genome.genome(3)[1]
    first, last = transcript.cds[0] + 1, transcript.cds[1]
    study["target_genes"].write_text(
        f"gene\ttranscript\tcds_start\tcds_end\nG1\tT1\t{first}\t{last}\nG2\tT2\t\t\n"
    )
    pd.testing.assert_frame_equal(run(run_script, study, tmp_path / "given"), whole)


def test_main__shows_the_named_variants_in_the_report(run_script, study, tmp_path):
    coding_genome.write_vcf(drawn(300), study["variants"] / "a.vcf")
    table = run(run_script, study, tmp_path / "results")
    section = json.loads((tmp_path / "results/annotate_variants_mqc.json").read_text())
    assert section["description"].startswith("300 variants were found, and ")
    assert (section["plot_type"], section["nrf2flow"]["table"]) == ("table", "variants.tsv")
    assert len(section["data"]) == min(200, (table.named == "yes").sum())
    columns = {column for row in section["data"].values() for column in row}
    assert columns <= set(table)
    severity = [row["consequence"].split("&")[0] for row in section["data"].values()]
    assert severity == sorted(severity, key=annotate_variants.TERMS.index)
    assert len(set(severity)) > 5
    assert (tmp_path / "results/versions.tsv").read_text().startswith("pandas\t")


def test_main__writes_a_table_and_a_section_without_a_variant(run_script, study, tmp_path):
    study["variants"].rmdir()
    table = run(run_script, study, tmp_path / "results")
    assert (len(table), list(table)) == (0, annotate_variants.COLUMNS)
    section = json.loads((tmp_path / "results/annotate_variants_mqc.json").read_text())
    assert section["description"] == "No variant was found, so none was named."


def test_main__keeps_variants_of_contigs_without_transcripts_or_sequence(run_script, study, tmp_path):
    study["annotation"].write_text(study["annotation"].read_text().replace("chr1\t", "chr2\t"))
    places = [("chr1", 10**6), ("chr1", -1), ("chr2", 5)]
    others = [coding_genome.Allele(contig, position, "A", "C") for contig, position in places]
    coding_genome.write_vcf([*drawn(1), *others], study["variants"] / "a.vcf")
    table = run(run_script, study, tmp_path / "results")
    mismatch = "reference_mismatch"
    assert list(table.status) == [mismatch, "intergenic", mismatch, "unknown_contig"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "chr1 5 . A C\n",
            "bad.vcf, line 1: not a line of a VCF, which has CHROM, POS, ID, REF and ALT between tabs",
        ),
        ("chr1\tx\t.\tA\tC\n", "bad.vcf, line 1: not a line of a VCF"),
        ("\n#h\nchr1\t5\t.\tA\n", "bad.vcf, line 3: not a line of a VCF"),
    ],
)
def test_main__names_the_line_that_is_no_vcf(run_script, study, tmp_path, text, message):
    (study["variants"] / "bad.vcf").write_text(text)
    done = run_script(main, **study, results=tmp_path)
    assert done.exit_code == 1
    assert message in done.output


def test_main__names_a_vcf_that_is_cut_short(run_script, study, tmp_path):
    packed = gzip.compress(b"chr1\t5\t.\tA\tC\n" * 500)
    (study["variants"] / "bad.vcf.gz").write_bytes(packed[:-20])
    done = run_script(main, **study, results=tmp_path)
    assert done.exit_code == 1
    assert "bad.vcf.gz: cannot be read to its end" in done.output


def test_main__writes_the_same_bytes_whatever_the_order_of_the_lines(run_script, study, tmp_path):
    alleles = drawn(100)
    path = coding_genome.write_vcf(alleles, study["variants"] / "a.vcf")
    run(run_script, study, tmp_path / "one")
    header, rows = [], []
    for line in path.read_text().splitlines(keepends=True):
        (header if line.startswith("#") else rows).append(line)
    path.write_text("".join(header + rows[::-1]))
    run(run_script, study, tmp_path / "two")
    for name in ("variants.tsv", "annotate_variants_mqc.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
