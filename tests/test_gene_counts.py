import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from common.tables import read_matrix, read_table
from conftest import ORACLES, REFERENCE_DATA
from gene_counts import METHODS, Sums, estimate, filled, main, match, sum_samples, without_version

SALMON = REFERENCE_DATA / "tximport_salmon_quant"
SIX = ["ERR188297", "ERR188088", "ERR188329", "ERR188288", "ERR188021", "ERR188356"]
SAMPLES = {"sample": "str"}
HEADER = "Name\tLength\tEffectiveLength\tTPM\tNumReads\n"


def annotation(rows) -> pd.DataFrame:
    """Make transcripts.tsv of (transcript, gene) pairs; a gene's name is its id in upper case."""
    table = pd.DataFrame(rows, columns=["transcript_id", "gene_id"])
    return table.assign(gene_name=table.gene_id.str.upper())


def quant(names, values) -> str:
    """Write a quant.sf of (effective length, TPM, reads) a transcript."""
    rows = [
        f"{name}\t{length + 200:g}\t{length:.3f}\t{tpm:.6f}\t{reads:.3f}\n"
        for name, (length, tpm, reads) in zip(names, values, strict=True)
    ]
    return HEADER + "".join(rows)


def simulated(samples=4, genes=30, seed=1) -> tuple[list[str], pd.DataFrame, np.ndarray]:
    """Simulate names, annotation and values (samples x transcripts x 3); many transcripts are silent."""
    rng = np.random.default_rng(seed)
    owner = np.sort(rng.integers(0, genes, genes * 3))
    names = [f"T{row}" for row in range(len(owner))]
    length = rng.uniform(100, 3000, len(owner)).round(3) * np.ones((samples, 1))
    length = (length * rng.uniform(0.8, 1.2, (samples, 1))).round(3)
    expressed = rng.random((samples, len(owner))) < 0.4
    expressed[:, owner == owner[0]] = False
    tpm = rng.lognormal(3, 2, expressed.shape) * expressed
    tpm = (tpm / tpm.sum(axis=1, keepdims=True) * 1e6).round(6)
    reads = (tpm * length / 100 * rng.uniform(0.5, 2, (samples, 1))).round(3)
    return (
        names,
        annotation([(name, f"g{gene}") for name, gene in zip(names, owner, strict=True)]),
        np.stack([length, tpm, reads], axis=2),
    )


def summed(names, genes, values) -> tuple[pd.DataFrame, Sums]:
    matching = match(names, genes)
    return matching.genes, sum_samples(list(values), matching.gene, len(matching.genes))


def slow_way(names, genes, values, method) -> dict[str, list[list[float]]]:
    """Follow the definitions one gene and one sample at a time: counts, tpm and lengths by gene."""
    members = {gene: list(rows.transcript_id) for gene, rows in genes.groupby("gene_id")}
    at = {name: row for row, name in enumerate(names)}
    samples = range(len(values))
    tpm, reads, lengths = {}, {}, {}
    for gene, transcripts in members.items():
        rows = [at[name] for name in transcripts]
        tpm[gene] = [sum(values[s][row][1] for row in rows) for s in samples]
        reads[gene] = [sum(values[s][row][2] for row in rows) for s in samples]
        known = {
            s: sum(values[s][row][0] * values[s][row][1] for row in rows) / tpm[gene][s]
            for s in samples
            if tpm[gene][s]
        }
        if known:
            usual = np.prod(list(known.values())) ** (1 / len(known))
        else:
            usual = np.mean([np.mean([values[s][row][0] for s in samples]) for row in rows])
        lengths[gene] = [known.get(s, usual) for s in samples]
    if method == "no":
        return {"counts": reads, "tpm": tpm, "lengths": lengths}
    factor = {gene: np.mean(lengths[gene]) if method == "lengthScaledTPM" else 1 for gene in members}
    counts = {gene: [tpm[gene][s] * factor[gene] for s in samples] for gene in members}
    for s in samples:
        scale = sum(reads[gene][s] for gene in members) / sum(counts[gene][s] for gene in members)
        for gene in members:
            counts[gene][s] *= scale
    return {"counts": counts, "tpm": tpm, "lengths": lengths}


def write_study(folder: Path, genes: pd.DataFrame, quants: dict[str, str], samples=None) -> dict[str, object]:
    """Write a study's files; return the options that name them."""
    samples = list(quants) if samples is None else samples
    sheet = pd.DataFrame({"sample": samples, "line": "HSC-2", "condition": "parental", "role": "reference"})
    sheet["replicate"] = [str(number + 1) for number in range(len(samples))]
    sheet["passage"] = "NA"
    (folder / "checked").mkdir()
    sheet.to_csv(folder / "checked/samples.tsv", sep="\t", index=False)
    genes.to_csv(folder / "transcripts.tsv", sep="\t", index=False)
    for name, text in quants.items():
        (folder / "quantified" / name).mkdir(parents=True)
        (folder / "quantified" / name / "quant.sf").write_text(text)
    return {
        "samples": folder / "checked/samples.tsv",
        "quantified": folder / "quantified",
        "genes": folder / "transcripts.tsv",
        "results": folder,
    }


@pytest.fixture(scope="module")
def six(tmp_path_factory) -> dict[str, object]:
    """Lay out the six samples of tximportData as salmon would have written them."""
    genes = pd.read_csv(SALMON / "tx2gene.csv.gz", dtype="str").set_axis(["transcript_id", "gene_id"], axis=1)
    quants = {name: gzip.decompress((SALMON / f"{name}.quant.sf.gz").read_bytes()).decode() for name in SIX}
    return write_study(tmp_path_factory.mktemp("six"), genes.assign(gene_name=""), quants)


def oracle(table: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read what tximport says: values (genes x samples), and sums over all genes, a row a sample."""
    genes = pd.read_csv(ORACLES / "gene_counts_genes.tsv.gz", sep="\t", dtype={"gene_id": "str"})
    sums = pd.read_csv(ORACLES / "gene_counts_sums.tsv.gz", sep="\t")
    values = genes[genes.table == table].pivot_table("value", "gene_id", "sample")
    return values[SIX], sums[sums.table == table].set_index("sample").loc[SIX]


@pytest.mark.parametrize("method", METHODS)
def test_estimate__gives_the_counts_abundances_and_lengths_of_tximport(six, method):
    """tests/oracles/gene_counts.R asked tximport 1.26.1: 400 genes, and the sums over all 25,343."""
    genes = read_table(six["genes"], dict.fromkeys(["transcript_id", "gene_id", "gene_name"], "str"))
    columns = {"Name": "str", "EffectiveLength": "float64", "TPM": "float64", "NumReads": "float64"}
    tables = [read_table(six["quantified"] / name / "quant.sf", columns) for name in SIX]
    found, sums = summed(tables[0].Name.tolist(), genes, [table.iloc[:, 1:].to_numpy() for table in tables])
    counts = estimate(sums, method)
    for table, values in ((method, counts), ("abundance", sums.tpm), ("length", sums.lengths)):
        expected, totals = oracle(table)
        ours = pd.DataFrame(values, found.gene_id, SIX)
        assert set(totals.genes) == {len(ours)}
        np.testing.assert_allclose(ours.loc[expected.index], expected, rtol=1e-8)
        np.testing.assert_allclose(ours.sum(), totals["sum"], rtol=1e-10)
        np.testing.assert_allclose((ours**2).sum(), totals.sum_of_squares, rtol=1e-10)


def test_main__writes_what_tximport_says_rounded_to_whole_counts(six, run_script):
    assert run_script(main, **six).exit_code == 0
    for name, table in (("counts", "lengthScaledTPM"), ("tpm", "abundance"), ("lengths", "length")):
        expected, totals = oracle(table)
        written = read_matrix(six["results"] / f"{name}.tsv", SIX)[1]
        assert len(written) == totals.genes.iloc[0]
        if name == "counts":
            np.testing.assert_array_equal(written.loc[expected.index], np.rint(expected))
        else:
            np.testing.assert_allclose(written.loc[expected.index], expected, rtol=1e-9)
    lost = read_table(six["results"] / "unmatched.tsv", {"transcript_id": "str", "status": "str"})
    assert (lost.status == "not_in_annotation").sum() == 3, "as tximport counted them"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(3))
def test_estimate__equals_the_slow_obvious_way(method, seed):
    names, genes, values = simulated(seed=seed)
    found, sums = summed(names, genes, values)
    expected = slow_way(names, genes, values, method)
    for name, ours in (("counts", estimate(sums, method)), ("tpm", sums.tpm), ("lengths", sums.lengths)):
        np.testing.assert_allclose(ours, [expected[name][gene] for gene in found.gene_id], rtol=1e-10)


@pytest.mark.parametrize("method", METHODS[1:])
def test_estimate__keeps_the_sum_of_each_sample(method):
    _, sums = summed(*simulated())
    np.testing.assert_allclose(estimate(sums, method).sum(axis=0), sums.reads.sum(axis=0), rtol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_estimate__does_not_depend_on_the_order_of_transcripts(method):
    names, genes, values = simulated()
    order = np.random.default_rng(2).permutation(len(names))
    _, sums = summed(names, genes, values)
    _, permuted = summed([names[row] for row in order], genes, values[:, order])
    np.testing.assert_allclose(estimate(permuted, method), estimate(sums, method), rtol=1e-12)
    np.testing.assert_allclose(permuted.lengths, sums.lengths, rtol=1e-12)


def test_estimate__leaves_genes_of_one_transcript_as_they_are():
    """Where no sample differs from another in length, lengthScaledTPM gives the reads themselves."""
    names, _, values = simulated()
    values[:, :, 0] = values[0, :, 0]
    values[:, :, 2] = values[:, :, 1] * values[:, :, 0] / 1000
    _, sums = summed(names, annotation([(name, name.lower()) for name in names]), values)
    np.testing.assert_array_equal(sums.tpm, values[:, :, 1].T)
    np.testing.assert_allclose(sums.lengths, values[:, :, 0].T, rtol=1e-12)
    for method in ("no", "lengthScaledTPM"):
        np.testing.assert_allclose(estimate(sums, method), values[:, :, 2].T, rtol=1e-12)


def test_estimate__is_not_misled_by_a_switch_to_a_longer_transcript():
    """Equal TPM in two samples, through a transcript of 500 and of 2,000 nt: four times the reads."""
    names, genes = ["short", "long", "rest"], annotation([("short", "g"), ("long", "g"), ("rest", "r")])
    values = np.array(
        [
            [[500, 10, 5000], [2000, 0, 0], [1000, 90, 90_000]],
            [[500, 0, 0], [2000, 10, 20_000], [1000, 90, 90_000]],
        ]
    )
    _, sums = summed(names, genes, values)
    np.testing.assert_array_equal(sums.lengths[0], [500, 2000])
    assert estimate(sums, "no")[0].tolist() == [5000, 20_000]
    scaled = estimate(sums, "lengthScaledTPM")
    np.testing.assert_allclose(scaled[0] / scaled[1], 10 * 1250 / (90 * 1000), rtol=1e-12)


def test_filled__takes_the_geometric_mean_of_samples_or_that_of_transcripts():
    lengths = np.array([[100, np.nan, 400], [np.nan, np.nan, np.nan], [1, 2, 3]])
    expected = [[100, 200, 400], [7, 7, 7], [1, 2, 3]]
    np.testing.assert_allclose(filled(lengths, np.array([9.0, 7, 8])), expected)


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("ENST00000171111.10", "ENST00000171111"),
        ("ENST00000381192.10_PAR_Y", "ENST00000381192_PAR_Y"),
        ("NM_000903.3", "NM_000903"),
        ("NM_001636.4_1", "NM_001636_1"),
        ("NM_000903", "NM_000903"),
        ("Y74C9A.3.1", "Y74C9A.3"),
        ("YAL001C_mRNA", "YAL001C_mRNA"),
    ],
)
def test_without_version__takes_off_nothing_else(name, bare):
    assert without_version(name) == bare


def test_match__prefers_the_whole_name_and_strips_only_what_it_must():
    names = ["ENST1.2", "ENST2.5", "ENST3.1|ENSG3.1|x|", "ENST4|y", "ENST5.1", "ENST6.1", "ENST1.1"]
    genes = annotation(
        [
            ("ENST1.1", "a"),
            ("ENST1.2", "b"),
            ("ENST2.4", "c"),
            ("ENST3.1", "d"),
            ("ENST4.2", "e"),
            ("ENST7", "f"),
            ("ENST6.2", "g"),
            ("ENST6.3", "h"),
        ]
    )
    found = match(names, genes)
    by_name = dict(
        zip(names, [found.genes.gene_id[row] if row >= 0 else None for row in found.gene], strict=True)
    )
    assert by_name == {
        "ENST1.2": "b",
        "ENST2.5": "c",
        "ENST3.1|ENSG3.1|x|": "d",
        "ENST4|y": "e",
        "ENST5.1": None,
        "ENST6.1": None,
        "ENST1.1": "a",
    }
    assert found.ways == {"whole": 2, "bar": 1, "version": 2}
    assert list(found.absent.transcript_id) == ["ENST7", "ENST6.2", "ENST6.3"]
    assert list(found.genes.gene_id) == ["a", "b", "c", "d", "e"], "genes that were not measured have no row"


TWO = annotation([("T1", "a"), ("T2", "a"), ("T3", "b"), ("T4", "c")])
FULL = quant(["T1", "T2", "T3", "X|y"], [(100, 5, 10.5), (300, 5, 30), (200, 2, 8), (50, 1, 1.5)])


def test_main__names_what_is_left_out_and_keeps_the_sheet_of_what_is_counted(run_script, tmp_path):
    study = write_study(tmp_path, TWO, {"007": FULL, "a": FULL}, ["a", "lost", "007"])
    result = run_script(main, **study, counts_from_abundance="no")
    assert (result.exit_code, result.output) == (0, "")
    counts = (tmp_path / "counts.tsv").read_text()
    assert counts == "gene_id\tgene_name\ta\t007\na\tA\t40\t40\nb\tB\t8\t8\n"
    assert (tmp_path / "lengths.tsv").read_text().splitlines()[1] == "a\tA\t200\t200"
    assert (tmp_path / "tpm.tsv").read_text().splitlines()[1] == "a\tA\t10\t10"
    given = (tmp_path / "checked/samples.tsv").read_text().splitlines()
    assert (tmp_path / "samples.tsv").read_text().splitlines() == [given[0], given[1], given[3]]

    lost = pd.read_csv(tmp_path / "unmatched.tsv", sep="\t")
    assert lost.transcript_id.tolist() == ["X|y", "T4"]
    assert lost.status.tolist() == ["not_in_annotation", "not_in_index"]
    assert lost.fragments.tolist()[0] == 3
    np.testing.assert_allclose(lost.share[0], 1.5 / 50)
    assigned = pd.read_csv(tmp_path / "assigned.tsv", sep="\t", dtype={"sample": "str"}).set_index("sample")
    assert list(assigned.index) == ["a", "lost", "007"]
    assert list(assigned.status) == ["ok", "not_quantified", "ok"]
    assert assigned.fragments["007"] == 50
    section = json.loads((tmp_path / "gene_counts_mqc.json").read_text())
    assert section["data"] == {name: {"genes": 48, "unmatched": 2} for name in ("a", "007")}
    assert section["description"] == (
        "3 transcripts were summed to 2 genes in 2 of 3 samples (counts from abundance: no). Left out: "
        "1 transcript that the GTF does not have, with 3.00% of all fragments. Not in salmon's index: "
        "1 transcript of the GTF."
    )
    assert section["nrf2flow"]["statuses"] == "ok 2, not_quantified 1"
    assert section["nrf2flow"]["findings"]["HSC-2"].startswith("lost not_quantified (")


def test_main__puts_the_transcripts_of_another_order_in_place(run_script, tmp_path):
    header, *rows = FULL.splitlines(keepends=True)
    study = write_study(tmp_path, TWO, {"a": FULL, "b": header + "".join(rows[::-1])})
    assert run_script(main, **study).exit_code == 0
    counts = read_matrix(tmp_path / "counts.tsv", ["a", "b"])[1]
    assert counts.a.tolist() == counts.b.tolist()


def test_main__leaves_out_a_sample_whose_fragments_are_in_no_gene(run_script, tmp_path):
    silent = quant(["T1", "T2", "T3", "X|y"], [(100, 0, 0), (300, 0, 0), (200, 0, 0), (50, 1e6, 12)])
    mostly = quant(["T1", "T2", "T3", "X|y"], [(100, 5e5, 20), (300, 0, 0), (200, 0, 0), (50, 5e5, 12)])
    study = write_study(tmp_path, TWO, {"full": FULL, "silent": silent, "mostly": mostly})
    assert run_script(main, **study).exit_code == 0
    assert read_table(tmp_path / "samples.tsv", SAMPLES)["sample"].tolist() == ["full", "mostly"]
    assert list(pd.read_csv(tmp_path / "counts.tsv", sep="\t"))[2:] == ["full", "mostly"]
    assigned = read_table(tmp_path / "assigned.tsv", {"status": "str", "reason": "str"})
    assert assigned.status.tolist() == ["ok", "nothing_assigned", "unmatched_transcripts"]
    assert assigned.reason[1] == "0 of 12 fragments in transcripts of the GTF"
    assert assigned.reason[2].startswith(
        "37.5% of fragments in transcripts that the GTF does not have, above 10%"
    )


def test_main__counts_one_gene_of_one_sample(run_script, tmp_path):
    study = write_study(tmp_path, TWO[:1], {"a": quant(["T1"], [(100, 1e6, 7)])})
    assert run_script(main, **study).exit_code == 0
    assert (tmp_path / "counts.tsv").read_text() == "gene_id\tgene_name\ta\na\tA\t7\n"
    assert (tmp_path / "unmatched.tsv").read_text().count("\n") == 1


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (
            FULL.replace("T3", "T9"),
            "b/quant.sf, Name: found other transcripts than in a/quant.sf: 1 missing (such as T3) and 1 "
            "added (such as T9); expected one salmon index for all samples",
        ),
        (FULL.replace("T3", "T2"), "found other transcripts than in a/quant.sf: 1 missing (such as T3)"),
        (
            FULL + FULL.splitlines()[1] + "\n",
            "found other transcripts than in a/quant.sf: some more than once",
        ),
        (FULL.replace("TPM", "FPKM"), "b/quant.sf, row 1: found other columns; expected Name, Length"),
        (FULL.replace("\t8.000", "\tnan"), "b/quant.sf, row 4: found T3 with 200, 2, nan; expected numbers"),
        (FULL.replace("\t8.000", "\t-8"), "b/quant.sf, row 4: found T3 with 200, 2, -8; expected numbers"),
        (HEADER, "b/quant.sf, row 2: found no transcript; expected at least one"),
        ("", "b/quant.sf, row 1: found other columns; expected Name, Length, EffectiveLength, TPM, NumReads"),
        (FULL[: FULL.rfind("\t")], "b/quant.sf: "),
        (
            FULL.replace("\t8.000", "\tmany"),
            "b/quant.sf: could not convert string 'many' to float64 at row 2",
        ),
    ],
    ids=[
        "other names",
        "fewer",
        "repeated",
        "columns",
        "nan",
        "negative",
        "no rows",
        "empty",
        "truncated",
        "text",
    ],
)
def test_main__says_what_is_wrong_with_a_quant_sf(other, said, run_script, tmp_path):
    result = run_script(main, **write_study(tmp_path, TWO, {"a": FULL, "b": other}))
    assert result.exit_code == 1
    assert said in result.output
    assert result.output.count("\n") == 1


@pytest.mark.parametrize(
    ("quants", "said"),
    [
        ({}, "no sample has counts: salmon quantified none of the 2 samples of samples.tsv"),
        ({"a": HEADER}, "a/quant.sf, row 2: found no transcript"),
        ({"a": FULL + FULL.removeprefix(HEADER)}, "a/quant.sf, Name: found T1 more than once"),
        (
            {"a": quant(["ENSMUST1", "ENSMUST2"], [(1, 1, 1), (1, 1, 1)])},
            "a/quant.sf, Name: found ENSMUST1 and 1 more, none of which is in the GTF (such as T1); "
            "expected an index of the GTF's transcripts",
        ),
        ({"a": quant(["T1"], [(1, 0, 0)])}, "no sample has counts: 0 fragments in transcripts of the GTF"),
    ],
    ids=["no sample", "no rows", "repeated names", "another organism", "no fragments"],
)
def test_main__fails_where_nothing_can_be_counted(quants, said, run_script, tmp_path):
    result = run_script(main, **write_study(tmp_path, TWO, quants, ["a", "b"]))
    assert result.exit_code == 1
    assert said in result.output
    assert result.output.count("\n") == 1


def test_main__gives_the_same_bytes_twice(six, run_script, tmp_path):
    names = ["counts.tsv", "tpm.tsv", "lengths.tsv", "unmatched.tsv", "assigned.tsv", "gene_counts_mqc.json"]
    for folder in (tmp_path / "1", tmp_path / "2"):
        folder.mkdir()
        assert run_script(main, **six | {"results": folder}).exit_code == 0
    assert all((tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes() for name in names)
