"""Whole runs of the pipeline: on the simulated study, on one without effects, on bad inputs."""

import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from common.mmc_candidates_rules import read_rules
from common.mmc_candidates_tables import read_evidence
from conftest import ROOT, Run, run_pipeline
from faulty_study import FAULTS, write_faulty_study
from mmc_candidates import call_all

MODULES = sorted((ROOT / "modules").glob("*.nf"))
SUBWORKFLOWS = sorted((ROOT / "subworkflows").glob("*.nf"))
PROCESSES = sorted(  # under the names that they run by
    process
    for path in [*MODULES, *SUBWORKFLOWS]
    for process in re.findall(r"^process (\w+)|[A-Z] as ([A-Z_]+)", path.read_text(), re.MULTILINE)
    for process in process
    if process
)
# Published with --save_reference only.
REFERENCE = {"index_transcripts", "index_genome"}
Q_VALUE_MAX = 0.05
STUDY_FILES = {  # of a simulated study
    **{"rnaseq": "csv", "fasta": "fa.gz", "gtf": "gtf.gz"},
    **{"amplicons": "csv", "primers": "tsv", "sanger": "csv"},
    **{"dose_response": "csv", "assays": "csv", "qpcr": "csv"},
    **{"patients": "csv", "cohorts": "csv", "panels": "csv", "panel_genes": "txt"},
}
THERAPY = "SBS31+SBS35"
# What Nextflow writes of a run by itself, to its end.
NEXTFLOW_FILES = {
    f"pipeline_info/{name}" for name in ("trace.txt", "report.html", "timeline.html", "dag.mmd")
}
# Of each line, parental and resistant: is NRF2 active, is NQO1 functional, the call. Ca9-22 has NQO1's
# R139W in both copies, which only its RNA would show: the small study has none of it.
CALLS = {
    "RPMI2650": [("no", "yes", "not_candidate"), ("no", "no", "not_candidate")],
    "HSC-2": [("no", "yes", "not_candidate"), ("yes", "no", "not_candidate")],
    "HSC-3": [("no", "yes", "not_candidate"), ("yes", "yes", "candidate")],
    "HO-1-u-1": [("yes", "yes", "candidate"), ("yes", "yes", "candidate")],
    "Ca9-22": [("no", "insufficient_data", "not_candidate"), ("no", "insufficient_data", "not_candidate")],
    "HSC-4": [("no", "no", "not_candidate"), ("no", "no", "not_candidate")],
    "SAS": [("no", "yes", "not_candidate"), ("no", "yes", "not_candidate")],
}
# The analyses that find the evidence of each kind of work, and what is not decided without some of it.
WORK = {
    "amplicons": ["variant_comparison"],
    "RNA": ["target_score", "gene_set_enrichment", "locus_genotype"],
    "bench": ["group_comparison"],
}
SEQUENCED = ["HSC-2", "HSC-3", "HO-1-u-1", "HSC-4"]
WITHHELD = {
    ("amplicons",): {},
    ("RNA",): {},
    ("amplicons", "RNA"): {},
    ("bench",): {"resistant": ["RPMI2650", "HSC-2", "Ca9-22", "SAS"]},
    ("amplicons", "bench"): {"resistant": ["RPMI2650", "HSC-2", "Ca9-22", "SAS"]},
    ("RNA", "bench"): {"parental": SEQUENCED, "resistant": [*SEQUENCED, "RPMI2650", "Ca9-22", "SAS"]},
    ("amplicons", "RNA", "bench"): {"resistant": [*SEQUENCED, "RPMI2650", "Ca9-22", "SAS"]},
}
GAINED = {"HSC-2": "yes", "HSC-3": "yes"}  # all others: no
ALLELE = ["chrom", "pos", "ref", "alt"]
CURVE = ["line", "condition", "compound", "modulator", "modulator_dose"]
AS_IN_TEST = ("--max_intron", 20000, "--reference_group", "SAS.parental")  # as in the profile
TRUNCATED = "HSC-3.CR2"  # the sample of the null study whose reads break off
OWN = "clinic_77"  # its folder
MRN = "MRN-77-"  # how the ids of its patients begin


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", keep_default_na=False, na_values=[""])


def sets_of(results: Path, contrast: str, collection: str) -> pd.DataFrame:
    return read(results / f"gene_set_enrichment/{contrast}.{collection}.sets.tsv").set_index("gene_set")


def set_recovered(results: Path, row: pd.Series) -> bool:
    """Whether a planted set is significant in the planted direction."""
    found = sets_of(results, row.contrast, row.collection).loc[row.gene_set]
    return found.q_value < Q_VALUE_MAX and (found.nes > 0) == (row.direction == "up")


def strongly_planted(truth: Path) -> pd.DataFrame:
    """The sets whose genes were moved by 0.3 or more on average."""
    sets = read(truth / "gene_sets.tsv")
    return sets[sets.planted_log2_fold_change.abs() >= 0.3]


@pytest.fixture(scope="session")
def null_study(tmp_path_factory) -> Run:
    """Two lines without any planted effect, given as a user gives reads, a bad sample among them.

    Patients have ids that nothing else has, and pseudonyms in what is published.
    """
    folder = tmp_path_factory.mktemp("null")
    study = folder / OWN
    options = ["--size", "small", "--gene-sets", ROOT / "assets/gene_sets", "--effects", "0"]
    script = ROOT / "bin/simulate_study.py"
    subprocess.run([sys.executable, script, *map(str, options), "--results", study], check=True)
    for name in ("rnaseq", "amplicons"):  # the bench has all lines
        sheet = study / f"{name}.csv"
        rows = sheet.read_text().splitlines(keepends=True)
        sheet.write_text("".join(row for row in rows if row.startswith(("sample", "HSC-2.", "HSC-3."))))
    patients = study / "patients.csv"
    patients.write_text(re.sub("^P", MRN, patients.read_text(), flags=re.MULTILINE))
    whole = study / f"reads/{TRUNCATED}_1.fastq.gz"
    whole.write_bytes(whole.read_bytes()[:-1000])
    files = {name: kind for name, kind in STUDY_FILES.items() if name != "sanger"}
    given = [(f"--{name}", f"{OWN}/{name}.{kind}") for name, kind in files.items()]
    words = [word for pair in given for word in pair]
    run = run_pipeline(folder, *words, *AS_IN_TEST, "--pseudonymise", "true")
    assert run.exit_code == 0, run.output
    return run


def test_run__the_planted_gene_sets_come_back(demo):
    results = demo.folder / "results"
    planted = strongly_planted(results / "simulate_study/truth")
    assert len(planted) >= 8
    missed = [tuple(row[:4]) for row in planted.itertuples(index=False) if not set_recovered(results, row)]
    assert missed == []


def test_run__gene_sets_that_were_not_planted_stay_silent(demo):
    """Planted sets stay silent where nothing moves them; of all other sets, at most 5 % speak."""
    results = demo.folder / "results"
    truth = read(results / "simulate_study/truth/gene_sets.tsv")
    for row in truth[truth.direction == "none"].itertuples():
        assert sets_of(results, row.contrast, row.collection).q_value[row.gene_set] >= Q_VALUE_MAX, row

    moved = read(results / "simulate_study/truth/genes.tsv")
    moved = moved[moved.planted_log2_fold_change != 0]
    spoke = tested = 0
    for contrast in read(results / "differential_expression/summary.tsv").contrast:
        genes = set(moved.gene_name[moved.contrast == contrast])
        for path in sorted((ROOT / "assets/gene_sets").glob("*.gmt")):
            found = sets_of(results, contrast, path.stem)
            members = members_by_set(path)
            clean = [name for name in found.index if len(members[name] & genes) < 0.1 * len(members[name])]
            q_values = found.q_value[clean].dropna()
            spoke, tested = spoke + (q_values < Q_VALUE_MAX).sum(), tested + len(q_values)
    assert tested > 500
    assert spoke <= 0.05 * tested


def members_by_set(path: Path) -> dict[str, set[str]]:
    """Read the sets of a GMT file under the names that results have."""
    members = {}
    for line in path.read_text().splitlines():
        name, _, *genes = line.split("\t")
        parts = [" ".join(part.split()) for part in name.split("%")]
        members[f"{parts[0]} ({parts[2]})" if len(parts) == 4 else parts[0]] = set(genes)
    return members


def test_run__the_planted_genes_come_back(demo):
    """Of well expressed genes that were moved by 1 or more 80 % are found, and few others.

    With two replicates DESeq2 itself calls up to 10 % of genes that did not change.
    """
    results = demo.folder / "results"
    truth = read(results / "simulate_study/truth/genes.tsv")
    called, large = [], []
    for contrast, genes in truth.groupby("contrast"):
        if contrast.startswith("all."):
            continue  # the mean of lines that were moved and of lines that were not
        found = read(results / f"differential_expression/{contrast}.genes.tsv").set_index("gene_id")
        significant = found.index[found.q_value < Q_VALUE_MAX]
        called += list(significant.isin(genes.gene_id))
        moved = genes[genes.log2_fold_change.abs() >= 1].set_index("gene_id").log2_fold_change
        moved = moved[found.base_mean[moved.index] >= 60]
        large.append(
            pd.DataFrame({"moved": moved, "found": moved.index.isin(significant)}).assign(
                estimate=found.log2_fold_change[moved.index]
            )
        )
    large = pd.concat(large)
    assert len(large) >= 40
    assert large.found.mean() >= 0.8
    assert (large.moved * large.estimate > 0).mean() >= 0.98
    assert np.mean(called) >= 0.85
    assert len(called) >= 100


def test_run__nothing_is_found_where_nothing_was_planted(null_study, demo):
    """The sets that the demo must find are not found in the study without effects."""
    results = null_study.folder / "results"
    planted = strongly_planted(demo.folder / "results/simulate_study/truth")
    planted = planted[planted.contrast.isin(read(results / "differential_expression/summary.tsv").contrast)]
    assert len(planted) >= 8
    assert [row.gene_set for row in planted.itertuples() if set_recovered(results, row)] == []


def test_run__the_planted_genotypes_come_back(demo):
    """Every locus in every sample; where NQO1 is not expressed there is no call."""
    results = demo.folder / "results"
    truth = read(results / "simulate_study/truth/genotypes.tsv")
    found = read(results / "locus_genotype/genotypes.tsv")
    both = found.merge(truth, on=["sample", "gene", "hgvs_c"], suffixes=("", "_planted"))
    assert len(both) == len(found) == 2 * both["sample"].nunique() == 32
    silent = both.expressed == "no"
    assert 1 <= silent.sum() <= 2
    assert (both.genotype[silent] == "no_call").all()
    assert (both.status[silent] == "not_expressed").all()
    assert (both.genotype == both.genotype_planted)[~silent].all()
    assert {"ref", "hom"} <= set(both.genotype)


def test_run__the_planted_variants_are_discovered_and_named(demo):
    """Every variant but the common SNPs, by its HGVS name in the samples that have it, and no other."""
    results = demo.folder / "results"
    truth = read(results / "simulate_study/truth/genotypes.tsv")
    loci = set(read(results / "locus_genotype/genotypes.tsv").hgvs_c)
    planted = truth[(truth.genotype != "ref") & ~truth.hgvs_c.isin(loci)]
    known = read(results / "simulate_study/truth/variants.tsv")
    common = set(known.hgvs_c[known.origin == "common_snp"])
    found = read(results / "locus_genotype/discovery.tsv")
    found = found[found.genotype.isin(["het", "hom"]) & ~found.hgvs_c.isin(common)]
    assert set(zip(found["sample"], found.gene, found.hgvs_c, strict=True)) == set(
        zip(planted["sample"], planted.gene, planted.hgvs_c, strict=True)
    )
    named = read(results / "annotate_variants/variants.tsv")
    assert set(planted.hgvs_p) <= set(named.hgvs_p.str.replace(r"[()]", "", regex=True))


def with_truth(found: pd.DataFrame, truth: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Join what was found with what was planted; what is on one side only has missing values of the other."""
    return found.merge(truth, how="outer", on=[*keys, *ALLELE], suffixes=("", "_planted"))


def test_run__the_variants_planted_in_dna_come_back_and_no_other(demo):
    """Of 3 % or more, wherever the amplicon did not drop out; intervals of 95 % hold the planted share."""
    results = demo.folder / "results"
    truth = read(results / "simulate_study/truth/amplicon_variants.tsv")
    both = with_truth(read(results / "amplicon_variants/variants.tsv"), truth, ["sample"])
    assert both.vaf_planted[both.status == "ok"].notna().all(), both[both.status == "ok"]
    planted = both[both.vaf_planted >= 0.03]
    missed = planted[planted.status != "ok"]
    assert set(missed.status) <= {"low_depth"}, missed
    assert len(planted) - len(missed) >= 20
    assert set(truth.hgvs_c[truth.origin == "planted"]) <= set(planted.hgvs_c[planted.status == "ok"])
    held = planted[planted.status == "ok"]
    within = (held.vaf_low <= held.vaf_planted) & (held.vaf_planted <= held.vaf_high)
    assert within.mean() >= 0.8
    assert ((held.vaf - held.vaf_planted).abs() < 0.08).all()


def test_run__what_resistance_gained_and_kept_is_told_line_by_line(demo):
    results = demo.folder / "results"
    truth = read(results / "simulate_study/truth/amplicon_variants.tsv")
    ends = truth.pivot_table(index=["line", *ALLELE], columns="condition", values="vaf").fillna(0)
    change = np.select([ends.parental == 0, ends.resistant == 0], ["gained", "lost"], "shared")
    expected = pd.Series(change, ends.index, name="expected").reset_index()
    found = read(results / "variant_comparison/comparison.tsv")
    both = found.merge(expected, how="outer", on=["line", *ALLELE])
    told = both[both.comparison.notna() & (both.comparison != "not_assessable")]
    assert (told.comparison == told.expected).all(), told
    assert both.comparison.isna().sum() == 0, both[both.comparison.isna()]
    assert (both.comparison == "not_assessable").sum() <= 2
    of_line = found[found.comparison == "gained"].groupby("line").hgvs_p_short.agg(set)
    assert any("V512I" in name for name in of_line["HSC-2"])
    assert any("W544*" in name for name in of_line["HSC-3"])
    shared = found[(found.line == "HO-1-u-1") & (found.comparison == "shared")].hgvs_p_short.dropna()
    assert shared.str.contains("E82D").sum() == 1


def test_run__nothing_is_gained_or_lost_in_dna_where_nothing_was_planted(null_study):
    found = read(null_study.folder / "results/variant_comparison/comparison.tsv")
    assert len(found) > 0
    assert set(found.comparison) <= {"shared", "not_assessable"}
    assert (found.comparison == "shared").mean() > 0.8


def test_run__an_amplicon_that_drops_out_is_told_and_makes_no_variant_absent(demo):
    results = demo.folder / "results"
    truth = read(results / "simulate_study/truth/amplicons.tsv")
    dropped = set(truth[truth.dropped == "yes"].set_index(["sample", "amplicon"]).index)
    assert dropped
    coverage = read(results / "align_amplicons/coverage.tsv").set_index(["sample", "amplicon"])
    assert set(coverage.index[coverage.status == "dropout"]) == dropped
    counts = read(results / "amplicon_variants/variants.tsv")
    only = [(row.sample, str(row.amplicons)) in dropped for row in counts.itertuples()]
    assert not (counts[only].status == "not_detected").any()


def test_run__traces_are_read_as_they_were_planted(demo):
    results = demo.folder / "results"
    truth = read(results / "simulate_study/truth/traces.tsv")
    calls = read(results / "sanger_confirmation/calls.tsv")
    both = truth.merge(calls, how="left", on=["file", "gene", "hgvs_c"], suffixes=("_planted", ""))
    assert len(both) >= 8
    wrong = both[both.call != both.call_planted]
    assert wrong.empty, wrong
    confirmed = read(results / "variant_comparison/comparison.tsv")
    confirmed = confirmed[confirmed.sanger.fillna("").str.contains("confirmed")]
    assert {"HSC-2", "HSC-3", "HO-1-u-1"} <= set(confirmed.line)


def test_run__variants_of_dna_are_read_out_in_rna(demo):
    """The truncated allele of HSC-3 is half of the DNA, and less of the RNA."""
    results = demo.folder / "results"
    dna = read(results / "amplicon_variants/variants.tsv")
    rna = read(results / "locus_genotype/discovery.tsv")
    of_rna = rna[rna.hgvs_c.fillna("").str.endswith("c.1631G>A") & (rna.line == "HSC-3")]
    of_rna = of_rna[of_rna.condition == "resistant"]
    of_dna = dna.merge(of_rna[ALLELE].drop_duplicates(), on=ALLELE)
    of_dna = of_dna[(of_dna.line == "HSC-3") & (of_dna.condition == "resistant")]
    assert of_dna.vaf.between(0.4, 0.6).all()
    assert len(of_dna) == 1
    assert of_rna.vaf.mean() < 0.35


def planted_curves(truth: Path) -> pd.DataFrame:
    """The curves of the truth, one row each: those whose experiments do not shift."""
    planted = read(truth / "dose_response.tsv")
    shifted = planted[planted.ic50 != planted.ic50_of_experiment].compound.unique()
    return planted[~planted.compound.isin(shifted)].drop_duplicates(CURVE)


def test_run__the_planted_ic50s_lie_in_their_intervals(demo):
    """In 95 % of curves: of about 50, 43 or more in all but one study of a thousand."""
    results = demo.folder / "results"
    planted = planted_curves(results / "simulate_study/truth")
    both = planted.merge(read(results / "dose_response/curves.tsv"), on=CURVE, suffixes=("_planted", ""))
    assert len(both) == len(planted) > 30
    known = both[both.status == "ok"]
    assert len(known) >= 0.9 * len(both)
    within = known.ic50_planted.between(known.ic50_low, known.ic50_high)
    assert within.mean() >= 0.85, known[~within]
    assert (np.log2(known.ic50 / known.ic50_planted).abs() < 0.5).all()


def test_run__the_compounds_that_lines_resist_are_told(demo):
    """Lines with a planted shift of 1.5 times or more differ by both methods, and others do not."""
    results = demo.folder / "results"
    planted = planted_curves(results / "simulate_study/truth")
    planted = planted[planted.modulator.isna()]
    ends = planted.pivot_table(index=["line", "compound"], columns="condition", values="ic50").dropna()
    shift = np.log2(ends.resistant / ends.parental)
    found = read(results / "dose_comparison/comparisons.tsv")
    found = found[(found.kind == "conditions") & (found.null_hypothesis == "shared_ic50")]
    for method in ("f_test", "by_experiment"):
        tests = found[found.method == method].set_index(["line", "compound"]).reindex(shift.index)
        large = shift.abs() >= 0.58
        assert (tests.p_adjusted[large] < 0.05).mean() >= 0.9, tests[large]
        assert (tests.p_adjusted[shift == 0] < 0.05).sum() <= 1, tests[shift == 0]
        assert (np.sign(np.log2(tests.fold_change[large])) == np.sign(shift[large])).all()


def test_run__the_reporter_the_proteins_and_pcr_say_what_was_planted(demo):
    results = demo.folder / "results"
    truth = read(results / "simulate_study/truth/assays.tsv")
    untreated = truth[truth.treatment.isna()]
    ends = untreated.pivot_table(
        index=["assay", "line"], columns="condition", values="relative_mean"
    ).dropna()
    change = np.log2(ends.resistant / ends.parental)
    tests = read(results / "group_comparison/tests.tsv")
    tests = tests[(tests.comparison == "conditions") & tests.treatment.isna()].set_index(["assay", "line"])
    large = change[change.abs() >= 1]
    assert len(large) >= 5
    assert (np.sign(np.log2(tests.ratio[large.index])) == np.sign(large)).all()
    assert (tests.p_adjusted[large.index] < 0.05).mean() >= 0.6
    same = tests.loc[change.index[change == 0]]
    assert (same.p_adjusted < 0.05).mean() <= 0.1
    pcr = tests.loc["qpcr_NQO1"]
    assert (pcr.ratio[["HSC-2", "HSC-3", "HO-1-u-1"]] > 1.2).all()


def test_run__nothing_differs_at_the_bench_where_nothing_was_planted(null_study):
    results = null_study.folder / "results"
    tests = read(results / "group_comparison/tests.tsv")
    tests = tests[tests.comparison == "conditions"]
    assert len(tests) > 20
    assert (tests.p_adjusted < 0.05).mean() <= 0.05
    curves = read(results / "dose_comparison/comparisons.tsv")
    curves = curves[(curves.kind == "conditions") & (curves.method == "by_experiment")]
    assert (curves.p_adjusted < 0.05).sum() <= 1


def measures(results: Path) -> pd.DataFrame:
    return read(results / "biomarker_cutoff/cutoff.tsv").set_index("measure")


def test_run__the_planted_cutoff_of_the_score_comes_back(demo):
    """As in the founding study: above 82, 15 of 18 recurrent and 4 of 13 other patients."""
    results = demo.folder / "results"
    truth = read(results / "simulate_study/truth/patients.tsv").set_index("patient")
    found = measures(results)
    assert found.value["cutoff"] == truth.cutoff.iloc[0] == 82
    assert tuple(found.loc["sensitivity", ["count", "of"]]) == (15, 18)
    assert tuple(found.loc["specificity", ["count", "of"]]) == (9, 13)
    groups = read(results / "biomarker_cutoff/groups.tsv").set_index("patient").score_group
    assert (groups == truth.score_group[groups.index]).all()
    tests = read(results / "biomarker_cutoff/corrected.tsv").set_index(["endpoint", "test"])
    assert tests.statistic["recurrence", "chi_squared"] == pytest.approx(8.79, abs=0.005)
    assert (tests.p_corrected >= tests.p_value).all()
    assert set(tests.data_driven) == {"yes"}
    assert tests.circular["dfs", "log_rank"] == "yes"


def test_run__survival_is_of_the_patients_who_were_followed(demo):
    results = demo.folder / "results"
    truth = read(results / "simulate_study/truth/patients.tsv")
    tests = read(results / "survival/tests.tsv").set_index(["endpoint", "test"])
    assert (truth.followed == "yes").sum() == 30
    assert tests.patients["os", "log_rank"] == tests.patients["dfs", "log_rank"] == 30
    assert tests.events["os", "log_rank"] == (truth.death == "yes").sum()
    assert tests.p_value["dfs", "log_rank"] < 0.05
    assert tests.hazard_ratio["dfs", "cox"] > 1
    listed = read(results / "patient_table/characteristics.tsv")
    assert {"age", "sex", "stage"} <= set(listed.variable)


def test_run__the_planted_frequencies_of_mutated_genes_come_back(demo):
    """Every patient of the truth, among those whose panel has the gene; what does not count is told."""
    results = demo.folder / "results"
    truth = read(results / "simulate_study/truth/cohorts.tsv")
    found = read(results / "mutation_frequency/frequency.tsv")
    both = found.merge(truth, on=["gene", "cohort"], suffixes=("", "_planted"))
    drivers = both[both.gene.isin(["KEAP1", "NFE2L2"])]
    assert len(drivers) == 4
    assert (drivers.mutated == drivers.mutated_planted).all()
    assert (both.profiled == both.profiled_planted).all()
    assert (both.mutated - both.mutated_planted).abs().max() <= 1
    tests = read(results / "mutation_frequency/comparison.tsv").set_index("gene")
    assert tests.q_value["NFE2L2"] < 0.05 < tests.q_value["KEAP1"]
    domains = read(results / "mutation_frequency/domain.tsv")
    enriched = domains[(domains.q_value < 0.05) & (domains.observed > domains.expected)]
    assert {("KEAP1", "BTB"), ("NFE2L2", "ETGE")} <= set(zip(enriched.gene, enriched.domain, strict=True))
    dropped = read(results / "harmonise_mutations/dropped.tsv").groupby(["cohort", "status"]).rows.sum()
    planted = read(results / "simulate_study/truth/dropped.tsv").set_index(["cohort", "status"]).rows
    pd.testing.assert_series_equal(dropped.sort_index(), planted.sort_index(), check_names=False)


def pooled_shares(results: Path) -> pd.DataFrame:
    pooled = read(results / "mutational_signatures/pooled.tsv")
    return pooled[pooled.method == "nnls"].set_index(["cohort", "signature"])


def test_run__platinum_is_seen_in_the_treated_cohort_alone(demo):
    results = demo.folder / "results"
    planted = read(results / "simulate_study/truth/signatures.tsv")
    planted = planted[planted.signature.str.startswith("SBS")].set_index(["cohort", "signature"]).share
    found = pooled_shares(results)
    shares = found.share.to_frame().join(planted.rename("planted")).fillna({"planted": 0})
    distance = (shares.share - shares.planted).abs().groupby("cohort").sum() / 2
    assert (distance < 0.15).all(), shares
    seen = read(results / "mutational_signatures/detection.tsv").set_index(["cohort", "signatures"])
    assert seen.verdict["C-CAT", THERAPY] == "seen"
    assert seen.verdict["TCGA", THERAPY] == "not_seen"
    share = planted["C-CAT", "SBS31"] + planted["C-CAT", "SBS35"]
    assert seen.ci_low["C-CAT", THERAPY] < share < seen.ci_high["C-CAT", THERAPY]
    assert 0 < seen.detection_limit["TCGA", THERAPY] < share
    doublets = read(results / "mutation_matrix/pooled.DBS78.tsv").set_index("MutationType")
    of_platinum = doublets.loc[["CT>AA", "CT>AC"]].sum() / doublets.sum()
    assert of_platinum["C-CAT"] > 2 * of_platinum["TCGA"]


def test_run__nothing_is_found_in_patients_and_cohorts_where_nothing_was_planted(null_study):
    results = null_study.folder / "results"
    corrected = read(results / "biomarker_cutoff/corrected.tsv")
    assert (corrected.p_corrected > 0.01).all()
    tests = read(results / "mutation_frequency/comparison.tsv").set_index("gene")
    assert (tests.q_value[["KEAP1", "NFE2L2"]] > 0.05).all()
    domains = read(results / "mutation_frequency/domain.tsv")
    domains = domains[domains.gene.isin(["KEAP1", "NFE2L2"])]
    assert (domains.q_value < 0.05).mean() <= 0.05
    seen = read(results / "mutational_signatures/detection.tsv")
    assert (seen.verdict == "not_seen").all(), seen


def test_run__under_pseudonyms_nothing_tells_a_patient_or_a_folder(null_study):
    """Of tables, figures, report and alignments, what is compressed too; only reads keep their own names."""
    files = null_study.folder / OWN
    barcodes = {"TCGA": "TCGA-SM-", "C-CAT": "CC-0001-T"}  # how they begin
    for cohort, begin in barcodes.items():
        assert begin in (files / f"cohort_files/{cohort}.samples.tsv").read_text()
    assert (files / "patients.csv").read_text().count(MRN) > 20
    secret = [MRN, OWN, str(null_study.folder), *barcodes.values()]
    results, found = null_study.folder / "results", []
    for path in (path for path in results.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.suffix in (".gz", ".bam"):
            content = gzip.decompress(content)  # BAM is gzip of many members
        told = [
            word
            for word in secret
            if word.encode() in content or word in path.relative_to(results).as_posix()
        ]
        found += [(path.name, word) for word in told]
    assert found == []
    patients = read(results / "biomarker_cutoff/groups.tsv").patient
    assert list(patients[:2]) == ["P001", "P002"]
    counted = read(results / "harmonise_mutations/samples.tsv").groupby("cohort")["sample"].first()
    assert counted.to_dict() == {"TCGA": "TCGA.S0001", "C-CAT": "C-CAT.S0001"}


def calls_of(results: Path) -> pd.DataFrame:
    return read(results / "mmc_candidates/candidates.tsv").set_index(["line", "condition"])


def test_run__the_lines_to_treat_are_called_for_their_planted_reasons(demo):
    results = demo.folder / "results"
    found = calls_of(results)
    columns = ["nrf2_active", "nqo1_functional", "call"]
    expected = {
        (line, condition): row
        for line, rows in CALLS.items()
        for condition, row in zip(("parental", "resistant"), rows, strict=True)
    }
    assert dict(zip(found.index, found[columns].itertuples(index=False, name=None), strict=True)) == expected
    resistant = found.xs("resistant", level="condition")
    assert resistant.nrf2_gained.to_dict() == {line: GAINED.get(line, "no") for line in CALLS}
    assert "raised" in resistant["flags"]["HO-1-u-1"]
    for line, word in {"HSC-2": "c.340_346delinsCAG", "HSC-3": "W544*", "HO-1-u-1": "E82D"}.items():
        assert word in evidence_words(results, line), line
    agreed = resistant[resistant.mmc_agreement == "agrees"]
    assert {"HSC-2", "HSC-3", "HO-1-u-1"} <= set(agreed.index)


@pytest.fixture(scope="module")
def withheld(demo) -> Callable[..., tuple[pd.DataFrame, pd.DataFrame]]:
    """Call again without some work: candidates, and the evidence with what it weighed."""
    results = demo.folder / "results"
    rules = read_rules(ROOT / "assets/mmc_rules.yml", ROOT / "assets/mmc_rules.schema.json")

    def call(folder: Path, *work: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        without = [analysis for name in work for analysis in WORK[name]]
        for path in results.glob("*/*_evidence.tsv"):
            if path.parent.name not in without:
                shutil.copy(path, folder)
        candidates, judged, _ = call_all(read_evidence(folder), rules)
        return candidates.set_index(["line", "condition"]), judged

    return call


def test_run__the_calls_follow_from_the_evidence_that_is_published(demo, withheld, tmp_path):
    found, judged = withheld(tmp_path)
    columns = ["nrf2_active", "nrf2_gained", "nqo1_functional", "call", "reasons", "stability"]
    published = calls_of(demo.folder / "results")
    pd.testing.assert_frame_equal(found[columns].fillna(""), published[columns].fillna(""))
    assert set(judged.about) == {"nrf2", "nqo1", "check", "context"}


@pytest.mark.parametrize("work", WITHHELD)
def test_run__without_some_work_calls_weaken_and_none_becomes_another(demo, withheld, tmp_path, work):
    full = calls_of(demo.folder / "results").call
    found, judged = withheld(tmp_path, *work)
    lost = [(line, condition) for condition, lines in WITHHELD[work].items() for line in lines]
    expected = {key: "insufficient_data" if key in lost else call for key, call in full.items()}
    assert found.call.to_dict() == {key: expected[key] for key in found.index}
    assert set(lost) <= set(found.index)
    for key, row in found.iterrows():
        own = judged[(judged.line == key[0]) & (judged.condition == key[1])]
        if row.nrf2_active == "yes":
            assert (own.points > 0).any(), key
        if row.nrf2_active == "no":
            functional = own.rule.isin(["target_genes", "are_reporter", "nrf2_protein"])
            assert (own.points[functional] < 0).any(), key
        if row.nqo1_functional in ("yes", "no"):
            assert (own.why == "decides").any(), key
        if key in lost:
            assert row.status != "ok", key
            assert row.reason.startswith("measure "), key


def evidence_words(results: Path, line: str) -> str:
    """All that the evidence of a resistant line names."""
    pieces = read(results / "mmc_candidates/evidence.tsv")
    own = pieces[(pieces.line == line) & (pieces.condition == "resistant")]
    return " ".join(own[["item", "label"]].fillna("").to_numpy().ravel())


def test_run__no_line_is_a_candidate_where_nothing_was_planted(null_study):
    found = calls_of(null_study.folder / "results")
    assert len(found) == 14
    assert "candidate" not in set(found.call)
    assert "yes" not in set(found.nrf2_active)


def test_run__samples_are_known_by_their_lines(demo):
    identity = read(demo.folder / "results/locus_genotype/identity.tsv")
    assert len(identity) == 16
    assert set(identity.status) <= {"ok", "not_assessable"}
    assert (identity.status == "ok").sum() >= 15


def test_run__gene_counts_are_those_drawn(demo):
    """Of genes with 50 fragments or more in the truth, the counts correlate by 0.99 in every sample."""
    results = demo.folder / "results"
    truth = read(results / "simulate_study/truth/counts.tsv").set_index("gene_id")
    found = read(results / "gene_counts/counts.tsv").set_index("gene_id")
    assert set(found.index) == set(truth.index)
    for sample in truth.columns[1:]:
        many = truth[sample].index[truth[sample] >= 50]
        logs = np.log2(found.loc[many, sample] + 1), np.log2(truth.loc[many, sample] + 1)
        assert np.corrcoef(*logs)[0, 1] >= 0.99, sample


def test_run__a_sample_whose_reads_break_off_keeps_its_rows_and_the_others_go_on(null_study):
    results = null_study.folder / "results"
    reads = read(results / "trim_reads/reads.tsv").set_index("sample")
    assert reads.status.drop(TRUNCATED).eq("ok").all()
    assert reads.status[TRUNCATED] == "unreadable"
    assert reads.reason[TRUNCATED].startswith("lane 1, mate 1: ")
    assert (
        read(results / "quantify_transcripts/quant.tsv").set_index("sample").status[TRUNCATED] == "no_reads"
    )
    assert TRUNCATED not in read(results / "gene_counts/counts.tsv")
    genotypes = read(results / "locus_genotype/genotypes.tsv").set_index("sample")
    assert (genotypes.genotype[TRUNCATED] == "no_call").all()
    assert "unreadable" in (results / "report/multiqc_report.html").read_text()


def test_run__no_allele_is_found_where_none_was_planted(null_study):
    results = null_study.folder / "results"
    genotypes = read(results / "locus_genotype/genotypes.tsv")
    assert set(genotypes.genotype) == {"ref", "no_call"}
    assert (genotypes.genotype == "ref").mean() > 0.8
    common = read(null_study.folder / OWN / "truth/variants.tsv").hgvs_c
    found = read(results / "locus_genotype/discovery.tsv")
    assert set(found.hgvs_c[found.genotype.isin(["het", "hom"])]) <= set(common)


def test_run__every_process_ran_and_published(demo):
    assert set(demo.statuses().values()) == {"COMPLETED"}
    published = {path.stem for path in MODULES} - REFERENCE - {"run_record"}
    record = {"pipeline_info", "ro-crate-metadata.json"}
    assert {path.name for path in (demo.folder / "results").iterdir()} == published | record


def test_run__the_results_are_a_crate_of_all_that_was_published(demo):
    """Files on disk are those of the crate, as large and with the checksums that it says, and its own."""
    results = demo.folder / "results"
    graph = json.loads((results / "ro-crate-metadata.json").read_text())["@graph"]
    files = {unquote(each["@id"]): each for each in graph if "File" in each["@type"]}
    listed = {name: said for name, said in files.items() if not name.startswith("ni:")}
    found = {path.relative_to(results).as_posix() for path in results.rglob("*") if path.is_file()}
    assert found - listed.keys() == {"ro-crate-metadata.json", *NEXTFLOW_FILES}
    assert listed.keys() <= found
    assert len(listed) > 900
    del listed["pipeline_info/resources.tsv"]  # measured anew in each run
    for name, said in listed.items():
        assert int(said["contentSize"]) == (results / name).stat().st_size, name
        if "sha256" in said:
            assert hashlib.sha256((results / name).read_bytes()).hexdigest() == said["sha256"], name
    unread = {Path(name).suffix for name, said in listed.items() if "sha256" not in said}
    assert unread == {".gz", ".tbi", ".bam", ".bai", ".ab1", ".sf", ".log"}


def test_run__the_record_says_what_every_process_took(demo):
    resources = read(demo.folder / "results/pipeline_info/resources.tsv").set_index("process")
    assert set(demo.statuses()) - set(resources.index) <= {"REPORT", "RUN_RECORD"}
    assert resources.status.isin(["ok", "partly_measured", "not_measured"]).all()
    assert resources.cost.isna().all()
    assert resources.tasks["TRIM_READS"] == resources.tasks["ALIGN_RNA"] == 16
    total, each = resources.loc["total"], resources.drop("total")
    assert total.cpu_hours == pytest.approx(each.cpu_hours.sum())
    assert total.tasks == each.tasks.sum()
    assert 0.1 < total.peak_rss_gb < total.memory_asked_gb


def test_run__the_versions_are_there_of_all_that_images_hold(demo):
    """Of the programs and packages that decide a number; each image has its list."""
    versions = set(read(demo.folder / "results/report/versions.tsv").tool)
    images = [path.stem for path in MODULES if path.stem != "run_record"]
    lists = [ROOT / f"containers/{image}.pip" for image in images]
    packages = {package for listed in lists for package in listed.read_text().split()}
    programs = {
        line.split()[1]
        for path in (ROOT / "containers").glob("*.apt")
        if path.stem in images
        for line in path.read_text().splitlines()
    }
    assert packages - versions == {"click", "threadpoolctl"}
    assert programs <= versions
    graph = json.loads((demo.folder / "results/ro-crate-metadata.json").read_text())["@graph"]
    assert versions <= {each["name"] for each in graph if each["@type"] == "SoftwareApplication"}


def test_run__every_figure_has_its_table_and_both_formats(demo):
    figures = sorted((demo.folder / "results").glob("*/*.svg"))
    assert 10 <= len(figures) <= 80
    for figure in figures:
        assert figure.with_suffix(".png").is_file()
        assert len(read(figure.with_suffix(".tsv"))) > 0, figure.name


def test_run__the_report_has_each_analysis_the_findings_and_the_versions(demo):
    report = demo.folder / "results/report"
    html = (report / "multiqc_report.html").read_text()
    plan = read(demo.folder / "results/check_inputs/plan.tsv")
    for analysis in plan.analysis[plan.planned == "yes"]:
        assert f"../{analysis}/" in html, analysis
    findings = (report / "findings.txt").read_text().splitlines()
    contrasts = read(demo.folder / "results/differential_expression/summary.tsv").contrast
    assert {line.split(":")[0] for line in findings} >= set(contrasts)
    versions = read(report / "versions.tsv").set_index("tool").version
    assert {"fastp", "salmon", "STAR", "numpy", "pandas", "multiqc", "pydeseq2"} <= set(versions.index)


def test_run__the_same_reads_and_counts_give_the_same_tables(demo, tmp_path):
    """Given what a first run published, a run of another folder and task order differs in no byte.

    salmon has no seed, so that what it counted is given too; without TPM the reasons of genotypes and calls
    differ, and NQO1's expression is no evidence.
    """
    first, second = demo.folder / "results", tmp_path / "results"
    study = {name: first / f"simulate_study/{name}.{kind}" for name, kind in STUDY_FILES.items()}
    given = study | {"counts": first / "gene_counts/counts.tsv"}
    options = [word for name, path in given.items() for word in (f"--{name}", path)]
    again = run_pipeline(tmp_path, *options, *AS_IN_TEST)
    assert again.exit_code == 0, again.output
    assert again.statuses().keys().isdisjoint({"QUANTIFY_TRANSCRIPTS", "GENE_COUNTS", "SIMULATE_STUDY"})
    names = [
        path.relative_to(second) for path in sorted(second.glob("*/*")) if path.suffix in (".tsv", ".svg")
    ]
    without = ("check_inputs", "locus_genotype", "mmc_candidates", "pipeline_info", "report")
    names = [name for name in names if name.parts[0] not in without]
    assert len(names) > 100
    differing = [str(name) for name in names if (first / name).read_bytes() != (second / name).read_bytes()]
    assert differing == []
    for path in sorted((second / "locus_genotype").glob("*.tsv")):
        before, after = read(first / "locus_genotype" / path.name), read(path)
        if "evidence" in before:
            before = before[before.evidence != "nqo1_expression"].reset_index(drop=True)
            after = after[after.evidence != "nqo1_expression"].reset_index(drop=True)
        columns = [column for column in before if column != "reason"]
        pd.testing.assert_frame_equal(before[columns], after[columns], obj=path.name)
    called = ["nrf2_active", "nrf2_gained", "nqo1_functional", "call"]
    pd.testing.assert_frame_equal(calls_of(first)[called], calls_of(second)[called])


def test_stub__goes_through_every_process(tmp_path):
    run = run_pipeline(tmp_path, "-profile", "test", "-stub")
    assert run.exit_code == 0, run.output
    assert sorted(run.statuses()) == PROCESSES


def ran_again(run: Run) -> set[str]:
    assert run.exit_code == 0, run.output
    return {process for process, status in run.statuses().items() if status != "CACHED"}


def test_resume__runs_only_what_a_change_concerns(demo):
    """Only the record without a change; the gate for another outdir; else the analysis and what follows.

    What takes alignments knows its inputs by path, and the tables of the gate are new files.
    """
    alignments = {"COUNT_ALLELES", "COUNT_AMPLICON_ALLELES", "PILEUP"}

    def resume(*options: object) -> set[str]:
        return ran_again(
            run_pipeline(demo.folder, "-profile", "test", "-resume", *options, project=demo.project)
        )

    assert resume() == {"RUN_RECORD"}
    assert resume("--outdir", "elsewhere") == {"CHECK_INPUTS", "RUN_RECORD", *alignments}
    assert resume("--projection_scale", "false", "--outdir", "unscaled") == {
        *alignments,
        "CHECK_INPUTS",
        "SAMPLE_PROJECTION",
        "REPORT",
        "RUN_RECORD",
    }
    script = demo.project / "bin/sample_projection.py"
    script.write_text(script.read_text() + "# edited\n")
    assert resume() == {"SAMPLE_PROJECTION", "RUN_RECORD"}


def test_run__one_line_says_which_inputs_there_are(tmp_path):
    run = run_pipeline(tmp_path)
    assert run.exit_code != 0
    assert "no input: give --rnaseq with reads or --counts, --amplicons, --sanger, --dose_resp" in run.output


def test_help__lists_every_parameter_with_its_default(tmp_path):
    run = run_pipeline(tmp_path, "--help")
    assert run.exit_code == 0
    assert not (tmp_path / "results").exists()
    schema = json.loads((ROOT / "nextflow_schema.json").read_text())
    for group in schema["$defs"].values():
        assert f"{group['title']}:" in run.output
        for name, spec in group["properties"].items():
            assert f"--{name} " in run.output
            assert spec.get("default") is None or f"[{spec['default']}]".lower() in run.output.lower()


def test_run__a_fault_in_every_sheet_names_them_all_and_nothing_is_published(tmp_path):
    given = write_faulty_study(tmp_path)
    run = run_pipeline(tmp_path, *[word for name, value in given.items() for word in (f"--{name}", value)])
    assert run.exit_code != 0
    said = [line.strip() for line in run.output.splitlines()]
    assert f"Error: {len(FAULTS)} to put right before anything runs:" in said
    assert [fault for fault in FAULTS if not any(line.startswith(fault) for line in said)] == []
    assert run.statuses() == {"CHECK_INPUTS": "FAILED"}
    results = tmp_path / "results"
    assert {path.relative_to(results).as_posix() for path in results.rglob("*.*")} == NEXTFLOW_FILES
