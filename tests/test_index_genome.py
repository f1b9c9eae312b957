import pytest
from common.programs import OUT_OF_MEMORY
from index_genome import bin_bits, main, prefix_length
from spliced_reads import GENES, genome, write_fasta, write_gtf


@pytest.fixture
def inputs(tmp_path) -> dict:
    """The options that are files: a genome and its annotation."""
    fasta = write_fasta(genome(), tmp_path / "genome.fa")
    return {"genome": fasta, "annotation": write_gtf(tmp_path / "annotation.gtf"), "results": tmp_path}


def parameters(folder) -> dict[str, str]:
    lines = (folder / "star_index/genomeParameters.txt").read_text().splitlines()
    return dict(line.split("\t") for line in lines if "\t" in line)


# STAR's manual, 2.2.5: min(14, log2(length) / 2 - 1); its 7 for 100 kilobases. Ours is never above its value.
@pytest.mark.parametrize(("length", "bases"), [(1_000_000, 8), (100_000, 7), (3_100_000_000, 14), (8, 1)])
def test_prefix_length__grows_with_the_genome_to_14(length, bases):
    assert prefix_length(length) == bases


# STAR's manual, 2.2.6: min(18, log2(max(length / contigs, read length))); 14.9 for 3 gigabases in 100,000.
@pytest.mark.parametrize(
    ("length", "contigs", "bits"),
    [(3_000_000_000, 100_000, 14), (3_100_000_000, 25, 18), (60_000, 2, 14), (60_000, 60_000, 6)],
)
def test_bin_bits__shrink_with_many_contigs_but_hold_a_read(length, contigs, bits):
    assert bin_bits(length, contigs) == bits


def test_index_genome__knows_contigs_and_junctions(inputs, tmp_path, run_script):
    assert run_script(main, **inputs).exit_code == 0
    index = tmp_path / "star_index"
    assert (index / "chrNameLength.txt").read_text() == "chr2\t20000\nchr16\t40000\n"
    known = {tuple(line.split("\t")) for line in (index / "sjdbList.out.tab").read_text().splitlines()}
    assert known == {
        (gene.contig, str(first), str(last), gene.strand)
        for gene in GENES.values()
        for first, last in gene.introns()
    }
    assert parameters(tmp_path)["genomeSAindexNbases"] == "6"
    assert parameters(tmp_path)["genomeChrBinNbits"] == "14"
    assert parameters(tmp_path)["sjdbOverhang"] == "99"


def test_index_genome__keeps_no_log_of_the_run_in_the_index(inputs, tmp_path, run_script):
    run_script(main, **inputs)
    assert not list(tmp_path.rglob("*Log*"))
    assert {path.name for path in tmp_path.iterdir()} == {
        *("genome.fa", "genome.fa.fai", "annotation.gtf", "star_index", "versions.tsv"),
    }
    assert "STAR\t2." in (tmp_path / "versions.tsv").read_text()


def test_index_genome__is_the_same_with_more_threads(inputs, tmp_path, run_script):
    for threads in (1, 2):
        run_script(main, **inputs | {"threads": threads, "results": tmp_path / str(threads)})
    for path in (tmp_path / "1/star_index").iterdir():
        if path.name != "genomeParameters.txt":  # has the command
            assert path.read_bytes() == (tmp_path / "2/star_index" / path.name).read_bytes(), path.name


def test_index_genome__too_little_memory_ends_so_that_more_is_tried(inputs, run_script):
    write_fasta({"chr2": "ACGGT" * 400_000}, inputs["genome"])
    done = run_script(main, **inputs | {"memory": 1})
    assert done.exit_code == OUT_OF_MEMORY
    assert "is too small for your genome" in done.output


def test_index_genome__an_annotation_without_introns_is_one_line_and_exit_1(inputs, run_script):
    first = [line for line in inputs["annotation"].read_text().splitlines() if "\t5001\t" in line]
    inputs["annotation"].write_text("".join(f"{line}\n" for line in first))
    done = run_script(main, **inputs)
    found = f"{inputs['annotation'].name}: found no transcript with an intron"
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert found in done.output
