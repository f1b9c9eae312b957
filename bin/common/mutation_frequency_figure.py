"""The figure of mutation_frequency: it shows tables as given and computes nothing.

Above, the share of patients with each target gene mutated, by cohort; below, for each protein with enough
mutations, the share of them in each domain beside what was expected.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from common.figures import PALE, QUIET, save_figure, shortened, styled
from common.labels import text_width

STEM = "target_genes.bars"
COLOURS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")  # of cohorts; as many are drawn
SLOTS = 20  # domains side by side
DARK = "#333333"
WIDTH = 180  # mm
WITHIN = ("motif", "combined")  # kinds that are not parts of their own
DRAWN = [
    *(
        "element",
        "gene",
        "cohort",
        "cohort_2",
        "domain",
        "kind",
        "model",
        "variants",
        "mutated",
        "profiled",
        "value",
    ),
    *("low", "high", "q_value", "mark", "status"),
]
MODELS = {  # how what is expected is drawn
    "length": ({"marker": "_", "ms": 9, "mew": 1.3}, "expected by length"),
    "substitutions": ({"marker": "D", "ms": 3.2, "mfc": "white", "mew": 0.8}, "expected by substitutions"),
}


def stars(q_value: float, q_value_max: float, sign: str) -> str:
    """Return a sign where q is low enough, else nothing."""
    return sign if q_value < q_value_max else ""


def shown_genes(domain: pd.DataFrame) -> list[str]:
    """List the genes with enough mutations in one of the cohorts to be tested."""
    tested = domain[domain.p_value.notna() & (domain.variants == "all")]
    return list(dict.fromkeys(tested.gene))


def drawn_of(
    frequency: pd.DataFrame,
    comparison: pd.DataFrame,
    domain: pd.DataFrame,
    between: pd.DataFrame,
    q_value_max: float,
) -> pd.DataFrame:
    """List what is drawn: frequencies, their comparisons, observed and expected shares of domains."""
    cohorts = list(dict.fromkeys(frequency.cohort))[: len(COLOURS)]
    target = frequency[(frequency.family == "target_genes") & frequency.cohort.isin(cohorts)]
    parts = [
        target.assign(element="frequency", value=target.frequency, low=target.ci_low, high=target.ci_high)
    ]
    pairs = comparison[comparison.cohort_1.isin(cohorts) & comparison.cohort_2.isin(cohorts)]
    pairs = pairs[pairs.gene.isin(target.gene)].rename(columns={"cohort_1": "cohort"})
    parts.append(pairs[pairs.q_value.notna()].assign(element="comparison"))
    chosen = domain[
        domain.gene.isin(shown_genes(domain))
        & domain.cohort.isin(cohorts)
        & (domain.variants == "all")
        & (domain.kind != "overall")
    ]
    # Shares of a few mutations would say nothing, in intervals that hide the others.
    tested = chosen[(chosen.model == "length") & (chosen.status == "ok")][["gene", "cohort"]]
    chosen = chosen.reset_index().merge(tested.drop_duplicates()).set_index("index")
    seen = chosen.sort_values("model", key=lambda model: model != "substitutions", kind="stable")
    # Marked by the stricter model where it could be used.
    seen = seen.sort_values("p_value", key=lambda p_value: p_value.isna(), kind="stable")
    seen = seen.drop_duplicates(["gene", "cohort", "domain"]).sort_index()
    parts.append(
        seen.assign(
            element="observed",
            value=seen.share,
            low=seen.share_low,
            high=seen.share_high,
            mark=[stars(q_value, q_value_max, "*") for q_value in seen.q_value],
        )
    )
    known = chosen[chosen.expected_share.notna()]
    parts.append(known.assign(element="expected", value=known.expected_share, q_value=np.nan))
    apart = between[
        (between.q_value < q_value_max) & (between.variants == "all") & (between.kind != "overall")
    ]
    apart = apart[apart.cohort_1.isin(cohorts) & apart.cohort_2.isin(cohorts)]
    apart = apart[apart.gene.isin(seen.gene)].rename(columns={"cohort_1": "cohort"})
    parts.append(apart.assign(element="difference", mark="#"))
    table = pd.concat([part.astype(object) for part in parts], ignore_index=True).reindex(columns=DRAWN)
    return table.infer_objects()


def q_text(q_value: float) -> str:
    """Write a q-value in short."""
    return f"q {q_value:.2g}" if q_value >= 0.001 else f"q {q_value:.0e}".replace("e-0", "e-")


def draw_frequencies(panel: Axes, drawn: pd.DataFrame, colours: Mapping[str, str]) -> None:
    """Draw the frequencies of genes with their intervals, cohorts below each other, and q beside them."""
    rows = drawn[drawn.element == "frequency"]
    genes, cohorts = list(dict.fromkeys(rows.gene)), list(colours)
    step = 0.8 / len(cohorts)
    most = 100 * float(np.nanmax([*rows.high.astype(float), 0.02]))
    edge = 1.04 * most
    look = {"va": "center", "fontsize": 7}
    for row in rows.itertuples():
        y = genes.index(row.gene) + step * (cohorts.index(row.cohort) - (len(cohorts) - 1) / 2)
        colour = colours[row.cohort]
        if row.status == "not_profiled":
            panel.text(0.01 * most, y, "not profiled", color=QUIET, style="italic", **look)
            continue
        panel.barh(y, 100 * row.value, height=0.86 * step, color=colour, lw=0, alpha=0.55)
        panel.plot([100 * row.low, 100 * row.high], [y, y], color=DARK, lw=0.9, solid_capstyle="butt")
        said = f"{100 * row.value:.1f} %  ({int(row.mutated):,} of {int(row.profiled):,})"
        panel.text(edge, y, said, color=DARK, **look)
    pairs = drawn[drawn.element == "comparison"]
    for gene, own in pairs.groupby("gene", sort=False):
        best = own.loc[own.q_value.astype(float).idxmin()]
        said = q_text(best.q_value)
        if len(cohorts) > 2:
            said += f"\n{shortened(best.cohort, 14)} and {shortened(best.cohort_2, 14)}"
        panel.text(1.36 * most, genes.index(gene), said, color=DARK, linespacing=1.1, **look)
    panel.set_yticks(range(len(genes)), genes, fontsize=8, style="italic")
    panel.tick_params(axis="y", length=0)
    panel.set(ylim=(len(genes) - 0.45, -0.55), xlim=(0, 1.62 * most))
    ticks = [tick for tick in panel.get_xticks() if tick <= most]
    panel.set_xticks(ticks)
    panel.spines["bottom"].set_bounds(0, most)
    panel.set_xlabel("patients with the gene mutated (% of those in whom it was looked at)", loc="left")


def draw_domains(
    panel: Axes, gene: str, drawn: pd.DataFrame, colours: Mapping[str, str], slot: float
) -> None:
    """Draw the shares of a gene's mutations in its domains, and the expected ones; `slot` is mm for each."""
    rows = drawn[(drawn.gene == gene) & drawn.domain.notna()]
    observed, expected = rows[rows.element == "observed"], rows[rows.element == "expected"]
    names, cohorts = (
        list(dict.fromkeys(observed.domain)),
        [each for each in colours if each in set(rows.cohort)],
    )
    step = 0.82 / len(cohorts)
    top: dict[str, float] = {}
    for row in observed.itertuples():
        x = names.index(row.domain) + step * (cohorts.index(row.cohort) - (len(cohorts) - 1) / 2)
        panel.bar(x, 100 * row.value, width=0.88 * step, color=colours[row.cohort], lw=0, alpha=0.55)
        panel.plot([x, x], [100 * row.low, 100 * row.high], color=QUIET, lw=0.8)
        own = (expected.domain == row.domain) & (expected.cohort == row.cohort)
        high = 100 * max([row.high, *expected.value[own]])
        if row.mark:
            panel.text(x, high + 1, row.mark, ha="center", va="bottom", fontsize=8, color=DARK)
        top[row.domain] = max(top.get(row.domain, 0), high + 6 * bool(row.mark))
    for row in expected.itertuples():
        x = names.index(row.domain) + step * (cohorts.index(row.cohort) - (len(cohorts) - 1) / 2)
        panel.plot([x], [100 * row.value], ls="none", color="#000000", **MODELS[row.model][0])
    for name in dict.fromkeys(rows.domain[rows.element == "difference"]):
        panel.text(names.index(name), top[name] + 2, "#", ha="center", va="bottom", fontsize=7, color=DARK)
    panel.set_xticks(range(len(names)), names)
    if max(text_width(name, 7) for name in names) > slot - 1:
        for label in panel.get_xticklabels():
            label.set(ha="right", rotation=40, rotation_mode="anchor")
    # What stands behind the line lies within domains.
    if within := [names.index(name) for name in names if name in set(rows.domain[rows.kind.isin(WITHIN)])]:
        panel.axvline(min(within) - 0.5, color=PALE, lw=0.7)
    panel.tick_params(axis="x", length=0, labelsize=7)
    panel.set(xlim=(-0.55, len(names) - 0.45), ylim=(0, 1.06 * max([*top.values(), 20])))
    panel.set_ylabel("mutations (%)")
    panel.set_title(gene, style="italic")


def rows_of_panels(genes: Sequence[str], widths: Mapping[str, int]) -> list[list[str]]:
    """Put panels side by side as far as there is room."""
    rows: list[list[str]] = []
    for gene in genes:
        if rows and sum(widths[each] for each in rows[-1]) + widths[gene] <= SLOTS:
            rows[-1].append(gene)
        else:
            rows.append([gene])
    return rows


@styled
def draw(drawn: pd.DataFrame, confidence: float, q_value_max: float) -> Figure:
    """Draw the frequencies and, below, the domains."""
    frequencies = drawn[drawn.element == "frequency"]
    cohorts = list(dict.fromkeys(frequencies.cohort))
    colours = dict(zip(cohorts, COLOURS, strict=False))
    observed = drawn[drawn.element == "observed"]
    widths = observed.groupby("gene", sort=False).domain.nunique().to_dict()
    rows = rows_of_panels(list(widths), widths)
    genes = frequencies.gene.nunique()
    heights = [12 + genes * (2 + 3.0 * len(cohorts)), *(50.0 for _ in rows)]
    figure = Figure(figsize=(WIDTH / 25.4, (sum(heights) + 16) / 25.4), layout="constrained")
    grid = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    draw_frequencies(figure.add_subplot(grid[0]), drawn, colours)
    for number, row in enumerate(rows, 1):
        inner = grid[number].subgridspec(1, len(row), width_ratios=[widths[gene] + 1 for gene in row])
        slot = (WIDTH - 18 * len(row)) / sum(widths[gene] for gene in row)
        for place, gene in enumerate(row):
            draw_domains(figure.add_subplot(inner[place]), gene, drawn, colours, slot)
    keys = [Patch(color=colour, alpha=0.55, label=shortened(name, 30)) for name, colour in colours.items()]
    models = set(drawn.model[drawn.element == "expected"])
    for model, (style, name) in MODELS.items():
        if model in models:
            keys.append(Line2D([], [], ls="none", color="#000000", label=name, **style))
    figure.legend(handles=keys, loc="outside upper left", ncols=4, columnspacing=1.5)
    says = [f"Lines: {100 * confidence:g} % intervals."]
    if (observed.mark == "*").any():
        says.append(f"*: not the expected share (q < {q_value_max:g}).")
    if (drawn.element == "difference").any():
        says.append(f"#: cohorts differ (q < {q_value_max:g}).")
    if (drawn.kind == "combined").any():
        says.append("DC: Kelch/DGR and CTR.")
    figure.supxlabel(" ".join(says), fontsize=6.5, color=QUIET, x=0.01, ha="left")
    return figure


def write_figure(
    tables: Mapping[str, pd.DataFrame], confidence: float, q_value_max: float, folder: Path
) -> pd.DataFrame:
    """Write the figure of target genes if there is a cohort; return what it draws."""
    names = ("frequency", "comparison", "domain", "domain_comparison")
    drawn = drawn_of(*(tables[name] for name in names), q_value_max)
    if (drawn.element == "frequency").any():
        save_figure(draw(drawn, confidence, q_value_max), drawn, folder / STEM)
    return drawn
