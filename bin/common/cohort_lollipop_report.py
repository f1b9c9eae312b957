"""Show where in proteins the mutations of cohorts lie, in the report."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from common.figures import embedded, shown_together
from common.multiqc import listed, write_section

TOLD = 3  # residues that the sentence names of a cohort
RECURRENT = 2  # patients, from which a residue is one
DOIS = ["10.1038/s41592-019-0430-y", "10.1371/journal.pone.0160519"]


def recurrent_of(table: pd.DataFrame, cohort: str) -> list[str]:
    """Name the residues of a cohort with the most patients, if they have several."""
    own = table[(table.element == "mutation") & (table.drawn == "yes") & (table.cohort == cohort)]
    counts = own.groupby("position")["count"].sum().sort_values(ascending=False, kind="stable")
    letters = own.hgvs_p.str.extract(r"^p\.\(?([A-Z])(?![a-z])", expand=False).groupby(own.position).first()
    counts = counts[counts >= RECURRENT][:TOLD]
    return [
        f"{letters.get(place) or 'residue '}{place} ({count} patients)" for place, count in counts.items()
    ]


def words_of(gene: str, table: pd.DataFrame) -> str:
    """Say how many patients of each cohort have a protein mutated, and at which residues most do."""
    said = []
    for row in table[table.element == "cohort"].itertuples():
        if row.status == "not_profiled":
            said.append(f"not looked at in {row.cohort}")
            continue
        most = recurrent_of(table, row.cohort)
        places = f", most often at {listed(most)}" if most else ""
        said.append(f"{row.count:,} of {row.profiled:,} patients of {row.cohort}{places}")
    return f"{gene}: {'; '.join(said)}."


def findings_of(made: Mapping[str, tuple[Figure, pd.DataFrame]]) -> dict[str, str]:
    """Say by cohort which residues recur."""
    found: dict[str, dict[str, str]] = {}
    for _, table in made.values():
        for cohort in table.cohort[table.element == "cohort"]:
            if most := recurrent_of(table, cohort):
                found.setdefault(cohort, {})[table.gene.iloc[0]] = listed(most)
    return {
        cohort: "; ".join(f"{gene} recurrent at {places}" for gene, places in genes.items())
        for cohort, genes in found.items()
    }


def write_report(path: Path, proteins: pd.DataFrame, made: Mapping[str, tuple[Figure, pd.DataFrame]]) -> None:
    """Write the section: figures, and what they show in words."""
    said = [words_of(table.gene.iloc[0], table) for _, table in made.values()]
    sentence = "Mutations that change the protein; a stem is as high as its residue has patients with one."
    sentence = f"{sentence} {' '.join(said)}" if made else "No protein is drawn: proteins.tsv says why."
    if any((table.element == "repeat").any() for _, table in made.values()):
        sentence += " Repeats are counted as in the table of domains; papers may count them otherwise."
    pictures = [embedded(figure, stem.replace(".", ", ")) for stem, (figure, _) in made.items()]
    html, left = shown_together(pictures)
    write_section(
        path,
        "Mutations along the proteins",
        sentence + left,
        "html",
        html,
        statuses=proteins.status,
        links=["proteins.tsv", *(f"{stem}.svg" for stem in made)],
        dois=DOIS,
        findings=findings_of(made),
    )
