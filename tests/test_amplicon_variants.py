"""The judgement of candidates: planted variants are found, errors are not, flags are where they belong."""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path

import amplicon_library as library
import amplicon_variants as judge
import count_amplicon_alleles
import numpy as np
import pandas as pd
import pysam
import pysam.bcftools
import pytest
from aligned_amplicons import FORWARD, REVERSE, Edit, Fragment, write_alignment
from amplicon_library import AMPLICONS, OTHER_BASE
from scipy import stats

CONTIGS = library.genome()
CHANGES = ["a", "c", "g", "t", "deletions", "insertions"]
VARIANT = ["chrom", "pos", "ref", "alt"]
SETTINGS = judge.Settings(200, 0.02, 0.95)
PLACE = 500  # in the insert of K1 only
IN_BOTH, UNDER_K2 = 585, 560


# ---- statistics


def test_upper_tail__is_that_of_scipy():
    rng = np.random.default_rng(1)
    n = rng.integers(1, 5000, 400)
    k = np.minimum(rng.integers(0, 60, 400), n)
    mean, precision = 10 ** rng.uniform(-5, -1, 400), 10 ** rng.uniform(1, 6, 400)
    a, b = mean * precision, (1 - mean) * precision
    expected = stats.betabinom.sf(k - 1, n, a, b)
    found = judge.upper_tail(k, n, a, b)
    # scipy adds up from 1 downwards, and both take differences of large logarithms.
    assert found[expected > 1e-6] == pytest.approx(expected[expected > 1e-6], rel=1e-3)
    assert found == pytest.approx(expected, abs=1e-8)


def test_upper_tail__is_the_sum_of_the_probabilities_also_where_they_are_tiny():
    k, n, a, b = 60, 2000, 0.5, 1500.0
    terms = stats.betabinom.logpmf(np.arange(k, n + 1), n, a, b)
    expected = np.exp(terms).sum()
    assert expected < 1e-15
    assert judge.upper_tail(np.array(k), np.array(n), np.array(a), np.array(b)) == pytest.approx(
        expected, rel=1e-8
    )


@pytest.mark.parametrize(("k", "expected"), [(0, 1.0), (1, 1.0), (10, 1e-300)])
def test_upper_tail__holds_at_its_ends(k, expected):
    found = judge.upper_tail(np.array([k]), np.array([10]), np.array([1e-3]), np.array([1e3]))[0]
    assert found == 1 if k == 0 else 0 < found < 0.02
    assert judge.upper_tail(np.array([0]), np.array([0]), np.array([1.0]), np.array([1.0]))[0] == 1
    assert expected <= 1


def test_fisher__is_that_of_scipy():
    rng = np.random.default_rng(2)
    for table in rng.integers(0, 40, (60, 2, 2)):
        if table.sum(axis=0).all() and table.sum(axis=1).all():
            assert judge.fisher(table) == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-6)


def test_wilson__is_that_of_scipy():
    for k, n in ((0, 200), (3, 500), (250, 500), (500, 500)):
        expected = stats.binomtest(k, n).proportion_ci(0.95, method="wilson")
        low, high = judge.wilson(np.array([k]), np.array([n]), SETTINGS.z)
        assert (low[0], high[0]) == pytest.approx((expected.low, expected.high))


def test_benjamini_hochberg__is_that_of_scipy_with_all_other_tests_at_one():
    p = np.random.default_rng(3).random(30) ** 4
    expected = stats.false_discovery_control(np.concatenate([p, np.ones(970)]))[:30]
    assert judge.benjamini_hochberg(p, 1000) == pytest.approx(expected)


def test_strand_odds__is_symmetric_and_grows_with_the_bias():
    def odds(*table: list[int]) -> float:
        return judge.strand_odds(np.array(table))

    assert odds([50, 50], [500, 500]) == pytest.approx(np.log(2))
    assert odds([40, 0], [500, 500]) == pytest.approx(odds([0, 40], [500, 500]))
    assert odds([40, 0], [500, 500]) > judge.STRAND_ODDS > odds([30, 10], [500, 500])


def test_precision_of__finds_what_was_drawn():
    rng = np.random.default_rng(4)
    sites, trials = 4000, 5000
    for precision in (300, 3000):
        rates = rng.beta(0.004 * precision, 0.996 * precision, sites)
        errors = rng.binomial(trials, rates)
        moments = judge.moments_of(errors, np.full(sites, trials), np.zeros(sites, int), 1)
        mean, found = judge.beta_of(moments, moments)
        assert mean[0] == pytest.approx(0.004, rel=0.05)
        assert found[0] == pytest.approx(precision, rel=0.2)


def test_precision_of__is_the_highest_where_sites_are_alike():
    errors, trials = np.full(50, 5), np.full(50, 5000)
    moments = judge.moments_of(errors, trials, np.zeros(50, int), 1)
    assert judge.precision_of(moments)[0] == judge.PRECISION[1]


def test_between_samples__finds_what_was_drawn():
    rng = np.random.default_rng(5)
    means = rng.uniform(1e-3, 4e-3, 3000)
    rates = rng.beta(means * 800, (1 - means) * 800, (12, 3000))
    errors = rng.binomial(2000, rates)
    assert judge.between_samples(errors, np.full(errors.shape, 2000)) == pytest.approx(800, rel=0.1)


def test_detection_limits__are_called_in_95_percent_of_samplings():
    for depth, rate, precision in ((300, 1e-3, 5e3), (1000, 2e-4, 1e4), (1000, 5e-3, 500), (5000, 1e-3, 1e5)):
        n, e, m = np.array([depth]), np.array([rate]), np.array([precision])
        limit = judge.detection_limits(n, e, m, 1e-7, SETTINGS)[0]
        calls = np.arange(depth + 1)
        p = judge.upper_tail(calls, n, e * m, (1 - e) * m)
        _, high = judge.wilson(calls, np.full(depth + 1, depth), SETTINGS.z)
        reported = (calls / depth >= SETTINGS.min_vaf) | ((calls >= 10) & (high >= SETTINGS.min_vaf))
        called = (p <= 1e-7) & (calls >= 3) & reported
        power = (stats.binom.pmf(calls, depth, limit) * called).sum()
        assert power == pytest.approx(0.95, abs=1e-6) if limit > SETTINGS.min_vaf else power > 0.95


def test_detection_limits__are_missing_where_nothing_would_be_called():
    few = judge.detection_limits(np.array([2]), np.array([1e-3]), np.array([1e3]), 1e-7, SETTINGS)
    assert np.isnan(few).all()


# ---- the error model


def study_of(samples: int, sites: int, depth: int, rng: np.random.Generator, spread: float = 2000) -> tuple:
    """Draw errors of a study without variants: rates that differ by class, site and sample."""
    group = np.stack([np.full(6, -1)] * sites)
    group[:, 1:4] = rng.integers(0, len(judge.SUBSTITUTIONS), (sites, 3))
    group[:, 4:] = [judge.CLASSES["deletion in 1"], judge.CLASSES["insertion in 1"]]
    means = (10 ** rng.uniform(-4, -2.7, len(judge.CLASSES)))[group]
    rates = rng.beta(means * spread, (1 - means) * spread)
    rates = rng.beta(np.maximum(rates, 1e-9) * 5e3, (1 - rates) * 5e3, (samples, sites, 6))
    trials = np.full((samples, sites), depth)
    return trials, rng.binomial(depth, rates) * (group >= 0), group


@pytest.mark.parametrize("lines", [6, 1])
def test_rates_of__give_p_values_that_are_not_too_small_on_errors_alone(lines):
    rng = np.random.default_rng(6)
    trials, errors, group = study_of(12, 1200, 2000, rng)
    profile = judge.profile_of(trials, errors, group, SETTINGS.min_vaf)
    names = np.repeat(np.arange(lines), 12 // lines)
    p_values = []
    for site in range(0, 1200, 3):
        for change in (1, 2, 3):
            mean, precision = judge.prior_of(profile, np.array([site]), np.array([change]))
            k, n = errors[:, site, change].astype(float), trials[:, site].astype(float)
            between = judge.between_others(k, n, names, profile.sample_precision)
            nearby = judge.around(k, n, names)
            rate, m, known = judge.posterior(mean, precision, nearby, between)
            assert known.all() == (lines > 1)
            p_values += list(judge.upper_tail(k, n, rate * m, (1 - rate) * m))
    p_values = np.array(p_values)
    assert len(p_values) > 10_000
    assert (p_values < 0.01).mean() <= 0.015
    assert (p_values < 0.001).mean() <= 0.002


def test_prior_of__leaves_the_site_itself_out():
    rng = np.random.default_rng(7)
    trials, errors, group = study_of(2, 300, 2000, rng)
    quiet = judge.prior_of(judge.profile_of(trials, errors, group, 0.02), np.array([5]), np.array([2]))
    errors[:, 5, 2] = 90
    loud = judge.prior_of(judge.profile_of(trials, errors, group, 0.02), np.array([5]), np.array([2]))
    assert np.ravel(loud) == pytest.approx(np.ravel(quiet), rel=1e-6)


def test_posterior__never_lowers_what_other_samples_show():
    nearby = judge.Moments(*(np.array([each]) for each in (4.0, 40.0, 4000.0, 0.4, 4e6)))
    rate, _, known = judge.posterior(np.array([1e-4]), np.array([1e5]), nearby, 1e6)
    assert known.all()
    assert rate[0] == 0.01
    few = judge.posterior(np.array([1e-4]), np.array([1e5]), nearby._replace(sites=np.array([2.0])), 1e6)
    assert (few[0][0], few[2][0]) == (1e-4, False)


def test_between_others__is_lower_where_several_samples_are_noisy_and_not_for_one():
    """One sample of another line may carry the variant."""
    lines, trials = np.arange(8), np.full(8, 1000.0)
    one, several = np.array([0, 0, 1, 0, 0, 30, 0, 0.0]), np.array([0, 12, 0, 25, 0, 18, 1, 0.0])
    assert (judge.between_others(one, trials, lines, 1e5) > 1e4).all()
    assert (judge.between_others(several, trials, lines, 1e5) < 500).all()
    assert (judge.between_others(several, trials, np.zeros(8, int), 1e5) == 1e5).all()


def test_class_of__is_the_same_on_both_strands():
    assert judge.class_of("ACG", "T") == judge.class_of("CGT", "A") == judge.CLASSES["A[C>T]G"]
    assert judge.class_of("TTA", "G") == judge.class_of("TAA", "C") == judge.CLASSES["T[T>G]A"]
    assert judge.class_of("NCG", "T") == judge.class_of("ACG", "C") == judge.class_of("CG", "A") == -1


# ---- studies


class Study:
    """A folder with a study of six amplicons, and what the judgement wrote."""

    def __init__(self, folder: Path, run) -> None:
        self.folder, self.run = folder, run
        library.write_genome(folder)
        library.write_primers(folder)
        self.options: dict[str, object] = {}

    def judge(
        self, samples: Mapping[str, list[Fragment] | None], lines: Mapping[str, str] | None = None
    ) -> pd.DataFrame:
        """Count and judge; a sample is of the line that has its first letter, if no other is named."""
        rows = [(sample, (lines or {}).get(sample, sample[0]), "parental") for sample in samples]
        library.write_sheet(self.folder, rows)
        for sample, fragments in samples.items():
            if fragments is not None:
                write_alignment(self.folder / "alignments", sample, fragments, CONTIGS)
        common = {"amplicons": self.folder / "amplicons.tsv", "primers": self.folder / "primers.tsv"}
        common |= {"genome": self.folder / "genome.fa"}
        done = self.run(
            count_amplicon_alleles.main,
            alignments=self.folder / "alignments", results=self.folder / "counts", **common,
        )  # fmt: skip
        assert done.exit_code == 0, done.output
        self.results = self.folder / "results"
        done = self.run(
            judge.main, alleles=self.folder / "counts/alleles.tsv", sites=self.folder / "counts/sites.tsv",
            results=self.results, **common, **self.options,
        )  # fmt: skip
        assert done.exit_code == 0, done.output
        return self.table("variants")

    def table(self, name: str) -> pd.DataFrame:
        text = ["sample", "line", "chrom", "ref", "alt", "amplicons", "status", "reason"]
        return pd.read_csv(self.results / f"{name}.tsv", sep="\t", dtype=dict.fromkeys(text, "str"))

    def section(self, name: str = "") -> dict:
        return json.loads((self.results / f"amplicon_variants{name}_mqc.json").read_text())


@pytest.fixture
def study(tmp_path, run_script) -> Study:
    return Study(tmp_path, run_script)


def changed(amplicon: str, place: int) -> Edit:
    ref = CONTIGS[AMPLICONS[amplicon].chrom][place]
    return Edit(place, ref, OTHER_BASE[ref])


def fragments(
    amplicon: str,
    number: int,
    rng: np.random.Generator,
    *planted: tuple[Edit, float],
    rate: float = 5e-4,
    **more: object,
) -> list[Fragment]:
    """Make fragments, each variant in its share of them; of their bases a share is wrong."""
    each = AMPLICONS[amplicon]
    places = np.arange(each.left_end, each.right_start)
    bases = CONTIGS[each.chrom]
    made = []
    for turn in range(number):
        edits = {edit.start: edit for edit, share in planted if turn < round(share * number)}
        for place in places[rng.random(len(places)) < rate]:
            alt = rng.choice([base for base in "ACGT" if base != bases[place]])
            edits.setdefault(int(place), Edit(int(place), bases[place], str(alt)))
        made.append(Fragment(amplicon, sorted(edits.values()), **more))
    return made


def clean(seed: int, number: int = 600) -> list[Fragment]:
    return fragments("K1", number, np.random.default_rng(seed))


def test_main__finds_what_was_planted_and_nothing_in_clean_samples(study):
    rng = np.random.default_rng(8)
    bases = CONTIGS["chr19"]
    planted = {
        "A1": [(changed("K1", 440), 0.02), (changed("K1", 470), 0.5)],
        "A2": [(changed("K1", 440), 0.03), (Edit(520, bases[520:523], ""), 0.05)],
        "B1": [(changed("K1", 500), 0.05), (Edit(550, "", "ACG"), 0.05)],
        "B2": [(Edit(460, bases[460:462], OTHER_BASE[bases[460]] + OTHER_BASE[bases[461]]), 0.03)],
    }
    samples = {name: fragments("K1", 1000, rng, *own) for name, own in planted.items()}
    samples |= {name: fragments("K1", 1000, rng) for name in ("C1", "C2")}
    variants = study.judge(samples)
    called = variants[variants.status == "ok"]
    assert called["sample"].value_counts().to_dict() == {"A1": 2, "A2": 2, "B1": 2, "B2": 1}
    for name, own in planted.items():
        shares = sorted(called[called["sample"] == name].vaf)
        assert shares == pytest.approx(sorted(share for _, share in own), abs=2e-3)
    assert (called.vaf_low < called.vaf).all()
    assert (called.vaf < called.vaf_high).all()
    assert (called.error_source == "samples").all()
    rest = variants[variants.status != "ok"]
    assert set(rest.status) <= {"not_detected", "below_detection"}
    assert len(variants) % len(samples) == 0
    assert list(variants["sample"].drop_duplicates()) == list(samples)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_main__calls_nothing_in_studies_of_errors_alone(study, seed):
    rng = np.random.default_rng(seed)
    samples = {f"{line}{each}": fragments("N3", 500, rng, rate=2e-3) for line in "ABC" for each in "12"}
    variants = study.judge(samples)
    assert not set(variants.status) & {"ok", "strand_bias", "read_end", "primer_site"}
    assert "No variant in any sample" in study.section()["description"]
    assert not (study.results / "amplicon_variants_vaf_mqc.json").exists()


def test_main__writes_what_it_can_of_a_study_without_candidates(study):
    variants = study.judge({"A1": [Fragment("K1")] * 300, "B1": []})
    assert variants.empty
    assert list(variants.columns)[:8] == ["sample", "line", "condition", *VARIANT, "amplicons"]
    with pysam.VariantFile(str(study.results / "variants.vcf.gz")) as records:
        assert list(records.header.samples) == ["A1", "B1"]
        assert list(records) == []
    section = study.section()
    assert section["description"].startswith("No variant in any sample and no candidate.")
    limits = study.table("detection_limits")
    covered = limits[(limits["sample"] == "A1") & (limits.amplicon == "K1")].iloc[0]
    assert (covered.status, covered.sites_assessed, covered.median_depth) == ("ok", 180, 300)
    assert 0.02 <= covered.median_detection_limit < 0.1
    other = limits[(limits["sample"] == "B1") & (limits.amplicon == "K1")].iloc[0]
    assert (other.status, other.reason) == ("low_depth", "0 of 180 sites have 200 fragments or more")


@pytest.mark.parametrize("samples", [["A1"], ["A1", "A2"]])
def test_main__judges_one_line_by_the_context(study, samples):
    rng = np.random.default_rng(9)
    made = {sample: fragments("K1", 1000, rng, (changed("K1", PLACE), 0.03)) for sample in samples}
    variants = study.judge(made)
    called = variants[variants.status == "ok"]
    assert list(called["sample"]) == samples
    assert set(variants.error_source) == {"context"}


def test_main__takes_the_error_rate_of_a_noisy_site_from_other_lines(study):
    """3 % in all samples is an error of the site; carriers of 5 % or more are no part of it."""
    rng = np.random.default_rng(10)
    noisy = (changed("K1", PLACE), 0.03)
    samples = {f"{line}1": fragments("K1", 800, rng, noisy) for line in "ABCDE"}
    samples["F1"] = fragments("K1", 800, rng, (changed("K1", PLACE), 0.4))
    variants = study.judge(samples)
    own = variants[variants.pos == PLACE + 1].set_index("sample")
    assert set(own.loc["A1":"E1"].status) <= {"not_detected", "below_detection"}
    assert own.loc["F1"].status == "ok"
    assert own.loc["A1"].error_rate == pytest.approx(0.03, rel=0.1)


def test_main__does_not_judge_where_fragments_are_few(study):
    rng = np.random.default_rng(11)
    edit = (changed("K1", PLACE), 0.5)
    samples = {"A1": fragments("K1", 150, rng, edit), "B1": fragments("K1", 400, rng, edit), "C1": None}
    own = study.judge(samples)
    own = own[own.pos == PLACE + 1].set_index("sample")
    assert (own.loc["A1"].status, own.loc["A1"].reason) == ("low_depth", "150 of 200 fragments")
    assert np.isnan(own.loc["A1"].q_value)
    assert own.loc["B1"].status == "ok"
    assert (own.loc["C1"].status, own.loc["C1"].reason) == ("no_alignment", "no BAM or CRAM file")
    assert np.isnan(own.loc["C1"].depth)
    limits = study.table("detection_limits").set_index(["sample", "amplicon"])
    assert limits.loc[("C1", "K1")].status == "no_alignment"


def test_main__flags_what_reads_of_one_strand_show(study):
    """Where both strands cover it; at the end of an insert that one mate covers, nobody knows."""
    edit = changed("K1", PLACE)
    one_sided = [
        Fragment("K1", [edit] if mate == FORWARD else [], mates=[mate])
        for mate in [FORWARD] * 40 + [REVERSE] * 200
    ] + [Fragment("K1")] * 400
    covered_once = [Fragment("K1", [edit], mates=[FORWARD])] * 60 + [Fragment("K1", mates=[FORWARD])] * 500
    both = [Fragment("K1", [edit])] * 40 + [Fragment("K1")] * 500
    samples = {"A1": one_sided, "B1": covered_once, "C1": both, "D1": clean(1), "E1": clean(2)}
    own = study.judge(samples)
    own = own[own.pos == PLACE + 1].set_index("sample")
    assert own.loc["A1"].status == "strand_bias"
    assert own.loc["A1"].reason.startswith("40 forward and 0 reverse reads, strand odds ratio ")
    assert own.loc["A1"].strand_bias_p < 1e-3
    assert (own.loc["B1"].status, own.loc["C1"].status) == ("ok", "ok")
    assert np.isnan(own.loc["B1"].strand_bias_p)


def test_main__flags_what_only_the_ends_of_reads_show(study):
    """As where reads end just behind an insertion or deletion, which they then show as mismatches."""
    edit = changed("K1", PLACE)
    ends = PLACE + 2 - AMPLICONS["K1"].left_start
    near = [Fragment("K1", [edit], mates=[FORWARD], length=ends)] * 40
    samples = {"A1": near + [Fragment("K1")] * 500, "B1": clean(1), "C1": clean(2), "D1": clean(3)}
    own = study.judge(samples).set_index(["sample", "pos"]).loc[("A1", PLACE + 1)]
    assert own.status == "read_end"
    assert own.reason.startswith("1.0 bases from the end of reads")


def test_main__calls_what_lies_under_a_primer_from_the_other_amplicon(study):
    rng = np.random.default_rng(12)
    edit = (changed("K1", UNDER_K2), 0.5)
    samples = {
        "A1": fragments("K1", 500, rng, edit) + fragments("K2", 500, rng),
        "B1": clean(1),
        "C1": clean(2),
    }
    own = study.judge(samples).set_index(["sample", "pos"]).loc[("A1", UNDER_K2 + 1)]
    assert (own.status, own.primer_site, own.amplicons, own.depth) == ("ok", "yes", "K1", 500)


def test_main__flags_a_variant_that_one_of_two_amplicons_lacks(study):
    rng = np.random.default_rng(13)
    edit = (changed("K1", IN_BOTH), 0.5)
    lacking = fragments("K1", 500, rng, edit) + fragments("K2", 500, rng)
    having = fragments("K1", 500, rng, edit) + fragments("K2", 500, rng, edit)
    own = study.judge({"A1": lacking, "B1": having, "C1": clean(1), "D1": clean(2)})
    own = own.set_index(["sample", "pos"])
    row = own.loc[("A1", IN_BOTH + 1)]
    assert row.status == "primer_site"
    assert row.reason == "250 of 500 fragments of K1 show it, 0 of 500 of K2"
    assert row.amplicon_counts == "K1:250/500;K2:0/500"
    assert own.loc[("B1", IN_BOTH + 1)].status == "ok"


def test_main__says_how_long_the_homopolymer_is(study):
    bases = CONTIGS["chr19"]
    place = next(
        at for at in range(440, 580)
        if bases[at] == bases[at + 1] == bases[at + 2] and bases[at - 1] != bases[at] != bases[at + 3]
    )  # fmt: skip
    samples = {"A1": [Fragment("K1", [Edit(place, bases[place], "")])] * 100 + clean(1), "B1": clean(2)}
    variants = study.judge(samples)
    assert variants[variants.ref.str.len() == 2].homopolymer.unique() == [3]


def test_main__writes_a_vcf_that_bcftools_reads_and_leaves_as_it_is(study):
    rng = np.random.default_rng(14)
    bases = CONTIGS["chr19"]
    planted = [(changed("K1", 440), 0.5), (Edit(520, bases[520:523], ""), 0.2), (Edit(550, "", "ACG"), 0.95)]
    samples = {
        "A1": fragments("K1", 500, rng, *planted),
        "B1": clean(1),
        "C1": [Fragment("K1")] * 50,
        "D1": None,
    }
    variants = study.judge(samples)
    path = str(study.results / "variants.vcf.gz")
    assert Path(f"{path}.tbi").is_file()
    with gzip.open(path, "rt") as text:
        written = [line for line in text.read().splitlines() if not line.startswith("##")]
    assert pysam.bcftools.view("--no-header", path).splitlines() == written[1:]
    normal = pysam.bcftools.norm(
        "--check-ref", "e", "-f", str(study.folder / "genome.fa"), "--no-version", path
    )
    assert [line for line in normal.splitlines() if not line.startswith("##")] == written
    assert pysam.bcftools.view("--no-header", path, "chr19:400-460").count("\n") == 1
    with pysam.VariantFile(path) as records:
        rows = list(records)
    assert [record.filter.keys() for record in rows] == [["PASS"]] * 3
    called = variants[(variants["sample"] == "A1") & (variants.status == "ok")]
    assert [(r.chrom, r.pos, r.ref, r.alts[0]) for r in rows] == list(
        called[VARIANT].itertuples(index=False, name=None)
    )
    assert [record.samples["A1"]["GT"] for record in rows] == [(0, 1), (0, 1), (1, 1)]
    assert [record.samples["A1"]["AD"][1] for record in rows] == list(called.alt_count)
    assert {record.samples["B1"]["GT"] for record in rows} == {(0, 0)}
    assert {(record.samples["C1"]["GT"], record.samples["C1"]["FT"]) for record in rows} == {
        ((None, None), "low_depth")
    }
    assert {(record.samples["D1"]["DP"], record.samples["D1"]["FT"]) for record in rows} == {
        (None, "no_alignment")
    }


def test_main__says_in_the_report_what_there_is(study):
    rng = np.random.default_rng(15)
    samples = {"A1": fragments("K1", 500, rng, (changed("K1", PLACE), 0.25)), "B1": clean(1), "C1": clean(2)}
    study.judge(samples)
    words = study.section()["description"]
    assert words.startswith("1 variant (1 of one base) in 1 sample, of ")
    assert "VAF 25 % to 25 %" in words
    assert study.section()["nrf2flow"]["links"][:2] == ["variants.tsv", "variants.vcf.gz"]
    assert len(study.section()["data"]) == 3
    points = study.section("_vaf")["data"]
    assert [name for name in points if f"chr19:{PLACE + 1} " in name]
    errors = study.section("_errors")["data"]
    rates = study.table("error_rates").set_index("change")
    assert set(errors) == set(rates.index[rates.sites > 0])


def test_main__writes_the_same_bytes_again(study):
    rng = np.random.default_rng(16)
    samples = {"A1": fragments("K1", 300, rng, (changed("K1", PLACE), 0.25)), "B1": clean(1), "C1": clean(2)}
    written = []
    for _ in range(2):
        study.judge(samples)
        written.append({path.name: path.read_bytes() for path in study.results.iterdir()})
    assert written[0] == written[1]
    assert {"variants.tsv", "variants.vcf.gz", "variants.vcf.gz.tbi", "detection_limits.tsv"} <= written[
        0
    ].keys()


def test_main__refuses_sites_of_other_samples(study, run_script):
    study.judge({"A1": clean(1, 50)})
    library.write_sheet(study.folder, [("A1", "A", "parental"), ("B1", "B", "parental")])
    done = run_script(
        judge.main, amplicons=study.folder / "amplicons.tsv", primers=study.folder / "primers.tsv",
        genome=study.folder / "genome.fa", alleles=study.folder / "counts/alleles.tsv",
        sites=study.folder / "counts/sites.tsv", results=study.results,
    )  # fmt: skip
    assert done.exit_code == 1
    assert done.output == "Error: sites.tsv: expected 950 rows for each of 2 samples in order\n"
