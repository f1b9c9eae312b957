"""Check that the sheets of an amplicon study go together: samples, primers, Sanger traces, exposures."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from common.read_files import Seen, check_reads
from common.sheets import Problems, check_conditions, check_once, listed, meant, shown

# What must not fall along an amplicon, as far as < says so, from its start to its end.
BORDERS = {
    "left_start": ("start", "start, or more"),
    "left_end": ("left_start", "more than left_start"),
    "right_start": ("left_end", "more than left_end: what lies between the primers is looked at"),
    "right_end": ("right_start", "more than right_start"),
    "end": ("right_end", "right_end, or more"),
}
MAY_TOUCH = ("left_start", "end")  # these may be equal to the border before
A_TRACE = "an AB1 file, by its path from the sheet's folder, its absolute path or its address"


def check_primers(name: str, primers: pd.DataFrame, problems: Problems) -> None:
    """Find amplicons whose borders are out of order, and pairs of primers that two of them have."""
    for border, (before, expected) in BORDERS.items():
        for row, low, high in primers[[before, border]].dropna().itertuples(name=None):
            if int(high) < int(low) + (border not in MAY_TOUCH):
                problems.add(f"{name}, row {row}, {border}", f"{high}, with {before} {low}", expected)
    pair = ["chrom", "left_start", "left_end", "right_start", "right_end"]
    first: dict[tuple[str, ...], int] = {}
    for row, *places in primers[pair].dropna().itertuples(name=None):
        check_once(f"{name}, row {row}, primers", tuple(places), row, first, problems)


def check_sanger(
    name: str,
    traces: pd.DataFrame,
    found: Mapping[str, Seen],
    genes: Iterable[str],
    amplicons: bool,
    problems: Problems,
) -> None:
    """Find traces that are not there, of other genes, or without an expected change where nothing tells it.

    `amplicons` says whether there is an amplicon study, whose variants are looked for.
    """
    known = list(genes)
    for row, cell in traces.ab1.dropna().items():
        if fault := found.get(cell, Seen(cell)).fault():
            problems.add(f"{name}, row {row}, ab1", fault, A_TRACE)
    for row, gene in traces.gene.dropna().items():
        if known and gene not in known:
            expected = f"a gene of --target_genes: {listed(known)}"
            problems.add(f"{name}, row {row}, gene", f"{shown(gene)}{meant(gene, known)}", expected)
    for row in traces.index[traces.expected.eq("")] if not amplicons else ():
        expected = "the change to look for, such as p.V512I, or --amplicons, whose variants are looked for"
        problems.add(f"{name}, row {row}, expected", "nothing", expected)


def note_lines(
    name: str, samples: pd.DataFrame, others: Mapping[str, pd.DataFrame], reference: str, problems: Problems
) -> None:
    """Note the lines that cannot be compared, and those that are nearly, but not quite, in another sheet.

    `others` are sheets with lines, by what problems call them.
    """
    for line, rows in samples.groupby("line", sort=False):
        conditions = list(rows.condition.dropna().unique())
        if reference not in conditions:
            problems.note(name, f"line {line} has no {reference} sample: its variants cannot be compared")
        elif len(conditions) == 1:
            problems.note(name, f"line {line} has {reference} samples only: nothing to compare with them")
    for other, sheet in others.items():
        known = list(sheet.line.dropna().unique())
        for line in samples.line.dropna().unique():
            if line not in known and meant(line, known):
                problems.note(name, f"line {line} is not in {other}{meant(line, known)}")


def check_exposures(name: str, exposures: pd.DataFrame, problems: Problems) -> None:
    """Find exposures that are all zero."""
    shares = exposures.share.dropna()
    if len(shares) == len(exposures) and not (shares.astype(float) > 0).any():
        problems.add(f"{name}, all rows, share", "0", "a share above 0 of one signature at least")


def check_amplicons(
    names: Mapping[str, str],
    tables: Mapping[str, pd.DataFrame],
    found: Mapping[str, Mapping[str, Seen]],
    right: Mapping,
    conditions: Sequence[str],
    problems: Problems,
) -> None:
    """Check the sheets of amplicons, primers, traces and exposures, as far as they are given.

    `names` (as problems call them) and `tables` are by parameter, `found` (files) by parameter and cell;
    `conditions` are those that samples may have.
    """
    primers, traces, exposures = (tables.get(name) for name in ("primers", "sanger", "signature_exposures"))
    if (lanes := tables.get("amplicons")) is not None:
        name, sheets = names["amplicons"], ("rnaseq", "sanger")
        check_reads(name, lanes.assign(bam=""), found.get("amplicons", {}), {"FASTQ"}, problems)
        check_conditions(name, lanes, conditions, problems)
        others = {names[other]: tables[other] for other in sheets if other in tables}
        note_lines(name, lanes, others, right["reference_condition"], problems)
    if primers is not None:
        check_primers(names["primers"], primers, problems)
    if traces is not None:
        files, genes = found.get("sanger", {}), tables.get("target_genes", traces).gene.dropna()
        check_sanger(names["sanger"], traces, files, genes, lanes is not None, problems)
        check_conditions(names["sanger"], traces, conditions, problems)
    if exposures is not None:
        check_exposures(names["signature_exposures"], exposures, problems)
