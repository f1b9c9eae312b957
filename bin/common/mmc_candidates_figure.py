"""Figures of mmc_candidates: they show tables as given and compute nothing."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from common.figures import DIVERGING, PALE, QUIET, ROLES, new_figure, shortened, styled
from common.labels import text_width
from common.mmc_candidates_tables import CALLS

DARK, POSITIVE = "#333333", "#00583F"  # green; white text on it can be read, and it is dark in grey too
PAGE = 40  # lines and conditions in a figure
CELL, TALL, GAP = 9.3, 6.2, 1.6  # mm
RIGHT = 27  # mm: the call


class Column(NamedTuple):
    """A column of the matrix: what it belongs to, its heading, and the evidence that it shows."""

    about: str
    heading: str
    evidence: tuple[str, ...]


MATRIX = (
    Column("NRF2 active?", "target\ngenes\nlog2", ("nrf2_target_score", "nrf2_target_change")),
    Column("NRF2 active?", "ARE\nreporter\nratio", ("are_reporter",)),
    Column("NRF2 active?", "NRF2\nprotein\nratio", ("nrf2_protein", "ihc_score")),
    Column("NRF2 active?", "NFE2L2\ngene", ("nfe2l2_variant", "nfe2l2_exon2_skipping")),
    Column("NRF2 active?", "KEAP1\ngene", ("keap1_variant",)),
    Column("NRF2 active?", "CUL3\ngene", ("cul3_variant",)),
    Column("NQO1 functional?", "activity\nnmol/\nmin/mg", ("nqo1_activity",)),
    Column("NQO1 functional?", "protein\nratio", ("nqo1_protein",)),
    Column("NQO1 functional?", "alleles", ("nqo1_allele", "nqo1_coverage")),
    Column("NQO1 functional?", "mRNA\nTPM", ("nqo1_expression",)),
    Column("NQO1 functional?", "exon 4\nskipped", ("nqo1_exon4_skipping",)),
    Column("IC50 (check)", "MMC\nratio", ("mmc_shift",)),
    Column("IC50 (check)", "cis-\nplatin\nratio", ("cisplatin_shift",)),
)
VERDICTS = ("positive", "negative", "neutral", "context", "not_measured")
LOOKS = {  # fill, edge, text
    "positive": (POSITIVE, POSITIVE, "white"),
    "negative": ("white", DARK, DARK),
    "neutral": (PALE, PALE, DARK),
    "context": ("none", "none", DARK),
}
KEYS = {
    "positive": "speaks for it",
    "negative": "speaks against it",
    "neutral": "measured, between or without weight",
    "not_measured": "not measured",
}


# ---- evidence matrix


def text_of(row: tuple) -> str:
    """Write what a cell has room for."""
    value, kind = row.value, row.evidence
    if kind.endswith(("_variant", "_allele")):
        if row.call in ("absent", "ref"):
            return "none"
        name = row.label if isinstance(row.label, str) else row.item
        # A frameshift is named by its first residue, a long name is cut: the table has it whole.
        name = re.sub(r"(?<=\d)[A-Z]?fs.*", "fs", str(name))
        return shortened(name, 8) + (f"\n{row.call}" if row.call in ("het", "hom") else "")
    if kind == "nqo1_coverage":
        return {"two_intact": "intact"}.get(row.call, "")
    if not np.isfinite(value):
        return row.call if isinstance(row.call, str) else ""
    if kind == "ihc_score":
        return f"IHC\n{value:.0f}"
    if kind.endswith("_shift"):
        return f"{2**value:.2g}"
    if kind.endswith("_skipping"):
        return f"{value:.0%}"
    if kind.startswith("nrf2_target"):
        return f"{round(value, 1) + 0:+.1f}"
    if value >= 9_950:
        return f"{value / 1000:.0f}k"
    return f"{value:.2g}" if value < 99.5 else f"{value:.0f}"


def cell_of(rows: pd.DataFrame) -> tuple[str, str]:
    """Return verdict and text of a cell: of several pieces the strongest one, and how many more."""
    measured = rows[rows.verdict != "not_measured"]
    if measured.empty:
        return "not_measured", ""
    strength = measured.verdict.map(VERDICTS.index) - 10 * (measured.counted == "yes")
    order = measured.iloc[np.argsort(strength.to_numpy(), kind="stable")]
    first = next(order.itertuples())
    like = order[(order.evidence == first.evidence) & ~order.call.isin(["ref", "absent"])]
    text = text_of(first)
    if first.evidence.endswith(("_variant", "_allele")) and len(like) > 1 and text != "none":
        text += f" +{len(like) - 1}"
    return first.verdict, text


def matrix_of(candidates: pd.DataFrame, judged: pd.DataFrame) -> pd.DataFrame:
    """List the cells of the matrix, and the calls."""
    rows = []
    groups = dict(iter(judged.groupby(["line", "condition"], sort=False)))
    for each in candidates.itertuples():
        own = groups[each.line, each.condition]
        place = {"line": each.line, "condition": each.condition, "role": each.role}
        for column in MATRIX:
            verdict, text = cell_of(own[own.evidence.isin(column.evidence)])
            name = column.heading.replace("-\n", "").replace("/\n", "/").replace("\n", " ")
            rows.append(place | {"about": column.about, "evidence": name, "verdict": verdict, "text": text})
        rows.append(
            place | {"about": "call", "evidence": "call", "verdict": each.call, "text": CALLS[each.call]}
        )
    return pd.DataFrame(rows, columns=["line", "condition", "role", "about", "evidence", "verdict", "text"])


def draw_call(panel: Axes, x: float, y: float, call: str) -> None:
    """Draw the call of a row: filled, outlined or dashed."""
    look = {
        "candidate": {"fc": POSITIVE, "ec": POSITIVE},
        "not_candidate": {"fc": "white", "ec": DARK},
        "insufficient_data": {"fc": "white", "ec": QUIET, "ls": (0, (2, 2))},
    }[call]
    panel.add_patch(Rectangle((x, y - TALL / 2 + 0.5), RIGHT - 2, TALL - 1, lw=0.7, **look))
    bold = "bold" if call == "candidate" else "normal"
    colour = "white" if call == "candidate" else DARK
    panel.text(
        x + RIGHT / 2 - 1,
        y,
        CALLS[call],
        ha="center",
        va="center_baseline",
        size=6,
        weight=bold,
        color=colour,
    )


def draw_cell(panel: Axes, x: float, y: float, verdict: str, text: str) -> None:
    """Draw a cell: filled, outlined, pale, or a dash where nothing was measured."""
    if verdict == "not_measured":
        panel.text(x + CELL / 2, y, "\u2013", ha="center", va="center", size=6, color=QUIET)
        return
    fill, edge, colour = LOOKS[verdict]
    panel.add_patch(Rectangle((x + 0.4, y - TALL / 2 + 0.5), CELL - 0.8, TALL - 1, fc=fill, ec=edge, lw=0.7))
    wide = max(text_width(line, 1) for line in text.split("\n")) if text else 0
    size = min(5.6, (CELL - 1.6) / wide) if wide else 5.6
    panel.text(x + CELL / 2, y, text, ha="center", va="center", size=size, color=colour, linespacing=0.95)


@styled
def draw_matrix(drawn: pd.DataFrame) -> Figure:
    """Draw lines and conditions by evidence, with the call at the right."""
    rows = drawn.drop_duplicates(["line", "condition"])
    names = [(shortened(row.line, 16), shortened(row.condition, 14)) for row in rows.itertuples()]
    left = 5 + max(text_width(line, 6.5, "bold") + text_width(condition, 6.5) for line, condition in names)
    x, at = [], left
    for before, column in zip((None, *MATRIX), MATRIX, strict=False):
        at += GAP if before and before.about != column.about else 0
        x.append(at)
        at += CELL
    call_x = at + GAP
    width, head = call_x + RIGHT, 17
    changes = (rows.line != rows.line.shift()).cumsum().to_numpy() - 1
    y = head + TALL / 2 + np.arange(len(rows)) * TALL + 1.2 * changes
    height = y[-1] + TALL / 2 + 8
    figure, [[panel]] = new_figure(width, height)
    figure.set_layout_engine("none")
    panel.set_position([0, 0, 1, 1])
    panel.set(xlim=(0, width), ylim=(height, 0))
    panel.axis("off")
    for about in dict.fromkeys(column.about for column in MATRIX):
        its = [place for place, column in zip(x, MATRIX, strict=True) if column.about == about]
        panel.text((its[0] + its[-1] + CELL) / 2, 3, about, ha="center", va="center", size=7, weight="bold")
        panel.plot([its[0] + 0.4, its[-1] + CELL - 0.4], [5.2, 5.2], color=DARK, lw=0.6)
    panel.text(call_x + RIGHT / 2 - 1, 3, "Candidate?", ha="center", va="center", size=7, weight="bold")
    panel.plot([call_x, call_x + RIGHT - 2], [5.2, 5.2], color=DARK, lw=0.6)
    for place, column in zip(x, MATRIX, strict=True):
        panel.text(place + CELL / 2, head - 1, column.heading, ha="center", va="bottom", size=5.6, color=DARK)
    cells = dict(iter(drawn.groupby(["line", "condition"], sort=False)))
    for place, row, (line, condition) in zip(y, rows.itertuples(), names, strict=True):
        panel.text(2, place, line, va="center_baseline", size=6.5, weight="bold")
        panel.text(
            left - 1.5, place, condition, ha="right", va="center_baseline", size=6.5, color=ROLES[row.role]
        )
        *shown, call = cells[row.line, row.condition].itertuples()
        for cell_x, cell in zip(x, shown, strict=True):
            draw_cell(panel, cell_x, place, cell.verdict, cell.text)
        draw_call(panel, call_x, place, call.verdict)
    key_x, key_y = 2.0, height - 3.2
    for verdict, words in KEYS.items():
        if verdict == "not_measured":
            panel.text(key_x + 1.5, key_y, "\u2013", ha="center", va="center", size=6, color=QUIET)
        else:
            fill, edge, _ = LOOKS[verdict]
            panel.add_patch(Rectangle((key_x, key_y - 1.3), 3, 2.6, fc=fill, ec=edge, lw=0.7))
        panel.text(key_x + 4, key_y, words, va="center_baseline", size=6, color=DARK)
        key_x += 9 + text_width(words, 6)
    panel.text(width - 2, key_y, "Research use only", ha="right", va="center_baseline", size=6, color=QUIET)
    return figure


# ---- quadrants

BANDS = {
    "yes": "NQO1\nworks",
    "reduced": "reduced",
    "insufficient_data": "not\nknown",
    "no": "NQO1\ndoes not\nwork",
}
MARKERS = {"reference": "o", "target": "s", "other": "D"}


def quadrants_of(candidates: pd.DataFrame, judged: pd.DataFrame) -> pd.DataFrame:
    """List what the quadrants draw: by function of NQO1, the most active NRF2 first."""
    shifts = judged[(judged.evidence == "mmc_shift") & (judged.status == "ok")]
    shifts = shifts.drop_duplicates(["line", "condition"])[["line", "condition", "value", "low", "high"]]
    names = {"value": "mmc_log2_shift", "low": "mmc_log2_shift_low", "high": "mmc_log2_shift_high"}
    drawn = candidates.merge(shifts.rename(columns=names), on=["line", "condition"], how="left")
    order = pd.DataFrame({"band": drawn.nqo1_functional.map(list(BANDS).index), "points": -drawn.nrf2_points})
    drawn = drawn.loc[order.sort_values(["band", "points"], kind="stable").index].reset_index(drop=True)
    columns = ["line", "condition", "role", "nrf2_points", "nrf2_active", "nqo1_functional", "call"]
    return drawn[[*columns, *names.values()]]


@styled
def draw_quadrants(drawn: pd.DataFrame, limits: Sequence[float]) -> Figure:
    """Draw NRF2 points by function of NQO1, and the MMC shift beside them; `limits`: no_to and yes_from."""
    bands = [band for band in BANDS if (drawn.nqo1_functional == band).any()]
    bands = [band for band in BANDS if band in bands or band in ("yes", "no")]
    edges, y, at = [0.0], {}, 0.4
    for band in bands:
        its = drawn.index[drawn.nqo1_functional == band]
        y |= {row: at + 1 + place for place, row in enumerate(its)}
        at += max(len(its), 2) + 1
        edges.append(at)
    height = 20 + 4.3 * at
    figure, [[left, right]] = new_figure(180, height, 1, 2, sharey=True, width_ratios=[1.25, 1])
    low, high = min(-4.5, drawn.nrf2_points.min() - 0.5), max(6.0, drawn.nrf2_points.max() + 0.5)
    centres = [(top + below) / 2 for top, below in pairwise(edges)]
    left.set_yticks(centres, [BANDS[band] for band in bands], size=7, weight="bold", color=DARK)
    figure.get_layout_engine().set(wspace=0.06)
    for panel in (left, right):
        for edge in edges[1:-1]:
            panel.axhline(edge, color=QUIET, lw=0.6)
        panel.spines["left"].set_visible(False)
        panel.tick_params(axis="y", length=0)
    for limit in limits:
        left.axvline(limit, color=QUIET, lw=0.6, ls=(0, (4, 3)), zorder=0)
    corner = Rectangle((limits[1], edges[0]), high - limits[1], edges[1], fc="#E5F2EC", ec="none", zorder=-1)
    left.add_patch(corner)
    left.set_title("NRF2 points; filled by the MMC shift")
    right.set_title("MMC IC50 against the parental line")
    shifts = drawn[["mmc_log2_shift", "mmc_log2_shift_low", "mmc_log2_shift_high"]].to_numpy(float)
    most = max(1.0, float(np.nanmax(np.abs(shifts), initial=1.0)))
    norm, colours = TwoSlopeNorm(0, -most, most), colormaps[DIVERGING]
    for row, shift in zip(drawn.itertuples(), shifts, strict=True):
        place, known = y[row.Index], np.isfinite(shift[0])
        look = {"marker": MARKERS[row.role], "ms": 5.5, "mew": 0.8, "mec": DARK, "ls": "none"}
        look |= {"mfc": colours(norm(shift[0]))} if known else {"mfc": "white", "mec": QUIET, "ms": 4}
        left.plot(row.nrf2_points, place, zorder=3, **look)
        name = f"{shortened(row.line, 18)} {shortened(row.condition, 14)}"
        bold = "bold" if row.call == "candidate" else "normal"
        ends = row.nrf2_points > (low + high) / 2
        left.annotate(
            name, (row.nrf2_points, place), (-6 if ends else 6, 0), textcoords="offset points", size=6,
            ha="right" if ends else "left", va="center_baseline", color=ROLES[row.role], weight=bold,
            bbox={"fc": "white", "ec": "none", "pad": 0.4, "alpha": 0.85},
        )  # fmt: skip
        if known:
            if np.isfinite(shift[1:]).all():
                right.plot(shift[1:], [place, place], color=DARK, lw=0.9)
            right.plot(shift[0], place, zorder=3, **look)
        elif row.role != "reference":
            right.annotate(
                "not measured", (0, place), (4, 0), textcoords="offset points", size=5.5, color=QUIET,
                va="center_baseline",
            )  # fmt: skip
    left.set(
        xlim=(low, high),
        ylim=(at, 0),
        xlabel=f"NRF2 points (from {limits[1]:g} active, up to {limits[0]:g} not)",
    )
    right.axvline(0, color=QUIET, lw=0.6)
    for panel, ends in ((left, (low, high)), (right, (-1.1 * most, 1.1 * most))):
        panel.set_xticks([tick for tick in MaxNLocator(6).tick_values(*ends) if ends[0] <= tick <= ends[1]])
    right.set(xlim=(-1.1 * most, 1.1 * most), xlabel="log2 fold change (below 0: more sensitive)")
    left.text(
        high - 0.01 * (high - low),
        0.15,
        "candidates",
        size=7,
        weight="bold",
        color=POSITIVE,
        ha="right",
        va="top",
    )
    return figure
