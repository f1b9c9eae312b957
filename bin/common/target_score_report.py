"""Figure and report sections of target_score: they show tables as given and compute nothing."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from common.figures import DIVERGING, QUIET, ROLES, files_of, new_figure, save_figure, shortened, styled
from common.labels import text_width
from common.multiqc import listed, rows_of, write_section

ACTIVE_FROM, INACTIVE_BELOW = 1.0, 0.3  # of nrf2_target_score, as in assets/mmc_rules.yml
DOIS = ["10.1016/j.celrep.2016.08.010", "10.1186/s12885-017-3907-z", "10.1093/nar/gks461"]
STEM = "target_score"
INK = "#333333"
MOST_GROUPS = 60  # that the figure has room for
CELLS = 12_000  # of the section's heatmap
NAMED = 3  # leading genes in words
LISTED = 8  # lines, contrasts in words
NAME = 24  # characters of a line's name
# In mm: the page, the panel of scores, the gap beside it, room for the colour bar and above, a gene's column.
WIDTH, SCORES, GAP, BAR, TOP, MOST_WIDE = 180, 50, 4, 18, 14, 6
UNREPLICATED = {
    "exploratory_additive_dispersion": "exploratory, without replicates",
    "no_replicates": "no replicates, not tested",
}


def signed(number: float) -> str:
    """Write a number with its sign."""
    return f"{number:+.2f}".replace("-", "\u2212")


def q_text(q_value: float) -> str:
    """Write a false discovery rate."""
    return "q < 0.0001" if q_value < 1e-4 else f"q {q_value:.2g}"


def in_order(scores: pd.DataFrame) -> pd.DataFrame:
    """Order groups: lines by their highest score, in each line reference, target, other."""
    highest = scores.groupby("line").score.transform("max").fillna(-np.inf)
    first = scores.groupby("line", sort=False).ngroup()
    role = scores.role.map(list(ROLES).index)
    return scores.iloc[np.lexsort((role, first, -highest))].reset_index(drop=True)


def drawn_of(scores: pd.DataFrame, genes: pd.DataFrame) -> pd.DataFrame:
    """List what the figure draws, from its top: groups with their score, then genes by group.

    Values are above the baseline, or log2 CPM where there is none. Lines beyond those that there is room for
    are left out, those with the lowest scores; genes are ordered by their mean, those not scored last.
    """
    baseline = scores.above_baseline.notna().any()
    groups = in_order(scores[scores.score.notna()])
    last = groups.groupby("line", sort=False).line.transform(lambda line: line.index.max())
    groups = groups[last < MOST_GROUPS]
    names = {"above_baseline" if baseline else "score": "value"}
    groups = groups.rename(columns=names).assign(element="group")
    cells = genes[genes.log2_cpm.notna()].rename(
        columns={"above_baseline" if baseline else "log2_cpm": "value"}
    )
    means = cells.groupby("gene_name").value.transform("mean")
    cells = cells.assign(element="gene", mean=means, late=cells.scored == "no")
    place = {key: at for at, key in enumerate(zip(groups.line, groups.condition, strict=True))}
    cells["place"] = [place.get(key, -1) for key in zip(cells.line, cells.condition, strict=True)]
    cells = cells[cells.place >= 0].sort_values(
        ["late", "mean", "gene_name", "place"], ascending=[True, False, True, True]
    )
    columns = [
        "element",
        "line",
        "condition",
        "role",
        "samples",
        "gene_name",
        "scored",
        "value",
        "low",
        "high",
    ]
    columns.append("interval")
    tables = [table.reindex(columns=columns).astype(object) for table in (groups, cells)]
    return pd.concat(tables).assign(shown="log2 above the baseline" if baseline else "log2 CPM")


def draw_scores(panel: Axes, groups: pd.DataFrame, rows: np.ndarray, baseline: bool) -> None:
    """Draw each group's score with its interval, and the thresholds of the call."""
    if baseline:
        panel.axvline(0, color=QUIET, lw=0.6, zorder=0)
        for value in (INACTIVE_BELOW, ACTIVE_FROM):
            panel.axvline(value, color=QUIET, lw=0.8, ls=(0, (4, 2)), zorder=1)
            panel.annotate(
                f"{value:g}", (value, 1), (0, 2), xycoords=("data", "axes fraction"), color=INK,
                textcoords="offset points", ha="center", va="bottom", fontsize=6.5,
            )  # fmt: skip
    for row, y in zip(groups.itertuples(), rows, strict=True):
        colour = ROLES[row.role]
        if baseline and pd.notna(row.low):
            panel.plot([row.low, row.high], [y, y], color=colour, lw=1, solid_capstyle="butt", clip_on=True)
        panel.plot(row.value, y, "o", ms=4.2, color=colour, mec="white", mew=0.4, zorder=3)
    panel.grid(axis="x")


def reach_of(groups: pd.DataFrame, baseline: bool) -> tuple[float, float]:
    """Choose the ends of the axis of scores: all scores and, up to thrice their range, all intervals."""
    values = groups.value.astype(float)
    low, high = values.min(), values.max()
    if baseline:
        low, high = min(low, 0.0), max(high, 1.2 * ACTIVE_FROM)
        span = high - low
        low = max(min(low, groups.low.astype(float).min(skipna=True)), low - span)
        high = min(max(high, groups.high.astype(float).max(skipna=True)), high + span)
    edge = 0.06 * (high - low) or 0.5
    return low - edge, high + edge


def draw_genes(
    panel: Axes, cells: pd.DataFrame, groups: pd.DataFrame, rows: np.ndarray, baseline: bool
) -> ScalarMappable:
    """Draw a cell a gene and group, genes that are not scored apart; return the colours."""
    names = list(dict.fromkeys(cells.gene_name))
    scored = cells.drop_duplicates("gene_name").scored.to_numpy() == "yes"
    values = cells.value.to_numpy(float).reshape(len(names), len(groups))
    limit = max(float(np.ceil(2 * np.quantile(np.abs(values), 0.95)) / 2), 1.0)
    if baseline:
        colours = ScalarMappable(Normalize(-limit, limit), colormaps[DIVERGING])
    else:
        low, high = values.min(), max(values.max(), values.min() + 1)
        # The lowest is not white, which would look like nothing.
        colours = ScalarMappable(Normalize(low - 0.15 * (high - low), high), colormaps["Greys"])
    lefts = np.arange(len(names)) + 0.6 * ~scored
    corners = np.array([(0, -0.5), (1, -0.5), (1, 0.5), (0, 0.5)])
    places = np.stack(np.meshgrid(lefts, rows, indexing="ij"), axis=-1).reshape(-1, 1, 2)
    panel.add_collection(
        PolyCollection(
            places + corners, facecolors=colours.to_rgba(values.ravel()), edgecolors="white", lw=0.3
        )
    )
    panel.set_xlim(0, lefts[-1] + 1)
    panel.set_xticks(lefts + 0.5, [shortened(name, 12) for name in names], rotation=90, style="italic")
    panel.tick_params(axis="x", length=0, pad=1, labelsize=6, labelcolor=INK)
    if not scored.all():
        left = lefts[scored.sum()]
        panel.annotate(
            "not\nscored", ((left + lefts[-1] + 1) / 2, 1), (0, 2), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="center", va="bottom", fontsize=5.5, color=QUIET,
        )  # fmt: skip
    panel.spines[:].set_visible(False)
    return colours


def caption_of(groups: pd.DataFrame, baseline: bool, confidence: float, left_out: int) -> str:
    """Say what the lines are, and what is not drawn."""
    over = {
        "replicates": "of the mean over replicates (pooled standard deviation)",
        "genes": "over genes (no replicates): how well they agree",
    }
    drawn = [over[each] for each in over if (groups.interval == each).any()]
    words = [f"Lines: {100 * confidence:g} % interval {each}." for each in drawn]
    if baseline:
        words.append(
            f"Dashed: the call's thresholds, low below {INACTIVE_BELOW:g}, active from {ACTIVE_FROM:g}."
        )
    if left_out:
        words.append(f"Not drawn, but in the tables: {left_out} lines with the lowest scores.")
    return " ".join(words)


@styled
def draw(drawn: pd.DataFrame, confidence: float, left_out: int) -> Figure:
    """Draw the scores of all groups, and beside them what each gene has. All places are in mm."""
    groups, cells = drawn[drawn.element == "group"], drawn[drawn.element == "gene"]
    baseline = drawn.shown.iloc[0] != "log2 CPM"
    lines = list(dict.fromkeys(groups.line))
    names = [shortened(line, NAME) for line in lines]
    genes = [shortened(name, 12) for name in dict.fromkeys(cells.gene_name)]
    rows = np.arange(len(groups)) + 0.5 * (pd.factorize(groups.line)[0])  # a gap between lines
    before = 4 + max(text_width(name, 7.5) for name in names)
    across = min(MOST_WIDE * (len(genes) + 0.6), WIDTH - before - SCORES - GAP - BAR)
    width = max(before + SCORES + GAP + across + BAR, 120)
    caption = caption_of(groups, baseline, confidence, left_out)
    letters = int(len(caption) * (width - 8) / max(text_width(caption, 6), width - 8))
    caption = textwrap.fill(caption, max(letters, 1))
    step = 4.4 if len(groups) <= 20 else 3.2 if len(groups) <= 40 else 2.8
    up = step * (rows[-1] + 1.4)
    under = (
        3 + max(12, *(text_width(name, 6) for name in genes)) + 2.8 * (caption.count("\n") + bool(caption))
    )
    height = TOP + up + under

    figure, [[left, right]] = new_figure(width, height, 1, 2, sharey=True)
    figure.set_layout_engine("none")
    place = np.array([width, height, width, height])
    left.set_position(np.array([before, under, SCORES, up]) / place)
    right.set_position(np.array([before + SCORES + GAP, under, across, up]) / place)
    draw_scores(left, groups, rows, baseline)
    left.set_xlim(*reach_of(groups, baseline))
    left.set_ylim(rows[-1] + 0.7, -0.7)
    left.set_yticks([rows[(groups.line == line).to_numpy()].mean() for line in lines], names)
    left.tick_params(axis="y", length=0, labelcolor=INK, labelsize=7.5)
    what = "(log2 above the study's low lines)" if baseline else "(mean log2 CPM)"
    left.set_xlabel(f"NRF2 target score\n{what}")
    colours = draw_genes(right, cells, groups, rows, baseline)
    right.tick_params(axis="y", length=0, labelleft=False)
    tall = min(up, 22)
    bar = figure.add_axes(
        np.array([before + SCORES + GAP + across + 3, under + up - tall, 2.2, tall]) / place
    )
    beyond = "both" if baseline else "neither"  # the largest values have the colour of the end
    label = "log2 above baseline" if baseline else "log2 CPM"
    figure.colorbar(colours, cax=bar, label=label, extend=beyond)
    bar.yaxis.label.set_size(6.5)
    bar.tick_params(labelsize=6, length=2)
    bar.spines[:].set_visible(False)

    order = groups.drop_duplicates("condition")
    order = order.sort_values("role", key=lambda role: role.map(list(ROLES).index), kind="stable")
    look = {"marker": "o", "ls": "none", "ms": 4.2}
    keys = [
        Line2D([], [], color=ROLES[row.role], label=shortened(row.condition, 24), **look)
        for row in order.itertuples()
    ]
    columns = max(1, min(3, int((width - 8) / (8 + max(text_width(key.get_label(), 7) for key in keys)))))
    layout = {"loc": "upper left", "bbox_to_anchor": (0, 1), "ncols": columns, "handlelength": 1}
    figure.legend(handles=keys, borderaxespad=0.4, **layout)
    figure.text(3 / width, 1.5 / height, caption, fontsize=6, color=QUIET, ha="left", va="bottom")
    return figure


def write_figure(results: Path, scores: pd.DataFrame, genes: pd.DataFrame, confidence: float) -> list[str]:
    """Write the figure, where there is something to draw; return the names of its files."""
    if not scores.score.notna().any():
        return []
    drawn = drawn_of(scores, genes)
    lines = drawn.line[drawn.element == "group"].nunique()
    figure = draw(drawn, confidence, scores.line.nunique() - lines)
    save_figure(figure, drawn, results / STEM)
    return files_of(STEM)


# ---- report


def level_text(row: tuple) -> str:
    """Say where a group's score lies: `resistant +1.41`."""
    return f"{row.condition} {signed(row.above_baseline)}"


def change_text(row: tuple, q_value_max: float) -> str:
    """Say how the panel changes: `resistant against parental +1.41 (q < 0.0001), most in TXNRD1`."""
    words = f"{row.target} against {row.reference} {signed(row.mean_log2_fold_change)}"
    said = [q_text(row.q_value)] if row.accepted == "yes" and pd.notna(row.q_value) else []
    if row.status != "ok":
        said.append(UNREPLICATED.get(row.status, row.status.replace("_", " ")))
    words += f" ({', '.join(said)})"
    if row.accepted == "yes" and row.q_value < q_value_max and row.leading_genes:
        words += f", most in {listed(row.leading_genes.split(';')[:NAMED])}"
    return words


def findings_of(scores: pd.DataFrame, changes: pd.DataFrame, q_value_max: float) -> dict[str, str]:
    """Say by line where its conditions lie, and how the panel changes between them."""
    found = {}
    for line, groups in in_order(scores).groupby("line", sort=False):
        known = [level_text(row) for row in groups.itertuples() if pd.notna(row.above_baseline)]
        words = [f"NRF2 targets {', '.join(known)} log2 above the study's low lines"] if known else []
        own = changes[(changes.line == line) & changes.mean_log2_fold_change.notna()]
        words += [change_text(row, q_value_max) for row in own.itertuples()]
        if words:
            found[line] = "; ".join(words)
    return {line: found[line] for line in dict.fromkeys(scores.line) if line in found}


def first_of(words: Sequence[str]) -> str:
    """List words, the first few."""
    more = [f"{len(words) - LISTED} more"] if len(words) > LISTED else []
    return listed([*words[:LISTED], *more])


def named(groups: pd.DataFrame) -> str:
    """List groups with their scores."""
    return first_of([f"{row.line} {level_text(row)}" for row in groups.itertuples()])


def sentence_of(scores: pd.DataFrame, genes: pd.DataFrame) -> str:
    """Say which lines and conditions are high, which low, and what is lacking."""
    count = int(scores.genes.max()) if len(scores) else 0
    parts = [f"Mean log2 CPM of {count} NRF2 target genes in {len(scores)} lines and conditions."]
    if scores.above_baseline.notna().any():
        low = int(np.ceil(len(scores) / 3))
        ordered = scores.sort_values("above_baseline", ascending=False, kind="stable")
        high = ordered[ordered.above_baseline >= ACTIVE_FROM]
        between = ordered[(ordered.above_baseline < ACTIVE_FROM) & (ordered.above_baseline >= INACTIVE_BELOW)]
        parts.append(f"The baseline is the median of the lowest {low}: {scores.baseline.iloc[0]:.3g}.")
        parts.append(
            f"Twice as high as it or more: {named(high)}." if len(high) else "None is twice as high as it."
        )
        parts += [f"Between the thresholds of the call: {named(between)}."] if len(between) else []
        below = int((scores.above_baseline < INACTIVE_BELOW).sum())
        parts.append(f"Low (below {INACTIVE_BELOW:g} log2): {below}.")
    else:
        parts.append(
            f"Nothing is said of their activity: {scores.reason.iloc[0] if len(scores) else 'no samples'}."
        )
    absent = genes[~genes.status.isin(["ok", "not_scored"])].drop_duplicates("gene_name")
    for status, some in absent.groupby("status", sort=False):
        parts.append(f"{status.replace('_', ' ').capitalize()}: {', '.join(some.gene_name)}.")
    if {"AKR1C1", "AKR1C2"} <= set(genes.gene_name[genes.scored == "yes"]):
        parts.append("Reads of AKR1C1 and AKR1C2 are hard to tell apart.")
    return " ".join(parts)


def write_scores(
    path: Path, scores: pd.DataFrame, genes: pd.DataFrame, findings: dict[str, str], links: Sequence[str]
) -> None:
    """Write the section of the scores: bars by line and condition."""
    baseline = scores.above_baseline.notna().any()
    column = "above_baseline" if baseline else "score"
    data: dict[str, dict[str, float]] = {}
    for row in in_order(scores[scores[column].notna()]).itertuples():
        data.setdefault(row.line, {})[row.condition] = round(getattr(row, column), 4)
    roles = scores.drop_duplicates("condition").itertuples()
    write_section(
        path,
        "Scores by line and condition",
        sentence_of(scores, genes),
        "bargraph" if data else "html",
        data or "<p>No gene of the panel is expressed.</p>",
        settings={
            "categories": {row.condition: {"name": row.condition, "color": ROLES[row.role]} for row in roles},
            "stacking": "group",
            "ylab": "log2 above the study's low lines" if baseline else "mean log2 CPM",
        }
        if data
        else {},
        statuses=scores.status,
        links=["scores.tsv", "genes.tsv", "target_score_evidence.tsv", *links],
        dois=DOIS[:2],
        findings=findings,
    )


def write_changes(path: Path, changes: pd.DataFrame, q_value_max: float) -> None:
    """Write the section of the changes: a table of the contrasts."""
    called = changes[(changes.accepted == "yes") & (changes.q_value < q_value_max)]
    up, down = called[called.mean_log2_fold_change > 0], called[called.mean_log2_fold_change < 0]
    tested, plural = int(changes.p_value.notna().sum()), "s" * (len(changes) != 1)
    sentence = (
        f"Mean log2 fold change of the target genes in {len(changes)} contrast{plural}, {tested} of them "
        f"tested against all other expressed genes: {len(up)} up and {len(down)} down at q < {q_value_max:g}."
    )
    sentence += f" Up: {first_of(list(up.contrast))}." if len(up) else ""
    sentence += f" Down: {first_of(list(down.contrast))}." if len(down) else ""
    if unreplicated := int((changes.accepted == "no").sum()):
        sentence += f" Without replicates, ranked and not counted: {unreplicated}."
    columns = [
        "genes",
        "mean_log2_fold_change",
        "low",
        "high",
        "statistic",
        "p_value",
        "q_value",
        "leading_genes",
    ]
    columns += ["status", "reason"]
    table = changes.assign(leading_genes=changes.leading_genes.replace(";", ", ", regex=True))
    table = table.set_index("contrast")[columns].replace("", None)
    write_section(
        path,
        "Change of the NRF2 target genes",
        sentence,
        "table" if len(table) else "html",
        rows_of(table) if len(table) else "<p>There is no contrast.</p>",
        settings={"id": "target_score_changes_table", "col1_header": "contrast"} if len(table) else {},
        table="changes.tsv",
        statuses=changes.status,
        links=["changes.tsv"],
        dois=DOIS[2:],
    )


def write_genes(path: Path, scores: pd.DataFrame, genes: pd.DataFrame, links: Sequence[str]) -> None:
    """Write the section of the genes: a heatmap of genes and groups, as the figure has it."""
    drawn = drawn_of(scores, genes)
    cells = drawn[drawn.element == "gene"]
    names = list(dict.fromkeys(cells.gene_name))
    groups = [f"{row.line} {row.condition}" for row in drawn[drawn.element == "group"].itertuples()]
    shown = names[: CELLS // max(len(groups), 1)]
    values = cells.value.to_numpy(float).reshape(len(names), len(groups))[: len(shown)]
    limit = max(float(np.abs(values).max(initial=0)), 1.0)
    what = drawn.shown.iloc[0] if len(drawn) else ""
    sentence = (
        f"What each target gene has in {len(groups)} lines and conditions, in {what}, genes by their mean."
    )
    if not_scored := [name for name in names if name in set(genes.gene_name[genes.status == "not_scored"])]:
        sentence += f" Shown and not scored: {listed(not_scored)}."
    centred = {"min": -limit, "max": limit} if what != "log2 CPM" else {}
    settings = {
        "xcats": groups,
        "ycats": shown,
        "xcats_samples": False,
        "zlab": what,
        "display_values": False,
    }
    settings |= {"cluster_rows": False, "cluster_cols": False} | centred
    write_section(
        path,
        "NRF2 target genes by line",
        sentence,
        "heatmap" if shown else "html",
        [[round(value, 3) for value in row] for row in values.tolist()]
        if shown
        else "<p>No gene is expressed.</p>",
        settings=settings if shown else {},
        statuses=genes[genes.status != "not_scored"].drop_duplicates("gene_name").status,
        links=["genes.tsv", *links],
        dois=DOIS[:2],
    )


def write_sections(
    results: Path,
    scores: pd.DataFrame,
    genes: pd.DataFrame,
    changes: pd.DataFrame,
    q_value_max: float,
    links: Sequence[str],
) -> None:
    """Write the sections of the report: scores, their changes, and the genes."""
    findings = findings_of(scores, changes, q_value_max)
    write_scores(results / "target_score_mqc.json", scores, genes, findings, links)
    write_changes(results / "target_score_changes_mqc.json", changes, q_value_max)
    write_genes(results / "target_score_genes_mqc.json", scores, genes, links)
