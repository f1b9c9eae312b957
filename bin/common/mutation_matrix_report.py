"""Tell what of the cohorts' mutations was counted, and how similar their spectra are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pandas as pd

from common.figures import files_of
from common.multiqc import counted, listed, rows_of, write_section
from common.mutation_matrix_figure import CLASSES, STEM, several

PLATINUM = ("CT>AA", "CT>AC")  # the most frequent of COSMIC's DBS5, two thirds of it
DOIS = ["10.1038/nature12477", "10.1038/s41586-020-1943-3", "10.1186/s12864-019-6041-2"]
COMPARED = [
    *("what", "mutations_1", "mutations_2", "cosine", "cosine_corrected", "cosine_low", "cosine_high"),
    *("status", "reason"),
]
NAMED = 4  # reasons for rejection that are told


class Source(Protocol):
    """Where the contexts of a cohort come from."""

    name: str
    checked: int
    differ: int


def origin(source: Source) -> str:
    """Say where the contexts of a cohort come from."""
    if source.name == "ready_matrix":
        return "from a ready matrix"
    if source.name == "none":
        return "doublets only: without genome of its build, or contexts in the MAF"
    agree = 100 * (1 - source.differ / source.checked) if source.checked else 0
    fits = f", which has {agree:.3g} % of the reference bases" if source.checked else ""
    if source.name == "genome":
        return f"contexts from the genome{fits}"
    return f"contexts from the MAF{' and not from the genome' if source.checked else ''}{fits}"


def main_class(rows: pd.DataFrame) -> str:
    """Name the most frequent class of substitutions of a spectrum, with its share."""
    shares = rows.groupby("substitution", sort=False).share_percent.sum()
    return f"{shares.idxmax()} most often ({shares.max():.0f} %)"


def doublets_of(matrix: pd.DataFrame | None) -> str:
    """Count a cohort's doublets, and those that platinum makes, in words."""
    if matrix is None or not (total := int(matrix.to_numpy().sum())):
        return "no doublets" if matrix is not None else ""
    platinum = int(matrix.loc[list(PLATINUM)].to_numpy().sum())
    words = several(total, "doublet")
    return f"{words}, {platinum:,} of them {' or '.join(PLATINUM)}" if platinum else words


def of_cohort(
    cohort: str, own: pd.DataFrame, source: Source, matrix: pd.DataFrame | None, drawn: pd.DataFrame
) -> list[str]:
    """Say what was counted of a cohort, in few words each."""
    rows = drawn[(drawn.cohort == cohort) & (drawn.what == "pooled")] if len(drawn) else drawn
    words = []
    if own.counted.notna().any():
        tumours = int(own.counted.notna().sum())
        words.append(f"{several(own.counted.sum(), 'substitution')} of {several(tumours, 'tumour')}")
    else:
        words.append("no spectrum")
    if len(rows):
        words.append(main_class(rows))
    return [*words, origin(source), *filter(None, [doublets_of(matrix)])]


def sentence_of(
    by_sample: pd.DataFrame,
    rejected: pd.DataFrame,
    words: Mapping[str, list[str]],
    similar: pd.DataFrame,
    doublets: Mapping[str, pd.DataFrame],
    regions: Mapping[str, str],
) -> str:
    """Say what was counted, what was not, and how similar the cohorts are."""
    parts = [f"{cohort}: {', '.join(told)}." for cohort, told in words.items()]
    restricted = sorted({region for region in regions.values() if region.endswith("panel genes")})
    if restricted:
        outside = int(by_sample.outside_panel_genes.sum())
        parts.append(f"Counted in {restricted[0]} only; {outside:,} mutations are in other genes.")
    if len(rejected):
        told = counted(rejected.status).replace("_", " ").split(", ")
        more = ", ..." if len(told) > NAMED else ""
        parts.append(f"{len(rejected):,} mutations do not count ({', '.join(told[:NAMED])}{more}).")
    if any(matrix.loc[list(PLATINUM)].to_numpy().sum() for matrix in doublets.values()):
        parts.append(
            f"{listed(PLATINUM)} are the doublets that platinum makes most (COSMIC's DBS5); other causes make"
            " them too, if rarely."
        )
    for row in similar[similar.cosine.notna()].head(3).itertuples():
        what = "Pooled spectra" if row.what == "pooled" else f"{row.what}'s own spectra"
        where = "in" if row.what != "pooled" else "of"
        interval = f"interval {row.cosine_low:.3f} to {row.cosine_high:.3f}"
        parts.append(
            f"{what} {where} {row.cohort_1} and {row.cohort_2} have a cosine of {row.cosine:.3f}; without "
            f"the noise of their numbers it is {row.cosine_corrected:.3f} ({interval})."
        )
    for row in similar[similar.status == "too_few"].head(2).itertuples():
        what = "in all" if row.what == "pooled" else f"in {row.what}"
        parts.append(
            f"{row.cohort_1} and {row.cohort_2} have {row.mutations_1:,.0f} and {row.mutations_2:,.0f} "
            f"substitutions {what}: too few to compare."
        )
    return " ".join(parts)


def write_report(
    by_sample: pd.DataFrame,
    rejected: pd.DataFrame,
    sources: Mapping[str, Source],
    doublets: Mapping[str, pd.DataFrame],
    similar: pd.DataFrame,
    chances: pd.DataFrame,
    drawn: pd.DataFrame,
    regions: Mapping[str, str],
    folder: Path,
) -> None:
    """Write the report's sections: the spectra, and how similar they are."""
    words = {
        cohort: of_cohort(cohort, own, sources[cohort], doublets.get(cohort), drawn)
        for cohort, own in by_sample.groupby("cohort", sort=False)
    }
    data, labels = [], []
    for (what, cohort), rows in drawn.groupby(["what", "cohort"], sort=False) if len(drawn) else ():
        data.append(
            {row.context: {row.substitution: round(row.share_percent, 4)} for row in rows.itertuples()}
        )
        name = cohort if what == "pooled" else f"{what}, {cohort}"
        labels.append({"name": name, "ylab": f"share of {rows.mutations.sum():,} substitutions (%)"})
    classes = {name: {"name": name, "color": colour} for name, colour in CLASSES.items()}
    written = sorted(path.name for path in (folder / "matrices").iterdir())
    write_section(
        folder / "mutation_matrix_mqc.json",
        "Substitutions by context",
        sentence_of(by_sample, rejected, words, similar, doublets, regions),
        "bargraph",
        data,
        settings={
            "data_labels": labels,
            "categories": [classes] * len(data),
            "ylab": "share of substitutions (%)",
        },
        statuses=by_sample.status,
        links=[
            *("samples.tsv", "rejected.tsv", "similarity.tsv", "opportunities.tsv"),
            *(files_of(STEM) if len(drawn) else []),
            *written,
        ],
        dois=DOIS,
        findings={cohort: "; ".join(told) for cohort, told in words.items()},
    )
    if len(similar):
        table = similar.set_index(similar.cohort_1 + " and " + similar.cohort_2 + ", " + similar.what)
        write_section(
            folder / "mutation_matrix_similarity_mqc.json",
            "Similarity of spectra",
            "The cosine of two spectra is 1 if they have the same shape, whatever their numbers. Chance"
            " lowers it, the more the fewer mutations there are: intervals are of the corrected one.",
            "table",
            rows_of(table[COMPARED]),
            settings={"col1_header": "cohorts"},
            table="similarity.tsv",
            statuses=similar.status,
            links=["similarity.tsv"],
        )
    lacking = chances[chances.trinucleotide.isna()]
    if len(lacking):
        table = lacking.set_index(lacking.cohort + ", " + lacking["panel"].replace("", "exome"))
        write_section(
            folder / "mutation_matrix_opportunities_mqc.json",
            "Opportunities that are not known",
            "How often each trinucleotide occurs in what was profiled cannot be told of these: signatures are"
            " fitted to them with the frequencies of the exome or genome.",
            "table",
            rows_of(table[["status", "reason"]]),
            settings={"col1_header": "cohort and panel"},
            table="opportunities.tsv",
            statuses=chances.drop_duplicates(["cohort", "panel"]).status,
            links=["opportunities.tsv"],
        )
