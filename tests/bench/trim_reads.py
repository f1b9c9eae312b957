"""Time and memory of trim_reads and quantify_transcripts beside bare fastp and salmon with the same options.

Pairs of 2 x 100 bases (five million, or as many as the first argument says) from 2,000 random transcripts,
DNBSEQ adapters where fragments are short. Both ways run one after the other in each round, on the same
files: the bare programs read the gzipped files themselves, ours are also checked. Median of the rounds
(the second argument, by default 1), elapsed and CPU time; memory is the largest of one process.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

PAIRS, ROUNDS, TRANSCRIPTS, LENGTH, CHUNK = 5_000_000, 1, 2_000, 100, 100_000
THREADS = os.cpu_count() or 1
BIN = Path(__file__).parents[2] / "bin"
sys.path.insert(0, str(BIN))
LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)
COMPLEMENT = np.zeros(256, dtype=np.uint8)
COMPLEMENT[list(b"ACGT")] = list(b"TGCA")


def simulate(pairs: int) -> None:
    """Write transcripts.fa, genome.fa and 1.fastq.gz, 2.fastq.gz here."""
    from trim_reads import ADAPTERS

    rng = np.random.default_rng(1)
    lengths = rng.integers(600, 3000, TRANSCRIPTS)
    bases = LETTERS[rng.integers(0, 4, lengths.sum())]
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    with open("transcripts.fa", "wb") as fasta:
        for number, (start, length) in enumerate(zip(starts, lengths, strict=True)):
            fasta.write(b">T%d\n%s\n" % (number, bases[start : start + length].tobytes()))
    Path("genome.fa").write_bytes(b">chr1\n" + LETTERS[rng.integers(0, 4, 3_000_000)].tobytes() + b"\n")
    subprocess.run(["samtools", "faidx", "genome.fa"], check=True)

    weights = rng.lognormal(0, 1.5, TRANSCRIPTS) * lengths
    tails = [
        np.frombuffer(ADAPTERS[f"MGI_read_{mate}"].encode() + b"A" * LENGTH, dtype=np.uint8)
        for mate in (1, 2)
    ]
    cycle = np.arange(LENGTH)
    zippers = [
        subprocess.Popen(["sh", "-c", f"gzip -4 > {mate}.fastq.gz"], stdin=subprocess.PIPE) for mate in (1, 2)
    ]
    for first in range(0, pairs, CHUNK):
        number = min(CHUNK, pairs - first)
        transcript = rng.choice(TRANSCRIPTS, number, p=weights / weights.sum())
        fragment = np.clip(rng.normal(220, 60, number).astype(int), 40, 500)[:, None]
        begin = (starts[transcript] + rng.random(number) * (lengths[transcript] - fragment[:, 0] + 1)).astype(
            int
        )
        within = np.minimum(cycle, fragment - 1)
        mates = [bases[begin[:, None] + within], COMPLEMENT[bases[begin[:, None] + fragment - 1 - within]]]
        names = b"".join(b"@V350L1C001R%09d/0\n" % read for read in range(first, first + number))
        for mate, (reads, tail, zipper) in enumerate(zip(mates, tails, zippers, strict=True), start=1):
            beyond = cycle - fragment
            reads = np.where(beyond >= 0, tail[beyond.clip(0)], reads)
            wrong = rng.random(reads.shape, dtype=np.float32) < 0.002
            reads[wrong] = LETTERS[rng.integers(0, 4, wrong.sum())]
            qualities = np.choose(
                rng.choice(3, reads.shape, p=[0.9, 0.07, 0.03]), np.frombuffer(b"F:,", dtype=np.uint8)
            )
            heads = np.frombuffer(names, dtype=np.uint8).reshape(number, -1).copy()
            heads[:, -2] = ord("0") + mate
            plus = np.broadcast_to(np.frombuffer(b"\n+\n", dtype=np.uint8), (number, 3))
            ends = np.full((number, 1), ord("\n"), dtype=np.uint8)
            zipper.stdin.write(np.hstack([heads, reads, plus, qualities, ends]).tobytes())
    for zipper in zippers:
        zipper.communicate()
    for mate in (1, 2):
        lane = Path(f"reads_{mate}/1")
        lane.mkdir(parents=True)
        (lane / f"{mate}.fastq.gz").symlink_to(Path(f"{mate}.fastq.gz").resolve())


def measure(command: list[str]) -> dict[str, float]:
    """Run a command in a process that measures it."""
    watch = (
        "import json, resource, subprocess, sys, time; start = time.perf_counter(); "
        "subprocess.run(sys.argv[1:], check=True, capture_output=True); "
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(json.dumps({'seconds': time.perf_counter() - start, 'cpu': used.ru_utime + used.ru_stime, "
        "'megabytes': used.ru_maxrss / 1024}))"
    )
    done = subprocess.run([sys.executable, "-c", watch, *map(str, command)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def commands() -> dict[str, list[list[str]]]:
    """Compose what both ways run: trimming, then quantification."""
    from quantify_transcripts import salmon_command
    from trim_reads import fastp_command

    here = Path.cwd()
    for folder in ("bare", "ours"):
        (here / folder).mkdir(exist_ok=True)
    given = [here / f"{mate}.fastq.gz" for mate in (1, 2)]
    trimmed = {
        folder: [here / folder / f"s_{mate}.fastq.gz" for mate in (1, 2)] for folder in ("bare", "ours")
    }
    script = [sys.executable, BIN / "trim_reads.py", "sample", "--sample", "s", "--threads", THREADS]
    quantify = [
        sys.executable,
        BIN / "quantify_transcripts.py",
        "sample",
        "--sample",
        "q",
        "--threads",
        THREADS,
    ]
    reads = [word for mate, path in enumerate(trimmed["ours"], start=1) for word in (f"--reads-{mate}", path)]
    return {
        "bare": [
            fastp_command("s", given, trimmed["bare"], here / "bare", 15, 31, False, THREADS),
            salmon_command(trimmed["bare"], here / "salmon_index", THREADS, here / "bare/q"),
        ],
        "ours": [
            [*script, "--reads-1", "reads_1", "--reads-2", "reads_2", "--results", "ours"],
            [*quantify, *reads, "--salmon-index", "salmon_index", "--results", "ours"],
        ],
    }


def main() -> None:
    """Measure both ways, and print the overhead of ours."""
    pairs = int(sys.argv[1]) if sys.argv[1:] else PAIRS
    rounds = int(sys.argv[2]) if sys.argv[2:] else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        simulate(pairs)
        index = [sys.executable, BIN / "index_transcripts.py", "--genome", "genome.fa"]
        measure([*index, "--transcripts", "transcripts.fa", "--threads", THREADS])
        used: dict[str, list] = {"bare": [], "ours": []}
        both = commands()
        for _ in range(rounds):
            for way, steps in both.items():
                used[way].append([measure(step) for step in steps])
        middle = {
            way: [
                {key: statistics.median(run[step][key] for run in runs) for key in runs[0][step]}
                for step in range(2)
            ]
            for way, runs in used.items()
        }
        alike = all(
            Path(f"bare/s_{mate}.fastq.gz").read_bytes() == Path(f"ours/s_{mate}.fastq.gz").read_bytes()
            for mate in (1, 2)
        )
        seconds, cpu = (
            {way: [step[key] for step in steps] for way, steps in middle.items()}
            for key in ("seconds", "cpu")
        )
        overhead = sum(seconds["ours"]) / sum(seconds["bare"]) - 1
        print(
            f"trim_reads and quantify_transcripts: {overhead:+.1%} of the time of bare fastp and salmon, "
            f"{sum(cpu['ours']) / sum(cpu['bare']) - 1:+.1%} of their CPU time "
            f"({pairs:,} pairs, {THREADS} threads: "
            f"{seconds['ours'][0]:.1f} + {seconds['ours'][1]:.1f} s and "
            f"{seconds['bare'][0]:.1f} + {seconds['bare'][1]:.1f} s; CPU {sum(cpu['ours']):.0f} and "
            f"{sum(cpu['bare']):.0f} s; {max(step['megabytes'] for step in middle['ours']):.0f} and "
            f"{max(step['megabytes'] for step in middle['bare']):.0f} MB); "
            f"trimmed files {'have the same bytes' if alike else 'DIFFER'}"
        )


if __name__ == "__main__":
    main()
