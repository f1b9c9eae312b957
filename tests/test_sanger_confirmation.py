"""Sanger traces: calls held to real traces with planted differences, to drawn ones, and to mirror images."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from Bio import SeqIO
from Bio.Seq import translate
from click.testing import CliRunner
from coding_genome import Contigs, genome, write_fasta, write_gtf
from common.annotation import reverse_complement, spliced_sequence
from common.chromatogram_figure import FLANK, Panel, arrange, stem_of
from common.protein_names import same_change, short_name
from common.sanger_variants import Known, Reference, Variant, choose, named_rows, references_for
from common.sequence_files import encode
from common.simulated_traces import Trace as Written
from common.simulated_traces import ab1
from common.trace_files import CHANNELS, Trace, TraceError, read_trace
from conftest import ROOT
from drawn_traces import draw_trace, out_of_phase
from sanger_confirmation import (
    ABSENT_SHARE,
    HET_SHARE,
    HOM_SHARE,
    MOTT_CUTOFF,
    Measure,
    decide,
    main,
    measure,
    measure_peaks,
    place,
    trim,
)

REAL = ROOT / "tests/data/traces"
RANDOM = np.random.default_rng(3)
GENOME = "".join(RANDOM.choice(list("ACGT"), 500))
SITE = 240


def reference(bases: str) -> Reference:
    return Reference("genome", bases, np.arange(len(bases)))


def variant(bases: str, at: int, ref: str, alt: str) -> Variant:
    """A change as a VCF has it, as far to the left as it goes."""
    assert bases[at : at + len(ref)] == ref
    if len(ref) != len(alt):
        at, ref, alt = at - 1, bases[at - 1] + ref, bases[at - 1] + alt
        while ref[-1] == alt[-1] and min(len(ref), len(alt)) == 1:
            at, ref, alt = at - 1, bases[at - 1] + ref[:-1], bases[at - 1] + alt[:-1]
    return Variant("chr1", at + 1, ref, alt, "", "")


def changed(bases: str, at: int, ref: str, alt: str) -> str:
    assert bases[at : at + len(ref)] == ref
    return bases[:at] + alt + bases[at + len(ref) :]


def other(base: str) -> str:
    return "CGTA"["ACGT".index(base)]


def measured(trace: Trace, bases: str, looked_for: Variant) -> Measure:
    peaks = measure_peaks(trace)
    return measure(place(peaks, [reference(bases)]), peaks, looked_for)


def drawn(ref: str, alt: str, share: float, reverse: bool = False, at: int = SITE, **options) -> Measure:
    """Measure a change of GENOME in a trace that is drawn of both alleles."""
    alleles = [(1 - share, GENOME), (share, changed(GENOME, at, ref, alt))]
    if reverse:
        alleles = [(part, reverse_complement(sequence)) for part, sequence in alleles]
    trace = draw_trace([allele for allele in alleles if allele[0] > 0], **options)
    return measured(trace, GENOME, variant(GENOME, at, ref, alt))


# Reading traces


def test_read_trace__reads_what_biopython_has():
    trace, record = read_trace(REAL / "3100.ab1"), SeqIO.read(REAL / "3100.ab1", "abi")
    assert trace.bases == str(record.seq)
    assert trace.qualities.tolist() == record.letter_annotations["phred_quality"]
    highest = trace.channels[:, trace.peaks].argmax(axis=0)
    agree = [CHANNELS[number] == base for number, base in zip(highest, trace.bases, strict=True)]
    assert np.mean(agree[50:650]) > 0.99, "channels are in the order of FWO_1"


def test_read_trace__qualities_that_are_all_zero_are_none():
    assert read_trace(REAL / "310.ab1").qualities is None


@pytest.mark.parametrize("kept", [0, 3, 20, 100, 5000, 200_000])
def test_read_trace__a_file_that_breaks_off_is_said_to(tmp_path, kept):
    (tmp_path / "a.ab1").write_bytes((REAL / "3100.ab1").read_bytes()[:kept])
    with pytest.raises(
        TraceError, match=r"a\.ab1 is (no AB1 file|an AB1 file that breaks off or is damaged)"
    ):
        read_trace(tmp_path / "a.ab1")


def test_read_trace__any_damaged_byte_gives_a_trace_or_a_reason(tmp_path):
    content, random = (REAL / "3100.ab1").read_bytes(), np.random.default_rng(8)
    directory = int.from_bytes(content[26:30], "big")
    ends = [0, 0]
    for _ in range(150):
        damaged = bytearray(content)
        at = random.choice([random.integers(0, 34), random.integers(directory, directory + 3000)])
        damaged[at] = random.integers(256)
        (tmp_path / "a.ab1").write_bytes(damaged)
        try:
            read_trace(tmp_path / "a.ab1")
            ends[0] += 1
        except TraceError:
            ends[1] += 1
    assert min(ends) > 10


def test_trim__keeps_the_best_of_all_stretches():
    for seed in range(20):
        qualities = np.random.default_rng(seed).integers(2, 40, 60).astype(float)
        scores = MOTT_CUTOFF - 10 ** (-qualities / 10)
        best = max(scores[low:high].sum() for low in range(60) for high in range(low, 61))
        assert scores[trim(qualities, 60)].sum() == pytest.approx(best)


def test_trim__ends_where_biopython_trims():
    qualities = read_trace(REAL / "3100.ab1").qualities
    trimmed = SeqIO.read(REAL / "3100.ab1", "abi-trim")
    kept = trim(qualities, len(qualities))
    # Biopython leaves the last base of the best stretch out, and begins with the first that adds to a sum.
    assert str(trimmed.seq).endswith(read_trace(REAL / "3100.ab1").bases[kept][-21:-1])
    assert kept.stop - kept.start <= len(trimmed) + 1


def test_peak_heights__agree_with_the_instruments_own_secondary_peaks():
    # The KB base caller wrote into the file both peaks of each base, P1AM and P2AM, and the second one, P2BA.
    tags = SeqIO.read(REAL / "3100.ab1", "abi").annotations["abif_raw"]
    peaks = measure_peaks(read_trace(REAL / "3100.ab1"))
    good, order = np.flatnonzero(peaks.good), np.argsort(-peaks.heights, axis=1)
    second = np.array([CHANNELS[number] for number in order[:, 1]])
    heights = np.take_along_axis(peaks.heights, order, axis=1)
    own, kb = (heights[:, 1] / heights[:, 0])[good], (np.array(tags["P2AM1"]) / np.array(tags["P1AM1"]))[good]
    same_base = second[good] == np.array(list(tags["P2BA1"].decode()))[good]
    assert np.corrcoef(own, kb)[0, 1] > 0.8
    assert np.median(np.abs(own - kb)) < 0.02
    assert (own[kb < 0.05] < 0.1).all()
    assert (kb[own > 0.3] > 0.2).mean() > 0.9
    assert same_base[kb > 0.3].mean() > 0.85


# Real traces, with differences planted in the reference


def test_measure__finds_no_variant_in_a_real_trace_of_the_reference():
    peaks = measure_peaks(read_trace(REAL / "3100.ab1"))
    placed = place(peaks, [reference(peaks.primary)])
    good = np.flatnonzero(peaks.good)
    calls = [
        measure(placed, peaks, variant(peaks.primary, at, peaks.primary[at], alt)).call
        for at in good[60:-120:4]
        for alt in set("ACGT") - {peaks.primary[at]}
    ]
    assert len(calls) > 300
    assert calls.count("absent") >= 0.98 * len(calls)
    assert calls.count("het") <= 0.005 * len(calls)
    assert "hom" not in calls


@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_measure__finds_the_base_that_a_changed_reference_lacks(direction):
    peaks = measure_peaks(read_trace(REAL / "3100.ab1"))
    for at in range(80, 600, 65):
        bases = changed(peaks.primary, at, peaks.primary[at], other(peaks.primary[at]))
        looked_for = variant(bases, at, bases[at], peaks.primary[at])
        if direction == "reverse":
            looked_for = variant(
                reverse_complement(bases), len(bases) - 1 - at, *map(reverse_complement, looked_for[2:4])
            )
            bases = reverse_complement(bases)
        found = measured(read_trace(REAL / "3100.ab1"), bases, looked_for)
        assert (found.call, found.status) == ("hom", "ok")
        assert found.share > 0.9


@pytest.mark.parametrize("shift", [1, 2, 7, -1, -4])
@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_measure__calls_deletions_and_insertions_in_a_real_trace(shift, direction):
    trace = read_trace(REAL / "3100.ab1")
    bases = measure_peaks(trace).primary
    wanted = {0: "absent", 0.3: "het", 0.5: "het", 1: "hom"}
    for at in (150, 330):
        if shift > 0:
            genome, start, ref, alt = bases, at, bases[at : at + shift], ""
        else:
            genome, start, ref, alt = bases, at, "", bases[at + shift : at]
        if direction == "reverse":
            start = len(genome) - start - len(ref)
            genome, ref, alt = map(reverse_complement, (genome, ref, alt))
        for share, call in wanted.items():
            found = measured(out_of_phase(trace, at, shift, share), genome, variant(genome, start, ref, alt))
            assert (found.call, found.status) == (call, "ok"), (at, share, found)


@pytest.mark.parametrize("share", [0.3, 0.5])
def test_measure__another_deletion_is_no_confirmation(share):
    trace = read_trace(REAL / "3100.ab1")
    bases = measure_peaks(trace).primary
    for at in range(120, 420, 60):
        mixed = out_of_phase(trace, at, 1, share)
        for size in (2, 3, 4):
            found = measured(mixed, bases, variant(bases, at, bases[at : at + size], ""))
            assert (found.call, found.status) == ("not_assessable", "ambiguous"), (at, size, found)
            assert found.reason.endswith("another change, or noise") or "for sure" in found.reason


def test_measure__a_poor_trace_is_too_noisy_or_does_not_align():
    peaks = measure_peaks(read_trace(REAL / "310.ab1"))
    placed = place(peaks, [reference(peaks.primary)])
    found = [
        measure(placed, peaks, variant(peaks.primary, at, peaks.primary[at], other(peaks.primary[at])))
        for at in range(60, 800, 20)
    ]
    assert {(each.call, each.status) for each in found} == {("not_assessable", "too_noisy")}


# Drawn traces


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("share", "call"), [(0, "absent"), (0.3, "het"), (0.5, "het"), (0.7, "het"), (1, "hom")]
)
def test_measure__calls_a_substitution_at_its_share(share, call, reverse):
    for seed in range(3):
        found = drawn(GENOME[SITE], other(GENOME[SITE]), share, reverse, seed=seed)
        assert (found.call, found.status) == (call, "ok")
        assert found.share == pytest.approx(share, abs=0.08)


def test_measure__a_tenth_is_no_heterozygote():
    calls = {drawn(GENOME[SITE], other(GENOME[SITE]), 0.1, seed=seed).call for seed in range(8)}
    assert calls <= {"absent", "not_assessable"}


def test_measure__reads_iupac_codes_as_the_higher_peak():
    ref, alt = GENOME[SITE], other(GENOME[SITE])
    plain, coded = (drawn(ref, alt, 0.5, codes=codes) for codes in (False, True))
    assert coded == plain
    trace = draw_trace([(0.5, GENOME), (0.5, changed(GENOME, SITE, ref, alt))], codes=True)
    assert trace.bases[SITE] not in "ACGT"


def test_measure__says_that_a_third_base_is_there():
    ref, seen, looked_for = GENOME[SITE], other(GENOME[SITE]), other(other(GENOME[SITE]))
    bases = changed(GENOME, SITE, ref, seen)
    absent = measured(draw_trace([(1, bases)]), GENOME, variant(GENOME, SITE, ref, looked_for))
    assert (absent.call, absent.reason) == ("absent", f"{seen}, which is neither")
    both = draw_trace([(0.5, bases), (0.5, changed(GENOME, SITE, ref, looked_for))])
    het = measured(both, GENOME, variant(GENOME, SITE, ref, looked_for))
    assert (het.call, het.reason) == ("het", f"beside {seen}, which is neither")


def test_measure__bases_beside_each_other_must_agree():
    ref = GENOME[SITE : SITE + 2]
    both = changed(GENOME, SITE, ref, "".join(map(other, ref)))
    looked_for = variant(GENOME, SITE, ref, "".join(map(other, ref)))
    assert measured(draw_trace([(0.5, GENOME), (0.5, both)]), GENOME, looked_for).call == "het"
    one = changed(GENOME, SITE, ref[0], other(ref[0]))
    found = measured(draw_trace([(0.5, GENOME), (0.5, one)]), GENOME, looked_for)
    assert (found.call, found.status) == ("not_assessable", "ambiguous")
    assert "disagree" in found.reason


CHANGES = {
    "1-base deletion": (GENOME[SITE], ""),
    "5-base deletion": (GENOME[SITE : SITE + 5], ""),
    "2-base insertion": ("", "GA"),
    "copy": ("", GENOME[SITE - 4 : SITE]),
    "deletion with insertion": (GENOME[SITE : SITE + 4], other(GENOME[SITE])),
}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_measure__calls_a_change_of_length_at_its_share(change, reverse):
    for share, call in {0: "absent", 0.3: "het", 0.5: "het", 1: "hom"}.items():
        found = drawn(*change, share, reverse)
        assert (found.call, found.status) == (call, "ok"), found
        assert found.share == pytest.approx(share, abs=0.08)
        assert found.places >= 15


def test_measure__where_a_deletion_can_lie_in_several_places_it_is_one():
    bases = GENOME[:SITE] + "CACACACACA" + GENOME[SITE:]
    for reverse, start in product((False, True), range(SITE, SITE + 8, 2)):
        shorter = changed(bases, start, "CA", "")
        alleles = [(0.5, bases), (0.5, shorter)]
        if reverse:
            alleles = [(part, reverse_complement(sequence)) for part, sequence in alleles]
        for call, mixture in {"het": alleles, "hom": [(1, alleles[1][1])]}.items():
            found = measured(draw_trace(mixture), bases, variant(bases, start, "CA", ""))
            assert (found.call, found.status) == (call, "ok"), (reverse, start, found)


def test_measure__a_base_that_the_base_caller_left_out_does_not_hide_a_deletion():
    for reverse in (False, True):
        alleles = [(0.5, GENOME), (0.5, changed(GENOME, SITE, GENOME[SITE], ""))]
        if reverse:
            alleles = [(part, reverse_complement(sequence)) for part, sequence in alleles]
        trace = draw_trace(alleles)
        left_out = (SITE if not reverse else len(trace.bases) - SITE) + 20
        trace = trace._replace(
            bases=trace.bases[:left_out] + trace.bases[left_out + 1 :],
            qualities=np.delete(trace.qualities, left_out),
            peaks=np.delete(trace.peaks, left_out),
        )
        found = measured(trace, GENOME, variant(GENOME, SITE, GENOME[SITE], ""))
        assert (found.call, found.status) == ("het", "ok")
        assert found.places < 20


def test_measure__a_noisy_trace_is_not_assessable():
    found = drawn(GENOME[SITE], other(GENOME[SITE]), 0.5, noise=0.35)
    assert (found.call, found.status) == ("not_assessable", "too_noisy")


def test_measure__a_trace_that_trimming_leaves_nothing_of_is_too_noisy():
    found = drawn(GENOME[SITE], other(GENOME[SITE]), 0.5, poor=235)
    assert (found.status, found.reason) == ("too_noisy", "30 of 500 bases are left after trimming")


def test_measure__poor_ends_cover_nothing():
    found = drawn(GENOME[20], other(GENOME[20]), 0.5, at=20, poor=40)
    assert (found.call, found.status) == ("not_assessable", "not_covered")
    assert found.reason == "the trace is read well from 41 to 460"
    assert found.base - found.offset == 20, "it can be drawn nevertheless"


def test_measure__what_lies_behind_another_deletion_is_not_covered():
    ref, alt = GENOME[SITE + 60], other(GENOME[SITE + 60])
    deleted = changed(changed(GENOME, SITE + 60, ref, alt), SITE, GENOME[SITE : SITE + 3], "")
    trace = draw_trace([(0.5, GENOME), (0.5, deleted)])
    found = measured(trace, GENOME, variant(GENOME, SITE + 60, ref, alt))
    assert (found.call, found.status) == ("not_assessable", "not_covered")


def test_measure__a_trace_of_something_else_is_not_aligned():
    trace = draw_trace([(1, "".join(np.random.default_rng(9).choice(list("ACGT"), 500)))])
    found = measured(trace, GENOME, variant(GENOME, SITE, GENOME[SITE], other(GENOME[SITE])))
    assert (found.call, found.status) == ("not_assessable", "no_alignment")


def test_measure__the_mirror_image_of_a_trace_shows_the_same():
    ref, alt = GENOME[SITE], other(GENOME[SITE])
    for share, seed in product((0, 0.1, 0.25, 0.5, 0.9, 1), range(3)):
        alleles = [(1 - share, GENOME), (share, changed(GENOME, SITE, ref, alt))]
        trace = draw_trace([allele for allele in alleles if allele[0] > 0], seed=seed, poor=30)
        one, mirrored = (
            measured(each, GENOME, variant(GENOME, SITE, ref, alt))
            for each in (trace, trace.reverse_complement())
        )
        assert mirrored.call == one.call
        assert mirrored.share == pytest.approx(one.share)
        assert mirrored.noise == pytest.approx(one.noise)
        assert (mirrored.primary, mirrored.secondary) == (one.primary, one.secondary)


def test_measure__height_and_baseline_of_a_channel_decide_nothing():
    ref, alt = GENOME[SITE], other(GENOME[SITE])
    trace = draw_trace([(0.6, GENOME), (0.4, changed(GENOME, SITE, ref, alt))])
    scaled = trace._replace(channels=trace.channels * [[2], [0.5], [1], [3]] + [[100], [0], [30], [7]])
    one, two = (measured(each, GENOME, variant(GENOME, SITE, ref, alt)) for each in (trace, scaled))
    assert (two.call, two.status) == (one.call, one.status) == ("het", "ok")
    assert two.share == pytest.approx(one.share, rel=1e-9)


def test_measure__dyes_may_run_at_different_speeds():
    ref, alt = GENOME[SITE], other(GENOME[SITE])
    trace = draw_trace([(0.5, GENOME), (0.5, changed(GENOME, SITE, ref, alt))])
    channels = trace.channels.copy()
    channels[CHANNELS.index(alt)] = np.roll(channels[CHANNELS.index(alt)], 3)
    shifted = measured(trace._replace(channels=channels), GENOME, variant(GENOME, SITE, ref, alt))
    assert shifted.share == pytest.approx(0.5, abs=0.05)
    assert shifted.noise < 0.06


def test_decide__a_heterozygote_stands_out_of_the_noise():
    assert decide(0.3, 0.14)[0] == decide(0.7, 0.14)[0] == "het"
    assert decide(0.3, 0.16)[1] == decide(0.7, 0.16)[1] == "ambiguous"
    assert decide(0.15, 0.16)[0] == "absent"
    assert decide(0.95, 0.3)[1] == "too_noisy"


def test_decide__grows_from_absent_over_het_to_hom():
    order = ["absent", "not_assessable", "het", "hom"]
    for noise in (0.02, 0.05, 0.08):
        calls = [decide(share, noise)[0] for share in np.linspace(0, 1, 201)]
        ranks = [order.index(call) for call in calls]
        assert ranks == sorted(ranks)
        assert decide(ABSENT_SHARE, noise)[0] == "absent"
        assert decide(HET_SHARE, noise)[0] == "het"
        assert decide(HOM_SHARE, noise)[0] == "hom"


# What is looked for


SEED = 4
CONTIGS, TRANSCRIPTS = genome(SEED)
FASTA = Contigs(**CONTIGS)
KINDS = {"gene": "str", "named": "str", "hgvs_c": "str", "hgvs_p": "str", "consequence": "str"}
ANNOTATED = pd.DataFrame(
    [
        ("chr1", 400, "A", "C", "G1", "yes", "c.1A>C", "p.(Val512Ile)", "missense_variant"),
        ("chr1", 400, "A", "C", "G1", "", "c.9A>C", "p.(Val500Ile)", "missense_variant"),
        ("chr1", 410, "A", "C", "G1", "yes", "c.2A>C", "p.(Leu5=)", "synonymous_variant"),
        ("chr1", 420, "AT", "A", "G1", "yes", "c.3del", "p.(Thr480ProfsTer4)", "frameshift_variant"),
        ("chr1", 430, "A", "<DEL>", "G1", "yes", "", "p.(Val9Ile)", "missense_variant"),
        ("chr1", 700, "A", "C", "other", "", "", "p.(Trp5Ter)", "stop_gained&splice_region_variant"),
    ],
    columns=["chrom", "pos", "ref", "alt", *KINDS],
)
CALLED = pd.DataFrame(
    [
        ("L1", "chr1", 400, "A", "C", "ok"),
        ("L1", "chr1", 410, "A", "C", "ok"),
        ("L2", "chr1", 400, "A", "C", "below_detection"),
    ],
    columns=["line", "chrom", "pos", "ref", "alt", "status"],
)


def known(annotated: pd.DataFrame = ANNOTATED, called: pd.DataFrame | None = CALLED) -> Known:
    genes = {each.gene_name: each for each in TRANSCRIPTS} | {"none": "no_transcript"}
    return Known(named_rows(annotated), called, genes, dict.fromkeys(genes, "T1;N1"), FASTA)


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("p.Val512Ile", "V512I"),
        ("p.(Trp544Ter)", "W544*"),
        ("p.W544X", "W544*"),
        ("W544*", "W544*"),
        ("p.(Thr480ProfsTer4)", "T480Pfs*4"),
        ("p.T480fsX4", "T480fs*4"),
        ("p.(Glu79_Thr80del)", "E79_T80del"),
        ("p.Leu5=", "L5="),
    ],
)
def test_short_name__has_one_form_for_all(name, short):
    assert short_name(name) == short


def test_same_change__of_a_frameshift_the_residue_is_enough():
    assert same_change("p.T480fs", "p.(Thr480ProfsTer4)")
    assert same_change("p.Thr480Profs", "p.(Thr480ProfsTer4)")
    assert not same_change("p.T480fs*5", "p.(Thr480ProfsTer4)")
    assert not same_change("p.T481fs", "p.(Thr480ProfsTer4)")
    assert not same_change("p.T480P", "p.(Thr480ProfsTer4)")


@pytest.mark.parametrize("name", ["p.V512I", "V512I", "p.(V512I)", "p.Val512Ile", "p.(Val512Ile)"])
def test_choose__finds_the_expected_change_on_the_named_transcript(name):
    assert [each.hgvs_c for each in choose("L9", "G1", name, known()).variants] == ["c.1A>C"]
    assert choose("L9", "G1", "p.V500I", known()).status == "not_placed"


def test_choose__without_expectation_takes_what_changes_the_protein_in_the_line():
    assert [each.pos for each in choose("L1", "G1", "", known()).variants] == [400]
    nothing = choose("L2", "G1", "", known())
    assert (nothing.status, nothing.variants) == ("no_variant", [])
    assert "amplicons show none of G1 in L2" in nothing.reason
    assert choose("L1", "G1", "", known(called=None)).status == "no_variant"


def test_choose__derives_every_single_base_change_that_makes_a_residue():
    empty = ANNOTATED.iloc[:0]
    for transcript in TRANSCRIPTS:
        sequence = spliced_sequence(transcript, FASTA)
        first, end = transcript.cds
        for codon in range(1, (end - first) // 3, 17):
            place_of = first + 3 * codon - 3
            triplet = sequence[place_of : place_of + 3]
            residue = translate(triplet)
            expected: dict[str, set[tuple[int, str, str]]] = {}
            for offset, base in product(range(3), "ACGT"):
                new = triplet[:offset] + base + triplet[offset + 1 :]
                if new != triplet and translate(new) != residue:
                    position = transcript.to_genome(place_of + offset)
                    old, alt = (
                        (triplet[offset], base)
                        if transcript.strand == "+"
                        else map(reverse_complement, (triplet[offset], base))
                    )
                    assert CONTIGS["chr1"][position] == old
                    expected.setdefault(translate(new), set()).add((position + 1, old, alt))
            for new, places in expected.items():
                choice = choose("L", transcript.gene_name, f"p.{residue}{codon}{new}", known(empty, None))
                assert {(each.pos, each.ref, each.alt) for each in choice.variants} == places


@pytest.mark.parametrize(
    ("gene", "expected", "reason"),
    [
        ("G1", "p.T80fs", "only a substitution of a residue can be placed"),
        ("G1", "p.W9999*", "it ends before"),
        ("none", "p.V5I", "the annotation has none of T1, N1"),
        ("unknown", "p.V5I", "unknown is no target gene"),
    ],
)
def test_choose__says_why_an_expected_change_cannot_be_placed(gene, expected, reason):
    choice = choose("L", gene, expected, known())
    assert (choice.status, choice.variants) == ("not_placed", [])
    assert reason in choice.reason


def test_choose__holds_the_expected_residue_to_the_transcript():
    start = choose("L", "G1", "p.M1V", known())
    assert start.status == "ok"
    wrong = choose("L", "G1", "p.A1V", known())
    assert (wrong.status, wrong.reason.endswith("residue 1 is Met")) == ("not_placed", True)
    far = choose("L", "G1", "p.M1W", known())
    assert far.reason.endswith("no change of one base of ATG makes it")


# From the genome, or spliced


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda each: each.gene_name)
@pytest.mark.parametrize("reverse", [False, True])
def test_place__tells_spliced_sequence_from_the_genome(transcript, reverse):
    contig = CONTIGS["chr1"]
    position = transcript.to_genome(transcript.cds[0] + 120)
    looked_for = variant(contig, position, contig[position], other(contig[position]))
    exons = sorted(transcript.exons)
    low, high = exons[0][0], exons[-1][1]
    for name in ("genome", "transcript"):
        texts = []
        for text in (contig, changed(contig, position, looked_for.ref, looked_for.alt)):
            spliced = "".join(text[start:end] for start, end in exons)
            own = text[low:high] if name == "genome" else spliced
            texts.append(reverse_complement(own) if reverse else own)
        peaks = measure_peaks(draw_trace([(0.5, text) for text in texts], spread=0.1))
        placed = place(peaks, references_for(looked_for, FASTA, transcript, 750))
        assert (placed.reference.name, placed.reverse) == (name, reverse)
        assert measure(placed, peaks, looked_for).call == "het"


# The whole script


def write_trace(path: Path, alleles: list[tuple[float, str]], **options) -> None:
    trace = draw_trace(alleles, **options)
    path.parent.mkdir(parents=True)
    written = Written(np.round(trace.channels), trace.peaks, encode(trace.bases), trace.qualities)
    path.write_bytes(ab1(written, path.stem))


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> dict[str, Path]:
    """A small study of two genes: a substitution and a deletion, gained; and traces that show nothing."""
    folder, contig = tmp_path_factory.mktemp("study"), CONTIGS["chr1"]
    files = {
        "sanger": "sanger.tsv",
        "genome": "genome.fa",
        "annotation": "genes.gtf",
        "target_genes": "genes.tsv",
    }
    inputs = {name: folder / file for name, file in files.items()}
    inputs |= {name: folder / name for name in ("traces", "called", "annotated")}
    write_fasta(CONTIGS, inputs["genome"])
    write_gtf(TRANSCRIPTS, inputs["annotation"])
    inputs["target_genes"].write_text("gene\ttranscript\tcds_start\tcds_end\nG1\tT1\t\t\nG2\tT2\t\t\n")
    rows, found = [], []
    for transcript, kind in zip(TRANSCRIPTS, ("missense_variant", "frameshift_variant"), strict=False):
        gene, at = transcript.gene_name, transcript.to_genome(transcript.cds[0] + 100)
        ref, alt = (contig[at], other(contig[at])) if gene == "G1" else (contig[at : at + 2], "")
        name = f"p.(Ala{gene[1]}Gly)"
        place = variant(contig, at, ref, alt)[:4]
        found.append((*place, gene, "yes", f"c.{gene[1]}x", name, kind))
        stretch = contig[at - 220 : at + 230]
        both = stretch, changed(stretch, 220, ref, alt)
        for condition, role, share in (("parental", "reference", 0.0), ("resistant", "target", 0.5)):
            for direction in ("forward", "reverse"):
                rows.append(("HSC-2", condition, role, gene, name if gene == "G2" else ""))
                minus = (direction == "reverse") != (transcript.strand == "-")
                texts = map(reverse_complement, both) if minus else both
                alleles = [(part, text) for part, text in zip((1 - share, share), texts, strict=True) if part]
                file = inputs["traces"] / f"{len(rows)}/{condition} {direction}.ab1"
                write_trace(file, alleles, seed=len(rows), poor=15)
    rows.append(("HSC-2", "resistant", "target", "G1", "p.A1G"))
    (inputs["traces"] / "9").mkdir()
    (inputs["traces"] / "9/text.ab1").write_text("no trace")
    for number, expected in ((10, ""), (11, "p.A1G")):
        rows.append(("HSC-3", "resistant", "target", "G1", expected))
        write_trace(inputs["traces"] / f"{number}/other.ab1", [(1, GENOME)])
    sheet = pd.DataFrame(rows, columns=["line", "condition", "role", "gene", "expected"])
    sheet.insert(0, "trace", range(1, len(sheet) + 1))
    annotated = pd.DataFrame(found, columns=ANNOTATED.columns)
    tables = {
        inputs["sanger"]: sheet,
        inputs["annotated"] / "variants.tsv": annotated,
        inputs["called"] / "variants.tsv": annotated.assign(line="HSC-2", status="ok"),
    }
    for path, table in tables.items():
        path.parent.mkdir(exist_ok=True)
        table.to_csv(path, sep="\t", index=False)
    return inputs


def run(inputs: dict[str, Path], results: Path) -> Path:
    words = [f"--{name.replace('_', '-')}={path}" for name, path in inputs.items()]
    done = CliRunner().invoke(main, [*words, f"--results={results}"], catch_exceptions=False)
    assert done.exit_code == 0
    return results


@pytest.fixture(scope="module")
def results(study, tmp_path_factory) -> Path:
    return run(study, tmp_path_factory.mktemp("results"))


def some_rows(study: dict[str, Path], path: Path, rows: slice, **columns: str) -> dict[str, Path]:
    """The study with some rows of its sheet, and other values in columns."""
    sheet = pd.read_csv(study["sanger"], sep="\t", dtype=str)[rows].assign(**columns)
    sheet.to_csv(path, sep="\t", index=False)
    return study | {"sanger": path}


def test_main__gives_back_what_was_planted(results):
    calls = pd.read_csv(results / "calls.tsv", sep="\t", dtype=str, keep_default_na=False)
    planted = calls.head(8)
    assert planted.call.tolist() == ["absent", "absent", "het", "het"] * 2
    assert planted.file.tolist() == (planted.condition + " " + planted.direction + ".ab1").tolist()
    assert calls.status.tolist() == ["ok"] * 8 + ["unreadable", "no_variant", "no_alignment"]
    assert set(calls.call[8:]) == {"not_assessable"}
    assert calls.reason[8] == "text.ab1 is no AB1 file: it starts with b'no t', not with b'ABIF'"
    section = json.loads((results / "sanger_confirmation_mqc.json").read_text())
    assert section["description"].startswith("8 of 11 Sanger traces could be read at a variant.")
    assert section["description"].count("(parental: 2 absent; resistant: 2 het)") == 2


def test_main__traces_are_named_by_their_row_under_pseudonyms(study, results, tmp_path):
    hidden = run(study | {"pseudonymise": "true"}, tmp_path)
    calls, plain = (
        pd.read_csv(folder / "calls.tsv", sep="\t", dtype=str, keep_default_na=False)
        for folder in (hidden, results)
    )
    assert calls.file.tolist() == [f"trace {number}" for number in calls.trace]
    assert calls.reason[8] == "trace 9 is no AB1 file: it starts with b'no t', not with b'ABIF'"
    pd.testing.assert_frame_equal(
        calls.drop(columns=["file", "reason"]), plain.drop(columns=["file", "reason"])
    )
    for path in hidden.iterdir():
        if path.suffix in (".svg", ".tsv", ".json"):
            assert ".ab1" not in path.read_text(), path.name


def test_main__writes_what_it_draws(study, results):
    stems = {path.name.removesuffix(".tsv") for path in results.glob("*.peaks.tsv")}
    assert stems == {"HSC-2.G1.c.1x.peaks", "HSC-2.G2.c.2x.peaks"}
    for stem in stems:
        assert {path.suffix for path in results.glob(f"{stem}.*")} == {".svg", ".png", ".tsv"}
    table = pd.read_csv(results / "HSC-2.G1.c.1x.peaks.tsv", sep="\t")
    curve = table[(table.trace == 3) & (table.element == "curve")]
    trace = read_trace(study["traces"] / "3/resistant forward.ab1")
    points = {tuple(point) for point in trace.channels.T}
    assert {tuple(point) for point in curve[list(CHANNELS)].to_numpy()} <= points
    assert (curve.offset.min(), curve.offset.max()) == pytest.approx((-FLANK - 0.5, FLANK + 0.5), abs=0.1)


@pytest.mark.parametrize("number", [1, 2])
def test_main__draws_a_gene_as_it_reads(results, number):
    table = pd.read_csv(results / f"HSC-2.G{number}.c.{number}x.peaks.tsv", sep="\t")
    transcript = TRANSCRIPTS[number - 1]
    sequence, at = spliced_sequence(transcript, FASTA), transcript.cds[0] + 100
    letters = table[table.base.notna() & table.condition.eq("parental")]
    size = 1 if number == 1 else 2
    # A deletion lies as far to the left of the genome as it can.
    first = min(letters.offset[letters.element == "reference"])
    for _, rows in letters.groupby(["trace", "element"]):
        if rows.element.iloc[0] != "alternative":
            text = "".join(rows.sort_values("offset").base)
            assert text in sequence[at - 30 : at + 40]
            assert first == -FLANK
            assert len(text) == 2 * FLANK + size


def test_main__gives_the_same_bytes_again(study, results, tmp_path):
    run(study, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in results.iterdir()}
    for path in results.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name


@pytest.mark.parametrize("tables", ["absent", "empty"])
def test_main__without_variants_derives_what_is_expected(study, tmp_path, tables):
    transcript = TRANSCRIPTS[0]
    codon = spliced_sequence(transcript, FASTA)[transcript.cds[0] + 99 : transcript.cds[0] + 102]
    new = codon[0] + other(codon[1]) + codon[2]
    assert translate(codon) != translate(new)
    inputs = some_rows(
        study, tmp_path / "sanger.tsv", slice(4), expected=f"p.{translate(codon)}34{translate(new)}"
    )
    for name in ("called", "annotated"):
        inputs[name] = tmp_path / name
        if tables == "empty":
            inputs[name].mkdir()
            header = (study[name] / "variants.tsv").read_text().splitlines()[0]
            (inputs[name] / "variants.tsv").write_text(f"{header}\n")
    calls = pd.read_csv(run(inputs, tmp_path / "out") / "calls.tsv", sep="\t")
    wanted = calls.hgvs_c == f"c.101{codon[1]}>{new[1]}"
    assert calls.call[wanted].tolist() == ["absent", "absent", "het", "het"]
    assert set(calls.call[~wanted]) <= {"absent"}


def test_main__a_study_whose_traces_show_nothing_has_a_table_and_a_sentence(study, tmp_path):
    out = run(some_rows(study, tmp_path / "sanger.tsv", slice(8, None)), tmp_path / "out")
    assert len(pd.read_csv(out / "calls.tsv", sep="\t")) == 3
    assert not list(out.glob("*.png"))
    section = json.loads((out / "sanger_confirmation_mqc.json").read_text())
    assert section["description"].startswith("0 of 3 Sanger traces")


# Figures


def test_stem_of__names_files_safely_and_once():
    taken: list[str] = []
    for line, hgvs_c in (
        ("HSC-2", "c.1631G>A"),
        ("hsc-2", "c.1631G>A"),
        ("HSC-2", "c.*12_*14del"),
        ("a/b", "c.-5A>C"),
    ):
        taken.append(stem_of(line, "KEAP1", Variant("chr1", 1, "A", "C", hgvs_c, ""), taken))
    assert taken == [
        "HSC-2.KEAP1.c.1631G_A.peaks",
        "hsc-2.KEAP1.c.1631G_A_2.peaks",
        "HSC-2.KEAP1.c._12__14del.peaks",
        "a_b.KEAP1.c.-5A_C.peaks",
    ]


def test_arrange__puts_the_parental_above_and_forward_to_the_left():
    empty = pd.DataFrame(columns=["offset"])

    def panel(number: int, role: str, direction: str, note: str = ""):
        condition = {"reference": "zz parental", "target": "resistant", "other": "aa"}[role]
        return Panel(str(number), "f", condition, role, direction, "", False, note, empty, empty, (0, 0))

    panels = [
        panel(1, "target", "reverse"),
        panel(2, "target", "", "not aligned"),
        panel(3, "other", "forward"),
        panel(4, "target", "forward"),
        panel(5, "reference", "reverse"),
        panel(6, "target", "forward"),
    ]
    directions, grid = arrange(panels)
    assert directions == ["forward", "reverse"]
    numbers = [[each and each.trace for each in row] for row in grid]
    assert numbers == [[None, "5"], ["4", "1"], ["6", None], ["2", None], ["3", None]]
