"""Figures and report sections of locus_genotype: they show tables as given and compute nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from common.figures import PALE, QUIET, ROLES, files_of, new_figure, save_figure, shortened, styled
from common.genotype_tables import short
from common.multiqc import listed, rows_of, write_section

DOIS = ["10.1093/bioinformatics/btr509", "10.1186/s13059-015-0762-6", "10.1080/01621459.1927.10502953"]
PANELS = 6  # variants side by side on a page
ROWS = 60  # samples below each other on a page; if there are more, conditions are drawn
SHOWN = 300  # rows of a table, samples of a plot in the report
MATRIX = 60  # samples of the heatmap there
SILENT = "synonymous"
TELLING = ("activating", "loss", "deficient", "reduced")  # effects that are worth a word
PRESENT = ("het", "hom")
WORDS = {"het": "heterozygous", "hom": "homozygous", "ambiguous": "ambiguous", "no_call": "not called"}
COPIES = {
    "two_intact": "two",
    "one_loss": "one",
    "two_loss": "none",
    "unphased": "one or none, phase not known",
    "not_assessable": "not assessable",
}
DRAWN = ["panel", "row", "line", "condition", "role", "share", "share_low", "share_high", "depth", "mark"]
MARKS = {  # how a genotype or a measured fraction is drawn
    "ref": {"marker": "o", "mfc": "white"},
    "het": {"marker": "o", "fillstyle": "left", "mfcalt": "white"},
    "hom": {"marker": "o"},
    "ambiguous": {"marker": "D", "mfc": "white", "ms": 3},
    "measured": {"marker": "o"},
}
KEYS = {"ref": "reference", "het": "heterozygous", "hom": "homozygous", "ambiguous": "ambiguous"}


class Genotypes(NamedTuple):
    """What is shown: tables as they are written, and every variant in each sample and in each condition."""

    study: pd.DataFrame
    lines: pd.DataFrame
    comparison: pd.DataFrame
    skipping: pd.DataFrame
    identity: pd.DataFrame
    identity_pairs: pd.DataFrame
    allele_expression_tests: pd.DataFrame
    calls: pd.DataFrame
    groups: pd.DataFrame


def name_of(row: tuple) -> str:
    """Name a variant: its gene, and its change in the protein or else in the coding sequence."""
    return f"{row.gene} {short(row)}"


# ---- figures


def shares_of(table: pd.DataFrame, study: pd.DataFrame, panels: Sequence[str]) -> pd.DataFrame:
    """Put what a figure draws into its order: panels, then the rows of the study's samples or groups."""
    order = {name: place for place, name in enumerate(study["row"])}
    places = {panel: place for place, panel in enumerate(panels)}
    kept = table[table.panel.isin(places) & table.row.isin(order)]
    keys = pd.DataFrame({"panel": kept.panel.map(places), "row": kept.row.map(order)})
    return kept.loc[keys.sort_values(["panel", "row"]).index, DRAWN].reset_index(drop=True)


def rows_to_draw(study: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """Return the rows of a page, by line: samples, or conditions if the samples are too many."""
    study = by_line(study)
    if len(study) <= ROWS:
        return study.assign(row=study["sample"]), True
    groups = study.drop_duplicates(["line", "condition"])
    return groups.assign(row=groups.line + ", " + groups.condition).head(ROWS), False


def by_line(study: pd.DataFrame) -> pd.DataFrame:
    """Put the samples of each line together, lines in the order of their first sample."""
    order = {line: place for place, line in enumerate(dict.fromkeys(study.line))}
    return study.sort_values("line", key=lambda lines: lines.map(order), kind="stable")


def heights(rows: pd.DataFrame) -> np.ndarray:
    """Place rows from the top down, with a gap between lines."""
    changes = (rows.line != rows.line.shift()).cumsum() - 1
    return np.arange(len(rows)) + 0.6 * changes.to_numpy()


def draw_panel(panel: Axes, shown: pd.DataFrame, at: dict[str, float]) -> None:
    """Draw a dot and its interval in each row, or say why there is none."""
    for row in shown.itertuples():
        y, colour = at[row.row], ROLES[row.role]
        if row.mark not in MARKS:
            panel.text(
                0.5, y, row.mark.replace("_", " "), size=5.5, color=QUIET, ha="center", va="center_baseline"
            )
            continue
        panel.plot([row.share_low, row.share_high], [y, y], color=colour, lw=0.9, alpha=0.7)
        look = {"ms": 4, "mew": 0.8, "ls": "none", "color": colour, "clip_on": False, "zorder": 3}
        panel.plot(row.share, y, **look | MARKS[row.mark])


@styled
def draw_shares(
    drawn: pd.DataFrame, rows: pd.DataFrame, titles: Sequence[str], label: str, threshold: float | None = None
) -> Figure:
    """Draw shares in panels beside each other: a row a sample, lines apart; `titles` are the panels."""
    y = heights(rows)
    at = dict(zip(rows.row, y, strict=True))
    names = [shortened(name, 20) for name in rows.row]
    left = 6 + 1.35 * max(map(len, names))
    line_names = len(set(rows.line)) > 1 and rows.row.tolist() != rows.line.tolist()
    width = min(180, max(85, left + (18 if line_names else 0) + 27 * len(titles)))
    figure, [panels] = new_figure(width, 30 + 3.4 * (y[-1] + 1), 1, len(titles), sharey=True)
    for panel, title in zip(panels, titles, strict=True):
        for edge in (0, 0.5, 1):
            panel.axvline(edge, color=PALE, lw=0.5, zorder=0)
        if threshold is not None:
            panel.axvline(threshold, color=QUIET, lw=0.6, ls=(0, (4, 3)), zorder=0)
        draw_panel(panel, drawn[drawn.panel == title], at)
        panel.set_xlim(-0.04, 1.04)
        panel.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        gene, _, change = title.partition(" ")
        panel.set_title(f"{gene}\n{shortened(change, 17)}", fontsize=7, loc="center")
        panel.tick_params(axis="y", length=0, labelcolor="#333333")
        panel.spines["left"].set_visible(False)
    panels[0].set_yticks(y, names)
    panels[0].set_ylim(y[-1] + 0.8, -0.8)
    figure.supxlabel(label, fontsize=8, color="#333333")
    if line_names:
        for line, own in rows.assign(y=y).groupby("line", sort=False):
            panels[-1].text(
                1.06, own.y.mean(), shortened(line, 13), transform=panels[-1].get_yaxis_transform(),
                fontsize=7, va="center", color="#333333",
            )  # fmt: skip
    present = [mark for mark in KEYS if mark in set(drawn.mark)]
    look = {"ls": "none", "ms": 4, "mew": 0.8, "color": "#333333"}
    keys = [Line2D([], [], label=KEYS[mark], **look | MARKS[mark]) for mark in present]
    roles = rows.drop_duplicates("condition")
    keys += [
        Line2D([], [], ls="none", marker="s", ms=4, color=ROLES[row.role], label=row.condition)
        for row in roles.itertuples()
    ]
    figure.legend(
        handles=keys,
        loc="outside upper left",
        ncols=4 if width < 130 else 7,
        columnspacing=1,
        handletextpad=0.3,
    )
    return figure


def chosen_variants(shown: Genotypes) -> list[str]:
    """Choose the variants of the figure: named loci, then what is not silent and seen in most samples."""
    calls = shown.calls.assign(panel=[name_of(row) for row in shown.calls.itertuples()])
    loci = list(dict.fromkeys(calls.panel[calls.locus.notna()]))
    seen = calls[calls.locus.isna() & calls.genotype.isin(PRESENT) & (calls.effect != SILENT)]
    often = seen.groupby("panel", sort=False)["sample"].nunique().sort_values(ascending=False, kind="stable")
    return [*loci, *(name for name in often.index if name not in loci)][:PANELS]


def write_figures(shown: Genotypes, skipping_max: float, folder: Path) -> None:
    """Write genotype_matrix and exon_skipping, where there is something to draw."""
    rows, of_samples = rows_to_draw(shown.study)
    calls = shown.calls if of_samples else shown.groups
    row = calls["sample"] if of_samples else calls.line + ", " + calls.condition
    titles = chosen_variants(shown)
    if titles:
        table = calls.assign(
            panel=[name_of(each) for each in calls.itertuples()], row=row, share=calls.vaf,
            share_low=calls.vaf_low, share_high=calls.vaf_high, mark=calls.genotype,
        ).drop_duplicates(["panel", "row"])  # fmt: skip
        drawn = shares_of(table, rows, titles)
        figure = draw_shares(drawn, rows, titles, "fragments with the variant (share, 95 % interval)")
        save_figure(figure, drawn, folder / "genotype_matrix")
    skipping = shown.skipping
    if len(skipping) and len(shown.study) <= ROWS:
        roles = shown.study.set_index("sample").role
        table = skipping.assign(
            panel=exon_name(skipping), row=skipping["sample"], role=skipping["sample"].map(roles),
            share=skipping.fraction, share_low=skipping.fraction_low, share_high=skipping.fraction_high,
            depth=skipping[["skipping_reads", "upstream_reads", "downstream_reads"]].sum(axis=1),
            mark=np.where(skipping.status == "ok", "measured", skipping.status),
        )  # fmt: skip
        titles = list(dict.fromkeys(table.panel))[:PANELS]
        drawn = shares_of(table, rows, titles)
        figure = draw_shares(
            drawn,
            rows,
            titles,
            "transcripts without the exon (share, 95 % interval)",
            skipping_max,
        )
        save_figure(figure, drawn, folder / "exon_skipping")


def exon_name(table: pd.DataFrame) -> pd.Series:
    """Name exons as panels: `NQO1 exon 4`."""
    return table.gene + " exon " + table.exon


# ---- what was found, in words


def says_genotype(row: tuple) -> str:
    """Say a condition's genotype: `P187S homozygous (functional copies: none)`."""
    carried = []
    for part in filter(None, f"{row.genotypes}; {row.further_variants}".split("; ")):
        name, _, genotype = part.rpartition(" ")
        if genotype in WORDS:
            carried.append(f"{name} {WORDS[genotype]}")
    loci = [part.rpartition(" ")[0] for part in row.genotypes.split("; ")]
    found = ", ".join(carried) or f"{' and '.join(loci)} not carried"
    why = (
        f", {row.reason}" if row.functional_copies == "not_assessable" and isinstance(row.reason, str) else ""
    )
    return f"{found} (functional copies: {COPIES[row.functional_copies]}{why})"


def findings_of(shown: Genotypes) -> dict[str, str]:
    """Say by line what its transcripts carry, what resistance changed, and which sample is of another."""
    found: dict[str, list[str]] = {}
    for (line, gene), own in shown.lines.groupby(["line", "gene"], sort=False):
        says = {row.condition: says_genotype(row) for row in own.itertuples()}
        if len(set(says.values())) == 1:
            where = "both conditions" if len(says) == 2 else " and ".join(says)
            found.setdefault(line, []).append(f"{gene} in {where}: {next(iter(says.values()))}")
        else:
            parts = "; ".join(f"{condition}: {text}" for condition, text in says.items())
            found.setdefault(line, []).append(f"{gene} {parts}")
    changed = shown.comparison[shown.comparison.comparison.isin(["gained", "lost"])]
    for row in changed[changed.effect != SILENT].itertuples():
        vaf = f"VAF {row.reference_vaf:.2f} to {row.target_vaf:.2f}"
        flag = "" if row.status == "ok" else f", {row.status.replace('_', ' ')}"
        found.setdefault(row.line, []).append(f"{name_of(row)} {row.comparison} ({vaf}{flag})")
    shared = shown.comparison[(shown.comparison.comparison == "shared") & shown.comparison.locus.isna()]
    for row in shared[shared.effect.isin(TELLING)].itertuples():
        vaf = f"VAF {row.reference_vaf:.2f} and {row.target_vaf:.2f}"
        found.setdefault(row.line, []).append(f"{name_of(row)}, {row.effect}, in both conditions ({vaf})")
    odd = shown.identity[shown.identity.status.isin(["swapped", "unrelated"])]
    for row in odd.itertuples():
        looks = "looks swapped" if row.status == "swapped" else "looks like no line of the study"
        found.setdefault(row.line, []).append(f"{row.sample} {looks}: it {row.reason}")
    return {line: "; ".join(texts) for line, texts in found.items()}


# ---- sections


def write_sections(
    shown: Genotypes, depth_min: int, vaf_min: float, skipping_max: float, folder: Path
) -> None:
    """Write the sections of the report."""
    write_lines(shown, depth_min, folder)
    write_variants(shown, vaf_min, folder)
    if len(shown.skipping):
        write_skipping(shown, skipping_max, folder)
    if len(shown.identity_pairs):
        write_identity(shown, folder)
    if (shown.allele_expression_tests.status != "not_seen").any():
        write_tests(shown, folder)


def write_lines(shown: Genotypes, depth_min: int, folder: Path) -> None:
    """Write the first section: the genotype of each line and condition."""
    lines = shown.lines
    genes = listed(dict.fromkeys(lines.gene))
    copies = lines.functional_copies.value_counts()
    counts = [f"{words}: {copies[name]}" for name, words in COPIES.items() if name in copies]
    sentence = (
        f"What the transcripts of {genes} carry in each line and condition, samples pooled. Functional "
        f"copies (conditions): {'; '.join(counts)}."
        if len(lines)
        else "No named locus, or no sample."
    )
    sentence += (
        f" A genotype needs {depth_min} fragments; RNA shows only alleles that are expressed, so a silent "
        "copy is not seen."
    )
    several = len(set(lines.gene)) > 1
    columns = ["genotypes", "further_variants", "functional_copies", "skipping", "status", "reason"]
    table = lines[["gene", *columns] if several else columns].head(SHOWN)
    keys = pd.Index(
        [" ".join([row.line, row.condition, *([row.gene] if several else [])]) for row in lines.itertuples()]
    )
    figures = files_of("genotype_matrix") if chosen_variants(shown) else []
    write_section(
        folder / "locus_genotype_mqc.json",
        "Genotype by line and condition",
        sentence,
        "table",
        rows_of(table.set_index(keys[:SHOWN])),
        table="lines.tsv",
        statuses=lines.status,
        links=["lines.tsv", "genotypes.tsv", "haplotypes.tsv", *figures],
        dois=DOIS,
        findings=findings_of(shown),
    )


def write_variants(shown: Genotypes, vaf_min: float, folder: Path) -> None:
    """Write the variants that lines carry, compared between conditions."""
    comparison = shown.comparison
    seen = comparison[comparison.comparison != "absent"]
    some = seen[["reference_alt_count", "target_alt_count"]].astype(float).max(axis=1) > 0
    seen = seen[(seen.comparison != "not_assessable") | some]
    counts = seen.comparison.value_counts()
    order = [name for name in ("gained", "lost", "shared", "not_assessable") if name in counts]
    words = [f"{counts[name]} {name.replace('_', ' ')}" for name in order]
    further = shown.calls[shown.calls.locus.isna()]
    sentence = (
        f"Named loci, and {further.variant.nunique()} further coding variants at a VAF of {vaf_min:g} or "
        f"more in the RNA of a sample. In the lines: {', '.join(words) or 'none seen'}. A variant is gained "
        "or lost only if the other condition has reads enough to have shown it."
    )
    columns = [
        *("gene", "hgvs_c", "hgvs_p", "consequence", "effect", "comparison", "reference_vaf"),
        *("reference_depth", "target_vaf", "target_depth", "status", "reason"),
    ]
    names = [f"{row.line}: {name_of(row)}" for row in seen.itertuples()]
    unique = [
        name if names.index(name) == place else f"{name}, {row.hgvs_c}"
        for place, (name, row) in enumerate(zip(names, seen.itertuples(), strict=True))
    ]
    table = seen[columns].set_index(pd.Index(unique)).head(SHOWN)
    write_section(
        folder / "locus_genotype_changes_mqc.json",
        "Variants in the RNA",
        sentence + (f" The first {SHOWN} of {len(seen)} are shown." if len(seen) > SHOWN else ""),
        "table",
        rows_of(table),
        table="comparison.tsv",
        statuses=comparison.status,
        links=["discovery.tsv", "comparison.tsv"],
    )


def write_skipping(shown: Genotypes, skipping_max: float, folder: Path) -> None:
    """Write the skipped fraction of each exon, a dataset an exon, with the limits as small points."""
    table = shown.skipping.assign(panel=exon_name(shown.skipping))
    names = list(dict.fromkeys(table.panel))
    order = list(shown.study["sample"])[:SHOWN]
    roles = shown.study.set_index("sample").role
    datasets = []
    for name in names:
        own = table[(table.panel == name) & table["sample"].isin(order) & (table.status == "ok")]
        datasets.append(
            {
                row.sample: [
                    {
                        "x": order.index(row.sample),
                        "y": round(value, 4),
                        "color": ROLES[roles[row.sample]],
                        "marker_size": size,
                    }
                    for value, size in ((row.fraction, 9), (row.fraction_low, 4), (row.fraction_high, 4))
                ]
                for row in own.itertuples()
            }
        )
    measured = table[table.status == "ok"]
    words = []
    for name in names:
        own = measured[measured.panel == name]
        high = own[own.fraction >= skipping_max]
        words.append(
            f"{name}: {own.fraction.min():.2f} to {own.fraction.max():.2f} in {len(own)} samples"
            + (f", {skipping_max:g} or more in {listed(dict.fromkeys(high.line))}" if len(high) else "")
            if len(own)
            else f"{name}: not measured"
        )
    axes = {"ylab": "share without the exon", "xlab": "sample"}
    meanings = [
        f"without {row.panel} {row.meaning}"
        for row in table.drop_duplicates("panel").itertuples()
        if isinstance(row.meaning, str)
    ]
    write_section(
        folder / "locus_genotype_exon_skipping_mqc.json",
        "Exon skipping",
        f"Share of the transcripts that lack an exon, from junction reads; large points are the estimates, "
        f"small ones the ends of their 95 % intervals. {'; '.join(words)}. Note: {'; '.join(meanings)}.",
        "scatter",
        datasets,
        settings={
            "data_labels": [{"name": name} | axes for name in names],
            "categories": order, "ymin": 0, "ymax": 1,
        }
        | axes,
        statuses=shown.skipping.status,
        links=["skipping.tsv", *(files_of("exon_skipping") if len(shown.study) <= ROWS else [])],
        dois=DOIS[2:],
    )  # fmt: skip


def write_identity(shown: Genotypes, folder: Path) -> None:
    """Write how far the genotypes of each two samples agree."""
    order = list(by_line(shown.study)["sample"])[:MATRIX]
    cells = {
        frozenset((row.sample_1, row.sample_2)): None if np.isnan(row.sharing) else round(row.sharing, 3)
        for row in shown.identity_pairs.itertuples()
    }
    data = [[1.0 if one == two else cells[frozenset((one, two))] for two in order] for one in order]
    odd = shown.identity[shown.identity.status.isin(["swapped", "unrelated"])]
    sentence = (
        "Allele sharing at variants that differ between the samples, "
        f"{shown.identity_pairs.snps.max()} at most. "
    )
    sentence += (
        " ".join(f"{row.sample} ({row.status}) {row.reason}." for row in odd.itertuples())
        if len(odd)
        else "No sample disagrees with its line."
    )
    sentence += (
        f" The first {MATRIX} of {len(shown.study)} samples are shown." if len(shown.study) > MATRIX else ""
    )
    write_section(
        folder / "locus_genotype_identity_mqc.json",
        "Identity of the samples",
        sentence,
        "heatmap",
        data,
        settings={
            "xcats": order, "ycats": order, "xcats_samples": False, "ycats_samples": False,
            "cluster_rows": False, "cluster_cols": False, "zlab": "allele sharing", "min": 0, "max": 1,
        },
        statuses=shown.identity.status,
        links=["identity.tsv", "identity_pairs.tsv"],
    )  # fmt: skip


def write_tests(shown: Genotypes, folder: Path) -> None:
    """Write the tests of allelic balance."""
    tests = shown.allele_expression_tests
    tests = tests[tests.status != "not_seen"].sort_values(["p_adjusted", "p_value"], kind="stable")
    known = tests[tests.p_adjusted.notna()]
    found = known[known.p_adjusted < 0.05]
    words = [
        f"{row.line} {name_of(row)} ({'between conditions' if row.test == 'conditions' else row.condition})"
        for row in found.itertuples()
    ]
    # All are in the table: here those of variants that change the protein, and what was found.
    changes = ~tests.consequence.fillna("").str.startswith(SILENT)
    tests = tests[changes | tests.index.isin(found.index)]
    names = tests.line + " " + tests.gene + " " + tests.hgvs_p.fillna(tests.hgvs_c).str.removeprefix("p.")
    names += ", " + tests.test + np.where(tests.condition.notna(), " " + tests.condition.fillna(""), "")
    columns = ["consequence", "reference_share", "target_share", "p_value", "p_adjusted", "status", "reason"]
    write_section(
        folder / "locus_genotype_expressed_alleles_mqc.json",
        "Expression of the two alleles",
        f"Shares of variants in the RNA: against one half in a condition (balance), and between conditions. "
        f"{len(found)} of {len(known)} tests at an adjusted p (Holm) below 0.05: {listed(words)}. "
        "Shown are these, and all tests of variants that change the protein.",
        "table",
        rows_of(tests[columns].set_index(pd.Index(names)).head(SHOWN)),
        table="allele_expression_tests.tsv",
        statuses=tests.status,
        links=["allele_expression.tsv", "allele_expression_tests.tsv"],
        dois=["10.1101/gr.119784.110"],
    )
