"""Report section of harmonise_mutations: it shows tables as given and computes nothing."""

from pathlib import Path

import pandas as pd

from common.figures import COLOURS, PALE, QUIET
from common.multiqc import counted, listed, write_section

DOIS = ["10.1016/j.cels.2018.03.002", "10.1101/gr.239244.118", "10.1158/2159-8290.CD-22-0417"]
ROWS = {
    "ok": ("counts", COLOURS[0]),
    "filtered": ("filtered", COLOURS[2]),
    "duplicate": ("duplicate", COLOURS[3]),
    "other_sample_of_patient": ("other sample of the patient", COLOURS[1]),
    "off_panel": ("off panel", COLOURS[4]),
    "not_profiled": ("sample not in the list", COLOURS[5]),
    "not_somatic": ("not somatic", QUIET),
    "not_small_variant": ("not a small variant", PALE),
    "incomplete": ("incomplete", COLOURS[6]),
}
SAMPLES = {
    "mutated": ("counts, mutated", COLOURS[0]),
    "unmutated": ("counts, no mutation", COLOURS[3]),
    "other_sample_of_patient": ("other sample of the patient", COLOURS[1]),
    "no_maf": ("no MAF", PALE),
}
MOST = 6  # symbols that are named
SHOWN = 30  # cohorts, or cohorts and panels, of a plot


def rows_by_status(about: pd.DataFrame, lost: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Count the rows of each cohort's MAF by status."""
    found = {}
    for row in about[about.status != "no_maf"].head(SHOWN).itertuples():
        own = lost[lost.cohort == row.cohort]
        found[row.cohort] = {"ok": int(row.counted)} | {
            status: int(own.rows[own.status == status].sum()) for status in ROWS if status in set(own.status)
        }
    return found


def samples_by_panel(samples: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Count the samples of each cohort and panel by what becomes of them."""
    kinds = samples.status.mask((samples.status == "ok") & samples.mutations.gt(0), "mutated").replace(
        "ok", "unmutated"
    )
    keys = samples.cohort + ", " + samples.panel.fillna("exome")
    counts = pd.crosstab(keys, kinds).loc[list(dict.fromkeys(keys))[:SHOWN]]
    return {name: {kind: int(number) for kind, number in row.items()} for name, row in counts.iterrows()}


def panels_in_words(samples: pd.DataFrame) -> str:
    """Count a cohort's samples that count by panel, the most frequent first."""
    own = samples[samples.status == "ok"]
    counts = own.panel.fillna("exome").value_counts(sort=False).sort_values(ascending=False, kind="stable")
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def numbering_in_words(about: pd.DataFrame) -> str:
    """Say of how many rows of target genes the residues could not be taken as they are."""
    says = {
        "remapped": "were renumbered from another isoform",
        "other_transcript": "lie on a transcript that cannot be renumbered, and have no position",
        "transcript_unknown": "name no transcript, and are taken as they are",
    }
    counts = about[list(says)].sum()
    parts = [f"{counts[column]:,} {words}" for column, words in says.items() if counts[column]]
    return f"Of the rows of target genes {listed(parts)}." if parts else ""


def sentence_of(about: pd.DataFrame, samples: pd.DataFrame, lost: pd.DataFrame, renamed: pd.DataFrame) -> str:
    """Say which rows and samples count."""
    parts = []
    for row in about.itertuples():
        if row.status == "no_maf":
            parts.append(f"{row.cohort} is a ready matrix and has no MAF.")
            continue
        own = lost[lost.cohort == row.cohort].groupby("status", sort=False).rows.sum()
        why = ", ".join(f"{ROWS[status][0]} {count:,}" for status, count in own.items())
        why = f" (left out: {why})" if why else ""
        panels = panels_in_words(samples[samples.cohort == row.cohort])
        parts.append(
            f"{row.cohort}: {row.counted:,} of {row.rows:,} rows of the MAF count{why}, in "
            f"{row.samples_mutated:,} of {row.samples_counted:,} samples, one a patient ({panels}; "
            f"{row.samples_profiled:,} were profiled)" + (f"; {row.reason}." if row.reason else ".")
        )
    parts.append(
        "A row counts if FILTER is PASS or empty, its sample was profiled and stands for its patient "
        "(primary before others, exome before panel, tissue before blood, the larger panel, the first in the "
        "list), and its gene is on the panel."
    )
    if len(renamed):
        symbols = [
            f"{old} is {name}" for old, name in dict(renamed[["symbol", "gene_name"]].to_numpy()).items()
        ]
        more = f" and {len(symbols) - MOST:,} more" if len(symbols) > MOST else ""
        parts.append(f"Previous symbols were replaced: {', '.join(symbols[:MOST])}{more}.")
    return " ".join(filter(None, [*parts, numbering_in_words(about)]))


def write_report(
    folder: Path, about: pd.DataFrame, samples: pd.DataFrame, lost: pd.DataFrame, renamed: pd.DataFrame
) -> None:
    """Write the section: rows and samples that count."""
    data = [rows_by_status(about, lost), samples_by_panel(samples)]
    categories = [
        {
            kind: {"name": label, "color": colour}
            for kind, (label, colour) in kinds.items()
            if kind == "ok" or any(row.get(kind) for row in found.values())
        }
        for kinds, found in zip((ROWS, SAMPLES), data, strict=True)
    ]
    write_section(
        folder / "harmonise_mutations_mqc.json",
        "Mutations and samples that count",
        sentence_of(about, samples, lost, renamed),
        "bargraph",
        data,
        settings={
            "data_labels": [
                {"name": "rows of the MAFs", "ylab": "rows"},
                {"name": "samples by panel", "ylab": "samples"},
            ],
            "categories": categories,
        },
        statuses=samples.status,
        links=["mafs.tsv", "dropped.tsv", "samples.tsv", "symbols.tsv", "mutations.tsv.gz"],
        dois=DOIS,
        findings={
            row.cohort: f"{row.counted:,} of {row.rows:,} mutations count, {row.samples_counted:,} patients; "
            + counted(samples.status[samples.cohort == row.cohort])
            for row in about[about.status != "no_maf"].itertuples()
        },
    )
