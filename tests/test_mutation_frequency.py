"""Frequencies and domains: statistics are held to R, counts to planted ones, expectations to brute force."""

import json

import harmonise_mutations
import mutation_frequency as script
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from coding_genome import Contigs
from cohort_study import LENGTHS, PANELS, genome_of, mutation, sample_rows, write_study
from common import mutation_frequency_figure as figure
from common import mutation_frequency_tables as tables
from common.annotation import reverse_complement, translate
from common.cohort_tables import read_aliases
from common.protein_regions import partition, regions_of
from common.signature_tables import CONTEXTS
from conftest import ORACLES, REFERENCE_DATA, ROOT
from scipy.stats.contingency import odds_ratio

# Written by tests/oracles/mutation_frequency.R.
SHARES = pd.read_csv(ORACLES / "mutation_frequency_shares.tsv", sep="\t", comment="#")
PAIRS = pd.read_csv(ORACLES / "mutation_frequency_pairs.tsv", sep="\t", comment="#")
DISTRIBUTIONS = pd.read_csv(ORACLES / "mutation_frequency_domains.tsv", sep="\t", comment="#")
DOMAINS = pd.read_csv(ROOT / "assets/domains.tsv", sep="\t")
TRINUCLEOTIDES = [f"{before}{middle}{after}" for middle in "CT" for before in "ACGT" for after in "ACGT"]
EVEN = dict.fromkeys(["TCGA", "C-CAT"], pd.Series(10, index=CONTEXTS))


def opportunities(counts=1000, panels=("", *PANELS)) -> pd.DataFrame:
    """The same number of bases of each trinucleotide, in every test."""
    rows = [
        (cohort, panel, name, counts, "ok", "coding exons")
        for cohort in ("TCGA", "C-CAT")
        for panel in panels
        for name in TRINUCLEOTIDES
    ]
    return pd.DataFrame(rows, columns=["cohort", "panel", "trinucleotide", "count", "status", "reason"])


def read(folder, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.tsv", sep="\t", keep_default_na=False, na_values=[""])


@pytest.fixture
def run(run_script, tmp_path, monkeypatch):
    """Run the script on a study, its figure only if asked for; return its folder of results."""

    def running(samples, mutations, pictures=False, **study):
        if not pictures:
            monkeypatch.setattr(figure, "draw", lambda *_: None)
            monkeypatch.setattr(figure, "save_figure", lambda *_: None)
        paths = write_study(tmp_path / "study", samples, mutations, **study)
        results = tmp_path / "results"
        results.mkdir(exist_ok=True)
        done = run_script(script.main, **paths, results=results)
        assert done.exit_code == 0, done.output
        return results

    return running


def section(folder, name="mutation_frequency") -> dict:
    return json.loads((folder / f"{name}_mqc.json").read_text())


# ---- statistics


def test_wilson__is_prop_test_of_r():
    found = [script.wilson(row.successes, row.trials, row.level) for row in SHARES.itertuples()]
    np.testing.assert_allclose(found, SHARES[["wilson_low", "wilson_high"]], rtol=1e-10, atol=1e-14)


def test_clopper_pearson_and_binomial_test__are_binom_test_of_r():
    limits = [script.clopper_pearson(row.successes, row.trials, row.level) for row in SHARES.itertuples()]
    np.testing.assert_allclose(limits, SHARES[["exact_low", "exact_high"]], rtol=1e-10, atol=1e-14)
    p_values = [script.binomial_test(row.successes, row.trials, row.null) for row in SHARES.itertuples()]
    np.testing.assert_allclose(p_values, SHARES.p_value, rtol=1e-9)


def fisher_of(row) -> script.Fisher:
    return script.fisher((row.mutated_1, row.profiled_1), (row.mutated_2, row.profiled_2), 0.95)


def test_fisher__is_fisher_test_of_r():
    """R finds its roots to 1.2e-4, of the odds ratio or of its inverse, whichever is below 1."""
    found = pd.DataFrame([fisher_of(row) for row in PAIRS.itertuples()])
    np.testing.assert_allclose(found.p_value, PAIRS.p_value, rtol=1e-9)
    for name in ("odds_ratio", "odds_low", "odds_high"):
        ours, theirs = found[name].to_numpy(), PAIRS[name].to_numpy(float)
        assert (np.isinf(ours) == np.isinf(theirs)).all()
        above = ours > 1
        with np.errstate(divide="ignore"):
            np.testing.assert_allclose(
                np.where(above, 1 / ours, ours), np.where(above, 1 / theirs, theirs), atol=2e-4
            )


@pytest.mark.parametrize("place", range(0, len(PAIRS), 9))
def test_fisher__the_odds_ratio_and_its_interval_are_those_of_scipy(place):
    row = PAIRS.iloc[place]
    table = [
        [row.mutated_2, row.profiled_2 - row.mutated_2],
        [row.mutated_1, row.profiled_1 - row.mutated_1],
    ]
    theirs = odds_ratio(np.array(table).astype(int), kind="conditional")
    interval = theirs.confidence_interval(0.95)
    expected = (theirs.statistic, interval.low, interval.high)
    np.testing.assert_allclose(fisher_of(row)[:3], expected, rtol=1e-6)


def test_fisher__the_other_way_round_the_odds_are_inverse():
    there, back = script.fisher((20, 507), (28, 630), 0.95), script.fisher((28, 630), (20, 507), 0.95)
    assert there.p_value == pytest.approx(back.p_value, rel=1e-12)
    np.testing.assert_allclose([there.odds_low, there.odds_ratio], [1 / back.odds_high, 1 / back.odds_ratio])


def test_fisher__nobody_or_everybody_mutated_says_nothing():
    for counts in (((0, 5), (0, 9)), ((5, 5), (9, 9))):
        found = script.fisher(*counts, 0.95)
        assert found.p_value == 1
        assert np.isnan(found.odds_ratio)


def test_fisher__its_interval_holds_the_true_odds_ratio_in_at_least_95_percent():
    random = np.random.default_rng(3)
    true, held = 2.0, []
    for _ in range(400):
        first, second = random.binomial(200, 0.06), random.binomial(250, 0.1132)  # odds 0.0638 and 0.1277
        found = script.fisher((first, 200), (second, 250), 0.95)
        held.append(found.odds_low <= true <= found.odds_high)
    assert np.mean(held) >= 0.94


def test_benjamini_hochberg__is_p_adjust_of_r():
    np.testing.assert_allclose(script.benjamini_hochberg(PAIRS.p_value.to_numpy()), PAIRS.q_value, rtol=1e-12)


def monte_carlo_error(p_value: float) -> float:
    """Four standard errors of a p-value by both Monte Carlo tests."""
    return 4 * np.sqrt(p_value * (1 - p_value) * (1 / script.DRAWS + 1 / 200_000)) + 1.5 / script.DRAWS


@pytest.mark.parametrize("row", [*DISTRIBUTIONS.itertuples()], ids=range(len(DISTRIBUTIONS)))
def test_fit_test_and_homogeneity_test__are_chisq_test_of_r(row):
    """The statistics are the same, the p-values within the error of both simulations."""
    residues = np.array([60, 118, 148, 285, 13])
    first, second = np.array(row[1:6]), np.array(row[6:11])
    found = script.fit_test(first, residues / residues.sum(), seed=1)
    assert found["statistic"] == pytest.approx(row.fit, rel=1e-12)
    assert found["p_value"] == pytest.approx(row.fit_p, abs=monte_carlo_error(row.fit_p))
    found = script.homogeneity_test(first, second, seed=1)
    assert found["statistic"] == pytest.approx(row.between, rel=1e-12)
    assert found["p_value"] == pytest.approx(row.between_p, abs=monte_carlo_error(row.between_p))


def test_fit_test__p_is_uniform_where_mutations_have_the_shares_that_are_expected():
    random = np.random.default_rng(2)
    shares = np.array([0.1, 0.2, 0.25, 0.44, 0.01])
    p_values = [
        script.fit_test(random.multinomial(60, shares), shares, seed=n)["p_value"] for n in range(200)
    ]
    for level in (0.05, 0.2, 0.5):
        assert np.mean(np.array(p_values) <= level) == pytest.approx(level, abs=3.5 * np.sqrt(level / 150))


# ---- regions and possible substitutions


def test_regions_of__keap1_is_tiled_and_joined():
    found = regions_of(DOMAINS[DOMAINS.gene == "KEAP1"], 624, script.COMBINED["KEAP1"])
    assert [(each.domain, each.held.sum()) for each in found] == [
        ("NTR", 60), ("BTB", 118), ("IVR", 148), ("Kelch/DGR", 285), ("CTR", 13), ("DC", 298),
    ]  # fmt: skip
    assert (partition(found).sum(axis=0) == 1).all()


def test_regions_of__domains_of_nfe2l2_overlap_and_leave_gaps():
    found = {each.domain: each for each in regions_of(DOMAINS[DOMAINS.gene == "NFE2L2"], 605, {})}
    assert found["Neh5"].held[208]
    assert found["Neh7"].held[208]
    assert not found["outside"].held[208]
    assert found["outside"].held[0]
    assert "start" not in found["outside"].about
    assert found["ETGE"].about == {"domain": "ETGE", "kind": "motif", "residues": 4, "start": 79, "end": 82}
    own = partition(list(found.values()))
    assert (own.sum(axis=0) == 1).all()
    assert own[list(found).index("Neh5"), 208]


def test_regions_of__a_domain_is_cut_at_the_end_of_the_protein():
    found = regions_of(DOMAINS[DOMAINS.gene == "KEAP1"], 400, {})
    assert [(each.domain, each.end) for each in found][-1] == ("Kelch/DGR", 400)


@pytest.mark.parametrize("gene", ["KEAP1", "NFE2L2"])
def test_possible_changes__are_those_that_translation_finds(gene):
    """Slow and obvious: change each base of the genome, splice and translate, on either strand."""
    contigs, transcripts = genome_of(1)
    transcript = next(each for each in transcripts if each.gene_name == gene)
    contig = contigs[transcript.contig]
    first, end = transcript.cds

    def protein(genome: str) -> str:
        spliced = "".join(genome[transcript.to_genome(place)] for place in range(first, end))
        return translate(
            spliced if transcript.strand == "+" else spliced.translate(str.maketrans("ACGT", "TGCA"))
        )

    whole, expected = protein(contig), []
    for offset in [*range(first, first + 60), *range(end - 33, end - 3)]:
        place = transcript.to_genome(offset)
        for alt in sorted(set("ACGT") - {contig[place]}):
            changed = protein(f"{contig[:place]}{alt}{contig[place + 1 :]}")
            if changed != whole:
                around, to = contig[place - 1 : place + 2], alt
                if around[1] in "AG":
                    around, to = reverse_complement(around), reverse_complement(alt)
                name = f"{around[0]}[{around[1]}>{to}]{around[2]}"
                expected.append(((offset - first) // 3, CONTEXTS.index(name)))
    found = script.possible_changes(transcript, Contigs(**contigs))
    assert found.length == LENGTHS[gene] == len(whole) - 1
    pairs = list(zip(found.residues.tolist(), found.contexts.tolist(), strict=True))
    looked_at = {residue for residue, _ in expected}
    assert sorted(pair for pair in pairs if pair[0] in looked_at) == sorted(expected)


def test_residue_shares__follow_the_rates_of_the_cohort():
    contigs, transcripts = genome_of(1)
    changes = script.possible_changes(transcripts[0], Contigs(**contigs))
    rates = np.zeros(96)
    only = CONTEXTS.index("T[C>T]C")
    rates[only] = 3.0
    shares = script.residue_shares("substitutions", changes.length, changes, rates)
    assert shares.sum() == pytest.approx(1)
    counts = np.bincount(changes.residues[changes.contexts == only], minlength=changes.length)
    np.testing.assert_allclose(shares, counts / counts.sum())
    even = script.residue_shares("length", 4, changes, rates)
    np.testing.assert_allclose(even, 0.25)


def test_rates_of__divides_counts_by_the_bases_of_all_panels_by_their_samples(tmp_path):
    samples = pd.DataFrame(sample_rows("C-CAT", 3, "tissue_324") + sample_rows("C-CAT", 1, "liquid_74", 3))
    bases = opportunities(100)
    bases.loc[(bases.panel == "liquid_74") & (bases.trinucleotide == "TCA"), "count"] = 700
    paths = write_study(tmp_path, [], [], spectra=EVEN, opportunities=bases)
    spectra = tables.Spectra(paths["matrices"], paths["opportunities"])
    rates = dict(zip(CONTEXTS, script.rates_of(spectra, "C-CAT", samples), strict=True))
    assert rates["A[C>A]A"] == pytest.approx(10.5 / 400)
    assert rates["T[C>T]A"] == pytest.approx(10.5 / 1000)


# ---- patients


def test_frequency__counts_patients_of_those_in_whom_the_gene_was_looked_at(run):
    exomes = sample_rows("TCGA", 20)
    panels = sample_rows("C-CAT", 10, "tissue_324") + sample_rows("C-CAT", 30, "liquid_74", 10)
    other = sample_rows("TCGA", 1, first=90, counts="no", status="other_sample_of_patient")
    mutations = [
        mutation(exomes[0], "KEAP1", 320),
        mutation(exomes[0], "KEAP1", 470),  # of the same patient
        mutation(exomes[1], "KEAP1", 100, **{"class": "silent"}),
        mutation(exomes[2], "KEAP1", 100, **{"class": "frameshift", "variant_type": "deletion"}),
        mutation(panels[3], "KEAP1", 155),
        mutation(panels[15], "NFE2L2", 79),
    ]
    results = run(exomes + other + panels, mutations)
    found = read(results, "frequency").set_index(["gene", "cohort"])
    columns = ["mutated", "profiled", "not_covered"]
    assert found.loc[("KEAP1", "TCGA"), columns].tolist() == [2, 20, 0]
    assert found.loc[("KEAP1", "C-CAT"), columns].tolist() == [1, 10, 30]
    assert found.loc[("NFE2L2", "C-CAT"), columns].tolist() == [1, 40, 0]
    low, high = script.wilson(2, 20, 0.95)
    assert found.loc[("KEAP1", "TCGA"), ["ci_low", "ci_high"]].tolist() == pytest.approx([low, high])
    assert "30 of 40 patients" in found.loc[("KEAP1", "C-CAT"), "reason"]


def test_frequency__a_gene_that_no_sample_covers_is_not_profiled_and_never_0_percent(run):
    samples = sample_rows("TCGA", 8) + sample_rows("C-CAT", 30, "liquid_74")
    results = run(samples, [mutation(samples[0], "KEAP1", 320)])
    row = read(results, "frequency").set_index(["gene", "cohort"]).loc[("KEAP1", "C-CAT")]
    assert row.status == "not_profiled"
    assert row.profiled == 0
    assert row[["mutated", "frequency", "ci_low", "ci_high"]].isna().all()
    pair = read(results, "comparison").set_index("gene").loc["KEAP1"]
    assert pair.status == "not_profiled"
    assert np.isnan(pair.p_value)
    assert "KEAP1: TCGA 12.5 % (1 of 8), C-CAT not profiled" in section(results)["description"]
    domain = read(results, "domain")
    assert set(domain.status[(domain.gene == "KEAP1") & (domain.cohort == "C-CAT")]) == {"not_profiled"}


def test_panels__each_panel_has_its_own_row(run):
    samples = sample_rows("C-CAT", 10, "tissue_324") + sample_rows("C-CAT", 30, "liquid_74", 10)
    results = run(samples, [mutation(each, "NFE2L2", 79) for each in samples[8:14]])
    found = read(results, "panels").set_index(["gene", "panel"])
    columns = ["specimen", "normal", "mutated", "profiled"]
    assert found.loc[("NFE2L2", "tissue_324"), columns].tolist() == ["tissue", "matched", 2, 10]
    assert found.loc[("NFE2L2", "liquid_74"), columns].tolist() == ["liquid", "none", 4, 30]
    assert found.loc[("KEAP1", "liquid_74"), "status"] == "not_profiled"


def test_panels__previous_symbols_of_genes_are_found(run):
    samples = sample_rows("C-CAT", 10, "tissue_324")
    results = run(samples, [mutation(samples[0], "KMT2D", 10)], panel_genes=["MLL2", "TP53", "KEAP1"])
    found = read(results, "frequency").set_index("gene")
    assert found.index.tolist() == ["KEAP1", "NFE2L2", "CUL3", "NQO1", "KMT2D", "TP53"]
    assert found.family.tolist() == ["target_genes"] * 4 + ["panel_genes"] * 2
    assert found.loc["KMT2D", ["mutated", "profiled"]].tolist() == [1, 10]


def test_read_aliases__a_symbol_in_use_is_no_previous_one(tmp_path):
    path = tmp_path / "aliases.tsv"
    path.write_text("gene_name\tprevious\nKMT2D\tMLL2\nKMT2B\tMLL4;MLL2;KMT2D\n")
    assert read_aliases(path)["MLL2"] == "KMT2B"
    assert "KMT2D" not in read_aliases(path)


def test_comparison__names_what_else_differs_and_finds_what_was_planted(run):
    exomes = sample_rows("TCGA", 500)
    panels = sample_rows("C-CAT", 300, "tissue_324") + sample_rows("C-CAT", 100, "liquid_74", 300)
    mutations = [mutation(each, "NFE2L2", 79) for each in [*exomes[:20], *panels[:50]]]
    mutations += [mutation(each, "KEAP1", 320) for each in [*exomes[:20], *panels[:12]]]
    results = run(exomes + panels, mutations, panel_genes=["TP53", "KMT2D"])
    found = read(results, "comparison").set_index("gene")
    assert found.loc["NFE2L2", "q_value"] < 0.001
    assert found.loc["NFE2L2", "odds_ratio"] > 2
    assert found.loc["KEAP1", "q_value"] > 0.5
    assert found.loc["NFE2L2", "confounders"] == (
        "exomes 100 % and 0 %; liquid specimens 0 % and 25 %; panels without normal tissue 0 % and 25 %"
    )
    assert found.loc["KEAP1", "confounders"] == "exomes 100 % and 0 %"
    assert found.loc[["TP53", "KMT2D"], "status"].tolist() == ["not_mutated"] * 2
    assert found.loc["TP53", "family"] != found.loc["TP53", "family"]  # missing: not tested
    words = section(results)["description"]
    assert "liquid specimens 0 % and 25 %" in words
    assert "NFE2L2 in C-CAT against TCGA" in words


def test_comparison__q_is_of_a_family(run):
    samples = sample_rows("A", 60) + sample_rows("B", 60) + sample_rows("C", 60)
    random = np.random.default_rng(4)
    genes = ["KEAP1", "NFE2L2", "TP53", "KMT2D"]
    mutations = [mutation(each, gene, 20) for each in samples for gene in genes if random.random() < 0.2]
    results = run(samples, mutations, panel_genes=["TP53", "KMT2D"])
    found = read(results, "comparison").dropna(subset="p_value")
    for family, size in (("target_genes", 6), ("panel_genes", 6)):
        own = found[found.family == family]
        assert len(own) == size
        np.testing.assert_allclose(own.q_value, script.benjamini_hochberg(own.p_value.to_numpy()), rtol=1e-9)


def test_comparison__cohorts_with_the_same_frequency_rarely_differ(run):
    random = np.random.default_rng(8)
    samples = sample_rows("TCGA", 300) + sample_rows("C-CAT", 300, "tissue_324")
    genes = [f"GENE{n}" for n in range(60)]
    chances = random.uniform(0.02, 0.2, len(genes))
    mutations = [
        mutation(each, gene, 20)
        for gene, chance in zip(genes, chances, strict=True)
        for each in samples
        if random.random() < chance
    ]
    exomes = [{**each, "panel": ""} for each in samples]
    mutations = [{**each, "panel": ""} for each in mutations]
    results = run(exomes, mutations, panel_genes=genes)
    found = read(results, "comparison")
    own = found[found.family == "panel_genes"]
    assert len(own) == len(genes)
    assert (own.q_value < 0.05).sum() == 0
    assert 0 < (own.p_value < 0.25).mean() < 0.35


def test_classes__count_patients_mutations_and_variants(run):
    samples = sample_rows("TCGA", 6)
    mutations = [
        mutation(samples[0], "KEAP1", 320),
        mutation(samples[0], "KEAP1", 470),
        mutation(samples[1], "KEAP1", 320),
        mutation(samples[2], "KEAP1", 471, **{"class": "silent"}),
    ]
    results = run(samples, mutations)
    found = read(results, "classes").set_index(["gene", "class"])
    columns = ["protein_changing", "patients", "profiled", "mutations", "variants"]
    assert found.loc[("KEAP1", "missense"), columns].tolist() == ["yes", 2, 6, 3, 2]
    assert found.loc[("KEAP1", "silent"), columns].tolist() == ["no", 1, 6, 1, 1]
    rest = found[found.index.get_level_values("gene") == "NQO1"]
    assert rest.status.tolist() == ["none"]


# ---- domains


def domain_study(places: dict[str, list[int]], gene="NFE2L2", **columns):
    samples = sample_rows("TCGA", 200) + sample_rows("C-CAT", 200, "tissue_324")
    mutations = [
        mutation(sample, gene, residue, **columns)
        for cohort, residues in places.items()
        for sample, residue in zip([s for s in samples if s["cohort"] == cohort], residues, strict=False)
    ]
    return samples, mutations


def test_domain__finds_planted_hotspots_by_both_models(run):
    random = np.random.default_rng(1)
    places = {"TCGA": [79, 80, 82, 29, 30] * 6, "C-CAT": random.integers(1, 606, 60).tolist()}
    results = run(*domain_study(places), genome=True, spectra=EVEN, opportunities=opportunities())
    found = read(results, "domain")
    for model in ("length", "substitutions"):
        own = found[(found.gene == "NFE2L2") & (found.model == model) & (found.variants == "all")]
        planted = own[own.cohort == "TCGA"].set_index("domain")
        assert planted.loc["Neh2", ["observed", "total"]].tolist() == [30, 30]
        assert planted.loc["ETGE", "observed"] == 18
        assert (planted.loc[["Neh2", "ETGE", "DLG", "overall"], "q_value"] < 1e-3).all()
        even = own[own.cohort == "C-CAT"]
        assert (even.q_value.dropna() > 0.05).all()
    between = read(results, "domain_comparison").query("gene == 'NFE2L2' and variants == 'all'")
    between = between.set_index("domain")
    assert between.loc["Neh2", "q_value"] < 1e-6
    assert between.loc["Neh2", "odds_high"] < 1
    assert between.loc["overall", "p_value"] == pytest.approx(1 / (script.DRAWS + 1))
    words = section(results, "mutation_frequency_domains")["description"]
    assert "Neh2 30 of 30" in words
    assert "NFE2L2 in C-CAT: as expected" in words


def test_domain__by_length_expects_the_share_of_the_residues(run):
    results = run(*domain_study({"TCGA": list(range(1, 625, 30))}, "KEAP1"))
    found = read(results, "domain").query("gene == 'KEAP1' and cohort == 'TCGA' and model == 'length'")
    own = found[(found.kind == "domain") & (found.variants == "all")]
    np.testing.assert_allclose(own.expected_share, np.array([60, 118, 148, 285, 13]) / 624)
    assert own.observed.sum() == own.total.iloc[0] == 21
    np.testing.assert_allclose(own.expected, own.expected_share * 21)


def test_domain__indels_are_left_out_of_single_base_substitutions(run):
    samples, mutations = domain_study({"TCGA": [79] * 12})
    indel = {"class": "in_frame", "variant_type": "deletion"}
    mutations += [mutation(each, "NFE2L2", 34, **indel) for each in samples[20:26]]
    splice = {"class": "splice_site", "hgvs_p": None}
    mutations += [mutation(samples[30], "NFE2L2", None, **splice)]
    found = read(run(samples, mutations), "domain").query("cohort == 'TCGA' and gene == 'NFE2L2'")
    totals = found.drop_duplicates(["variants"]).set_index("variants")
    assert totals.total.to_dict() == {"all": 18, "single_base": 12}
    assert totals.reason["all"] == "without a residue of the protein: 1"


def test_joined__substitutions_side_by_side_are_one_doublet():
    samples = sample_rows("TCGA", 2)
    rows = [
        mutation(samples[0], "KEAP1", 177, position=5),
        mutation(samples[0], "KEAP1", 178, position=6),
        mutation(samples[0], "KEAP1", 178, position=8),
        mutation(samples[1], "KEAP1", 179, position=7),
        mutation(samples[1], "KEAP1", 180, position=8, variant_type="deletion"),
    ]
    table = pd.DataFrame(rows).astype({"protein_position": "Int64", "position": "Int64"})
    found = script.joined(table)
    assert found.position.tolist() == [5, 8, 7, 8]
    assert found.variant_type.tolist() == ["DNV", "SNV", "SNV", "deletion"]
    assert script.place(found, 624, single_base=False).total == 4
    assert script.place(found, 624, single_base=True).total == 2


def test_domain__what_is_lacking_is_said_and_length_needs_none_of_it(run):
    results = run(*domain_study({"TCGA": [79] * 12}))
    found = read(results, "domain")
    own = found[(found.gene == "NFE2L2") & (found.cohort == "TCGA")]
    assert set(own.status[own.model == "length"]) == {"ok"}
    lacking = own[own.model == "substitutions"]
    assert set(zip(lacking.status, lacking.reason, strict=True)) == {("no_genome", "needs --fasta and --gtf")}
    assert lacking.p_value.isna().all()
    assert found[found.gene == "CUL3"].status.unique().tolist() == ["no_length"]
    few = found[(found.gene == "KEAP1") & (found.model == "length")]
    assert set(few.status) == {"too_few_mutations"}


@pytest.mark.parametrize(
    ("study", "status", "reason"),
    [
        ({}, "no_matrix", "the cohort has no matrix of substitutions"),
        ({"spectra": EVEN}, "no_opportunities", "profiled bases are not known of exomes"),
        (
            {"spectra": {"TCGA": EVEN["TCGA"] * 0}, "opportunities": opportunities()},
            "too_few_mutations",
            "0 substitutions, 50 are needed",
        ),
        (
            {"spectra": EVEN, "opportunities": opportunities(0)},
            "no_opportunities",
            "no profiled base is the middle of ACA, ACC, ACG, ACT",
        ),
    ],
)
def test_domain__a_spectrum_that_is_not_known_has_its_reason(run, study, status, reason):
    found = read(run(*domain_study({"TCGA": [79] * 12}), genome=True, **study), "domain")
    own = found[(found.gene == "NFE2L2") & (found.cohort == "TCGA") & (found.model == "substitutions")]
    assert set(zip(own.status, own.reason, strict=True)) == {(status, reason)}


# ---- whole studies


def test_main__studies_with_next_to_nothing_have_rows_and_sections(run):
    for samples, mutations in (
        ([], []),
        (sample_rows("TCGA", 1), []),
        (sample_rows("TCGA", 3, counts="no"), []),
        (sample_rows("TCGA", 2), [mutation(sample_rows("TCGA", 1)[0], "NFE2L2", 79)]),
    ):
        results = run(samples, mutations, True, panels=())
        known = {row["cohort"] for row in samples if row["counts"] == "yes"}
        assert len(read(results, "frequency")) == 4 * len(known)
        assert section(results)["description"]
        for path in results.iterdir():
            path.unlink()


def test_main__the_same_study_gives_the_same_bytes(run, tmp_path):
    samples, mutations = domain_study({"TCGA": [79, 80, 100, 400, 560, 29], "C-CAT": [79] * 7})
    seen = []
    for _ in range(2):
        results = run(samples, mutations, True, genome=True, spectra=EVEN, opportunities=opportunities())
        seen.append({path.name: path.read_bytes() for path in results.iterdir()})
    assert seen[0] == seen[1]
    assert "target_genes.bars.svg" in seen[0]


def test_main__findings_are_by_cohort(run):
    samples, mutations = domain_study({"TCGA": [79, 80], "C-CAT": [79] * 7})
    told = section(run(samples, mutations))["nrf2flow"]
    assert told["findings"]["C-CAT"].startswith("KEAP1 0.0 % (0 of 200); NFE2L2 3.5 % (7 of 200)")
    (answer,) = told["answers"]["cohorts"]
    assert "3.5 % of C-CAT (7 of 200, 1.7 to 7.0 %)" in answer


# ---- real data


@pytest.fixture(scope="module")
def mc3(tmp_path_factory):
    """MC3's calls of TCGA-HNSC, all samples of the file profiled, and the 324 genes of FoundationOne CDx."""
    folder = tmp_path_factory.mktemp("mc3")
    for name in ("mafs/1", "genes", "harmonised", "results"):
        (folder / name).mkdir(parents=True)
    maf = REFERENCE_DATA / "tcga_hnsc/MC3_HNSC.maf.tsv.gz"
    (folder / "mafs/1" / maf.name).symlink_to(maf)
    panel = REFERENCE_DATA / "f1cdx/FoundationOneCDx_324_genes_OncoKB.txt"
    (folder / "genes" / panel.name).symlink_to(panel)
    barcodes = pd.read_csv(maf, sep="\t", usecols=["Tumor_Sample_Barcode"]).Tumor_Sample_Barcode.unique()
    profiled = pd.DataFrame(
        {"cohort": "TCGA", "sample": barcodes, "patient": [name[:12] for name in barcodes]}
    )
    profiled.assign(panel="").to_csv(folder / "profiled.tsv", sep="\t", index=False)
    (folder / "cohorts.tsv").write_text("cohort\tgenome_build\tmaf\tsbs96\nTCGA\tGRCh37\t1\t\n")
    shared = {
        "gene_aliases": ROOT / "assets/gene_aliases.tsv",
        "target_genes": ROOT / "assets/target_genes.tsv",
    }
    harmonised = {"cohorts": folder / "cohorts.tsv", "profiled": folder / "profiled.tsv"}
    harmonised |= {"panels": folder / "none", "mafs": folder / "mafs", "results": folder / "harmonised"}
    counted = {
        "mutations": folder / "harmonised/mutations.tsv.gz",
        "samples": folder / "harmonised/samples.tsv",
    }
    counted |= {
        "panels": folder / "none",
        "panel_genes": folder / "genes",
        "domains": ROOT / "assets/domains.tsv",
    }
    counted |= dict.fromkeys(["matrices", "opportunities", "genome", "annotation"], folder / "none")
    counted |= {"results": folder / "results"}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(figure, "draw", lambda *_: None)
        patched.setattr(figure, "save_figure", lambda *_: None)
        for command, options in ((harmonise_mutations.main, harmonised), (script.main, counted)):
            options = (shared | options).items()
            words = [str(word) for name, value in options for word in (f"--{name.replace('_', '-')}", value)]
            done = CliRunner().invoke(command, words, catch_exceptions=False)
            assert done.exit_code == 0, done.output
    return folder / "results"


def test_frequency__of_mc3_keap1_and_nfe2l2_are_near_the_published(mc3):
    """The study gives 20 cases (4 %) of KEAP1 and 30 (6 %) of NFE2L2; here they are 21 and 28 of 507.

    Patients: MC3's file has 509 tumours of 507 patients. Two are metastases of patients whose primary tumour
    is there too, and do not count; neither has KEAP1 or NFE2L2 mutated. The study's percentages have no
    denominator: 20 and 30 cases are 4 and 6 % of any number from 462 to 545.
    KEAP1, one more: of its 21 patients three have mutations at VAFs below 10 % (S45F 5 %, A607P 6 %, E218K
    8 %), which the callers of a portal may have missed. FILTER makes no difference: Q177H is left out as
    oxog, and its patient has Q178L too. Patients with two mutations (R234W and G429S; E134* and Y525C) count
    once.
    NFE2L2, two fewer: 29 mutations of 28 patients (L30F and E79Q are of one), none of them filtered. Which
    two cases the study had beside these cannot be told from these calls; other sets of calls of the same
    tumours hold some that this file lacks (PTPN11 has two in Firehose's, and none here).
    """
    found = read(mc3, "frequency").set_index("gene")
    columns = ["mutated", "profiled", "not_covered"]
    assert found.loc["KEAP1", columns].tolist() == [21, 507, 0]
    assert found.loc["NFE2L2", columns].tolist() == [28, 507, 0]
    assert found.loc["KEAP1", "frequency"] == pytest.approx(0.04, abs=0.005)
    assert found.loc["NFE2L2", "frequency"] == pytest.approx(0.06, abs=0.006)
    for gene, published in (("KEAP1", 20 / 507), ("NFE2L2", 30 / 507)):
        assert found.ci_low[gene] < published < found.ci_high[gene]
    assert found.loc[["CUL3", "NQO1"], "mutated"].tolist() == [16, 2]
    assert found.loc["TP53", "frequency"] > 0.6
    assert (found.family == "panel_genes").sum() == 324 - 3  # KEAP1, NFE2L2 and CUL3 are on the list


def test_domain__of_mc3_nfe2l2_is_mutated_in_its_motifs(mc3):
    """Shibata et al. 2008 (doi:10.1073/pnas.0806268105): NFE2L2 is mutated in and beside DLG and ETGE."""
    found = read(mc3, "domain").query("model == 'length' and variants == 'all'").set_index(["gene", "domain"])
    row = found.loc[("NFE2L2", "Neh2")]
    assert (row.observed, row.total) == (23, 29)
    assert row.q_value < 1e-10
    assert found.loc[("NFE2L2", "ETGE"), "observed"] == 9
    assert found.loc[("NFE2L2", "DLG"), "observed"] == 7
    keap1 = found.loc["KEAP1"]
    assert keap1.loc[["NTR", "BTB", "IVR", "Kelch/DGR", "CTR"], "observed"].sum() == keap1.total.iloc[0] == 23
    assert keap1.loc["overall", "p_value"] > 0.05
