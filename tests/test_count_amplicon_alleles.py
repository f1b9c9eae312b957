"""Alleles in amplicons: planted fragments are counted exactly, once each, and within inserts only."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import amplicon_library as library
import count_amplicon_alleles
import numpy as np
import pandas as pd
import pysam
import pytest
from aligned_amplicons import FORWARD, REVERSE, Edit, Fragment, write_alignment
from amplicon_library import AMPLICONS, OTHER_BASE
from common.variant_sites import normal_form, sequence_around, vcf_fields
from mates import MATES

CHANGES = ["a", "c", "g", "t", "deletions", "insertions"]
CONTIGS = library.genome()
# On chr19, K1 (insert 420 to 600), K2 (570 to 760) and K3 (720 to 900); on chr2, N3 (1040 to 1180).
IN_K1, IN_BOTH, UNDER_K2, IN_N3 = 500, 585, 560, 1100


class Counted:
    """The tables of a run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.alleles = pd.read_csv(folder / "alleles.tsv", sep="\t", keep_default_na=False, dtype=str)
        self.sites = pd.read_csv(folder / "sites.tsv", sep="\t")

    def found(self) -> list[str]:
        rows = self.alleles.drop_duplicates(["chrom", "pos", "ref", "alt"])
        return [f"{row.chrom}:{row.pos}:{row.ref}>{row.alt}" for row in rows.itertuples()]

    def counts(self, name: str, sample: str = "s", amplicon: str | None = None) -> tuple[int, ...]:
        """Return ref, alt and other of a candidate, of one amplicon or of all."""
        rows = self.rows(name, sample)
        if amplicon:
            rows = rows[rows.amplicon == amplicon]
        numbers = rows[["ref_count", "alt_count", "other_count"]].astype(int).sum()
        assert numbers.sum() == rows.depth.astype(int).sum()
        return tuple(numbers)

    def rows(self, name: str, sample: str = "s") -> pd.DataFrame:
        chrom, pos, change = name.split(":")
        ref, alt = change.split(">")
        rows = self.alleles
        key = (rows["sample"], rows.chrom, rows.pos, rows.ref, rows.alt)
        same = [one == other for one, other in zip(key, (sample, chrom, pos, ref, alt), strict=True)]
        return rows[np.logical_and.reduce(same)]

    def site(self, chrom: str, place: int, sample: str = "s") -> dict[str, float]:
        rows = self.sites[
            (self.sites["sample"] == sample) & (self.sites.chrom == chrom) & (self.sites.pos == place + 1)
        ]
        assert len(rows) == 1
        return rows.iloc[0].to_dict()


@pytest.fixture
def count(tmp_path, run_script):
    """Write samples of fragments, and count; a sample of None has no alignment."""
    library.write_genome(tmp_path)
    library.write_primers(tmp_path)

    def counting(samples: Mapping[str, Iterable[Fragment] | None], **options: object) -> Counted:
        library.write_sheet(tmp_path, [(sample, sample, "parental") for sample in samples])
        for sample, fragments in samples.items():
            if fragments is not None:
                write_alignment(tmp_path / "alignments", sample, fragments, CONTIGS)
        done = run_script(
            count_amplicon_alleles.main,
            **{
                "amplicons": tmp_path / "amplicons.tsv", "alignments": tmp_path / "alignments",
                "primers": tmp_path / "primers.tsv", "genome": tmp_path / "genome.fa",
                "results": tmp_path / "results",
            } | options,
        )  # fmt: skip
        assert done.exit_code == 0, done.output
        return Counted(tmp_path / "results")

    return counting


def contig_of(amplicon: str) -> str:
    return CONTIGS[AMPLICONS[amplicon].chrom]


def changed(amplicon: str, place: int, length: int = 1) -> Edit:
    """Exchange each of some bases for another."""
    ref = contig_of(amplicon)[place : place + length]
    return Edit(place, ref, "".join(OTHER_BASE[base] for base in ref))


def lost(amplicon: str, place: int, length: int) -> Edit:
    return Edit(place, contig_of(amplicon)[place : place + length], "")


def name_of(amplicon: str, edit: Edit) -> str:
    """Name an edit as in alleles.tsv."""
    chrom = AMPLICONS[amplicon].chrom
    sequence = library_sequence(chrom)
    return "{}:{}:{}>{}".format(*vcf_fields(normal_form(*edit, sequence), sequence))


def library_sequence(chrom: str):
    class Genome:
        def fetch(self, contig: str, start: int, end: int) -> str:
            return CONTIGS[contig][start:end]

    return sequence_around(Genome(), chrom, 0, len(CONTIGS[chrom]))


def mixed(amplicon: str, reference: int, carriers: int, *edits: Edit, **more: object) -> list[Fragment]:
    return [Fragment(amplicon, **more)] * reference + [Fragment(amplicon, edits, **more)] * carriers


@pytest.mark.parametrize(
    "edit",
    [
        changed("K1", IN_K1),
        changed("K1", IN_K1, 2),
        lost("K1", IN_K1, 1),
        lost("K1", IN_K1, 7),
        Edit(IN_K1, "", "ACGTA"),
        Edit(IN_K1, "", contig_of("K1")[IN_K1 : IN_K1 + 3]),
        Edit(IN_K1, contig_of("K1")[IN_K1 : IN_K1 + 5], OTHER_BASE[contig_of("K1")[IN_K1]] + "A"),
    ],
    ids=["substitution", "two", "deletion", "longer", "insertion", "duplication", "delins"],
)
def test_main__counts_planted_events_exactly(count, edit):
    counted = count({"s": mixed("K1", 90, 30, edit), "other": mixed("K1", 50, 0)})
    name = name_of("K1", edit)
    assert counted.found() == [name]
    assert counted.counts(name) == (90, 30, 0)
    assert counted.counts(name, "other") == (50, 0, 0)
    row = counted.rows(name).iloc[0]
    assert (row.amplicon, row.status, row.alt_forward) == ("K1", "ok", "30")


def test_main__counts_an_event_in_each_amplicon_that_holds_it(count):
    edit = changed("K1", IN_BOTH)
    counted = count({"s": mixed("K1", 50, 20, edit) + mixed("K2", 40, 10, edit)})
    name = name_of("K1", edit)
    assert counted.counts(name, amplicon="K1") == (50, 20, 0)
    assert counted.counts(name, amplicon="K2") == (40, 10, 0)
    site = counted.site("chr19", IN_BOTH)
    assert (site["depth"], site[edit.alt.lower()]) == (120, 30)


@pytest.mark.parametrize("clipped", [True, False])
def test_main__counts_nothing_under_the_primer_of_its_own_amplicon(count, clipped):
    edit = changed("K1", UNDER_K2)
    counted = count({"s": mixed("K1", 40, 20, edit) + mixed("K2", 0, 60, edit, clipped=clipped)})
    name = name_of("K1", edit)
    assert list(counted.rows(name).amplicon) == ["K1"]
    assert counted.counts(name) == (40, 20, 0)
    assert counted.site("chr19", UNDER_K2)["depth"] == 60


@pytest.mark.parametrize(("first", "second", "expected"), MATES)
def test_main__counts_a_fragment_once_and_a_disagreement_by_the_difference(count, first, second, expected):
    place, ref = IN_K1, contig_of("K1")[IN_K1]
    alt = OTHER_BASE[ref]
    bases = {"ref": ref, "alt": alt, "third": OTHER_BASE[alt]}
    shown = dict(zip((FORWARD, REVERSE), (first, second), strict=True))
    one = Fragment(
        "K1",
        mate_bases={(mate, place): bases[base] for mate, (base, _) in shown.items()},
        mate_quality={(mate, place): quality for mate, (_, quality) in shown.items()},
    )
    edit = changed("K1", place)
    counted = count({"s": [one], "carrier": mixed("K1", 0, 10, edit)})
    assert counted.counts(name_of("K1", edit)) == expected
    site = counted.site("chr19", place)
    assert site["depth"] == sum(expected)
    assert site[alt.lower()] == expected[1]


def slow_sites(path: Path, min_quality: int) -> dict[tuple[str, int], Counter]:
    """Count bases per place, one at a time, mates of a name together."""
    shown: dict[tuple[str, str, int], list[tuple[str, int]]] = {}
    with pysam.AlignmentFile(path) as reads:
        for read in reads:
            for query, place in read.get_aligned_pairs():
                if query is not None and place is not None:
                    base = read.query_sequence[query], read.query_qualities[query]
                    shown.setdefault((read.query_name, read.reference_name, place), []).append(base)
    counts: dict[tuple[str, int], Counter] = {}
    for (_, contig, place), bases in shown.items():
        (base, quality), *rest = sorted(bases, key=lambda pair: -pair[1])
        if rest and rest[0][0] != base:
            quality -= rest[0][1]
        if quality >= min_quality:
            counts.setdefault((contig, place), Counter())[base] += 1
    return counts


def noisy(amplicon: str, number: int, rng: np.random.Generator) -> list[Fragment]:
    """Make fragments of which one base in 50 is wrong, in one mate or both, of any quality."""
    each = AMPLICONS[amplicon]
    made = []
    for _ in range(number):
        places = range(each.left_end, each.right_start)
        wrong = [(mate, place) for mate in (FORWARD, REVERSE) for place in places if rng.random() < 0.02]
        made.append(
            Fragment(
                amplicon,
                quality={place: int(rng.integers(2, 41)) for place in places},
                mate_quality={(mate, place): int(rng.integers(2, 41)) for mate, place in wrong},
                mate_bases={(mate, place): str(rng.choice(list("ACGT"))) for mate, place in wrong},
            )
        )
    return made


def test_main__counts_sites_as_the_slow_way_does(count, tmp_path):
    rng = np.random.default_rng(1)
    counted = count({"s": [each for name in AMPLICONS for each in noisy(name, 12, rng)]})
    slow = slow_sites(tmp_path / "alignments/s.bam", 20)
    assert len(counted.sites) == len({(row.chrom, row.pos) for row in counted.sites.itertuples()})
    seen = 0
    for row in counted.sites.itertuples():
        bases = slow.get((row.chrom, row.pos - 1), Counter())
        assert row.depth == sum(bases.values())
        expected = [0 if base == row.ref else bases[base] for base in "ACGT"]
        assert [row.a, row.c, row.g, row.t] == expected
        seen += sum(expected)
    assert seen > 50


def test_main__counts_single_reads_as_samtools_mpileup_does(count, tmp_path):
    rng = np.random.default_rng(2)
    fragments = [
        each._replace(mates=[mate])
        for name in ("K1", "N1", "N3")
        for mate in (FORWARD, REVERSE)
        for each in noisy(name, 20, rng)
    ]
    counted = count({"s": fragments})
    options = ["-A", "-B", "-Q", "20", "-q", "20", "-d", "0", "-f", str(tmp_path / "genome.fa")]
    lines = pysam.mpileup(*options, str(tmp_path / "alignments/s.bam")).splitlines()
    theirs = {}
    for line in lines:
        chrom, pos, _, depth, text, _ = line.split("\t")
        bases = Counter()
        at = 0
        while at < len(text):
            at += 2 if text[at] == "^" else 0
            bases[text[at].upper()] += 1
            at += 1
        theirs[chrom, int(pos)] = int(depth), bases
    assert len(theirs) > 300
    for row in counted.sites.itertuples():
        depth, bases = theirs.get((row.chrom, row.pos), (0, Counter()))
        assert row.depth == depth
        assert [row.a, row.c, row.g, row.t] == [0 if base == row.ref else bases[base] for base in "ACGT"]


def test_main__leaves_out_what_is_excluded_and_keeps_duplicates(count):
    edit = changed("K1", IN_K1)
    fragments = mixed("K1", 20, 5, edit)
    fragments += [Fragment("K1", [edit], flag=flag) for flag in (0x100, 0x200, 0x800)]
    fragments += [Fragment("K1", [edit], mapping_quality=19), Fragment("K1", [edit], flag=0x400)]
    assert count({"s": fragments}).counts(name_of("K1", edit)) == (20, 6, 0)


@pytest.mark.parametrize("distance", [1, 2, 3])
def test_main__takes_substitutions_that_may_share_a_codon_as_one_event(count, distance):
    first, second = changed("K1", IN_K1), changed("K1", IN_K1 + distance)
    counted = count({"s": mixed("K1", 60, 40, first, second)})
    between = contig_of("K1")[IN_K1 + 1 : IN_K1 + distance]
    whole = Edit(IN_K1, first.ref + between + second.ref, first.alt + between + second.alt)
    apart = [name_of("K1", first), name_of("K1", second)]
    assert counted.found() == ([name_of("K1", whole)] if distance <= 2 else apart)


def test_main__takes_a_deletion_and_a_substitution_nearby_as_one_event(count):
    gap, single = lost("K1", IN_K1, 4), changed("K1", IN_K1 + 8)
    counted = count({"s": mixed("K1", 60, 40, gap, single)})
    tail = contig_of("K1")[IN_K1 + 4 : IN_K1 + 8]
    whole = Edit(IN_K1, gap.ref + tail + single.ref, tail + single.alt)
    assert counted.found() == [name_of("K1", whole)]
    assert counted.counts(name_of("K1", whole)) == (60, 40, 0)


def test_main__counts_a_part_of_a_larger_event_only_without_it(count):
    whole, part = changed("K1", IN_K1, 2), changed("K1", IN_K1)
    # Where the second base is bad, one cannot know which of both it is.
    unsure = [Fragment("K1", [whole], quality={IN_K1 + 1: 5})] * 10
    counted = count({"both": mixed("K1", 60, 40, whole) + unsure, "part": mixed("K1", 70, 30, part)})
    assert counted.counts(name_of("K1", whole), "both") == (60, 40, 0)
    assert counted.counts(name_of("K1", part), "both") == (60, 0, 40)
    assert counted.counts(name_of("K1", part), "part") == (70, 30, 0)
    alone = count({"both": mixed("K1", 60, 40, whole) + unsure})
    assert alone.found() == [name_of("K1", whole)]


def test_main__tells_deletions_beside_each_other_apart(count):
    """Their haplotypes differ by one base, which is no more than an error beside one of them."""
    bases = contig_of("N3")
    place = next(
        at for at in range(1060, 1160) if bases[at] != bases[at + 2] and len(set(bases[at - 1 : at + 4])) == 4
    )
    one, other = lost("N3", place, 2), lost("N3", place + 1, 2)
    counted = count({"one": mixed("N3", 50, 30, one), "other": mixed("N3", 60, 20, other)})
    assert counted.counts(name_of("N3", one), "one")[1] == 30
    assert counted.counts(name_of("N3", other), "one")[1] == 0
    assert counted.counts(name_of("N3", one), "other")[1] == 0
    assert counted.counts(name_of("N3", other), "other")[1] == 20


@pytest.mark.parametrize("edit", [Edit(IN_N3, "", "ACGTACGT"), lost("N3", IN_N3, 8)])
@pytest.mark.parametrize("length", range(95, 125, 3))
def test_main__counts_indels_near_the_ends_of_reads_without_favour(count, edit, length):
    """Whatever the read shows of it, it ends at the same place."""
    fragments = mixed("N3", 60, 40, edit, length=length, mates=[FORWARD])
    whole = mixed("N3", 0, 20, edit)
    name = name_of("N3", edit)
    ref, alt, other = count({"s": fragments, "known": whole}).counts(name)
    assert other == 0
    assert (ref, alt) in ((60, 40), (0, 0))


def test_main__takes_no_bad_bases_of_an_insertion_for_another(count):
    place, bases = IN_K1, contig_of("K1")
    true, wrong = [base for base in "ACGT" if base not in bases[place - 1 : place + 1]][:2]
    edit = Edit(place, "", true)
    # The quality at a place is that of the inserted base, too.
    bad = [Fragment("K1", [Edit(place, "", wrong)], quality={place: 8})] * 10
    counted = count({"s": mixed("K1", 80, 40, edit) + bad})
    assert counted.found() == [name_of("K1", edit)]
    good = [each._replace(quality={}) for each in bad]
    assert len(count({"s": mixed("K1", 80, 40, edit) + good}).found()) == 2


@pytest.mark.parametrize(("carriers", "found"), [(2, 0), (3, 1), (9, 1)])
def test_main__finds_what_three_fragments_and_half_of_min_vaf_show(count, carriers, found):
    counted = count({"s": mixed("K1", 200, carriers, changed("K1", IN_K1))})
    assert len(counted.found()) == found
    rare = count({"s": mixed("K1", 200, carriers, changed("K1", IN_K1))}, min_vaf=0.1)
    assert rare.found() == ([] if carriers < 11 else counted.found())


def test_main__keeps_the_rows_of_a_sample_without_alignment(count):
    edit = changed("K1", IN_K1)
    counted = count({"s": mixed("K1", 20, 5, edit), "absent": None})
    row = counted.rows(name_of("K1", edit), "absent").iloc[0]
    assert (row.status, row.reason, row.depth) == ("no_alignment", "no BAM or CRAM file", "")
    sites = counted.sites[counted.sites["sample"] == "absent"]
    assert len(sites) * 2 == len(counted.sites)
    assert sites.depth.isna().all()


@pytest.mark.parametrize("samples", [{"s": []}, {"s": None}, {"s": mixed("K1", 30, 0)}])
def test_main__writes_tables_without_rows_where_there_is_no_candidate(count, samples):
    counted = count(samples)
    assert counted.alleles.empty
    assert list(counted.alleles.columns)[:6] == ["sample", "chrom", "pos", "ref", "alt", "amplicon"]
    assert counted.sites[CHANGES].fillna(0).to_numpy().sum() == 0


def test_main__gives_fragments_without_primers_to_the_amplicon_that_they_cover(count):
    """As trimming leaves them: what remains of K2 begins 12 bases after its primer."""
    short = {
        **AMPLICONS,
        "K2": AMPLICONS["K2"]._replace(left_start=582, left_end=582, right_start=750, right_end=750),
    }
    edit = changed("K2", 700)
    fragments = [Fragment("K2", [edit])] * 10 + [Fragment("K2")] * 10
    counted = count({"s": mixed("K1", 5, 0)})
    write_alignment(counted.folder.parent / "alignments", "s", fragments, CONTIGS, short)
    library.write_sheet(counted.folder.parent, [("s", "s", "parental")])
    again = count({"t": mixed("K2", 10, 10, edit), "s": None})
    assert again.counts(name_of("K2", edit), "s") == again.counts(name_of("K2", edit), "t") == (10, 10, 0)


def test_main__writes_the_same_bytes_again(count):
    rng = np.random.default_rng(3)
    edits = [changed("K1", IN_K1), lost("K1", 540, 3)]
    samples = {"s": mixed("K1", 30, 20, *edits) + noisy("K1", 20, rng), "t": noisy("K2", 20, rng)}
    first = {name: (count(samples).folder / name).read_bytes() for name in ("alleles.tsv", "sites.tsv")}
    again = {name: (count(samples).folder / name).read_bytes() for name in ("alleles.tsv", "sites.tsv")}
    assert first == again
