"""Report sections of mutational_signatures: they show tables as given and compute nothing."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from common.figures import PALE, files_of
from common.multiqc import listed, rows_of, write_section
from common.mutational_signatures_figure import colours_of

DOIS = ["10.1186/s13059-016-0893-4", "10.1038/s41586-020-1943-3"]
NAMED = 3  # signatures of a cohort that are named in words
ROWS = 200  # of a table in the report
ORIGIN = "No substitution shows by its context what made it: a share speaks of many mutations, never of one."
NOISE = "Shares of single tumours are uncertain, small ones most: their intervals are in the table."


def percent(share: float) -> str:
    """Write a share as a percentage of two digits."""
    return f"{100 * share:.2g} %"


def shown_by(row: tuple) -> str:
    """Say of a row of detection.tsv what was found, or could have been."""
    if pd.isna(row.share):
        return f"{row.signatures} not assessable ({row.reason})"
    if row.verdict == "seen":
        words = f"{row.signatures} {percent(row.share)} ({percent(row.ci_low)} to {percent(row.ci_high)})"
        return f"{words}, more than chance gives (p {row.p_value:.2g})"
    could = (
        f"{percent(row.detection_limit)} would have been"
        if pd.notna(row.detection_limit)
        else "nothing would have been"
    )
    return f"{row.signatures} not seen (p {row.p_value:.2g}), where {could} with {percent(row.power)} power"


def answer(together: pd.DataFrame) -> str:
    """Say in which cohorts the signatures of therapy are seen, and what would have been."""
    said = [f"in {row.cohort} {shown_by(row)}" for row in together.itertuples()]
    return f"Signatures of therapy: {'; '.join(said)}."


def write_shares(
    tables: Mapping[str, pd.DataFrame], therapy: Sequence[str], drawn: Sequence[str], path: Path
) -> None:
    """Write the section of the cohorts' shares: stacked bars, by method."""
    pooled, fits, detection = (tables[name] for name in ("pooled", "fits", "detection"))
    words, datasets = [], {}
    for cohort, own in pooled.groupby("cohort", sort=False):
        fit = fits[(fits.cohort == cohort) & (fits.method == "nnls")]
        whole = fit[fit["sample"].isna()].iloc[0]
        if whole.status != "ok":
            words.append(f"{cohort} has no shares: {whole.reason}.")
            continue
        tumours = fit[fit["sample"].notna()]
        most = own[own.method == "nnls"].nlargest(NAMED, "share")
        of = [f"{row.signature} {percent(row.share)}" for row in most.itertuples() if row.share > 0]
        words.append(
            f"{cohort}: {whole.mutations:,.0f} mutations, mostly {listed(of)} (cosine similarity"
            f" {whole.cosine:.3f}); {(tumours.status == 'ok').sum():,} of {len(tumours):,} tumours have "
            "enough for shares of their own."
        )
        for method, some in own.groupby("method", sort=False):
            share = some.set_index("signature").share
            values = {name: float(f"{100 * value:.4g}") for name, value in share.items() if value > 0}
            datasets.setdefault(method, {})[cohort] = values
    together = detection.drop_duplicates("cohort", keep="last")  # all therapy signatures together come last
    findings = {row.cohort: shown_by(row) for row in together.itertuples()}
    known = pooled[(pooled.status == "ok") & (pooled.method == "nnls")]
    colours = colours_of(known, therapy) if len(known) else {}
    labels = {"nnls": "least squares", "deconstructsigs": "deconstructSigs"}
    names = list(datasets)
    bars = {name: {"name": name, "color": colours.get(name, PALE)} for name in [*colours, "unassigned"]}
    settings = {"cpswitch": False, "ylab": "share of mutations (%)", "ymax": 100}
    settings["categories"] = [bars] * max(len(names), 1)
    if len(names) > 1:
        settings["data_labels"] = [{"name": labels[name]} for name in names]
    write_section(
        path,
        "Mutational signatures",
        " ".join([*(words or ["No mutations to fit signatures to."]), NOISE, ORIGIN]),
        "bargraph",
        [datasets[name] for name in names] or [{}],
        settings=settings,
        statuses=fits.status,
        links=[
            "pooled.tsv",
            "exposures.tsv",
            "fits.tsv",
            *(file for stem in drawn for file in files_of(stem)),
        ],
        dois=DOIS,
        findings=findings,
        answers={"cohorts": [answer(together)]} if len(together) else None,
    )


def write_detection(detection: pd.DataFrame, confidence: float, path: Path) -> None:
    """Write the section of what therapy signatures show, and what would have shown."""
    words = [
        f"{row.cohort}: {shown_by(row)}."
        for row in detection.drop_duplicates("cohort", keep="last").itertuples()
    ]
    table = detection.head(ROWS).copy()
    table.index = [f"{row.cohort} {row.signatures}" for row in table.itertuples()]
    columns = ["mutations", "dispersion", "share", "ci_low", "ci_high", "null_share", "p_value", "verdict"]
    columns += ["detection_limit", "counting_limit", "status", "reason"]
    write_section(
        path,
        "Signatures of therapy: seen, and what would have been",
        f"{' '.join(words)} Seen is a share above those of {percent(confidence)} of simulated cohorts with "
        "as many mutations and the same other signatures. The detection limit is the smallest share that "
        "would have been seen with this power, the counting limit that for a cohort that is exactly a "
        f"mixture of the signatures. A share below it may be there. {ORIGIN}",
        "table",
        rows_of(table[columns]),
        settings={"col1_header": "cohort and signatures"},
        table="detection.tsv",
        statuses=detection.status,
        links=["detection.tsv"],
        dois=DOIS[:1],
    )


def write_comparison(comparison: pd.DataFrame, confidence: float, path: Path) -> None:
    """Write the section of differences between cohorts."""
    words = []
    for pair, own in comparison.groupby(["cohort_1", "cohort_2"], sort=False):
        found = own[(own.q_value < 1 - confidence) & ~own.signature.str.contains("+", regex=False)]
        says = [
            f"{row.signature} ({100 * row.difference:+.2g} points, q {row.q_value:.2g})"
            for row in found.itertuples()
        ]
        tested = own.p_value.notna().any()
        none = "no difference that permutation of tumours would not give" if tested else own.reason.iloc[0]
        words.append(f"{pair[1]} against {pair[0]}: {listed(says) if says else none}.")
    table = comparison.head(ROWS).copy()
    table.index = [f"{row.cohort_2} - {row.cohort_1} {row.signature}" for row in table.itertuples()]
    columns = ["share_1", "share_2", "difference", "ci_low", "ci_high", "p_value", "q_value", "status"]
    write_section(
        path,
        "Signatures of cohorts compared",
        " ".join(words) + " Cohorts differ in more than therapy: sites, smoking, panels and callers too.",
        "table",
        rows_of(table[columns]),
        settings={"col1_header": "cohorts and signature"},
        table="comparison.tsv",
        statuses=comparison.status,
        links=["comparison.tsv"],
        dois=["10.1016/S0167-7152(97)00043-6"],
    )


def write_report(
    tables: Mapping[str, pd.DataFrame],
    therapy: Sequence[str],
    confidence: float,
    drawn: Sequence[str],
    results: Path,
) -> None:
    """Write the sections of the report."""
    write_shares(tables, therapy, drawn, results / "mutational_signatures_mqc.json")
    if len(tables["detection"]):
        write_detection(tables["detection"], confidence, results / "mutational_signatures_detection_mqc.json")
    if len(tables["comparison"]):
        write_comparison(
            tables["comparison"], confidence, results / "mutational_signatures_comparison_mqc.json"
        )
