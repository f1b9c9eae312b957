#!/usr/bin/env python3
"""Call which lines are candidates for mitomycin C (MMC), from what all analyses found. Research use only.

Model      MMC is reduced to its toxic form by NQO1, which NRF2 induces: a line with active NRF2 and
           functional NQO1 should be sensitive. Both are judged by line and condition with mmc_rules.yml.
NRF2       Points of the rows that apply, each row once. yes: from yes_from. no: up to no_to, with a negative
active     functional row (target genes, reporter, protein). Else insufficient_data. Flags: conflict (target
           genes low, genotype activating), assays_disagree (functional rows of both signs), genotype_only (a
           yes without a functional row). nrf2_gained compares with the line's reference condition; active in
           both and measurably higher is flagged raised.
NQO1       The first row of `order` that applies decides: yes, reduced, no or insufficient_data. What further
functional rows say is told, as in line with it or overruled.
Call       candidate: yes and yes. not_candidate: a no. Else insufficient_data, and what to measure.
Stability  The call without each piece of evidence, and without each analysis.
Check      mmc_agreement: the interval of the MMC shift should be below 0 in candidates alone. Never evidence.
           Inconclusive in a candidate whose interval reaches 0, and without interval.
Tumours    A tumour is a line called as its patient, its condition primary or recurrent. It is judged as lines
           are, if more than its score is known. A score counts as NRF2 protein, and only by a cutoff of other
           patients. VAFs are taken as they are, without the tumour's purity.
Missing    Only rows of status ok are evidence. What was not measured has no points and fills no row, so that
           it changes no call: a yes needs a measured positive, a no a measured negative.

Evidence   <analysis>_evidence.tsv, a row a line, condition and piece; columns in mmc_candidates_tables.py.
  role is reference, target or other; item a variant's HGVS c. name, else what tells pieces of a kind apart;
  label a short name for words (V512I); q_value a false discovery rate; status ok, or why not measured.
  evidence                 value; what else is read
  nrf2_target_score        mean log2 CPM of the panel above the median of the lower third of lines; n genes
  nrf2_target_change       mean log2 fold change of the panel against the reference condition; n, q_value
  are_reporter             ratio to the reference group; low, high, n experiments
  nrf2_protein,            ratio to the reference group; low, high, n experiments; call by eye: present,
  nqo1_protein             reduced, absent, discordant
  ihc_score                score of a tumour; call: high, low; effect: cutoff_of_other_patients,
                           cutoff_of_these_patients (does not count)
  nfe2l2_variant,          VAF; item, label; call: het, hom, hemizygous, imbalanced, subclonal, ambiguous,
  keap1_variant,           absent (covered, nothing found: item empty); phase; effect: hotspot (activating,
  cul3_variant             NFE2L2), truncating, known_loss (lost or reduced in a test of function),
                           missense_in_domain (KEAP1's BTB, IVR, Kelch), wild_type_like, common_polymorphism,
                           other
  nfe2l2_exon2_skipping    share of transcripts; n reads that skip it
  nqo1_activity            nmol/min/mg; low, high, n experiments
  nqo1_allele              VAF; item, label; call: ref, het, hom, hemizygous; phase; effect: loss,
                           wild_type_like, other
  nqo1_coverage            covered share of the coding sequence; call, by all of its variants: two_intact,
                           one_loss, two_loss, unphased
  nqo1_expression          TPM in an adequate library
  nqo1_exon4_skipping      share of transcripts; low, high, n reads of the junctions
  mmc_shift,               log2 of the IC50 over that of the reference condition; low, high (in log2)
  cisplatin_shift
  pathway_set, {nfe2l2,keap1,cul3}_expression, {keap1,cul3}_protein: context, shown, without points
  phase names the copy that a variant is on, within a line and condition: same in cis, others in trans.

References Phillips et al. 2001, Biochem Pharmacol 62:1371; Pan et al. 1995, Cancer Res 55:330; and the rules'
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click
import pandas as pd
from common.cli import FOLDER, INPUT, RESULTS, Script
from common.mmc_candidates_evidence import (
    Note,
    Piece,
    known,
    nqo1_words,
    nrf2_words,
    pieces_of,
    stability_of,
)
from common.mmc_candidates_report import write_figures, write_sections
from common.mmc_candidates_rules import read_rules
from common.mmc_candidates_tables import ALONE, CANDIDATES, EVIDENCE, LEFT_OUT, SCORE, WEIGHED, read_evidence
from common.multiqc import write_versions
from common.tables import write_table

UNKNOWN = "insufficient_data"
FUNCTIONAL = ("target_genes", "are_reporter", "nrf2_protein")
VARIANTS = ("nfe2l2_variant", "keap1_variant", "cul3_variant", "nqo1_allele")
WHOLE, NONE = ("hom", "hemizygous"), ("ref", "absent")  # genotypes
TO_MEASURE = {
    "nrf2": {
        "nrf2_target_score": "expression of the NRF2 target genes",
        "are_reporter": "an ARE reporter",
        "nrf2_protein": "NRF2 protein",
    },
    "nqo1": {"nqo1_activity": "NQO1 activity", "nqo1_protein": "NQO1 protein"},
}


class Verdict(NamedTuple):
    """What a row of nqo1_functional says where it applies, and the pieces that it rests on."""

    level: str  # yes, reduced, no or insufficient_data
    pieces: list[Piece]
    flags: tuple[str, ...] = ()


class Judgement(NamedTuple):
    """What the rules make of the evidence of a line and condition."""

    points: float
    active: str
    functional: str
    rule: str
    call: str
    flags: list[str]
    reasons: str
    notes: list[Note]


# ---- NRF2: points


def one(pieces: Sequence[Piece], evidence: str) -> Piece | None:
    """Return the piece of this kind that has a value, if there is one."""
    return next((piece for piece in pieces if piece.evidence == evidence and known(piece.value)), None)


def graded(piece: Piece, rule: str, points: float, why: str) -> Note:
    """Note a piece with its points; their sign is the verdict."""
    verdict = "positive" if points > 0 else "negative" if points < 0 else "neutral"
    return Note(piece, rule, verdict, points, why)


def target_genes(pieces: Sequence[Piece], row: dict) -> list[Note]:
    """Give points for the target genes: their level over the study's low lines, or their change."""
    notes, usable = [], {}
    for name in ("nrf2_target_score", "nrf2_target_change"):
        piece = one(pieces, name)
        if piece and not piece.n >= row["genes_from"]:
            notes.append(graded(piece, "target_genes", 0, f"fewer than {row['genes_from']:g} genes"))
        elif piece:
            usable[name] = piece
    score, change = usable.get("nrf2_target_score"), usable.get("nrf2_target_change")
    rises = change is not None and change.value >= row["change_from"]
    up = rises and change.q_value < row["change_q_below"]
    high = score is not None and score.value >= row["score_from"]
    # A rise that could not be tested is not known to be none.
    low = (
        score is not None
        and score.value < row["score_below"]
        and not (rises and (up or not known(change.q_value)))
    )
    if score:
        points = row["points"]["positive"] if high else row["points"]["negative"] if low else 0
        why = f"{row['score_from']:g} or more" if high else f"below {row['score_below']:g} and not up"
        notes.append(graded(score, "target_genes", points, why if points else "between the thresholds"))
    if change:
        why = f"{row['change_from']:g} or more with q below {row['change_q_below']:g}"
        why = why if up else f"not {why}"
        points = row["points"]["positive"] if up and not high else 0
        notes.append(graded(change, "target_genes", points, "the row counts once" if up and high else why))
    return notes


def are_reporter(pieces: Sequence[Piece], row: dict) -> list[Note]:
    """Give points for the reporter, by its ratio to the reference group and the ratio's interval."""
    if not (piece := one(pieces, "are_reporter")):
        return []
    points, why = 0, "between the thresholds" if known(piece.low) else "no interval"
    if piece.value >= row["ratio_from"] and piece.low > row["low_above"]:
        points = row["points"]["positive"]
        why = f"{row['ratio_from']:g} or more, interval above {row['low_above']:g}"
    elif piece.high < row["high_below"]:
        points, why = row["points"]["negative"], f"interval below {row['high_below']:g}"
    return [graded(piece, "are_reporter", points, why)]


def nrf2_protein(pieces: Sequence[Piece], row: dict, tumour: dict) -> list[Note]:
    """Give points for NRF2 protein by densitometry, else by immunohistochemistry."""
    notes, piece = [], one(pieces, "nrf2_protein")
    if piece:
        share = 1 if piece.n >= 2 else row["single_share"]
        points, why = 0, "between the thresholds"
        if piece.value >= row["ratio_from"]:
            points, why = row["points"]["positive"], f"{row['ratio_from']:g} or more"
        elif piece.value <= row["ratio_to"]:
            points, why = row["points"]["negative"], f"{row['ratio_to']:g} or less"
        why += f", one experiment: {share:g} of the points" if points and share != 1 else ""
        notes.append(graded(piece, "nrf2_protein", share * points, why))
    if stain := next((each for each in pieces if each.evidence == SCORE and each.call), None):
        points, why = 0, "protein was measured by densitometry"
        if not piece and stain.effect == "cutoff_of_other_patients":
            points = tumour["points"]["positive" if stain.call == "high" else "negative"]
            why = "cutoff trained on other patients"
        elif not piece:
            why = "the cutoff was trained on these patients"
        notes.append(graded(stain, "nrf2_protein", points, why))
    return notes


def in_trans(variants: Sequence[Piece]) -> bool:
    """Whether some of these lie on different copies."""
    return len({piece.phase for piece in variants if piece.phase}) > 1


def genotype(pieces: Sequence[Piece], rows: dict) -> list[Note]:
    """Give points for variants of NFE2L2, KEAP1, CUL3 and skipping of NFE2L2's exon 2; absence has none."""
    notes = []

    def of(gene: str, effects: Sequence[str], rule: str) -> list[Piece]:
        own = [piece for piece in pieces if piece.evidence == f"{gene}_variant" and piece.effect in effects]
        found = [piece for piece in own if piece.value >= rows[rule]["vaf_from"] and piece.call not in NONE]
        return sorted(found, key=lambda piece: -piece.value)

    def give(found: Sequence[Piece], rule: str, why: str) -> None:
        # A row counts once: its first variant has the points.
        points = [rows[rule]["points"]["positive"], *[0] * len(found)]
        whys = [why, *[f"counted with {piece.name}" for piece in found[:1]] * len(found)]
        notes.extend(graded(piece, rule, *given) for piece, *given in zip(found, points, whys, strict=False))

    give(of("nfe2l2", ("hotspot",), "nfe2l2_hotspot"), "nfe2l2_hotspot", "activating; one allele suffices")
    loss, both = ("truncating", "known_loss"), "keap1_both_copies"
    single = of("keap1", loss, "keap1_one_copy")
    if of("keap1", loss, both):
        give(single, both, f"VAF {rows[both]['vaf_from']:g} or more")
    elif in_trans(single):
        give(single, both, "two in trans")
    else:
        give(single, "keap1_one_copy", "one copy, as far as is known")
    other = "keap1_or_cul3_other"
    further = of("keap1", ("missense_in_domain",), other) + of("cul3", ("truncating",), other)
    give(further, other, "not tested for function")
    if skipped := one(pieces, "nfe2l2_exon2_skipping"):
        rule, row = "nfe2l2_exon2_skipping", rows["nfe2l2_exon2_skipping"]
        enough = skipped.value >= row["share_from"] and skipped.n >= row["reads_from"]
        why = (
            f"{'' if enough else 'not '}{row['share_from']:g} of transcripts and {row['reads_from']:g} reads"
        )
        notes.append(graded(skipped, rule, row["points"]["positive"] if enough else 0, why))
    return notes


def judge_nrf2(pieces: Sequence[Piece], rules: dict) -> tuple[float, str, list[str], list[Note]]:
    """Return points, state (yes, no or insufficient_data), flags and notes."""
    rows = rules["rows"]
    notes = [
        *target_genes(pieces, rows["target_genes"]),
        *are_reporter(pieces, rows["are_reporter"]),
        *nrf2_protein(pieces, rows["nrf2_protein"], rows["ihc_score"]),
        *genotype(pieces, rows),
    ]
    total = sum(note.points for note in notes)
    functional = [0, *(note.points for note in notes if note.rule in FUNCTIONAL)]
    genes = [0, *(note.points for note in notes if note.rule == "target_genes")]
    variants = sum(note.points for note in notes if note.rule not in FUNCTIONAL)
    flags = ["conflict"] * (min(genes) < 0 < variants)
    flags += ["assays_disagree"] * (min(functional) < 0 < max(functional))
    if total >= rules["yes_from"]:
        return total, "yes", flags + ["genotype_only"] * (max(functional) == 0), notes
    return total, "no" if total <= rules["no_to"] and min(functional) < 0 else UNKNOWN, flags, notes


# ---- NQO1: the first row that applies


def copies_lost(losses: Sequence[Piece]) -> str:
    """Say how many copies of NQO1 these alleles take: none, one, two, or unphased (one or two)."""
    if in_trans(losses) or any(piece.call in WHOLE for piece in losses):
        return "two"
    if len(losses) > 1 and not all(piece.phase for piece in losses):
        return "unphased"
    return "one" if losses else "none"


def protein_state(protein: Piece | None, rules: dict) -> str:
    """Say whether NQO1 protein is lost, present or between: by its ratio, by eye where it has none."""
    if protein is None:
        return "not_measured"
    if protein.call == "absent" or protein.value <= rules["rows"]["protein_lost"]["ratio_to"]:
        return "lost"
    by_eye = protein.call == "present" and not known(protein.value)
    return "present" if by_eye or protein.value >= rules["protein_present_from"] else "between"


def nqo1_rows(pieces: Sequence[Piece], rules: dict) -> dict[str, Verdict]:
    """Return what each row of nqo1_functional says, if it applies."""
    rows, found = rules["rows"], {}
    proteins = (piece for piece in pieces if piece.evidence == "nqo1_protein")
    seen = ("present", "reduced", "absent")
    protein = next((piece for piece in proteins if known(piece.value) or piece.call in seen), None)
    state = protein_state(protein, rules)
    beside = [protein] if state == "present" else []
    weakened = "reduced" if state == "present" else "no"  # protein overrules what speaks against it
    losses = [piece for piece in pieces if piece.evidence == "nqo1_allele" and piece.effect == "loss"]
    losses = [piece for piece in losses if piece.call in ("het", *WHOLE)]
    copies = copies_lost(losses)

    if activity := one(pieces, "nqo1_activity"):
        level = "yes" if activity.value >= rows["activity"]["active_from"] else "reduced"
        level = "no" if activity.value < rows["activity"]["inactive_below"] else level
        found["activity"] = Verdict(level, [activity])
    if state == "lost":
        found["protein_lost"] = Verdict("no", [protein])
    if copies == "two":
        found["both_alleles_lost"] = Verdict("no", losses, ("inactive_allele",))
    if copies == "unphased":
        level = "reduced" if beside else UNKNOWN
        found["losses_not_phased"] = Verdict(level, losses + beside, ("phase_not_known",))
    tpm = one(pieces, "nqo1_expression")
    if tpm and tpm.value < rows["not_expressed"]["tpm_below"]:
        found["not_expressed"] = Verdict(weakened, [tpm, *beside], ("not_expressed",))
    skipped, row = one(pieces, "nqo1_exon4_skipping"), rows["exon_4_skipped"]
    if skipped and skipped.value >= row["reduced_from"]:
        level = weakened if skipped.value >= row["lost_from"] else "reduced"
        found["exon_4_skipped"] = Verdict(level, [skipped, *beside])
    if copies == "one":
        level = "yes" if beside else "reduced"
        found["one_allele_lost"] = Verdict(level, losses + beside, ("one_allele_lost",))
    row, intact = rows["protein_or_intact_genes"], one(pieces, "nqo1_coverage")
    whole = (
        intact and intact.call == "two_intact" and intact.value >= row["coverage_from"] and copies == "none"
    )
    if beside:
        found["protein_or_intact_genes"] = Verdict("yes", beside)
    elif protein is None and whole and tpm and tpm.value >= row["tpm_from"]:
        found["protein_or_intact_genes"] = Verdict("yes", [intact, tpm], ("protein_not_measured",))
    return found


def sign(piece: Piece, rules: dict) -> str:
    """Say what a piece alone says of NQO1: positive (it works), negative (it does not) or neutral."""
    rows, value = rules["rows"], piece.value
    intact, activity = rows["protein_or_intact_genes"], rows["activity"]
    negative, positive = {
        "nqo1_activity": (value < activity["inactive_below"], value >= activity["active_from"]),
        "nqo1_protein": tuple(protein_state(piece, rules) == state for state in ("lost", "present")),
        "nqo1_allele": (piece.effect == "loss" and piece.call in WHOLE, False),
        "nqo1_coverage": (False, piece.call == "two_intact" and value >= intact["coverage_from"]),
        # That it is expressed does not say that it works.
        "nqo1_expression": (value < rows["not_expressed"]["tpm_below"], False),
        "nqo1_exon4_skipping": (value >= rows["exon_4_skipped"]["lost_from"], False),
    }[piece.evidence]
    return "negative" if negative else "positive" if positive else "neutral"


def judge_nqo1(pieces: Sequence[Piece], rules: dict) -> tuple[str, str, list[str], str, list[Note]]:
    """Return function, the row that decides, flags, reasons in words, and notes."""
    own = [piece for piece in pieces if EVIDENCE[piece.evidence].about == "nqo1"]
    found = nqo1_rows(own, rules)
    first, *further = [rule for rule in rules["order"] if rule in found] or [""]
    level, flags = (found[first].level, [*found[first].flags]) if first else (UNKNOWN, [])
    weak, signs = ("no", "reduced"), {piece: sign(piece, rules) for piece in own}
    said = {first: "decides"}
    for rule in further:
        same = found[rule].level == level or (level in weak and found[rule].level in weak)
        said[rule] = "in line with it" if same else "overruled"
    words: dict[str, list[str]] = {"decides": [], "in line with it": [], "overruled": []}
    for rule in (first, *further) if first else ():
        words[said[rule]] += [piece.says for piece in found[rule].pieces]
    words["against that"] = words.pop("overruled")
    if first:
        opposite = "negative" if level == "yes" else "positive"
        against = [piece for piece in own if signs[piece] == opposite]
        words["against that"] += [piece.says for piece in against]
        genes = any(piece.evidence == "nqo1_coverage" for piece in against)
        flags += ["protein_overrules_genotype"] * (first == "protein_lost" and genes)
    else:
        words["decides"] = [piece.says for piece in own if piece.evidence != "nqo1_allele"]
    notes = []
    for piece in own:
        rule = next((rule for rule in said if rule and piece in found[rule].pieces), "")
        notes.append(Note(piece, rule, signs[piece], 0, said[rule] if rule else "no row rests on it"))
    return level, first, flags, nqo1_words(level, words), notes


# ---- the call


def judge(pieces: Sequence[Piece], rules: dict) -> Judgement:
    """Judge the evidence of a line and condition.

    Of what two analyses measured that of the first of `sources` counts, also where it found no variant.
    """
    places = {name: place for place, name in enumerate(rules["sources"])}
    own = [piece for piece in pieces if EVIDENCE[piece.evidence].about in ("nrf2", "nqo1")]
    used: dict[tuple[str, str], Piece] = {}
    absent: dict[str, int] = {}
    for place, _, piece in sorted((places.get(piece.source, len(places)), piece.at, piece) for piece in own):
        variant = piece.evidence in VARIANTS
        if place <= absent.get(piece.evidence, place):
            used.setdefault((piece.evidence, piece.item if variant else ""), piece)
        if variant and piece.call == "absent":
            absent.setdefault(piece.evidence, place)
    first = sorted(used.values())
    points, active, flags, notes = judge_nrf2(first, rules["nrf2_active"])
    functional, rule, more, words, nqo1_notes = judge_nqo1(first, rules["nqo1_functional"])
    call = "not_candidate" if "no" in (active, functional) else UNKNOWN
    call = "candidate" if active == functional == "yes" else call
    again = [piece for piece in own if piece not in first]
    why = "another analysis looked at it too, and counts"
    notes += [*nqo1_notes, *(Note(piece, "", "neutral", 0, why) for piece in again)]
    reasons = f"{nrf2_words(points, active, notes)}. {words}."
    return Judgement(points, active, functional, rule, call, flags + more, reasons, notes)


def gained(
    own: Judgement, before: Judgement | None, pieces: Sequence[Piece], parental: Sequence[Piece], rules: dict
) -> str:
    """Say whether activity came with resistance: yes, no, raised (higher than before), not_assessable."""
    if before is None or own.active == UNKNOWN:
        return "not_assessable"
    if own.active == "no":
        return "no"
    if before.active != "yes":
        return "yes" if before.active == "no" else "not_assessable"
    change = one(pieces, "nrf2_target_change")
    higher = change and change.value >= rules["change_from"] and change.q_value < rules["change_q_below"]
    for evidence in ("are_reporter", "nrf2_protein"):
        now, then = one(pieces, evidence), one(parental, evidence)
        higher = higher or (now and then and now.low > then.high)
    return "raised" if higher else "no"


def agreement(call: str, parental_call: str | None, shift: Piece | None, limit: float) -> str:
    """Hold a call to the measured MMC shift; `parental_call` is None of a reference condition itself."""
    if parental_call is None:
        return "not_comparable"
    if shift is None:
        return "not_measured"
    if call == UNKNOWN:
        return "no_call"
    if not (known(shift.low) and known(shift.high)):
        return "inconclusive"
    if call == "not_candidate":
        return "disagrees" if shift.high < limit else "agrees"
    if shift.high < limit:
        return "agrees"
    if parental_call == "candidate":  # both should be sensitive
        return "not_comparable"
    return "disagrees" if shift.low > limit else "inconclusive"


def to_measure(own: Judgement, pieces: Sequence[Piece], tumour: bool) -> tuple[str, str]:
    """Return the status of a call, and what would decide it."""
    if own.call != UNKNOWN:
        return "ok", ""
    measured, lacking = {piece.evidence for piece in pieces if known(piece.value)}, []
    if tumour:  # it takes no reporter, and its score is of the protein
        measured |= {"are_reporter", *["nrf2_protein"] * (SCORE in measured)}
    uncounted = any(piece.effect == "cutoff_of_these_patients" for piece in pieces)
    for about, level in (("nrf2", own.active), ("nqo1", own.functional)):
        names = [words for name, words in TO_MEASURE[about].items() if name not in measured]
        names += ["its score by a cutoff of other patients"] * (about == "nrf2" and uncounted)
        if level != "yes":
            said = f"measure {', '.join(names[:-1])}{' or ' if names[1:] else ''}{''.join(names[-1:])}"
            lacking.append(said if names else f"{about.upper()}: the assays do not decide")
    status = "conflict" if "conflict" in own.flags else UNKNOWN if own.notes else "no_evidence"
    return status, "; ".join(lacking)


def leave_out(pieces: Sequence[Piece], own: Judgement, rules: dict) -> list[dict[str, object]]:
    """Judge again without each piece, and without each analysis: rows of leave_one_out.tsv."""
    parts = []
    for note in own.notes:
        piece = note.piece
        row = {"left_out": piece.evidence, "kind": "evidence", "item": piece.item, "name": piece.name}
        parts.append((row | {"source": piece.source}, [each for each in pieces if each != piece]))
    for source in dict.fromkeys(note.piece.source for note in own.notes):
        row = {"left_out": source, "kind": "analysis", "item": "", "source": source}
        parts.append((row, [each for each in pieces if each.source != source]))
    rows = []
    for row, kept in parts:
        without = judge(kept, rules)
        changes = [
            f"{name} {getattr(own, field)} to {getattr(without, field)}"
            for name, field in (("nrf2_active", "active"), ("nqo1_functional", "functional"))
            if getattr(own, field) != getattr(without, field)
        ]
        row |= {"nrf2_points": without.points, "nrf2_active": without.active, "call": without.call}
        row |= {"nqo1_functional": without.functional, "nqo1_rule": without.rule, "call_with_all": own.call}
        decisive = "no" if without.call == own.call else "yes"
        rows.append(row | {"decisive": decisive, "status": "ok", "reason": ", ".join(changes)})
    return rows


def call_all(evidence: pd.DataFrame, rules: dict) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Judge all lines and conditions: candidates, the evidence with what it weighed, and leave_one_out."""
    keys, tumours = ["line", "condition"], {*evidence.line[evidence.evidence == SCORE]}
    groups = {
        key: pieces_of(its)
        for key, its in evidence.groupby(keys, sort=False)
        if (its.evidence != SCORE).any()  # nothing but a score: not judged
    }
    roles = evidence.drop_duplicates(keys).set_index(keys).role
    judged = {key: judge(pieces, rules) for key, pieces in groups.items()}
    references = {key[0]: key for key, role in roles.items() if role == "reference"}
    rows, left, limit = [], [], rules["mmc_agreement"]["shift_below"]
    for key, own in judged.items():
        pieces, reference, role = groups[key], references.get(key[0]), roles[key]
        place = {"line": key[0], "condition": key[1], "role": role}
        came, parental_call = "", None
        if role != "reference":
            before = judged.get(reference)
            came = gained(own, before, pieces, groups.get(reference, []), rules["nrf2_raised"])
            parental_call = before.call if before else UNKNOWN
        shift = one(pieces, "mmc_shift")
        without = leave_out(pieces, own, rules)
        left += [place | row for row in without]
        row = {"nrf2_active": own.active, "nrf2_points": own.points, "nqo1_functional": own.functional}
        row |= {"nrf2_gained": "no" if came == "raised" else came, "nqo1_rule": own.rule, "call": own.call}
        row["reasons"] = own.reasons + (f" Measured: {shift.says}." if shift else "")
        row["flags"] = "; ".join(own.flags + ["raised"] * (came == "raised"))
        row["stability"] = stability_of(without)
        row["mmc_agreement"] = agreement(own.call, parental_call, shift, limit)
        row["status"], row["reason"] = to_measure(own, pieces, key[0] in tumours)
        rows.append(place | row)
    notes = {note.piece.at: note for own in judged.values() for note in own.notes}
    says = {piece.at: piece.says for piece in pieces_of(evidence)}
    weighed = [weigh(row, notes.get(row.Index), says.get(row.Index, "")) for row in evidence.itertuples()]
    judged_rows = evidence.join(pd.DataFrame(weighed, columns=WEIGHED, index=evidence.index))
    return pd.DataFrame(rows, columns=CANDIDATES), judged_rows, pd.DataFrame(left, columns=LEFT_OUT)


def weigh(row: tuple, note: Note | None, says: str) -> tuple[str, str, str, str, float, str, str]:
    """Return what a row of the evidence weighed: about, rule, verdict, counted, points, why, finding."""
    about = EVIDENCE[row.evidence].about
    if row.status != "ok":
        return about, "", "not_measured", "no", 0.0, "not measured", ""
    if note:
        counted = note.points != 0 or (about == "nqo1" and note.rule != "")
        return about, note.rule, note.verdict, "yes" if counted else "no", note.points, note.why, says
    why = {"check": "compared with the call, no evidence", "context": "shown, without points"}
    verdict = "context" if about in why else "neutral"
    other = ALONE if row.evidence == SCORE else "no row of the rules has points for it"
    return about, "", verdict, "no", 0.0, why.get(about, other), says


@click.command(cls=Script)
@click.option("--evidence", type=FOLDER, required=True, help="Folder of the analyses' *_evidence.tsv.")
@click.option("--rules", type=INPUT, required=True, help="The rules of the call, YAML.")
@click.option("--schema", type=INPUT, required=True, help="The form of the rules, JSON Schema.")
@RESULTS
def main(evidence: Path, rules: Path, schema: Path, results: Path) -> None:
    """Call which lines are candidates for mitomycin C, from what all analyses found."""
    given = read_rules(rules, schema)
    candidates, judged, left = call_all(read_evidence(evidence), given)
    write_table(candidates, results / "candidates.tsv")
    write_table(judged, results / "evidence.tsv")
    write_table(left, results / "leave_one_out.tsv")
    pictures = write_figures(candidates, judged, given, results)
    write_sections(candidates, judged, left, pictures, results)
    write_versions(results / "versions.tsv", "jsonschema", "matplotlib", "numpy", "pandas", "pyyaml")


if __name__ == "__main__":
    main()
