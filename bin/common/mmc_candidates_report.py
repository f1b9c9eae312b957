"""Figures and report sections of mmc_candidates: they show tables as given and compute nothing."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from common.figures import embedded, files_of, save_figure
from common.mmc_candidates_figure import (
    CALLS,
    PAGE,
    VERDICTS,
    draw_matrix,
    draw_quadrants,
    matrix_of,
    quadrants_of,
)
from common.multiqc import listed, rows_of, write_section

EMBEDDED = 280_000  # characters of pictures in a section
SHOWN = 300  # rows of the table in the report
TOLD = 6  # lines that the sentence explains
ORDER = ("candidate", "insufficient_data", "not_candidate")
COLUMNS = [
    *("call", "nrf2_active", "nrf2_gained", "nqo1_functional", "reasons", "flags", "stability"),
    *("mmc_agreement", "reason"),
]
DOIS = ["10.1016/j.celrep.2016.08.010", "10.1158/0008-5472.CAN-13-1655", "10.1073/pnas.96.14.8150"]
ONLY = "Research use only: nothing here is a basis for treating patients."
SIGNS = {"positive": 1, "neutral": 0, "context": 0, "negative": -1}
AGREES = {
    "agrees": "the measured MMC response agrees",
    "disagrees": "the measured MMC response disagrees",
    "inconclusive": "the measured MMC response is inconclusive",
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
) -> dict[str, list[tuple[str, Figure]]]:
    """Write evidence_matrix and quadrants, in pages of lines; return the figures with their stems."""
    limits = [rules["nrf2_active"][name] for name in ("no_to", "yes_from")]
    drawn: dict[str, list[tuple[str, Figure]]] = {"evidence_matrix": [], "quadrants": []}
    for stem, part in pages_of(matrix_of(candidates, judged), "evidence_matrix"):
        drawn["evidence_matrix"].append((stem, draw_matrix(part)))
        save_figure(drawn["evidence_matrix"][-1][1], part, folder / stem)
    for stem, part in pages_of(quadrants_of(candidates, judged), "quadrants"):
        drawn["quadrants"].append((stem, draw_quadrants(part, limits)))
        save_figure(drawn["quadrants"][-1][1], part, folder / stem)
    return drawn


def named(rows: pd.DataFrame) -> str:
    """Name lines with their conditions: `HSC-3 resistant and HO-1-u-1 parental`."""
    return listed(f"{row.line} {row.condition}" for row in rows.itertuples())


def told(row: tuple) -> str:
    """Say of a line and condition what was called, and why."""
    gained = {"yes": " came with resistance", "no": " was there in the parental line"}
    came = gained.get(row.nrf2_gained, "") if row.nrf2_active == "yes" else ""
    check = f" ({AGREES[row.mmc_agreement]})" if row.mmc_agreement in AGREES else ""
    # In parentheses are points and intervals: the table has them.
    reasons = re.sub(r" \([^()]*\)", "", row.reasons).removesuffix(".") + (
        f"; NRF2 activity{came}" if came else ""
    )
    return f"{row.line} {row.condition}: {reasons}{check}."


def sentence_of(candidates: pd.DataFrame) -> str:
    """Say which lines are candidates and why, which are not, and what is lacking."""
    if candidates.empty:
        return f"No analysis found evidence on any line: there is no call. {ONLY}"
    by_call = {call: candidates[candidates.call == call] for call in ORDER}
    yes, unknown, no = (by_call[call] for call in ORDER)
    parts = [
        f"Candidates for mitomycin C: {named(yes)}."
        if len(yes)
        else "No line is a candidate for mitomycin C."
    ]
    parts += [told(row) for row in yes[:TOLD].itertuples()]
    if len(yes) > TOLD:
        parts.append(f"The table has the reasons of the {len(yes) - TOLD} others.")
    barred = no[no.nrf2_active == "yes"]
    if len(barred):
        parts.append(f"NRF2 is active, but NQO1 does not work: {named(barred)}.")
    if len(no) > len(barred):
        parts.append(f"Not candidates, their NRF2 being inactive: {len(no) - len(barred)}.")
    if len(unknown):
        lacking = "; ".join(
            f"{row.line} {row.condition} ({row.reason})" for row in unknown[:TOLD].itertuples()
        )
        more = f"; and {len(unknown) - TOLD} more" if len(unknown) > TOLD else ""
        parts.append(f"Not decided for lack of data: {lacking}{more}.")
    odd = candidates[candidates.mmc_agreement == "disagrees"]
    if len(odd):
        parts.append(f"The measured MMC response disagrees with the call in {named(odd)}.")
    parts.append("The thresholds of the rules are provisional.")
    return " ".join([*parts, ONLY])


def findings_of(candidates: pd.DataFrame) -> dict[str, str]:
    """Say by line what was called."""
    found: dict[str, list[str]] = {}
    for row in candidates.itertuples():
        halves = f"NRF2 active: {row.nrf2_active}, NQO1 functional: {row.nqo1_functional}".replace("_", " ")
        found.setdefault(row.line, []).append(f"{row.condition}: MMC {CALLS[row.call]} ({halves})")
    return {line: "; ".join(words) for line, words in found.items()}


def write_matrix(judged: pd.DataFrame, candidates: pd.DataFrame, stems: Sequence[str], folder: Path) -> None:
    """Write the section with the evidence matrix as a heatmap that can be read cell by cell."""
    drawn = matrix_of(candidates, judged)
    drawn = drawn[drawn.verdict.isin(VERDICTS)]
    columns = list(dict.fromkeys(drawn.about + ": " + drawn.evidence))
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
        }
        if data
        else {},
        statuses=judged.status,
        links=["evidence.tsv", "leave_one_out.tsv", *(name for stem in stems for name in files_of(stem))],
    )


def write_sections(
    candidates: pd.DataFrame,
    judged: pd.DataFrame,
    left: pd.DataFrame,
    figures: Mapping[str, Sequence[tuple[str, Figure]]],
    folder: Path,
) -> None:
    """Write the sections of the report: the calls, the evidence, and the figures."""
    stems = {name: [stem for stem, _ in drawn] for name, drawn in figures.items()}
    order = candidates.call.map(ORDER.index).sort_values(kind="stable").index
    table = candidates.loc[order][:SHOWN]
    table = table.assign(name=table.line + " " + table.condition).set_index("name")[COLUMNS]
    sentence = sentence_of(candidates)
    if len(candidates) > SHOWN:
        sentence += f" Shown here are the first {SHOWN} of {len(candidates)}."
    write_section(
        folder / "mmc_candidates_mqc.json",
        "Which lines are candidates for mitomycin C",
        sentence,
        "table" if len(table) else "html",
        rows_of(table.replace("", None)) if len(table) else "<p>There is no evidence on any line.</p>",
        settings={"id": "mmc_candidates_table", "col1_header": "line and condition"},
        table="candidates.tsv",
        statuses=candidates.status,
        links=["candidates.tsv", "evidence.tsv", "leave_one_out.tsv"],
        dois=DOIS,
        findings=findings_of(candidates),
    )
    write_matrix(judged, candidates, stems["evidence_matrix"], folder)
    says = {
        "evidence_matrix": "Evidence by line and condition, with the call",
        "quadrants": "NRF2 points by function of NQO1, with the measured MMC shift",
    }
    kept: list[str] = []
    for name, drawn in figures.items():
        for _, figure in drawn:
            picture = embedded(figure, says[name])
            if sum(map(len, kept)) + len(picture) <= EMBEDDED:
                kept.append(picture)
    total = sum(map(len, figures.values()))
    words = (
        "The evidence matrix, and NRF2 points by function of NQO1: a candidate has both. Colours are the "
        f"measured MMC shift, which is never evidence. {ONLY}"
    )
    if len(kept) < total:
        words += f" {len(kept)} of {total} pages are shown here, all are linked."
    decisive = left[(left.kind == "evidence") & (left.decisive == "yes")]
    alone = decisive.drop_duplicates(["line", "condition"])
    if len(left):
        stable = len(candidates) - len(alone)
        words += f" {stable} of {len(candidates)} calls hold without any single piece of evidence."
    write_section(
        folder / "mmc_candidates_figures_mqc.json",
        "Matrix and quadrants",
        words,
        "html",
        "".join(kept) or "<p>There is nothing to draw.</p>",
        links=[name for its in stems.values() for stem in its for name in files_of(stem)],
    )
