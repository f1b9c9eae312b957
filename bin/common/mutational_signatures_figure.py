"""The figure of mutational signatures: shares of tumours and of cohorts. It shows tables as given."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from common.figures import COLOURS, QUIET, new_figure, save_figure, shortened, styled

STEM = "mutational_signatures.shares"
FACETS = 4  # cohorts whose tumours are drawn
THERAPY = ("#D55E00", "#F4A56B", "#8C3E00", "#FAD2B4")
PALETTE = (
    *("#0072B2", "#009E73", "#E69F00", "#56B4E9", "#7FBF9F", "#8C6BB1", "#F0E442", "#9A8C6B", "#B7D3E8"),
    *("#C9B458", "#5E5E5E", "#CBB8DC", "#B0B0B0", "#4E7F6A", "#7A4B3A", "#CC79A7", "#3F4E8C", "#E8C4D8"),
)
OTHERS = "others"
COLUMNS = ["panel", "cohort", "sample", "method", "signature", "share", "ci_low", "ci_high"]


def colours_of(pooled: pd.DataFrame, therapy: Sequence[str]) -> dict[str, str]:
    """Give signatures colours, in the order of their pooled shares; those of therapy are red.

    Where there are more signatures than colours, those with the smallest shares are OTHERS.
    """
    mean = pooled[pooled.method == "nnls"].groupby("signature", sort=False).share.mean()
    order = [name for name in mean.sort_values(ascending=False, kind="stable").index if name not in therapy]
    ours = [name for name in therapy if name in mean.index]
    colours = dict(zip(order, PALETTE, strict=False)) | dict(zip(ours, THERAPY, strict=False))
    return colours | ({OTHERS: "#EDEDED"} if len(colours) < len(mean) else {})


def shares_of(rows: pd.DataFrame, order: Sequence[str]) -> pd.DataFrame:
    """Put shares into a table of tumours, in the order of the rows, and signatures."""
    wide = rows.pivot_table(index="sample", columns="signature", values="share", sort=False)
    return wide.reindex(index=rows["sample"].unique(), columns=list(order))


def drawn_tables(tables: Mapping[str, pd.DataFrame], order: Sequence[str]) -> pd.DataFrame:
    """List what is drawn: the tumours' shares, sorted; the cohorts', with intervals; the detection limits."""
    exposures, parts = tables["exposures"], []
    own = exposures[(exposures.method == "nnls") & (exposures.status == "ok")]
    own = own.assign(signature=own.signature.where(own.signature.isin(order), OTHERS))
    keys = ["cohort", "method", "sample", "signature"]
    own = own.groupby(keys, sort=False, as_index=False)[["share"]].sum()
    for _, group in own.groupby("cohort", sort=False):
        wide = shares_of(group, order)
        main = wide.to_numpy().argmax(axis=1)
        ranked = np.lexsort((-wide.to_numpy().max(axis=1), main))
        place = dict(zip(wide.index[ranked], range(len(wide)), strict=True))
        group = group.assign(place=group["sample"].map(place), panel="tumours")
        rank = group.signature.map({name: number for number, name in enumerate(order)})
        parts.append(group.assign(rank=rank).sort_values(["place", "rank"], kind="stable"))
    pooled = tables["pooled"]
    keep = (pooled.status == "ok") & pooled.signature.isin(list(order))
    parts.append(pooled[keep].assign(panel="cohorts"))
    limits = tables["detection"]
    limits = limits[limits.detection_limit.notna() & limits.signatures.isin(list(order))]
    limits = limits.rename(columns={"signatures": "signature"}).drop(columns=["share", "ci_low", "ci_high"])
    parts.append(limits.assign(panel="detection_limit", share=limits.detection_limit))
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True).reindex(columns=COLUMNS) if filled else pooled[:0]


def draw_tumours(panel: Axes, rows: pd.DataFrame, colours: Mapping[str, str], title: str) -> None:
    """Stack the shares of a cohort's tumours, a column a tumour."""
    wide = shares_of(rows, list(colours))
    heights = 100 * wide.to_numpy().cumsum(axis=1)
    edges = np.arange(len(wide) + 1)
    below = np.zeros(len(wide) + 1)
    for name, height in zip(colours, heights.T, strict=True):
        top = np.append(height, height[-1])
        panel.fill_between(edges, below, top, step="post", color=colours[name], lw=0, aa=False)
        below = top
    panel.set(xlim=(0, len(wide)), ylim=(0, 100), xticks=[], ylabel="share (%)")
    panel.set_title(title, fontsize=8)


def draw_cohorts(panel: Axes, rows: pd.DataFrame, colours: Mapping[str, str], therapy: Sequence[str]) -> None:
    """Draw pooled shares with intervals, a group of points a signature."""
    cohorts = list(dict.fromkeys(rows.cohort))
    names = [name for name in colours if name != OTHERS]
    width, places = 0.8 / len(cohorts), np.arange(len(names))
    for number, cohort in enumerate(cohorts):
        own = rows[rows.cohort == cohort]
        x, colour = places + (number - (len(cohorts) - 1) / 2) * width, COLOURS[number % len(COLOURS)]
        shares = own[own.panel == "cohorts"]
        parts = [shares[shares.method == method] for method in ("nnls", "deconstructsigs")]
        least, greedy = (part.set_index("signature").reindex(names) for part in parts)
        limits = own[own.panel == "detection_limit"].set_index("signature").share.reindex(names)
        panel.vlines(x, 100 * least.ci_low, 100 * least.ci_high, color=colour, lw=1.2)
        panel.scatter(x, 100 * least.share, 12, colour, zorder=3, label=shortened(cohort, 32))
        panel.scatter(x, 100 * greedy.share, 26, colour, marker="_", lw=1.1, zorder=3)
        beside = {"facecolors": "none", "edgecolors": colour, "marker": "v", "lw": 0.8, "zorder": 4}
        panel.scatter(x + width / 4, 100 * limits, 14, **beside)
    for marker, fill, label in (
        ("o", QUIET, "least squares, with interval"),
        ("_", QUIET, "deconstructSigs"),
        ("v", "none", "detection limit"),
    ):
        look = {"markerfacecolor": fill, "markeredgecolor": QUIET, "markersize": 4}
        panel.plot([], [], marker, label=label, **look)
    panel.set(xlim=(-0.6, len(names) - 0.4), ylabel="share of the cohort's\nmutations (%)")
    panel.set_ylim(-1.5, 130 * rows[["share", "ci_high"]][rows.panel != "tumours"].max(axis=None))
    panel.axhline(0, color=QUIET, lw=0.5)
    panel.set_xticks(
        range(len(names)),
        names,
        rotation=45 if len(names) > 9 else 0,
        ha="right" if len(names) > 9 else "center",
    )
    for label in panel.get_xticklabels():
        if label.get_text() in therapy:
            label.set(color=THERAPY[0], fontweight="bold")
    panel.grid(axis="y")
    panel.legend(loc="upper right", ncols=2)


@styled
def draw(
    drawn: pd.DataFrame, totals: Mapping[str, int], colours: Mapping[str, str], therapy: Sequence[str]
) -> Figure:
    """Draw the tumours of each cohort, one below the other, and the cohorts below."""
    tumours = drawn[drawn.panel == "tumours"]
    facets = list(dict.fromkeys(tumours.cohort))[:FACETS]
    ratios = [1.0] * len(facets) + [1.7]
    hidden = [
        f"{shortened(cohort, 30)} (none of {total:,} tumours)"
        for cohort, total in totals.items()
        if cohort not in set(tumours.cohort)
    ]
    figure, axes = new_figure(180, 34 * len(facets) + 66, len(ratios), height_ratios=ratios)
    for panel, cohort in zip(axes[:, 0], facets, strict=False):
        own = tumours[tumours.cohort == cohort]
        fitted, total = own["sample"].nunique(), totals[cohort]
        few = f" (not shown: {total - fitted:,} with few mutations)" if total > fitted else ""
        draw_tumours(panel, own, colours, f"{shortened(cohort, 32)}: {fitted:,} tumours{few}")
    if facets:
        handles = [Patch(color=colour, label=name) for name, colour in colours.items()]
        figure.legend(
            handles=handles, loc="outside right upper", handlelength=1, handleheight=1, borderaxespad=0.3
        )
    draw_cohorts(axes[-1, 0], drawn, colours, therapy)
    axes[-1, 0].set_title("Cohorts, pooled", fontsize=8)
    if hidden:
        said = f"Too few mutations for shares of single tumours: {', '.join(hidden)}."
        figure.supxlabel(textwrap.fill(said, 120), x=0.01, ha="left", fontsize=6.5, color=QUIET)
    return figure


def write_figure(tables: Mapping[str, pd.DataFrame], therapy: Sequence[str], results: Path) -> list[str]:
    """Write the figure, if there is a share to draw; returns its stem."""
    pooled, fits = tables["pooled"], tables["fits"]
    known = pooled[(pooled.status == "ok") & (pooled.method == "nnls")]
    if known.empty:
        return []
    colours = colours_of(known, therapy)
    drawn = drawn_tables(tables, list(colours))
    totals = fits[fits["sample"].notna() & (fits.method == "nnls")].groupby("cohort").size()
    shown = drawn[
        (drawn.panel != "tumours")
        | drawn.cohort.isin(list(dict.fromkeys(drawn.cohort[drawn.panel == "tumours"]))[:FACETS])
    ]
    save_figure(draw(shown, totals.to_dict(), colours, therapy), shown, results / STEM)
    return [STEM]
