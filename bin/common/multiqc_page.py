"""Have MultiQC show sections as they were given: all of them, whole, and in their order."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from math import nan
from pathlib import Path
from typing import NamedTuple

from common.program_logs import lay_out_logs

SERIES = ("bargraph", "box", "linegraph", "scatter")
EMPTY = (None, [], {})
BESIDE_PCONFIG = {"bargraph": ("categories",), "heatmap": ("xcats", "ycats")}
# From low to high, as common.figures.DIVERGING; told apart with any colour vision.
DIVERGING = [[0, "#2166AC"], [0.25, "#92C5DE"], [0.5, "#F7F7F7"], [0.75, "#F4A582"], [1, "#B2182B"]]
# By default everything is in the order in which the analysis gives it. "%" in an axis label is no unit.
AS_GIVEN = {
    "bargraph": {
        "cpswitch": False,
        "hide_zero_cats": False,
        "sort_samples": False,
        "xsuffix": "",
        "ysuffix": "",
    },
    "box": {"sort_samples": False, "xsuffix": "", "ysuffix": ""},
    "heatmap": {"square": False, "colstops": DIVERGING},
    "linegraph": {"xsuffix": "", "ysuffix": ""},
    "scatter": {"xsuffix": "", "ysuffix": ""},
    "table": {"no_violin": True, "scale": False, "sort_rows": False},
    "violin": {"scale": False, "sort_rows": False},
}
STROKE = "\ue000"  # a character of no script; MultiQC turns it into / again
# Of MultiQC's data folder: its log, prompt for a language model and the like, and what is no table.
LEFT_OUT = (
    "llms-full.txt",
    "multiqc.log",
    "multiqc.parquet",
    "multiqc_citations.txt",
    "multiqc_fastp.txt",
    "multiqc_sources.txt",
)
# Of its JSON, the content.
KEPT = ("report_plot_data", "report_saved_raw_data")


class Group(NamedTuple):
    """A heading of the report, and a sentence on what its sections show."""

    name: str
    title: str
    shows: str


def content(
    group: Group, name: str, title: str, description: str, kind: str, data: object, **further: object
) -> dict[str, object]:
    """Make a section of MultiQC custom content; `description` is HTML."""
    return {
        "id": f"{name}-section",
        "parent_id": group.name,
        "parent_name": group.title,
        "parent_description": group.shows,
        "section_name": title,
        "description": description,
        "plot_type": kind,
        "data": data,
    } | further


def number_format(values: Sequence[float]) -> str:
    """Choose a format that shows about three digits of the largest value, and no other value as zero."""
    sizes = [abs(value) for value in values if value]
    if all(float(size).is_integer() for size in sizes):
        return "{:,.0f}"
    decimals = 0 if max(sizes) >= 1000 else 1 if max(sizes) >= 100 else 2
    if min(sizes) >= 0.5 * 10.0**-decimals:
        return f"{{:,.{decimals}f}}"
    return "{:,.5g}" if max(sizes) >= 1000 else "{:.3g}"


def as_pairs(points: Mapping[str, float | None]) -> list[list[float]]:
    """Turn {x: y} into [[x, y]]: MultiQC would sort x, a key of JSON, as text. A missing y is a gap."""
    known = any(y is not None for y in points.values())
    return [[float(x), nan if y is None else y] for x, y in points.items()] if known else []


def drawable(kind: str, data: object, settings: dict) -> tuple[object, dict]:
    """Leave out series, and datasets with their labels, that have nothing to draw: MultiQC fails on them."""
    if kind == "heatmap":
        rows = [
            list(row.values()) if isinstance(row, dict) else row
            for row in (data.values() if isinstance(data, dict) else data)
        ]
        return (data if any(cell is not None for row in rows for cell in row) else {}), settings
    if kind not in SERIES:
        return data, settings
    pairs = kind == "linegraph" and not settings.get("categories")
    datasets = [
        {
            name: as_pairs(points) if pairs and isinstance(points, dict) else points
            for name, points in each.items()
        }
        for each in (data if isinstance(data, list) else [data])
    ]
    datasets = [{name: points for name, points in each.items() if points not in EMPTY} for each in datasets]
    labels = settings.get("data_labels") or [str(number) for number in range(1, len(datasets) + 1)]
    kept = [(each, label) for each, label in zip(datasets, labels, strict=True) if each]
    if len(kept) > 1:
        return [each for each, _ in kept], settings | {"data_labels": [label for _, label in kept]}
    further = {key: value for key, value in settings.items() if key != "data_labels"}
    if kept and "data_labels" in settings:  # no button is needed for one dataset, but its name is
        label = kept[0][1] if isinstance(kept[0][1], dict) else {"name": kept[0][1]}
        further |= {"subtitle" if key == "name" else key: value for key, value in label.items()}
    return kept[0][0] if kept else {}, further


def without_strokes(data: object) -> object:
    """Write STROKE for each / in the names of rows and series, which MultiQC would take for paths and cut."""
    return (
        {name.replace("/", STROKE): values for name, values in data.items()}
        if isinstance(data, dict)
        else data
    )


def order_of(groups: Sequence[str], sections: Sequence[str]) -> dict[str, dict[str, int]]:
    """Put groups and their sections into this order: MultiQC begins with the group of the largest number."""
    placed = {name: {"order": -place} for place, name in enumerate(groups)}
    return placed | {name: {"order": place} for place, name in enumerate(sections)}


def run_multiqc(
    made: Sequence[dict],
    settings: Mapping[str, object],
    results: Path,
    logs: Path | None = None,
    programs: Mapping[str, Group] | None = None,
) -> None:
    """Have MultiQC write multiqc_report.html and multiqc_report_data, with the sections in this order.

    `settings` is MultiQC's configuration. `logs` is a folder of what programs wrote, and `programs` has the
    groups that MultiQC's own modules make of it, by the group that each follows; its name is the module's.
    All that MultiQC writes for itself goes to `results`, and is removed.
    """
    with tempfile.TemporaryDirectory(dir=results) as name:
        folder = Path(name).resolve()
        (folder / "sections").mkdir()
        for place, section in enumerate(made):
            written = section | {"data": without_strokes(section["data"])}
            (folder / "sections" / f"{place:03}_mqc.json").write_text(json.dumps(written))
        modules = lay_out_logs(logs, folder / "logs") if logs else []
        followed = {name: group for name, group in (programs or {}).items() if group.name in modules}
        groups = [
            group
            for parent in dict.fromkeys(section["parent_id"] for section in made)
            for group in ([parent, followed[parent].name] if parent in followed else [parent])
        ]
        shown = list(followed.values())
        own = {
            "run_modules": ["custom_content", *(group.name for group in shown)],
            "module_order": [
                {group.name: {"name": group.title, "info": group.shows, "extra": "", "href": [], "doi": []}}
                for group in shown
            ],
            "report_section_order": order_of(groups, [section["id"] for section in made]),
            "sample_names_replace": {STROKE: "/"},
        }
        (folder / "config.yml").write_text(json.dumps({**settings, **own}))  # JSON is YAML
        read = ["sections", "logs"] if shown else ["sections"]
        command = [sys.executable, "-m", "multiqc", *read, "--config", "config.yml", "--force"]
        command += ["--outdir", str(results.resolve()), "--filename", "multiqc_report.html"]
        # What MultiQC writes for itself stays beside the sections: there may be no home folder.
        private = {"HOME": str(folder), "TMPDIR": str(folder), "XDG_CACHE_HOME": str(folder)}
        done = subprocess.run(command, cwd=folder, env=os.environ | private, capture_output=True, text=True)
    # MultiQC only warns of a setting that it does not know, and shows the plot without it.
    if done.returncode or "warnings while parsing" in " ".join((done.stdout + done.stderr).split()):
        raise RuntimeError(f"multiqc failed:\n{done.stdout}{done.stderr}")
    page = (results / "multiqc_report.html").read_text()
    wanted = [f"mqc-section-wrapper-{section['id']}" for section in made]
    wanted += [f"mqc-module-section-{group.name}" for group in shown]
    if lost := [name for name in wanted if f'id="{name}"' not in page]:
        raise RuntimeError(f"multiqc shows no {', '.join(lost)}:\n{done.stdout}{done.stderr}")
    keep_what_is_shown(results / "multiqc_report_data")


def keep_what_is_shown(data: Path) -> None:
    """Leave, of MultiQC's data, a table for each plot and one JSON of all, without this machine's paths."""
    for path in data.iterdir():
        if path.name in LEFT_OUT:
            path.unlink()
    path = data / "multiqc_data.json"
    shown = json.loads(path.read_text())
    path.write_text(json.dumps({key: value for key, value in shown.items() if key in KEPT}) + "\n")
