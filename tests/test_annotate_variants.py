"""Names and consequences of variants.

Oracles: names that are published, on real sequences and those of HGVS's own pages; and bcftools csq on random
variants. Properties: a name applied to the reference gives the changed sequence, and one change has one name.
"""

import csv
import re

import annotate_variants
import coding_genome
import pytest
from annotate_variants import Annotator, Variant
from coding_genome import Contigs
from common.annotation import Transcript, reverse_complement, spliced_sequence, translate
from common.tables import read_table
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
    targets = read_table(ROOT / "assets/target_genes.tsv", annotate_variants.TARGETS).set_index("gene")
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
