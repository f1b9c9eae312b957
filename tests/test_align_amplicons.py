import json
import random
import re
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pysam
import pytest
from align_amplicons import (
    COVERAGE,
    DEPTHS,
    KINDS,
    NO_READS,
    depths_of,
    judge,
    judge_sample,
    operations_of,
    primers_at,
    sample,
    summarise,
    table,
    tidied,
    uniformity,
    windows,
)
from amplicon_library import (
    AMPLICONS,
    Planted,
    amplicon,
    genome,
    products,
    sequenced,
    substitution,
    write_genome,
    write_library,
    write_pairs,
    write_primers,
    write_sheet,
)
from click.testing import CliRunner, Result
from common.amplicon_report import by_genome, cells_of, describe, draw_heatmap, natural, write_coverage
from common.amplicon_windows import lay_out, windows_of
from common.programs import Pipeline, ProgramError, program_version
from libraries import random_sequence
from spliced_reads import reverse_complement

K1, K2, K3, N1, N2, N3 = AMPLICONS.values()
CONTIGS = genome()
FAILED, PROPER, UNMAPPED = 0x200, 0x2, 0x4


class Reference:
    """A folder of genome.fa, primers.tsv and windows, and what aligns a library to them."""

    def __init__(self, run_script, folder: Path, contigs=None, amplicons=None):
        self.run_script, self.folder = run_script, folder
        self.genome = write_genome(folder, contigs)
        self.primers = write_primers(folder, amplicons)

    def cut(self):
        return self.run_script(windows, primers=self.primers, genome=self.genome, results=self.folder)

    def align(self, reads: list[Path], name: str = "s1", **further) -> pd.Series:
        options = {"sample": name, "reads_1": reads[0], "reads_2": reads[1], "results": self.folder} | further
        done = self.run_script(sample, windows=self.folder / "windows", genome=self.genome, **options)
        assert done.exit_code == 0, done.output
        return read_row(options["results"] / f"{name}.alignment.tsv")

    def align_pairs(self, pairs, name: str = "s1") -> pd.Series:
        return self.align(write_pairs(self.folder, name, pairs), name)

    def amplicons(self, name: str = "s1") -> pd.DataFrame:
        return pd.read_csv(self.folder / f"{name}.amplicons.tsv", sep="\t", index_col="amplicon")

    def records(self, name: str = "s1") -> list[pysam.AlignedSegment]:
        with pysam.AlignmentFile(self.folder / f"{name}.bam") as opened:
            return list(opened)


def invoke(command: click.Command, **options: object) -> Result:
    """Run a command as the fixture run_script does, for fixtures of the module."""
    words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    return CliRunner().invoke(command, words, catch_exceptions=False)


def read_row(path: Path) -> pd.Series:
    (row,) = pd.read_csv(path, sep="\t", dtype={"sample": "str"}, keep_default_na=False).iloc
    return row


@pytest.fixture
def made(tmp_path, run_script):
    """Make a reference of other contigs or amplicons, with its windows."""

    def make(contigs=None, amplicons=None) -> Reference:
        reference = Reference(run_script, tmp_path, contigs, amplicons)
        done = reference.cut()
        assert done.exit_code == 0, done.output
        return reference

    return make


@pytest.fixture
def reference(made) -> Reference:
    return made()


def pairs_of(name: str, number: int, planted=(), read_length=150) -> list[tuple[str, str]]:
    return sequenced(products(AMPLICONS[name], number, planted, CONTIGS, random.Random(1)), read_length)


def spans(records) -> Counter:
    """Where reads lie: contig, start, end, reverse."""
    return Counter(
        (each.reference_name, each.reference_start, each.reference_end, each.is_reverse) for each in records
    )


# ---- windows


def test_windows__all_amplicons_that_do_not_fit_are_named_at_once(tmp_path, run_script):
    wrong = [K1, amplicon("X", "chrX", 10, 90, "1"), amplicon("Y", "chr19", 1500, 1601, "1")]
    done = Reference(run_script, tmp_path, amplicons=wrong).cut()
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        "Error: 2 of 3 amplicons do not fit the genome:",
        "primers.tsv, row 3 (X), chrom: found chrX; expected a contig of the genome (chr2, chr19)",
        "primers.tsv, row 4 (Y), end: found 1,601; expected 1,600 or less, the length of chr19",
    ]
    assert not (tmp_path / "windows/windows.fa").exists()


def test_windows__an_amplicon_may_end_with_its_contig(made):
    made(amplicons=[amplicon("A", "chr19", 1400, 1600, "1")])


def test_windows__unite_what_touches_and_end_with_the_contig(reference):
    cut = pd.read_csv(reference.folder / "windows/windows.tsv", sep="\t")
    assert cut.to_numpy().tolist() == [
        ["window_1", "chr2", 30, 1400],
        ["window_2", "chr19", 100, 1220],
    ]


def test_windows_of__flanks_that_overlap_are_one_window():
    primers = pd.DataFrame([amplicon(str(at), "c", at, at + 100, "") for at in (5000, 1000, 1700, 1070)])
    cut = windows_of(primers, {"b": 10, "c": 9000}, 300)
    assert cut.to_numpy().tolist() == [["window_1", "c", 700, 2100], ["window_2", "c", 4700, 5400]]


def test_windows__have_the_bases_of_the_genome(reference):
    with pysam.FastaFile(reference.folder / "windows/windows.fa") as cut:
        assert cut.fetch("window_1") == CONTIGS["chr2"][30:1400]
        assert cut.fetch("window_2") == CONTIGS["chr19"][100:1220]


# ---- where reads lie, and what is clipped


def test_sample__reads_lie_where_they_are_from_without_their_primers(reference):
    reference.align(write_library(reference.folder, "s1", 20))
    expected = Counter()
    for each in AMPLICONS.values():
        expected[each.chrom, each.left_end, each.start + 150, False] += 20
        expected[each.chrom, each.end - 150, each.right_start, True] += 20
    records = reference.records()
    assert spans(records) == expected
    for each in records:
        assert (
            each.query_alignment_sequence
            == CONTIGS[each.reference_name][each.reference_start : each.reference_end]
        )
        assert each.query_length == 150
        assert each.flag & PROPER
        assert not each.flag & FAILED


@pytest.mark.parametrize("read_length", [60, 70, 150, 156, 159, 161, 165, 197, 199, 201, 210, 240])
def test_sample__no_primer_of_a_neighbour_clips_a_read(reference, read_length):
    reference.align(write_library(reference.folder, "s1", 4, read_length=read_length))
    expected = Counter()
    for each in AMPLICONS.values():
        length = min(read_length, each.end - each.start)
        expected[each.chrom, each.left_end, min(each.start + length, each.right_start), False] += 4
        expected[each.chrom, max(each.end - length, each.left_end), each.right_start, True] += 4
    assert spans(reference.records()) == expected


def clipped_with_all_primers(reference: Reference, reads: list[Path], *options: str) -> list:
    """What bwa and ampliconclip make of reads with the whole genome and all primers at once."""
    folder = reference.folder
    subprocess.run(["bwa", "index", reference.genome], check=True, capture_output=True)
    bed = "".join(
        f"{each.chrom}\t{each.left_start}\t{each.left_end}\t{each.amplicon}\t0\t+\n"
        f"{each.chrom}\t{each.right_start}\t{each.right_end}\t{each.amplicon}\t0\t-\n"
        for each in AMPLICONS.values()
    )
    (folder / "all.bed").write_text(bed)
    aligned = subprocess.run(["bwa", "mem", reference.genome, *reads], check=True, capture_output=True)
    command = ["samtools", "ampliconclip", "--both-ends", *options, "-b", folder / "all.bed"]
    command += ["-f", folder / "stats", "-o", folder / "all.bam", "-"]
    subprocess.run(command, input=aligned.stdout, check=True, capture_output=True)
    with pysam.AlignmentFile(folder / "all.bam") as opened:
        return list(opened.fetch(until_eof=True))


def described(records) -> list[tuple]:
    return sorted(
        (each.query_name, each.is_read1, each.is_reverse, each.reference_name, each.reference_start,
         each.cigarstring, each.mapping_quality)
        for each in records
    )  # fmt: skip


def test_sample__of_an_amplicon_apart_is_what_bwa_and_ampliconclip_make_of_the_genome(reference):
    planted = [substitution("chr2", 1060, 0.3), Planted("chr2", 1090, CONTIGS["chr2"][1090:1094], "", 0.3)]
    planted += [Planted("chr2", 1130, "", "ACG", 0.5)]
    reads = write_library(reference.folder, "s1", {"N3": 100}, planted, error_rate=0.01)
    reference.align(reads)
    expected = [each for each in clipped_with_all_primers(reference, reads) if not each.flag & 0x900]
    assert described(reference.records()) == described(expected)


@pytest.mark.parametrize("options", [(), ("--strand",)])
def test_sample__all_primers_at_once_would_clip_reads_at_primers_of_neighbours(reference, options):
    reads = write_library(reference.folder, "s1", {"K1": 4}, read_length=60)
    reference.align(reads)
    (reverse,) = {each[1:3] for each in spans(reference.records()) if each[3]}
    assert reverse == (560, 600)  # its far end is in K2's left primer, 550 to 570
    plain = spans(clipped_with_all_primers(reference, reads, *options))
    assert {each[1:3] for each in plain if each[3]} == {(570, 600)}


@pytest.mark.parametrize("cut", [1, 5, 12, 20])
def test_sample__reads_trimmed_at_their_ends_have_their_amplicon(reference, cut):
    pairs = [(first[cut:], second[cut:]) for first, second in pairs_of("K2", 20)]
    row = reference.align_pairs(pairs)
    assert row.on_target_pairs == 20
    expected = {("chr19", 570, 700, False): 20, ("chr19", 630, 760, True): 20}
    assert spans(reference.records()) == expected


def test_sample__bases_before_the_primers_are_clipped_with_them(reference):
    pairs = [("ACGTTG" + first[:140], "TGACCA" + second[:140]) for first, second in pairs_of("K2", 20)]
    assert reference.align_pairs(pairs).on_target_pairs == 20
    assert spans(reference.records()) == {
        ("chr19", 570, 690, False): 20,
        ("chr19", 640, 760, True): 20,
    }


def test_sample__a_variant_under_a_primer_is_seen_in_the_neighbours_reads_only(reference):
    under = substitution("chr19", 560, 1.0)  # K2's left primer, in K1's insert
    reference.align(write_library(reference.folder, "s1", {"K1": 30, "K2": 50}, [under]))
    seen = defaultdict(set)
    for each in reference.records():
        for query, place in each.get_aligned_pairs(matches_only=True):
            if place == under.start:
                seen[each.query_sequence[query]].add(each.query_name)
    assert {base: len(names) for base, names in seen.items()} == {under.alt: 30}


@pytest.mark.parametrize("start", [420, 418])
def test_sample__a_deletion_at_a_primer_is_clipped_with_it(made, start):
    reference = made()
    bases = CONTIGS["chr19"]
    product = bases[400:start] + bases[start + 6 : 620]
    reference.align_pairs(sequenced([product] * 10))
    for each in reference.records():
        kinds = [kind for kind, _ in operations_of(each.cigarstring)]
        aligned = [kind for kind in kinds if kind != "S"]
        assert (aligned[0], aligned[-1]) == ("M", "M")
        assert each.reference_end - each.reference_start > 100
        start_base = CONTIGS["chr19"][each.reference_start]
        assert each.query_alignment_sequence[0] == start_base
    forward = [each for each in reference.records() if not each.is_reverse]
    assert min(each.reference_start for each in forward) >= 420


@pytest.mark.parametrize(
    ("cigar", "expected"),
    [
        ("20S130M", (None, 0, 130)),
        ("18S3D100M", ("18S100M", 3, 100)),
        ("20S5I3D100M2I4D5M6D3I9S", ("25S100M2I4D5M12S", 3, 109)),
        ("10M5D", ("10M", 0, 10)),
        ("20S", ("", 0, 0)),
        ("20S4D6I9S", ("", 0, 0)),
        ("5=1X4M", (None, 0, 10)),
    ],
)
def test_tidied__no_alignment_ends_with_a_gap(cigar, expected):
    assert tidied(cigar) == expected


def test_sample__a_read_that_is_only_primer_is_unmapped_beside_its_mate(made):
    long = amplicon("L", "chr19", 400, 620, "1", primer=40)
    reference = made(amplicons=[long])
    (first, second), *_ = sequenced([CONTIGS["chr19"][400:620]])
    row = reference.align_pairs([(first[:38], second)] * 3 + [(first, second)] * 2)
    assert row.on_target_pairs == 5
    gone = [each for each in reference.records() if each.flag & UNMAPPED]
    assert len(gone) == 3
    for each in gone:
        assert (each.cigarstring, each.mapping_quality, each.reference_start) == (None, 0, 470)
        assert not each.flag & PROPER
    mates = [each for each in reference.records() if each.mate_is_unmapped]
    assert [(each.reference_start, each.reference_end) for each in mates] == [(470, 580)] * 3
    assert reference.amplicons().loc["L"].to_list() == [5, 5, 2]


def test_sample__a_pair_that_is_only_primers_lies_nowhere(made):
    reference = made(amplicons=[amplicon("L", "chr19", 400, 620, "1", primer=40)])
    (first, second), *_ = sequenced([CONTIGS["chr19"][400:620]])
    assert reference.align_pairs([(first[:38], second[:38])] * 2).on_target_pairs == 2
    with pysam.AlignmentFile(reference.folder / "s1.bam") as opened:
        records = list(opened.fetch(until_eof=True))
        assert opened.nocoordinate == 4
    for each in records:
        assert (each.reference_id, each.reference_start, each.cigarstring) == (-1, -1, None)
        assert (each.next_reference_id, each.next_reference_start) == (-1, -1)
        assert each.mate_is_unmapped
        assert not each.has_tag("MC")
    assert reference.amplicons().loc["L"].to_list() == [2, 0, 0]


def test_sample__amplicons_with_a_primer_in_common_are_told_apart_by_the_other(made):
    outer, inner = amplicon("A", "chr19", 400, 620, "1"), amplicon("B", "chr19", 400, 540, "2")
    reference = made(amplicons=[outer, inner])
    bases = CONTIGS["chr19"]
    row = reference.align_pairs(sequenced([bases[400:620]] * 7 + [bases[400:540]] * 4))
    assert row.on_target_pairs == 11
    assert reference.amplicons().fragments.to_dict() == {"A": 7, "B": 4}
    assert spans(reference.records()) == {
        ("chr19", 420, 550, False): 7,
        ("chr19", 470, 600, True): 7,
        ("chr19", 420, 520, False): 4,
        ("chr19", 420, 520, True): 4,
    }


def test_sample__of_primers_that_overlap_a_read_has_that_which_it_begins_with(made):
    first, second = amplicon("A", "chr19", 400, 600, "1"), amplicon("B", "chr19", 408, 620, "2")
    reference = made(amplicons=[first, second])
    bases = CONTIGS["chr19"]
    reference.align_pairs(sequenced([bases[400:600]] * 6 + [bases[408:620]] * 5))
    assert reference.amplicons().fragments.to_dict() == {"A": 6, "B": 5}
    assert {each[1] for each in spans(reference.records()) if not each[3]} == {420, 428}


@pytest.mark.parametrize(
    ("places", "found"),
    [
        *(((95, 95), ((0, 5),)), ((94, 94), ()), ((120, 120), ((0, 20),)), ((121, 121), ())),
        ((80, 102), ((0, 2),)),
    ],
)
def test_primers_at__a_read_begins_in_a_primer_or_a_few_bases_before(places, found):
    layout = lay_out(
        pd.DataFrame([amplicon("A", "c", 100, 300, "")]),
        pd.DataFrame([("window_1", "c", 0, 400)], columns=["window", "chrom", "start", "end"]),
        {"c": 400},
    )
    assert primers_at(places, layout.primers[b"window_1", False], False) == found
    mirrored = tuple(400 - place for place in places)
    assert primers_at(mirrored, layout.primers[b"window_1", True], True) == found


def test_sample__contigs_may_have_any_name(made):
    names = {"chr2": "HLA:A*01:01-x", "chr19": "-7:1-200"}
    contigs = {names[name]: bases for name, bases in CONTIGS.items()}
    amplicons = [each._replace(chrom=names[each.chrom]) for each in AMPLICONS.values()]
    reference = made(contigs, amplicons)
    reads = write_library(
        reference.folder, "s1", 5, contigs=contigs, amplicons={each.amplicon: each for each in amplicons}
    )
    assert reference.align(reads).on_target_pairs == 30
    assert reference.amplicons().fragments.to_list() == [5] * 6
    assert {each.reference_name for each in reference.records()} == set(names.values())


# ---- pairs that are no products


@pytest.fixture
def mixed(reference) -> Reference:
    """20 products of K1; 7 chimeras of K1 and K2; 5 pairs of no primer, 3 of one; 4 of other sequence."""
    bases, rng = CONTIGS["chr19"], random.Random(5)
    pairs = pairs_of("K1", 20)
    pairs += sequenced([bases[400:780]] * 4 + [bases[550:620]] * 3)
    pairs += sequenced([bases[450:650]] * 5 + [bases[400:660]] * 3)
    pairs += sequenced([random_sequence(200, rng) for _ in range(4)])
    reference.row = reference.align_pairs(pairs)
    return reference


def test_sample__pairs_are_counted_by_their_kind(mixed):
    row = mixed.row
    counts = [row[f"{kind}_pairs"] for kind in KINDS]
    assert (row.read_pairs, *counts) == (39, 20, 7, 8, 4)
    assert row.on_target_rate == pytest.approx(20 / 39)
    assert mixed.amplicons().fragments.to_dict() == {"K1": 20, "K2": 0, "K3": 0, "N1": 0, "N2": 0, "N3": 0}


def test_sample__pairs_that_are_no_products_are_kept_and_fail_quality_control(mixed):
    records = mixed.records()
    assert len(records) == 2 * 39
    failed = [each for each in records if each.flag & FAILED]
    assert len(failed) == 2 * (7 + 8)
    assert not any(each.flag & PROPER for each in failed)
    assert sum(bool(each.flag & PROPER) for each in records) == 2 * 20


def test_sample__chimeras_are_clipped_where_they_begin(mixed):
    chimeric = {f"s1.{at}" for at in range(20, 27)}
    found = spans(each for each in mixed.records() if each.query_name in chimeric)
    assert {each[1] for each in found if not each[3]} == {420, 570}
    assert {each[2] for each in found if each[3]} == {600, 760}


def test_sample__mates_of_two_windows_are_no_proper_pair(reference):
    across = CONTIGS["chr19"][400:550], reverse_complement(CONTIGS["chr2"][550:700])
    row = reference.align_pairs([across] * 3 + pairs_of("K1", 5))
    assert (row.on_target_pairs, row.chimeric_pairs) == (5, 3)
    apart = [each for each in reference.records() if each.reference_name != each.next_reference_name]
    assert len(apart) == 6
    assert not any(each.flag & PROPER for each in apart)
    assert {each.template_length for each in apart} == {0}


def test_sample__mates_that_both_begin_with_one_primer_are_a_chimera(reference):
    forward = CONTIGS["chr19"][400:550]
    assert reference.align_pairs([(forward, forward)] * 2 + pairs_of("K1", 5)).chimeric_pairs == 2


def test_sample__only_primary_alignments_are_kept_and_name_no_place_in_windows(reference):
    bases = CONTIGS["chr19"]
    jumped = bases[400:480] + bases[830:900], reverse_complement(bases[780:920])
    reference.align_pairs([jumped] * 3 + pairs_of("K1", 5))
    records = reference.records()
    assert len(records) == 16
    assert not any(each.flag & 0x900 for each in records)
    assert not any(each.has_tag(tag) for each in records for tag in ("SA", "XA"))


# ---- the file


def test_sample__the_header_has_the_contigs_of_the_genome_and_no_paths(reference):
    reference.align(write_library(reference.folder, "s1", 5), threads=2)
    with pysam.AlignmentFile(reference.folder / "s1.bam") as opened:
        header = opened.header.to_dict()
        assert opened.has_index()
        assert opened.count("chr19", 400, 620) > 0
    assert header["HD"] == {"VN": "1.6", "SO": "coordinate"}
    assert header["SQ"] == [{"SN": "chr2", "LN": 1400}, {"SN": "chr19", "LN": 1600}]
    assert header["RG"] == [{"ID": "s1", "SM": "s1"}]
    assert [line["ID"] for line in header["PG"]] == ["bwa", "samtools"]
    assert not re.search(r"/|-t ", " ".join(line["CL"] for line in header["PG"]))
    assert {each.get_tag("RG") for each in reference.records()} == {"s1"}


def test_sample__mates_know_each_other(mixed):
    by_name = defaultdict(list)
    for each in mixed.records():
        by_name[each.query_name].append(each)
    for first, second in by_name.values():
        for each, other in ((first, second), (second, first)):
            assert each.mate_is_unmapped == other.is_unmapped
            assert each.next_reference_id == other.reference_id
            assert each.next_reference_start == other.reference_start
            assert each.mate_is_reverse == other.is_reverse
            if not other.is_unmapped:
                assert each.get_tag("MC") == other.cigarstring
                assert each.get_tag("MQ") == other.mapping_quality


def test_sample__tags_of_mismatches_are_right_or_absent(reference):
    reads = write_library(reference.folder, "s1", 20, [substitution("chr19", 480, 0.5)], error_rate=0.01)
    pairs = [(first, second) for first, second in sequenced([CONTIGS["chr19"][430:640]] * 4)]
    reference.align(reads)
    reference.align_pairs(pairs, "s2")
    for name in ("s1", "s2"):
        path = reference.folder / f"{name}.bam"
        text = subprocess.run(
            ["samtools", "calmd", path, reference.genome], capture_output=True, check=True, text=True
        ).stdout
        right = [line.split("\t") for line in text.splitlines() if not line.startswith("@")]
        for fields, each in zip(right, reference.records(name), strict=True):
            tags = dict(field.split(":", 1) for field in fields[11:])
            if each.has_tag("MD"):
                assert tags["MD"] == f"Z:{each.get_tag('MD')}"
            if each.has_tag("NM"):
                assert tags["NM"] == f"i:{each.get_tag('NM')}"


def test_sample__the_bytes_depend_neither_on_threads_nor_on_folders(reference, tmp_path):
    reads = write_library(reference.folder, "s1", 300, [substitution("chr19", 480, 0.5)], error_rate=0.01)
    reference.align(reads)
    reference.align(reads, threads=2, results=tmp_path / "again")
    for name in ("s1.bam", "s1.bam.bai", "s1.alignment.tsv", "s1.amplicons.tsv"):
        assert (tmp_path / "again" / name).read_bytes() == (reference.folder / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == [
        *("s1.alignment.tsv", "s1.amplicons.tsv", "s1.bam", "s1.bam.bai", "versions.tsv"),
    ]


# ---- depths


def test_sample__depths_are_those_of_fragments_that_are_laid_down_one_by_one(reference):
    planted = [Planted("chr19", 500, CONTIGS["chr19"][500:530], "", 0.4)]
    depths = {"K1": 40, "K2": 25, "N2": 30}
    pairs = [
        (first[:cut], second[: 150 - cut])
        for name, number in depths.items()
        for cut, (first, second) in zip(
            random.Random(2).choices(range(40, 110), k=number), pairs_of(name, number, planted), strict=True
        )
    ]
    reference.align_pairs(pairs)
    places = defaultdict(set)
    for each in reference.records():
        places[each.query_name] |= set(range(each.reference_start, each.reference_end))
    owners = [name for name, number in depths.items() for _ in range(number)]
    found = reference.amplicons()
    for name, number in depths.items():
        each = AMPLICONS[name]
        depth = np.zeros(each.right_start - each.left_end)
        for at, owner in enumerate(owners):
            inside = [place - each.left_end for place in places[f"s1.{at}"]]
            for place in inside if owner == name else ():
                depth[place] += 1
        assert found.loc[name].to_list() == [number, np.median(depth), depth.min()]
    assert found.min_depth.K1 < found.median_depth.K1 < 40


def test_sample__depths_are_those_of_samtools_depth(reference):
    """samtools depth -s counts overlapping mates once, -J deletions too; K1 and N3 do not overlap."""
    planted = [Planted("chr19", 500, CONTIGS["chr19"][500:512], "", 0.3), substitution("chr2", 1100, 0.5)]
    reads = write_library(
        reference.folder, "s1", {"K1": 90, "N3": 70}, planted, error_rate=0.01, read_length=95
    )
    reference.align(reads)
    for name, each in (("K1", K1), ("N3", N3)):
        region = f"{each.chrom}:{each.left_end + 1}-{each.right_start}"
        command = ["samtools", "depth", "-a", "-s", "-J", "-r", region, reference.folder / "s1.bam"]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        depth = [int(line.split("\t")[2]) for line in text.splitlines()]
        assert len(depth) == each.right_start - each.left_end
        found = reference.amplicons().loc[name]
        assert (found.median_depth, found.min_depth) == (np.median(depth), min(depth))
    assert reference.amplicons().min_depth[["K1", "N3"]].to_list() == [0, 70]  # mates of K1 do not meet


def test_depths_of__mates_that_overlap_count_once():
    primers = pd.DataFrame([amplicon("A", "c", 0, 60, ""), amplicon("B", "c", 100, 160, "")])
    counted = {(0, 20, 35, 30, 40): 3, (0, 20, 25, 35, 40): 2, (0, 20, 30, 30, 40): 4, (1, 1, 2, 150, 151): 9}
    found = depths_of(primers, counted).set_index("amplicon")
    assert found.loc["A"].to_list() == [9, 8, 7]
    assert found.loc["B"].to_list() == [9, 0, 0]
    assert depths_of(primers, {}).fragments.to_list() == [0, 0]


# ---- libraries without reads, or of something else


@pytest.mark.parametrize("content", [None, []])
def test_sample__without_reads_has_its_rows_and_a_file_without_records(reference, content):
    reads = [reference.folder / f"s1_{mate}.fastq.gz" for mate in (1, 2)]
    if content is not None:
        write_pairs(reference.folder, "s1", content)
    row = reference.align(reads)
    assert (row.read_pairs, row.status, row.reason) == (0, "no_reads", NO_READS)
    assert row.on_target_rate == ""
    assert reference.amplicons().index.to_list() == list(AMPLICONS)
    assert set(reference.amplicons().to_numpy().ravel()) == {0}
    with pysam.AlignmentFile(reference.folder / "s1.bam") as opened:
        assert opened.references == ("chr2", "chr19")
        assert opened.count("chr19") == 0


def test_sample__of_another_panel_has_nothing_on_target(reference):
    rng = random.Random(3)
    row = reference.align_pairs(sequenced([random_sequence(200, rng) for _ in range(30)]))
    assert (row.unmapped_pairs, row.status) == (30, "nothing_on_target")
    assert row.reason == "none of 30 pairs begins with the primers of an amplicon"
    assert len(reference.records()) == 60


def test_sample__mates_of_other_reads_end_with_what_bwa_says(reference):
    first, _ = write_library(reference.folder, "s1", 5)
    _, second = write_library(reference.folder, "s2", 5)
    with pytest.raises(ProgramError, match="paired reads have different names"):
        reference.align([first, second])


def test_sample__a_missing_index_ends_with_what_bwa_says(reference):
    reads = write_library(reference.folder, "s1", 5)
    (reference.folder / "windows/windows.fa.bwt").unlink()
    with pytest.raises(ProgramError, match="fail to locate the index"):
        reference.align(reads)


def test_pipeline__an_error_in_the_block_is_kept_if_no_program_failed():
    with pytest.raises(ValueError, match="mine"), Pipeline() as programs:  # noqa: PT012
        endless = programs.start(["yes"])
        assert endless.stdout.read(2) == b"y\n"
        raise ValueError("mine")
    assert endless.poll() is not None


def test_pipeline__a_program_that_fails_is_named_with_its_last_words():
    command = ["sh", "-c", "echo it broke >&2; exit 3"]
    with pytest.raises(ProgramError, match="exit status 3\nit broke"), Pipeline() as programs:  # noqa: PT012
        failing = programs.start(command)
        last = programs.start(["cat"], failing.stdout)
        assert last.stdout.read() == b""


def test_pipeline__a_program_that_is_killed_ends_the_script_alike():
    with pytest.raises(SystemExit) as ended, Pipeline() as programs:
        programs.start(["sh", "-c", "kill -9 $$"])
    assert ended.value.code == 137


def test_program_version__of_one_that_says_it_only_with_its_help():
    assert re.fullmatch(r"0\.7\.\d+", program_version("bwa"))


# ---- the study


def coverage_of(depths: list[float], least: list[int] | None = None) -> pd.DataFrame:
    names = [f"a{at}" for at in range(len(depths))]
    rows = {"amplicon": names, "fragments": 9, "median_depth": depths, "min_depth": least or depths}
    return pd.DataFrame(rows).astype(DEPTHS)


@pytest.mark.parametrize(
    ("depths", "least", "status", "reason"),
    [
        ([1000, 1000, 1000], None, "ok", ""),
        ([4, 1000, 1000], None, "dropout", "median depth 4, below 5"),
        ([5, 400, 400], None, "low", "5 fragments at its least covered base, below 200"),
        (
            [9, 1000, 900],
            [0, 1, 1],
            "dropout",
            "median depth 9, 0.95% of the 950 of the sample's other amplicons",
        ),
        ([10, 1000, 900], None, "low", "10 fragments at its least covered base, below 200"),
        ([1000, 0, 0], [199, 0, 0], "low", "199 fragments at its least covered base, below 200"),
        ([300], [200], "ok", ""),
        ([0], None, "dropout", "median depth 0, below 5"),
    ],
)
def test_judge__says_of_the_first_amplicon(depths, least, status, reason):
    assert tuple(judge(coverage_of(depths, least), 200).iloc[0]) == (status, reason)


@pytest.mark.parametrize(
    ("pairs", "on_target", "status", "reason"),
    [
        (1000, 500, "ok", ""),
        (
            1000,
            499,
            "low_on_target",
            "49.9% of 1,000 pairs begin with the primers of an amplicon, fewer than 50%",
        ),
        (1000, 0, "nothing_on_target", "none of 1,000 pairs begins with the primers of an amplicon"),
        (0, 0, "no_reads", NO_READS),
    ],
)
def test_judge_sample__says_how_far_a_library_is_of_these_amplicons(pairs, on_target, status, reason):
    assert judge_sample(pairs, on_target) == (status, reason)


def test_uniformity__is_the_share_near_the_samples_median():
    assert uniformity(pd.Series([100, 100, 20, 19, 500, 501])) == pytest.approx(4 / 6)
    assert np.isnan(uniformity(pd.Series([0, 0, 3])))


SAMPLES = [
    *(("A.P", "A", "parental"), ("A.CR", "A", "resistant"), ("B.P", "B", "parental")),
    *(("007", "B", "resistant"), ("lost", "NA", "parental")),
]


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """The results of five samples: good, K2 dropped out, little of K1, of another panel, without a row."""
    folder = tmp_path_factory.mktemp("study")
    reference, rows = Reference(invoke, folder), folder / "rows"
    reference.cut()
    for name, depths in {"A.P": {}, "A.CR": {"K2": 1}, "B.P": {"K1": 100}}.items():
        full = dict.fromkeys(AMPLICONS, 250) | depths
        reference.align(write_library(folder, name, full), name, results=rows)
    other = sequenced([random_sequence(200, random.Random(3)) for _ in range(30)])
    reference.align(write_pairs(folder, "007", other), "007", results=rows)
    sheet = write_sheet(folder, SAMPLES)
    done = reference.run_script(
        table, amplicons=sheet, primers=reference.primers, rows=rows, results=folder / "results"
    )
    assert done.exit_code == 0, done.output
    return folder / "results"


def read_text(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", dtype="str", keep_default_na=False)


def test_table__has_every_sample_and_amplicon_in_the_order_of_the_sheets(study):
    coverage = read_text(study / "coverage.tsv")
    assert list(coverage) == COVERAGE
    assert coverage[["sample", "line", "condition"]].drop_duplicates().to_numpy().tolist() == [
        list(row) for row in SAMPLES
    ]
    assert coverage.amplicon.to_list() == [*AMPLICONS] * 5
    k2 = coverage[coverage.amplicon == "K2"].iloc[0]
    assert [k2.pool, k2.chrom, k2.insert_start, k2.insert_end] == ["2", "chr19", "570", "760"]


def test_table__judges_each_sample_and_amplicon(study):
    coverage = read_text(study / "coverage.tsv")
    found = coverage.pivot_table("status", "sample", "amplicon", aggfunc="first", sort=False)
    expected = pd.DataFrame("ok", found.index, found.columns)
    expected.loc["A.CR", "K2"] = "dropout"
    expected.loc["B.P", "K1"] = "low"
    expected.loc["007"] = "dropout"
    expected.loc["lost"] = "no_reads"
    pd.testing.assert_frame_equal(found, expected)
    alignment = read_text(study / "alignment.tsv").set_index("sample")
    statuses = ["ok", "ok", "ok", "nothing_on_target", "no_reads"]
    assert alignment.status.to_list() == statuses
    assert alignment.uniformity.to_list() == ["1", "0.8333333333", "1", "", ""]
    assert alignment.reason["lost"] == NO_READS


def test_table__the_section_says_what_is_covered_and_what_is_not(study):
    section = json.loads((study / "align_amplicons_mqc.json").read_text())
    assert section["description"] == (
        "17 of 30 pairs of a sample and an amplicon have depth (5 samples, 6 amplicons), 1 of them fewer "
        "than 200 fragments somewhere in the insert. Dropouts: K2 in A.CR, all in 007. 1 of 5 samples has no "
        "reads. 0.0 to 100.0 % of a sample's read pairs are on target. 83.3 to 100.0 % of a sample's "
        "amplicons have a median depth within 0.2 to 5 times the sample's median."
    )
    assert section["nrf2flow"]["findings"] == {
        "A": "dropout: K2 in A.CR",
        "B": "007 nothing_on_target (none of 30 pairs begins with the primers of an amplicon)",
        "NA": f"lost no_reads ({NO_READS})",
    }
    assert section["nrf2flow"]["statuses"] == "ok 16, dropout 7, no_reads 6, low 1"
    assert section["pconfig"]["xcats"] == ["N1", "N2", "N3", "K1", "K2", "K3"]
    assert section["pconfig"]["ycats"] == [row[0] for row in SAMPLES]
    assert section["data"][0] == [2.398] * 6
    assert section["data"][1][4] == 0
    assert section["data"][4] == [None] * 6


def test_table__the_second_section_shows_the_kinds_of_pairs(study):
    section = json.loads((study / "align_amplicons_pairs_mqc.json").read_text())
    assert section["data"]["B.P"] == {
        **{"on target": 1350, "primers of two amplicons": 0, "off target": 0, "unmapped": 0},
    }
    assert section["data"]["007"]["unmapped"] == 30
    assert list(section["data"]) == ["A.P", "A.CR", "B.P", "007"]


def test_table__the_figure_has_what_it_draws_beside_it(study):
    drawn = read_text(study / "coverage_heatmap.tsv")
    assert drawn.amplicon.to_list() == ["N1", "N2", "N3", "K1", "K2", "K3"] * 5
    one = drawn[(drawn["sample"] == "A.CR") & (drawn.amplicon == "K2")].iloc[0]
    assert (one.median_depth, one.log10_median_depth, one.status, one.role) == ("1", "0", "dropout", "target")
    assert (drawn.log10_median_depth[drawn["sample"] == "lost"] == "").all()
    text = (study / "coverage_heatmap.svg").read_text()
    for words in ("Amplicon depth", "pool 2", "dropout", "no reads", "A.CR", "K3", "chr19"):
        assert f">{words}<" in text


def test_table__the_same_rows_give_the_same_bytes(study, tmp_path):
    given = {"amplicons": study.parent / "amplicons.tsv", "primers": study.parent / "primers.tsv"}
    invoke(table, **given, rows=study.parent / "rows", results=tmp_path)
    for path in study.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_table__a_study_whose_samples_were_all_lost_is_said(tmp_path, run_script):
    options = {"amplicons": write_sheet(tmp_path, SAMPLES), "primers": write_primers(tmp_path)}
    done = run_script(table, **options, rows=tmp_path / "absent", results=tmp_path)
    assert done.exit_code == 0, done.output
    assert set(read_text(tmp_path / "coverage.tsv").status) == {"no_reads"}
    section = json.loads((tmp_path / "align_amplicons_mqc.json").read_text())
    assert section["description"].endswith("All 5 samples have no reads.")
    pairs = json.loads((tmp_path / "align_amplicons_pairs_mqc.json").read_text())
    assert (pairs["description"], pairs["data"]) == ("No sample has reads.", {})


def simulated_coverage(samples: int, amplicons: int, pools: bool = True) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Coverage of many samples and amplicons, and their sheet."""
    draw = np.random.default_rng(4)
    sheet = pd.DataFrame(
        {
            "sample": [f"HSC-{at // 2}.{'P' if at % 2 == 0 else 'CR'}" for at in range(samples)],
            "line": [f"HSC-{at // 2}" for at in range(samples)],
            "condition": ["parental", "resistant"] * (samples // 2) + ["parental"] * (samples % 2),
            "role": ["reference", "target"] * (samples // 2) + ["reference"] * (samples % 2),
        }
    )
    names = [f"KEAP1_exon{at}" for at in range(amplicons)]
    own = pd.DataFrame(
        {"amplicon": names, "pool": [str(1 + at % 2) if pools else None for at in range(amplicons)]}
    )
    own = own.assign(chrom=["chr19" if at % 3 else "chr2" for at in range(amplicons)])
    own = own.assign(insert_start=np.arange(amplicons) * 200, insert_end=np.arange(amplicons) * 200 + 150)
    coverage = sheet[["sample", "line", "condition"]].merge(own, how="cross")
    depth = np.round(10 ** draw.uniform(0, 4, len(coverage)))
    status = np.select([depth < 5, depth < 200], ["dropout", "low"], "ok")
    return coverage.assign(
        fragments=depth, median_depth=depth, min_depth=depth, status=status, reason=""
    ), sheet


@pytest.mark.parametrize(("samples", "amplicons"), [(1, 1), (2, 28), (14, 28), (40, 120)])
def test_draw_heatmap__fits_a_page_of_any_study(samples, amplicons):
    coverage, sheet = simulated_coverage(samples, amplicons, pools=amplicons > 1)
    figure = draw_heatmap(cells_of(coverage, sheet), 200)
    assert figure.get_figwidth() * 25.4 <= 180.5
    figure.draw_without_rendering()
    for text in figure.findobj(lambda each: hasattr(each, "get_text") and each.get_text()):
        box = text.get_window_extent()
        if text.get_visible() and box.width:
            assert box.x0 >= -1
            assert box.x1 <= figure.bbox.x1 + 1
            assert box.y0 >= -1
            assert box.y1 <= figure.bbox.y1 + 1


def test_write_coverage__draws_the_first_amplicons_in_the_report_if_there_are_many(tmp_path, monkeypatch):
    monkeypatch.setattr("common.amplicon_report.INTERACTIVE_CELLS", 40)
    coverage, sheet = simulated_coverage(4, 28)
    alignment = pd.DataFrame([summarise(name, {"on_target": 9}) for name in sheet["sample"]])
    write_coverage(coverage, alignment.assign(uniformity=1.0), sheet, 200, tmp_path)
    section = json.loads((tmp_path / "align_amplicons_mqc.json").read_text())
    assert [len(row) for row in section["data"]] == [10] * 4
    assert len(section["pconfig"]["xcats"]) == 10
    assert section["description"].endswith("The first 10 amplicons are drawn here, all in the figure.")


def test_describe__lists_the_first_dropouts_only():
    coverage, sheet = simulated_coverage(4, 28)
    coverage["status"] = "ok"
    coverage.loc[[0, 3, 29, 31, 33, 35, 90], "status"] = "dropout"
    alignment = pd.DataFrame([summarise(name, {"on_target": 9}) for name in sheet["sample"]])
    said = describe(coverage, alignment.assign(uniformity=1.0), 200)
    assert "Dropouts: KEAP1_exon0 in HSC-0.P, KEAP1_exon3 in HSC-0.P, KEAP1_exon1 in HSC-0.CR" in said
    assert "KEAP1_exon7 in HSC-0.CR and 1 more." in said


def test_by_genome__sorts_contigs_by_their_numbers():
    assert sorted(["chr19", "chr2", "chrX", "chr2_alt", "10", "9"], key=natural) == [
        *("9", "10", "chr2", "chr2_alt", "chr19", "chrX"),
    ]
    rows = [("c", "chr19", 5), ("a", "chr2", 90), ("b", "chr2", 7)]
    coverage = pd.DataFrame(rows, columns=["amplicon", "chrom", "insert_start"]).assign(pool="1")
    assert by_genome(coverage).amplicon.to_list() == ["b", "a", "c"]
