import json
from collections import Counter
from functools import cache
from itertools import product

import numpy as np
import pandas as pd
import pytest
from common.coding_regions import read_coding, shared, united
from common.cosmic import packaged
from common.genome_bases import BASES, OUTSIDE, UNKNOWN, Genome
from common.mutation_classes import DOUBLETS, TRINUCLEOTIDES
from common.mutation_matrix_figure import CLASSES, MOST, drawn_of
from common.mutation_matrix_report import PLATINUM
from common.rejected_mutations import REASONS
from common.signature_tables import CONTEXTS
from conftest import ORACLES, REFERENCE_DATA
from mutation_matrix import (
    COUNTS_MIN,
    Spectrum,
    cosine,
    kind_of,
    main,
    noise_of_counts,
    similarity,
    trinucleotides,
)
from mutation_study import (
    COLUMNS,
    genome,
    mutations,
    name_of,
    on_other_strand,
    reverse_complement,
    slow_counts,
    substitution,
    write_fasta,
)

# Alexandrov et al. 2020, doi:10.1038/s41586-020-1943-3: 464 head and neck exomes of TCGA, calls of MC3.
PUBLISHED = REFERENCE_DATA / "tcga_hnsc/TCGA_MC3_HeadSCC_SBS96_counts_464.csv.gz"
MC3 = REFERENCE_DATA / "tcga_hnsc/MC3_HNSC.maf.tsv.gz"
WINDOWS = REFERENCE_DATA / "sequences/KEAP1_NFE2L2_genomic_windows.GRCh38.fa"
KEAP1_CALLS = REFERENCE_DATA / "tcga_hnsc/MC3_HNSC_KEAP1_NFE2L2_CUL3_NQO1.tsv"
KEAP1_SHIFT = 110_676  # GRCh38 is that much before hg19
SEED, NUMBER, SAMPLES = 7, 400, ("s1", "s2", "s3")  # of tests/oracles/mutation_matrix.py


def row_of(chrom: str, position: int, ref: str, alt: str, **more: object) -> dict[str, object]:
    row = {"cohort": "A", "sample": "a1", "gene": "G", "chrom": chrom, "position": position, "ref": ref}
    return row | {"alt": alt, "context": ""} | more


class Study:
    """The inputs of a run, in a folder; `run` writes them and reads what comes."""

    def __init__(self, folder, run_script):
        self.folder, self.run_script = folder, run_script
        self.cohorts = {"A": {"genome_build": "GRCh38", "maf": "1", "sbs96": ""}}
        self.profiled = [("A", "a1", "a1", "")]
        self.samples = None
        self.rows: list[dict] | pd.DataFrame | None = []
        self.contigs, self.gtf, self.panels, self.genes, self.ready = None, None, None, None, {}

    def write(self):
        def table(rows, columns, *path):
            target = self.folder.joinpath(*path)
            target.parent.mkdir(parents=True, exist_ok=True)
            pd.DataFrame(rows, columns=columns).to_csv(target, sep="\t", index=False)

        cohorts = [{"cohort": name} | given for name, given in self.cohorts.items()]
        table(cohorts, ["cohort", "genome_build", "maf", "sbs96"], "cohorts.tsv")
        table(self.profiled, ["cohort", "sample", "patient", "panel"], "profiled.tsv")
        table([("PRKN", "PARK2")], ["gene_name", "previous"], "aliases.tsv")
        if self.rows is not None:
            table(self.rows, COLUMNS, "mutations", "mutations.tsv.gz")
            listed = self.samples or [(*key[:2], "yes", "ok", "") for key in self.profiled]
            table(listed, ["cohort", "sample", "counts", "status", "reason"], "mutations", "samples.tsv")
        if self.panels is not None:
            table(self.panels, ["panel", "gene", "chrom", "start", "end"], "panels", "panels.tsv")
        if self.contigs:
            write_fasta(self.contigs, self.folder / "genome")
        for name, text in (("genes/genes.txt", self.genes), ("gtf/genes.gtf", self.gtf)):
            if text is not None:
                (self.folder / name).parent.mkdir(exist_ok=True)
                (self.folder / name).write_text(text)
        for number, (name, text) in self.ready.items():
            (self.folder / f"sbs96/{number}").mkdir(parents=True, exist_ok=True)
            (self.folder / f"sbs96/{number}" / name).write_bytes(text)

    def run(self, results="results", **options):
        self.write()
        self.results = self.folder / results
        self.results.mkdir(exist_ok=True)
        given = {"cohorts": "cohorts.tsv", "profiled": "profiled.tsv", "mutations": "mutations"}
        given |= {"panels": "panels", "panel_genes": "genes", "matrices": "sbs96", "genome": "genome"}
        given |= {"annotation": "gtf", "gene_aliases": "aliases.tsv"}
        paths = {name: self.folder / path for name, path in given.items()}
        return self.run_script(main, **(paths | {"bootstraps": 100, "results": self.results} | options))

    def counted(self, **options):
        """Run, and return the study."""
        run = self.run(**options)
        assert run.exit_code == 0, run.output
        return self

    def table(self, name):
        return pd.read_csv(
            self.results / name, sep="\t", dtype={"sample": str, "chrom": str}, keep_default_na=False
        )

    def matrix(self, name="A.SBS96"):
        return pd.read_csv(self.results / f"matrices/{name}.tsv", sep="\t", index_col=0)

    def section(self, name=""):
        return json.loads((self.results / f"mutation_matrix{name}_mqc.json").read_text())


@pytest.fixture
def study(tmp_path, run_script, monkeypatch):
    """A study whose figure is not drawn: that takes a second."""
    monkeypatch.setattr("mutation_matrix.write_figure", lambda spectra, *_: drawn_of(spectra))
    return Study(tmp_path, run_script)


@pytest.fixture
def drawn(study):
    """The study of the oracle: three samples with doublets and neighbours, and their genome."""
    study.contigs = genome(SEED)
    study.rows = mutations(study.contigs, SEED, NUMBER, SAMPLES)
    study.profiled = [("A", sample, sample, "") for sample in SAMPLES]
    return study


# ---- what is counted


@pytest.mark.parametrize("kind", ["SBS96", "DBS78"])
def test_main__counts_as_sigprofilermatrixgenerator_does(kind, drawn):
    """SigProfilerMatrixGenerator 1.4.0, see tests/oracles/mutation_matrix.py."""
    expected = pd.read_csv(ORACLES / f"mutation_matrix_{kind}.tsv", sep="\t", comment="#", index_col=0)
    found = drawn.counted().matrix(f"A.{kind}")
    assert expected.to_numpy().sum() > 700
    pd.testing.assert_frame_equal(found.sort_index(), expected)


def test_main__gives_the_published_counts_of_tcga(study):
    """464 tumours by class, exactly: neighbours in the MAF of MC3 are left out there, as here.

    The MAF has no context, and no genome is at hand: every base stands between two A.
    """
    maf = pd.read_csv(MC3, sep="\t", dtype=str, keep_default_na=False)
    published = pd.read_csv(PUBLISHED, index_col=0)
    names = {"Hugo_Symbol": "gene", "Chromosome": "chrom", "Start_Position": "position"}
    names |= {"Reference_Allele": "ref", "Tumor_Seq_Allele2": "alt", "Tumor_Sample_Barcode": "sample"}
    maf = maf.rename(columns=names)
    study.rows = maf[maf["sample"].isin(published)].assign(
        cohort="A", context=lambda own: "A" + own.ref + "A"
    )
    study.profiled = [("A", sample, sample, "") for sample in published]
    found = study.counted().matrix()
    assert list(found) == list(published)
    by_class = [matrix.groupby(matrix.index.str[2:5]).sum() for matrix in (found, published)]
    assert by_class[1].to_numpy().sum() == 99_142
    pd.testing.assert_frame_equal(*by_class, check_names=False)


def test_main__agrees_with_counting_one_by_one(drawn):
    singles, doublets = slow_counts(drawn.contigs, drawn.rows)
    drawn.counted()
    sbs, dbs = drawn.matrix(), drawn.matrix("A.DBS78")
    assert list(sbs.index) == CONTEXTS
    found = {(sample, name): sbs.loc[name, sample] for sample, name in product(SAMPLES, CONTEXTS)}
    assert {key: number for key, number in found.items() if number} == dict(singles)
    named = Counter()
    for (sample, name), number in doublets.items():
        other = ">".join(map(reverse_complement, name.split(">")))
        named[sample, name if name in DOUBLETS else other] += number
    found = {(sample, name): dbs.loc[name, sample] for sample, name in product(SAMPLES, DOUBLETS)}
    assert {key: number for key, number in found.items() if number} == dict(named)


def test_main__the_other_strand_gives_the_same_matrices(drawn):
    drawn.counted()
    given = [drawn.matrix(f"A.{kind}") for kind in ("SBS96", "DBS78")]
    drawn.contigs, drawn.rows = on_other_strand(drawn.contigs, drawn.rows)
    drawn.counted()
    for kind, matrix in zip(("SBS96", "DBS78"), given, strict=True):
        pd.testing.assert_frame_equal(drawn.matrix(f"A.{kind}"), matrix)


def test_main__the_context_of_the_maf_gives_the_same_as_the_genome(drawn):
    by_genome = drawn.counted().matrix()
    assert set(drawn.table("samples.tsv").source) == {"genome"}
    for part in (drawn.folder / "genome").iterdir():
        part.unlink()
    drawn.contigs = None
    pd.testing.assert_frame_equal(drawn.counted().matrix(), by_genome)
    assert set(drawn.table("samples.tsv").source) == {"context"}


def test_main__contigs_have_chr_or_not(drawn):
    given = drawn.counted().matrix()
    drawn.rows = drawn.rows.assign(chrom=drawn.rows.chrom.str.removeprefix("chr"), context="")
    pd.testing.assert_frame_equal(drawn.counted().matrix(), given)


def test_doublets__are_the_types_of_cosmic():
    cosmic = pd.read_csv(packaged("GRCh38", False, "DBS"), sep="\t", index_col=0)
    assert list(cosmic.index) == DOUBLETS
    assert list(cosmic.DBS5.nlargest(2).index) == list(PLATINUM)
    assert cosmic.DBS5[list(PLATINUM)].sum() > 0.65


@pytest.mark.parametrize(
    ("ref", "alt", "kind"),
    [
        ("C", "T", "single"), ("CT", "AA", "doublet"), ("CT", "AT", "shared_base"),
        ("CT", "CT", "no_change"), ("C", "C", "no_change"), ("CTG", "AAA", "longer_substitution"),
        ("C", "-", "indel"), ("-", "C", "indel"), ("CT", "A", "indel"), ("N", "C", "not_a_base"),
        ("C", "<DEL>", "indel"), ("C", "*", "not_a_base"),
    ],
)  # fmt: skip
def test_kind_of__says_what_alleles_are(ref, alt, kind):
    assert kind_of(ref, alt) == kind


SEQUENCE = "ACGTACGTNACGTACG" + "ACGT" * 10
REJECTED = {
    "indel": [row_of("chr1", 5, "A", "-")],
    "longer_substitution": [row_of("chr1", 5, "ACG", "CTT")],
    "not_a_base": [row_of("chr1", 5, "A", "N")],
    "no_change": [row_of("chr1", 5, "A", "A")],
    "shared_base": [row_of("chr1", 5, "AC", "AT")],
    "unknown_contig": [row_of("chr7", 5, "A", "C")],
    "outside_contig": [row_of("chr1", 57, "A", "C")],
    "wrong_ref": [row_of("chr1", 5, "G", "C")],
    "duplicate": [row_of("chr1", 6, "C", "A")],
    "contig_end": [row_of("chr1", 1, "A", "C"), row_of("chr1", 56, "T", "C")],
    "unknown_context": [row_of("chr1", 8, "T", "C"), row_of("chr1", 10, "A", "C")],
}


@pytest.mark.parametrize("status", REJECTED)
def test_main__a_mutation_that_does_not_count_is_listed_with_its_reason(status, study):
    """Beside it one that counts, C>A at position 6, which is the duplicate's double."""
    study.contigs = {"chr1": SEQUENCE}
    apart = [{**row, "sample": "a1" if status == "duplicate" else "a2"} for row in REJECTED[status]]
    study.profiled.append(("A", "a2", "a2", ""))
    study.rows = [row_of("1", 6, "C", "A"), *apart]
    table = study.counted().table("rejected.tsv")
    assert list(table.status) == [status] * len(apart)
    assert list(table.position) == [row["position"] for row in apart]
    expected = "the genome has A there" if status == "wrong_ref" else REASONS[status]
    assert set(table.reason) == {expected}
    assert study.matrix().to_numpy().sum() == 1
    samples = study.table("samples.tsv").set_index("sample")
    assert samples.rejected["a1" if status == "duplicate" else "a2"] == len(apart)


def test_main__every_status_of_rejection_is_tried():
    assert set(REASONS) == {*REJECTED, "not_counted", "no_context"}


def test_main__what_the_context_lacks_is_rejected(study):
    given = {3: "ACC", 13: "CCCAA", 23: "AGA", 33: "AC", 43: "ANA", 53: "NCA", 63: ""}
    study.rows = [row_of("1", position, "C", "A", context=context) for position, context in given.items()]
    table = study.counted().table("rejected.tsv")
    assert dict(zip(table.position, table.status, strict=True)) == {
        23: "wrong_ref", 33: "no_context", 43: "unknown_context", 53: "unknown_context", 63: "no_context",
    }  # fmt: skip
    assert table.reason[0] == "the MAF's context has G there"
    found = study.matrix().a1
    assert found[found > 0].to_dict() == {"A[C>A]C": 1, "C[C>A]A": 1}


NEIGHBOURS = {
    "two in a row": ([(5, "A", "C"), (6, "C", "T")], 0, {"AC>CT": 1}, 0),
    "two apart": ([(5, "A", "C"), (7, "G", "T")], 2, {}, 0),
    "three in a row": ([(5, "A", "C"), (6, "C", "T"), (7, "G", "T")], 0, {}, 3),
    "two alleles": ([(5, "A", "C"), (5, "A", "G")], 2, {}, 0),
    "two alleles beside one": ([(5, "A", "C"), (5, "A", "G"), (6, "C", "T")], 0, {}, 3),
    "a doublet beside one": ([(5, "AC", "CT"), (7, "G", "T")], 0, {}, 2),
    "a doublet and its bases": ([(5, "AC", "CT"), (5, "A", "C"), (6, "C", "T")], 0, {"AC>CT": 1}, 1),
    "a doublet twice": ([(5, "AC", "CT"), (5, "AC", "CT")], 0, {"AC>CT": 1}, 1),
    "a doublet of a wrong base": ([(5, "AG", "CT")], 0, {}, 1),
    "two samples": ([(5, "A", "C"), (6, "C", "T", "a2")], 2, {}, 0),
}


@pytest.mark.parametrize(("alleles", "singles", "doublets", "rejected"), NEIGHBOURS.values(), ids=NEIGHBOURS)
def test_main__neighbours_in_a_sample_are_joined(alleles, singles, doublets, rejected, study):
    study.contigs = {"chr1": "ACGTACGTACGTACG", "chr2": "ACGTACGTACGTACG"}
    study.profiled.append(("A", "a2", "a2", ""))
    study.rows = [row_of("1", *each[:3], sample=[*each, "a1"][3]) for each in alleles]
    study.rows.append(row_of("2", 6, "C", "T"))  # of another contig: no neighbour
    study.counted()
    assert study.matrix().to_numpy().sum() == singles + 1
    pooled = study.matrix("A.DBS78").sum(axis=1)
    assert pooled[pooled > 0].to_dict() == doublets
    assert len(study.table("rejected.tsv")) == rejected
    samples = study.table("samples.tsv").set_index("sample")
    assert samples.rejected.astype(int).sum() == rejected


def test_main__only_samples_that_count_do(study):
    study.contigs = {"chr1": SEQUENCE}
    study.profiled = [("A", name, name[:1], "") for name in ("a1", "a2", "a3")]
    study.samples = [
        ("A", "a1", "yes", "ok", ""), ("A", "a2", "no", "other_sample_of_patient", "a1 counts"),
        ("A", "a3", "yes", "ok", ""),
    ]  # fmt: skip
    study.rows = [row_of("1", 6, "C", "A"), row_of("1", 6, "C", "A", sample="a2")]
    study.counted()
    assert list(study.matrix()) == ["a1", "a3"]
    samples = study.table("samples.tsv").set_index("sample")
    assert list(samples.status) == ["ok", "other_sample_of_patient", "no_mutations"]
    assert list(samples.counted) == ["1", "", "0"]
    assert list(study.table("rejected.tsv").status) == ["not_counted"]


def test_main__panel_genes_restrict_what_is_counted_and_not_the_spectrum_of_the_gene(study):
    study.contigs = {"chr1": SEQUENCE}
    study.genes = "# a panel\nG\nPARK2 # renamed\n"
    study.rows = [
        row_of("1", 6, "C", "A"), row_of("1", 13, "T", "A", gene="PRKN"), row_of("1", 18, "C", "A", gene="H"),
        row_of("1", 23, "G", "A", gene="KEAP1"), row_of("1", 27, "G", "-", gene="KEAP1"),
    ]  # fmt: skip
    study.counted()
    assert study.matrix().to_numpy().sum() == 2
    assert study.matrix("KEAP1.SBS96").A.sum() == 1
    samples = study.table("samples.tsv")
    assert list(samples.outside_panel_genes) == [3]
    assert list(samples.rejected) == [0]
    assert "Counted in 2 panel genes only; 3 mutations are in other genes." in study.section()["description"]


# ---- where contexts come from


def with_wrong_genome(study, number, context):
    """Draw as many substitutions of a genome of another sequence."""
    own, study.contigs = genome(1, 4000, ["chr1"]), genome(2, 4000, ["chr1"])
    rng = np.random.default_rng(3)
    rows = [substitution(own, "chr1", 20 + 9 * n, rng) for n in range(number)]
    study.rows = [row | ({} if context else {"context": ""}) for row in rows]


def test_main__a_genome_of_another_build_is_an_error(study):
    with_wrong_genome(study, 200, context=False)
    run = study.run()
    assert run.exit_code == 1
    share, *words = run.output.removeprefix("Error: A: ").split(" ", 1)
    assert 60 < float(share) < 90
    assert words == [
        "% of 200 reference bases are not those of genome.fa; expected the FASTA of GRCh38, or a MAF with a"
        " context column\n"
    ]


def test_main__the_context_of_the_maf_serves_if_the_genome_is_of_another_build(study):
    with_wrong_genome(study, 200, context=True)
    study.counted()
    assert list(study.table("samples.tsv").source) == ["context"]
    assert study.matrix().to_numpy().sum() == 200
    assert "contexts from the MAF and not from the genome, which has 2" in study.section()["description"]


def test_main__few_bases_do_not_tell_the_build_and_are_checked_one_by_one(study):
    with_wrong_genome(study, 19, context=False)
    study.counted()
    rejected = set(study.table("rejected.tsv").status)
    assert rejected == {"wrong_ref"}
    assert study.matrix().to_numpy().sum() + len(study.table("rejected.tsv")) == 19


def test_main__the_context_of_the_maf_serves_if_the_genome_has_few_of_its_contigs(drawn):
    drawn.counted()
    whole = drawn.matrix()
    drawn.contigs = {"chr1": drawn.contigs["chr1"]}
    pd.testing.assert_frame_equal(drawn.counted().matrix(), whole)
    assert set(drawn.table("samples.tsv").source) == {"context"}
    drawn.rows = drawn.rows.assign(context="")
    drawn.counted()
    assert set(drawn.table("samples.tsv").source) == {"genome"}
    assert drawn.matrix().to_numpy().sum() < whole.to_numpy().sum() / 2
    assert set(drawn.table("rejected.tsv").status) == {"unknown_contig"}


def test_main__without_genome_and_context_there_are_doublets_and_no_spectrum(study):
    study.rows = [row_of("1", 6, "C", "A"), row_of("1", 20, "CT", "AA"), row_of("1", 30, "C", "-")]
    study.counted()
    names = sorted(path.name for path in (study.results / "matrices").iterdir())
    assert names == ["A.DBS78.tsv", "pooled.DBS78.tsv", "pooled.SBS96.tsv"]
    assert study.matrix("pooled.DBS78").A["CT>AA"] == 1
    assert study.matrix("pooled.SBS96").shape == (96, 0)
    row = study.table("samples.tsv").iloc[0]
    assert (row.status, row.counted, row.snvs, row.rejected) == ("no_context", "", 1, 2)
    assert list(study.table("rejected.tsv").status) == ["indel"]
    assert "A: no spectrum, doublets only" in study.section()["description"]


def test_main__keap1_mutations_of_tcga_have_the_bases_of_the_human_genome(study):
    """Real calls (hg19), moved by a constant, on real sequence (GRCh38)."""
    bases = np.full(10_600_000, ord("N"), dtype=np.uint8)
    for record in WINDOWS.read_text().split(">")[1:]:
        header, sequence = record.split("\n", 1)
        chrom, place = header.split()[0].split(":")
        if chrom == "chr19":
            start = int(place.split("-")[0]) - 1
            letters = np.frombuffer(sequence.replace("\n", "").encode(), np.uint8)
            bases[start : start + len(letters)] = letters
    study.contigs = {"chr19": bases.tobytes().decode()}
    calls = pd.read_csv(KEAP1_CALLS, sep="\t", dtype=str, keep_default_na=False).query(
        "Hugo_Symbol == 'KEAP1'"
    )
    calls = calls[calls.Variant_Type == "SNP"]
    study.profiled = [("A", sample, sample, "") for sample in dict.fromkeys(calls.Tumor_Sample_Barcode)]
    study.rows = [
        row_of("19", int(row.Start_Position) - KEAP1_SHIFT, row.Reference_Allele, row.Tumor_Seq_Allele2)
        | {"sample": row.Tumor_Sample_Barcode, "gene": "KEAP1"}
        for row in calls.itertuples()
    ]
    study.counted()
    rejected = study.table("rejected.tsv")
    assert set(rejected.status) <= {"unknown_context"}  # of places that the windows do not have
    assert study.matrix("KEAP1.SBS96").A.sum() == len(calls) - len(rejected) >= 20
    assert study.section()["description"].startswith(f"A: {len(calls) - len(rejected)} substitutions")


# ---- ready matrices


def ready(matrix, separator=",", first="MutationType"):
    return matrix.rename_axis(first).to_csv(sep=separator).encode()


def with_ready(study, text, name="m.csv", samples=()):
    study.cohorts = {"A": {"genome_build": "GRCh37", "maf": "", "sbs96": "1"}}
    study.rows, study.ready = None, {1: (name, text)}
    study.profiled = [("A", sample, sample, "") for sample in samples]
    return study


def test_main__a_ready_matrix_is_passed_on(study):
    given = pd.read_csv(PUBLISHED, index_col=0)
    with_ready(study, PUBLISHED.read_bytes(), "m.csv.gz", list(given)).counted()
    found = study.matrix()
    pd.testing.assert_frame_equal(found, given.loc[CONTEXTS], check_names=False)
    assert study.matrix("pooled.SBS96").A.sum() == 99_142
    assert set(study.table("samples.tsv").status) == {"ok"}
    assert list(study.table("opportunities.tsv").status) == ["ready_matrix"]
    assert "99,142 substitutions of 464 tumours, C>T most often (45 %)" in study.section()["description"]


@pytest.mark.parametrize("first", ["MutationType", "Type"])
def test_main__a_ready_matrix_may_have_its_rows_in_any_order(first, study):
    rng = np.random.default_rng(1)
    given = pd.DataFrame(rng.integers(0, 9, (96, 2)), CONTEXTS, ["007", "b"])
    shuffled = given.iloc[rng.permutation(96)]
    with_ready(study, b"\xef\xbb\xbf" + ready(shuffled, "\t", first), "m.tsv", ["b", "007"]).counted()
    found = pd.read_csv(study.results / "matrices/A.SBS96.tsv", sep="\t", index_col=0)
    assert list(found) == ["b", "007"]
    pd.testing.assert_frame_equal(found, given[["b", "007"]], check_names=False)


def test_main__a_ready_matrix_cannot_be_restricted_and_says_so(study):
    given = pd.DataFrame(1, CONTEXTS, ["a", "b", "x"])
    study.genes = "KEAP1\n"
    with_ready(study, ready(given), samples=["a", "b", "c"]).counted()
    samples = study.table("samples.tsv").set_index("sample")
    assert samples.status.to_dict() == {
        "a": "not_restricted", "b": "not_restricted", "c": "not_in_matrix", "x": "not_profiled",
    }  # fmt: skip
    assert samples.counted.to_dict() == {"a": "96", "b": "96", "c": "", "x": ""}
    assert list(study.matrix()) == ["a", "b"]


def test_main__a_cohort_with_both_has_its_ready_matrix_and_the_doublets_of_its_maf(study):
    with_wrong_genome(study, 200, context=False)
    rows = study.rows
    with_ready(study, ready(pd.DataFrame(2, CONTEXTS, ["a1"])), samples=["a1"])
    study.cohorts["A"]["maf"], study.rows = "1", [*rows, row_of("1", 3000, "CC", "AA")]
    study.counted()
    assert study.matrix().a1.sum() == 192
    assert study.matrix("A.DBS78").a1["CC>AA"] == 1
    assert list(study.table("samples.tsv").doublets) == [1]


GOOD = pd.DataFrame(1, CONTEXTS, ["a"])
WRONG = {
    "no contexts": (
        GOOD.rename_axis("Sample").to_csv().encode(),
        "m.csv, row 1: Sample; expected MutationType or",
    ),
    "no samples": (GOOD[[]].rename_axis("Type").to_csv().encode(), "m.csv, row 1: no column of a sample"),
    "a sample twice": (ready(pd.concat([GOOD, GOOD], axis=1)), "m.csv, row 1: a; expected each sample once"),
    "95 contexts": (ready(GOOD[1:]), "MutationType: 1 of the 96 contexts missing (A[C>A]A ...)"),
    "a context twice": (
        ready(pd.concat([GOOD, GOOD[:1]])),
        "row 98, MutationType: A[C>A]A again; expected once",
    ),
    "another context": (
        ready(pd.concat([GOOD, GOOD[:1].set_axis(["x"])])),
        "'x'; expected the 96 contexts alone",
    ),
    "a share": (ready(GOOD * 0.5), "m.csv, row 2, a: 0.5 for A[C>A]A; expected a number of mutations, 0 or"),
    "below 0": (ready(-GOOD), "row 2, a: -1 for A[C>A]A; expected"),
    "nothing": (ready(GOOD.astype(object).replace(1, "")), "row 2, a: nothing for A[C>A]A; expected"),
    "a word": (ready(GOOD.astype(object).replace(1, "inf")), "row 2, a: inf for A[C>A]A; expected"),
    "an empty file": (b"", "m.csv: No columns to parse from file"),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_main__what_is_no_matrix_is_an_error(text, message, study):
    run = with_ready(study, text, samples=["a"]).run()
    assert run.exit_code == 1
    assert message in run.output
    assert run.output.count("\n") == 1


# ---- similarity

AGEING = {"SBS1": 0.2, "SBS5": 0.4, "SBS2": 0.2, "SBS13": 0.2}
TREATED = {"SBS1": 0.2, "SBS5": 0.4, "SBS2": 0.1, "SBS31": 0.15, "SBS35": 0.15}


@cache
def signatures():
    return pd.read_csv(packaged("GRCh38", False), sep="\t", index_col=0).loc[CONTEXTS]


def profile(mixture):
    """The spectrum of a mixture of COSMIC's signatures."""
    return signatures()[list(mixture)].to_numpy() @ list(mixture.values())


def tumours(mixture, number, mean, rng, spread=1.0):
    """Draw tumours (x 96) whose mixtures and numbers of mutations vary."""
    shares = rng.dirichlet(3 * np.array(list(mixture.values())), number)
    burden = mean * rng.lognormal(-(spread**2) / 2, spread, number)
    return rng.poisson(burden[:, None] * (shares @ signatures()[list(mixture)].to_numpy().T))


def compared(one, other, by_tumour=True, **options):
    spectra = {"pooled": {"A": Spectrum(one, by_tumour), "B": Spectrum(other, by_tumour)}}
    options = {"bootstraps": 200, "confidence": 0.95, "seed": 1} | options
    return similarity(spectra, ["A", "B"], {"A": "exome", "B": "exome"}, **options).iloc[0]


@pytest.mark.parametrize(
    ("by_tumour", "number", "mean", "other"),
    [(True, 60, 20, TREATED), (True, 30, 5, TREATED), (False, 1, 75, TREATED), (False, 1, 75, AGEING)],
)
def test_similarity__intervals_hold_the_cosine_behind_the_noise(by_tumour, number, mean, other):
    """At least 90 % of 40, and the corrected cosine is nearer to the true one than that of the counts."""
    rng = np.random.default_rng(5)
    true = cosine(profile(AGEING), profile(other))
    spread = 1.0 if by_tumour else 0.0
    rows = []
    for seed in range(40):
        if by_tumour:
            drawn = [tumours(mixture, number, mean, rng, spread) for mixture in (AGEING, other)]
        else:
            drawn = [
                rng.multinomial(mean, profile(mixture) / profile(mixture).sum())[None]
                for mixture in (AGEING, other)
            ]
        rows.append(compared(*drawn, by_tumour, seed=seed))
    table = pd.DataFrame(rows)
    held = (table.cosine_low <= true + 1e-9) & (true - 1e-9 <= table.cosine_high)
    assert held.mean() >= 0.9
    assert abs(table.cosine_corrected.mean() - true) < abs(table.cosine.mean() - true) / 2
    assert set(table.resampled) == {"tumours" if by_tumour else "mutations"}


def test_similarity__the_spread_of_tumours_numbers_of_mutations_is_no_noise():
    """Tumours that differ in their numbers alone have one direction: nothing is corrected."""
    one, other = (np.outer(np.arange(1, 41), np.round(1e4 * profile(each))) for each in (AGEING, TREATED))
    row = compared(one.astype(int), other.astype(int))
    assert row.cosine_corrected == pytest.approx(row.cosine, rel=1e-9)
    assert row.cosine_low == pytest.approx(row.cosine, rel=1e-9)


def test_noise_of_counts__is_what_chance_adds_across_the_spectrum():
    rng = np.random.default_rng(2)
    expected = 300 * profile(TREATED)
    drawn = rng.poisson(expected, (20_000, 96)).astype(float)
    across = (drawn**2).sum(axis=1) - (drawn @ expected) ** 2 / (expected @ expected)
    assert across.mean() == pytest.approx(noise_of_counts(expected), rel=0.02)


def test_similarity__depends_neither_on_order_nor_on_scale():
    rng = np.random.default_rng(3)
    one, other = tumours(AGEING, 50, 20, rng), tumours(TREATED, 50, 20, rng)
    row = compared(one, other)
    turned = compared(other, one)
    assert row.cosine == turned.cosine
    assert row.cosine_corrected == pytest.approx(turned.cosine_corrected, rel=1e-12)
    assert compared(3 * one, other).cosine == pytest.approx(row.cosine, rel=1e-12)
    assert row.cosine_low < row.cosine_corrected < row.cosine_high


def test_similarity__few_mutations_are_not_compared():
    rng = np.random.default_rng(4)
    few = rng.multinomial(COUNTS_MIN - 1, profile(AGEING) / profile(AGEING).sum())[None]
    row = compared(few, few + 1)
    assert (row.status, row.reason) == ("too_few", "fewer than 20 substitutions: A")
    assert np.isnan(row.cosine)
    assert row.mutations_1 == COUNTS_MIN - 1
    assert compared(few + 1, few + 1).status == "ok"


def test_similarity__few_tumours_are_not_drawn():
    rng = np.random.default_rng(4)
    assert compared(tumours(AGEING, 9, 50, rng), tumours(AGEING, 40, 50, rng)).resampled == "both"


def test_similarity__is_between_all_pairs_and_says_what_cannot_be_compared():
    rng = np.random.default_rng(6)
    known = {name: Spectrum(tumours(AGEING, 20, 20, rng), True) for name in "ABC"}
    regions = {"A": "exome", "B": "F1CDx", "C": "exome", "D": "exome"}
    table = similarity({"pooled": known, "KEAP1": known}, list("ABCD"), regions, 100, 0.95, 1)
    pairs = table[table.what == "pooled"].set_index(["cohort_1", "cohort_2"]).status.to_dict()
    assert list(pairs) == [("A", "B"), ("A", "C"), ("A", "D"), ("B", "C"), ("B", "D"), ("C", "D")]
    assert pairs["A", "B"] == pairs["B", "C"] == "other_regions"
    assert pairs["A", "C"] == "ok"
    assert {pairs[each, "D"] for each in "ABC"} == {"no_spectrum"}
    assert table.reason[0] == "A: exome; B: F1CDx"
    assert set(table.status[table.what == "KEAP1"]) == {"ok", "no_spectrum"}


# ---- opportunities


def slow_opportunities(contigs, regions):
    """Count trinucleotides base by base; regions (contig, start, end) may overlap."""
    places = {(contig, at) for contig, start, end in regions for at in range(start, end)}
    found = Counter()
    for contig, at in places:
        three = contigs[contig][max(at - 1, 0) : at + 2].upper()
        if len(three) == 3 and "N" not in three:
            found[three if three[1] in "CT" else reverse_complement(three)] += 1
    return found


def test_trinucleotides__agree_with_counting_base_by_base(tmp_path, monkeypatch):
    monkeypatch.setattr("mutation_matrix.BLOCK", 1000)
    contigs = genome(3, 5000)
    contigs["chr2"] = contigs["chr2"][:900] + "NNNN" + contigs["chr2"][904:].lower()
    rng = np.random.default_rng(8)
    regions = [("chr1", 0, 5000), ("chrX", 4990, 5000)]
    for contig in ("chr2", "chrX"):
        regions += [(contig, start, start + size) for start, size in rng.integers(1, 800, (25, 2)).tolist()]
    table = pd.DataFrame(regions, columns=["contig", "start", "end"])
    found = trinucleotides(
        united(table.assign(contig=table.contig.str[3:])), Genome(write_fasta(contigs, tmp_path))
    )
    assert dict(zip(TRINUCLEOTIDES, found, strict=True)) == slow_opportunities(contigs, regions)


def test_shared__is_what_is_in_both():
    rng = np.random.default_rng(9)
    sets = []
    for _ in range(2):
        rows = [
            (str(rng.integers(1, 4)), start, start + size)
            for start, size in rng.integers(1, 60, (12, 2)).tolist()
        ]
        sets.append(pd.DataFrame(rows, columns=["contig", "start", "end"]))

    def places(table):
        return [(row.contig, at) for row in table.itertuples() for at in range(row.start, row.end)]

    one, other = (united(each) for each in sets)
    assert len(places(one)) == len(set(places(one))) == len(set(places(sets[0])))
    both = places(shared(one, other))
    assert set(both) == set(places(sets[0])) & set(places(sets[1]))
    assert len(both) == len(set(both)) > 0


def gtf_of(*rows):
    """Rows (gene, contig, start, end, feature) as a GTF; positions as the rows of BED have them."""
    lines = [
        f'{contig}\tx\t{feature}\t{start + 1}\t{end}\t.\t+\t0\tgene_id "E{gene}"; gene_name "{gene}";'
        for gene, contig, start, end, feature in rows
    ]
    return "\n".join(["#!x", *lines, ""])


GENES = [
    ("G", "chr1", 100, 200, "CDS"), ("G", "chr1", 150, 260, "CDS"), ("G", "chr1", 260, 263, "stop_codon"),
    ("G", "chr1", 0, 900, "exon"), ("H", "chr2", 50, 350, "CDS"), ("PARK2", "chr2", 300, 600, "CDS"),
]  # fmt: skip
G, H, PRKN = [("chr1", 100, 263)], [("chr2", 50, 350)], [("chr2", 300, 600)]
ONE, TWO = [("chr1", 10, 90)], [("chr2", 5, 77)]


def panel_of(*rows):
    return [("p", *row) for row in rows]


PROFILED = {
    "an exome": ("", None, None, G + H + PRKN),
    "an exome of panel genes": ("", None, "G\n", G),
    "a list of genes": ("p", panel_of(("G", "", "", ""), ("PARK2", "", "", "")), None, G + PRKN),
    "the panel genes of a list": ("p", panel_of(("G", "", "", ""), ("PRKN", "", "", "")), "PARK2\nH\n", PRKN),
    "regions": ("p", panel_of(("", "1", 10, 90), ("G", "chr2", 5, 77)), None, ONE + TWO),
    "regions of panel genes": ("p", panel_of(("H", "1", 10, 90), ("G", "chr2", 5, 77)), "G\n", TWO),
    "regions without names": (
        "p", panel_of(("", "1", 10, 150), ("G", "2", 5, 77)), "G\n", [("chr1", 100, 150), *TWO],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("panel", "panels", "genes", "expected"), PROFILED.values(), ids=PROFILED)
def test_main__opportunities_are_those_of_what_was_profiled(panel, panels, genes, expected, study):
    study.contigs, study.gtf = genome(4, 1000), gtf_of(*GENES)
    study.profiled = [("A", "a1", "a1", panel)]
    study.panels, study.genes = panels, genes
    study.rows = [substitution(study.contigs, "chr1", 120, np.random.default_rng(1))]
    table = study.counted().table("opportunities.tsv")
    assert set(table.status) == {"ok"}
    assert list(table.trinucleotide) == TRINUCLEOTIDES
    assert list(table["panel"]) == [panel] * 32
    found = dict(zip(table.trinucleotide, table["count"].astype(int), strict=True))
    assert {name: number for name, number in found.items() if number} == slow_opportunities(
        study.contigs, expected
    )


UNKNOWN_REGIONS = {
    "no_genome": {"contigs": None},
    "no_annotation": {"gtf": None},
    "no_genes": {"genes": "K\n"},
    "not_in_genome": {"gtf": gtf_of(("G", "chr9", 1, 50, "CDS"))},
    "no_regions": {"profiled": [("A", "a1", "a1", "q")]},
}


@pytest.mark.parametrize("status", UNKNOWN_REGIONS)
def test_main__opportunities_that_are_not_known_have_a_row_that_says_why(status, study):
    study.contigs, study.gtf = genome(4, 1000), gtf_of(*GENES)
    for name, value in UNKNOWN_REGIONS[status].items():
        setattr(study, name, value)
    table = study.counted().table("opportunities.tsv")
    assert list(table.status) == [status]
    assert list(table.trinucleotide) == [""]
    assert table.reason[0]
    shown = study.section("_opportunities")["data"]
    assert [row["status"] for row in shown.values()] == [status]


def test_main__opportunities_of_regions_need_the_genome_of_their_build(study):
    with_wrong_genome(study, 200, context=True)
    study.profiled = [("A", "a1", "a1", "p"), ("A", "a2", "a2", "")]
    study.panels, study.gtf = panel_of(("", "1", 10, 90)), gtf_of(*GENES[:3])
    table = study.counted().table("opportunities.tsv").drop_duplicates("panel")
    assert dict(zip(table["panel"], table.status, strict=True)) == {"p": "other_build", "": "ok"}


def test_main__genes_that_the_annotation_lacks_are_named(study):
    study.contigs, study.gtf, study.genes = genome(4, 1000), gtf_of(*GENES), "G\nK1\nK2\nK3\nK4\nK5\nK6\nK7\n"
    reason = study.counted().table("opportunities.tsv").reason[0]
    assert reason == "coding exons of 1 genes; not in the annotation: K1, K2, K3, K4, K5 and 2 more"


def test_read_coding__knows_genes_by_the_names_that_there_are(tmp_path):
    rows = [
        "chrM\tx\tCDS\t11\t20\t.\t+\t0\t" + names for names in ('gene_id "E1";', 'gene_id "E1"; gene "B";')
    ]
    (tmp_path / "a.gtf").write_text("\n".join([*rows, 'chrM\tx\tCDS\t1\t9\t.\t+\t0\tnote "none";', ""]))
    found = read_coding(tmp_path / "a.gtf")
    assert found.to_numpy().tolist() == [["B", "MT", 10, 20], ["E1", "MT", 10, 20]]


def test_codes__are_those_of_the_fasta(tmp_path):
    contigs = {"chr1": "ACGTNRacgt" * 13 + "A", "chrM": "C", "2": "ACGT" * 25}
    found = Genome(write_fasta(contigs, tmp_path))
    assert list(found.contigs) == ["1", "MT", "2"]
    for name, bases in contigs.items():
        places = np.arange(-2, len(bases) + 2)
        inside = [BASES.index(base.upper()) if base.upper() in BASES else UNKNOWN for base in bases]
        expected = [OUTSIDE, OUTSIDE, *inside, OUTSIDE, OUTSIDE]
        assert found.codes({"chrM": "MT"}.get(name, name.removeprefix("chr")), places).tolist() == expected
    assert found.codes("7", np.array([[0, 1]])).tolist() == [[OUTSIDE, OUTSIDE]]


# ---- the command


def two_cohorts(study, number=30):
    """Two cohorts of an exome; B has doublets of platinum, and both have mutations of KEAP1."""
    study.contigs, study.gtf = genome(SEED), gtf_of(("KEAP1", "chr1", 100, 4000, "CDS"))
    study.cohorts["B"] = {"genome_build": "GRCh38", "maf": "2", "sbs96": ""}
    study.profiled = [(cohort, f"{cohort}{n}", f"{cohort}{n}", "") for cohort in "AB" for n in range(12)]
    parts = []
    for seed, cohort in enumerate("AB"):
        own = [sample for name, sample, *_ in study.profiled if name == cohort]
        parts.append(mutations(study.contigs, seed, number, own).assign(cohort=cohort))
    table = pd.concat(parts, ignore_index=True)
    near = (table.chrom == "chr1") & (table.position < 4000)
    table["gene"] = np.where(near, "KEAP1", "G")
    at = study.contigs["chr2"].index("CT") + 1
    platinum = [row_of("2", at, "CT", alt, cohort="B", sample=f"B{n}") for n, alt in enumerate(["AA", "AC"])]
    study.rows = pd.concat([table, pd.DataFrame(platinum)], ignore_index=True)
    return study


def test_main__writes_figure_and_sections(tmp_path, run_script):
    study = two_cohorts(Study(tmp_path, run_script)).counted()
    pooled = study.matrix("pooled.SBS96")
    for cohort in "AB":
        assert (study.matrix(f"{cohort}.SBS96").sum(axis=1) == pooled[cohort]).all()
        assert study.matrix(f"{cohort}.DBS78").to_numpy().sum() == study.matrix("pooled.DBS78")[cohort].sum()
    drawn = study.table("cohorts.spectrum.tsv")
    rows = drawn[["what", "cohort"]].drop_duplicates().to_numpy().tolist()
    assert rows == [["pooled", "A"], ["pooled", "B"], ["KEAP1", "A"], ["KEAP1", "B"]]
    assert (drawn.groupby(["what", "cohort"]).share_percent.sum().round(6) == 100).all()
    assert list(drawn.mutations[drawn.what == "KEAP1"]) == [*study.matrix("KEAP1.SBS96").T.to_numpy().ravel()]
    for suffix in ("svg", "png"):
        assert (study.results / f"cohorts.spectrum.{suffix}").stat().st_size > 0
    section = study.section()
    platinum = study.matrix("pooled.DBS78").loc[list(PLATINUM)].sum()
    assert platinum.B > platinum.A > 0
    for cohort in "AB":
        assert f"{platinum[cohort]} of them CT>AA or CT>AC" in section["nrf2flow"]["findings"][cohort]
    assert "Pooled spectra of A and B have a cosine of 0." in section["description"]
    assert [label["name"] for label in section["pconfig"]["data_labels"]] == [
        "A",
        "B",
        "KEAP1, A",
        "KEAP1, B",
    ]
    assert list(section["data"][0]) == CONTEXTS
    assert section["pconfig"]["categories"][0]["C>T"]["color"] == CLASSES["C>T"]
    assert list(study.section("_similarity")["data"]) == ["A and B, pooled", "A and B, KEAP1"]
    links = {path for each in ("", "_similarity") for path in study.section(each)["nrf2flow"]["links"]}
    published = {path.name for path in [*study.results.iterdir(), *(study.results / "matrices").iterdir()]}
    assert links <= published


def test_main__the_same_input_gives_the_same_bytes(tmp_path, run_script):
    study = two_cohorts(Study(tmp_path, run_script), 5)
    study.counted(results="one")
    study.counted(results="two")
    files = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert len(files) > 15
    for path in files:
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes(), (
            path.name
        )


def test_drawn_of__shows_cohorts_before_genes_and_not_more_than_fit():
    spectrum = Spectrum(np.ones((3, 96), dtype=int), True)
    known = {f"cohort {n}": spectrum for n in range(MOST - 1)}
    drawn = drawn_of(
        {"pooled": known, "KEAP1": known | {"none": Spectrum(np.zeros((2, 96), dtype=int), False)}}
    )
    assert len(drawn) == 96 * MOST
    assert drawn.drop_duplicates(["what", "cohort"]).what.value_counts().to_dict() == {
        "pooled": MOST - 1,
        "KEAP1": 1,
    }


DEGENERATE = {
    "an empty maf": ([], "no_mutations"),
    "an indel alone": ([row_of("1", 6, "C", "-")], "no_mutations"),
    "one substitution": ([row_of("1", 6, "C", "A")], "ok"),
    "a doublet alone": ([row_of("1", 6, "CG", "AA")], "no_mutations"),
    "two neighbours": ([row_of("1", 6, "C", "A"), row_of("1", 7, "G", "A")], "none_counted"),
}


@pytest.mark.parametrize("genome_given", [True, False], ids=["genome", "no genome"])
@pytest.mark.parametrize(("rows", "status"), DEGENERATE.values(), ids=DEGENERATE)
def test_main__a_degenerate_study_keeps_rows_and_has_a_section(rows, status, genome_given, study):
    study.contigs = {"chr1": SEQUENCE} if genome_given else None
    study.rows = rows
    study.counted()
    singles = any(row["ref"] == "C" and row["alt"] != "-" for row in rows)
    assert list(study.table("samples.tsv").status) == [
        status if genome_given or not singles else "no_context"
    ]
    assert study.section()["description"].startswith("A: ")
    assert len(study.table("similarity.tsv")) == 0
    assert not (study.results / "mutation_matrix_similarity_mqc.json").exists()


def test_name_of__is_the_class_of_the_pyrimidine():
    assert name_of("T", "G", "A", "C") == "G[C>T]A"
    assert all(name_of(name[0], name[2], name[4], name[6]) == name for name in CONTEXTS)
