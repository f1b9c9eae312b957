#!/usr/bin/env python3
"""Name variants by HGVS on each transcript that they lie in, and say what they do to its protein.

What is the same in the reference and the alternative allele is cut off; a deletion or an insertion is then
moved as far 3' as the sequence allows, on the strand of the transcript: one change has one name, however
the VCF placed it. It moves along the genome, so it crosses from exon to intron as HGVS asks (c.1704+1del,
c.1813del) and never from one exon to the next (the exception of HGVS at exon/exon junctions, c.3921del).
The consequence is that of the place so named; where the same change can also be read on the other side of
an exon's border, the reason says so. An insertion right at the border of an exon is read as part of it.

The protein is compared with that of the changed transcript, read on into the 3' UTR, and nothing is known of
splicing: a change of a splice site, or across an exon's border, is p.?. hgvs_p has three letters and
parentheses, as HGVS writes what is predicted; hgvs_p_short has one letter and none, as MAF files. Frameshifts
count from the first changed residue to the new stop, extensions from the old stop to the new one. Several
copies are written as ins, not as repeats; a reversed complement is inv.

Terms are those of the Sequence Ontology, in the order of severity of Ensembl VEP. Donor and acceptor are the
2 bases at the ends of an intron, the splice region is 3 to 8 bases into it and 3 bases into the exon.
Upstream and downstream reach 5,000 bases. Domains and hotspots are looked up for the named transcript alone,
whose residues they count.

References: den Dunnen et al. 2016, doi:10.1002/humu.22981 (HGVS); Eilbeck et al. 2005,
doi:10.1186/gb-2005-6-5-r44 (Sequence Ontology); McLaren et al. 2016, doi:10.1186/s13059-016-0974-4 (VEP)
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

import click
import pandas as pd
import pysam
from common.annotation import (
    Sequences,
    Transcript,
    TranscriptIndex,
    named_transcript,
    read_transcripts,
    reverse_complement,
    spliced_sequence,
    translate,
    with_cds,
)
from common.cli import FOLDER, INPUT, RESULTS, Script
from common.multiqc import write_versions
from common.protein_names import LONG
from common.stranded import Change, fetch, moved, room, shared
from common.tables import TARGET_GENES, read_table, write_table
from common.variant_report import write_report
from common.vcf import Variant, read_variants, vcfs_of

DOMAINS = {"gene": "str", "kind": "str", "name": "str", "start": "int64", "end": "int64"}
HOTSPOTS = {"gene": "str", "kind": "str", "change": "str", "effect": "str"}
COLUMNS = [
    *("chrom", "pos", "ref", "alt", "gene", "transcript", "named", "hgvs_c", "hgvs_p", "hgvs_p_short"),
    *("consequence", "exon", "codon", "protein_start", "protein_end", "domain", "hotspot"),
    *("hotspot_effect", "status", "reason"),
]
FLANK = 5000  # bases upstream or downstream

# From the most severe, as Ensembl VEP ranks them.
TERMS = [
    *("transcript_ablation", "splice_acceptor_variant", "splice_donor_variant", "stop_gained"),
    *("frameshift_variant", "stop_lost", "start_lost", "inframe_insertion", "inframe_deletion"),
    *("missense_variant", "protein_altering_variant", "splice_region_variant", "start_retained_variant"),
    *("stop_retained_variant", "synonymous_variant", "coding_sequence_variant", "5_prime_UTR_variant"),
    *("3_prime_UTR_variant", "non_coding_transcript_exon_variant", "intron_variant"),
    *("non_coding_transcript_variant", "upstream_gene_variant", "downstream_gene_variant"),
    "intergenic_variant",
]
SEVERITY = {term: rank for rank, term in enumerate(TERMS)}
SPLICE_SITES = {"splice_donor_variant", "splice_acceptor_variant"}
IN_FRAME = {"inframe_insertion", "inframe_deletion", "protein_altering_variant"}

ALLELE = re.compile("[ACGT]+")
KINDS = ["substitution", "position", "codon", "inframe_indel"]  # of hotspots, the most specific first

MITOCHONDRIA = {"chrM", "chrMT", "M", "MT", "NC_012920.1"}
SHORT = {residue: residue for residue in LONG}  # a name of one letter has them as they are


class ProteinChange(NamedTuple):
    """A change of a protein: residues from `first` to `last`, from 0, of this kind.

    An insertion lies between the two. `new` has the residues that come in; `stop` how far off the new
    stop codon of a frameshift or an extension is, 0 if there is none.
    """

    kind: str  # =, sub, del, dup, ins, delins, fs, ext, start, ?
    first: int = 0
    last: int = 0
    new: str = ""
    stop: int = 0


class Model(NamedTuple):
    """A transcript as its strand reads it: exons rise, positions as in Change."""

    transcript: Transcript
    exons: tuple[tuple[int, int], ...]
    offsets: tuple[int, ...]  # where each exon begins in the transcript
    sequence: str
    protein: str  # with its stop; empty if there is none to be compared with
    status: str
    reason: str

    def exons_near(self, start: int, end: int) -> range:
        """Return the numbers, from 0, of the exons that lie at a stretch, and of those beside it."""
        first = bisect_right(self.exons, (start,))
        return range(max(first - 2, 0), min(bisect_right(self.exons, (end,), first) + 1, len(self.exons)))

    @property
    def start(self) -> int:
        """Return where the transcript starts."""
        return self.exons[0][0]

    @property
    def end(self) -> int:
        """Return where the transcript ends."""
        return self.exons[-1][1]


def translate_to_stop(sequence: str) -> str:
    """Translate up to the first stop codon, which is the last residue if there is one."""
    protein = ""
    for at in range(0, len(sequence), 300):
        protein += translate(sequence[at : at + 300])
        if (stop := protein.find("*")) >= 0:
            return protein[: stop + 1]
    return protein


def place(variant: Variant, strand: str, genome: Sequences) -> Change:
    """Reduce a variant to what changes; move a deletion or insertion as far 3' as the strand allows."""
    ref, alt, start = variant.ref, variant.alt, variant.position
    if strand == "-":
        ref, alt, start = reverse_complement(ref), reverse_complement(alt), -variant.position - len(ref)
    same = shared(ref, alt)
    ref, alt, start = ref[same:], alt[same:], start + same
    same = shared(ref[::-1], alt[::-1])
    ref, alt = ref[: len(ref) - same], alt[: len(alt) - same]
    if (ref and alt) or ref == alt:
        return Change(start, ref, alt, 0)
    moving, end = ref or alt, start + len(ref)
    ahead = room(moving, lambda near, far: fetch(genome, variant.contig, strand, end + near, end + far))
    back = room(
        moving[::-1], lambda near, far: fetch(genome, variant.contig, strand, start - far, start - near)[::-1]
    )
    return moved(Change(start, ref, alt, back), ahead)


def describe(transcript: Transcript, change: Change, genome: Sequences) -> str:
    """Write a change in HGVS: c. counts from the start codon, n. (of non-coding transcripts) from base 1."""
    numbered = transcript if transcript.cds else transcript._replace(cds=(0, transcript.length))

    def at(position: int) -> str:
        return numbered.genome_to_coding(position if transcript.strand == "+" else -1 - position)

    def between(start: int, end: int) -> str:
        return at(start) if end - start == 1 else f"{at(start)}_{at(end - 1)}"

    start, ref, alt, _ = change
    prefix = "c." if transcript.cds else "n."
    if not ref:
        copied = start - len(alt)
        if fetch(genome, transcript.contig, transcript.strand, copied, start) == alt:
            return f"{prefix}{between(copied, start)}dup"
        return f"{prefix}{between(start - 1, start + 1)}ins{alt}"
    if len(ref) == len(alt) == 1:
        return f"{prefix}{at(start)}{ref}>{alt}"
    if not alt:
        return f"{prefix}{between(start, change.end)}del"
    if len(ref) > 1 and alt == reverse_complement(ref):
        return f"{prefix}{between(start, change.end)}inv"
    return f"{prefix}{between(start, change.end)}delins{alt}"


def describe_protein(change: ProteinChange, protein: str, code: Mapping[str, str]) -> str:
    """Write a change of a protein in HGVS, after the p., in a code of residues."""
    kind, first, last, new, stop = change
    if kind in ("start", "?"):
        return f"{code['M']}1?" if kind == "start" else "?"
    places = [f"{code[protein[number]]}{number + 1}" for number in (first, last)]
    span = places[0] if first == last else "_".join(places)
    residues = "".join(code[residue] for residue in new)
    if kind in ("fs", "ext"):
        return f"{span}{residues}{kind}{code['*']}{stop or '?'}"
    return span + (residues if kind == "sub" else kind + residues)


def compare_in_frame(protein: str, at: int, old: str, new: str) -> ProteinChange:
    """Name the change of the residues `old` of a protein, from number `at`, into `new`.

    The frame is kept, and what follows `old` stays. A deletion or insertion moves as far towards the end as
    the sequence allows. What adds residues before the stop codon is an extension.
    """
    if old == new:
        return ProteinChange("=", at, at + max(len(old), 1) - 1)
    if "*" in new:
        new = new[: new.index("*") + 1]
        same = shared(protein[at:], new)
        if same == len(new):
            return ProteinChange("=", at + same - 1, at + same - 1)
        first, last = at + same, at + len(old) - 1
        if new[same] == "*":
            return ProteinChange("sub", first, first, "*")
        if first > last:
            return ProteinChange("ins", first - 1, first, new[same:])
        return ProteinChange("delins", first, last, new[same:])
    same = shared(old, new)
    at, old, new = at + same, old[same:], new[same:]
    same = shared(old[::-1], new[::-1])
    old, new = old[: len(old) - same], new[: len(new) - same]
    if old and new:
        kind = "sub" if len(old) == len(new) == 1 else "delins"
        return ProteinChange(kind, at, at + len(old) - 1, new)
    behind = protein[at + len(old) :].removesuffix("*")
    moving = old or new
    steps = room(moving, lambda near, far: behind[near:far])
    at, turn = at + steps, steps % len(moving)
    if old:
        return ProteinChange("del", at, at + len(old) - 1)
    new = new[turn:] + new[:turn]
    if protein[at] == "*":
        return ProteinChange("ext", at, at, new[0], len(new))
    if protein[at - len(new) : at] == new:
        return ProteinChange("dup", at - len(new), at - 1)
    return ProteinChange("ins", at - 1, at, new)


def compare_to_stop(protein: str, at: int, new: str) -> ProteinChange:
    """Name the change of a protein from residue number `at` on into `new`, which is read up to a stop."""
    same = shared(protein[at:], new)
    first, ends = at + same, new.endswith("*")
    if same == len(new):
        # Alike to the last residue: the same protein, or one whose transcript ends too early.
        return ProteinChange("=", len(protein) - 1, len(protein) - 1) if ends else ProteinChange("?")
    if new[same] == "*":
        return ProteinChange("sub", first, first, "*")
    if protein[first] == "*":
        return ProteinChange("ext", first, first, new[same], len(new) - 1 - same if ends else 0)
    return ProteinChange("fs", first, first, new[same], len(new) - same if ends else 0)


def terms_in_frame(change: ProteinChange, protein: str, ref: str, alt: str) -> set[str]:
    """Return the terms of a change that keeps the frame and the stop codon."""
    kind, first, _, new, _ = change
    if kind == "=":
        return {"stop_retained_variant" if protein[first] == "*" else "synonymous_variant"}
    longer = len(alt) - len(ref)
    grown = {"inframe_insertion"} if longer > 0 else {"inframe_deletion"} if longer < 0 else set()
    if "*" in new:
        return {"stop_gained"} | grown
    if kind == "ext":
        return {"stop_retained_variant"} | grown
    if not longer:
        return {"missense_variant"}
    pure = not ref or not alt or kind in ("del", "ins", "dup")
    return grown if pure else {"protein_altering_variant"}


def coding_effect(model: Model, offset: int, ref: str, alt: str) -> tuple[ProteinChange, set[str], str]:
    """Say what a change from an offset of a transcript, within or into its coding sequence, does.

    Returns the change of the protein, the terms, and the codons that change, `CGG>TGG`.
    """
    first, end = model.transcript.cds
    behind, longer = offset + len(ref), len(alt) - len(ref)
    mutated = model.sequence[:offset] + alt + model.sequence[behind:]
    if offset < first + 3 and behind > first:
        start = first + longer
        if behind <= first + 3 and start >= 0 and mutated[start : start + 3] == "ATG":
            return ProteinChange("=", 0, 0), {"start_retained_variant"}, ""
        if offset < first or mutated[first : first + 3] != "ATG":
            return ProteinChange("start"), {"start_lost"} | ({"stop_lost"} if behind >= end else set()), ""
    codon, last = (offset - first) // 3, min(-((first - behind) // 3), (end - first) // 3)
    old = model.protein[codon:last]
    within = slice(first + 3 * codon, max(first + 3 * last + longer, 0))
    codons = f"{model.sequence[first + 3 * codon : first + 3 * last] or '-'}>{mutated[within] or '-'}"
    if longer % 3 == 0 and behind <= end:
        new = translate(mutated[within])
        if not old.endswith("*"):
            change = compare_in_frame(model.protein, codon, old, new)
            return change, terms_in_frame(change, model.protein, ref, alt), codons
        if new.endswith("*") and new.index("*") == len(new) - 1:
            change = compare_in_frame(model.protein, codon, old[:-1], new[:-1])
            if change.kind != "=":
                return change, terms_in_frame(change, model.protein, ref, alt), codons
    new = translate_to_stop(mutated[first + 3 * codon :])
    change = compare_to_stop(model.protein, codon, new)
    shifted = {"frameshift_variant"} if longer % 3 and behind <= end else set()
    if change.kind == "=":
        return change, {"stop_retained_variant"}, codons
    if change.kind == "sub":
        return change, {"stop_gained"} | shifted, codons
    if old.endswith("*") or change.kind in ("ext", "?"):
        return change, {"stop_lost"} | shifted, codons
    return change, shifted, codons


def touches(change: Change, first: int, behind: int) -> bool:
    """Tell whether a change overlaps a stretch; an insertion must lie within it, not at its borders."""
    if change.ref:
        return change.start < behind and change.end > first
    return first < change.start < behind


def intron_terms(model: Model, change: Change) -> set[str]:
    """Return the terms of the introns, and of their borders, that a change touches."""
    terms: set[str] = set()
    near = model.exons_near(change.start, change.end)
    for (_, donor), (acceptor, _) in pairwise(model.exons[near.start : near.stop]):
        if touches(change, donor, donor + 2):
            terms.add("splice_donor_variant")
        if touches(change, acceptor - 2, acceptor):
            terms.add("splice_acceptor_variant")
        if touches(change, donor - 3, donor + 8) or touches(change, acceptor - 8, acceptor + 3):
            terms.add("splice_region_variant")
        wider = 0 if change.ref else 1  # between the splice site and the next base
        if touches(change, donor + 2 - wider, acceptor - 2 + wider):
            terms.add("intron_variant")
    return terms - {"splice_region_variant"} if terms & SPLICE_SITES else terms


def exonic_parts(model: Model, change: Change) -> tuple[list[tuple[int, int, int]], bool]:
    """Return what a change touches of exons, and whether it touches nothing else.

    A part is the number of the exon, from 0, and first and last + 1 place in the transcript. An insertion at
    the inner border of an exon is in the exon, one at an end of the transcript outside.
    """
    first, behind, parts = change.start, change.end, []
    inserted = first == behind and model.start < first < model.end
    for number in model.exons_near(first, behind):
        left, right = model.exons[number]
        start, end = max(first, left), min(behind, right)
        if start < end or (inserted and start == end):
            shift = model.offsets[number] - left
            parts.append((number, start + shift, end + shift))
            if inserted:
                break
    return parts, sum(end - start for _, start, end in parts) == behind - first and bool(parts)


def exon_terms(model: Model, start: int, end: int) -> set[str]:
    """Return which parts a change of a transcript touches; an insertion at a border of the CDS is outside."""
    if model.transcript.cds is None:
        return {"non_coding_transcript_exon_variant"}
    first, behind = model.transcript.cds
    inserted = start == end
    parts = {
        "5_prime_UTR_variant": start < first or (inserted and start == first),
        "3_prime_UTR_variant": end > behind or (inserted and start == behind),
        "coding_sequence_variant": first < start < behind if inserted else start < behind and end > first,
    }
    return {term for term, touched in parts.items() if touched}


def effect_of(
    model: Model, change: Change, parts: list[tuple[int, int, int]], alone: bool
) -> tuple[set[str], ProteinChange | None, str]:
    """Return the terms of a change within a transcript, what it does to the protein, and the codons.

    `parts` and `alone` are as exonic_parts returns them.
    """
    if change.start <= model.start and change.end >= model.end:
        return {"transcript_ablation"}, ProteinChange("?") if model.protein else None, ""
    terms = intron_terms(model, change).union(*(exon_terms(model, start, end) for _, start, end in parts))
    if model.transcript.cds is None:
        return terms | ({"non_coding_transcript_variant"} if "intron_variant" in terms else set()), None, ""
    if not model.protein:
        return terms, None, ""
    if "coding_sequence_variant" in terms and alone:
        protein, made, codons = coding_effect(model, parts[0][1], change.ref, change.alt)
        return terms - {"coding_sequence_variant"} | made, protein, codons
    first, behind = model.transcript.cds
    if any(start < first + 3 and end > first for _, start, end in parts):
        terms.add("start_lost")
    if any(start < behind and end > behind - 3 for _, start, end in parts):
        terms.add("stop_lost")
    unknown = terms & (SPLICE_SITES | {"coding_sequence_variant"})
    return terms, ProteinChange("?") if unknown else None, ""


def annotate(model: Model, change: Change, genome: Sequences) -> dict[str, object]:
    """Name a change on a transcript that it overlaps or is near, and say what it does."""
    transcript = model.transcript
    if change.end <= model.start or change.start >= model.end:
        term = "upstream_gene_variant" if change.end <= model.start else "downstream_gene_variant"
        name = describe(transcript, change, genome) if transcript.cds else None
        return {"hgvs_c": name, "consequence": term, "status": "ok"}
    parts, alone = exonic_parts(model, change)
    terms, protein, codons = effect_of(model, change, parts, alone)
    exons = dict.fromkeys(str(parts[at][0] + 1) for at in (0, -1)) if parts else {}
    reasons = [model.reason, other_reading(model, change, genome) if change.slack else ""]
    row = {
        "hgvs_c": describe(transcript, change, genome),
        "consequence": "&".join(sorted(terms, key=SEVERITY.__getitem__)),
        "exon": f"{'-'.join(exons)}/{len(model.exons)}" if exons else None,
        "codon": codons or None,
        "status": model.status,
        "reason": "; ".join(filter(None, reasons)) or None,
    }
    return row | (describe_both(protein, model.protein) if protein else {})


def other_reading(model: Model, change: Change, genome: Sequences) -> str:
    """Say how else a change could be read that lies at the border of an exon; empty if it does not."""
    other = moved(change, -change.slack)
    here, there = (
        ([number for number, *_ in parts], alone)
        for parts, alone in (exonic_parts(model, each) for each in (change, other))
    )
    if here == there or other.start < model.start:
        return ""
    return f"at the border of an exon: the same change is {describe(model.transcript, other, genome)}"


def describe_both(change: ProteinChange, protein: str) -> dict[str, object]:
    """Write a change of a protein in both codes, with the residues that it touches."""
    if change.kind == "?":
        return {"hgvs_p": "p.?", "hgvs_p_short": "p.?"}
    return {
        "hgvs_p": f"p.({describe_protein(change, protein, LONG)})",
        "hgvs_p_short": f"p.{describe_protein(change, protein, SHORT)}",
        "protein_start": change.first + 1,
        "protein_end": change.last + 1,
    }


def frame_of(transcript: Transcript, sequence: str) -> tuple[str, str, str]:
    """Return a transcript's protein, a status and a reason; no protein where it cannot be compared."""
    if transcript.cds is None:
        return "", "ok", ""
    first, end = transcript.cds
    if transcript.contig in MITOCHONDRIA:
        return "", "other_genetic_code", "the code of mitochondria: no protein is predicted"
    protein = translate(sequence[first:end])
    checks = {
        "starts with no ATG": sequence[first : first + 3] != "ATG",
        f"has {end - first} bases, no whole codons": (end - first) % 3 > 0,
        "ends without a stop codon": not protein.endswith("*"),
    }
    problems = [problem for problem, found in checks.items() if found]
    if problems:
        return "", "incomplete_cds", f"the coding sequence {' and '.join(problems)}: no protein is predicted"
    if (stop := protein.index("*")) < len(protein) - 1:
        codon = sequence[first + 3 * stop : first + 3 * stop + 3]
        said = f"codon {stop + 1} is {codon}, selenocysteine or a fault: no protein is predicted"
        return "", "internal_stop", said
    return protein, "ok", ""


def make_model(transcript: Transcript, genome: Sequences) -> Model:
    """Put together what a transcript's variants are read from."""
    sequence = spliced_sequence(transcript, genome)
    forward = transcript.strand == "+"
    exons = tuple((start, end) if forward else (-end, -start) for start, end in transcript.exons)
    offsets = tuple(accumulate((end - start for start, end in exons[:-1]), initial=0))
    return Model(transcript, exons, offsets, sequence, *frame_of(transcript, sequence))


class Annotator:
    """What variants are held to: genome, transcripts, and what is known of named ones."""

    def __init__(
        self,
        genome: pysam.FastaFile,
        transcripts: Iterable[Transcript],
        named: Mapping[str, str],
        domains: pd.DataFrame,
        hotspots: pd.DataFrame,
    ) -> None:
        """Take the genes of named transcripts by the transcripts' ids, domains and hotspots by gene."""
        self.genome, self.named = genome, named
        self.lengths = dict(zip(genome.references, genome.lengths, strict=True))
        by_contig: dict[str, list[Transcript]] = {}
        for transcript in transcripts:
            by_contig.setdefault(transcript.contig, []).append(transcript)
        self.indexes = {contig: TranscriptIndex(found) for contig, found in by_contig.items()}
        self.domains = {gene: list(rows.itertuples()) for gene, rows in domains.groupby("gene")}
        self.hotspots = {gene: list(rows.itertuples()) for gene, rows in hotspots.groupby("gene")}
        self.models: dict[str, Model] = {}

    def problem(self, variant: Variant) -> tuple[str, str] | None:
        """Return a status and a reason for a variant that cannot be named."""
        contig, position, ref, alt = variant
        if not ALLELE.fullmatch(ref) or not ALLELE.fullmatch(alt):
            return "not_supported", f"{ref} to {alt}: only alleles of the bases A, C, G and T are named"
        if ref == alt:
            return "not_supported", "REF and ALT are the same"
        if contig not in self.lengths:
            return "unknown_contig", f"the genome has no contig {contig}"
        found = self.genome.fetch(contig, position, position + len(ref)).upper() if position >= 0 else ""
        if found != ref:
            return "reference_mismatch", f"the genome has {found or 'no base'} here, not {ref}"
        return None

    def model(self, transcript: Transcript) -> Model:
        """Return what a transcript's variants are read from; made once."""
        name = transcript.transcript_id
        if name not in self.models:
            self.models[name] = make_model(transcript, self.genome)
        return self.models[name]

    def rows(self, variant: Variant) -> list[dict[str, object]]:
        """Return the rows of a variant: one a transcript that it overlaps.

        If none of these is named, the nearest named one within FLANK has a row too, and if there is no
        transcript at all, the nearest one.
        """
        row = {"chrom": variant.contig, "pos": variant.position + 1, "ref": variant.ref, "alt": variant.alt}
        if problem := self.problem(variant):
            return [row | {"named": "no", "status": problem[0], "reason": problem[1]}]
        changes = {strand: place(variant, strand, self.genome) for strand in "+-"}
        forward, index = changes["+"], self.indexes.get(variant.contig)
        near = index.near(forward.start - forward.slack, forward.end, FLANK) if index else []
        chosen = [each for distance, each in near if distance < 0]
        if not any(each.transcript_id in self.named for each in chosen):
            beside = [pair for pair in near if pair[1].transcript_id in self.named]
            beside = beside or (near if not chosen else [])
            chosen += [min(beside, key=lambda pair: pair[0])[1]] if beside else []
        if not chosen:
            reason = f"no transcript within {FLANK:,} bases"
            outside = {"consequence": "intergenic_variant", "status": "intergenic", "reason": reason}
            return [row | {"named": "no"} | outside]
        rows = []
        for transcript in chosen:
            model = self.model(transcript)
            name, found = transcript.transcript_id, annotate(model, changes[transcript.strand], self.genome)
            gene = self.named.get(name)
            about = {
                "gene": gene or transcript.gene_name,
                "transcript": name,
                "named": "yes" if gene else "no",
            }
            if gene:
                found |= self.known(gene, found, model.protein)
            if gene and not transcript.cds:
                found |= {
                    "status": "no_cds",
                    "reason": "neither the GTF nor the target genes have its coding sequence",
                }
            rows.append(row | about | found)
        return rows

    def known(self, gene: str, row: Mapping, protein: str) -> dict[str, object]:
        """Return the domains and hotspots of a gene that a row of its named transcript touches."""
        found: dict[str, object] = {}
        if "protein_start" in row:
            domains = [
                each.name
                for each in self.domains.get(gene, [])
                if each.start <= row["protein_end"] and each.end >= row["protein_start"]
            ]
            found["domain"] = ";".join(domains) or None
        spots = [
            each for each in self.hotspots.get(gene, []) if is_hotspot(each.kind, each.change, row, protein)
        ]
        spots.sort(key=lambda each: KINDS.index(each.kind))
        if spots:
            found["hotspot"] = ";".join(dict.fromkeys(each.change for each in spots))
            found["hotspot_effect"] = next(
                (each.effect for each in spots if each.effect != "unknown"), "unknown"
            )
        return found


def is_hotspot(kind: str, change: str, row: Mapping, protein: str) -> bool:
    """Tell whether a row is at a hotspot.

    A `substitution` (R320Q) is that change of the protein. A `position` (c.-733) is any substitution of that
    base. A `codon` (D29) is any missense change of that residue, if the protein has it. `inframe_indel`
    (16-38) is any change that keeps the frame, with residues lost or gained within that range.
    """
    if kind == "substitution":
        return row.get("hgvs_p_short") == f"p.{change}"
    if kind == "position":
        return bool(re.fullmatch(rf"{re.escape(change)}[ACGT]>[ACGT]", row.get("hgvs_c") or ""))
    terms = set(row["consequence"].split("&"))
    if "protein_start" not in row or "stop_gained" in terms:
        return False
    first, last = row["protein_start"], row["protein_end"]
    if kind == "codon":
        number = int(change[1:])
        return "missense_variant" in terms and first <= number <= last and protein[number - 1] == change[0]
    start, end = map(int, change.split("-"))
    return bool(terms & IN_FRAME) and first <= end and last >= start


def name_transcripts(
    transcripts: Sequence[Transcript], targets: pd.DataFrame, genome: Sequences
) -> tuple[list[Transcript], dict[str, str]]:
    """Find the transcript of each target gene; give it the gene's coding sequence if the GTF has none.

    Returns the transcripts, and the genes of the named ones by the transcripts' ids.
    """
    named, made = {}, {}
    for target in targets.itertuples():
        if transcript := named_transcript(transcripts, target.transcript):
            named[transcript.transcript_id] = target.gene
            if transcript.cds is None and pd.notna(target.cds_start) and pd.notna(target.cds_end):
                sequence = spliced_sequence(transcript, genome)
                given = with_cds(transcript, int(target.cds_start), int(target.cds_end), sequence)
                made[transcript.transcript_id] = given or transcript
    return [made.get(each.transcript_id, each) for each in transcripts], named


@click.command(cls=Script)
@click.option("--variants", type=FOLDER, required=True, help="Folder of VCFs, plain or compressed.")
@click.option("--genome", type=INPUT, required=True, help="FASTA of the genome, with its index beside it.")
@click.option("--annotation", type=INPUT, required=True, help="GTF of the transcripts.")
@click.option("--target-genes", type=INPUT, required=True, help="TSV: gene, transcript, cds_start, cds_end.")
@click.option("--domains", type=INPUT, required=True, help="TSV: gene, kind, name, start, end (residues).")
@click.option("--hotspots", type=INPUT, required=True, help="TSV: gene, kind, change, effect.")
@RESULTS
def main(
    variants: Path,
    genome: Path,
    annotation: Path,
    target_genes: Path,
    domains: Path,
    hotspots: Path,
    results: Path,
) -> None:
    """Name variants by HGVS and say what they do, on every transcript."""
    found = read_variants(vcfs_of(variants))
    places: dict[str, list[int]] = {}
    for variant in found:
        places.setdefault(variant.contig, []).append(variant.position)
    known = read_table(domains, DOMAINS), read_table(hotspots, HOTSPOTS)
    with pysam.FastaFile(str(genome)) as sequences:
        present = {contig: places[contig] for contig in places if contig in sequences.references}
        transcripts, named = name_transcripts(
            read_transcripts(annotation, places=present), read_table(target_genes, TARGET_GENES), sequences
        )
        annotator = Annotator(sequences, transcripts, named, *known)
        rows = [row for variant in found for row in annotator.rows(variant)]
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"protein_start": "Int64", "protein_end": "Int64"})
    write_table(table, results / "variants.tsv")
    write_report(results / "annotate_variants_mqc.json", table, len(found), SEVERITY)
    write_versions(results / "versions.tsv", "pandas", "pysam")


if __name__ == "__main__":
    main()
