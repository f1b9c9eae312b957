import gzip
import json
import random
import tarfile
from collections import Counter
from pathlib import Path

import pandas as pd
import pysam
import pytest
from conftest import REFERENCE_DATA
from index_transcripts import main as index_transcripts
from libraries import fastq, pairs_of, random_sequence, reverse_complement
from quantify_transcripts import COLUMNS, judge, sample, strandedness_of, summarise, table

SHEET = ["sample", "line", "condition", "role", "replicate", "strandedness"]


def build_index(folder: Path, transcripts: dict[str, str], genome: dict[str, str]) -> Path:
    """Index transcripts with a genome as decoy; returns the index."""
    for name, sequences in (("transcripts", transcripts), ("genome", genome)):
        text = "".join(f">{each}\n{bases}\n" for each, bases in sequences.items())
        (folder / f"{name}.fa").write_text(text)
    pysam.faidx(str(folder / "genome.fa"))
    options = {
        "--genome": folder / "genome.fa",
        "--transcripts": folder / "transcripts.fa",
        "--results": folder,
    }
    index_transcripts([str(word) for option in options.items() for word in option], standalone_mode=False)
    return folder / "salmon_index"


@pytest.fixture(scope="module")
def transcripts() -> dict[str, str]:
    rng = random.Random(1)
    return {f"T{number}": random_sequence(1500, rng) for number in range(10)}


@pytest.fixture(scope="module")
def unannotated(transcripts) -> str:
    """What the genome has and the annotation lacks: a copy of a transcript, every 40th base another one."""
    return "".join(
        "ACGT"["ACGT".index(base) - 1] if place % 40 == 0 else base
        for place, base in enumerate(transcripts["T0"])
    )


@pytest.fixture(scope="module")
def index(tmp_path_factory, transcripts, unannotated) -> Path:
    return build_index(tmp_path_factory.mktemp("index"), transcripts, {"chr1": unannotated})


@pytest.fixture
def quantify(index, tmp_path, run_script):
    """Quantify fragments as a sample of this name; returns its row, by column."""

    def run(fragments, name="s1", paired=True, salmon_index=index, **options) -> pd.Series:
        pairs = pairs_of(fragments, length=75)
        files = [tmp_path / f"{name}_{mate}.fastq.gz" for mate in (1, 2)]
        for mate in (1, 2) if paired else (1,):
            files[mate - 1].write_bytes(
                gzip.compress(fastq([pair[mate - 1] for pair in pairs], mate).encode())
            )
        given = {"sample": name, "reads_1": files[0], "reads_2": files[1], "salmon_index": salmon_index}
        done = run_script(sample, **given | {"results": tmp_path} | options)
        assert done.exit_code == 0, done.output
        (row,) = pd.read_csv(tmp_path / f"{name}.quant.tsv", sep="\t", dtype={"sample": "str"}).iloc
        return row

    return run


def fragments_of(sequence: str, count: int, seed: int = 1) -> list[str]:
    rng = random.Random(seed)
    starts = [rng.randrange(len(sequence) - 250) for _ in range(count)]
    return [sequence[start : start + rng.randint(150, 250)] for start in starts]


def gathered(folder: Path, run_script, rows: list[tuple[str, str]], **options) -> pd.DataFrame:
    """Put the rows that are in the folder into a table, for samples of these names and strandednesses."""
    lines = [[name, "L1", "parental", "reference", "1", said] for name, said in rows]
    pd.DataFrame(lines, columns=SHEET).to_csv(folder / "samples.tsv", sep="\t", index=False)
    done = run_script(table, samples=folder / "samples.tsv", rows=folder, results=folder, **options)
    assert done.exit_code == 0, done.output
    return pd.read_csv(folder / "quant.tsv", sep="\t", dtype={"sample": "str"}, keep_default_na=False)


@pytest.mark.parametrize("paired", [True, False])
def test_sample__counts_come_back_as_planted(quantify, transcripts, tmp_path, paired):
    planted = {name: 40 * number for number, name in enumerate(transcripts)}
    fragments = [each for name, count in planted.items() for each in fragments_of(transcripts[name], count)]
    random.Random(1).shuffle(fragments)
    row = quantify(fragments, name="007", paired=paired)
    found = pd.read_csv(tmp_path / "007/quant.sf", sep="\t", index_col=0).NumReads
    assert found.to_dict() == pytest.approx(planted, abs=1)
    assert (row.fragments, row.status) == (len(fragments), "ok")
    assert row.mapping_rate == pytest.approx(1, abs=0.01)
    assert (row.forward_rate, row.stranded_fragments) == (1, row.mapped_fragments)
    for name in ("lib_format_counts.json", "aux_info/meta_info.json", "libParams/flenDist.txt"):
        assert (tmp_path / "007" / name).is_file()


def test_sample__salmons_sample_data_come_back_as_their_names_say(tmp_path, run_script):
    with tarfile.open(REFERENCE_DATA / "salmon/sample_data.tgz") as archive:
        texts = {
            name: archive.extractfile(f"sample_data/{name}").read()
            for name in ("transcripts.fasta", "reads_1.fastq", "reads_2.fastq")
        }
    records = [record.split("\n", 1) for record in texts["transcripts.fasta"].decode().split(">")[1:]]
    sequences = {head.split()[0]: bases.replace("\n", "") for head, bases in records}
    genome = {"chr1": random_sequence(5000, random.Random(2))}
    index = build_index(tmp_path, sequences, genome)
    for mate in (1, 2):
        (tmp_path / f"{mate}.fq.gz").write_bytes(gzip.compress(texts[f"reads_{mate}.fastq"]))
    given = {"reads_1": tmp_path / "1.fq.gz", "reads_2": tmp_path / "2.fq.gz", "salmon_index": index}
    assert run_script(sample, sample="s1", results=tmp_path, **given).exit_code == 0
    truth = Counter(line.split(":")[1] for line in texts["reads_1.fastq"].decode().split("\n")[:-1:4])
    found = pd.read_csv(tmp_path / "s1/quant.sf", sep="\t", index_col=0).NumReads
    assert found.sum() == pytest.approx(sum(truth.values()), rel=0.01)
    planted = pd.Series(truth).reindex(found.index, fill_value=0)
    alike = ["NM_001168316", "NM_174914", "NR_031764"]  # transcripts of one gene share reads
    assert found.drop(alike).corr(planted.drop(alike)) > 0.999
    assert found[alike].sum() == pytest.approx(planted[alike].sum(), rel=0.02)
    ((_, row),) = pd.read_csv(tmp_path / "s1.quant.tsv", sep="\t").iterrows()
    assert row.fragments == sum(truth.values())
    assert strandedness_of(row.stranded_fragments, row.forward_rate) == "unstranded"


def test_sample__what_fits_the_genome_better_is_given_to_no_transcript(quantify, transcripts, unannotated):
    row = quantify(fragments_of(unannotated, 300) + fragments_of(transcripts["T5"], 100))
    assert row.decoy_rate == pytest.approx(0.75, abs=0.02)
    assert row.mapping_rate == pytest.approx(0.25, abs=0.02)


def test_sample__copies_of_a_transcript_share_its_reads(quantify, transcripts, tmp_path):
    doubled = {"A": transcripts["T1"], "A_copy": transcripts["T1"], "B": transcripts["T2"]}
    index = build_index(tmp_path, doubled, {"chr1": random_sequence(2000, random.Random(3))})
    quantify(fragments_of(doubled["A"], 200) + fragments_of(doubled["B"], 100), salmon_index=index)
    found = pd.read_csv(tmp_path / "s1/quant.sf", sep="\t", index_col=0).NumReads
    assert found.to_dict() == pytest.approx({"A": 100, "A_copy": 100, "B": 100}, abs=2)


def test_sample__nothing_that_maps_is_a_status_without_a_folder(quantify, tmp_path, run_script):
    row = quantify([random_sequence(200, random.Random(9)) for _ in range(50)], name="a.b")
    assert (row.status, row.reason) == ("nothing_mapped", "none of 50 fragments maps to the transcripts")
    assert (row.mapped_fragments, row.mapping_rate) == (0, 0)
    assert not (tmp_path / "a.b").exists()
    (row,) = gathered(tmp_path, run_script, [("a.b", "forward")]).itertuples()
    assert (row.status, row.strandedness_agrees) == ("nothing_mapped", "not_assessable")


def test_sample__a_folder_that_is_no_index_is_an_error(tmp_path, run_script):
    reads = tmp_path / "r.fastq.gz"
    reads.write_bytes(gzip.compress(fastq(["ACGT"]).encode()))
    done = run_script(sample, sample="s1", reads_1=reads, salmon_index=tmp_path, results=tmp_path / "results")
    assert done.exit_code == 1
    assert done.output == f"Error: {tmp_path.name}: has no versionInfo.json, expected an index of salmon\n"


def test_sample__an_index_that_the_memory_cannot_hold_is_an_error(tmp_path, run_script):
    index = tmp_path / "salmon_index"
    index.mkdir()
    (index / "versionInfo.json").write_text("{}")
    with (index / "pos.bin").open("wb") as file:
        file.truncate(9 * 2**30)
    reads = tmp_path / "r.fastq.gz"
    reads.write_bytes(gzip.compress(fastq(["ACGT"]).encode()))
    done = run_script(sample, sample="s1", reads_1=reads, salmon_index=index, memory=6144, results=tmp_path)
    assert done.exit_code == 1
    assert "salmon_index: salmon holds all of its 9.0 GB, and may use 6.0 GB here" in done.output


def test_table__finds_libraries_of_another_strand_than_the_sheet_says(
    quantify, transcripts, tmp_path, run_script
):
    forward = fragments_of(transcripts["T1"], 300)
    reverse = [reverse_complement(fragment) for fragment in forward]
    # salmon calls each of these unstranded: they have fewer than 50,000 fragments.
    for name, fragments in (
        ("f", forward),
        ("r", reverse),
        ("u", forward[:150] + reverse[150:]),
        ("x", forward[:60]),
    ):
        quantify(fragments, name=name, paired=name != "u")
    rows = gathered(
        tmp_path, run_script, [("f", "reverse"), ("r", "reverse"), ("u", "unstranded"), ("x", "reverse")]
    )
    assert list(rows.strandedness_found) == ["forward", "reverse", "unstranded", ""]
    assert list(rows.strandedness_agrees) == ["no", "yes", "yes", "not_assessable"]
    assert list(rows.status) == ["strandedness_differs", "ok", "ok", "ok"]
    assert rows.reason[0] == "the sheet says reverse, and 100.0% of 300 fragments are forward: forward"
    rows = gathered(tmp_path, run_script, [("f", "auto"), ("r", "")])
    assert list(rows.strandedness_agrees) == ["not_assessable"] * 2
    assert list(rows.status) == ["ok", "ok"]


def test_table__marks_low_rates_and_keeps_samples_without_reads(quantify, transcripts, tmp_path, run_script):
    rng = random.Random(5)
    others = [random_sequence(200, rng) for _ in range(150)]
    quantify(fragments_of(transcripts["T1"], 100) + others, name="b")
    rows = gathered(tmp_path, run_script, [("gone", ""), ("b", "reverse")])
    assert list(rows["sample"]) == ["gone", "b"]
    assert list(rows) == COLUMNS
    assert list(rows.status) == ["no_reads", "low_mapping_rate"]
    assert rows.reason[0] == "no reads were left to quantify: see trim_reads"
    assert rows.reason[1] == (
        "40.0% of 250 fragments map to the transcripts, fewer than 50%; "
        "the sheet says reverse, and 100.0% of 100 fragments are forward: forward"
    )
    section = json.loads((tmp_path / "quantify_transcripts_mqc.json").read_text())
    assert section["data"] == {"b": {"transcripts": 40.0, "other places of the genome": 0.0, "nowhere": 60.0}}
    assert "In 1 the sheet says otherwise." in section["description"]
    assert section["nrf2flow"]["statuses"] == "low_mapping_rate 1, no_reads 1"
    rows = gathered(tmp_path, run_script, [("b", "")], min_mapping_rate=0.4)
    assert list(rows.status) == ["ok"]


def test_table__needs_no_strandedness_and_no_rows(tmp_path, run_script):
    sheet = tmp_path / "samples.tsv"
    sheet.write_text("sample\tline\tcondition\trole\treplicate\n007\tL\tparental\treference\t1\n")
    assert run_script(table, samples=sheet, rows=tmp_path / "none", results=tmp_path).exit_code == 0
    (row,) = pd.read_csv(tmp_path / "quant.tsv", sep="\t", dtype="str").itertuples()
    assert (row.sample, row.status, row.strandedness_agrees) == ("007", "no_reads", "not_assessable")
    for name in ("quantify_transcripts_mqc.json", "quantify_transcripts_libraries_mqc.json"):
        assert json.loads((tmp_path / name).read_text())["nrf2flow"]["statuses"] == "no_reads 1"


def test_quantification__numbers_of_the_table_are_the_same_with_any_number_of_threads(
    quantify, transcripts, tmp_path
):
    fragments = [each for name in transcripts for each in fragments_of(transcripts[name], 100)]
    rows = [quantify(fragments, threads=threads).to_dict() for threads in (1, 1, 2)]
    assert pd.Series(rows[0]).equals(pd.Series(rows[1]))
    assert pd.Series(rows[0]).equals(pd.Series(rows[2]))


@pytest.mark.parametrize(
    ("fragments", "rate", "found"),
    [
        (99, 1, ""),
        (100, 0.7, "forward"),
        (100, 0.69, "unstranded"),
        (100, 0.31, "unstranded"),
        (100, 0.2, "reverse"),
    ],
)
def test_strandedness_of__has_the_limits_of_salmon(fragments, rate, found):
    assert strandedness_of(fragments, rate) == found


def test_summarise__counts_orphans_by_their_strand_too():
    meta = {"num_processed": 10, "num_mapped": 8, "num_decoy_fragments": 1, "library_types": ["ISR"]}
    row = summarise(meta, {"ISF": 1, "ISR": 4, "SF": 1, "SR": 2, "IU": 9})
    assert (row["stranded_fragments"], row["forward_rate"], row["decoy_rate"]) == (8, 0.25, 0.1)


def test_judge__leaves_a_sample_that_was_judged_before():
    row = {"status": "no_reads", "reason": "none", "strandedness": "forward"}
    assert judge(row, 0.5) == ("not_assessable", "no_reads", "none")
