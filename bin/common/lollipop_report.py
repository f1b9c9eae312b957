"""Show proteins and their variants in the report."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from common.figures import embedded, shown_together
from common.multiqc import write_section

NAMED = 8  # variants of a protein that the sentence names; of more it counts those of each domain
DOIS = ["10.1038/s41592-019-0430-y", "10.1371/journal.pone.0160519"]
LEFT_OUT = {  # one, and several
    "common_polymorphism": ("common polymorphism", "common polymorphisms"),
    "unchanged_protein": ("without a change of a residue",) * 2,
    "no_position": ("without a residue that could be named",) * 2,
}


def place_of(position: int, features: pd.DataFrame) -> str:
    """Name the smallest feature of a protein at a residue."""
    held = features[(features.start <= position) & (features.end >= position)]
    smallest = held.assign(size=held.end - held.start).sort_values("size", kind="stable").name
    return smallest.iloc[0] if len(smallest) else "outside the domains"


def left_out(table: pd.DataFrame) -> str:
    """Count the variants that are not drawn, by the reason; empty if there are none."""
    lost = table[(table.drawn == "no") & table.status.isin(list(LEFT_OUT))].drop_duplicates(
        ["gene", "hgvs_c"]
    )
    counts = lost.status.value_counts(sort=False)
    return ", ".join(f"{n} {LEFT_OUT[status][n > 1]}" for status, n in counts.items())


def words_of(gene: str, table: pd.DataFrame, features: pd.DataFrame) -> str:
    """Say which variants of a protein are drawn, where they lie and in which lines."""
    drawn = table[(table.element == "variant") & (table.drawn == "yes")]
    changes = drawn.drop_duplicates("hgvs_c")
    if drawn.empty:
        return f"{gene} has none."
    if len(changes) > NAMED:
        domains = features[features.kind == "domain"]
        counts = changes.position.map(lambda position: place_of(position, domains)).value_counts(sort=False)
        return f"{gene} has {len(changes)}: {', '.join(f'{n} in {name}' for name, n in counts.items())}."
    said = []
    for hgvs_c, rows in drawn.groupby("hgvs_c", sort=False):
        name = rows.hgvs_p_short.iloc[0]
        name = hgvs_c if pd.isna(name) or name == "p.?" else name.removeprefix("p.")
        lines = [f"{row.comparison.replace('_', ' ')} in {row.line}" for row in rows.itertuples()]
        said.append(
            f"{name} ({place_of(rows.position.iloc[0], features)}; {', '.join(dict.fromkeys(lines))})"
        )
    return f"{gene} has {', '.join(said)}."


def write_report(
    path: Path,
    proteins: pd.DataFrame,
    made: Mapping[str, tuple[Figure, pd.DataFrame]],
    domains: pd.DataFrame,
) -> None:
    """Write the report's section: figures, and what they show in words."""
    tables = [table for _, table in made.values()]
    lines = pd.concat([table[table.element == "line"] for table in tables]) if tables else pd.DataFrame()
    said = [words_of(gene, table, domains[domains.gene == gene]) for gene, (_, table) in made.items()]
    sentence = f"Variants that change the protein: {' '.join(said)}"
    if not made:
        sentence = "No protein is drawn: no amplicon lies in a target gene whose domains are known."
    elif not proteins.drawn.sum():
        sentence = f"No variant was found that changes {' or '.join(made)}, in what was read."
    if tables and (lost := left_out(pd.concat(tables))):
        sentence += f" Left out of the figures, but in their tables: {lost}."
    if "repeat" in {kind for table in tables for kind in table.element}:
        sentence += " Repeats are counted as in the table of domains; papers may count them otherwise."
    pictures = [embedded(figure, f"{gene}, its domains and variants") for gene, (figure, _) in made.items()]
    html, left = shown_together(pictures)
    write_section(
        path,
        "Variants along the proteins",
        sentence + left,
        "html",
        html,
        statuses=lines.status if len(lines) else proteins.status,
        links=["proteins.tsv", *(f"{gene}.svg" for gene in made)],
        dois=DOIS,
    )
