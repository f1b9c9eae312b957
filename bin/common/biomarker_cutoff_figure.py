"""The figure of biomarker_cutoff: ROC, score by recurrence, and pairs, from tables as given."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.figures import COLOURS, PALE, QUIET, embedded, new_figure, save_figure, styled

STEM = "score"
DARK = "#333333"
OUTCOMES = dict(zip(("recurrence-free", "recurrent"), COLOURS, strict=False))  # not those of conditions
DRAWN = [
    *("panel", "element", "patient", "recurrence", "false_positive_rate", "sensitivity", "score"),
    *("recurrent_score", "count", "of", "p_value", "p_corrected"),
]


def in_words(p: float) -> str:
    """Write a p-value: `p = 0.012`, `p < 0.0001`."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"


def drawn_of(sheet: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """List what is drawn: corners of the ROC, the cutoff, patients by recurrence, and pairs."""
    worth = tables["cutoff"].set_index("measure")
    roc, tests = tables["roc"], tables["association"].set_index("comparison")
    scores = sheet[["patient", "recurrence", "recurrent_score"]].assign(score=tables["groups"].score)
    scores["recurrence"] = scores.recurrence.map({1: "recurrent", 0: "recurrence-free"})
    parts = []
    known = roc[roc.youden.notna()]
    if len(known):
        points = known.assign(panel="roc", false_positive_rate=1 - known.specificity, score=known.cutoff)
        parts.append(points.assign(element="curve"))
        parts.append(points[points.chosen == "yes"].assign(element="cutoff"))
    some = scores[scores.score.notna() & scores.recurrence.notna()]
    if len(some):
        parts.append(some.drop(columns="recurrent_score").assign(panel="recurrence", element="patient"))
        medians = some.groupby("recurrence").score.median().reset_index()
        parts.append(medians.assign(panel="recurrence", element="median"))
        test = pd.DataFrame({"p_value": [tests.p_value["score_by_recurrence"]]})
        parts.append(test.assign(panel="recurrence", element="test"))
        groups = tables["association"].query("test == 'chi_squared'")[["p_value", "p_corrected"]]
        parts.append(groups.assign(panel="recurrence", element="cutoff", score=worth.value["cutoff"]))
    pairs = scores[scores.score.notna() & scores.recurrent_score.notna()]
    if len(pairs):
        parts.append(pairs.assign(panel="pairs", element="pair"))
        test = pd.DataFrame({"p_value": [tests.p_value["recurrent_by_initial"]], "of": len(pairs)})
        higher = int((pairs.recurrent_score > pairs.score).sum())
        parts.append(test.assign(panel="pairs", element="test", count=higher))
    rows = [row for part in parts for row in part.reindex(columns=DRAWN).to_dict("records")]
    return pd.DataFrame(rows, columns=DRAWN)


def draw_roc(panel: Axes, own: pd.DataFrame, worth: pd.DataFrame, confidence: float) -> None:
    """Draw the ROC with the cutoff."""
    curve = own[own.element == "curve"].sort_values(["false_positive_rate", "sensitivity"])
    panel.plot([0, 1], [0, 1], color=PALE, lw=0.8, zorder=1)
    panel.plot(curve.false_positive_rate, curve.sensitivity, color=DARK, lw=1.2, zorder=3, clip_on=False)
    auc = worth.loc["auc"]
    lines = [f"AUC {auc.value:.2f}"]
    if pd.notna(auc.ci_low) and auc.status != "perfect_separation":
        lines.append(f"{100 * confidence:g} % CI {auc.ci_low:.2f} to {auc.ci_high:.2f}")
    for row in own[own.element == "cutoff"].itertuples():
        panel.plot(
            [row.false_positive_rate], [row.sensitivity], "o", ms=5, color="#000000", zorder=4, clip_on=False
        )
        right = row.false_positive_rate < 0.45
        x = 7 if right else -7
        panel.annotate(
            f"score > {row.score:g}", (row.false_positive_rate, row.sensitivity), (x, -7),
            textcoords="offset points", ha="left" if right else "right", va="center", fontsize=7,
        )  # fmt: skip
        sensitivity, specificity = worth.loc["sensitivity"], worth.loc["specificity"]
        lines += [
            "",
            f"score > {row.score:g}:",
            f"sensitivity {sensitivity['count']:.0f}/{sensitivity['of']:.0f}",
            f"specificity {specificity['count']:.0f}/{specificity['of']:.0f}",
        ]
    # In the corner that the curve keeps away from.
    x, y, side, end = (0.03, 0.98, "left", "top") if auc.value < 0.5 else (0.98, 0.03, "right", "bottom")
    panel.text(x, y, "\n".join(lines), ha=side, va=end, fontsize=6.5, color=DARK, linespacing=1.3)
    panel.set(xlim=(0, 1), ylim=(0, 1), xlabel="1 - specificity", ylabel="sensitivity")
    panel.set_aspect("equal")
    panel.set_title("ROC for recurrence")


def aside(values: np.ndarray, reach: float) -> np.ndarray:
    """Place points side by side that would cover each other: offsets in units of a point's width."""
    offsets, placed = np.zeros(len(values)), []
    for at in np.argsort(values, kind="stable"):
        taken = {offset for value, offset in placed if values[at] - value < reach}
        step = next(step for step in range(len(values)) if {step, -step} - taken)
        offsets[at] = step if step not in taken else -step
        placed.append((values[at], offsets[at]))
    return offsets


def draw_recurrence(panel: Axes, own: pd.DataFrame, low: float, top: float) -> None:
    """Draw the scores by recurrence, with medians and the cutoff."""
    patients = own[own.element == "patient"]
    for place, (outcome, colour) in enumerate(OUTCOMES.items()):
        its = patients[patients.recurrence == outcome]
        offsets = aside(its.score.to_numpy(), 0.026 * (top - low))
        width = min(0.07, 0.42 / max(np.abs(offsets).max(initial=1), 1))
        look = {"ms": 3.6, "mec": "white", "mew": 0.4, "color": colour, "zorder": 3, "clip_on": False}
        panel.plot(place + width * offsets, its.score, "o", **look)
        for median in own.score[(own.element == "median") & (own.recurrence == outcome)]:
            panel.plot([place - 0.3, place + 0.3], [median, median], color=DARK, lw=1.4, zorder=4)
    counts = patients.recurrence.value_counts()
    names = [f"{name}\n(n = {counts.get(name, 0)})" for name in OUTCOMES]
    panel.set_xticks([0, 1], names)
    panel.set_xlim(-0.6, 1.6)
    said = [f"rank-sum {in_words(p)}" for p in own.p_value[own.element == "test"].dropna()]
    for row in own[(own.element == "cutoff") & own.score.notna()].itertuples():
        panel.axhline(row.score, color=DARK, lw=0.7, ls=(0, (3, 2)), zorder=1)
        panel.annotate(
            f"{row.score:g}", (1, row.score), (2, 0), xycoords=panel.get_yaxis_transform(),
            textcoords="offset points", fontsize=6.5, color=DARK, va="center",
        )  # fmt: skip
        if pd.notna(row.p_value):
            after = f", corrected {row.p_corrected:.2g}" if row.p_corrected >= 0 else ""
            said.append(f"> {row.score:g}: {in_words(row.p_value)}{after}")
    panel.text(0.5, 1, "\n".join(said), ha="center", va="top", fontsize=6.5, transform=panel.transAxes)
    panel.set_ylabel("score of the initial tumour")
    panel.set_title("Score by recurrence")


def draw_pairs(panel: Axes, own: pd.DataFrame, cutoff: float) -> None:
    """Draw a line for each patient from the initial to the recurrent tumour."""
    for row in own[own.element == "pair"].itertuples():
        rises = row.recurrent_score > row.score
        look = {"color": DARK if rises else QUIET, "ls": "-" if rises else (0, (3, 2)), "lw": 0.9}
        panel.plot([0, 1], [row.score, row.recurrent_score], "o", ms=3.6, mec="white", mew=0.4, clip_on=False,
                   zorder=3, color=look["color"])  # fmt: skip
        panel.plot([0, 1], [row.score, row.recurrent_score], zorder=2, **look)
    if pd.notna(cutoff):
        panel.axhline(cutoff, color=DARK, lw=0.7, ls=(0, (3, 2)), zorder=1)
    for row in own[own.element == "test"].itertuples():
        said = f"{row.count:.0f} of {row.of:.0f} higher"
        said += f"\nsigned-rank {in_words(row.p_value)}" if pd.notna(row.p_value) else ""
        panel.text(0.5, 1, said, ha="center", va="top", fontsize=6.5, transform=panel.transAxes)
    panel.set_xticks([0, 1], ["initial\ntumour", "recurrent\ntumour"])
    panel.set_xlim(-0.35, 1.35)
    panel.set_ylabel("score")
    panel.set_title("Same patients")


@styled
def draw(drawn: pd.DataFrame, worth: pd.DataFrame, confidence: float) -> Figure:
    """Draw the panels for which there is something."""
    shown = list(dict.fromkeys(drawn.panel))
    shares = {"roc": 1.05, "recurrence": 1.0, "pairs": 0.75}
    widths = [shares[name] for name in shown]
    figure, axes = new_figure(8 + 61 * sum(widths), 66, 1, len(shown), width_ratios=widths)
    values = drawn[drawn.panel != "roc"][["score", "recurrent_score"]].to_numpy(float)
    values = values[~np.isnan(values)]
    low, top = (values.min(), values.max()) if len(values) else (0, 1)
    span = (top - low) or max(abs(top), 1.0)
    low, top = max(low - 0.06 * span, min(0, low)), top + 0.2 * span
    draws: dict[str, Callable[[Axes, pd.DataFrame], None]] = {
        "roc": lambda panel, own: draw_roc(panel, own, worth, confidence),
        "recurrence": lambda panel, own: draw_recurrence(panel, own, low, top),
        "pairs": lambda panel, own: draw_pairs(panel, own, worth.value["cutoff"]),
    }
    for panel, name in zip(axes[0], shown, strict=True):
        draws[name](panel, drawn[drawn.panel == name])
        panel.tick_params(axis="x", labelcolor=DARK)
        if name != "roc":
            panel.set_ylim(low, top)
            panel.tick_params(axis="x", length=0)
    return figure


def write_figure(
    sheet: pd.DataFrame, tables: Mapping[str, pd.DataFrame], confidence: float, folder: Path
) -> tuple[str, list[str]]:
    """Write score.svg, .png and .tsv if there is something to draw; return it as HTML, and its panels."""
    drawn = drawn_of(sheet, tables)
    if drawn.empty:
        return "", []
    figure = draw(drawn, tables["cutoff"].set_index("measure"), confidence)
    save_figure(figure, drawn, folder / STEM)
    return embedded(figure, "ROC, scores by recurrence, and pairs of tumours"), list(
        dict.fromkeys(drawn.panel)
    )
