"""Draw a small genome and mutations in it, and count them the slow, obvious way."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

COMPLEMENT = str.maketrans("ACGT", "TGCA")
WIDTH = 50  # bases a line of the FASTA
COLUMNS = ["cohort", "sample", "gene", "chrom", "position", "ref", "alt", "context"]


def genome(
    seed: int, length: int = 20_000, contigs: Iterable[str] = ("chr1", "chr2", "chrX")
) -> dict[str, str]:
    """Draw contigs of random sequence, by name."""
    rng = np.random.default_rng(seed)
    return {name: "".join(rng.choice(list("ACGT"), length)) for name in contigs}


def write_fasta(contigs: Mapping[str, str], folder: Path) -> Path:
    """Write genome.fa with its index into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    text, index = "", ""
    for name, bases in contigs.items():
        text += f">{name}\n"
        index += f"{name}\t{len(bases)}\t{len(text)}\t{WIDTH}\t{WIDTH + 1}\n"
        text += "".join(f"{bases[at : at + WIDTH]}\n" for at in range(0, len(bases), WIDTH))
    (folder / "genome.fa").write_text(text)
    (folder / "genome.fa.fai").write_text(index)
    return folder / "genome.fa"


def substitution(
    contigs: Mapping[str, str],
    chrom: str,
    position: int,
    rng: np.random.Generator,
    size: int = 1,
    **more: object,
) -> dict[str, object]:
    """Draw a substitution of `size` bases at a position, with the context of its first base."""
    bases = contigs[chrom]
    ref = bases[position - 1 : position - 1 + size]
    alt = "".join(rng.choice([base for base in "ACGT" if base != each]) for each in ref)
    context = bases[max(position - 4, 0) : position + 3]
    row = {"cohort": "A", "sample": "a1", "gene": "G", "chrom": chrom, "position": position}
    return row | {"ref": ref, "alt": alt, "context": context if len(context) == 7 else ""} | more


def mutations(contigs: Mapping[str, str], seed: int, number: int, samples: Iterable[str]) -> pd.DataFrame:
    """Draw substitutions at places apart; of ten, one is a doublet and one a pair of neighbours."""
    rng = np.random.default_rng(seed)
    names, rows = list(samples), []
    for sample in names:
        for chrom, bases in contigs.items():
            places = np.sort(rng.choice(np.arange(10, len(bases) - 10, 8), number, replace=False))
            for position in places + rng.integers(0, 3, number):
                kind = rng.integers(0, 10)
                more = {"sample": sample}
                rows.append(substitution(contigs, chrom, int(position), rng, 2 if kind == 0 else 1, **more))
                if kind == 1:
                    rows.append(substitution(contigs, chrom, int(position) + 1, rng, **more))
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.iloc[rng.permutation(len(table))].reset_index(drop=True)


def reverse_complement(bases: str) -> str:
    return bases.translate(COMPLEMENT)[::-1]


def on_other_strand(contigs: Mapping[str, str], table: pd.DataFrame) -> tuple[dict[str, str], pd.DataFrame]:
    """Turn contigs and mutations over: the same molecules, read along the other strand."""
    turned = {name: reverse_complement(bases) for name, bases in contigs.items()}
    position = table.chrom.map(lambda name: len(contigs[name])) - table.position - table.ref.str.len() + 2
    text = {name: table[name].map(reverse_complement) for name in ("ref", "alt", "context")}
    return turned, table.assign(position=position, **text)


def name_of(before: str, ref: str, alt: str, after: str) -> str:
    """Name a substitution by its pyrimidine."""
    if ref in "AG":
        before, ref, alt, after = (each.translate(COMPLEMENT) for each in (after, ref, alt, before))
    return f"{before}[{ref}>{alt}]{after}"


def slow_counts(contigs: Mapping[str, str], table: pd.DataFrame) -> tuple[Counter, Counter]:
    """Count substitutions and doublets, as (sample, class), one by one; doublets are named as given."""
    singles, doublets = Counter(), Counter()
    for sample, own in table.groupby("sample"):
        alleles = {}
        for row in own.itertuples():
            for step, (ref, alt) in enumerate(zip(row.ref, row.alt, strict=True)):
                alleles[row.chrom, row.position + step] = ref, alt
        for (chrom, position), (ref, alt) in alleles.items():
            behind, ahead = (alleles.get((chrom, position + step)) for step in (-1, 1))
            if ahead:
                doublets[sample, f"{ref}{ahead[0]}>{alt}{ahead[1]}"] += 1
            elif not behind:
                before, after = contigs[chrom][position - 2], contigs[chrom][position]
                singles[sample, name_of(before, ref, alt, after)] += 1
    return singles, doublets
