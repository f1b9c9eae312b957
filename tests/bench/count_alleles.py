"""Time and memory of count_alleles on a BAM of 5 million reads, beside samtools, bcftools and pysam.

5 million paired reads of 2 x 100 on one contig of 60 Mb, sorted and indexed, of which 100,000 lie on a gene
of six exons: spliced, with a homozygous and a heterozygous variant, and one base of a thousand wrong. The
same gene in a BAM of 200,000 reads shows that time and memory do not depend on the rest. The rivals count
at every base of the exons: `bcftools mpileup | bcftools call`, samtools mpileup, and pysam's pileup. Each
runs in a process of its own: median of 5 (pysam's pileup: 1), peak memory of its largest process. The
largest difference is that of depths and variant counts at the two variants: samtools adds up the qualities
of mates that agree, so it may count more.
"""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pysam

READS, SMALL, ON_GENE, LENGTH, CONTIG, REPEATS = 5_000_000, 200_000, 100_000, 100, 60_000_000, 5
BIN = Path(__file__).parents[2] / "bin"
FIRST = 30_000_000
SIZES, INTRON = (128, 165, 131, 114, 102, 1881), 3000
EXONS = [(FIRST + sum(SIZES[:n]) + n * INTRON, FIRST + sum(SIZES[: n + 1]) + n * INTRON) for n in range(6)]
START = 122  # of the coding sequence in the transcript
SNPS = {200: 0.5, 700: 1.0}  # place in the transcript, share
CODES = np.frombuffer(b"ACGT", dtype=np.uint8)
NIBBLES = np.array([1, 2, 4, 8], dtype=np.uint8)


def bam_records(starts: np.ndarray, cigars: list[np.ndarray], codes: np.ndarray, numbers: np.ndarray,
                flags: np.ndarray, mates: np.ndarray) -> bytes:  # fmt: skip
    """Encode reads that have as many CIGAR operations each (operation << 4 | code) as BAM."""
    count = len(starts)
    operations = np.array(cigars, dtype="<u4").T.reshape(count, -1)
    name = 10
    head = np.zeros(count, dtype=[
        ("size", "<i4"), ("contig", "<i4"), ("start", "<i4"), ("name", "u1"), ("mapq", "u1"), ("bin", "<u2"),
        ("operations", "<u2"), ("flag", "<u2"), ("length", "<i4"), ("mate", "<i4"), ("next", "<i4"),
        ("insert", "<i4"), ("read_name", f"S{name}"), ("cigar", "<u4", operations.shape[1]),
        ("bases", "u1", LENGTH // 2), ("qualities", "u1", LENGTH),
    ])  # fmt: skip
    head["size"], head["start"], head["name"], head["mapq"] = head.itemsize - 4, starts, name, 255
    head["operations"], head["flag"], head["length"] = operations.shape[1], flags, LENGTH
    head["next"], head["cigar"] = mates, operations
    head["read_name"] = np.char.add(b"r", np.char.zfill(numbers.astype("S8"), 8)).astype(f"S{name}")
    pairs = NIBBLES[codes].reshape(count, LENGTH // 2, 2)
    head["bases"], head["qualities"] = pairs[..., 0] << 4 | pairs[..., 1], 37
    return head.tobytes()


def simulate(folder: Path) -> None:
    """Write genome, annotation, sheets and both BAM files."""
    draw = np.random.default_rng(1)
    genome = draw.integers(0, 4, CONTIG, dtype=np.uint8)
    text = CODES[genome].tobytes().decode()
    (folder / "genome.fa").write_text(f">chr16\n{text}\n")
    pysam.faidx(str(folder / "genome.fa"))
    coding = [(EXONS[0][0] + 121, EXONS[0][1]), *EXONS[1:5], (EXONS[5][0], EXONS[5][0] + 306)]
    ids = 'gene_id "G1"; transcript_id "ENST00000320623"; gene_name "NQO1";'
    (folder / "genes.gtf").write_text(
        "".join(f"chr16\tx\texon\t{start + 1}\t{end}\t.\t+\t.\t{ids}\n" for start, end in EXONS)
        + "".join(f"chr16\tx\tCDS\t{start + 1}\t{end}\t.\t+\t.\t{ids}\n" for start, end in coding)
    )
    places = np.concatenate([np.arange(*exon) for exon in EXONS])
    variants = {int(places[at]): (share, (genome[places[at]] + 1) % 4) for at, share in SNPS.items()}
    rows = [
        f"NQO1\tENST00000320623\tc.{at - START + 2}{text[place]}>{'ACGT'[variants[place][1]]}\n"
        for at, place in zip(SNPS, variants, strict=True)
    ]
    (folder / "loci.tsv").write_text("gene\ttranscript\thgvs_c\n" + "".join(rows))
    (folder / "target_genes.tsv").write_text(
        "gene\ttranscript\tcds_start\tcds_end\nNQO1\tENST00000320623\t\t\n"
    )
    (folder / "skipping.tsv").write_text("gene\ttranscript\texon\nNQO1\tENST00000320623\t4\n")
    (folder / "exons.bed").write_text("".join(f"chr16\t{start}\t{end}\n" for start, end in EXONS))

    def reads(number: int, first: int, end: int, prefix: int) -> list[tuple[np.ndarray, bytes]]:
        """Encode pairs that lie anywhere in a stretch, unspliced."""
        left = np.sort(draw.integers(first, end - 400, number // 2))
        right = left + draw.integers(20, 250, number // 2)
        names = np.arange(number // 2) + prefix
        parts = []
        for own, mate, flag in ((left, right, 99), (right, left, 147)):
            codes = genome[own[:, None] + np.arange(LENGTH)]
            parts.append((own, [np.full(len(own), LENGTH << 4)], codes, names, np.full(len(own), flag), mate))
        return parts

    def gene_reads() -> list[tuple]:
        """Encode pairs of the spliced transcript, by the exons that each read crosses."""
        total = sum(SIZES)
        left = draw.integers(0, total - 300, ON_GENE // 2)
        right = left + draw.integers(20, 200, ON_GENE // 2)
        names = np.arange(ON_GENE // 2) + 90_000_000
        alleles = draw.random((len(left), len(SNPS)))
        bounds = np.cumsum(SIZES)
        parts = []
        for own, mate, flag in ((left, right, 99), (right, left, 147)):
            at = own[:, None] + np.arange(LENGTH)
            codes = genome[places[at]]
            for number, (place, (share, alt)) in enumerate(zip(SNPS, variants.values(), strict=True)):
                codes = np.where((at == place) & (alleles[:, number, None] < share), alt, codes)
            codes = np.where(
                draw.random(at.shape) < 0.001, (codes + draw.integers(1, 4, at.shape)) % 4, codes
            )
            exon = np.searchsorted(bounds, own, side="right")
            last = np.searchsorted(bounds, own + LENGTH - 1, side="right")
            for one in np.unique(exon * 10 + last):
                rows = np.flatnonzero(exon * 10 + last == one)
                cigar, done = [], own[rows]
                for step in range(one // 10, one % 10):
                    cigar += [(bounds[step] - done) << 4, np.full(len(rows), INTRON << 4 | 3)]
                    done = np.full(len(rows), bounds[step])
                cigar.append((own[rows] + LENGTH - done) << 4)
                parts.append((places[own[rows]], cigar, codes[rows], names[rows],
                              np.full(len(rows), flag), places[mate[rows]]))  # fmt: skip
        return parts

    for sample, number in (("small", SMALL), ("large", READS)):
        header = pysam.AlignmentHeader.from_references(["chr16"], [CONTIG])
        plain = folder / f"{sample}.unsorted.bam"
        with pysam.AlignmentFile(plain, "wb", header=header):
            pass
        with pysam.BGZFile(str(plain), "rb") as empty:
            start = empty.read()
        with open(folder / f"{sample}.raw", "wb") as out:
            out.write(start)
            for part in gene_reads():
                out.write(bam_records(*part))
            for chunk in range(0, number - ON_GENE, 500_000):
                size = min(500_000, number - ON_GENE - chunk)
                half = FIRST - 1000 if chunk % 1_000_000 else CONTIG
                for part in reads(size, 0 if half < CONTIG else FIRST + 100_000, half, chunk):
                    out.write(bam_records(*part))
        (folder / sample).mkdir()
        bam = folder / sample / "s.bam"
        subprocess.run(["samtools", "sort", "-@1", "-l1", "-m", "500M", "-o", bam, folder / f"{sample}.raw"],
                       check=True, capture_output=True)  # fmt: skip
        pysam.index(str(bam))
        (folder / f"{sample}.raw").unlink()
    (folder / "samples.tsv").write_text(
        "sample\tline\tcondition\trole\treplicate\ns\tA\tparental\treference\t1\n"
    )


def measured(command: str, folder: Path, repeats: int = REPEATS) -> tuple[float, float]:
    """Run a shell command; return the median of seconds, and the peak memory of its largest process in MB."""
    wrapper = (
        "import resource, subprocess, sys\n"
        "subprocess.run(['bash', '-o', 'pipefail', '-c', sys.argv[1]], check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    )
    seconds, memory = [], 0.0
    for _ in range(repeats):
        start = time.perf_counter()
        said = subprocess.run(
            [sys.executable, "-c", wrapper, command], cwd=folder, capture_output=True, text=True
        )
        seconds.append(time.perf_counter() - start)
        assert said.returncode == 0, said.stderr
        memory = max(memory, float(said.stdout.split()[-1]))
    return statistics.median(seconds), memory


PYSAM = """
import pysam
with pysam.AlignmentFile('large/s.bam') as bam, open('pysam.tsv', 'w') as out:
    for line in open('exons.bed'):
        contig, start, end = line.split()
        for column in bam.pileup(contig, int(start), int(end), truncate=True, max_depth=10**7,
                                 min_base_quality=20, min_mapping_quality=20, stepper='all'):
            bases = [base.upper() for base in column.get_query_sequences()]
            counts = [bases.count(base) for base in 'ACGT']
            print(column.reference_pos + 1, *counts, sep='\\t', file=out)
"""


def main() -> None:
    """Simulate, run all, and print a line for each rival."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        simulate(folder)
        sheets = ("samples", "target_genes", "loci", "skipping")
        options = " ".join(f"--{name.replace('_', '-')} {name}.tsv" for name in sheets)
        options += " --genome genome.fa --annotation genes.gtf --variants none"
        ours = f"{sys.executable} {BIN}/count_alleles.py {options} --alignments {{0}} --results {{0}}"
        (small, small_memory), (large, memory) = (
            measured(ours.format(size), folder) for size in ("small", "large")
        )
        header, *lines = (folder / "large/alleles.tsv").read_text().splitlines()
        rows = [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines]
        counted = {int(row["pos"]): (int(row["depth"]), int(row["alt_count"])) for row in rows}
        assert len(counted) == len(SNPS), "errors were taken for variants"
        print(
            f"count_alleles: {large:.1f} s and {memory:.0f} MB on {READS:,} reads, {small:.1f} s and "
            f"{small_memory:.0f} MB on {SMALL:,}, {ON_GENE:,} of either on the gene"
        )
        mpileup = "-f genome.fa -q 20 -Q 20 -A -B -d 1000000"
        (folder / "rival.py").write_text(PYSAM)
        bcftools = f"bcftools mpileup {mpileup} -a AD -R exons.bed large/s.bam | bcftools call -m -A -"
        samtools = f"samtools mpileup {mpileup} -r $c:$((s+1))-$e large/s.bam"
        rivals = {
            "bcftools mpileup | call": (f"{bcftools} > bcftools.vcf", REPEATS),
            "samtools mpileup": (
                f"while read c s e; do {samtools}; done < exons.bed > samtools.tsv",
                REPEATS,
            ),
            "pysam pileup": (f"{sys.executable} rival.py", 1),
        }
        for name, (command, repeats) in rivals.items():
            if not shutil.which(command.split()[0]) and name != "samtools mpileup":
                continue
            seconds, used = measured(command, folder, repeats)
            differs = difference(name, folder, counted)
            print(
                f"count_alleles: {seconds / large:.1f} times as fast as {name} ({large:.1f} s and "
                f"{seconds:.1f} s, {memory:.0f} MB and {used:.0f} MB); largest difference at the variants: "
                f"{differs} fragments of {max(depth for depth, _ in counted.values()):,}"
            )


def difference(name: str, folder: Path, counted: dict[int, tuple[int, int]]) -> int:
    """Return the largest difference of depths and variant counts to those of a rival."""
    theirs = {}
    with pysam.FastaFile(str(folder / "genome.fa")) as fasta:
        ref = {place: fasta.fetch("chr16", place - 1, place) for place in counted}
    alts = {place: "ACGT"[("ACGT".index(base) + 1) % 4] for place, base in ref.items()}
    if name.startswith("bcftools"):
        with pysam.VariantFile(str(folder / "bcftools.vcf")) as records:
            for record in records:
                if record.pos in counted:
                    depths = dict(zip(record.alleles, record.samples[0]["AD"], strict=True))
                    theirs[record.pos] = sum(depths.values()), depths.get(alts[record.pos], 0)
    elif name.startswith("samtools"):
        for line in (folder / "samtools.tsv").read_text().splitlines():
            _, position, _, _, text, _ = line.split("\t")
            if int(position) in counted:
                bases = Counter(re.sub(r"\^.|[$<>]", "", text).upper().replace(",", "."))
                theirs[int(position)] = sum(bases.values()), bases[alts[int(position)]]
    else:
        for line in (folder / "pysam.tsv").read_text().splitlines():
            position, *counts = map(int, line.split("\t"))
            if position in counted:
                theirs[position] = sum(counts), counts["ACGT".index(alts[position])]
    return max(
        abs(mine - other)
        for place, pair in counted.items()
        for mine, other in zip(pair, theirs[place], strict=True)
    )


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    main()
