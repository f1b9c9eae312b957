"""Figures and report sections of gene set enrichment: they show tables as given and compute nothing."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from common.figures import COLOURS, DIVERGING, PALE, QUIET, ROLES, new_figure, shortened, styled
from common.gene_sets import readable
from common.multiqc import listed, write_section

DOIS = ["10.1073/pnas.0506580102", "10.2202/1544-6115.1585"]
SHOWN = 12  # contrasts whose running sums the report holds
CORNERS = 60  # of each running sum there
COMMON_SHOWN = 30
TOP = 10
PANELS = 12
OVER_ALL = "all"  # what the contrast over all lines is called by
NAMED = 5  # highlighted sets in a finding
DIRECTIONS = {
    "up": {"name": "higher in the target condition", "color": ROLES["target"]},
    "down": {"name": "lower in the target condition", "color": ROLES["reference"]},
}
METRICS = {
    "stat": "Wald statistic",
    "log2_fold_change": "log2 fold change",
    "log2_fold_change_shrunk": "shrunken log2 fold change",
    "signal_to_noise": "signal to noise",
    "blocked_signal_to_noise": "signal to noise within blocks",
}


def q_text(q_value: float) -> str:
    """Write a false discovery rate as it can be known."""
    return "q < 0.001" if q_value < 0.001 else f"q {q_value:.2g}"


@styled
def draw_top_sets(top: pd.DataFrame, contrast: str, q_value_max: float) -> Figure:
    """Draw a bar a set of `top_sets`; pale where not significant, highlighted sets bold."""
    figure, [[panel]] = new_figure(180, 27 + 5.2 * len(top))
    colours = np.where(top.nes > 0, ROLES["target"], ROLES["reference"])
    colours = np.where(top.significant == "yes", colours, PALE)
    panel.barh(range(len(top)), top.nes, color=colours, height=0.7)
    panel.set_ylim(len(top) - 0.4, -0.6)
    labels = [
        ("◆ " if row.highlighted == "yes" else "") + readable(row.gene_set, 62) for row in top.itertuples()
    ]
    panel.set_yticks(range(len(top)), labels)
    for text, row in zip(panel.get_yticklabels(), top.itertuples(), strict=True):
        text.set(color="black", fontweight="bold" if row.highlighted == "yes" else "normal")
    panel.tick_params(axis="y", length=0)
    for place, row in enumerate(top.itertuples()):
        side = "left" if row.nes > 0 else "right"
        panel.annotate(
            q_text(row.q_value), (row.nes, place), (3 if row.nes > 0 else -3, 0), textcoords="offset points",
            ha=side, va="center", fontsize=6, color=QUIET,
        )  # fmt: skip
    panel.axvline(0, color=QUIET, lw=0.6)
    panel.spines["left"].set_visible(False)
    panel.margins(x=0.18)
    panel.set_xlabel("normalised enrichment score (NES)")
    figure.suptitle(shortened(contrast, 80), x=0.01, ha="left", fontsize=9, fontweight="bold")
    keys = f"NES above 0: higher in the target condition     pale: q ≥ {q_value_max:g}     ◆ highlighted set"
    figure.supxlabel(keys, fontsize=7, color=QUIET)
    return figure


@styled
def draw_running_sums(
    drawn: pd.DataFrame, sets: pd.DataFrame, contrast: str, metric: str, highlighted: int
) -> Figure:
    """Draw the running sums of `sets`, their hits and the ranking; `drawn` has their corners.

    `highlighted` is how many sets there are to draw: it is said if they are more than PANELS.
    """
    wide = 2 if len(sets) == 4 else min(len(sets), 3)
    deep = -(-len(sets) // wide)
    figure, axes = new_figure(
        60 * wide + (25 if wide == 1 else 0), 8 + 58 * deep, 3 * deep, wide,
        height_ratios=[5, 0.7, 2] * deep, sharex=True,
    )  # fmt: skip
    curve = drawn[drawn.element == "metric"]
    for number in range(wide * deep):
        sums, hits, ranks = axes[3 * (number // wide) : 3 * (number // wide) + 3, number % wide]
        if number >= len(sets):
            for panel in (sums, hits, ranks):
                panel.set_axis_off()
            continue
        row = sets.iloc[number]
        own = drawn[(drawn.collection == row.collection) & (drawn.gene_set == row.gene_set)]
        line, places = own[own.element == "running_sum"], own.place[own.element == "hit"]
        colour = ROLES["target"] if row.nes > 0 else ROLES["reference"]
        sums.axhline(0, color=QUIET, lw=0.6)
        sums.plot(line.place, line.value, color=colour)
        says = row.status.replace("_", " ")
        if row.status != "ok":
            sums.set_yticks([])
        else:
            says = f"NES {row.nes:.2f}\n{q_text(row.q_value)}\n{row['size']} genes"
        sums.text(
            *((0.97, 0.95) if not row.nes < 0 else (0.03, 0.05)), says, transform=sums.transAxes, fontsize=7,
            ha="left" if row.nes < 0 else "right", va="bottom" if row.nes < 0 else "top",
        )  # fmt: skip
        sums.set_title(readable(row.gene_set, 31, 2), fontsize=7)
        hits.vlines(places, 0, 1, color="#333333", lw=0.4, alpha=0.7)
        hits.set_ylim(0, 1)
        hits.set_yticks([])
        hits.spines[["left", "bottom"]].set_visible(False)
        ranks.fill_between(curve.place, curve.value, color=PALE, lw=0)
        ranks.axhline(0, color=QUIET, lw=0.6)
        for panel in (sums, hits):
            panel.xaxis.set_visible(False)
        ranks.tick_params(axis="x", labelbottom=True)
        ranks.set_xlabel("place in the ranking")
        if number % wide == 0:
            sums.set_ylabel("running sum")
            ranks.set_ylabel(textwrap.fill(METRICS[metric], 15), fontsize=7)
    width = int(figure.get_size_inches()[0] * 25.4)
    figure.suptitle(shortened(contrast, width * 4 // 9), x=0.01, ha="left", fontsize=9, fontweight="bold")
    key = "place 1: highest in the target condition"
    key += f"; the first {len(sets)} of {highlighted} highlighted sets" if highlighted > len(sets) else ""
    figure.supxlabel(key, fontsize=7, color=QUIET)
    return figure


def shorter(contrasts: Sequence[str]) -> tuple[dict[str, str], str]:
    """Give contrasts by what tells them apart: {contrast: name}, and what they have in common."""
    ends = {name.rpartition(".")[2] for name in contrasts}
    if len(ends) == 1 and len(contrasts) > 1:
        return {name: name.rpartition(".")[0] or name for name in contrasts}, ends.pop().replace("_", " ")
    return {name: name for name in contrasts}, ""


@styled
def draw_highlighted(drawn: pd.DataFrame) -> Figure:
    """Draw a dot a highlighted set and contrast: its colour the nes, its size the q_value."""
    names, common = shorter(list(drawn.contrast.unique()))
    sets = list(dict.fromkeys(zip(drawn.collection, drawn.gene_set, strict=True)))
    column = {name: place for place, name in enumerate(names)}
    ticks = [shortened(name, 22) for name in names.values()]
    tall = max(map(len, ticks)) * 1.3 if len(names) > 3 else 4
    figure, [[panel]] = new_figure(min(180, 105 + 8 * len(names)), max(48, 26 + 9 * len(sets) + tall))
    x = drawn.contrast.map(column)
    y = pd.Series(
        [sets.index(key) for key in zip(drawn.collection, drawn.gene_set, strict=True)], drawn.index
    )
    ok = drawn.nes.notna()
    sizes = 12 + 45 * np.minimum(-np.log10(np.maximum(drawn.q_value[ok], 1e-3)), 3)
    limit = max([2.5, *drawn.nes[ok].abs()])
    dots = panel.scatter(
        x[ok],
        y[ok],
        s=sizes,
        c=drawn.nes[ok],
        cmap=DIVERGING,
        vmin=-limit,
        vmax=limit,
        edgecolors=QUIET,
        lw=0.4,
    )
    panel.scatter(x[~ok], y[~ok], s=14, marker="x", color=QUIET, lw=0.8)
    panel.set_xticks(range(len(names)), ticks, rotation=90 if len(names) > 3 else 0)
    panel.set_yticks(range(len(sets)), [readable(name, 38, 2) for _, name in sets])
    panel.set_xlim(-0.6, len(names) - 0.4)
    panel.set_ylim(len(sets) - 0.4, -0.6)
    panel.set_xlabel(common)
    panel.tick_params(length=0, labelcolor="black")
    panel.grid(True)
    bar = figure.colorbar(dots, ax=panel, shrink=0.9, aspect=14, pad=0.02)
    bar.set_label("NES", fontsize=7)
    bar.outline.set_visible(False)
    keys = [
        panel.scatter([], [], s=12 + 45 * -np.log10(q), color="none", edgecolors=QUIET, lw=0.6, label=text)
        for q, text in ((1, "q 1"), (0.1, "q 0.1"), (0.01, "q 0.01"), (0.001, "q ≤ 0.001"))
    ]
    keys.append(panel.scatter([], [], s=14, marker="x", color=QUIET, lw=0.8, label="not tested"))
    figure.legend(handles=keys, loc="outside lower center", ncols=5, columnspacing=1.2, handletextpad=0.4)
    return figure


def finding(sets: pd.DataFrame, marked: Sequence[tuple[str, str]], q_value_max: float) -> str:
    """Say in a few words what moved in a contrast: highlighted sets, and the strongest of all."""
    tested = sets[sets.status == "ok"]
    found = tested[tested.q_value < q_value_max]
    if not len(tested):
        return f"no gene set tested ({sets.reason.iloc[0]})" if len(sets) else "no gene set given"
    if not len(found):
        return f"none of {len(tested):,} gene sets at q < {q_value_max:g}"
    shown = [row for row in found.itertuples() if (row.collection, row.gene_set) in marked][:NAMED]
    strongest = found.loc[found.nes.abs().idxmax()]
    if strongest.gene_set not in [row.gene_set for row in shown]:
        shown.append(strongest)
    words = [
        f"{readable(row.gene_set, 70)} {'up' if row.nes > 0 else 'down'} "
        f"(NES {row.nes:.2f}, {q_text(row.q_value)})"
        for row in shown
    ]
    up = int((found.nes > 0).sum())
    return f"{'; '.join(words)}; {up} gene sets up and {len(found) - up} down at q < {q_value_max:g}"


def top_sets(sets: pd.DataFrame, marked: Sequence[tuple[str, str]], q_value_max: float) -> pd.DataFrame:
    """List the TOP sets of the highest and of the lowest nes over all collections, from the top down."""
    tested = sets[sets.status == "ok"].sort_values(["nes", "gene_set"], ascending=[False, True])
    up, down = tested[tested.nes > 0].head(TOP), tested[tested.nes < 0].tail(TOP)
    top = pd.concat([up, down])[["collection", "gene_set", "size", "nes", "q_value"]]
    top["significant"] = np.where(top.q_value < q_value_max, "yes", "no")
    keys = list(zip(top.collection, top.gene_set, strict=True))
    top["highlighted"] = ["yes" if key in marked else "no" for key in keys]
    return top.reset_index(drop=True)


def pick(sets: pd.DataFrame, marked: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Return the rows of the highlighted sets, in their order."""
    rows = sets.set_index(["collection", "gene_set"], drop=False)
    return rows.loc[list(marked)].reset_index(drop=True) if marked else sets.head(0)


def highlighted_scores(
    results: Mapping[str, pd.DataFrame], marked: Sequence[tuple[str, str]]
) -> pd.DataFrame:
    """List the highlighted sets' scores: a row a set and contrast, in the order given."""
    columns = ["contrast", "collection", "gene_set", "nes", "q_value", "status"]
    rows = [
        pick(sets, [each]).assign(contrast=contrast) for each in marked for contrast, sets in results.items()
    ]
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)


def answer(scores: pd.DataFrame, summary: pd.DataFrame, q_value_max: float) -> str:
    """Say in which contrasts the highlighted sets moved, of a line each unless there is none of a line."""
    tested = scores[scores.status == "ok"]
    lines = tested[~tested.contrast.str.startswith(f"{OVER_ALL}.")]
    tested = lines if len(lines) else tested
    if tested.empty:
        sets = summary[["up", "down"]].sum()
        return f"{sets.up} gene sets rise and {sets.down} fall at q < {q_value_max:g} over all contrasts."
    names, _ = shorter(list(dict.fromkeys(tested.contrast)))
    found = tested[tested.q_value < q_value_max].assign(rises=lambda rows: rows.nes > 0)
    parts = []
    for (gene_set, rises), own in found.groupby(["gene_set", "rises"], sort=False):
        ends = list(dict.fromkeys(f"{nes:.2f}" for nes in (own.nes.min(), own.nes.max())))
        where = listed((names[contrast] for contrast in own.contrast), NAMED)
        parts.append(
            f"{readable(gene_set, 60)} {'rises' if rises else 'falls'} in {where} (NES {' to '.join(ends)})"
        )
    if not parts:
        where = listed(names.values(), NAMED)
        return f"None of the highlighted gene sets moves at q < {q_value_max:g} in {where}."
    return f"At q < {q_value_max:g}, {'; '.join(parts)}."


class Enrichment(NamedTuple):
    """What the sections show: tables as they are written, by contrast where there is one for each."""

    sets: Mapping[str, pd.DataFrame]  # with a column collection
    top: Mapping[str, pd.DataFrame]
    sums: Mapping[str, pd.DataFrame]
    summary: pd.DataFrame
    highlighted: pd.DataFrame
    common: pd.DataFrame


def write_sections(
    found: Enrichment, marked: Sequence[tuple[str, str]], notes: str, q_value_max: float, folder: Path
) -> None:
    """Write the sections; `notes` is what the first one says of the method and of sets not found."""
    name = "gene_set_enrichment"
    tested = found.summary.groupby("contrast", sort=False).sets_tested.sum()
    counts = found.summary.groupby("contrast", sort=False)[["up", "down"]].sum()
    write_section(
        folder / f"{name}_mqc.json",
        "Enriched gene sets",
        f"Up to {tested.max():,} gene sets tested in each of {len(tested)} contrasts. {notes}",
        "bargraph",
        counts.to_dict("index"),
        settings={
            "categories": DIRECTIONS,
            "ylab": f"gene sets at q < {q_value_max:g}",
        },
        statuses=found.summary.status,
        links=[
            "summary.tsv",
            *(
                f"{contrast}.{collection}.sets.tsv"
                for contrast, sets in found.sets.items()
                for collection in sets.collection.unique()
            ),
        ],
        dois=DOIS,
        findings={contrast: finding(sets, marked, q_value_max) for contrast, sets in found.sets.items()},
        answers={"changes": [answer(found.highlighted, found.summary, q_value_max)]},
    )
    if len(found.highlighted):
        significant = int((found.highlighted.q_value < q_value_max).sum())
        write_heatmap(
            folder / f"{name}_highlighted_mqc.json",
            "Highlighted gene sets",
            f"Normalised enrichment scores (NES) of {len(marked)} gene sets: {significant} of "
            f"{len(found.highlighted)} are at q < {q_value_max:g}. Empty is not tested.",
            found.highlighted,
            ["highlighted.tsv", "highlighted.svg"],
        )
    if found.sums:
        write_running_sums(folder / f"{name}_running_sums_mqc.json", found.sums)
    if found.top:
        write_top_sets(folder / f"{name}_top_sets_mqc.json", found.top)
    if len(found.common):
        order = list(dict.fromkeys(zip(found.common.collection, found.common.gene_set, strict=True)))
        first = set(order[:COMMON_SHOWN])
        keys = zip(found.common.collection, found.common.gene_set, strict=True)
        write_heatmap(
            folder / f"{name}_common_sets_mqc.json",
            "Gene sets common to several contrasts",
            f"NES of {len(first)} of {len(order)} sets that are enriched in the same direction in several "
            "contrasts, those of the smallest worst q value first.",
            found.common[[key in first for key in keys]],
            ["common_sets.tsv"],
        )


def write_top_sets(path: Path, top: Mapping[str, pd.DataFrame]) -> None:
    """Write a section of bars: the sets of the highest and the lowest nes, a data set a contrast."""
    shown = {}
    for contrast in list(top)[:SHOWN]:
        shown[contrast] = {}
        for row in top[contrast].itertuples():
            key = f"{readable(row.gene_set, 60)}, {q_text(row.q_value)}"
            key = key if key not in shown[contrast] else f"{key}, {row.collection}"
            shown[contrast][key] = {"up" if row.nes > 0 else "down": round(row.nes, 3)}
    write_section(
        path,
        "Top gene sets",
        f"The {TOP} sets of the highest and of the lowest NES over all collections, in {len(shown)} of "
        f"{len(top)} contrasts.",
        "bargraph",
        list(shown.values()),
        settings={
            "categories": [DIRECTIONS] * len(shown),
            "data_labels": list(shown),
            "ylab": "normalised enrichment score (NES)",
        },
        links=[f"{contrast}.top_sets.{suffix}" for contrast in top for suffix in ("svg", "png", "tsv")],
        dois=DOIS[:1],
    )


def write_heatmap(path: Path, title: str, sentence: str, scores: pd.DataFrame, links: Sequence[str]) -> None:
    """Write a section of nes by gene set and contrast, both in order of appearance."""
    scores = scores.drop_duplicates(["collection", "gene_set", "contrast"])
    wide = scores.set_index(["collection", "gene_set", "contrast"]).nes.unstack()  # noqa: PD010
    wide = wide.reindex(columns=scores.contrast.unique())
    wide = wide.loc[list(dict.fromkeys(zip(scores.collection, scores.gene_set, strict=True)))]
    write_section(
        path,
        title,
        sentence,
        "heatmap",
        [[None if np.isnan(nes) else round(nes, 3) for nes in row] for row in wide.to_numpy()],
        settings={
            "xcats": list(wide.columns), "ycats": [readable(name, 70) for _, name in wide.index],
            "xcats_samples": False, "ycats_samples": False, "cluster_rows": False, "cluster_cols": False,
            "xlab": "contrast", "ylab": "gene set", "zlab": "NES", "min": -3, "max": 3,
        },
        statuses=scores.status,
        links=links,
        dois=DOIS[:1],
    )  # fmt: skip


def write_running_sums(path: Path, sums: Mapping[str, pd.DataFrame]) -> None:
    """Write a section of the running sums, thinned to some corners and the extremes."""
    shown = {}
    for contrast in list(sums)[:SHOWN]:
        curves = sums[contrast][sums[contrast].element == "running_sum"]
        shown[contrast] = {}
        for (collection, name), curve in curves.groupby(["collection", "gene_set"], sort=False):
            some = np.linspace(0, len(curve) - 1, CORNERS).astype(int)
            some = np.unique([*some, curve.value.argmax(), curve.value.argmin()])
            values = zip(curve.place.iloc[some], curve.value.iloc[some].round(4), strict=True)
            key = readable(name, 70) if readable(name, 70) not in shown[contrast] else f"{name}, {collection}"
            shown[contrast][key] = {float(place): value for place, value in values}
    names = dict.fromkeys(name for curves in shown.values() for name in curves)
    write_section(
        path,
        "Running sums",
        f"The running sum of each highlighted set down the ranking in {len(shown)} of {len(sums)} contrasts, "
        f"thinned to {CORNERS} corners and the extremes. First is what is highest in the target condition.",
        "linegraph",
        list(shown.values()),
        settings={
            "data_labels": [{"name": contrast, "ylab": "running sum"} for contrast in shown],
            "xlab": "place in the ranking", "ylab": "running sum",
            "colors": {name: COLOURS[at % len(COLOURS)] for at, name in enumerate(names)},
        },
        links=[f"{contrast}.running_sum.{suffix}" for contrast in sums for suffix in ("svg", "png", "tsv")],
        dois=DOIS[:1],
    )  # fmt: skip
