#!/usr/bin/env python3
"""Align RNA reads to the genome across splices, or take an alignment that was given.

STAR aligns in two passes: junctions found in a sample's first pass guide its second, so that reads with a
few bases beyond an unannotated junction are placed too. Its options are those of the ENCODE long RNA-seq
pipeline, as STAR's manual lists them, but for alignSJDBoverhangMin, which stays at STAR's 3: at ENCODE's 1,
the last base of a read chooses between exons, and junctions that the first pass found by chance draw the ends
of reads. Reads that do not map stay in the file. Strandedness changes nothing here: the XS tags of
outSAMstrandField serve transcript assemblers only, and it leaves out reads with non-canonical introns. In a
second pass STAR calls the junctions of the first annotated too: here those of the index are, and no others.

A given BAM or CRAM is used as it is, if it is complete, sorted by coordinate and of this genome. Contigs
that the genome lacks (decoys, viruses) may hold a small share of the records.

Low mapping is less than half of the reads at one place in the genome: the share below which Digital
Expression Explorer 2 fails a data set that STAR aligned.

References: Dobin et al. 2013, Bioinformatics 29:15, doi:10.1093/bioinformatics/bts635
Ziemann et al. 2019, GigaScience 8:giz022, doi:10.1093/gigascience/giz022 (table 2)
"""

import os
import re
import shutil
import tempfile
from pathlib import Path

import click
import pandas as pd
import pysam
from common.alignment_files import (
    INDEXES,
    UnusableError,
    check_bases,
    check_file,
    find_alignment,
    read_index,
    records,
)
from common.cli import FOLDER, INPUT, RESULTS, InputError, Script
from common.file_names import without_names
from common.multiqc import rows_of, write_section, write_versions
from common.programs import check_fits, program_version, run
from common.tables import SAMPLES, read_table, write_table

ENCODE = (  # but for one: see above
    *("--outFilterType", "BySJout"),  # what leaves out a junction leaves out its reads
    *("--outFilterMultimapNmax", "20"),
    *("--alignSJoverhangMin", "8"),
    *("--alignSJDBoverhangMin", "3"),
    *("--outFilterMismatchNmax", "999"),
    *("--outFilterMismatchNoverReadLmax", "0.04"),
    *("--alignIntronMin", "20"),
)
OPTIONS = (
    *("--twopassMode", "Basic", *ENCODE),
    *("--outSAMattributes", "NH", "HI", "AS", "nM", "NM", "MD", "--outSAMunmapped", "Within"),
)
HELD = ("Genome", "SA", "SAindex")  # the files of an index that are read into memory
SORTING_MEMORY = 0.7  # share of the given memory; by then the index is no longer held
LOW_MAPPING = 0.5  # uniquely mapped reads per read, below which a sample is marked
FOREIGN_SHARE = (
    0.05  # of mapped records on contigs that the genome lacks, from which it is another genome's file
)

JUNCTIONS = {
    **{"contig": "str", "intron_start": "int64", "intron_end": "int64", "strand": "int64", "motif": "int64"},
    **{"annotated": "int64", "unique_reads": "int64", "multi_reads": "int64", "max_overhang": "int64"},
}
INTRON = ["contig", "intron_start", "intron_end"]
ROW = {
    **{"sample": "str", "source": "str", "reads_in": "Int64"},
    **dict.fromkeys(
        ["uniquely_mapped_rate", "multi_mapped_rate", "unmapped_rate", "mismatch_rate"], "float64"
    ),
    **{"splices": "Int64", "annotated_splices": "Int64", "mean_mapped_length": "float64"},
    **{"mapped_records": "Int64", "unmapped_records": "Int64", "status": "str", "reason": "str"},
}
SHARES = {
    "mapped to one place": "#56B4E9",
    "mapped to several places": "#E69F00",
    "mapped, as given": "#009E73",
    "unmapped": "#D9D9D9",
}


def check_index(index: Path, memory: int) -> None:
    """Refuse an index that this STAR cannot read, without annotation, or larger than the memory (MB)."""
    if not (index / "genomeParameters.txt").is_file():
        raise InputError(f"{index.name}: has no genomeParameters.txt, so it is not an index of STAR")
    lines = (index / "genomeParameters.txt").read_text().splitlines()
    built = {name: value.strip() for name, _, value in (line.partition("\t") for line in lines)}
    has, needs = built.get("versionGenome", "unknown"), index_version()
    if has != needs:
        raise InputError(
            f"{index.name}: is an index of version {has}, expected {needs}, which STAR "
            f"{program_version('STAR')} reads: build it with this STAR, or leave out --star_index"
        )
    if {built.get("sjdbGTFfile", "-"), built.get("sjdbFileChrStartEnd", "-")} == {"-"}:
        raise InputError(
            f"{index.name}: was built without --sjdbGTFfile, so it has no annotated junctions: "
            "build it with the annotation, or leave out --star_index"
        )
    check_fits(index, [index / name for name in HELD if (index / name).is_file()], "STAR", memory)


def index_version() -> str:
    """Return the version of indexes that this STAR reads."""
    return re.search(r"^versionGenome\s+(\S+)", run(["STAR", "--help"]), re.MULTILINE)[1]


def options(max_intron: int) -> list[str]:
    """Return the options of STAR that decide what an alignment is."""
    return [*OPTIONS, "--alignIntronMax", str(max_intron), "--alignMatesGapMax", str(max_intron)]


def star_command(
    sample: str, reads: list[Path], index: Path, max_intron: int, threads: int, memory: int, folder: Path
) -> list:
    """Compose STAR's command; all that it writes is in `folder`, `memory` is in MB."""
    return [
        *("STAR", "--genomeDir", index, "--readFilesIn", *reads, "--readFilesCommand", "zcat"),
        *options(max_intron),
        *("--outSAMtype", "BAM", "SortedByCoordinate", "--outSAMattrRGline", f"ID:{sample}", f"SM:{sample}"),
        *("--limitBAMsortRAM", int(memory * 2**20 * SORTING_MEMORY)),
        *("--runThreadN", threads, "--outFileNamePrefix", f"{folder}/"),
    ]


def with_lasting_header(aligned: Path, max_intron: int, path: Path) -> None:
    """Copy a BAM of STAR, and leave out of its header what depends on this run: paths and threads."""
    with pysam.AlignmentFile(aligned) as opened:
        header = opened.header.to_dict()
    header.pop("CO", None)
    header["PG"] = [line | {"CL": " ".join(["STAR", *options(max_intron)])} for line in header["PG"]]
    text = aligned.with_name("header.sam")
    text.write_text(str(pysam.AlignmentHeader.from_dict(header)))
    pysam.reheader("-P", str(text), str(aligned), save_stdout=str(path))


def read_junctions(table: Path, index: Path) -> pd.DataFrame:
    """Read STAR's junctions; those of the index are annotated."""
    junctions = read_if_any(table, JUNCTIONS)
    known = read_if_any(
        index / "sjdbList.out.tab", {column: JUNCTIONS[column] for column in INTRON} | {"by": "str"}
    )
    annotated = pd.MultiIndex.from_frame(known[INTRON])
    junctions["annotated"] = pd.MultiIndex.from_frame(junctions[INTRON]).isin(annotated).astype(int)
    return junctions


def read_if_any(path: Path, columns: dict[str, str]) -> pd.DataFrame:
    """Read a table without a header, which may be empty or absent."""
    if not path.is_file() or not path.stat().st_size:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
    return pd.read_csv(path, sep="\t", names=list(columns), dtype=columns, keep_default_na=False)


def read_log(text: str) -> dict[str, float]:
    """Read the numbers of a Log.final.out by their names; its times of day are left out."""
    lines = [line.split("|") for line in text.splitlines() if "|" in line]
    values = {name.strip(): value.strip().removesuffix("%") for name, value in lines}
    return {name: float(value) for name, value in values.items() if re.fullmatch(r"-?[\d.]+|-?nan", value)}


def summarise(log: dict[str, float], junctions: pd.DataFrame) -> dict[str, object]:
    """Put what STAR counted into a row; rates are missing where there is nothing to divide by."""
    reads, unique = log["Number of input reads"], log["Uniquely mapped reads number"]
    several = log["Number of reads mapped to multiple loci"] + log["Number of reads mapped to too many loci"]
    row: dict[str, object] = {"source": "star", "reads_in": int(reads)}
    if reads:
        row |= {"uniquely_mapped_rate": unique / reads, "multi_mapped_rate": several / reads}
        row |= {"unmapped_rate": (reads - unique - several) / reads}
    if unique:
        row |= {"mismatch_rate": log["Mismatch rate per base, %"] / 100}
        row |= {"mean_mapped_length": log["Average mapped length"]}
    row["splices"] = int(junctions.unique_reads.sum())
    row["annotated_splices"] = int(junctions.unique_reads[junctions.annotated == 1].sum())
    row["status"], row["reason"] = judge(int(reads), int(unique), int(several))
    return row


def judge(reads: int, unique: int, several: int) -> tuple[str, str]:
    """Say how far an alignment can be trusted: status and reason."""
    if not unique + several:
        return "nothing_mapped", f"0 of {reads:,} reads map to the genome"
    if unique < LOW_MAPPING * reads:
        return "low_mapping", f"{unique / reads:.1%} of reads map to one place, fewer than {LOW_MAPPING:.0%}"
    return "ok", ""


def check_contigs(found: pd.DataFrame, genome: Path) -> str:
    """Hold the contigs that carry records to the genome; returns what is to be said although they agree."""
    lengths = pd.read_csv(
        f"{genome}.fai", sep="\t", usecols=[0, 1], names=["contig", "length"], dtype={0: "str"}
    )
    expected = dict(lengths.itertuples(index=False))
    used = found[found.mapped > 0]
    foreign = used[~used.contig.isin(list(expected))]
    share = foreign.mapped.sum() / max(1, used.mapped.sum())
    names = ", ".join(foreign.contig[:3]) + (", …" if len(foreign) > 3 else "")
    words = f"{share:.1%} of its mapped records lie on contigs that the genome lacks ({names})"
    if share >= FOREIGN_SHARE:
        few = ", ".join(list(expected)[:3])
        raise UnusableError(
            "contigs_disagree", f"{words}; the genome has {few}{', …' if len(expected) > 3 else ''}"
        )
    for row in used[used.contig.isin(list(expected))].itertuples():
        if row.length != expected[row.contig]:
            sizes = f"{row.length:,} bases long, and {expected[row.contig]:,} in the genome"
            raise UnusableError("contigs_disagree", f"{row.contig} is {sizes}")
    return words if share else ""


def take_given(sample: str, folder: Path, genome: Path, results: Path) -> dict[str, object]:
    """Check a given alignment, and link it and its index by the sample's name; returns its row."""
    alignment, index = find_alignment(folder)
    check_file(alignment)
    linked = results / f"{sample}{alignment.suffix}"
    new = linked.with_name(f"{linked.name}{INDEXES[alignment.suffix][0]}")
    try:
        index, found = read_index(alignment, genome, index, new)
        mapped, unmapped = int(found.mapped.sum()), int(found.unmapped.sum())
        if not mapped + unmapped:
            raise UnusableError("no_reads", f"{alignment.name} holds no reads")
        remark = check_contigs(found, genome)
        if alignment.suffix == ".cram":
            check_bases(alignment, index, found, genome)
    except UnusableError:
        new.unlink(missing_ok=True)
        raise
    links = {linked: alignment}
    if index != new:
        links[linked.with_name(linked.name + index.suffix)] = index
    for link, target in links.items():
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(target, link.parent))
    status = ("ok", remark) if mapped else ("nothing_mapped", f"0 of {unmapped:,} records are mapped")
    counts = {"mapped_records": mapped, "unmapped_records": unmapped}
    return counts | dict(zip(("status", "reason"), status, strict=True))


def write_row(sample: str, row: dict[str, object], results: Path) -> None:
    """Write a sample's row of alignment.tsv."""
    table = pd.DataFrame([{"sample": sample} | row], columns=list(ROW)).astype(
        ROW | dict.fromkeys(["reason"], "object")
    )
    write_table(table, results / f"{sample}.alignment.tsv")


def gather(samples: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Put the samples' rows into one table, in the samples' order; one without a row has a reason."""
    absent = {"status": "no_reads", "reason": "no reads were left to align: see trim_reads"}
    rows = []
    for sample in samples["sample"]:
        path = folder / f"{sample}.alignment.tsv"
        rows.append(
            read_table(path, ROW).iloc[0].to_dict() if path.is_file() else {"sample": sample} | absent
        )
    return pd.DataFrame(rows, columns=list(ROW)).astype(ROW | dict.fromkeys(["source", "reason"], "object"))


def shares(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """List what the bars show: the percentages of a sample's reads, or of a given file's records."""
    drawn = {}
    for row in table.itertuples():
        if pd.notna(row.uniquely_mapped_rate):
            parts = (row.uniquely_mapped_rate, row.multi_mapped_rate, 0, row.unmapped_rate)
        elif pd.notna(row.mapped_records):
            total = row.mapped_records + row.unmapped_records
            parts = (0, 0, row.mapped_records / total, row.unmapped_records / total)
        else:
            continue
        drawn[row.sample] = {name: round(100 * part, 3) for name, part in zip(SHARES, parts, strict=True)}
    return drawn


def describe(table: pd.DataFrame) -> str:
    """Say how many samples were aligned, and how well."""
    aligned, given = table[table.source == "star"], table[table.source == "given"]
    sentences = []
    rates = aligned.uniquely_mapped_rate.dropna() * 100
    if len(rates):
        text = (
            f"STAR aligned {len(aligned)} of {len(table)} samples: {rates.min():.1f} to {rates.max():.1f} % "
            f"of a sample's reads map to one place (median {rates.median():.1f} %)."
        )
        sentences.append(text)
    splices = aligned.splices.sum()
    if splices:
        known = 100 * aligned.annotated_splices.sum() / splices
        sentences.append(f"{known:.1f} % of {splices:,} splices are annotated.")
    if len(given):
        unusable = given.mapped_records.isna().sum()
        text = f"For {len(given)} of {len(table)} samples an alignment was given"
        text += f" ({unusable} cannot be used)" if unusable else ""
        sentences.append(f"{text}: its share of mapped records is shown.")
    return " ".join(sentences) or "No sample has an alignment."


@click.group()
def main() -> None:
    """Align RNA reads to the genome across splices."""


@main.command(cls=Script)
@click.option("--sample", required=True, help="Name of the sample, and of its read group.")
@click.option("--reads-1", type=INPUT, required=True, help="FASTQ, gz: reads, or first mates.")
@click.option(
    "--reads-2",
    type=click.Path(dir_okay=False, path_type=Path),
    help="FASTQ, gz: second mates; absent: single.",
)
@click.option("--star-index", type=FOLDER, required=True, help="Folder of STAR's index.")
@click.option(
    "--max-intron",
    type=click.IntRange(min=21),
    default=1_000_000,
    show_default=True,
    help="Longest intron, and longest gap between mates (bases).",
)
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="CPU cores to use.")
@click.option(
    "--memory", type=click.IntRange(min=1), default=40960, show_default=True, help="Memory to use (MB)."
)
@RESULTS
def sample(
    sample: str,
    reads_1: Path,
    reads_2: Path | None,
    star_index: Path,
    max_intron: int,
    threads: int,
    memory: int,
    results: Path,
) -> None:
    """Align a sample's reads: BAM by coordinate, its index, junctions, STAR's summary, a row."""
    results.mkdir(parents=True, exist_ok=True)
    check_index(star_index, memory)
    reads = [path for path in (reads_1, reads_2) if path and path.is_file()]
    with tempfile.TemporaryDirectory(dir=results) as name:
        folder = Path(name)
        run(star_command(sample, reads, star_index, max_intron, threads, memory, folder))
        aligned = results / f"{sample}.bam"
        with_lasting_header(folder / "Aligned.sortedByCoord.out.bam", max_intron, aligned)
        log = shutil.copyfile(folder / "Log.final.out", results / f"{sample}.Log.final.out")
        junctions = read_junctions(folder / "SJ.out.tab", star_index)
    index = results / f"{sample}.bam.bai"
    pysam.index("-o", str(index), str(aligned))
    found = records(aligned, index)
    counts = {"mapped_records": int(found.mapped.sum()), "unmapped_records": int(found.unmapped.sum())}
    write_table(junctions, results / f"{sample}.junctions.tsv")
    write_row(sample, summarise(read_log(log.read_text()), junctions) | counts, results)
    write_versions(results / "versions.tsv", "pandas", "pysam", STAR=program_version("STAR"))


@main.command(cls=Script)
@click.option("--sample", required=True, help="Name of the sample.")
@click.option(
    "--alignment",
    type=FOLDER,
    required=True,
    help="Folder of one BAM or CRAM, and its index if there is one.",
)
@click.option("--genome", type=INPUT, required=True, help="FASTA of the genome, its .fai beside it.")
@click.option(
    "--strict",
    type=bool,
    default=False,
    show_default=True,
    help="Whether a file that cannot be used is an error.",
)
@click.option(
    "--pseudonymise",
    type=bool,
    default=False,
    show_default=True,
    help="Whether files are not named as they are called.",
)
@RESULTS
def given(
    sample: str, alignment: Path, genome: Path, strict: bool, pseudonymise: bool, results: Path
) -> None:
    """Check an alignment that was given, and link it by the sample's name; without an index, make one."""
    results.mkdir(parents=True, exist_ok=True)
    pysam.set_verbosity(0)  # what is wrong is said once, in words
    os.environ["REF_PATH"] = os.devnull  # a CRAM is read with the genome given, never with one from elsewhere
    try:
        row = take_given(sample, alignment, genome, results)
    except UnusableError as error:
        if strict:
            raise InputError(f"sample {sample}: {error}") from error
        row = {"status": error.status, "reason": str(error)}
    if pseudonymise:
        words = {path.name: "the alignment" for path in alignment.iterdir()}
        row["reason"] = without_names(row["reason"], words)
    write_row(sample, row | {"source": "given"}, results)
    write_versions(results / "versions.tsv", "pandas", "pysam")


@main.command(cls=Script)
@click.option("--samples", type=INPUT, required=True, help="TSV: sample, line, condition, role, replicate.")
@click.option("--rows", type=FOLDER, required=True, help="Folder of <sample>.alignment.tsv.")
@RESULTS
def table(samples: Path, rows: Path, results: Path) -> None:
    """Put the samples into one table: alignment.tsv, and its section of the report."""
    results.mkdir(parents=True, exist_ok=True)
    sheet = read_table(samples, SAMPLES)
    alignment = gather(sheet, rows)
    write_table(alignment, results / "alignment.tsv")
    drawn = shares(alignment)
    parts = [name for name in SHARES if any(bar[name] for bar in drawn.values())]
    doubtful = alignment.assign(line=sheet.line)[alignment.status != "ok"]
    write_section(
        results / "align_rna_mqc.json",
        "Mapped reads",
        describe(alignment),
        "bargraph",
        drawn,
        settings={
            **{"ylab": "% of reads", "ymin": 0, "ymax": 100, "tt_decimals": 1, "tt_suffix": " %"},
            "categories": {name: {"name": name, "color": SHARES[name]} for name in parts},
        },
        statuses=alignment.status,
        links=["alignment.tsv"],
        dois=["10.1093/bioinformatics/bts635", "10.1093/gigascience/giz022"],
        samples={"alignment.tsv": rows_of(alignment.set_index("sample")[["uniquely_mapped_rate"]])},
        findings={
            line: "; ".join(f"{row.sample} {row.status} ({row.reason})" for row in of_line.itertuples())
            for line, of_line in doubtful.groupby("line", sort=False)
        },
    )
    write_versions(results / "versions.tsv", "pandas")


if __name__ == "__main__":
    main()
