"""The plumbing of simulate_study: files of sequences, a mini genome, and reads from molecules."""

import gzip
import io
import struct
from itertools import pairwise

import numpy as np
import pytest
from Bio import SeqIO
from common.annotation import read_transcripts
from common.mini_genome import Design, Isoform, draw_gene, draw_genome, gtf_rows, split_length
from common.sequence_files import (
    decode,
    encode,
    fastq_records,
    gtf_row,
    reverse_complement,
    write_fasta,
    write_gtf,
    write_gzip,
)
from common.simulated_alleles import Carried, Variant, carried_by, molecules_of, with_variants
from common.simulated_amplicons import (
    LIBRARY_FACTORS,
    Amplicon,
    draw_copies_with_errors,
    draw_counts,
    draw_library,
    draw_panel,
    expected_shares,
    lay_out,
    primer_length,
    tiles,
)
from common.simulated_dna import DnaVariant, Placed, Template, placed, snv_before, stretch, templates_of
from common.simulated_reads import (
    Fragments,
    Library,
    Molecules,
    Sequencer,
    draw_fragments,
    draw_from_places,
    draw_lengths,
    draw_qualities,
    mixed,
    sequence,
)
from common.simulated_traces import CHAR, FLOAT, PASCAL, SHORT, ab1, abif, draw_trace, products_of

LIBRARY = Library(fragment_mean=30, fragment_sd=10, fragment_range=(5, 50), three_prime_bias=0.5)
SEQUENCER = Sequencer(
    cycles=20,
    adapters=("AAGTCGGAGG", "AAGTCGGATC"),
    phred=(60, 30, 20, 10),
    decay=(0.1, 0.2),
    decay_sd=0.5,
    profiles=500,
)
PERFECT = [np.full((1, 20), 63, dtype=np.uint8)] * 2  # an error in two million bases


def design(strand="+", exons=(30, 24, 41), cds=(12, 72), codons=None, name="A"):
    isoforms = (Isoform(f"{name}1.1", None, True), Isoform(f"{name}2.1", 1, False))
    return Design(f"{name}.1", name, "chr1", strand, exons, cds, isoforms, codons or {})


def test_encode__is_undone_by_decode_and_the_other_strand_by_itself():
    codes = encode("ACGTTGCA")
    np.testing.assert_array_equal(codes, [0, 1, 2, 3, 3, 2, 1, 0])
    assert decode(codes) == "ACGTTGCA"
    assert decode(reverse_complement(encode("AACGT"))) == "ACGTT"


def test_write_gzip__has_no_time_and_no_name(tmp_path):
    write_gzip(b"text" * 100, tmp_path / "a.gz")
    written = (tmp_path / "a.gz").read_bytes()
    assert gzip.decompress(written) == b"text" * 100
    assert written[:3] == b"\x1f\x8b\x08"
    assert written[3:8] == bytes(5)  # flags (no name), modification time


def test_write_fasta__breaks_lines_at_60_bases(tmp_path):
    write_fasta({"chr1": encode("ACGT" * 40), "chr2": encode("A" * 60)}, tmp_path / "a.fa.gz")
    lines = gzip.decompress((tmp_path / "a.fa.gz").read_bytes()).decode().splitlines()
    assert lines == [">chr1", "ACGT" * 15, "ACGT" * 15, "ACGT" * 10, ">chr2", "A" * 60]


def test_gtf_row__counts_from_one_with_the_end_included_and_quotes_text_alone():
    row = gtf_row("chr1", "CDS", 99, 150, "-", {"gene_id": "G", "exon_number": 2}, 1)
    assert row == 'chr1\tSIMULATED\tCDS\t100\t150\t.\t-\t1\tgene_id "G"; exon_number 2;'


def test_fastq_records__number_the_reads_and_name_the_mate():
    bases, qualities = np.array([[0, 1, 2, 3], [3, 3, 0, 0]]), np.array([[40, 40, 2, 2], [0, 1, 2, 3]])
    text = fastq_records("X1", 2, bases, qualities.astype(np.uint8)).decode()
    assert text == '@X10000000/2\nACGT\n+\nII##\n@X10000001/2\nTTAA\n+\n!"#$\n'


def test_split_length__gives_parts_that_are_long_enough_and_add_up():
    random = np.random.default_rng(1)
    for _ in range(200):
        parts = split_length(random, 400, 6, 60)
        assert (len(parts), parts.sum()) == (6, 400)
        assert parts.min() >= 60


@pytest.mark.parametrize("strand", ["+", "-"])
@pytest.mark.parametrize("cds", [(12, 72), (28, 55), (5, 56), (3, 33), (30, 57)])
def test_draw_genome__its_gtf_leads_back_to_the_sequence_and_its_coding_frame(strand, cds, tmp_path):
    """Stop codons in one exon and across two; starts at and near an exon's edge."""
    random = np.random.default_rng(4)
    designs = [design(strand, cds=cds, codons={2: "TGG"}, name=name) for name in "AB"]
    contigs, genes = draw_genome(random, designs, ["chr1"], (20, 40), (50, 60))
    write_gtf(gtf_rows(genes, ["chr1"]), tmp_path / "a.gtf.gz", ["made up"])
    text = gzip.decompress((tmp_path / "a.gtf.gz").read_bytes()).decode()
    (tmp_path / "a.gtf").write_text(text)
    whole = {each.gene_name: each for each in read_transcripts(tmp_path / "a.gtf") if each.cds}
    for gene in genes:
        found = whole[gene.design.gene_name]
        assert (found.strand, found.cds, found.length) == (strand, cds, 95)
        parts = [contigs["chr1"][start:end] for start, end in found.exons]
        spliced = np.concatenate([part if strand == "+" else reverse_complement(part) for part in parts])
        np.testing.assert_array_equal(spliced, gene.transcript())
        coding = decode(spliced[slice(*cds)])
        assert (coding[:3], coding[3:6]) == ("ATG", "TGG")
        assert coding[-3:] in ("TAA", "TAG", "TGA")
    # GTF 2.2: the frame is the number of bases before the first whole codon.
    lines = [line.split("\t") for line in text.splitlines() if 'gene_name "A"' in line]
    for feature in ("CDS", "stop_codon"):
        seen = 0
        for fields in [fields for fields in lines if fields[2] == feature]:
            assert int(fields[7]) == -seen % 3
            seen += int(fields[4]) - int(fields[3]) + 1
        assert seen % 3 == 0


def test_draw_gene__introns_are_as_long_as_asked_and_gt_ag():
    gene = draw_gene(np.random.default_rng(2), design(), (20, 23), 0)
    for (_, end), (start, _) in zip(gene.exons[:-1], gene.exons[1:], strict=True):
        intron = decode(gene.unspliced[end:start])
        assert 20 <= len(intron) <= 23
        assert (intron[:2], intron[-2:]) == ("GT", "AG")


def test_exon_of__finds_the_exon_and_the_place_in_it():
    gene = draw_gene(np.random.default_rng(2), design(), (20, 23), 0)
    assert [gene.exon_of(at) for at in (0, 29, 30, 53, 54, 94)] == [
        *((0, 0), (0, 29), (1, 0), (1, 23), (2, 0), (2, 40))
    ]


def test_with_variants__replaces_several_in_one_exon_and_checks_the_reference():
    gene = draw_gene(np.random.default_rng(2), design(), (20, 23), 0)
    letters = decode(gene.transcript())
    deletion = Variant(0, 32, letters[32:36], letters[36], "c.", "p.")
    change = Variant(0, 40, letters[40], "ACGT"["CGTA".index(letters[40])], "c.", "p.")
    found = decode(np.concatenate(with_variants(gene, [deletion, change])))
    assert found == letters[:32] + letters[36] + letters[36:40] + change.alt + letters[41:]
    wrong = change._replace(ref=change.alt, hgvs_c="c.29A>C")
    with pytest.raises(ValueError, match=r"c\.29A>C of A: the genome has another base"):
        with_variants(gene, [wrong])


def test_carried_by__a_planted_share_moves_the_polymorphisms_of_its_gene():
    planted, same, other = (Variant(gene, at, "A", "C", "c.", "p.") for gene, at in ((0, 1), (0, 9), (1, 5)))
    haplotypes = np.array([[True, False], [False, True]])
    found = {each.variant: each for each in carried_by({planted: 0.2}, [same, other], haplotypes)}
    assert (found[planted].zygosity, found[planted].rna_share) == ("het", 0.2)
    assert (found[same].zygosity, found[same].rna_share) == ("het", 0.8)
    assert found[other].rna_share == 0.5
    (both,) = carried_by({planted: 1.0}, [], np.zeros((0, 2)))
    assert (both.zygosity, both.rna_share) == ("hom", 1)
    assert Carried(same, "common_snp", (True, True), (0.8, 0.2)).rna_share == 1


def test_molecules_of__weigh_isoforms_and_chromosomes_by_share_and_length():
    random = np.random.default_rng(5)
    genes = [draw_gene(random, design(name=name), (20, 23), 0) for name in "AB"]
    letters = decode(genes[1].transcript())
    variant = Variant(1, 60, letters[60], "ACGT"["CGTA".index(letters[60])], "c.", "p.")
    carried = carried_by({variant: 0.25}, [], np.zeros((0, 2)))
    molecules, sequences = molecules_of(genes, carried, np.array([0.1, 0.5]))
    np.testing.assert_array_equal(molecules.gene, [0, 0, 1, 1, 1, 1])
    np.testing.assert_array_equal(molecules.length, [95, 71, 95, 71, 95, 71])
    np.testing.assert_array_equal(molecules.start, [0, 95, 166, 261, 332, 427])
    shares = [0.9, 0.1, 0.375, 0.375, 0.125, 0.125]
    np.testing.assert_allclose(molecules.weight / molecules.length, shares)
    assert [decode(each) for each in sequences[2:4]] == [letters, letters[:30] + letters[54:]]
    assert decode(sequences[4]) == letters[:60] + variant.alt + letters[61:]


def test_draw_fragments__each_gene_has_its_count_and_molecules_their_share():
    random = np.random.default_rng(6)
    molecules = Molecules(
        gene=np.array([0, 0, 1, 2]),
        weight=np.array([30.0, 10.0, 5.0, 9.0]),
        start=np.array([0, 100, 200, 300]),
        length=np.array([100, 100, 100, 12]),
    )
    found = draw_fragments(random, LIBRARY, np.array([20_000, 0, 500]), molecules)
    which = found.start // 100
    assert np.bincount(which, minlength=4)[[2, 3]].tolist() == [0, 500]
    assert abs((which == 0).sum() / 20_000 - 0.75) < 4 * np.sqrt(0.75 * 0.25 / 20_000)
    assert (found.start + found.length <= np.array([100, 200, 300, 312])[which]).all()
    assert found.length[which == 3].max() == 12
    assert found.sense.all()


def test_draw_fragments__coverage_rises_towards_the_three_prime_end():
    random = np.random.default_rng(7)
    molecules = Molecules(np.array([0]), np.array([1.0]), np.array([0]), np.array([100_000]))
    found = draw_fragments(random, LIBRARY, np.array([100_000]), molecules)
    shares = np.histogram(found.start, bins=10, range=(0, 100_000))[0] / 100_000
    centres = np.arange(0.05, 1, 0.1)
    expected = np.exp(0.5 * centres)
    np.testing.assert_allclose(shares, expected / expected.sum(), rtol=0.05)


def test_draw_lengths__are_normal_within_their_range():
    lengths = draw_lengths(np.random.default_rng(8), LIBRARY, np.full(50_000, 1000))
    assert (lengths.min(), lengths.max()) == (5, 50)
    assert abs(np.median(lengths) - 30) <= 1
    inner = lengths[(lengths > 15) & (lengths < 45)]
    assert abs(len(inner) / 50_000 - 0.853) < 0.02  # of a normal variable, below 1.45 SD


def test_draw_from_places__are_of_both_strands_around_the_places():
    found = draw_from_places(np.random.default_rng(9), LIBRARY, 4000, np.array([100, 900]))
    assert set(found.start + found.length // 2) == {100, 900}
    assert abs(found.sense.mean() - 0.5) < 4 * np.sqrt(0.25 / 4000)


def test_mixed__keeps_each_fragment_and_no_order():
    parts = [
        Fragments(np.arange(1000), np.arange(1000) + 5, np.ones(1000, dtype=bool)),
        Fragments(np.arange(1000, 1500), np.arange(1000, 1500) + 5, np.zeros(500, dtype=bool)),
    ]
    found = mixed(np.random.default_rng(10), parts)
    np.testing.assert_array_equal(np.sort(found.start), np.arange(1500))
    np.testing.assert_array_equal(found.length, found.start + 5)
    np.testing.assert_array_equal(found.sense, found.start < 1000)
    assert abs(np.corrcoef(found.start, np.arange(1500))[0, 1]) < 0.1


def test_sequence__mates_read_both_ends_and_go_on_into_their_adapters():
    random = np.random.default_rng(11)
    pool = random.integers(0, 4, 200, dtype=np.uint8)
    starts, lengths = np.array([0, 60, 150, 170, 100]), np.array([40, 25, 50, 30, 7])
    sense = np.array([True, False, True, False, True])
    (first, _), (second, _) = sequence(random, SEQUENCER, pool, Fragments(starts, lengths, sense), PERFECT)
    for row, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        rna = pool[start : start + length] if sense[row] else reverse_complement(pool[start : start + length])
        expected = [decode(reverse_complement(rna)), decode(rna)]
        for bases, fragment, adapter in zip((first, second), expected, SEQUENCER.adapters, strict=True):
            read = decode(bases[row])
            assert read[: min(length, 20)] == fragment[:20]
            assert read[length : length + 10] == adapter[: max(20 - length, 0)]


def test_sequence__errors_have_the_chance_that_the_quality_states():
    random = np.random.default_rng(12)
    pool = random.integers(0, 4, 5000, dtype=np.uint8)
    starts = random.integers(0, 4900, 40_000)
    fragments = Fragments(starts, np.full(40_000, 50), np.ones(40_000, dtype=bool))
    courses = [draw_qualities(random, SEQUENCER, decay) for decay in SEQUENCER.decay]
    _, (second, phred) = sequence(random, SEQUENCER, pool, fragments, courses)
    wrong = second != pool[starts[:, None] + np.arange(20)]
    for score in (10, 20, 30):
        at, expected = phred == score, 10 ** (-score / 10)
        assert abs(wrong[at].mean() - expected) < 5 * np.sqrt(expected / at.sum())
    assert wrong[phred == 60].mean() < 1e-4
    replaced = (second[wrong].astype(int) - pool[starts[:, None] + np.arange(20)][wrong]) % 4
    np.testing.assert_allclose(np.bincount(replaced, minlength=4)[1:] / wrong.sum(), 1 / 3, atol=0.03)


def test_draw_qualities__fall_along_the_read_and_more_with_more_decay():
    random = np.random.default_rng(13)
    mild, strong = (draw_qualities(random, SEQUENCER, decay) for decay in (0.05, 0.3))
    assert set(np.unique(strong)) == set(SEQUENCER.phred)
    assert strong[:, :5].mean() > strong[:, 10:15].mean() > strong[:, 15:].mean()
    assert mild.mean() > strong.mean()


def test_fastq_records__may_end_otherwise():
    text = fastq_records("X:", 1, np.zeros((1, 2), int), np.zeros((1, 2), np.uint8), " {mate}:N:0:1").decode()
    assert text.startswith("@X:0000000 1:N:0:1\nAA\n")


@pytest.fixture(scope="module")
def contigs():
    random = np.random.default_rng(20)
    return {name: random.integers(0, 4, 3000, dtype=np.uint8) for name in ("chr1", "chr2")}


def changed(contigs, start, length, alt):
    return Placed("chr1", start, decode(contigs["chr1"][start : start + length]), alt)


def of_dna(place, on=(False, True), clone=1.0):
    return DnaVariant(Variant(0, 0, place.ref, place.alt, "c.", "p."), place, "planted", on, clone)


@pytest.mark.parametrize("strand", ["+", "-"])
def test_placed__finds_variants_of_both_strands_before_and_within_a_gene(strand):
    gene = draw_gene(np.random.default_rng(2), design(strand), (20, 23), 50)
    body = gene.unspliced if strand == "+" else reverse_complement(gene.unspliced)
    contigs = {"chr1": np.concatenate([np.zeros(50, np.uint8), body, np.full(50, 3, np.uint8)])}
    letters = decode(gene.transcript())
    for offset, length, alt in ((0, 1, "ACG"), (35, 4, "G"), (94, 1, "T")):
        found = placed(gene, Variant(0, offset, letters[offset : offset + length], alt, "c.", "p."))
        assert decode(contigs["chr1"][found.start : found.start + length]) == found.ref
        one, other = found.alt, alt
        assert one == (other if strand == "+" else decode(reverse_complement(encode(other))))
    before = snv_before(7, gene, -3, -20, contigs)
    assert (before.gene, before.ref, before.alt) == (7, "A", "C")
    assert before.hgvs_c == "c.-20A>C"
    found = placed(gene, before)
    assert found.start == (47 if strand == "+" else 50 + len(body) + 2)
    assert found.ref == ("A" if strand == "+" else "T")


def test_templates_of__are_two_chromosomes_and_the_subclones_of_the_second(contigs):
    het, hom, clone = (changed(contigs, at, 1, "A") for at in (10, 20, 30))
    found = templates_of([of_dna(het), of_dna(hom, (True, True)), of_dna(clone, clone=0.1)])
    assert [each.share for each in found] == pytest.approx([0.5, 0.45, 0.05])
    assert [each.variants for each in found] == [[hom], [het, hom], [het, hom, clone]]
    for variant, share, zygosity in ((het, 0.5, "het"), (hom, 1, "hom"), (clone, 0.05, "subclonal")):
        assert sum(each.share for each in found if variant in each.variants) == pytest.approx(share)
        given = {"on": (True, True)} if zygosity == "hom" else {"clone": 0.1 if variant is clone else 1.0}
        assert (of_dna(variant, **given).share, of_dna(variant, **given).zygosity) == (share, zygosity)


def test_stretch__has_what_lies_in_it_as_a_whole_and_checks_the_reference(contigs):
    letters = decode(contigs["chr1"])
    deletion = changed(contigs, 103, 3, letters[103])
    insertion = changed(contigs, 110, 1, letters[110] + "GG")
    at_start, beyond = changed(contigs, 99, 2, "A"), changed(contigs, 118, 3, "A")
    found = decode(stretch(contigs, "chr1", 100, 120, [beyond, insertion, at_start, deletion]))
    assert found == letters[100:104] + letters[106:111] + "GG" + letters[111:120]
    assert decode(stretch(contigs, "chr2", 100, 120, [deletion])) == decode(contigs["chr2"][100:120])
    wrong = insertion._replace(ref="ACGT"["CGTA".index(insertion.ref)])
    with pytest.raises(ValueError, match=rf"chr1:111: the genome does not have {wrong.ref}"):
        stretch(contigs, "chr1", 100, 120, [wrong])


def test_tiles__cover_a_range_and_overlap_by_eight():
    for number in (1, 2, 5):
        found = tiles(100, 900, number)
        assert (found[0][0], found[-1][1], len(found)) == (100, 900, number)
        assert all(one[1] - other[0] == 8 for one, other in pairwise(found))
        lengths = [end - start for start, end in found]
        assert max(lengths) - min(lengths) <= 1


def test_primer_length__is_what_melts_at_58_degrees():
    assert primer_length(encode("GC" * 12)) == 18  # 15 would do, 18 is the least
    assert primer_length(encode("AC" * 12)) == 20  # 20 bases, 60 degrees; 19 melt at 56
    assert primer_length(encode("AT" * 12)) == 24  # no more than that


@pytest.mark.parametrize("strand", ["+", "-"])
def test_lay_out__covers_the_coding_part_and_its_flanks_on_either_strand(strand):
    random = np.random.default_rng(21)
    shape = design(strand, exons=(130, 224, 341), cds=(72, 372))
    made, genes = draw_genome(random, [shape], ["chr1"], (120, 140), (300, 400))
    found = lay_out(genes, made, {"A": {1: 1, 2: 2, 3: 1}}, {"A": {"before": (-170, -120)}})
    names = ["A_before", "A_e1", "A_e2_1", "A_e2_2", "A_e3"]
    assert [each.name for each in found] == (names if strand == "+" else names[::-1])
    assert [each.pool for each in found] == [1, 2, 1, 2, 1]
    assert [each.start for each in found] == sorted(each.start for each in found)
    inserts = {each.name: (each.insert_start, each.insert_end) for each in found}
    (gene,) = genes
    expected = {
        "A_e1": (72 - 5, 130 + 5),
        "A_e3": (gene.exons[2][0] - 5, gene.exons[2][0] + 372 - 354 + 5),
        "A_before": (72 - 170, 72 - 120 + 1),
    }
    for name, stretch_ in expected.items():
        assert inserts[name] == gene.on_genome(*stretch_)
    both = sorted([inserts["A_e2_1"], inserts["A_e2_2"]])
    assert (both[0][0], both[1][1]) == gene.on_genome(gene.exons[1][0] - 5, gene.exons[1][1] + 5)
    assert both[0][1] - both[1][0] == 8


def panel_of(contigs):
    starts = [40 + 130 * at for at in range(20)]
    amplicons = [
        Amplicon(f"a{at}", "A", at % 2 + 1, "chr1", start, start + 20, start + 160, start + 180)
        for at, start in enumerate(starts)
    ]
    return draw_panel(np.random.default_rng(22), amplicons, contigs)


def test_product__has_the_variants_of_the_insert_and_the_primers_bases(contigs):
    (amplicon, *_), letters = panel_of(contigs).amplicons, decode(contigs["chr1"])
    flipped = {at: "ACGT"["CGTA".index(letters[at])] for at in (45, 59, 60, 199, 200)}
    variants = [Placed("chr1", at, letters[at], alt) for at, alt in flipped.items()]
    found = decode(amplicon.product(contigs, Template(1.0, variants)))
    assert [at for at in range(40, 220) if found[at - 40] != letters[at]] == [60, 199]
    assert [amplicon.shows(variant) for variant in variants] == [False, False, True, True, False]


def test_draw_panel__the_second_pool_and_chance_decide_how_well_amplicons_are_made(contigs):
    panel = panel_of(contigs)
    assert np.median(panel.efficiency) == pytest.approx(1)
    logs = np.log(panel.efficiency)
    assert abs(logs[::2].mean() - logs[1::2].mean() + np.log(0.6)) < 4 * 0.3 * np.sqrt(2 / 10)
    assert panel.share_of_others.sum() == pytest.approx(1)
    dimer = np.array([len(other) < 45 for other in panel.others])
    assert panel.share_of_others[dimer].sum() == pytest.approx(0.5)
    left = {decode(contigs["chr1"][each.start : each.insert_start]) for each in panel.amplicons}
    elsewhere = decode(contigs["chr2"])
    for other in panel.others:
        assert decode(other[:20]) in left
        assert len(other) < 45 or decode(other[20:-20]) in elsewhere


def test_draw_counts__are_600_in_the_median_and_few_where_an_amplicon_drops_out(contigs):
    random, panel = np.random.default_rng(23), panel_of(contigs)
    counts = np.array([draw_counts(random, panel, {"a3"}) for _ in range(2000)])
    assert set(counts[:, 3]) == {0, 1, 2, 3}
    ratio = np.delete(counts.mean(axis=0) / panel.efficiency, 3) / 600
    factor = (LIBRARY_FACTORS[1] - LIBRARY_FACTORS[0]) / np.log(LIBRARY_FACTORS[1] / LIBRARY_FACTORS[0])
    np.testing.assert_allclose(ratio, factor * np.exp(0.1**2 / 2), rtol=0.02)
    shares = expected_shares(panel, {"a3"})
    assert (shares[3], shares.sum()) == (0, pytest.approx(1))
    kept = np.arange(20) != 3
    np.testing.assert_allclose(
        shares[kept], (counts.mean(axis=0) / counts[:, kept].mean(axis=0).sum())[kept], rtol=0.02
    )


def test_draw_copies_with_errors__have_the_rates_the_kinds_and_the_families_that_are_stated():
    random = np.random.default_rng(24)
    products = [random.integers(0, 4, 248, dtype=np.uint8) for _ in range(50)]
    fragments = np.full(50, 40_000)
    copies, numbers, left = draw_copies_with_errors(random, products, fragments)
    assert numbers.sum() + left.sum() == fragments.sum()
    assert set(numbers) == {1, 2, 3, 4, 5, 6}
    kinds = {"transition": 0, "oxidation": 0, "other": 0}
    known = np.array(products)
    for copy, number in zip(copies, numbers, strict=True):
        differs = known != copy
        (product,) = np.flatnonzero(differs.sum(axis=1) == 1)
        (at,) = np.flatnonzero(differs[product])
        assert 24 <= at < 224
        pair = "ACGT"[known[product, at]] + "ACGT"[copy[at]]
        kind = "transition" if pair in ("AG", "GA", "CT", "TC") else "other"
        kinds["oxidation" if pair in ("CA", "GT") else kind] += number
    bases = 50 * 40_000 * 200
    expected = {"transition": 0.8 * 4e-5, "oxidation": 8e-5 / 2 + 0.05 * 4e-5, "other": 0.15 * 4e-5}
    for kind, rate in expected.items():
        assert abs(kinds[kind] / bases / rate - 1) < 0.12, kind


def test_draw_copies_with_errors__take_no_more_fragments_than_there_are_or_a_hundredth():
    random = np.random.default_rng(25)
    products = [random.integers(0, 4, 248, dtype=np.uint8) for _ in range(3)]
    fragments = np.array([2, 0, 10**6])
    _, numbers, left = draw_copies_with_errors(random, products, fragments)
    assert (left >= 0).all()
    assert left[1] == 0
    assert numbers.sum() + left.sum() == fragments.sum()
    many = [draw_copies_with_errors(random, products, np.full(3, 250))[1] for _ in range(300)]
    assert set(np.concatenate(many)) == {1, 2}


def test_draw_library__if_all_drops_out_there_are_few_reads(contigs):
    panel, random = panel_of(contigs), np.random.default_rng(26)
    dropped = {each.name for each in panel.amplicons}
    (first, _), (second, _) = draw_library(random, panel, contigs, [Template(1.0, [])], dropped)
    assert 0 < len(first) == len(second) <= 3 * len(dropped) + 10


def test_draw_library__two_percent_are_others(contigs):
    panel = panel_of(contigs)
    (bases, phred), _ = draw_library(np.random.default_rng(27), panel, contigs, [Template(1.0, [])], set())
    assert bases.shape == phred.shape
    assert bases.shape[1] == 150
    letters = decode(contigs["chr1"])
    both = {letters[each.start + 24 : each.start + 54] for each in panel.amplicons}
    both |= {
        decode(reverse_complement(contigs["chr1"][each.end - 54 : each.end - 24])) for each in panel.amplicons
    }
    others = np.mean([decode(read[24:54]) not in both for read in bases])
    wrong = 1 - np.prod(1 - 10 ** (phred[:, 24:54] / -10.0), axis=1)  # an error in the word
    expected = 0.02 + 0.98 * wrong.mean()
    assert abs(others - expected) < 4.5 * np.sqrt(expected / len(bases)) + 30 * 8e-5  # and errors of PCR


def test_abif__is_read_by_biopython_with_every_kind_of_entry():
    entries = [
        ("PBAS", 1, CHAR, b"ACGTA"),
        ("PBAS", 2, CHAR, b"ACGT"),  # stands in the place of its offset
        ("PCON", 2, CHAR, bytes([10, 20, 30, 60])),
        ("DATA", 9, SHORT, struct.pack(">5h", 1, -2, 300, 32767, 0)),
        ("DATA", 10, SHORT, struct.pack(">1h", 7)),
        ("SPAC", 1, FLOAT, struct.pack(">f", 12.5)),
        ("SMPL", 1, PASCAL, b"\x08A sample"),
    ]
    record = SeqIO.read(io.BytesIO(abif(entries)), "abi")
    raw = record.annotations["abif_raw"]
    assert (str(record.seq), record.id) == ("ACGT", "A sample")
    assert record.letter_annotations["phred_quality"] == [10, 20, 30, 60]
    assert raw["PBAS1"] == b"ACGTA"
    assert raw["DATA9"] == (1, -2, 300, 32767, 0)
    assert raw["DATA10"] == 7
    assert raw["SPAC1"] == 12.5


def test_draw_trace__calls_what_was_sequenced_with_peaks_where_they_are_said_to_be():
    random = np.random.default_rng(28)
    codes = random.integers(0, 4, 500, dtype=np.uint8)
    trace = draw_trace(random, [(0.5, codes), (0.5, codes)])
    record = SeqIO.read(io.BytesIO(ab1(trace, "one")), "abi")
    raw = record.annotations["abif_raw"]
    assert str(record.seq[40:-40]) == decode(codes[40:-40])
    assert str(record.seq) == raw["PBAS1"].decode() == raw["PBAS2"].decode()
    assert raw["PLOC2"] == raw["PLOC1"] == tuple(trace.places)
    assert raw["FWO_1"] == b"GATC"
    for number, dye in zip((9, 10, 11, 12), "GATC", strict=True):
        np.testing.assert_array_equal(raw[f"DATA{number}"], trace.channels["ACGT".index(dye)])
    spacing = np.diff(trace.places)
    assert abs(spacing.mean() - 12) < 1
    assert spacing[:30].std() > spacing[40:].std() > 0.3
    at = trace.places[40:-100]
    own = trace.channels[codes[40:-100]]
    heights = own[np.arange(len(at)), at]
    around = np.array([own[row, place - 2 : place + 3].max() for row, place in enumerate(at)])
    assert np.mean(heights > 0.97 * around) > 0.95
    assert 0.2 < np.log(heights).std() < 0.45
    qualities = np.array(record.letter_annotations["phred_quality"])
    assert np.median(qualities[60:-100]) > 45
    assert max(np.median(qualities[:20]), np.median(qualities[-20:])) < 30


def test_draw_trace__of_an_unreadable_one_says_so_by_its_qualities():
    random = np.random.default_rng(29)
    codes = random.integers(0, 4, 500, dtype=np.uint8)
    trace = draw_trace(random, [(1.0, codes)], readable=False)
    assert np.median(trace.qualities) < 30
    assert np.mean(trace.bases[50:400] == codes[50:400]) < 0.9


@pytest.mark.parametrize("forward", [True, False])
def test_products_of__hold_the_middle_and_read_from_their_primer(forward, contigs):
    random, variant = np.random.default_rng(30), changed(contigs, 1500, 1, "A")
    templates = [Template(0.5, []), Template(0.5, [variant])]
    products = products_of(random, contigs, variant, forward, templates)
    assert [share for share, _ in products] == [0.5, 0.5]
    letters = decode(contigs["chr1"])
    expected = [letters[1460:1541], letters[1460:1500] + "A" + letters[1501:1541]]
    for (_, codes), word in zip(products, expected, strict=True):
        read = decode(codes if forward else reverse_complement(codes))
        assert word in read
        assert 400 < len(read) < 600
        assert 200 <= (read.index(word) + 40 if forward else len(read) - read.index(word) - 41) <= 260
