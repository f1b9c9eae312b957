import gzip
import re
import time
from itertools import pairwise
from pathlib import Path

import annotate_variants
import numpy as np
import pandas as pd
import pysam
import pytest
from Bio import SeqIO
from click.testing import CliRunner
from common.annotation import Transcript, read_transcripts, reverse_complement
from common.gene_sets import read_collections
from common.mini_genome import places_without_exons
from common.sequence_files import decode
from common.simulated_amplicons import draw_panel, lay_out
from conftest import ROOT
from simulate_study import (
    ALLELES,
    AMPLICONS_BEFORE,
    AMPLICONS_OF_EXONS,
    DRIFT_SD,
    FRAGMENTS,
    LIBRARY,
    LIBRARY_FACTORS,
    LINES,
    NRF2_REGULATORS,
    NRF2_TARGETS,
    PLATINUM_GENES,
    PROGRAMMES,
    READ_GENES,
    SEQUENCER,
    SHARE_DRIFTING,
    SIZES,
    STUDY_LINES,
    dispersion_trend,
    draw_counts,
    draw_expression,
    draw_genes,
    draw_matrix,
    draw_reference,
    draw_traces,
    fill_tube,
    main,
    planted_sets,
    stream,
    true_amplicon_variants,
    true_amplicons,
    true_calls,
    true_gene_sets,
    true_genes,
    true_genotypes,
    true_skipping,
    true_variants,
)

GENE_SETS = ROOT / "assets" / "gene_sets"
BY_NAME = {line.name: line for line in LINES}
NRF2_LINES = ["HSC-2", "HSC-3", "HO-1-u-1"]
SHORT = {"parental": "P", "resistant": "CR"}
AMINO_ACIDS = dict(  # the standard code, table 1 of NCBI
    zip(
        [a + b + c for a in "TCAG" for b in "TCAG" for c in "TCAG"],
        "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        strict=True,
    )
)
ONE_LETTER = {"Val": "V", "Ile": "I", "Trp": "W", "Glu": "E", "Asp": "D", "Arg": "R", "Pro": "P", "Ser": "S"}
ONE_LETTER |= {"Asp": "D", "Gln": "Q", "Thr": "T"}


@pytest.fixture(scope="module")
def collections():
    return read_collections(GENE_SETS)


@pytest.fixture(scope="module")
def genes(collections):
    return draw_genes(1, collections)


@pytest.fixture(scope="module")
def genome(genes):
    return draw_reference(1, genes)


def study_of(genes, size="small", seed=1, effects=1.0):
    return [draw_expression(seed, line, genes, effects) for line in SIZES[size][0]]


@pytest.fixture(scope="module")
def study(genes):
    return study_of(genes)


@pytest.fixture(scope="module")
def small(genes, study):
    """Return the small study's samples and, by gene_id, its counts."""
    samples, counts = draw_matrix(1, genes, study, 2, 1.0)
    return samples, counts.set_index("gene_id").drop(columns="gene_name")


class Written:
    """A study on disk, read as anyone would."""

    def __init__(self, folder: Path, seconds: float):
        self.folder, self.seconds = folder, seconds
        (folder / "genes.gtf").write_bytes(gzip.decompress((folder / "gtf.gtf.gz").read_bytes()))
        self.transcripts = read_transcripts(folder / "genes.gtf")
        contigs = gzip.decompress((folder / "fasta.fa.gz").read_bytes()).decode().split(">")[1:]
        self.contigs = {name: "".join(lines) for name, *lines in (contig.split("\n") for contig in contigs)}

    def table(self, name: str) -> pd.DataFrame:
        return read(self.folder / name)

    def reads(self, sample: str, mate: int) -> list[list[str]]:
        """Return names, bases, separators and qualities."""
        text = gzip.decompress((self.folder / f"reads/{sample}_{mate}.fastq.gz").read_bytes()).decode()
        lines = text.split("\n")
        assert lines.pop() == ""
        return [lines[at::4] for at in range(4)]

    def pairs(self, sample: str) -> list[tuple[str, str]]:
        """Return the bases of both mates of each pair of an amplicon library."""
        texts = [
            gzip.decompress((self.folder / f"amplicon_reads/{sample}_{mate}.fastq.gz").read_bytes())
            for mate in (1, 2)
        ]
        return list(zip(*(text.decode().split("\n")[1::4] for text in texts), strict=True))

    def spliced(self, transcript: Transcript) -> str:
        contig = self.contigs[transcript.contig]
        parts = [contig[start:end] for start, end in transcript.exons]
        return "".join(parts if transcript.strand == "+" else map(reverse_complement, parts))

    def transcript_of(self, gene: str) -> Transcript:
        return next(each for each in self.transcripts if each.gene_name == gene)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The small study, as `--simulate small` makes it."""
    folder, started = tmp_path_factory.mktemp("study"), time.process_time()
    words = ["--gene-sets", str(GENE_SETS), "--results", str(folder)]
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == 0
    return Written(folder, time.process_time() - started)


def amplicons_of(genome):
    genes = [gene for gene in genome.genes if gene.design.gene_name in AMPLICONS_OF_EXONS]
    return lay_out(genes, genome.contigs, AMPLICONS_OF_EXONS, AMPLICONS_BEFORE)


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",", dtype=str, keep_default_na=False)


def translated(coding: str) -> str:
    return "".join(AMINO_ACIDS[coding[at : at + 3]] for at in range(0, len(coding) - len(coding) % 3, 3))


def log2_means(counts: pd.DataFrame, samples: pd.DataFrame) -> pd.DataFrame:
    """Average log2 CPM by line and condition: genes in rows."""
    log_cpm = np.log2((counts + 0.5) / counts.sum() * 1e6)
    by_sample = samples.set_index("sample")
    return log_cpm.T.groupby([by_sample.line, by_sample.condition]).mean().T


def test_main__writes_the_same_bytes_for_a_seed_and_others_for_another(run_script, tmp_path, monkeypatch):
    monkeypatch.setattr("simulate_study.FRAGMENTS", 3000)
    monkeypatch.setattr("common.simulated_amplicons.MEDIAN_FRAGMENTS", 40)
    for folder, seed in (("a", 7), ("b", 7), ("c", 8)):
        options = {"gene_sets": GENE_SETS, "seed": seed, "results": tmp_path / folder}
        assert run_script(main, **options).exit_code == 0
    a, b, c = (
        {path.relative_to(tmp_path / folder): path.read_bytes() for path in (tmp_path / folder).rglob("*.*")}
        for folder in "abc"
    )
    assert len(a) == 4 + 32 + 7 + 3 + 16 + 12 + 3 + 7 + 4 + 9 + 5
    assert a == b
    same = {str(name) for name in a if a[name] == c[name]}
    planted = ("calls", "genotypes", "skipping", "traces", "assays", "qpcr", "flaws")
    by_design = {f"truth/{name}.tsv" for name in planted}
    sheets = {f"{name}.csv" for name in ("rnaseq", "amplicons", "sanger", "cohorts", "panels")}
    assert same <= {"versions.tsv", *sheets, *by_design}


def test_main__is_quick(written):
    assert written.seconds < 20


def test_main__writes_a_sheet_a_reference_and_reads_that_belong_together(written):
    sheet, counts = written.table("rnaseq.csv"), written.table("truth/counts.tsv")
    columns = ["sample", "line", "condition", "replicate", "fastq_1", "fastq_2", "strandedness"]
    assert list(sheet) == columns
    assert list(counts) == ["gene_id", "gene_name", *sheet["sample"]]
    named = {written.folder / name for mate in ("fastq_1", "fastq_2") for name in sheet[mate]}
    assert named == set((written.folder / "reads").iterdir())
    assert len(named) == 2 * len(sheet)
    assert {each.gene_id for each in written.transcripts} == set(counts.gene_id)
    assert {each.gene_name for each in written.transcripts} == set(counts.gene_name)
    assert {each.contig for each in written.transcripts} <= set(written.contigs)
    assert 3e6 < sum(map(len, written.contigs.values())) < 5e6
    assert set("".join(written.contigs.values())) == set("ACGT")


def test_main__reads_pair_by_name_and_are_as_many_as_were_drawn(written):
    counts = written.table("truth/counts.tsv")
    for sample in ("HSC-2.P1", "HSC-3.CR2", "HSC-4.P2"):
        names, *_ = first = written.reads(sample, 1)
        second = written.reads(sample, 2)
        assert len(set(names)) == len(names)
        assert [name[:-1] for name in names] == [name[:-1] for name in second[0]]
        for mate, (titles, bases, separators, qualities) in enumerate((first, second), start=1):
            assert {(title[0], title[-2:]) for title in titles} == {("@", f"/{mate}")}
            assert set(separators) == {"+"}
            assert {*map(len, bases), *map(len, qualities)} == {100}
        drawn = counts[sample].astype(int).sum()
        assert len(names) == drawn + round(0.01 * drawn) + round(0.005 * drawn)


def test_main__most_fragments_of_a_gene_are_in_its_reads_and_mate_2_reads_as_the_rna(written):
    """By 25-base words of the spliced sequence: errors and alleles hide some reads."""
    wanted = ["KEAP1", "NFE2L2", "CUL3", "NQO1", "GCLM", "TXNRD1", "TP53"]
    words = {}
    for transcript in written.transcripts:
        if transcript.gene_name in wanted:
            spliced = written.spliced(transcript)
            words |= {spliced[at : at + 25]: transcript.gene_name for at in range(len(spliced) - 24)}
    counts = written.table("truth/counts.tsv").set_index("gene_name")["HSC-3.CR1"].astype(int)

    def count(reads: list[str]) -> pd.Series:
        seen = [{words.get(read[at : at + 25]) for at in (0, 25, 40, 75)} - {None} for read in reads]
        assert max(map(len, seen)) <= 1
        return pd.Series([gene for genes in seen for gene in genes]).value_counts()

    (_, first, *_), (_, second, *_) = (written.reads("HSC-3.CR1", mate) for mate in (1, 2))
    for reads in (second, [reverse_complement(read) for read in first]):
        found = count(reads)
        assert set(found.index) == set(wanted)
        assert (found <= 1.06 * counts[found.index] + 8).all()  # some come from unspliced RNA
        assert (found >= 0.9 * counts[found.index]).all()
    assert count(first).sum() + count([reverse_complement(read) for read in second]).sum() < 30


@pytest.mark.parametrize(("size", "lines", "samples"), [("medium", 7, 42), ("large", 50, 300)])
def test_draw_matrix__has_a_column_for_each_replicate(size, lines, samples, genes):
    sheet, counts = draw_matrix(1, genes, study_of(genes, size), SIZES[size][1], 1.0)
    assert list(counts) == ["gene_id", "gene_name", *sheet["sample"]]
    assert (len(sheet), sheet.line.nunique()) == (samples, lines)
    assert sheet["sample"].is_unique
    assert sheet["sample"].str.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+-]*").all()
    assert (sheet.groupby(["line", "condition"]).size() == samples / lines / 2).all()
    assert counts.gene_id.is_unique
    assert counts.gene_name.is_unique
    assert (
        counts.drop(columns=["gene_id", "gene_name"]).sum().between(0.75 * FRAGMENTS, 1.3 * FRAGMENTS).all()
    )


def test_draw_matrix__one_sample_has_no_nqo1_unless_there_are_no_effects(genes):
    for effects, expected in ((1.0, ["HSC-4.P2"]), (0.0, [])):
        for size in ("small", "medium"):
            study = study_of(genes, size, effects=effects)
            _, counts = draw_matrix(1, genes, study, SIZES[size][1], effects)
            nqo1 = counts[counts.gene_name == "NQO1"].iloc[0]
            assert list(nqo1.index[nqo1 == 0]) == expected


@pytest.mark.parametrize("effects", [0, 1])
def test_main__its_truth_names_what_the_sheets_and_gene_sets_have(
    effects, collections, run_script, tmp_path, monkeypatch
):
    monkeypatch.setattr("simulate_study.FRAGMENTS", 1000)
    monkeypatch.setattr("common.simulated_amplicons.MEDIAN_FRAGMENTS", 40)
    assert run_script(main, gene_sets=GENE_SETS, effects=effects, results=tmp_path).exit_code == 0
    sheet, matrix = read(tmp_path / "rnaseq.csv"), read(tmp_path / "truth/counts.tsv")
    contrasts = {f"{line}.resistant_vs_parental" for line in [*sheet.line, "all"]}
    known = {(name, each.name, each.identifier) for name, sets in collections.items() for each in sets}

    sets = read(tmp_path / "truth/gene_sets.tsv")
    assert set(zip(sets.collection, sets.gene_set, sets.identifier, strict=True)) <= known
    assert set(sets.contrast) == contrasts
    changed = read(tmp_path / "truth/genes.tsv")
    assert set(changed.contrast) == contrasts
    assert set(changed.gene_id) <= set(matrix.gene_id)
    in_sheet = set(zip(sheet.line, sheet.condition, strict=True))
    for name in ("calls", "variants", "skipping", "genotypes"):
        table = read(tmp_path / f"truth/{name}.tsv")
        assert set(zip(table.line, table.condition, strict=True)) == in_sheet
    genotypes = read(tmp_path / "truth/genotypes.tsv")
    assert (genotypes.groupby("sample").size() == len(ALLELES)).all()
    assert set(genotypes["sample"]) == set(sheet["sample"])

    libraries = read(tmp_path / "amplicons.csv")
    assert set(zip(libraries.line, libraries.condition, strict=True)) == in_sheet
    primers = read(tmp_path / "primers.tsv")
    amplicons = read(tmp_path / "truth/amplicons.tsv")
    assert set(zip(amplicons["sample"], amplicons.amplicon, strict=True)) == {
        (sample, amplicon) for sample in libraries["sample"] for amplicon in primers.amplicon
    }
    carried = read(tmp_path / "truth/amplicon_variants.tsv")
    assert set(carried["sample"]) == set(libraries["sample"])
    assert {name for names in carried.amplicons for name in names.split(";")} <= set(primers.amplicon)
    sanger, traces = read(tmp_path / "sanger.csv"), read(tmp_path / "truth/traces.tsv")
    assert list(sanger.ab1) == list("traces/" + traces.file)
    assert (sanger.expected == "").sum() == 1
    assert set(sanger.expected) - {""} <= set(traces.hgvs_p)
    assert {path.name for path in (tmp_path / "traces").iterdir()} == set(traces.file)

    cohorts, panels = read(tmp_path / "cohorts.csv"), read(tmp_path / "panels.csv")
    named = {*cohorts.maf, *cohorts.samples, *panels.file}
    assert {f"cohort_files/{path.name}" for path in (tmp_path / "cohort_files").iterdir()} == named
    assert set(read(tmp_path / "truth/cohorts.tsv").gene) <= set(matrix.gene_name)
    assert set(read(tmp_path / "truth/mutations.tsv").cohort) == set(cohorts.cohort)
    assert list(read(tmp_path / "truth/patients.tsv").patient) == list(
        read(tmp_path / "patients.csv").patient
    )


def test_main__refuses_gene_sets_without_those_that_it_plants_effects_in(run_script, tmp_path):
    (tmp_path / "own.gmt").write_text("MINE\tno description\tTP53\tNQO1\n")
    result = run_script(main, gene_sets=tmp_path, results=tmp_path / "study")
    assert result.exit_code == 1
    assert result.output.startswith("Error: gene sets: no set HALLMARK_XENOBIOTIC_METABOLISM, ")


def test_planted_sets__finds_every_set_of_every_programme_in_the_shipped_collections(collections):
    found = planted_sets(collections)
    assert set(found) == {identifier for programme in PROGRAMMES.values() for identifier in programme.sets}
    assert found["WP4313"][1].name == "Ferroptosis (WP4313)"


def test_draw_genes__moves_the_nrf2_targets_most_and_leaves_their_regulators(genes):
    response = pd.Series(genes.responses["nrf2"], genes.table.gene_name)
    assert response[list(NRF2_TARGETS)].between(1, 2.5).all()
    assert (response[list(NRF2_REGULATORS)] == 0).all()
    others = response.drop([*NRF2_TARGETS, *NRF2_REGULATORS])
    assert others[others != 0].between(0.5, 1.5).all()


def test_draw_genes__a_random_three_fifths_of_a_planted_set_respond(genes, collections):
    for programme in ("nrf2", "mesenchymal", "interferon"):
        for identifier in PROGRAMMES[programme].sets:
            members = planted_sets(collections)[identifier][1].genes
            members = genes.table.gene_name.isin(set(members) - {*NRF2_TARGETS, *NRF2_REGULATORS}).to_numpy()
            share = (genes.responses[programme][members] != 0).mean()
            assert abs(share - 0.6) < 4 * np.sqrt(0.24 / members.sum())


def test_draw_genes__what_responds_is_expressed_and_some_others_are_not(genes):
    moved = np.any(list(genes.responses.values()), axis=0)
    count = FRAGMENTS * np.exp2(genes.baseline) / np.exp2(genes.baseline).sum()
    assert (count[moved] > 8).all()
    named = ~genes.table.gene_name.str.startswith("SIMG").to_numpy()
    assert 0.05 < (count[~moved & named] < 1).mean() < 0.15


def test_draw_genes__those_whose_alleles_are_read_have_enough_fragments(genes):
    names = genes.table.gene_name
    count = pd.Series(FRAGMENTS * np.exp2(genes.baseline) / np.exp2(genes.baseline).sum(), names)
    for name, abundance in READ_GENES.items():
        assert abs(count[name] / count["NQO1"] * READ_GENES["NQO1"] / abundance - 1) < 0.01
        assert count[name] > 450


def test_draw_genes__a_tenth_of_what_is_expressed_moves_with_nrf2(genes):
    expressed = genes.baseline > 0
    assert 0.08 < (genes.responses["nrf2"][expressed] != 0).mean() < 0.15


def test_draw_genes__sets_are_large_enough_to_be_tested(genes, collections):
    names = set(genes.table.gene_name)
    assert 1000 <= len(names) <= 1400
    for gene_set in collections["hallmark"]:
        assert len(names & set(gene_set.genes)) >= 20, gene_set.name
    for _, gene_set in planted_sets(collections).values():
        assert len(names & set(gene_set.genes)) >= 40, gene_set.name


def test_draw_expression__a_line_is_the_same_in_a_study_of_any_size(genes):
    matrices = {size: draw_matrix(1, genes, study_of(genes, size), 2, 1.0) for size in ("small", "medium")}
    (samples, small), (_, medium) = matrices.values()
    pd.testing.assert_frame_equal(small[samples["sample"]], medium[samples["sample"]])


def test_draw_expression__drift_is_random_and_independent_between_lines_and_of_what_is_planted(genes):
    drifts = np.array([draw_expression(1, line, genes, 1).drift for line in LINES[:7]])
    drifting = drifts[:, genes.may_drift]
    assert not drifts[:, ~genes.may_drift].any()
    assert abs((drifting != 0).mean() - SHARE_DRIFTING) < 4 * np.sqrt(SHARE_DRIFTING / drifting.size)
    changes = drifting[drifting != 0]
    assert abs(changes.mean()) < 4 * DRIFT_SD / np.sqrt(changes.size)
    assert abs(changes.std() - DRIFT_SD) < 4 * DRIFT_SD / np.sqrt(2 * changes.size)
    correlation = np.corrcoef([*drifting, genes.responses["nrf2"][genes.may_drift]])
    assert np.abs(correlation[np.triu_indices(8, 1)]).max() < 4.5 / np.sqrt(drifting.shape[1])


def test_draw_expression__effects_scale_what_is_planted_and_nothing_else(genes):
    none, half, whole = (draw_expression(1, BY_NAME["HO-1-u-1"], genes, effects) for effects in (0, 0.5, 1))
    np.testing.assert_allclose(half.planted, whole.planted / 2, rtol=1e-12)
    assert not none.planted.any()
    np.testing.assert_array_equal(none.drift, whole.drift)
    added = whole.log2_abundance["parental"] - none.log2_abundance["parental"]
    np.testing.assert_allclose(added, genes.responses["nrf2"], atol=1e-12)


def test_draw_counts__library_sizes_are_log_uniform_in_their_range():
    random, genes = np.random.default_rng(3), 1000
    drawn = [draw_counts(random, np.zeros(genes), np.full(genes, 0.001)).sum() for _ in range(2000)]
    sizes = np.array(drawn) / FRAGMENTS
    logs = (np.log(sizes) - np.log(LIBRARY_FACTORS[0])) / np.diff(np.log(LIBRARY_FACTORS))
    shares = [0.005, 0.25, 0.5, 0.75, 0.995]
    np.testing.assert_allclose(np.quantile(logs, shares), shares, atol=0.04)


def test_draw_counts__have_the_mean_and_the_dispersion_of_each_gene(genes, monkeypatch):
    """1,000 libraries of one size; the moments by classes of mean count, 3 % for Monte Carlo error."""
    monkeypatch.setattr("simulate_study.LIBRARY_FACTORS", (1.0, 1.0))
    abundance = np.exp2(genes.baseline)
    mean = FRAGMENTS * abundance / abundance.sum()
    random = np.random.default_rng(5)
    counts = np.array([draw_counts(random, genes.baseline, genes.dispersion) for _ in range(1000)])
    found = (((counts - mean) ** 2).mean(0) - mean) / mean**2
    for low, high in ((10, 30), (30, 100), (100, 2000)):
        rows = (mean > low) & (mean < high)
        np.testing.assert_allclose(np.mean(counts[:, rows] / mean[rows]), 1, atol=0.01)
        np.testing.assert_allclose(np.mean(found[rows] / genes.dispersion[rows]), 1, atol=0.03)


def test_draw_genes__dispersions_scatter_around_the_stated_trend(genes):
    abundance = np.exp2(genes.baseline + genes.line_sd**2 * np.log(2) / 2)
    ratio = np.log(genes.dispersion / dispersion_trend(FRAGMENTS * abundance / abundance.sum()))
    assert abs(ratio.mean()) < 4 * 0.3 / np.sqrt(len(ratio))
    assert abs(ratio.std() - 0.3) < 4 * 0.3 / np.sqrt(2 * len(ratio))
    np.testing.assert_allclose(dispersion_trend(np.array([1.0, 25, 1e9])), [0.51, 0.03, 0.01], rtol=1e-6)


def test_draw_matrix__library_sizes_vary_within_their_range_and_lines_differ(small):
    samples, counts = small
    totals = counts.sum()
    assert totals.max() / totals.min() > 1.15
    means = log2_means(counts, samples)[counts.mean(axis=1) > 50]
    between = means["HSC-3", "parental"] - means["HSC-4", "parental"]
    assert 0.8 < between.std() < 2


@pytest.mark.parametrize("line", NRF2_LINES)
def test_draw_matrix__planted_changes_are_in_the_means_of_the_counts(line, genes, study, small):
    samples, counts = small
    means = log2_means(counts, samples)[line]
    planted = {each.line.name: each.planted for each in study}[line]
    counted = (counts.mean(axis=1) > 50).to_numpy()  # log ratios of few fragments are biased
    moved = np.flatnonzero((planted != 0) & counted)
    found = (means.resistant - means.parental).to_numpy()
    found -= np.median(found[(planted == 0) & counted])
    information = planted[moved] @ planted[moved]
    slope = (found[moved] @ planted[moved]) / information
    assert abs(slope - 1) < 4 * 0.35 / np.sqrt(information)  # 0.35: noise and drift of a gene
    targets = np.flatnonzero(genes.table.gene_name.isin(NRF2_TARGETS))
    np.testing.assert_allclose(found[targets].mean(), planted[targets].mean(), atol=0.2)


def test_draw_matrix__targets_tell_active_lines_from_others_in_both_conditions(genes, study, small):
    samples, counts = small
    targets = genes.table.gene_name.isin(NRF2_TARGETS).to_numpy()
    state = log2_means(counts, samples)[targets].mean()
    state -= state.nsmallest(3).median()
    calls = true_calls([each.line for each in study], 1.0).set_index(["line", "condition"])
    assert (state[calls.index[calls.nrf2_active == "yes"]] > 1).all()
    assert (state[calls.index[calls.nrf2_active == "no"]] < 0.3).all()


def test_draw_matrix__without_effects_no_target_moves(genes):
    samples, counts = draw_matrix(1, genes, study_of(genes, effects=0), 2, 0.0)
    means = log2_means(counts.set_index("gene_id").drop(columns="gene_name"), samples)
    for line in NRF2_LINES:
        change = (means[line].resistant - means[line].parental).to_numpy()
        change -= np.median(change)
        assert abs(change[np.flatnonzero(genes.responses["nrf2"])].mean()) < 0.15


def test_true_genes__is_the_difference_of_what_the_lines_express(genes, study):
    truth = true_genes(genes, study)
    for expression in study:
        levels = expression.log2_abundance
        change = pd.Series(levels["resistant"] - levels["parental"], genes.table.gene_id)
        listed = truth[truth.contrast == f"{expression.line.name}.resistant_vs_parental"].set_index("gene_id")
        np.testing.assert_allclose(listed.log2_fold_change, change[listed.index], atol=1e-12)
        assert np.abs(change.drop(listed.index)).max() < 1e-12


def test_true_genes__over_all_lines_is_their_mean(genes, study):
    truth = true_genes(genes, study)
    truth = truth[truth.gene_name != ""].set_index(["contrast", "gene_name"]).log2_fold_change
    each = [truth[f"{line}.resistant_vs_parental", "NQO1"] for line in NRF2_LINES]
    assert ("HSC-4.resistant_vs_parental", "NQO1") not in truth.index
    np.testing.assert_allclose(truth["all.resistant_vs_parental", "NQO1"], sum(each) / 4, rtol=1e-12)


def test_true_genes__without_effects_has_drift_only(genes):
    truth = true_genes(genes, study_of(genes, effects=0))
    assert (truth.planted_log2_fold_change == 0).all()
    assert (truth.log2_fold_change == truth.drift_log2_fold_change).all()
    assert len(truth) > 500


def test_true_gene_sets__says_where_each_set_goes(collections, genes):
    truth = true_gene_sets(collections, genes, study_of(genes, "medium"), 1.0)
    direction = truth.set_index(["identifier", "contrast"]).direction
    by_line = {
        "WP2884": {"HSC-2": "up", "HSC-3": "up", "HO-1-u-1": "up", "all": "up"},
        "WP4313": {"HSC-2": "up", "HSC-3": "up", "HO-1-u-1": "up", "all": "up"},
        "HALLMARK_EPITHELIAL_MESENCHYMAL_TRANSITION": {"Ca9-22": "up", "all": "up"},
        "HALLMARK_INTERFERON_ALPHA_RESPONSE": {"SAS": "down", "all": "down"},
    }
    for identifier, expected in by_line.items():
        for line in ("RPMI2650", "HSC-2", "HSC-3", "HO-1-u-1", "Ca9-22", "HSC-4", "SAS", "all"):
            assert direction[identifier, f"{line}.resistant_vs_parental"] == expected.get(line, "none")


def test_true_gene_sets__of_the_small_study_leaves_one_line_without_any(collections, genes, study):
    truth = true_gene_sets(collections, genes, study, 1.0)
    assert set(truth.identifier) == set(PROGRAMMES["nrf2"].sets)
    assert set(truth.contrast[truth.direction == "none"]) == {"HSC-4.resistant_vs_parental"}


def test_true_gene_sets__without_effects_go_nowhere(collections, genes):
    truth = true_gene_sets(collections, genes, study_of(genes, effects=0), 0)
    assert len(truth) == 20
    assert set(truth.direction) == {"none"}
    assert not truth.planted_log2_fold_change.any()


def test_true_calls__are_those_of_the_founding_study():
    calls = true_calls(SIZES["medium"][0], 1.0)
    candidates = calls[calls.call == "candidate"]
    assert list(zip(candidates.line, candidates.condition, strict=True)) == [
        *(("HSC-3", "resistant"), ("HO-1-u-1", "parental"), ("HO-1-u-1", "resistant")),
    ]
    resistant = calls[calls.condition == "resistant"].set_index("line")
    assert dict(resistant.nrf2_gained[resistant.nrf2_active == "yes"]) == {
        **{"HSC-2": "yes", "HSC-3": "yes", "HO-1-u-1": "no"},
    }
    assert set(resistant.index[resistant.nqo1_functional == "no"]) == {"RPMI2650", "HSC-2", "Ca9-22", "HSC-4"}
    assert (calls.nrf2_gained[calls.condition == "parental"] == "").all()


def test_true_calls__without_effects_nothing_is_active_and_no_line_a_candidate():
    calls = true_calls(SIZES["medium"][0], 0.0)
    assert set(calls.nrf2_active) == {"no"}
    assert set(calls.nqo1_functional) == {"yes"}
    assert set(calls.call) == {"not_candidate"}


def test_stream__parts_and_keys_are_independent():
    keys = [(1, "genes"), (2, "genes"), (1, "lines", 0), (1, "lines", 1), (1, "samples", 0, 0, 1)]
    drawn = np.array([stream(*each).random(10_000) for each in keys])
    assert np.abs(np.corrcoef(drawn)[np.triu_indices(5, 1)]).max() < 0.05


def test_platinum_genes__are_in_the_study_and_move_in_hsc_4_alone(genes, study):
    rows = np.flatnonzero(genes.table.gene_name.isin(PLATINUM_GENES))
    assert len(rows) == len(PLATINUM_GENES)
    for expression in study:
        expected = [PLATINUM_GENES[name] for name in genes.table.gene_name[rows]]
        if expression.line.name == "HSC-4":
            np.testing.assert_array_equal(expression.planted[rows], expected)
            assert np.count_nonzero(expression.planted) == len(expected)
        else:
            np.testing.assert_array_equal(expression.planted[rows] != 0, genes.responses["nrf2"][rows] != 0)


def test_draw_reference__every_coding_sequence_is_open_and_every_intron_gt_ag(written):
    coding = 0
    for transcript in written.transcripts:
        contig = written.contigs[transcript.contig]
        assert 2 <= len(transcript.exons) <= 16
        ordered = sorted(transcript.exons)
        for (_, end), (start, _) in pairwise(ordered):
            intron = contig[end:start]
            intron = intron if transcript.strand == "+" else reverse_complement(intron)
            assert (intron[:2], intron[-2:]) == ("GT", "AG")
            assert len(intron) >= 100
        if transcript.cds:
            coding += 1
            protein = translated(written.spliced(transcript)[slice(*transcript.cds)])
            assert len(protein) * 3 == transcript.cds[1] - transcript.cds[0]
            assert (protein[0], protein[-1], protein.count("*")) == ("M", "*", 1)
    assert coding > 1000
    assert {transcript.strand for transcript in written.transcripts} == {"+", "-"}


def test_draw_reference__the_genes_that_are_read_have_the_shape_of_their_transcripts_in_gencode(written):
    targets = read(ROOT / "assets/target_genes.tsv").set_index("gene")
    expected = {
        "KEAP1": ("ENST00000171111.10", "chr19", 6, 624),
        "NFE2L2": ("ENST00000397062.8", "chr2", 5, 605),
        "CUL3": ("ENST00000264414.9", "chr2", 16, 768),
        "NQO1": ("ENST00000320623.10", "chr16", 6, 274),
    }
    for gene, (transcript_id, contig, exons, residues) in expected.items():
        found = written.transcript_of(gene)
        assert (found.transcript_id, found.contig, found.strand) == (transcript_id, contig, "-")
        assert len(found.exons) == exons
        assert found.cds[1] - found.cds[0] == 3 * (residues + 1)
        assert found.transcript_id.split(".")[0] in targets.transcript[gene].split(";")
        if targets.cds_start[gene]:
            assert found.cds == (int(targets.cds_start[gene]) - 1, int(targets.cds_end[gene]))


@pytest.mark.parametrize(
    ("gene", "exon", "first", "last"),
    [("NQO1", 4, 304, 417), ("NFE2L2", 2, 46, 312), ("KEAP1", 5, 1532, 1708), ("CUL3", 9, 1207, 1377)],
)
def test_draw_reference__exons_begin_and_end_where_they_do_in_grch38(gene, exon, first, last, written):
    transcript = written.transcript_of(gene)
    start = transcript.starts[exon - 1] - transcript.cds[0] + 1
    begin, end = transcript.exons[exon - 1]
    assert (start, start + end - begin - 1) == (first, last)


def test_draw_reference__nqo1_has_an_isoform_without_exon_4_in_frame(written):
    whole, skipped = [each for each in written.transcripts if each.gene_name == "NQO1"]
    assert skipped.exons == whole.exons[:3] + whole.exons[4:]
    proteins = [translated(written.spliced(each)[slice(*each.cds)]) for each in (whole, skipped)]
    assert proteins[1] == proteins[0][:101] + proteins[0][139:]


def test_true_variants__the_reference_bases_are_those_of_the_genome_and_names_fit(written):
    variants = written.table("truth/variants.tsv")
    for row in variants.itertuples():
        at = int(row.pos) - 1
        assert written.contigs[row.chrom][at : at + len(row.ref)] == row.ref
        transcript = written.transcript_of(row.gene)
        first = re.match(r"c\.(\d+)", row.hgvs_c)[1]
        assert transcript.coding_to_genome(first) == (
            at if transcript.strand == "+" else at + len(row.ref) - 1
        )
    assert set(variants.origin) == {"planted", "common_snp"}


def test_true_variants__change_the_protein_as_they_say(written):
    """Put each into its contig, and translate."""
    checked = set()
    for row in written.table("truth/variants.tsv").drop_duplicates(["gene", "hgvs_c"]).itertuples():
        transcript, contig, at = written.transcript_of(row.gene), written.contigs[row.chrom], int(row.pos) - 1
        before = translated(written.spliced(transcript)[slice(*transcript.cds)])
        grown = len(row.alt) - len(row.ref)
        shift = [tuple(place + grown * (place > at) for place in exon) for exon in transcript.exons]
        changed = Written.__new__(Written)
        changed.contigs = {row.chrom: contig[:at] + row.alt + contig[at + len(row.ref) :]}
        spliced = changed.spliced(transcript._replace(exons=tuple(shift)))
        after = translated(spliced[transcript.cds[0] :])
        after = after[: after.index("*") + 1]
        if row.hgvs_p.endswith("="):
            assert after == before
            place = int(re.search(r"\d+", row.hgvs_p)[0])
            assert int(re.search(r"\d+", row.hgvs_c)[0]) == 3 * place
        elif "fs" in row.hgvs_p:
            ref, place, alt, stop = re.fullmatch(r"p\.(\D+)(\d+)(\D+)fsTer(\d+)", row.hgvs_p).groups()
            same = int(place) - 1
            assert (before[:same], before[same]) == (after[:same], ONE_LETTER[ref])
            assert (after[same], len(after)) == (ONE_LETTER[alt], same + int(stop))
        else:
            ref, place, alt = re.fullmatch(r"p\.(\D+)(\d+)(\D+)", row.hgvs_p).groups()
            assert row.origin == "planted"
            expected = "*" if alt == "Ter" else ONE_LETTER[alt]
            assert before[int(place) - 1] == ONE_LETTER[ref]
            assert after[: int(place)] == before[: int(place) - 1] + expected
        checked.add(row.hgvs_c)
    planted = {"c.1534G>A", "c.1631G>A", "c.246A>C", "c.340_346delinsCAG", "c.559C>T", "c.1438del"}
    assert planted <= checked
    assert len(checked) > 40


def test_true_variants__the_lines_of_the_study_differ_and_their_conditions_do_not(genome):
    variants = true_variants(genome, STUDY_LINES, 1.0)
    snps = variants[(variants.origin == "common_snp") & variants.gene.isin(READ_GENES)]
    assert snps.groupby("gene").pos.nunique().to_dict() == dict.fromkeys(READ_GENES, 4)
    kinds = snps.pivot_table(
        index=["line", "condition"], columns=["chrom", "pos"], values="zygosity", aggfunc="first"
    ).fillna("ref")
    for line in kinds.index.levels[0]:
        assert (kinds.loc[line, "parental"] == kinds.loc[line, "resistant"]).all()
    parental = kinds.xs("parental", level="condition")
    for at, first in enumerate(parental.index):
        for second in parental.index[at + 1 :]:
            assert (parental.loc[first] != parental.loc[second]).sum() >= 4


def test_draw_reference__alternative_bases_have_their_frequency(genome):
    assert abs(genome.haplotypes.mean() - 0.4) < 4 * np.sqrt(0.24 / genome.haplotypes.size)
    assert len(genome.snps) == 61


def test_true_genotypes__are_those_of_the_founding_study(genes, genome):
    lines, replicates = SIZES["medium"]
    samples, _ = draw_matrix(1, genes, study_of(genes, "medium"), replicates, 1.0)
    truth = true_genotypes(genome, samples, lines, 1.0)
    assert len(truth) == 42 * 8
    carriers = truth[truth.genotype != "ref"].drop_duplicates(["line", "condition", "hgvs_c"])
    columns = ["line", "condition", "hgvs_p", "genotype", "rna_share"]
    found = set(carriers[columns].itertuples(index=False, name=None))
    assert found == {
        *(("HSC-2", condition, "p.Asp57=", "het", 0.5) for condition in SHORT),
        ("HSC-2", "resistant", "p.Val512Ile", "het", 0.5),
        ("HSC-2", "resistant", "p.Asp114GlnfsTer4", "het", 0.5),
        ("HSC-3", "resistant", "p.Trp544Ter", "het", 0.2),
        ("HO-1-u-1", "parental", "p.Glu82Asp", "het", 0.5),
        ("HO-1-u-1", "resistant", "p.Glu82Asp", "het", 0.7),
        ("HSC-4", "resistant", "p.Thr480ProfsTer4", "het", 0.5),
        *(("Ca9-22", condition, "p.Arg139Trp", "hom", 1.0) for condition in SHORT),
        *(("HSC-4", condition, "p.Pro187Ser", "hom", 1.0) for condition in SHORT),
    }
    unseen = truth[truth.expressed == "no"]
    assert set(unseen["sample"]) == {"HSC-4.P2"}
    assert set(unseen.gene) == {"NQO1"}
    assert len(unseen) == 3


def test_true_genotypes__without_effects_there_are_polymorphisms_alone(genes, genome):
    samples, _ = draw_matrix(1, genes, study_of(genes, effects=0.0), 2, 0.0)
    truth = true_genotypes(genome, samples, SIZES["small"][0], 0.0)
    assert set(truth.genotype) == {"ref"}
    assert set(truth.expressed) == {"yes"}
    assert set(true_variants(genome, STUDY_LINES, 0.0).origin) == {"common_snp"}
    assert set(true_skipping(STUDY_LINES, 0.0).share) == {0.03}


def test_true_skipping__is_usual_but_where_r139w_promotes_it(genome):
    truth = true_skipping(STUDY_LINES, 1.0).set_index(["line", "condition"])
    assert set(truth.gene) == {"NQO1"}
    assert set(truth.exon) == {4}
    assert set(truth.share["Ca9-22"]) == {0.5}
    assert set(truth.share.drop("Ca9-22", level="line")) == {0.03}


@pytest.mark.parametrize(
    ("line", "condition", "gene", "word", "share"),
    [
        ("HSC-2", 1, "KEAP1", "V512I", 0.5),
        ("HSC-2", 0, "KEAP1", "V512I", 0.0),
        ("HSC-3", 1, "KEAP1", "W544*", 0.2),
        ("HO-1-u-1", 0, "NFE2L2", "E82D", 0.5),
        ("HO-1-u-1", 1, "NFE2L2", "E82D", 0.7),
        ("HSC-4", 0, "NQO1", "P187S", 1.0),
        ("HSC-2", 1, "NQO1", "delins", 0.5),
    ],
)
def test_fill_tube__alleles_have_their_share_of_the_molecules(line, condition, gene, word, share, genome):
    tube = fill_tube(genome, BY_NAME[line], condition, 1.0)
    row = next(at for at, each in enumerate(genome.genes) if each.design.gene_name == gene)
    variant = genome.alleles[word]
    before = genome.genes[row].transcript()[variant.offset - 15 : variant.offset]
    molecules = [
        (decode(tube.pool[start : start + length]), weight / length)
        for at, weight, start, length in zip(*tube.molecules, strict=True)
        if at == row
    ]
    having = [
        (decode(before) + variant.alt in letters, number)
        for letters, number in molecules
        if decode(before) in letters
    ]
    found = sum(number for has, number in having if has) / sum(number for _, number in having)
    assert abs(found - share) < 1e-9


@pytest.mark.parametrize(("line", "share"), [("Ca9-22", 0.5), ("SAS", 0.03)])
def test_fill_tube__molecules_skip_exon_4_as_planted(line, share, genome):
    tube = fill_tube(genome, BY_NAME[line], 1, 1.0)
    row = next(at for at, each in enumerate(genome.genes) if each.design.gene_name == "NQO1")
    mine = tube.molecules.gene == row
    number, length = tube.molecules.weight[mine] / tube.molecules.length[mine], tube.molecules.length[mine]
    assert abs(number[length < 1400].sum() / number.sum() - share) < 1e-9


def test_places_without_exons__are_in_none_and_at_no_end_of_a_contig(genome, written):
    places = places_without_exons(genome.contigs, genome.genes, LIBRARY.fragment_range[1])
    pool = np.concatenate(list(genome.contigs.values()))
    offsets = dict(zip(genome.contigs, np.cumsum([0, *map(len, genome.contigs.values())]), strict=False))
    exonic = np.zeros(len(pool), dtype=bool)
    for transcript in written.transcripts:
        for start, end in transcript.exons:
            exonic[offsets[transcript.contig] + start : offsets[transcript.contig] + end] = True
    assert not exonic[places].any()
    ends = 23 * 2 * LIBRARY.fragment_range[1]
    assert len(places) == pytest.approx((~exonic).sum() - ends, abs=ends)


def test_main__few_reads_show_an_adapter_and_quality_falls(written):
    for mate, adapter in enumerate(SEQUENCER.adapters, start=1):
        _, bases, _, qualities = written.reads("HSC-2.P1", mate)
        share = np.mean([adapter[:12] in read for read in bases])
        assert 0.015 < share < 0.08
        scores = np.array([np.frombuffer(quality.encode(), dtype=np.uint8) for quality in qualities]) - 33.0
        by_cycle = scores.mean(axis=0)
        assert by_cycle[:10].mean() > by_cycle[40:50].mean() > by_cycle[-10:].mean() + 0.5
        assert 0.8 < (scores >= 30).mean() < 0.97


@pytest.fixture(scope="module")
def primers(written):
    table = written.table("primers.tsv")
    places = [name for name in table if name.endswith(("start", "end"))]
    return table.astype(dict.fromkeys(places, int))


def test_lay_out__inserts_cover_the_coding_bases_and_neighbours_overlap_in_two_pools(primers, written):
    assert len(primers) == 28
    assert primers.amplicon.str.lower().is_unique
    assert (primers.start == primers.left_start).all()
    assert (primers.end == primers.right_end).all()
    for first, last in (("left_start", "left_end"), ("right_start", "right_end")):
        assert (primers[last] - primers[first]).between(18, 24).all()
    assert (primers.end - primers.start).between(90, 250).all()
    assert (primers.end - primers.start < 150).sum() >= 2  # their reads go on into the adapters
    for _, contig in primers.groupby("chrom"):
        for one, other in pairwise(contig.itertuples()):
            assert one.left_end < other.left_end
            assert one.pool != other.pool
            if other.start < one.end:
                assert one.right_start - other.left_end == 8
    for gene in ("KEAP1", "NFE2L2"):
        transcript = written.transcript_of(gene)
        mine = primers[primers.chrom == transcript.contig]
        covered = {at for row in mine.itertuples() for at in range(row.left_end, row.right_start)}
        assert {transcript.to_genome(offset) for offset in range(*transcript.cds)} <= covered
    promoter = written.transcript_of("NFE2L2").coding_to_genome("-733")
    before = primers[(primers.chrom == "chr2") & (primers.left_end <= promoter)]
    assert (promoter < before.right_start).any()


def test_main__most_pairs_begin_with_both_primers_and_amplicons_have_their_share(primers, written):
    expected = written.table("truth/amplicons.tsv").astype({"expected_share": float})
    sizes = [path.stat().st_size for path in (written.folder / "amplicon_reads").iterdir()]
    assert sum(sizes) < 10e6
    ends = {}
    for row in primers.itertuples():
        contig = written.contigs[row.chrom]
        ends[contig[row.start : row.start + 18]] = (row.amplicon, "left")
        ends[reverse_complement(contig[row.end - 18 : row.end])] = (row.amplicon, "right")
    medians = []
    for sample in ("HSC-2.CR", "HSC-4.P"):
        pairs = written.pairs(sample)
        found = [(ends.get(one[:18]), ends.get(other[:18])) for one, other in pairs]
        known = [(one, other) for one, other in found if one and other]
        assert len(known) > 0.95 * len(pairs)
        whole = [one for one, other in known if one[0] == other[0] and one[1] != other[1]]
        assert 0.002 < 1 - len(whole) / len(known) < 0.03  # dimers and others of two amplicons
        assert abs(np.mean([end == "left" for _, end in whole]) - 0.5) < 4 * 0.5 / np.sqrt(len(whole))
        counts = pd.Series([name for name, _ in whole]).value_counts()
        truth = expected[expected["sample"] == sample].set_index("amplicon")
        assert abs(truth.expected_share.sum() - 1) < 1e-9
        dropped = truth.index[truth.dropped == "yes"]
        assert list(dropped) == (["NFE2L2_e3"] if sample == "HSC-4.P" else [])
        assert all(counts.get(name, 0) <= 4 for name in dropped)
        kept = truth.expected_share.drop(dropped)
        ratio = np.log(counts[kept.index] / counts[kept.index].sum() / kept)
        assert ratio.abs().max() < 4 * np.hypot(0.1, 1 / np.sqrt(counts[kept.index].min()))
        medians.append(counts.reindex(truth.index).median())
    assert 400 < np.mean(medians) < 900
    share = expected[expected["sample"] == "HSC-2.P"].set_index("amplicon").expected_share
    pools = share.groupby(primers.set_index("amplicon").pool).median()
    assert 0.4 < pools["2"] / pools["1"] < 0.85


def test_main__fragments_show_the_variants_in_their_share_of_the_dna(written):
    """By words of 25 bases around each variant, in either mate; 4.5 standard errors."""
    truth = written.table("truth/amplicon_variants.tsv").astype({"pos": int, "vaf": float})
    checked = 0
    for sample in ("HSC-3.CR", "HO-1-u-1.CR", "HSC-4.CR"):
        words = {}
        for row in truth[truth["sample"] == sample].itertuples():
            contig, at = written.contigs[row.chrom], row.pos - 1
            before, behind = contig[at - 12 : at], contig[at + len(row.ref) : at + len(row.ref) + 12]
            words[row.hgvs_c] = [(before + base + behind) for base in (row.ref, row.alt)]
        fragments = [one + "N" + reverse_complement(other) for one, other in written.pairs(sample)]
        fragments += [reverse_complement(fragment) for fragment in fragments]
        for row in truth[truth["sample"] == sample].itertuples():
            ref, alt = (sum(word in each for each in fragments) for word in words[row.hgvs_c])
            tolerance = 4.5 * np.sqrt(row.vaf * (1 - row.vaf) / (ref + alt)) + 0.01
            assert ref + alt > 150
            assert abs(alt / (ref + alt) - row.vaf) < tolerance, row.hgvs_c
            checked += 1
    assert checked == 25


def test_main__an_amplicon_with_a_primer_at_a_variant_shows_the_primers_base(primers, written):
    truth = written.table("truth/amplicon_variants.tsv")
    (row,) = truth[(truth.hgvs_c == "c.171C>T") & (truth["sample"] == "HSC-2.P")].itertuples()
    assert (row.vaf, row.zygosity, row.amplicons) == ("0.5", "het", "KEAP1_e2_2")
    at = int(row.pos) - 1
    hidden = primers[(primers.left_start <= at) & (at < primers.left_end) & (primers.chrom == row.chrom)]
    assert list(hidden.amplicon) == ["KEAP1_e2_1"]
    contig, start = written.contigs[row.chrom], int(hidden.start.iloc[0])
    # From the primer on into what the neighbour does not reach.
    neighbour = primers[primers.amplicon == "KEAP1_e2_2"]
    ref = contig[start : int(neighbour.end.iloc[0]) + 8]
    alt = ref[: at - start] + row.alt + ref[at - start + 1 :]
    reads = [read for pair in written.pairs("HSC-2.P") for read in pair]
    assert sum(read.startswith(ref) for read in reads) > 200
    assert not sum(read.startswith(alt) for read in reads)


def test_true_amplicon_variants__are_minimal_far_left_and_of_the_genome(written):
    truth = written.table("truth/amplicon_variants.tsv")
    for row in truth.itertuples():
        at = int(row.pos) - 1
        assert written.contigs[row.chrom][at : at + len(row.ref)] == row.ref
        assert row.ref[-1] != row.alt[-1] or len(row.ref) == len(row.alt) == 1
        assert min(len(row.ref), len(row.alt)) == 1
        assert row.amplicons
    indels = truth[truth.ref.str.len() != truth.alt.str.len()]
    assert set(indels.hgvs_c) == {"c.1438del", "c.93_94insCAG"}


def test_true_amplicon_variants__have_the_names_that_annotate_variants_gives_them(written, tmp_path):
    truth = written.table("truth/amplicon_variants.tsv")
    places = ["chrom", "pos", "ref", "alt"]
    sites = truth.drop_duplicates(places).astype({"pos": int}).sort_values(["chrom", "pos"])
    (tmp_path / "genome.fa").write_text(
        "".join(f">{name}\n{contig}\n" for name, contig in written.contigs.items())
    )
    pysam.faidx(str(tmp_path / "genome.fa"))
    (tmp_path / "variants").mkdir()
    records = [f"{row.chrom}\t{row.pos}\t.\t{row.ref}\t{row.alt}\t.\t.\t.\n" for row in sites.itertuples()]
    contigs = [f"##contig=<ID={name}>\n" for name in written.contigs]
    header = ["##fileformat=VCFv4.2\n", *contigs, "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"]
    (tmp_path / "variants/truth.vcf").write_text("".join([*header, *records]))
    words = ["--variants", tmp_path / "variants", "--genome", tmp_path / "genome.fa"]
    words += ["--annotation", written.folder / "genes.gtf", "--results", tmp_path]
    for name in ("target_genes", "domains", "hotspots"):
        words += [f"--{name.replace('_', '-')}", ROOT / f"assets/{name}.tsv"]
    CliRunner().invoke(annotate_variants.main, [str(word) for word in words], catch_exceptions=False)
    found = read(tmp_path / "variants.tsv")
    found = found[found.named == "yes"].set_index(places)
    truth = truth.drop_duplicates(places).set_index(places)
    assert len(found) == len(truth) > 10
    assert (found.hgvs_c == truth.hgvs_c[found.index]).all()
    assert (found.hgvs_p.str.replace(r"[()]", "", regex=True) == truth.hgvs_p[found.index]).all()


def test_true_amplicon_variants__are_those_of_the_founding_study_and_the_planted_extras(genome):
    amplicons = amplicons_of(genome)
    truth = true_amplicon_variants(genome, SIZES["medium"][0], amplicons, 1.0)
    planted = truth[truth.origin == "planted"]
    columns = ["sample", "hgvs_c", "vaf", "zygosity"]
    found = set(planted[columns].itertuples(index=False, name=None))
    promoter = planted.hgvs_c[planted.hgvs_c.str.startswith("c.-")].iloc[0]
    assert re.fullmatch(r"c\.-733(A>C|C>A|G>T|T>G)", promoter)
    assert found == {
        ("HSC-2.CR", "c.1534G>A", 0.5, "het"),
        *((f"HSC-2.{short}", "c.171C>T", 0.5, "het") for short in SHORT.values()),
        ("HSC-3.CR", "c.1631G>A", 0.5, "het"),
        ("HSC-3.CR", "c.959G>A", 0.03, "subclonal"),
        *((f"HO-1-u-1.{short}", "c.246A>C", 0.5, "het") for short in SHORT.values()),
        *((f"HO-1-u-1.{short}", promoter, 0.5, "het") for short in SHORT.values()),
        ("HO-1-u-1.CR", "c.93_94insCAG", 0.06, "subclonal"),
        ("HSC-4.CR", "c.1438del", 0.5, "het"),
    }
    of_rna = true_variants(genome, SIZES["medium"][0], 1.0)
    snps = of_rna[(of_rna.origin == "common_snp") & of_rna.gene.isin(["KEAP1", "NFE2L2"])]
    columns = ["line", "condition", "chrom", "pos", "zygosity"]
    common = truth[truth.origin == "common_snp"]
    assert set(common[columns].itertuples(index=False)) == set(snps[columns].itertuples(index=False))
    assert (common.vaf == common.zygosity.map({"het": 0.5, "hom": 1.0})).all()


def test_true_amplicon_variants__without_effects_nothing_is_gained_or_lost(genome):
    amplicons = amplicons_of(genome)
    truth = true_amplicon_variants(genome, SIZES["small"][0], amplicons, 0.0)
    assert set(truth.origin) == {"common_snp"}
    of_condition = {
        condition: set(rows[["line", "pos", "vaf"]].itertuples(index=False, name=None))
        for condition, rows in truth.groupby("condition")
    }
    assert of_condition["parental"] == of_condition["resistant"]
    panel = draw_panel(stream(1, "amplicons"), amplicons, genome.contigs)
    assert set(true_amplicons(SIZES["small"][0], panel, 0.0).dropped) == {"no"}
    _, traces, _ = draw_traces(1, genome, BY_NAME, 0.0)
    assert set(traces.call) == {"absent", "not_assessable"}


@pytest.fixture(scope="module")
def traces(written):
    """Read each trace as Biopython does: calls, and per base the heights of G, A, T and C."""
    found = {}
    for path in (written.folder / "traces").iterdir():
        raw = SeqIO.read(path, "abi").annotations["abif_raw"]
        channels = np.array([raw[f"DATA{number}"] for number in (9, 10, 11, 12)])
        found[path.name] = raw["PBAS2"].decode(), channels[:, list(raw["PLOC2"])]
    return found


def test_draw_traces__peaks_at_the_variant_are_as_the_call_says(traces, written):
    truth = written.table("truth/traces.tsv")
    variants = written.table("truth/amplicon_variants.tsv").drop_duplicates("hgvs_c").set_index("hgvs_c")
    calls = {"het": 0, "absent": 0}
    for row in truth[(truth.call != "not_assessable") & ~truth.hgvs_p.str.contains("fs")].itertuples():
        variant = variants.loc[row.hgvs_c]
        at, contig = int(variant.pos) - 1, written.contigs[variant.chrom]
        before, behind, bases = contig[at - 15 : at], contig[at + 1 : at + 16], [variant.ref, variant.alt]
        if row.direction == "forward":  # along genes of the minus strand
            before, behind = reverse_complement(behind), reverse_complement(before)
            bases = [reverse_complement(base) for base in bases]
        called, heights = traces[row.file]
        (place,) = re.finditer(f"{before}[ACGT]{behind}", called)
        ref, alt = (heights["GATC".index(base), place.start() + 15] for base in bases)
        if row.call == "het":
            assert 0.5 < ref / alt < 2
            assert sorted(heights[:, place.start() + 15])[1] < 0.2 * min(ref, alt)
        else:
            assert alt < 0.15 * ref
        calls[row.call] += 1
    assert calls == {"het": 5, "absent": 3}


def test_draw_traces__behind_a_heterozygous_deletion_two_sequences_overlap(traces, written):
    contig, strand = written.contigs["chr2"], written.transcript_of("NFE2L2")
    place = strand.coding_to_genome("1438")
    before = reverse_complement(contig[place + 5 : place + 25])
    for condition, mixed in (("P", False), ("CR", True)):
        called, heights = traces[f"HSC-4.{condition}.NFE2L2_T480fs_F.ab1"]
        at = called.index(before) + 26
        ordered = np.sort(heights, axis=0)
        ratio = ordered[2] / ordered[3]
        assert np.median(ratio[at - 100 : at - 10]) < 0.1
        assert (np.mean(ratio[at : at + 60] > 0.4) > 0.5) == mixed
        normal = reverse_complement(contig[place - 79 : place + 1])
        assert (normal[20:60] in called) == (not mixed)


def test_draw_traces__one_is_noise_and_one_lies_elsewhere(traces, written):
    truth = written.table("truth/traces.tsv").set_index("file")
    assert dict(truth.call[truth.call == "not_assessable"]) == {
        "HSC-3.CR.KEAP1_W544X_R.ab1": "not_assessable",
        "HO-1-u-1.CR.NFE2L2_c1000_R.ab1": "not_assessable",
    }
    second = {}
    for name, (_, heights) in traces.items():
        ordered = np.sort(heights[:, 60:-100], axis=0)
        second[name] = np.median(ordered[2] / ordered[3])
    assert max(second, key=second.get) == "HSC-3.CR.KEAP1_W544X_R.ab1"
    assert second["HSC-3.CR.KEAP1_W544X_R.ab1"] > 0.4
    called, _ = traces["HO-1-u-1.CR.NFE2L2_c1000_R.ab1"]
    transcript, contig = written.transcript_of("NFE2L2"), written.contigs["chr2"]
    inner, place = called[60:200], transcript.coding_to_genome("246")
    assert inner in contig
    assert abs(contig.index(inner) - place) > 800
