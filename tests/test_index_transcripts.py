import json
import random
from pathlib import Path

import pysam
import pytest
from index_transcripts import join_files, main, write_decoys
from libraries import random_sequence


@pytest.fixture
def reference(tmp_path) -> dict[str, Path]:
    """A genome of two contigs, and three transcripts: one twice, one shorter than k."""
    rng = random.Random(1)
    contigs = {"chr1": random_sequence(3000, rng), "chr2": random_sequence(2000, rng)}
    genome = tmp_path / "genome.fa"
    genome.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in contigs.items()))
    pysam.faidx(str(genome))
    transcripts = tmp_path / "transcripts.fa"
    bases = contigs["chr1"]
    cut = {"T1.1": bases[100:900], "T2": bases[1000:1500], "T2_copy": bases[1000:1500], "tiny": bases[:20]}
    transcripts.write_text("".join(f">{name} of a gene\n{sequence}\n" for name, sequence in cut.items()))
    return {"genome": genome, "transcripts": transcripts}


def test_main__builds_an_index_of_all_transcripts_with_the_contigs_as_decoys(reference, tmp_path, run_script):
    results = tmp_path / "results"
    assert run_script(main, **reference, results=results).exit_code == 0
    info = json.loads((results / "salmon_index/info.json").read_text())
    assert (info["k"], info["num_decoys"], info["keep_duplicates"]) == (31, 2, True)
    assert info["first_decoy_index"] == 3, "both copies are there, and the one shorter than k is not searched"
    assert {path.name for path in results.iterdir()} == {"salmon_index", "versions.tsv"}
    assert "salmon\t1." in (results / "versions.tsv").read_text()


def test_main__indexes_the_same_with_any_number_of_threads(reference, tmp_path, run_script):
    # Not byte for byte: ctable.bin of the same sequences may differ between runs.
    indexes = []
    for threads in (1, 2):
        run_script(main, **reference, results=tmp_path / str(threads), threads=threads)
        indexes.append(json.loads((tmp_path / f"{threads}/salmon_index/info.json").read_text()))
        del indexes[-1]["reference_gfa"]  # the folder
    assert indexes[0] == indexes[1]


def test_main__names_the_transcripts_that_have_the_sequence_of_another(reference, tmp_path, run_script):
    done = run_script(main, **reference, results=tmp_path)
    assert done.output == "1 transcripts have the sequence of an earlier one; all are kept\n"
    listed = (tmp_path / "salmon_index/duplicate_clusters.tsv").read_text()
    assert listed == "RetainedRef\tDuplicateRef\nT2\tT2_copy\n"


def test_write_decoys__lists_the_contigs_in_their_order(reference, tmp_path):
    write_decoys(**reference, path=tmp_path / "decoys.txt")
    assert (tmp_path / "decoys.txt").read_text() == "chr1\nchr2\n"


def test_main__a_transcript_with_the_name_of_a_contig_is_an_error(reference, tmp_path, run_script):
    with reference["transcripts"].open("a") as transcripts:
        transcripts.write(">chr2\nACGT\n")
    done = run_script(main, **reference, results=tmp_path)
    assert done.exit_code == 1
    assert done.output.startswith(
        "Error: transcripts.fa: chr2 is the name of a contig of genome.fa too, expected"
    )


def test_main__no_transcripts_are_an_error(reference, tmp_path, run_script):
    reference["transcripts"].write_text("")
    done = run_script(main, **reference, results=tmp_path)
    assert (done.exit_code, done.output) == (1, "Error: transcripts.fa: has no transcripts\n")


def test_join_files__writes_one_below_the_other(tmp_path):
    for name in "ab":
        (tmp_path / name).write_text(f">{name}\nACGT\n")
    join_files([tmp_path / "a", tmp_path / "b"], tmp_path / "both")
    assert (tmp_path / "both").read_text() == ">a\nACGT\n>b\nACGT\n"
