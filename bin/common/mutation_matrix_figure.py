"""Draw spectra of substitutions by context: 96 bars each, in COSMIC's colours."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from common.figures import QUIET, new_figure, save_figure, shortened, styled
from common.signature_tables import CONTEXTS

# COSMIC's and SigProfiler's colours.
CLASSES = {
    "C>A": "#03BCEE",
    "C>G": "#010101",
    "C>T": "#E32926",
    "T>A": "#CAC9C9",
    "T>C": "#A1CE63",
    "T>G": "#EBC6C4",
}
MOST = 8  # spectra
STEM = "cohorts.spectrum"


class Spectrum(Protocol):
    """The mutations of a cohort by context."""

    counts: np.ndarray  # samples x 96


def drawn_of(spectra: Mapping[str, Mapping[str, Spectrum]]) -> pd.DataFrame:
    """Make the rows that the figure draws: 96 a spectrum with mutations, at most MOST spectra."""
    parts = []
    for what, by_cohort in spectra.items():
        for cohort, spectrum in by_cohort.items():
            counts = spectrum.counts.sum(axis=0)
            if counts.sum() and len(parts) < MOST:
                part = {
                    "cohort": cohort,
                    "what": what,
                    "substitution": [context[2:5] for context in CONTEXTS],
                    "context": CONTEXTS,
                    "mutations": counts,
                    "share_percent": 100 * counts / counts.sum(),
                    "tumours": int((spectrum.counts.sum(axis=1) > 0).sum()),
                }
                parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def compared_with_first(similar: pd.DataFrame, cohort: str, what: str, confidence: float) -> str:
    """Say how similar a cohort's spectrum is to the first cohort's."""
    rows = similar[(similar.cohort_2 == cohort) & (similar.what == what)]
    if rows.empty:
        return ""
    row = rows.iloc[0]
    if pd.isna(row.cosine):
        return f"{row.status.replace('_', ' ')} to compare" if row.status == "too_few" else ""
    interval = f"{100 * confidence:g} % interval {row.cosine_low:.2f} to {row.cosine_high:.2f}"
    name = shortened(row.cohort_1, 14)
    return f"cosine with {name} {row.cosine:.2f}, without noise {row.cosine_corrected:.2f} ({interval})"


def several(number: int, word: str) -> str:
    """Write a number of things."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def bars(panel: Axes, rows: pd.DataFrame) -> None:
    """Draw a spectrum."""
    panel.bar(np.arange(96), rows.share_percent, 0.72, color=rows.substitution.map(CLASSES), lw=0)
    panel.set_xlim(-0.7, 95.7)
    panel.set_ylim(0, 1.08 * rows.share_percent.max())
    panel.set_ylabel("share (%)")
    panel.locator_params(axis="y", nbins=4)
    panel.grid(axis="y")
    panel.set_xticks([])


@styled
def draw(drawn: pd.DataFrame, similar: pd.DataFrame, confidence: float) -> Figure:
    """Draw each spectrum in a row, cohorts first, with the classes above and contexts below."""
    groups = list(drawn.groupby(["what", "cohort"], sort=False))
    figure, axes = new_figure(180, 18 + 34 * len(groups), len(groups))
    for panel, ((what, cohort), rows) in zip(axes.flat, groups, strict=True):
        bars(panel, rows)
        first = panel is axes.flat[0]
        name = shortened(cohort, 26) if what == "pooled" else f"{what}, {shortened(cohort, 20)}"
        panel.set_title(name, pad=20 if first else 8)
        says = [several(rows.mutations.sum(), "substitution"), several(rows.tumours.iloc[0], "tumour")]
        says = [", ".join(says)]
        says.append(compared_with_first(similar, cohort, what, confidence))
        look = {"textcoords": "offset points", "va": "bottom", "annotation_clip": False}
        panel.annotate(
            "\n".join(filter(None, says)), (1, 1), (0, 20 if first else 8), xycoords="axes fraction",
            ha="right", size=7, color=QUIET, **look,
        )  # fmt: skip
        for number, (word, colour) in enumerate(CLASSES.items()):
            strip = Rectangle(
                (16 * number - 0.36, 1.02), 15.72, 0.045, color=colour, lw=0,
                transform=panel.get_xaxis_transform(), clip_on=False,
            )  # fmt: skip
            panel.add_patch(strip)
            if first:
                place = (16 * number + 7.5, 1.05)
                panel.annotate(
                    word, place, (0, 4), xycoords=panel.get_xaxis_transform(), ha="center", size=8,
                    weight="bold", **look,
                )  # fmt: skip
    labels = [f"{context[0]}{context[2]}{context[6]}" for context in CONTEXTS]
    bottom = axes.flat[-1]
    bottom.set_xticks(np.arange(96), labels, rotation=90, size=4.4, family="DejaVu Sans Mono")
    bottom.tick_params(axis="x", length=0, pad=1)
    return figure


def write_figure(
    spectra: Mapping[str, Mapping[str, Spectrum]], similar: pd.DataFrame, confidence: float, folder: Path
) -> pd.DataFrame:
    """Write cohorts.spectrum.svg, .png and .tsv if there are mutations; return what they draw."""
    drawn = drawn_of(spectra)
    if len(drawn):
        save_figure(draw(drawn, similar, confidence), drawn, folder / STEM)
    return drawn
