"""Choose the variants that are looked for in a Sanger trace, and what the trace may be a sequence of."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from common.annotation import CODE, Sequences, Transcript, reverse_complement, spliced_sequence
from common.protein_names import LONG, SUBSTITUTION, same_change, short_name
from common.tables import read_table
from common.target_sites import reason_for
from common.variant_sites import trimmed

ANNOTATED = {
    **dict.fromkeys(["chrom", "ref", "alt", "gene", "named", "hgvs_c", "hgvs_p", "consequence"], "str"),
    "pos": "int64",
}
CALLED = dict.fromkeys(["line", "chrom", "ref", "alt", "status"], "str") | {"pos": "int64"}
PLACE = ["chrom", "pos", "ref", "alt"]
# Terms of the Sequence Ontology: what changes the protein, or may.
CHANGING = {
    *("splice_acceptor_variant", "splice_donor_variant", "stop_gained", "frameshift_variant", "stop_lost"),
    *("start_lost", "inframe_insertion", "inframe_deletion", "missense_variant", "protein_altering_variant"),
}


class Variant(NamedTuple):
    """A variant to look at, as in a VCF."""

    chrom: str
    pos: int
    ref: str
    alt: str
    hgvs_c: str
    hgvs_p: str

    def change(self) -> tuple[int, str, str]:
        """Return the place, from 0, and the alleles without the bases that they begin or end with alike."""
        return trimmed(self.pos - 1, self.ref, self.alt)


class Choice(NamedTuple):
    """What is looked for in a trace; without variants, a status and a reason."""

    variants: list[Variant]
    status: str = "ok"
    reason: str = ""


class Known(NamedTuple):
    """What variants are chosen from."""

    annotated: pd.DataFrame  # of annotate_variants, on the named transcripts where a gene has one
    called: pd.DataFrame | None  # of amplicon_variants; None without an amplicon study
    transcripts: Mapping[str, Transcript | str]  # of target genes; or why there is none
    ids: Mapping[str, str]  # of the transcripts of target genes
    genome: Sequences


def read_all(folder: Path, columns: Mapping[str, str]) -> pd.DataFrame | None:
    """Read the tables of a folder; None if there is none."""
    tables = [read_table(path, columns) for path in sorted(folder.glob("*.tsv"))]
    return pd.concat(tables, ignore_index=True) if tables else None


def named_rows(annotated: pd.DataFrame) -> pd.DataFrame:
    """Keep one row a variant, on the named transcript of a gene that has one; leave out symbolic alleles."""
    annotated = annotated[(annotated.ref + annotated.alt).str.fullmatch("[ACGT]+")]
    named = annotated.named.eq("yes")
    kept = annotated[named | ~annotated.gene.isin(annotated.gene[named])]
    return kept.drop_duplicates(["gene", *PLACE]).fillna({"hgvs_c": "", "hgvs_p": "", "consequence": ""})


def variants_of(rows: pd.DataFrame) -> list[Variant]:
    """Turn rows of a table into variants, in the order of the genome."""
    ordered = rows.drop_duplicates(PLACE).sort_values(PLACE, kind="stable")
    return [Variant(*row) for row in ordered[[*PLACE, "hgvs_c", "hgvs_p"]].itertuples(index=False, name=None)]


def choose(line: str, gene: str, expected: str, known: Known) -> Choice:
    """Choose what to look for in a trace of a gene: the expected change, or what was found in the line."""
    own = known.annotated[known.annotated.gene == gene]
    if not expected:
        return found_in(line, gene, own, known.called)
    if len(matching := own[[same_change(expected, name) for name in own.hgvs_p]]):
        return Choice(variants_of(matching))
    return derive(gene, expected, known)


def found_in(line: str, gene: str, annotated: pd.DataFrame, called: pd.DataFrame | None) -> Choice:
    """Choose the changes of a gene's protein that amplicons show in any condition of a line."""
    if called is None:
        return Choice([], "no_variant", "no change is expected, and there are no amplicons to find one in")
    there = called[(called.line == line) & (called.status == "ok")][PLACE].drop_duplicates()
    both = annotated.merge(there, on=PLACE)
    changing = [not CHANGING.isdisjoint(terms.split("&")) for terms in both.consequence]
    if not any(changing):
        return Choice([], "no_variant", f"no change is expected, and amplicons show none of {gene} in {line}")
    return Choice(variants_of(both[changing]))


def derive(gene: str, expected: str, known: Known) -> Choice:
    """Choose the changes of one base that make an expected substitution of a residue."""
    transcript = known.transcripts.get(gene, "no_transcript")
    parts = SUBSTITUTION.fullmatch(short_name(expected))
    why = f"{expected} is not among the variants that were found, and "
    if not parts:
        return Choice([], "not_placed", f"{why}only a substitution of a residue can be placed without them")
    if isinstance(transcript, str):
        said = reason_for(transcript, known.ids[gene]) if gene in known.ids else f"{gene} is no target gene"
        return Choice([], "not_placed", why + said)
    residue, number, new = parts[1], int(parts[2]), parts[3]
    sequence = spliced_sequence(transcript, known.genome)
    first, end = transcript.cds
    start = first + 3 * number - 3
    codon = sequence[start : start + 3]
    if number < 1 or start + 3 > end or CODE.get(codon) != residue:
        has = (
            f"residue {number} is {LONG[CODE.get(codon, 'X')]}" if first <= start < end else "it ends before"
        )
        return Choice([], "not_placed", f"{why}in {transcript.transcript_id} {has}")
    variants = []
    for offset, old in enumerate(codon):
        for base in "ACGT":
            changed = codon[:offset] + base + codon[offset + 1 :]
            if base == old or new == residue or CODE[changed] != new:
                continue
            at = start + offset
            alleles = (old, base) if transcript.strand == "+" else map(reverse_complement, (old, base))
            names = f"c.{transcript.coding_of(at)}{old}>{base}", f"p.({LONG[residue]}{number}{LONG[new]})"
            variants.append(Variant(transcript.contig, transcript.to_genome(at) + 1, *alleles, *names))
    if not variants:
        return Choice([], "not_placed", f"{why}no change of one base of {codon} makes it")
    return Choice(sorted(variants))


class Reference(NamedTuple):
    """What traces are aligned to: bases of the plus strand, and where in the genome each of them is."""

    name: str  # genome or transcript
    bases: str
    positions: np.ndarray


def index_of(start: int, size: int, reference: Reference) -> int | None:
    """Return where a reference has a stretch of the genome; None if it has not, or not in one piece."""
    wanted = start + np.arange(max(size, 1))
    first = int(np.searchsorted(reference.positions, start))
    found = reference.positions[first : first + len(wanted)]
    return first if np.array_equal(found, wanted) else None


def references_for(
    variant: Variant, genome: Sequences, transcript: Transcript | None, window: int
) -> list[Reference]:
    """Return what a trace of a variant may be of: the genome and, if it has the place, the transcript.

    Both reach `window` bases to either side.
    """
    start, _, _ = variant.change()
    first = max(start - window, 0)
    bases = genome.fetch(variant.chrom, first, start + window).upper()
    references = [Reference("genome", bases, first + np.arange(len(bases)))]
    if transcript and transcript.contig == variant.chrom and transcript.to_offset(start) is not None:
        exons = sorted(transcript.exons)
        spliced = "".join(genome.fetch(variant.chrom, *exon).upper() for exon in exons)
        positions = np.concatenate([np.arange(*exon) for exon in exons])
        at = int(np.searchsorted(positions, start))
        around = slice(max(at - window, 0), at + window)
        references.append(Reference("transcript", spliced[around], positions[around]))
    return references
