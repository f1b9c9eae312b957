import json

import normalise_expression
import numpy as np
import pandas as pd
import pytest
from common.tables import read_table
from conftest import ORACLES, REFERENCE_DATA
from normalise_expression import (
    expression_filter,
    is_expressed,
    log2_cpm,
    main,
    normalise,
    reference_sample,
    tmm_factors,
)

STUDIES = ["pasilla", "lncap", "thinned", "many_samples"]
STATUSES = {"ok", "low_library", "extreme_factor", "not_comparable", "empty_library"}


def lncap() -> tuple[pd.DataFrame, list[str]]:
    table = read_table(REFERENCE_DATA / "counts/Li2008_LNCaP_gene_counts.tsv.gz", {"gene_id": "str"}, True)
    return table.set_index("gene_id").drop(columns="gene_name").astype(float), ["mock"] * 4 + ["treated"] * 3


def pasilla() -> tuple[pd.DataFrame, list[str]]:
    table = read_table(REFERENCE_DATA / "counts/pasilla_gene_counts.tsv", {"gene_id": "str"}, True)
    counts = table.set_index("gene_id").astype(float)
    return counts, [name[:-1] for name in counts]


def study(name: str) -> tuple[pd.DataFrame, list[str]]:
    """Make a study as normalise_expression.R makes it: counts (genes x samples) and groups."""
    if name == "many_samples":
        counts, groups = pasilla()
        return pd.concat([(counts // k).add_suffix(f"_{k}") for k in (1, 2, 3, 4)], axis=1), groups * 4
    counts, groups = pasilla() if name == "pasilla" else lncap()
    return (counts // 50 if name == "thinned" else counts), groups


def sheet(names, groups, line="S2") -> pd.DataFrame:
    role = ["reference" if group == groups[0] else "target" for group in groups]
    return pd.DataFrame(
        {
            "sample": list(names),
            "line": line,
            "condition": groups,
            "role": role,
            "replicate": range(len(groups)),
        }
    ).astype(str)


def oracle(table: str, name: str) -> pd.DataFrame:
    rows = pd.read_csv(ORACLES / f"normalise_expression_{table}.tsv.gz", sep="\t", dtype={"gene_id": "str"})
    return rows[rows.study == name]


def simulated(genes=2000, samples=6, seed=1) -> np.ndarray:
    """Simulate counts of samples that differ in depth and by chance only (negative binomial)."""
    rng = np.random.default_rng(seed)
    mean = rng.lognormal(4, 1.5, (genes, 1)) * rng.uniform(0.5, 2, samples)
    return rng.negative_binomial(10, 10 / (10 + mean)).astype(float)


def slow_tmm(counts: np.ndarray, reference: int) -> list[float]:
    """Follow Robinson and Oshlack's text for one pair of samples and one gene at a time."""
    logs = []
    total = counts.sum(axis=0)
    for sample in range(counts.shape[1]):
        genes = []
        for gene in counts:
            y, r, n, m = gene[sample], gene[reference], total[sample], total[reference]
            if y > 0 and r > 0:
                variance = (n - y) / (n * y) + (m - r) / (m * r)
                genes.append((np.log2((y / n) / (r / m)), np.log2(y / n * r / m) / 2, 1 / variance))
        kept = set(range(len(genes)))
        for column, trim in ((0, 0.3), (1, 0.05)):
            ordered = sorted(range(len(genes)), key=lambda g: genes[g][column])
            cut = int(len(genes) * trim)
            kept &= set(ordered[cut : len(genes) - cut])
        weights = sum(genes[g][2] for g in kept)
        logs.append(sum(genes[g][0] * genes[g][2] for g in kept) / weights)
    return list(2 ** (np.array(logs) - np.mean(logs)))


@pytest.mark.parametrize("name", STUDIES)
def test_is_expressed__keeps_the_genes_that_filterbyexpr_of_edger_keeps(name):
    """tests/oracles/normalise_expression.R asked edgeR 3.40.2: every gene of every study."""
    counts, groups = study(name)
    kept = is_expressed(counts.to_numpy(), expression_filter(counts.to_numpy(), np.array(groups)))
    assert list(counts.index[kept]) == list(oracle("expressed", name).gene_id)


@pytest.mark.parametrize("name", STUDIES)
def test_normalise__gives_the_factors_and_log_cpm_of_edger(name):
    """edgeR 3.40.2 gave calcNormFactors and cpm(log = TRUE, prior.count = 2) of the expressed genes."""
    counts, groups = study(name)
    log_cpm, factors, _, _ = normalise(sheet(counts, groups), counts)
    expected = oracle("factors", name)
    assert list(factors["sample"]) == list(expected["sample"])
    np.testing.assert_array_equal(factors.expressed_library_size, expected.library_size)
    np.testing.assert_allclose(factors.norm_factor, expected.norm_factor, rtol=1e-10)
    values = oracle("log_cpm", name).pivot_table("log_cpm", "gene_id", "sample")
    found = log_cpm.loc[values.index, values.columns]
    np.testing.assert_allclose(found, values, rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_tmm_factors__equal_those_of_the_slow_obvious_way(seed):
    counts = simulated(genes=300, seed=seed) + np.random.default_rng(seed).uniform(
        0, 0.01, (300, 6)
    )  # no ties
    factors = tmm_factors(counts)
    np.testing.assert_allclose(factors.factors, slow_tmm(counts, factors.reference), rtol=1e-9)


def test_tmm_factors__multiply_to_1_and_do_not_depend_on_depth():
    counts = simulated()
    factors = tmm_factors(counts).factors
    np.testing.assert_allclose(np.prod(factors), 1, rtol=1e-12)
    np.testing.assert_allclose(factors, 1, atol=0.05)
    deeper = counts * [1, 2, 3, 4, 5, 6]
    # Weights, not ratios, know how many reads there are.
    np.testing.assert_allclose(tmm_factors(deeper).factors, factors, rtol=0.01)


def test_tmm_factors__take_out_the_reads_that_a_few_genes_take_away():
    """In the last sample 20 genes have half of all reads, so its other genes have half of their share."""
    counts = simulated()
    counts[:20, 5] += counts[:, 5].sum() / 20
    factors = tmm_factors(counts).factors
    np.testing.assert_allclose(factors[5] / factors[:5].mean(), 0.5, rtol=0.03)
    effective = counts.sum(axis=0) * factors
    log_cpm = log2_cpm(counts, effective)[20:]
    np.testing.assert_allclose(np.median(log_cpm[:, 5] - log_cpm[:, 0]), 0, atol=0.1)


def test_tmm_factors__follow_their_samples_in_any_order():
    counts = simulated()
    order = [3, 0, 5, 1, 4, 2]
    np.testing.assert_allclose(tmm_factors(counts[:, order]).factors, tmm_factors(counts).factors[order])
    np.testing.assert_allclose(tmm_factors(counts[::-1]).factors, tmm_factors(counts).factors)


def test_reference_sample__is_the_first_of_equals():
    counts = simulated()
    assert reference_sample(counts[:, [0, 0, 0]]) == 0
    same = tmm_factors(counts[:, [0, 0, 0]])
    np.testing.assert_array_equal(same.factors, 1)


def test_reference_sample__is_the_richest_where_upper_quartiles_are_0():
    sparse = np.zeros((100, 3))
    sparse[:10] = [5, 9, 7]
    assert reference_sample(sparse) == 1


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([[5], [6], [7]], [1]),
        ([[5, 6]], [1, 1]),
        ([[100, 0, 80], [0, 100, 0], [50, 0, 60], [20, 0, 30]], [1.017808, 1.017808, 0.9653137]),
        ([[100, 0, 80], [0, 100, 0], [0, 0, 30]], [1.11199, 1.11199, 0.80872]),
        ([[10, 20], [20, 40], [40, 20], [80, 40]], [1, 1]),
    ],
    ids=["one sample", "one gene", "a gene of its own", "mostly zeros", "ties at both ends"],
)
def test_tmm_factors__of_degenerate_studies_are_those_of_edger(counts, expected):
    """edgeR 3.40.2: calcNormFactors(matrix), which only warns where nothing is shared."""
    np.testing.assert_allclose(tmm_factors(np.array(counts, float)).factors, expected, rtol=1e-5)


def test_expression_filter__asks_for_fewer_than_all_samples_of_a_large_group():
    counts = np.full((3, 30), 100.0)
    assert expression_filter(counts, np.array(["a"] * 20 + ["b"] * 10)).min_samples == 10
    assert expression_filter(counts, np.array(["a"] * 15 + ["b"] * 15)).min_samples == 13.5


def test_log2_cpm__of_no_reads_is_the_same_in_every_library():
    zeros = log2_cpm(np.zeros((1, 3)), np.array([1e6, 5e6, 2e7]))
    np.testing.assert_allclose(zeros, zeros[0, 0])


def test_log2_cpm__of_many_reads_is_the_logarithm_of_their_share():
    counts = np.array([[1e6, 4e6]])
    np.testing.assert_allclose(log2_cpm(counts, np.array([1e8, 1e8])), np.log2(counts / 100), atol=1e-5)


def judged(counts) -> pd.DataFrame:
    counts = pd.DataFrame(np.array(counts, float)).add_prefix("s")
    counts.index = [f"g{row}" for row in range(len(counts))]
    return normalise(sheet(counts, list(counts)), counts)[1].set_index("sample")  # no replicates


@pytest.mark.parametrize(
    ("column", "status", "reason"),
    [
        (lambda counts: counts[:, 0] // 40, "low_library", "% of the median library"),
        (lambda counts: counts[:, 0] * 0, "empty_library", "0 of 0 reads in expressed genes"),
        (
            lambda counts: np.r_[0, counts[1:, 0] * 0 + 50] * (np.arange(500) == 499),
            "not_comparable",
            "0 genes to",
        ),
        (lambda counts: counts[:, 0] + 9e4 * (np.arange(500) < 5), "extreme_factor", "outside 1/2 to 2"),
    ],
    ids=["low_library", "empty_library", "not_comparable", "extreme_factor"],
)
def test_normalise__says_which_sample_is_in_doubt_and_why(column, status, reason):
    counts = simulated(genes=500, samples=4)
    counts[499] = 0
    counts = np.c_[counts, column(counts)]
    table = judged(counts)
    assert list(table.status) == ["ok"] * 4 + [status]
    assert reason in table.reason["s4"]
    assert set(table.status) <= STATUSES


def test_tmm_factors__leave_an_empty_library_out():
    counts = simulated(genes=500, samples=4)
    factors = tmm_factors(np.insert(counts, 1, 0, axis=1)).factors
    np.testing.assert_array_equal(np.delete(factors, 1), tmm_factors(counts).factors)
    assert np.isnan(factors[1])


def write_study(folder, counts, samples) -> dict[str, object]:
    counts = pd.DataFrame(np.array(counts), columns=samples["sample"])
    counts.insert(0, "gene_id", [f"g{row}" for row in range(len(counts))])
    counts.insert(1, "gene_name", "")
    counts.to_csv(folder / "counts.tsv", sep="\t", index=False)
    samples.to_csv(folder / "samples.tsv", sep="\t", index=False)
    return {"samples": folder / "samples.tsv", "counts": folder / "counts.tsv"}


OUTPUTS = {"log_cpm.tsv", "factors.tsv", "library_sizes.svg", "library_sizes.png", "library_sizes.tsv"}


@pytest.mark.parametrize(
    ("counts", "expressed"),
    [
        ([[900], [100]], 2),
        ([[900, 800, 1000, 950]], 1),
        ([[1, 2], [0, 3]], 0),
        ([[500, 0], [400, 0]], 2),
        ([[500, 0], [0, 400]], 2),
    ],
    ids=["one sample", "one gene", "nothing expressed", "an empty sample", "nothing shared"],
)
def test_main__writes_tables_figure_and_sections_of_any_study(counts, expressed, run_script, tmp_path):
    samples = sheet(
        [f"{n:03}" for n in range(len(counts[0]))], ["parental", "resistant", "x", "y"][: len(counts[0])]
    )
    result = run_script(main, **write_study(tmp_path, counts, samples), results=tmp_path)
    assert (result.exit_code, result.output) == (0, "")
    written = {path.name for path in tmp_path.iterdir()}
    assert written >= OUTPUTS | {"normalise_expression_mqc.json", "versions.tsv"}
    log_cpm = read_table(tmp_path / "log_cpm.tsv", {"gene_id": "str", "gene_name": "str"}, True)
    assert (list(log_cpm)[2:], len(log_cpm)) == (list(samples["sample"]), expressed)
    section = json.loads((tmp_path / "normalise_expression_mqc.json").read_text())
    assert section["description"].startswith(f"{expressed} of {len(counts)} genes are expressed")
    assert list(section["data"]) == list(samples["sample"])


def test_main__gives_the_same_bytes_twice_and_the_log_cpm_of_normalise(run_script, tmp_path):
    counts, samples = simulated(genes=200), sheet("abcdef", ["parental", "resistant"] * 3)
    runs = [tmp_path / "1", tmp_path / "2"]
    for folder in runs:
        folder.mkdir()
        assert run_script(main, **write_study(tmp_path, counts, samples), results=folder).exit_code == 0
    names = sorted(path.name for path in runs[0].iterdir())
    assert all((runs[0] / name).read_bytes() == (runs[1] / name).read_bytes() for name in names)
    written = pd.read_csv(runs[0] / "log_cpm.tsv", sep="\t", index_col="gene_id").drop(columns="gene_name")
    frame = pd.DataFrame(counts, [f"g{row}" for row in range(200)], samples["sample"])
    np.testing.assert_allclose(written, normalise(samples, frame)[0], rtol=1e-9)


def test_drawn__has_the_samples_line_by_line_and_the_reference_first():
    samples = pd.concat(
        [sheet(["b2", "b1"], ["resistant", "parental"], "B"), sheet(["a1"], ["parental"], "A")]
    )
    samples["role"] = ["target", "reference", "reference"]
    samples = pd.concat([samples, sheet(["b3"], ["parental"], "B")])
    counts = pd.DataFrame(simulated(genes=50, samples=4), columns=samples["sample"])
    log_cpm, factors, _, _ = normalise(samples, counts)
    table = normalise_expression.drawn(samples, factors, log_cpm)
    assert list(table["sample"]) == ["b1", "b3", "b2", "a1"]
    np.testing.assert_allclose(table.log_cpm_50, log_cpm.median()[table["sample"]])
