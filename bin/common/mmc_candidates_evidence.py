"""Pieces of evidence of mmc_candidates, what they weigh, and how that is said."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from common.evidence import CHANGE
from common.mmc_candidates_tables import CALLS, EVIDENCE, SCORE

ZYGOSITY = {"het": "heterozygous", "hom": "homozygous"}
STATES = {
    "nrf2": {"yes": "NRF2 is active", "no": "NRF2 is not active"},
    "nqo1": {"yes": "NQO1 works", "no": "NQO1 does not work", "reduced": "NQO1 is reduced"},
}
MEASURES = ("target_genes", "are_reporter", "nrf2_protein")  # rules of what NRF2 does, not of genes
# What an analysis that finds evidence is called by those who did the work.
WORK = {
    "target_score": "the target genes' expression",
    "group_comparison": "the bench assays",
    "variant_comparison": "the amplicons",
    "sanger_confirmation": "the Sanger traces",
    "locus_genotype": "what RNA reads show of genes",
    "gene_counts": "the expression of NQO1",
    "biomarker_cutoff": "the scores of tumours",
}
NOT_KNOWN = {"nrf2": "Whether NRF2 is active is not known", "nqo1": "Whether NQO1 works is not known"}


class Piece(NamedTuple):
    """A measured piece of evidence; `at` is its row. Missing numbers are NaN, missing texts empty."""

    at: int
    evidence: str
    item: str
    label: str
    effect: str
    phase: str
    call: str
    source: str
    value: float
    low: float
    high: float
    n: float
    q_value: float

    @property
    def name(self) -> str:
        """Name it: its kind, and which of them, as KEAP1 V512I."""
        return f"{EVIDENCE[self.evidence].words} {self.label or self.item}".strip()

    @property
    def says(self) -> str:
        """Say what was found."""
        return says(self)


class Note(NamedTuple):
    """What a piece of evidence weighs: the row of the rules, verdict, points, and why."""

    piece: Piece
    rule: str
    verdict: str  # positive, negative or neutral
    points: float = 0.0
    why: str = ""


def known(value: float) -> bool:
    """Whether a number was measured."""
    return bool(np.isfinite(value))


def brief(value: float) -> str:
    """Write a number with two digits, or whole."""
    return f"{value:,.0f}" if abs(value) >= 99.5 else f"{value:.2g}"


def q_words(q_value: float) -> str:
    """Say a false discovery rate, if there is one."""
    return "not tested" if not known(q_value) else f"q {q_value:.2g}" if q_value >= 0.001 else "q < 0.001"


def interval(piece: Piece, scale: str = "") -> str:
    """Say how sure a number is: ` (3.1 to 6.2, n = 3)`; of scale `log2` their antilogarithms."""
    limits = [2**each if scale == "log2" else each for each in (piece.low, piece.high)]
    parts = [f"{brief(limits[0])} to {brief(limits[1])}"] if all(map(known, limits)) else []
    if not scale and known(piece.n):
        parts.append(f"n = {piece.n:.0f}")
    return f" ({', '.join(parts)})" if parts else ""


def says(piece: Piece) -> str:
    """Say what a piece found: `ARE reporter 4.5 times the reference (3.1 to 6.2, n = 3)`."""
    value, about = piece.value, piece.evidence
    if not known(value) and not piece.call:
        return f"{piece.name} without a value"
    if about == "nrf2_target_score":
        genes = f"{piece.n:.0f} genes" if known(piece.n) else "genes not counted"
        times = f"{brief(2**value)} times the level of the study's low lines"
        return f"NRF2 target genes {times} ({value:+.2g} log2, {genes})"
    if about == "nrf2_target_change":
        times = f"{brief(2**value)} times the parental line's level"
        return f"NRF2 target genes {times} ({value:+.2g} log2, {q_words(piece.q_value)})"
    if about.endswith("_shift"):
        compound, limits = piece.name.split()[0], interval(piece, "log2")
        return f"{compound} IC50 {brief(2**value)} times that of the parental line{limits}"
    if about.endswith("_skipping"):
        gene, exon = piece.name.split()[0], "2" if "exon2" in about else "4"
        return f"exon {exon} of {gene} skipped in {100 * value:.2g} % of its transcripts"
    if about.endswith(("_variant", "_allele")):
        if piece.call == "absent":
            return f"no variant of {piece.name}"
        vaf = f"VAF {value:.2g}" if known(value) else ""
        genotype = ZYGOSITY.get(piece.call, "not carried" if piece.call == "ref" else piece.call)
        return ", ".join(part for part in (f"{piece.name} {genotype}".strip(), vaf) if part)
    if about == "nqo1_coverage":
        covered = f", {100 * value:.3g} % covered" if known(value) else ""
        return f"{piece.name}: {piece.call.replace('_', ' ') or 'not judged'}{covered}"
    if about == "nqo1_activity":
        return f"{piece.name} {brief(value)} nmol/min/mg{interval(piece)}"
    if about == "nqo1_expression":
        return f"{piece.name} {brief(value)} TPM"
    if about == "are_reporter" or about.endswith("_protein"):
        said = [f"{brief(value)} times the reference{interval(piece)}"] if known(value) else []
        if value == piece.low == piece.high == 1:
            said = ["1 by definition: the reference group itself"]
        said += [f"{piece.call} by eye"] if piece.call else []
        return f"{piece.name} {', '.join(said)}"
    if about == SCORE:
        said = f"{piece.name} {brief(value)}"
        whose = (
            "of other patients" if piece.effect == "cutoff_of_other_patients" else "chosen in these patients"
        )
        return f"{said}, {piece.call} by a cutoff {whose}" if piece.call else said
    if about == "pathway_set":
        return f"{piece.name} NES {value:+.2f} ({q_words(piece.q_value)})"
    if about.endswith("_expression"):
        if piece.item != CHANGE:
            return f"{piece.name} {value:.1f} log2 CPM"
        name, times = EVIDENCE[about].words, f"{brief(2**value)} times the parental line's"
        return f"{name} {times} ({value:+.2g} log2, {q_words(piece.q_value)})"
    number = brief(value) if known(value) else ""
    return " ".join(part for part in (piece.name, number, piece.call) if part)


def pieces_of(table: pd.DataFrame) -> list[Piece]:
    """Take the rows of status ok as pieces of evidence."""
    measured = table[table.status == "ok"]
    texts, numbers = list(Piece._fields[1:8]), list(Piece._fields[8:])
    rows = zip(
        measured.index,
        measured[texts].astype(object).fillna("").itertuples(index=False, name=None),
        measured[numbers].itertuples(index=False, name=None),
        strict=True,
    )
    # A source is an analysis and its table.
    return [Piece(at, *words[:-1], words[-1].partition("/")[0], *values) for at, words, values in rows]


def nrf2_words(points: float, active: str, notes: Sequence[Note]) -> str:
    """Say whether NRF2 is active, and which pieces speak for that and against it."""
    counted = sorted((note for note in notes if note.points), key=lambda note: -abs(note.points))
    sides = {
        side: ", ".join(f"{note.piece.says} ({note.points:+g})" for note in counted if note.points * side > 0)
        for side in (1, -1)
    }
    side = -1 if active == "no" or not sides[1] else 1
    against = f"; against that: {sides[-side]}" if sides[-side] else ""
    said = STATES["nrf2"].get(active, NOT_KNOWN["nrf2"])
    said = f"{said} ({points:+g} points): {sides[side] or 'nothing measured has points'}{against}"
    if active in STATES["nrf2"]:
        return said
    rules = {note.rule for note in counted}
    weak = [note for note in notes if note.rule in MEASURES and note.rule not in rules]
    whys = ["" if note.piece.evidence == SCORE else f", {note.why}" for note in weak]
    weightless = ", ".join(f"{note.piece.says}{why}" for note, why in zip(weak, whys, strict=True))
    return f"{said}; without weight: {weightless}" if weak else said


def nqo1_words(level: str, words: Mapping[str, Sequence[str]]) -> str:
    """Say whether NQO1 works: what decides, what is in line with it, and what is not."""
    said = STATES["nqo1"].get(level, NOT_KNOWN["nqo1"])
    for name, parts in words.items():
        new = [part for part in dict.fromkeys(parts) if part not in said]
        if new:
            said += f"{': ' if name == 'decides' else f'; {name}: '}{', '.join(new)}"
    return said


def stability_of(rows: Sequence[Mapping[str, object]]) -> str:
    """Say without what a call would be another one: `not without NQO1 protein (then not decided)`."""
    said, known_by = [], set()
    for row in rows:
        if row["decisive"] == "no":
            continue
        if row["kind"] == "evidence":
            said.append(f"{row['name']} (then {CALLS[row['call']]})")
            known_by.add((row["source"], row["call"]))
        elif (row["source"], row["call"]) not in known_by:
            name = WORK.get(row["source"], row["source"])
            said.append(f"{name} (then {CALLS[row['call']]})")
    return f"not without {', '.join(said)}" if said else "stable"
