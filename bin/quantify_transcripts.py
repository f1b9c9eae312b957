#!/usr/bin/env python3
"""Quantify transcripts with salmon, and judge each library: how much maps, and from which strand.

Model      salmon's selective alignment and variational EM, with its corrections for the sequence at fragment
           ends and for the GC content of fragments. It finds the type of the library by itself.
Mapping    Share of the fragments (pairs, or single reads) that salmon assigns to transcripts. Below
           --min-mapping-rate a sample is marked: contamination, genomic DNA or another species.
Strand     Share of fragments whose first read lies on the transcript's own strand, of those with a strand;
           at 0.7 and more the library is forward, below 0.3 reverse, between them unstranded: salmon's own
           limits. salmon decides after 50,000 fragments, leaves out those of the other strand from there
           on, and calls a smaller library unstranded whatever it is; so the share is judged here. With
           fewer than 100 fragments nothing is said. Where the sheet says otherwise, the sample is marked,
           and counted as it was found to be.
Repeats    salmon has no seed: it draws fragments for its models of bias at random, and several threads meet
           fragments in an order of chance. What quant.tsv holds is the same in each run with one thread
           (and with several, but for libraries of mixed strand, by a few fragments). Abundances are not
           the same to the last digit with any number: with 20,000 fragments, effective lengths differ by
           up to 3 % (less with more), as do the shares of transcripts that look alike.

References: Patro et al. 2017, Nat Methods 14:417, doi:10.1038/nmeth.4197;
            Srivastava et al. 2020, Genome Biol 21:239, doi:10.1186/s13059-020-02151-8
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import click
import pandas as pd
from common.cli import FOLDER, INPUT, RESULTS, InputError, Script
from common.multiqc import rows_of, write_section, write_versions
from common.programs import ProgramError, check_fits, program_version, run
from common.tables import SAMPLES, read_table, write_table

OPTIONS = ("--gcBias", "--seqBias", "--validateMappings", "--minAssignedFrags", "1")
# salmon's names of how a fragment lies: mates inward, outward or matching, and the strand of the first.
FORWARD, REVERSE = ("ISF", "OSF", "MSF", "SF"), ("ISR", "OSR", "MSR", "SR")
STRANDED = 0.7  # share of fragments on one strand
MIN_STRANDED = 100  # fragments: the share's standard error is 0.05 at most
NOT_SAID = ("", "auto")

ROW = {
    **{"sample": "str", "fragments": "Int64", "mapped_fragments": "Int64", "mapping_rate": "float64"},
    **{"decoy_rate": "float64", "library_type": "str"},
    **{"stranded_fragments": "Int64", "forward_rate": "float64", "status": "str", "reason": "str"},
}
COLUMNS = [
    *("sample", "fragments", "mapped_fragments", "mapping_rate", "decoy_rate"),
    *("library_type", "stranded_fragments", "forward_rate", "strandedness_found", "strandedness"),
    *("strandedness_agrees", "status", "reason"),
]
SHOWN = [
    *("status", "fragments", "mapping_rate", "library_type", "forward_rate"),
    *("strandedness_found", "strandedness", "strandedness_agrees", "reason"),
]
PARTS = {"transcripts": "#56B4E9", "other places of the genome": "#E69F00", "nowhere": "#D9D9D9"}
DOIS = ["10.1038/nmeth.4197", "10.1186/s13059-020-02151-8"]


def check_index(index: Path, memory: int) -> None:
    """Refuse a folder that is not an index of salmon, or that is larger than the memory (MB)."""
    if not (index / "versionInfo.json").is_file():
        raise InputError(f"{index.name}: has no versionInfo.json, expected an index of salmon")
    check_fits(index, index.iterdir(), "salmon", memory)


def salmon_command(reads: list[Path], index: Path, threads: int, folder: Path) -> list[object]:
    """Compose salmon's command for one library: two files if it is paired."""
    files = ["--unmatedReads", *reads] if len(reads) == 1 else ["--mates1", reads[0], "--mates2", reads[1]]
    return [
        *("salmon", "quant", "--index", index, "--libType", "A", *files),
        *(*OPTIONS, "--threads", threads, "--output", folder),
    ]


def read_log(folder: Path, name: str) -> dict:
    """Read one of salmon's JSON files; without it there is nothing."""
    path = folder / name
    return json.loads(path.read_text()) if path.is_file() else {}


def quantify(reads: list[Path], index: Path, threads: int, folder: Path) -> tuple[dict, dict]:
    """Run salmon into a folder; returns what it says of the run and how many fragments lie in which way.

    salmon ends with an error where no fragment maps: that is a result.
    """
    try:
        run(salmon_command(reads, index, threads, folder))
    except ProgramError:
        if read_log(folder, "aux_info/meta_info.json").get("num_mapped") != 0:
            raise
    return read_log(folder, "aux_info/meta_info.json"), read_log(folder, "lib_format_counts.json")


def summarise(meta: Mapping, formats: Mapping) -> dict[str, object]:
    """Turn salmon's numbers into a row, not yet judged."""
    fragments, mapped = meta["num_processed"], meta["num_mapped"]
    row = {"fragments": fragments, "mapped_fragments": mapped, "status": "ok", "reason": ""}
    if fragments:
        row |= {"mapping_rate": mapped / fragments}
        row |= {"decoy_rate": meta.get("num_decoy_fragments", 0) / fragments}
    if not mapped:
        reason = f"none of {fragments:,} fragments maps to the transcripts"
        return row | {"status": "nothing_mapped", "reason": reason}
    forward, reverse = (sum(formats.get(name, 0) for name in names) for names in (FORWARD, REVERSE))
    row |= {"library_type": meta["library_types"][0], "stranded_fragments": forward + reverse}
    if forward + reverse:
        row["forward_rate"] = forward / (forward + reverse)
    return row


def strandedness_of(stranded: float, rate: float) -> str:
    """Say what a library is, by the number of fragments that have a strand, and the share that is forward."""
    if pd.isna(stranded) or stranded < MIN_STRANDED:
        return ""
    if rate >= STRANDED:
        return "forward"
    return "unstranded" if rate >= 1 - STRANDED else "reverse"


def judge(row: Mapping, min_mapping_rate: float) -> tuple[str, str, str]:
    """Hold a row to the sheet and to the threshold: whether strandedness agrees, status, reason."""
    if row["status"] != "ok":
        return "not_assessable", row["status"], row["reason"]
    said, found = row["strandedness"], row["strandedness_found"]
    agrees = "not_assessable" if said in NOT_SAID or not found else "yes" if said == found else "no"
    reasons = []
    if agrees == "no":
        counted = f"{row['forward_rate']:.1%} of {row['stranded_fragments']:,} fragments are forward"
        reasons.append(f"the sheet says {said}, and {counted}: {found}")
    if row["mapping_rate"] < min_mapping_rate:
        rate = f"{row['mapping_rate']:.1%} of {row['fragments']:,} fragments map to the transcripts"
        reasons.insert(0, f"{rate}, fewer than {min_mapping_rate:.0%}")
        return agrees, "low_mapping_rate", "; ".join(reasons)
    return agrees, "strandedness_differs" if reasons else "ok", "; ".join(reasons)


def gather(samples: pd.DataFrame, folder: Path, min_mapping_rate: float) -> pd.DataFrame:
    """Put the rows into one table, in the samples' order, and judge them; one without a row has a reason."""
    absent = {"status": "no_reads", "reason": "no reads were left to quantify: see trim_reads"}
    rows = []
    for sample in samples["sample"]:
        path = folder / f"{sample}.quant.tsv"
        known = read_table(path, ROW).iloc[0].to_dict() if path.is_file() else absent
        rows.append({"sample": sample} | known)
    table = pd.DataFrame(rows, columns=list(ROW)).astype(
        {column: kind for column, kind in ROW.items() if kind != "str"}
    )
    table[["library_type", "reason"]] = table[["library_type", "reason"]].astype("object").fillna("")
    said = samples["strandedness"] if "strandedness" in samples else pd.Series("", samples.index, dtype="str")
    table["strandedness"] = said.fillna("").to_numpy()
    found = zip(table.stranded_fragments, table.forward_rate, strict=True)
    table["strandedness_found"] = [strandedness_of(*pair) for pair in found]
    judged = [judge(row, min_mapping_rate) for row in table.to_dict("records")]
    table[["strandedness_agrees", "status", "reason"]] = judged
    return table[COLUMNS]


def shares(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """List what the bars show: percentages of each sample's fragments."""
    drawn = {}
    for row in table[table.mapping_rate.notna()].itertuples():
        parts = (row.mapping_rate, row.decoy_rate, 1 - row.mapping_rate - row.decoy_rate)
        drawn[row.sample] = {name: round(100 * part, 3) for name, part in zip(PARTS, parts, strict=True)}
    return drawn


def describe(table: pd.DataFrame) -> str:
    """Say how many samples were quantified, how much mapped, and which strand they are of."""
    rates = table.mapping_rate.dropna() * 100
    if not len(rates):
        return "No sample has reads that could be quantified."
    sentences = [
        f"salmon assigned {rates.min():.1f} to {rates.max():.1f} % of a sample's fragments to transcripts "
        f"(median {rates.median():.1f} %; {len(rates)} of {len(table)} samples)."
    ]
    found = table.strandedness_found[table.strandedness_found != ""].value_counts()
    if len(found):
        kinds = ", ".join(f"{name} {found[name]}" for name in sorted(found.index))
        sentences.append(f"By the strand of their fragments, libraries are: {kinds}.")
    if differ := int((table.strandedness_agrees == "no").sum()):
        sentences.append(f"In {differ} the sheet says otherwise.")
    return " ".join(sentences)


def write_sections(results: Path, samples: pd.DataFrame, table: pd.DataFrame) -> None:
    """Write the sections: mapping rates as bars, and the libraries as a table."""
    doubtful = table.assign(line=samples.line.to_numpy())[(table.status != "ok").to_numpy()]
    usual = {"statuses": table.status, "links": ["quant.tsv"], "dois": DOIS}
    write_section(
        results / "quantify_transcripts_mqc.json",
        "Mapped fragments",
        describe(table),
        "bargraph",
        shares(table),
        settings={
            **{"ylab": "% of fragments", "ymin": 0, "ymax": 100, "tt_decimals": 1, "tt_suffix": " %"},
            "categories": {name: {"name": name, "color": colour} for name, colour in PARTS.items()},
        },
        findings={
            line: "; ".join(f"{row.sample} {row.status} ({row.reason})" for row in of_line.itertuples())
            for line, of_line in doubtful.groupby("line", sort=False)
        },
        samples={"quant.tsv": rows_of(table.set_index("sample")[["mapping_rate"]])},
        **usual,
    )
    write_section(
        results / "quantify_transcripts_libraries_mqc.json",
        "Libraries",
        f"A library is forward if {STRANDED:.0%} or more of its fragments lie on the transcript's strand, "
        f"reverse if fewer than {1 - STRANDED:.0%} do, and unstranded between.",
        "table",
        rows_of(table.set_index("sample")[SHOWN].replace("", pd.NA)),
        table="quant.tsv",
        **usual,
    )


@click.group()
def main() -> None:
    """Quantify transcripts with salmon."""


@main.command(cls=Script)
@click.option("--sample", required=True, help="Name of the sample, and of its folder.")
@click.option("--reads-1", type=INPUT, required=True, help="FASTQ, gz: reads, or first mates.")
@click.option(
    "--reads-2",
    type=click.Path(dir_okay=False, path_type=Path),
    help="FASTQ, gz: second mates; absent: single.",
)
@click.option("--salmon-index", type=FOLDER, required=True, help="Folder of salmon's index.")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="CPU cores to use.")
@click.option(
    "--memory", type=click.IntRange(min=1), default=24576, show_default=True, help="Memory to use (MB)."
)
@RESULTS
def sample(
    sample: str,
    reads_1: Path,
    reads_2: Path | None,
    salmon_index: Path,
    threads: int,
    memory: int,
    results: Path,
) -> None:
    """Quantify a sample's reads: salmon's folder, a row."""
    results.mkdir(parents=True, exist_ok=True)
    check_index(salmon_index, memory)
    reads = [path for path in (reads_1, reads_2) if path and path.is_file()]
    row = summarise(*quantify(reads, salmon_index, threads, results / sample))
    if row["status"] == "nothing_mapped":
        shutil.rmtree(results / sample)
    write_table(pd.DataFrame([row | {"sample": sample}], columns=list(ROW)), results / f"{sample}.quant.tsv")
    write_versions(results / "versions.tsv", "pandas", salmon=program_version("salmon"))


@main.command(cls=Script)
@click.option("--samples", type=INPUT, required=True, help="TSV: sample, line … strandedness.")
@click.option("--rows", type=FOLDER, required=True, help="Folder of <sample>.quant.tsv.")
@click.option(
    "--min-mapping-rate",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="Share of fragments assigned to transcripts below which a sample is marked.",
)
@RESULTS
def table(samples: Path, rows: Path, min_mapping_rate: float, results: Path) -> None:
    """Put the samples into one table: quant.tsv, and its sections of the report."""
    results.mkdir(parents=True, exist_ok=True)
    sheet = read_table(samples, SAMPLES, further=True)
    quant = gather(sheet, rows, min_mapping_rate)
    write_table(quant, results / "quant.tsv")
    write_sections(results, sheet, quant)
    write_versions(results / "versions.tsv", "pandas")


if __name__ == "__main__":
    main()
