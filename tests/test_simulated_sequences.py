"""The plumbing of simulate_study: files of sequences, a mini genome, and reads from molecules."""

import gzip

import numpy as np
import pytest
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
