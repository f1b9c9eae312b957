"""Small libraries of reads with a known origin, as FASTQ files in numbered folders."""

import gzip
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

MGI = ("AAGTCGGAGGCCAAGCGGTCTTAGGAAGACAA", "AAGTCGGATCGTAGCCATGTCGTTCTGTGAGCCAAGGAGTTG")
TRUSEQ = ("AGATCGGAAGAGCACACGTCTGAACTCCAGTCA", "AGATCGGAAGAGCGTCGTGTAGGGAAAGAGTGT")
COMPLEMENT = str.maketrans("ACGT", "TGCA")


def random_sequence(length: int, rng: random.Random) -> str:
    return "".join(rng.choices("ACGT", k=length))


def reverse_complement(sequence: str) -> str:
    return sequence.translate(COMPLEMENT)[::-1]


def random_fragments(count: int, shortest: int, longest: int, seed: int = 1) -> list[str]:
    rng = random.Random(seed)
    return [random_sequence(rng.randint(shortest, longest), rng) for _ in range(count)]


def sequenced(fragment: str, adapter: str, length: int) -> str:
    """A read of a fragment, and of the adapter and what follows where that is shorter than the read."""
    return (fragment + adapter + "CTAT" * length)[:length]


def pairs_of(
    fragments: Iterable[str], adapters: tuple[str, str] = MGI, length: int = 100
) -> list[tuple[str, str]]:
    return [
        (
            sequenced(fragment, adapters[0], length),
            sequenced(reverse_complement(fragment), adapters[1], length),
        )
        for fragment in fragments
    ]


def fastq(reads: Iterable[str], mate: int = 1, prefix: str = "V350L1C001R", quality: str = "I") -> str:
    return "".join(
        f"@{prefix}{number}/{mate}\n{bases}\n+\n{quality * len(bases)}\n"
        for number, bases in enumerate(reads)
    )


def write_lanes(folder: Path, contents: Sequence[bytes], name: str = "x.fastq.gz") -> Path:
    """Write the content of each lane to a numbered folder of its own, as the process stages them."""
    for lane, content in enumerate(contents, start=1):
        (folder / str(lane)).mkdir(parents=True)
        (folder / str(lane) / name).write_bytes(content)
    return folder


def zipped(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


def read_fastq(path: Path) -> list[str]:
    """The bases of each read of a gzipped file."""
    return gzip.decompress(path.read_bytes()).decode().split("\n")[1::4]
