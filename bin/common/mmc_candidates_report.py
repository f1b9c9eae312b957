"""Figures and report sections of mmc_candidates: they show tables as given and compute nothing."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from html import escape
from pathlib import Path

import pandas as pd

from common.evidence import CHANGE
from common.figures import PALE, QUIET, embedded, files_of, save_figure, shown_together
from common.mmc_candidates_answers import answers_of
from common.mmc_candidates_evidence import q_words
from common.mmc_candidates_figure import (
    CALLS,
    DARK,
    PAGE,
    POSITIVE,
    draw_matrix,
    draw_quadrants,
    matrix_of,
    quadrants_of,
)
from common.mmc_candidates_tables import ALONE, EVIDENCE, SCORE
from common.multiqc import listed, write_section

EMBEDDED = 200_000  # characters of pictures in a section
SHOWN = 200  # rows of the table in the report
TOLD = 6  # lines that the sentence explains
SHOWS = {
    "evidence_matrix": "Evidence by line and condition, with the call",
    "quadrants": "NRF2 points by function of NQO1, with the measured MMC shift",
}
ORDER = ("candidate", "insufficient_data", "not_candidate")
DOIS = ["10.1016/j.celrep.2016.08.010", "10.1158/0008-5472.CAN-13-1655", "10.1073/pnas.96.14.8150"]
NO_MORE = "no more than the NRF2 score is known: they are not judged"
ONLY = "Research use only: nothing here is a basis for treating patients."
JUDGED_BY = ("NRF2 active?", "NQO1 functional?")  # of the matrix
SIGNS = {"positive": 1, "neutral": 0, "context": 0, "negative": -1}
FLAGS = {
    "conflict": "target genes are low, although a gene of the axis is changed",
    "assays_disagree": "the assays of NRF2 disagree",
    "genotype_only": "NRF2 by genes alone: no assay of what it does",
    "raised": "NRF2 even higher than in the parental line",
    "inactive_allele": "both copies of NQO1 are broken, whatever the protein",
    "phase_not_known": "two changes of NQO1: on one copy or on both is not known",
    "not_expressed": "NQO1 is not expressed",
    "one_allele_lost": "one copy of NQO1 is broken",
    "protein_not_measured": "NQO1 protein was not measured",
    "protein_overrules_genotype": "NQO1's genes are intact, and yet its protein is lost",
}
AGREES = {  # of candidates
    "agrees": "As called, the measured IC50 is lower than the parental line's in {}.",
    "disagrees": "Against the call, the measured IC50 is higher than the parental line's in {}.",
    "inconclusive": "Whether the IC50 is lower than the parental line's is left open by its interval in {}.",
}


def pages_of(drawn: pd.DataFrame, stem: str) -> list[tuple[str, pd.DataFrame]]:
    """Cut what is drawn into pages of lines and conditions; one page has no number."""
    keys = drawn[["line", "condition"]].drop_duplicates().reset_index(drop=True)
    places = {key: place for place, key in enumerate(keys.itertuples(index=False, name=None))}
    page = drawn[["line", "condition"]].apply(tuple, axis=1).map(places) // PAGE if len(drawn) else []
    parts = [part.reset_index(drop=True) for _, part in drawn.groupby(page, sort=True)] if len(drawn) else []
    return [(f"{stem}.{n}" if len(parts) > 1 else stem, part) for n, part in enumerate(parts, start=1)]


def write_figures(
    candidates: pd.DataFrame, judged: pd.DataFrame, rules: Mapping, folder: Path
) -> dict[str, list[tuple[str, str]]]:
    """Write evidence_matrix and quadrants, in pages of lines; return stems with pictures for the report."""
    limits = [rules["nrf2_active"][name] for name in ("no_to", "yes_from")]
    kinds = {
        "evidence_matrix": (matrix_of(candidates, judged), draw_matrix),
        "quadrants": (quadrants_of(candidates, judged), partial(draw_quadrants, limits=limits)),
    }
    pictures: dict[str, list[tuple[str, str]]] = {}
    for kind, (drawn, draw) in kinds.items():
        pictures[kind] = []
        for stem, part in pages_of(drawn, kind):
            figure = draw(part)
            save_figure(figure, part, folder / stem)
            pictures[kind].append((stem, embedded(figure, SHOWS[kind])))
    return pictures


def named(rows: pd.DataFrame) -> str:
    """Name lines with their conditions, the first few: `HSC-3 resistant and HO-1-u-1 parental`."""
    return listed([f"{row.line} {row.condition}" for row in rows.itertuples()], TOLD)


def why_of(row: tuple, judged: pd.DataFrame) -> str:
    """Name what decided: the piece with most points, and that which decided on NQO1."""
    own = judged[(judged.line == row.line) & (judged.condition == row.condition) & (judged.counted == "yes")]
    points = own.points.sort_values(ascending=False, kind="stable")
    first = own.finding[points.index[:2]] if row.nrf2_active == "yes" else []
    decides = own.finding[own.why == "decides"][:1]
    # In parentheses are points and intervals: the table has them.
    said = [re.sub(r" \([^()]*\)", "", finding) for finding in [*first, *decides]]
    return f"{row.line} {row.condition} ({'; '.join(said)})"


def sentence_of(candidates: pd.DataFrame, judged: pd.DataFrame) -> str:
    """Say which lines are candidates and why, which are not, and what is lacking."""
    tumours = judged[(judged.evidence == SCORE) & judged.why.eq(ALONE)]
    alone = f"Of {len(tumours)} tumours of {tumours.line.nunique()} patients {NO_MORE}."
    last = [*[alone] * bool(len(tumours)), "The thresholds of the rules are provisional.", ONLY]
    if candidates.empty:
        return " ".join(["No analysis found evidence on any line: there is no call.", *last])
    yes, unknown, no = (candidates[candidates.call == call] for call in ORDER)
    parts = ["No line is a candidate for mitomycin C."]
    if len(yes):
        why = listed([why_of(row, judged) for row in yes.itertuples()], TOLD)
        parts = [
            f"Candidates for mitomycin C are {named(yes)}: NRF2 is active, and NQO1, which makes the "
            f"compound toxic, works. What says so: {why}."
        ]
    for verdict, words in AGREES.items():
        found = yes[yes.mmc_agreement == verdict]
        if len(found):
            parts.append(words.format(named(found)))
    barred = no[no.nrf2_active == "yes"]
    if len(barred):
        said = listed([why_of(row, judged) for row in barred.itertuples()], TOLD)
        parts.append(f"NRF2 is active, but NQO1 does not work, in {said}.")
    if len(no) > len(barred):
        parts.append(f"In {len(no) - len(barred)} others NRF2 is not active or NQO1 does not work.")
    if len(unknown):
        lacking = "; ".join(
            f"{row.line} {row.condition} ({row.reason})" for row in unknown[:TOLD].itertuples()
        )
        more = f"; and {len(unknown) - TOLD} more" if len(unknown) > TOLD else ""
        parts.append(f"Not decided for lack of data: {lacking}{more}.")
    odd = no[no.mmc_agreement == "disagrees"]
    if len(odd):
        parts.append(f"No candidates, and yet more sensitive than their parental lines: {named(odd)}.")
    return " ".join([*parts, *last])


RESPONSES = {
    "agrees": "as called",
    "disagrees": "not as called",
    "inconclusive": "not clear",
    "not_comparable": "the parental line is a candidate too",
    "not_measured": "not measured",
    "no_call": "measured, without a call to compare it with",
    "other": "what others are compared with",
}
BADGES = {
    "candidate": f"background:{POSITIVE};color:white;font-weight:bold;border:1px solid {POSITIVE}",
    "not_candidate": f"border:1px solid {DARK}",
    "insufficient_data": f"border:1px dashed {QUIET}",
}


HEADS = {  # of the table, with their least width in rem
    "line": 5,
    "candidate?": 8,
    "is NRF2 active?": 12,
    "does NQO1 work?": 11,
    "does the call hold without any one piece?": 8,
    "measured response to MMC": 7,
}


def table_of_calls(candidates: pd.DataFrame) -> str:
    """Make the table of calls with their reasons, as HTML."""
    rows = []
    for row in candidates.itertuples():
        # The sentences of `reasons`: of NRF2, of NQO1, and of the measured shift, if there is one.
        parts = re.split(r"\. (?=NQO1 |Whether NQO1 |Measured: )", row.reasons.removesuffix("."), maxsplit=2)
        nrf2, nqo1, *shift = [re.sub(r" \([^()+-]*\)", "", part) for part in parts[:2]] + parts[2:]
        badge = (
            f"<span style='{BADGES[row.call]};padding:1px 6px;white-space:nowrap'>{CALLS[row.call]}</span>"
        )
        notes = [
            *(FLAGS[flag] for flag in filter(None, row.flags.split("; "))),
            *([row.reason] if row.reason else []),
        ]
        gained = {"yes": " It came with resistance.", "no": " It was there in the parental line."}
        came = gained.get(row.nrf2_gained, "") if row.nrf2_active == "yes" else ""
        held = "other" if row.role == "reference" else row.mmc_agreement
        response = ": ".join([RESPONSES[held], *(part.removeprefix("Measured: ") for part in shift)])
        holds = "yes" if row.call != "insufficient_data" else "there is no call yet"
        holds = holds if row.stability == "stable" else row.stability
        said = (f"{nrf2}.{came}", f"{nqo1}.", holds, response)
        cells = [
            f"<strong>{escape(row.line)}</strong> {escape(row.condition)}",
            "<br>".join([badge, *map(escape, notes)]),
            *map(escape, said),
        ]
        rows.append("".join(f"<td>{cell}</td>" for cell in cells))
    return html_table(HEADS, rows)


def html_table(heads: Mapping[str, float], rows: Sequence[str]) -> str:
    """Make a table that scrolls sideways; `heads` with their least widths, `rows` of cells that are HTML."""
    head = "".join(f"<th style='min-width:{wide}rem'>{escape(name)}</th>" for name, wide in heads.items())
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    table = f"<table class='nrf2flow-table'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<div style='overflow-x:auto'>{table}</div>"


def context_of(judged: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return headings and rows of what is shown beside the calls; a column a gene set or kind of evidence."""
    shown = judged[(judged.about == "context") & (judged.status == "ok")].copy()
    kinds = [EVIDENCE[evidence].words for evidence in shown.evidence]
    shown["column"] = shown.label.where(shown.evidence == "pathway_set", kinds)
    order = shown.evidence.map(list(EVIDENCE).index).sort_values(kind="stable").index
    columns = list(dict.fromkeys(shown.column[order]))
    rows = []
    for (line, condition), its in list(shown.groupby(["line", "condition"], sort=False))[:SHOWN]:
        cells: dict[str, list[str]] = {}
        for piece in its.itertuples():
            q = f" ({q_words(piece.q_value)})" if pd.notna(piece.q_value) else ""
            said = {"log2 CPM": f"{piece.value:.1f}", "nes": f"{piece.value:+.2f}{q}"}.get(piece.unit)
            ratio = 2**piece.value if piece.item == CHANGE else piece.value
            said = said or (f"{ratio:.2g} times{q}" if pd.notna(ratio) else "")
            by_eye = piece.call if isinstance(piece.call, str) else ""
            cells.setdefault(piece.column, []).append(", ".join(filter(None, (said, by_eye))))
        whose = f"<td><strong>{escape(line)}</strong> {escape(condition)}</td>"
        rows.append(whose + "".join(f"<td>{escape('; '.join(cells.get(name, [])))}</td>" for name in columns))
    return columns, rows


def write_context(judged: pd.DataFrame, folder: Path) -> None:
    """Write the section with what stands beside the calls, if there is any."""
    columns, rows = context_of(judged)
    if not columns:
        return
    write_section(
        folder / "mmc_candidates_context_mqc.json",
        "Beside the calls",
        "What has no points and changes no call: gene sets (normalised enrichment score against the parental "
        "line, positive is higher), expression of NFE2L2, KEAP1 and CUL3 (log2 CPM; times the parental "
        f"line's), KEAP1 and CUL3 protein (times the reference group's). {ONLY}",
        "html",
        html_table({"line": 5} | dict.fromkeys(columns, 6), rows),
        links=["evidence.tsv"],
    )


def findings_of(candidates: pd.DataFrame) -> dict[str, str]:
    """Say by line what was called."""
    found: dict[str, list[str]] = {}
    for row in candidates.itertuples():
        halves = f"NRF2 active: {row.nrf2_active}, NQO1 functional: {row.nqo1_functional}".replace("_", " ")
        found.setdefault(row.line, []).append(f"{row.condition} {CALLS[row.call]} ({halves})")
    return {line: "; ".join(words) for line, words in found.items()}


def write_matrix(judged: pd.DataFrame, candidates: pd.DataFrame, stems: Sequence[str], folder: Path) -> None:
    """Write the section with the evidence matrix as a heatmap that can be read cell by cell."""
    drawn = matrix_of(candidates, judged)
    drawn = drawn[drawn.about.isin(JUDGED_BY)]
    columns = list(dict.fromkeys(drawn.about.str.split().str[0] + ": " + drawn.evidence))
    data, rows = [], []
    for (line, condition), its in drawn.groupby(["line", "condition"], sort=False):
        rows.append(f"{line} {condition}")
        data.append([SIGNS.get(verdict) for verdict in its.verdict])
    write_section(
        folder / "mmc_candidates_evidence_mqc.json",
        "Evidence for each call",
        "What was measured and what it says: 1 speaks for active NRF2 or functional NQO1, -1 against it, "
        "0 has no weight; empty is not measured, which is never counted as negative. evidence.tsv has every "
        f"value, its interval and the rule that it fell under. {ONLY}",
        "heatmap" if data else "html",
        data or "<p>There is no evidence.</p>",
        settings={
            "xcats": columns,
            "ycats": rows,
            "xcats_samples": False,
            "min": -1,
            "max": 1,
            "cluster_rows": False,
            "cluster_cols": False,
            "display_values": False,
            "zlab": "verdict",
            "colstops": [[0, "#E69F00"], [0.5, PALE], [1, POSITIVE]],
        }
        if data
        else {},
        statuses=judged.status,
        links=["evidence.tsv", "leave_one_out.tsv", *(name for stem in stems for name in files_of(stem))],
    )


def pictures_of(pages: Sequence[tuple[str, str]]) -> str:
    """Return as many pages of a figure as the report has room for, as HTML."""
    html, left = shown_together([picture for _, picture in pages], EMBEDDED)
    return html + (f"<p>{left.strip()}</p>" if left else "")


def write_sections(
    candidates: pd.DataFrame,
    judged: pd.DataFrame,
    left: pd.DataFrame,
    pictures: Mapping[str, Sequence[tuple[str, str]]],
    folder: Path,
) -> None:
    """Write the sections of the report: the calls with the evidence matrix, the evidence, the quadrants."""
    stems = {name: [stem for stem, _ in pages] for name, pages in pictures.items()}
    order = candidates.call.map(ORDER.index).sort_values(kind="stable").index
    sentence = sentence_of(candidates, judged)
    if len(candidates) > SHOWN:
        sentence += f" The table has the first {SHOWN} of {len(candidates)}."
    matrix = pictures_of(pictures["evidence_matrix"])
    write_section(
        folder / "mmc_candidates_mqc.json",
        "Which lines are candidates for mitomycin C",
        sentence,
        "html",
        matrix + table_of_calls(candidates.loc[order][:SHOWN])
        if len(candidates)
        else "<p>There is no evidence.</p>",
        statuses=candidates.status,
        links=["candidates.tsv", "evidence.tsv", "leave_one_out.tsv"],
        dois=DOIS,
        findings=findings_of(candidates),
        answers=answers_of(candidates, judged),
    )
    write_matrix(judged, candidates, stems["evidence_matrix"], folder)
    write_context(judged, folder)
    decisive = left[(left.kind == "evidence") & (left.decisive == "yes")]
    stable = len(candidates) - len(decisive.drop_duplicates(["line", "condition"]))
    words = (
        "Points for active NRF2, by function of NQO1: candidates have both. The colours are the measured "
        "shift of the MMC IC50 with its interval, which is never evidence. "
        f"{stable} of {len(candidates)} calls hold without any single piece of evidence. {ONLY}"
    )
    write_section(
        folder / "mmc_candidates_quadrants_mqc.json",
        "NRF2, NQO1 and the measured response",
        words,
        "html",
        pictures_of(pictures["quadrants"]),
        links=[name for stem in stems["quadrants"] for name in files_of(stem)],
    )
