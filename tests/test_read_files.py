"""What the gate says of reads, references and target genes, and what it plans from them."""

import json
import re

import pytest
from common.target_sheets import CHANGES
from conftest import ROOT
from gate import COUNTS, NAMES, SAMPLES, Gate


@pytest.fixture
def gate(run_script, tmp_path) -> Gate:
    return Gate(run_script, tmp_path)


REFERENCE = {"genome.fa.gz": "x", "genes.gtf": "x"}
FASTA_GTF = {"fasta": "genome.fa.gz", "gtf": "genes.gtf"}
PAIRED = "sample,line,condition,replicate,fastq_1,fastq_2\n" + "".join(
    f"{','.join(row)},r/{row[0]}_1.fastq.gz,r/{row[0]}_2.fq\n" for row in SAMPLES
)
SINGLE = "".join(line.rsplit(",", 1)[0] + "\n" for line in PAIRED.splitlines())
ALIGNED = "sample,line,condition,replicate,bam\n" + "".join(
    f"{','.join(row)},{row[0]}.{'cram' if row[1] == 'A' else 'bam'}\n" for row in SAMPLES
)
# Each analysis by what it starts from.
QUANTIFICATION = {"trim_reads", "quantify_transcripts", "gene_counts"}
EXPRESSION = {
    *("normalise_expression", "expression_heatmap", "differential_expression", "target_score"),
    *("gene_set_enrichment", "sample_enrichment", "sample_projection"),
}
WITH_GENE_SETS = {"gene_set_enrichment", "sample_enrichment"}
GENOTYPE = {"align_rna", "annotate_variants", "locus_genotype", "pileup"}


def with_reads(gate: Gate, sheet: str, without: tuple[str, ...] = (), **given: object) -> list[str]:
    """Check a study of these samples, with every file that they name but those `without`, and a genome.

    Further files are given by name (with a dot or slash in it).
    """
    cells = [cell.strip().removeprefix("./") for line in sheet.splitlines() for cell in line.split(",")]
    files = REFERENCE | {cell: "@" for cell in cells if re.search(r"\.(fastq|fq|bam|cram)", cell)}
    files = {name: content for name, content in files.items() if name not in without}
    files |= {name: given.pop(name) for name in list(given) if "." in name or "/" in name}
    return gate.say({"rnaseq.csv": sheet, **files}, **{"rnaseq": "rnaseq.csv"} | FASTA_GTF | given)


def planned(gate: Gate) -> set[str]:
    """What is planned besides the call, which all of these lead to."""
    analyses = {row["analysis"] for row in gate.table("plan.tsv") if row["planned"] == "yes"}
    assert "mmc_candidates" in analyses
    return analyses - {"mmc_candidates"}


def reasons(gate: Gate) -> dict[str, str]:
    return {row["analysis"]: row["reason"] for row in gate.table("plan.tsv")}


def test_main__plans_everything_from_reads_and_a_genome(gate):
    assert with_reads(gate, PAIRED, gene_sets="shipped") == []
    assert planned(gate) == QUANTIFICATION | EXPRESSION | GENOTYPE
    assert reasons(gate)["gene_counts"] == "FASTQ, fasta and gtf given"
    assert reasons(gate)["sample_enrichment"] == "FASTQ and gene_sets given"
    assert list(gate.table("rnaseq.tsv")[0].values()) == [
        *("A.P1", "/study/r/A.P1_1.fastq.gz", "/study/r/A.P1_2.fq", "")
    ]
    assert gate.table("samples.tsv")[0] == {
        "sample": "A.P1", "line": "A", "condition": "parental", "role": "reference", "replicate": "1",
        "strandedness": "auto",
    }  # fmt: skip
    assert gate.notes() == []


def test_main__plans_no_alignment_without_a_genome(gate):
    given = {"salmon_index": "a/salmon", "fasta": None, "a/salmon": None, "gene_sets": "shipped"}
    assert with_reads(gate, SINGLE, **given) == []
    assert planned(gate) == QUANTIFICATION | EXPRESSION
    assert reasons(gate)["trim_reads"] == "FASTQ, salmon_index and gtf given"
    assert {reasons(gate)[analysis] for analysis in GENOTYPE} == {"needs --fasta"}
    assert gate.notes() == []


def test_main__plans_genotypes_alone_from_alignments(gate):
    assert with_reads(gate, ALIGNED, gene_sets="shipped") == []
    assert planned(gate) == GENOTYPE
    assert reasons(gate)["pileup"] == "BAM, fasta and gtf given"
    assert reasons(gate)["quantify_transcripts"] == "FASTQ not given"
    assert reasons(gate)["expression_heatmap"] == "counts or FASTQ not given"
    assert list(gate.table("rnaseq.tsv")[0].values()) == ["A.P1", "", "", "/study/A.P1.cram"]
    assert "strandedness" not in gate.table("samples.tsv")[0]


def test_main__needs_no_contrast_for_genotypes(gate):
    sheet = "".join(line + "\n" for line in ALIGNED.splitlines() if ",resistant," not in line)
    assert with_reads(gate, sheet) == []
    assert not (gate.results / "contrasts.tsv").exists()
    (found,) = with_reads(gate, SINGLE.replace("resistant", "parental"))
    assert found.startswith("rnaseq.csv, all rows, condition: found no line with both parental and resistant")


def test_main__takes_counts_before_reads_which_serve_the_genotypes(gate):
    assert with_reads(gate, PAIRED, counts="counts.tsv", **{"counts.tsv": COUNTS}) == []
    assert planned(gate) == {"trim_reads"} | EXPRESSION - WITH_GENE_SETS | GENOTYPE
    assert reasons(gate)["quantify_transcripts"] == reasons(gate)["gene_counts"] == "counts given"
    assert reasons(gate)["sample_projection"] == "counts given"
    assert gate.notes() == ["rnaseq.csv: counts are those of --counts: FASTQ serve the genotypes alone"]


def test_main__plans_expression_alone_from_counts(gate):
    assert gate.study(gene_sets="shipped") == []
    assert planned(gate) == EXPRESSION
    needs = "needs --salmon_index or --fasta and --gtf"
    assert reasons(gate)["trim_reads"] == f"FASTQ or amplicons not given; {needs}"
    assert reasons(gate)["align_rna"] == "FASTQ or BAM not given; needs --fasta and --gtf"
    assert not (gate.results / "rnaseq.tsv").exists()


def test_main__lets_samples_have_counts_and_no_reads(gate):
    sheet = PAIRED.replace(",r/A.P1_1.fastq.gz,r/A.P1_2.fq", ",,")
    assert with_reads(gate, sheet, counts="counts.tsv", **{"counts.tsv": COUNTS}) == []
    assert gate.notes()[1] == "rnaseq.csv: no genotype of A.P1: neither FASTQ nor BAM given"
    assert [row["sample"] for row in gate.table("samples.tsv")] == NAMES
    assert [row["sample"] for row in gate.table("rnaseq.tsv")] == NAMES[1:]


def test_main__takes_several_rows_of_a_sample_as_its_lanes(gate):
    head, first, *others = PAIRED.splitlines()
    lane = first.replace("_1.fastq", "_L2_1.fastq").replace("_2.fq", "_L2_2.fq")
    rows = [head + ",strandedness,bam,batch", first + ",reverse,,x", *(row + ",,,x" for row in others)]
    sheet = "\n".join([*rows, lane + ",reverse,A.P1.bam,x", ""])
    assert with_reads(gate, sheet) == []
    assert [row["sample"] for row in gate.table("samples.tsv")] == NAMES
    assert gate.table("samples.tsv")[0]["strandedness"] == "reverse"
    assert gate.table("samples.tsv")[0]["batch"] == "x"
    lanes = [row for row in gate.table("rnaseq.tsv") if row["sample"] == "A.P1"]
    assert [row["fastq_1"] for row in lanes] == ["/study/r/A.P1_1.fastq.gz", "/study/r/A.P1_L2_1.fastq.gz"]
    assert [row["bam"] for row in lanes] == ["/study/A.P1.bam"] * 2
    inputs = {row["sheet"]: row["rows"] for row in gate.table("inputs.tsv")}
    assert (inputs["rnaseq"], inputs["FASTQ"], inputs["BAM"]) == ("9", "18", "1")


def test_main__takes_addresses_as_they_are(gate):
    sheet = SINGLE.replace("r/", "s3://bucket/")
    assert with_reads(gate, sheet) == []
    assert gate.table("rnaseq.tsv")[0]["fastq_1"] == "s3://bucket/A.P1_1.fastq.gz"
    (found,) = with_reads(gate, sheet, without=("s3://bucket/A.P1_1.fastq.gz",))
    assert found.startswith("rnaseq.csv, row 2, fastq_1: found no file s3://bucket/A.P1_1.fastq.gz; expected")


def test_main__keeps_paths_out_of_what_other_analyses_read(gate):
    assert with_reads(gate, SINGLE) == []
    tables = [
        path
        for path in sorted(gate.results.iterdir())
        if path.name not in ("inputs.tsv", "rnaseq.tsv", "params.json")
    ]
    before = {path.name: path.read_bytes() for path in tables if path.is_file()}
    given = {"fasta": "b/other.fa", "gtf": "b/other.gtf.gz", "b/other.fa": "x", "b/other.gtf.gz": "x"}
    assert with_reads(gate, SINGLE.replace("r/", "moved/"), **given) == []
    assert {name: (gate.results / name).read_bytes() for name in before} == before


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("r/A.P1_2.fq", "", None),
        ("r/A.P1_1.fastq.gz", "r/x.fasta", "row 2, fastq_1: found 'r/x.fasta'; expected the FASTQ file of t"),
        ("r/A.P1_2.fq", "r/x.fq.bz2", "row 2, fastq_2: found 'r/x.fq.bz2'; expected the FASTQ file of the s"),
        ("r/A.P1_2.fq", "r/absent.fq", "row 2, fastq_2: found no file r/absent.fq; expected a file with rea"),
        ("r/A.P1_2.fq", "r/empty.fq", "row 2, fastq_2: found an empty file r/empty.fq; expected a file with"),
        ("r/A.P1_2.fq", "r/folder.fq", "row 2, fastq_2: found a folder r/folder.fq; expected a file with re"),
        ("r/A.P1_2.fq", "r/A.P1_1.fastq.gz", "row 2, fastq_2: found 'r/A.P1_1.fastq.gz', as fastq_1 in row "),
        ("r/A.P1_2.fq", "./r/A.P1_1.fastq.gz", "row 2, fastq_2: found './r/A.P1_1.fastq.gz', as fastq_1 in "),
        ("r/A.P2_2.fq", "r/A.P1_2.fq", "row 3, fastq_2: found 'r/A.P1_2.fq', as fastq_2 in row 2; expected "),
        ("r/A.P2_1.fastq.gz", "r/A.P1_1.fastq.gz", "row 3, fastq_1: found 'r/A.P1_1.fastq.gz', as fastq_1 i"),
        ("r/A.P1_1.fastq.gz", "", "row 2, fastq_1: found nothing, with fastq_2; expected the first reads of"),
        ("r/A.P1_1.fastq.gz,r/A.P1_2.fq", ",", "row 2, fastq_1: found nothing; expected a FASTQ file for ea"),
        ("A.P2,", "a.p1,", "row 3, sample: found 'a.p1' beside 'A.P1'; expected one spelling"),
        ("fastq_2", "fastq2", "row 1, fastq_2: found no such column among sample, line, condition, replicat"),
    ],
)  # fmt: skip
def test_main__says_what_is_wrong_with_the_reads_and_where(old, new, problem, gate):
    given = {"r/empty.fq": "", "r/folder.fq": None}
    found = with_reads(gate, PAIRED.replace(old, new), without=("r/absent.fq", *given), **given)
    assert [line[: len(problem or "") + 12] for line in found] == (
        [f"rnaseq.csv, {problem}"] if problem else []
    )


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("A.P1,A,parental,1,r/x.fq,r/y.fq,reverse,,2", None),
        ("A.P1,A,parental,1,r/x.fq,r/y.fq,reverse,A.bam,2", None),
        ("A.P1,B,parental,1,r/x.fq,r/y.fq,reverse,,2", "line: found 'B' for A.P1, which has 'A' in row 2; e"),
        ("A.P1,A,resistant,1,r/x.fq,r/y.fq,reverse,,2", "condition: found 'resistant' for A.P1, which has '"),
        ("A.P1,A,parental,2,r/x.fq,r/y.fq,reverse,,2", "replicate: found '2' for A.P1, which has '1' in row"),
        ("A.P1,A,parental,1,r/x.fq,r/y.fq,,,2", "strandedness: found 'auto' for A.P1, which has 'reverse' i"),
        ("A.P1,A,parental,1,r/x.fq,r/y.fq,reverse,,3", "batch: found '3' for A.P1, which has '2' in row 2; "),
        ("A.P1,A,parental,1,r/x.fq,,reverse,,2", "fastq_2: found nothing for A.P1, which has one in row 2; "),
        ("A.P1,A,parental,1,,,reverse,,2", "fastq_1: found nothing for A.P1, which has one in row 2; expect"),
        ("A.P1,A,parental,1,r/x.fq,r/y.fq,reverse,B.bam,2", "bam: found 'B.bam' for A.P1, which has 'A.bam'"),
        ("A.P1,A,parental,1,r/x.fq,r/A.P2_2.fq,reverse,,2", "fastq_2: found 'r/A.P2_2.fq', as fastq_2 in ro"),
        ("Z,A,parental,1,r/x.fq,r/y.fq,reverse,A.bam,2", "bam: found 'A.bam', as bam in row 2; expected eac"),
        ("Z,A,parental,1,r/x.fq,r/y.fq,sense,,2", "strandedness: found 'sense'; expected auto (or empty), u"),
        ("Z,A,parental,1,r/x.fq,r/y.fq,,a.sam,2", "bam: found 'a.sam'; expected a BAM or CRAM file of all r"),
        (
            "A.P1,A,parental,1,r/A.P1_1.fastq.gz,r/y.fq,reverse,,2",
            "sample, fastq_1: found 'A.P1', 'r/A.P1_1.fastq.gz', as in row 2; expected another in each row",
        ),
        (
            "A.P1,A,parental,1,./r/A.P1_1.fastq.gz,r/y.fq,reverse,,2",
            "fastq_1: found './r/A.P1_1.fastq.gz', as fastq_1 in row 2; expected each file once",
        ),
    ],
)  # fmt: skip
def test_main__says_what_is_wrong_with_a_lane_and_where(row, problem, gate):
    head, first, *others = PAIRED.splitlines()
    rows = [
        head + ",strandedness,bam,batch",
        first + ",reverse,A.bam,2",
        *(other + ",,,1" for other in others),
    ]
    found = with_reads(gate, "\n".join([*rows, row, ""]))
    assert [line[: len(problem or "") + 20] for line in found] == (
        [f"rnaseq.csv, row 10, {problem}"] if problem else []
    )


def test_main__wants_reads_of_one_kind_for_all_samples(gate):
    (found,) = with_reads(gate, ALIGNED.replace("B.P1.bam", ""))
    assert found.startswith(
        "rnaseq.csv, row 6, bam: found nothing; expected a BAM or CRAM file for each sample,"
    )
    some = "".join(
        f"{line},{'fastq_1' if n == 0 else '' if n == 3 else f'{n}.fq'}\n"
        for n, line in enumerate(ALIGNED.splitlines())
    )
    (found,) = with_reads(gate, some)
    assert found == (
        "rnaseq.csv, row 4, fastq_1: found nothing; "
        "expected a FASTQ file for each sample, or --counts for all"
    )


@pytest.mark.parametrize(
    ("sheet", "given", "problem"),
    [
        (
            SINGLE,
            {},
            "--fasta and --gtf: found nothing, with FASTQ files in rnaseq.csv; "
            "expected the genome and its annotation, or --salmon_index with --gtf",
        ),
        (
            SINGLE,
            {"gtf": "genes.gtf"},
            "--fasta: found nothing, with FASTQ files in rnaseq.csv; expected the genome's FASTA file, "
            "gzip-compressed or not, or --salmon_index",
        ),
        (SINGLE, {"fasta": "genome.fa.gz"}, "--gtf: found nothing, with --fasta; expected the genome's anno"),
        (SINGLE, {"salmon_index": "index"}, "--gtf: found nothing, with --salmon_index; expected the genome"),
        (
            ALIGNED,
            {},
            "--fasta and --gtf: found nothing, with BAM files in rnaseq.csv; "
            "expected the genome and its annotation",
        ),
        (
            ALIGNED,
            {"gtf": "genes.gtf", "salmon_index": "index"},
            "--fasta: found nothing, with BAM files in rnaseq.csv; expected the genome's FASTA file, gzip-co",
        ),
        (
            SINGLE,
            {"gtf": "genes.gtf", "salmon_index": "index", "counts": "counts.tsv"},
            "--fasta: found nothing, with FASTQ files in rnaseq.csv; expected the genome's FASTA file, "
            "gzip-compressed or not, or no such files beside --counts",
        ),
    ],
)  # fmt: skip
def test_main__names_the_references_that_reads_need(sheet, given, problem, gate):
    given = {"fasta": None, "gtf": None, "counts.tsv": COUNTS} | given
    if given.get("salmon_index"):
        given["salmon_index"] = "a/index"
        given["a/index"] = None
    (found,) = with_reads(gate, sheet, **given)
    assert found.startswith(problem)


def test_main__names_all_lacking_references_at_once(gate):
    given = {"fasta": None, "gtf": None, "star_index": "a/star", "a/star": None}
    assert [line.split("; ")[0] for line in with_reads(gate, SINGLE, **given)] == [
        "--fasta: found nothing, with --star_index",
        "--gtf: found nothing, with FASTQ files in rnaseq.csv",
    ]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"fasta": "x.fa"}, "--fasta: found no file x.fa; expected the genome's FASTA file"),
        ({"fasta": "x.2bit"}, "--fasta: found 'x.2bit'; expected the genome's FASTA file"),
        ({"fasta": "a.fa", "a.fa": None}, "--fasta: found a folder a.fa; expected the genome's FASTA file"),
        ({"gtf": "a.gtf", "a.gtf": ""}, "--gtf: found an empty file a.gtf; expected the genome's annotation"),
        ({"transcripts": "t.fa"}, "--transcripts: found no file t.fa; expected a FASTA file of transcripts"),
        ({"salmon_index": "i"}, "--salmon_index: found no folder i; expected the folder of a salmon index"),
        (
            {"star_index": "i.txt", "i.txt": "x"},
            "--star_index: found a file i.txt; expected the folder of a STAR",
        ),
    ],
)
def test_main__says_what_is_wrong_with_a_reference(given, problem, gate):
    (found,) = with_reads(gate, SINGLE, **given)
    assert found.startswith(problem)


def test_main__notes_references_that_nothing_uses(gate):
    unused = "given, and nothing that is planned uses it"
    assert gate.study(**REFERENCE, **FASTA_GTF) == []
    assert gate.notes() == [f"fasta: {unused}", f"gtf: {unused}"]
    given = {"salmon_index": "a/i", "a/i": None, "transcripts": "t.fa", "t.fa": "x"}
    assert with_reads(gate, SINGLE, **given) == []
    assert gate.notes() == [f"transcripts: {unused}"]
    assert with_reads(gate, ALIGNED, **given) == []
    assert gate.notes() == [f"transcripts: {unused}", f"salmon_index: {unused}"]


def test_main__records_references_and_read_files(gate):
    assert with_reads(gate, PAIRED) == []
    rows = {row["sheet"]: (row["path"], row["sha256"], row["rows"]) for row in gate.table("inputs.tsv")}
    assert rows["fasta"] == ("genome.fa.gz", "", "")
    assert rows["FASTQ"] == ("in rnaseq: fastq_1 and fastq_2", "", "16")
    values = {row["parameter"] for row in gate.table("parameters.tsv")}
    assert values >= {"trim_quality", "counts_from_abundance", "min_locus_depth", "strict"}
    assert not values & {"fasta", "gtf", "loci", "save_reference"}


def test_main__takes_simulated_reads(gate):
    assert with_reads(gate, PAIRED, simulate="small", gene_sets="shipped") == []
    assert planned(gate) == QUANTIFICATION | EXPRESSION | GENOTYPE


# --- target genes, and what is known about them

GENES = "gene,transcript,cds_start,cds_end\nNQO1,ENST00000320623.10;NM_000903,122,946\nCUL3,NM_003590,,\n"
LOCI = "gene,transcript,hgvs_c,effect\nNQO1,NM_000903.3,c.559C>T,deficient\n"
SKIPPING = "gene,transcript,exon\nNQO1,ENST00000320623,4\n"


DOMAINS = "gene,kind,name,start,end\nNQO1,domain,Flavodoxin,5,212\n"
HOTSPOTS = "gene,kind,change,effect\nNQO1,substitution,P187S,loss\nNQO1,inframe_indel,10-20,loss\n"
TARGETS = {"genes": GENES, "loci": LOCI, "skipping": SKIPPING, "domains": DOMAINS, "hotspots": HOTSPOTS}


def with_targets(gate: Gate, **changed: str) -> list[str]:
    """Check a study with sheets of its own for all that is known of target genes."""
    files = {f"{name}.csv": text for name, text in (TARGETS | changed).items()}
    given = {"target_genes" if name == "genes" else name: f"{name}.csv" for name in TARGETS}
    return with_reads(gate, SINGLE, **files, **given)


def test_main__writes_the_targets_as_tables(gate):
    assert with_targets(gate, genes=GENES.replace("\n", ",\n").replace("end,", "end,remark")) == []
    assert gate.table("target_genes.tsv")[1] == {
        "gene": "CUL3", "transcript": "NM_003590", "cds_start": "", "cds_end": "", "source": "",
    }  # fmt: skip
    assert gate.table("loci.tsv")[0]["hgvs_c"] == "c.559C>T"
    assert gate.table("skipping.tsv")[0]["exon"] == "4"
    assert gate.notes() == ["genes.csv: further columns, ignored: remark"]


def test_main__ships_targets_that_are_right(gate):
    assert with_reads(gate, SINGLE) == []
    assert [row["gene"] for row in gate.table("target_genes.tsv")] == ["KEAP1", "NFE2L2", "CUL3", "NQO1"]
    assert {row["gene"] for row in gate.table("loci.tsv")} == {"NQO1"}
    assert len(gate.table("skipping.tsv")) == 2
    for name in ("target_genes", "loci", "skipping", "domains", "hotspots"):
        assert (gate.results / f"{name}.tsv").read_text() == (ROOT / f"assets/{name}.tsv").read_text()


@pytest.mark.parametrize(
    ("sheet", "old", "new", "problem"),
    [
        ("genes", ",946", ",", "row 2, cds_end: found nothing, with cds_start; expected both, or none"),
        ("genes", ",122", ",", "row 2, cds_start: found nothing, with cds_end; expected both, or none"),
        ("genes", ",946", ",945", "row 2, cds_end: found 945, with cds_start 122: 824 bases; expected whole"),
        ("genes", ",946", ",100", "row 2, cds_end: found 100, with cds_start 122: -21 bases; expected whole"),
        ("genes", ",122", ",0", "row 2, cds_start: found '0'; expected the first base of the coding sequenc"),
        ("genes", "NM_003590", "NM_000903.4", "row 3, transcript: found 'NM_000903', as in row 2; expected "),
        ("genes", "NM_003590", "NM 003590", "row 3, transcript: found 'NM 003590'; expected transcript ids"),
        ("genes", "CUL3", "NQO1", "row 3, gene: found 'NQO1', as in row 2; expected another in each row"),
        ("genes", "CUL3", "Nqo1", "row 3, gene: found 'Nqo1' beside 'NQO1'; expected one spelling"),
        ("loci", "NQO1", "NQ01", "row 2, gene: found 'NQ01' (perhaps NQO1); expected a gene of genes.csv (-"),
        ("loci", "NM_000903.3", "NM_1", "row 2, transcript: found 'NM_1' for NQO1; expected a transcript th"),
        ("loci", "c.559C>T", "P187S", "row 2, hgvs_c: found 'P187S'; expected the variant in HGVS coding no"),
        ("loci", "deficient", "none", "row 2, effect: found 'none'; expected what a homozygote has: reduced"),
        ("skipping", "NQO1", "KRAS", "row 2, gene: found 'KRAS'; expected a gene of genes.csv (--target_gen"),
        ("skipping", ",4", ",1", "row 2, exon: found '1'; expected the number of the exon in the transcript"),
        ("skipping", ",4", ",four", "row 2, exon: found 'four'; expected the number of the exon in the tran"),
        ("domains", "5,212", "5,4", "row 2, end: found 4, with start 5; expected start, or more"),
        ("domains", ",domain", ",fold", "row 2, kind: found 'fold'; expected domain, repeat or motif"),
        ("hotspots", "P187S", "P187", "row 2, change: found 'P187' for kind substitution; expected a change"),
        ("hotspots", "10-20", "20-10", "row 3, change: found '20-10' for kind inframe_indel; expected a cha"),
        ("hotspots", "P187S", "p.P187S", "row 2, change: found 'p.P187S'; expected the change as its kind w"),
    ],
)  # fmt: skip
def test_main__says_what_is_wrong_with_the_targets_and_where(sheet, old, new, problem, gate):
    found = with_targets(gate, **{sheet: TARGETS[sheet].replace(old, new)})
    assert [line[: len(f"{sheet}.csv, {problem}")] for line in found] == [f"{sheet}.csv, {problem}"]


def test_main__notes_what_is_known_of_genes_that_are_no_targets(gate):
    assert with_targets(gate, domains=DOMAINS + "KRAS,domain,G,1,166\n") == []
    assert gate.notes() == ["domains.csv: not used: genes.csv does not list KRAS"]


def test_check_hotspots__knows_each_kind_that_a_sheet_may_have():
    schema = json.loads((ROOT / "assets/hotspots.schema.json").read_text())
    assert schema["items"]["properties"]["kind"]["enum"] == list(CHANGES)
    assert all(form.fullmatch(example) for form, example in CHANGES.values())


def test_main__blames_no_locus_for_a_gene_that_is_wrong(gate):
    (found,) = with_targets(gate, genes=GENES.replace("ENST00000320623.10;NM_000903", "?"))
    assert found.startswith("genes.csv, row 2, transcript: found '?'; expected transcript ids")
