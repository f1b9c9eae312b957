#!/usr/bin/env python3
"""Sum salmon's transcripts to genes, with the estimates of tximport.

Model      A gene's reads come from its transcripts, in proportion to abundance times effective length, so
           that a switch to a longer transcript raises a gene's reads without more expression.
Estimate   Abundance (TPM) and reads of a gene are sums over its transcripts; its length in a sample is the
           mean of their effective lengths weighted by abundance. Where a gene has no abundance, its length is
           the geometric mean over the samples in which it has, or, if it has in none, the mean over its
           transcripts of their mean effective length. Counts are, by --counts-from-abundance:
             no               the sums of reads;
             scaledTPM        TPM, scaled in each sample to the sum of its reads;
             lengthScaledTPM  TPM times the gene's mean length over samples, scaled likewise.
           DESeqDataSetFromTximport rounds them to whole numbers, and so does counts.tsv.
Assumes    The two scaled kinds are free of differences in length between samples and need no offsets; `no` is
           not, and has DESeq2 take lengths.tsv as offsets. differential_expression takes counts alone: with
           `no`, a difference in transcript usage can look like one in expression.
Ids        A transcript of quant.sf is found in the annotation by its whole name; else by what comes before
           its first |; else without version, if that leaves one gene. What is not found is left out of
           the counts, and listed, like the transcripts of the annotation that salmon's index does not have.
Why here   R is not needed for sums. It agrees with tximport 1.26.1 to 1e-8 in all three kinds.
Reference  Soneson, Love and Robinson 2015, F1000Research 4:1521, doi:10.12688/f1000research.7563.2
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
from common.cli import FOLDER, INPUT, RESULTS, InputError, Script
from common.multiqc import write_section, write_versions
from common.tables import GENES, SAMPLES, read_table, write_table

METHODS = ("no", "scaledTPM", "lengthScaledTPM")
HEADER = b"Name\tLength\tEffectiveLength\tTPM\tNumReads"
LENGTH, TPM, READS = 2, 3, 4  # columns of quant.sf
VERSION = re.compile(r"\.\d+(?=$|_PAR_Y$|_\d+$)")
MAX_UNMATCHED = 0.1  # of a sample's fragments: beyond it, index and annotation are of different releases
WAYS = {"whole": "as they are", "bar": "up to the first |", "version": "without version"}
DOIS = ["10.12688/f1000research.7563.2"]
COLOURS = {"genes": "#6B6B6B", "unmatched": "#E69F00"}


class Matching(NamedTuple):
    """Which gene each transcript of quant.sf belongs to."""

    gene: np.ndarray  # per transcript of quant.sf: row of `genes`, or -1
    genes: pd.DataFrame  # gene_id, gene_name of genes that have a transcript, in the annotation's order
    ways: dict[str, int]  # how many transcripts were found in which way
    absent: pd.DataFrame  # rows of the annotation whose transcripts quant.sf does not have


class Sums(NamedTuple):
    """What the samples say of genes (genes x samples) before any choice of counts."""

    reads: np.ndarray
    tpm: np.ndarray
    lengths: np.ndarray  # effective, nt
    unmatched: np.ndarray  # reads, transcripts of no gene x samples


def lines_of(path: Path) -> list[bytes]:
    """Read the lines of a quant.sf below its header."""
    header, *lines = path.read_bytes().splitlines() or [b""]
    if header != HEADER:
        expected = HEADER.decode().replace("\t", ", ")
        raise InputError(f"{shown(path)}, row 1: found other columns; expected {expected}, as salmon writes")
    if not lines:
        raise InputError(f"{shown(path)}, row 2: found no transcript; expected at least one")
    return lines


def shown(path: Path) -> str:
    """Call a quant.sf by its sample's folder."""
    return f"{path.parent.name}/{path.name}"


def name_of(line: bytes) -> str:
    """Return the first field of a line."""
    return line.partition(b"\t")[0].decode()


def read_names(path: Path) -> list[str]:
    """Read the names of a quant.sf, each of which is there once."""
    names = [name_of(line) for line in lines_of(path)]
    if len(set(names)) < len(names):
        repeated = pd.Series(names)[pd.Series(names).duplicated()].iloc[0]
        raise InputError(
            f"{shown(path)}, Name: found {repeated} more than once; expected each transcript once"
        )
    return names


def read_samples(paths: Sequence[Path], names: Sequence[str]) -> Iterator[np.ndarray]:
    """Read effective length, TPM and reads (transcripts x 3) of each sample, in the order of `names`.

    Raises InputError if a sample has other transcripts than the first, or what is no number from 0 on.
    """
    beginnings = [f"{name}\t".encode() for name in names]
    for path in paths:
        lines = lines_of(path)
        values = read_values(path, lines)
        # The names are compared where they lie: taking them out of every file would double the time.
        if len(lines) == len(names) and all(map(bytes.startswith, lines, beginnings)):
            yield values
        else:
            yield values[order_of([name_of(line) for line in lines], names, path, paths[0])]


def read_values(path: Path, lines: Sequence[bytes]) -> np.ndarray:
    """Read the numbers of a quant.sf (transcripts x 3), whose lines are given for messages."""
    columns = (LENGTH, TPM, READS)
    try:
        values = np.loadtxt(path, delimiter="\t", skiprows=1, usecols=columns, comments=None, ndmin=2)
    except ValueError as error:
        raise InputError(f"{shown(path)}: {error}") from error
    if len(wrong := np.flatnonzero(~(np.isfinite(values) & (values >= 0)).all(axis=1))):
        numbers = ", ".join(f"{value:g}" for value in values[wrong[0]])
        found = f"{name_of(lines[wrong[0]])} with {numbers}"
        raise InputError(f"{shown(path)}, row {wrong[0] + 2}: found {found}; expected numbers, 0 or more")
    return values


def order_of(own: Sequence[str], names: Sequence[str], path: Path, first: Path) -> list[int]:
    """Find where each of `names`, those of `first`, stands among the own names of a sample."""
    place = {name: row for row, name in enumerate(own)}
    missing = [name for name in names if name not in place]
    added = sorted(place.keys() - set(names))
    if missing or added or len(place) < len(own):
        differ = [
            f"{len(some):,} {which} (such as {some[0]})"
            for some, which in ((missing, "missing"), (added, "added"))
            if some
        ]
        raise InputError(
            f"{shown(path)}, Name: found other transcripts than in {shown(first)}: "
            f"{' and '.join(differ) or 'some more than once'}; expected one salmon index for all samples"
        )
    return [place[name] for name in names]


def without_version(name: str) -> str:
    """Take the version off an id: ENST00000381192.10_PAR_Y becomes ENST00000381192_PAR_Y."""
    return VERSION.sub("", name)


def match(names: Sequence[str], annotation: pd.DataFrame) -> Matching:
    """Find the gene of each transcript; `annotation` has transcript_id, gene_id, gene_name."""
    row_of = {name: row for row, name in enumerate(annotation.transcript_id)}
    rows = np.array([row_of.get(name, -1) for name in names])
    ways = {"whole": int((rows >= 0).sum()), "bar": 0, "version": 0}
    if (rows < 0).any():
        gene_ids = annotation.gene_id.to_numpy()
        plain: dict[str, int] = {}
        for name, row in row_of.items():
            bare = without_version(name)
            other = plain.setdefault(bare, row)
            if other >= 0 and gene_ids[other] != gene_ids[row]:
                plain[bare] = -1
        for at in np.flatnonzero(rows < 0):
            before = names[at].partition("|")[0]
            for way, row in (
                ("bar", row_of.get(before, -1)),
                ("version", plain.get(without_version(before), -1)),
            ):
                if row >= 0:
                    rows[at], ways[way] = row, ways[way] + 1
                    break
    matched = rows >= 0
    found = np.zeros(len(annotation), dtype=bool)
    found[rows[matched]] = True
    codes, ids = pd.factorize(annotation.gene_id)
    measured = np.zeros(len(ids), dtype=bool)
    measured[codes[rows[matched]]] = True
    gene = np.full(len(names), -1)
    gene[matched] = (np.cumsum(measured) - 1)[codes[rows[matched]]]
    first = annotation[GENES].drop_duplicates("gene_id")
    return Matching(gene, first[measured].reset_index(drop=True), ways, annotation[~found])


def sum_samples(quantified: Iterable[np.ndarray], gene: np.ndarray, genes: int) -> Sums:
    """Sum transcripts to genes, a sample (transcripts x effective length, TPM, reads) after the other."""
    known = gene >= 0
    owner = gene[known]
    total_length = np.zeros(len(owner))
    columns = []
    for values in quantified:
        length, tpm, reads = values[known].T
        total_length += length
        sums = [np.bincount(owner, weights, genes) for weights in (reads, tpm, tpm * length)]
        columns.append((*sums, values[~known, 2]))
    reads, tpm, weighted, unmatched = (np.column_stack(each) for each in zip(*columns, strict=True))
    mean_length = np.bincount(owner, total_length / len(columns), genes) / np.bincount(owner, minlength=genes)
    lengths = np.divide(weighted, tpm, out=np.full_like(tpm, np.nan), where=tpm > 0)
    return Sums(reads, tpm, filled(lengths, mean_length), unmatched)


def filled(lengths: np.ndarray, mean_length: np.ndarray) -> np.ndarray:
    """Fill missing lengths (genes x samples) with the gene's geometric mean, or else `mean_length`."""
    known = np.isfinite(lengths)
    logs = np.log(lengths, out=np.zeros_like(lengths), where=known)
    number = known.sum(axis=1)
    usual = np.where(number, np.exp(logs.sum(axis=1) / np.maximum(number, 1)), mean_length)
    return np.where(known, lengths, usual[:, None])


def estimate(sums: Sums, method: str) -> np.ndarray:
    """Estimate counts (genes x samples, fractional) by one of METHODS; they sum to the sample's reads."""
    if method == "no":
        return sums.reads
    counts = sums.tpm if method == "scaledTPM" else sums.tpm * sums.lengths.mean(axis=1, keepdims=True)
    return counts * (sums.reads.sum(axis=0) / counts.sum(axis=0))


def judge(samples: pd.DataFrame, sums: Sums, counted: Sequence[str]) -> pd.DataFrame:
    """Say of each sample how many fragments were assigned to genes, and whether that is enough."""
    table = samples[["sample", "line", "condition"]].set_index("sample")
    figures = pd.DataFrame(
        {
            "fragments": sums.reads.sum(axis=0) + sums.unmatched.sum(axis=0),
            "assigned_fragments": sums.reads.sum(axis=0),
            "genes_detected": (sums.reads > 0).sum(axis=0),
        },
        index=list(counted),
    )
    table = table.join(figures)
    table["assigned_rate"] = table.assigned_fragments / table.fragments.where(table.fragments > 0)
    table[["fragments", "assigned_fragments"]] = table[["fragments", "assigned_fragments"]].round()
    table["status"], table["reason"] = "ok", ""
    for name, row in table.iterrows():
        if pd.isna(row.fragments):
            verdict = (
                "not_quantified",
                "not quantified by salmon: quantify_transcripts/quant.tsv says why",
            )
        elif not row.assigned_fragments:
            verdict = "nothing_assigned", f"0 of {row.fragments:,.0f} fragments in transcripts of the GTF"
        elif 1 - row.assigned_rate > MAX_UNMATCHED:
            reason = f"{1 - row.assigned_rate:.1%} of fragments in transcripts that the GTF does not have"
            verdict = "unmatched_transcripts", f"{reason}, above {MAX_UNMATCHED:.0%}"
        else:
            continue
        table.loc[name, ["status", "reason"]] = verdict
    table = table.astype(dict.fromkeys(("fragments", "assigned_fragments", "genes_detected"), "Int64"))
    order = ["line", "condition", "fragments", "assigned_fragments", "assigned_rate", "genes_detected"]
    return table[[*order, "status", "reason"]].reset_index()


def left_out(names: Sequence[str], matching: Matching, sums: Sums) -> pd.DataFrame:
    """List the transcripts that only quant.sf has, most fragments first, then those that only the GTF has."""
    fragments = sums.unmatched.sum(axis=1)
    total = sums.reads.sum() + fragments.sum()
    only_quant = pd.DataFrame(
        {
            "transcript_id": np.array(names, dtype=object)[matching.gene < 0],
            "gene_id": None,
            "gene_name": None,
            "fragments": fragments,
            "share": fragments / total if total else 0.0,
            "status": "not_in_annotation",
            "reason": "no such transcript in the GTF: its fragments are in no gene",
        }
    )
    only_quant = only_quant.sort_values("fragments", ascending=False, kind="stable")
    only_gtf = matching.absent.assign(
        status="not_in_index",
        reason="no such transcript in salmon's index (a sequence identical to another's is kept once there)",
    )
    return pd.concat([only_quant, only_gtf[["transcript_id", *GENES, "status", "reason"]]], ignore_index=True)


def write_matrix(genes: pd.DataFrame, values: np.ndarray, samples: Sequence[str], path: Path) -> None:
    """Write genes and their values to 10 significant digits, as write_table does in four times the time."""
    number = "\t%d" if values.dtype.kind == "i" else "\t%.10g"
    row = "%s\t%s" + number * len(samples) + "\n"
    names = zip(genes.gene_id, genes.gene_name.fillna(""), values.tolist(), strict=True)
    with path.open("w", encoding="utf-8") as file:
        file.write("\t".join([*GENES, *samples]) + "\n")
        file.writelines(row % (gene_id, gene_name, *numbers) for gene_id, gene_name, numbers in names)


def describe(
    names: Sequence[str], matching: Matching, table: pd.DataFrame, lost: pd.DataFrame, method: str
) -> str:
    """Say what was summed, how ids were found, and what was left out."""
    counted = (table.status != "not_quantified") & (table.status != "nothing_assigned")
    strange = lost[lost.status == "not_in_annotation"]
    said = [
        f"{numbered(sum(matching.ways.values()), 'transcript')} were summed to "
        f"{numbered(len(matching.genes), 'gene')} in {counted.sum()} of {numbered(len(table), 'sample')} "
        f"(counts from abundance: {method})."
    ]
    if matching.ways["bar"] or matching.ways["version"]:
        how = ", ".join(f"{number:,} {WAYS[way]}" for way, number in matching.ways.items() if number)
        said.append(f"They were found in the GTF by their ids: {how}.")
    if len(strange):
        number, share = numbered(len(strange), "transcript"), f"{strange.share.sum():.2%}"
        said.append(f"Left out: {number} that the GTF does not have, with {share} of all fragments.")
    if absent := len(lost) - len(strange):
        said.append(f"Not in salmon's index: {numbered(absent, 'transcript')} of the GTF.")
    return " ".join(said)


def numbered(number: int, noun: str) -> str:
    """Write `1 gene` and `2 genes`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def write_report(results: Path, table: pd.DataFrame, sentence: str) -> None:
    """Write the section: fragments of each sample, in genes and not."""
    counted = table.dropna(subset="fragments")
    write_section(
        results / "gene_counts_mqc.json",
        "Gene counts",
        sentence,
        "bargraph",
        {
            row.sample: {
                "genes": int(row.assigned_fragments),
                "unmatched": int(row.fragments - row.assigned_fragments),
            }
            for row in counted.itertuples()
        },
        settings={
            "ylab": "fragments",
            "categories": {
                "genes": {"name": "assigned to genes", "color": COLOURS["genes"]},
                "unmatched": {"name": "in transcripts missing from the GTF", "color": COLOURS["unmatched"]},
            },
        },
        statuses=table.status,
        links=["counts.tsv", "tpm.tsv", "lengths.tsv", "assigned.tsv", "unmatched.tsv"],
        dois=DOIS,
        findings={
            line: "; ".join(f"{row.sample} {row.status} ({row.reason})" for row in rows.itertuples())
            for line, rows in table[table.status != "ok"].groupby("line", sort=False)
        },
    )


@click.command(cls=Script)
@click.option(
    "--samples", "sheet", type=INPUT, required=True, help="TSV: sample, line, condition, role, replicate."
)
@click.option(
    "--quantified",
    type=FOLDER,
    required=True,
    help="Folder of salmon's folders, named by sample; absent: none.",
)
@click.option(
    "--genes", "annotation", type=INPUT, required=True, help="TSV: transcript_id, gene_id, gene_name."
)
@click.option(
    "--counts-from-abundance",
    type=click.Choice(METHODS),
    default="lengthScaledTPM",
    show_default=True,
    help="Kind of counts, as in tximport.",
)
@RESULTS
def main(sheet: Path, quantified: Path, annotation: Path, counts_from_abundance: str, results: Path) -> None:
    """Sum transcripts to genes: counts, abundances (TPM) and effective lengths (nt)."""
    samples = read_table(sheet, SAMPLES, further=True)
    paths = {name: quantified / name / "quant.sf" for name in samples["sample"]}
    paths = {name: path for name, path in paths.items() if path.exists()}
    if not paths:
        raise InputError(
            f"no sample has counts: salmon quantified none of the {len(samples)} samples of {sheet.name} "
            "(quantify_transcripts/quant.tsv says why of each); expected at least one"
        )
    genes = read_table(annotation, dict.fromkeys(["transcript_id", *GENES], "str"))
    first = next(iter(paths.values()))
    names = read_names(first)
    matching = match(names, genes)
    if not len(matching.genes):
        raise InputError(
            f"{shown(first)}, Name: found {names[0]} and {len(names) - 1:,} more, none of which is in the "
            f"GTF (such as {genes.transcript_id[0]}); expected an index of the GTF's transcripts"
        )
    quantified_samples = read_samples(list(paths.values()), names)
    sums = sum_samples(quantified_samples, matching.gene, len(matching.genes))
    table, lost = judge(samples, sums, list(paths)), left_out(names, matching, sums)
    full = sums.reads.any(axis=0) & sums.tpm.any(axis=0)
    if not full.any():
        raise InputError("no sample has counts: 0 fragments in transcripts of the GTF in all samples")

    counted = [name for name, any_reads in zip(paths, full, strict=True) if any_reads]
    sums = Sums(*(each[:, full] for each in sums))
    counts = np.rint(estimate(sums, counts_from_abundance)).astype(np.int64)
    write_matrix(matching.genes, counts, counted, results / "counts.tsv")
    write_matrix(matching.genes, sums.tpm, counted, results / "tpm.tsv")
    write_matrix(matching.genes, sums.lengths, counted, results / "lengths.tsv")
    write_table(samples[samples["sample"].isin(counted)], results / "samples.tsv")
    write_table(table, results / "assigned.tsv")
    write_table(lost, results / "unmatched.tsv")
    write_report(results, table, describe(names, matching, table, lost, counts_from_abundance))
    write_versions(results / "versions.tsv", "numpy", "pandas")


if __name__ == "__main__":
    main()
