"""Write an analysis's sections of the report, and the versions of what it used."""

import json
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import pandas as pd


def counted(statuses: Iterable[str]) -> str:
    """Count statuses in words: `ok 12, no_replicates 3`, the most frequent first."""
    counts = pd.Series(list(statuses), dtype="str").value_counts()
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{status} {count:,}" for status, count in ordered)


def listed(words: Iterable[str], most: int | None = None) -> str:
    """Write a list in words: `A, B and C`; `none` if it is empty; `A and 7 more` of more than `most`."""
    words = list(words)
    if most is not None and len(words) > most:
        words = [*words[:most], f"{len(words) - most:,} more"]
    *first, last = words or ["none"]
    return f"{', '.join(first)} and {last}" if first else last


def write_section(
    path: Path,
    title: str,
    sentence: str,
    plot_type: str,
    data: object,
    *,
    settings: Mapping[str, object] | None = None,
    table: str = "",
    statuses: Iterable[str] = (),
    links: Sequence[str] = (),
    dois: Sequence[str] = (),
    findings: Mapping[str, str] | None = None,
    answers: Mapping[str, Sequence[str]] | None = None,
    samples: Mapping[str, Mapping[str, Mapping[str, object]]] | None = None,
) -> None:
    """Write a MultiQC section: one sentence and one plot, drawn from data.

    `path` is <analysis>_mqc.json or <analysis>_<what>_mqc.json: the report places it by that.
    `plot_type` and `data` are MultiQC's (custom content); `settings` its pconfig.
    `table` names the published table (`summary.tsv`) whose columns a plot_type `table` shows:
    report.py takes their meaning from the data dictionary. `statuses` are counted under the sentence,
    `links` name files of results/<analysis>/, `dois` the method's papers.
    `findings` has what was found, in a few words, by line or contrast: the report lists them by name.
    `answers` has sentences with numbers for each question (report.py's QUESTIONS) that the analysis answers.
    `samples` has by published table, sample and column what the report's one table of all samples shows.
    """
    section = {
        "id": path.name.removesuffix("_mqc.json"),
        "section_name": title,
        "description": sentence,
        "plot_type": plot_type,
        "pconfig": dict(settings or {}),
        "data": data,
        "nrf2flow": {
            "table": table,
            "statuses": counted(statuses),
            "links": list(links),
            "dois": list(dois),
            "findings": dict(findings or {}),
            "answers": {question: list(said) for question, said in (answers or {}).items()},
            "samples": dict(samples or {}),
        },
    }
    path.write_text(json.dumps(section, indent=1, allow_nan=False) + "\n")


def rows_of(table: pd.DataFrame) -> dict[str, dict[str, object]]:
    """Turn a table, its index the row names, into the data of a section; missing stays empty."""
    return {str(name): row.dropna().to_dict() for name, row in table.astype(object).iterrows()}


def write_versions(path: Path, *packages: str, **programs: str) -> None:
    """Write the versions of installed Python packages, and those given of programs.

    A line is `name<TAB>version`; there is no header.
    """
    versions = {package: version(package) for package in packages} | programs
    path.write_text("".join(f"{name}\t{versions[name]}\n" for name in sorted(versions)))
