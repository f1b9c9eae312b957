"""List the places of the mini genome where a mutation changes a transcript, and say what each would do.

Places are the bases of coding sequences and the two bases of introns on either side of a coding exon, all of
each gene's transcript with all exons. They count from 0; bases are codes (common.sequence_files).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from common.mini_genome import GENETIC_CODE, Gene
from common.sequence_files import LETTERS, decode, reverse_complement

PYRIMIDINES = np.array([False, True, False, True])  # by code
SPLICE_BASES = 2
# Amino acids as letters, by 16 * first + 4 * second + third base.
AMINO_ACIDS = np.array(
    [ord(GENETIC_CODE[a + b + c]) for a in "ACGT" for b in "ACGT" for c in "ACGT"], dtype=np.uint8
)
STOP = ord("*")
CLASSES = np.array(
    [
        *("Silent", "Missense_Mutation", "Nonsense_Mutation", "Nonstop_Mutation"),
        *("Translation_Start_Site", "Splice_Site"),
    ],
    dtype=object,
)
SILENT, MISSENSE, NONSENSE, NONSTOP, START, SPLICE = range(len(CLASSES))
CHANGE = [
    "gene",
    "start",
    "end",
    "variant_type",
    "ref",
    "alt",
    "classification",
    "hgvs_c",
    "hgvs_p",
    "first",
    "last",
]


class Coding(NamedTuple):
    """Coding genes of a genome, and arrays of one length that describe every place.

    Within a gene coding bases come first, in the order of the transcript, then those of introns.
    """

    genes: Sequence[Gene]
    contigs: Mapping[str, np.ndarray]
    sequences: list[np.ndarray]  # of each gene, from the start codon to the end of the transcript
    proteins: list[str]  # with the stop
    codes: np.ndarray  # all coding sequences, one behind the other
    starts: np.ndarray  # of each gene's, in `codes`
    gene: np.ndarray  # number of the gene
    contig: np.ndarray  # number of the contig
    position: np.ndarray  # on the contig
    forward: np.ndarray  # whether the gene reads as the contig does
    base: np.ndarray  # of the coding sequence; of a splice site that next to it
    step: np.ndarray  # 0; in an intron bases behind (1, 2) or before (-1, -2) the exon
    first: np.ndarray  # of each gene, in these arrays

    def residues(self, place: np.ndarray) -> np.ndarray:
        """Return the residues of places, from 1."""
        return self.base[place] // 3 + 1


def translate(codes: np.ndarray) -> str:
    """Translate whole codons up to the first stop, which is included; or to the end."""
    codons = codes[: len(codes) // 3 * 3].reshape(-1, 3)
    letters = AMINO_ACIDS[codons @ np.array([16, 4, 1])]
    stops = np.flatnonzero(letters == STOP)
    return letters[: stops[0] + 1 if len(stops) else None].tobytes().decode()


def places_of(gene: Gene) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """List the places of a gene: where in its unspliced sequence, base of the coding sequence, step."""
    start, end = gene.design.cds
    spliced = np.concatenate([np.arange(*exon) for exon in gene.exons])[start:end]
    junctions = np.cumsum(gene.design.exons)[:-1] - start
    junctions = junctions[(junctions > 0) & (junctions < end - start)]
    steps = np.arange(1, SPLICE_BASES + 1)
    donors, acceptors = spliced[junctions - 1][:, None] + steps, spliced[junctions][:, None] - steps
    return (
        np.concatenate([spliced, donors.ravel(), acceptors.ravel()]),
        np.concatenate(
            [np.arange(end - start), np.repeat(junctions - 1, len(steps)), np.repeat(junctions, len(steps))]
        ),
        np.concatenate(
            [np.zeros(end - start, int), np.tile(steps, len(junctions)), np.tile(-steps, len(junctions))]
        ),
    )


def coding_of(contigs: Mapping[str, np.ndarray], genes: Sequence[Gene]) -> Coding:
    """List the places of all coding genes."""
    genes = [gene for gene in genes if gene.design.cds]
    numbers = {name: number for number, name in enumerate(contigs)}
    parts, sequences, forward, lengths = [], [], [], []
    for gene in genes:
        unspliced, base, step = places_of(gene)
        forward.append(gene.design.strand == "+")
        last = gene.start + len(gene.unspliced) - 1
        parts.append((gene.start + unspliced if forward[-1] else last - unspliced, base, step))
        sequences.append(gene.transcript()[gene.design.cds[0] :])
        lengths.append(gene.design.cds[1] - gene.design.cds[0])
    sizes = np.array([len(base) for _, base, _ in parts])
    position, base, step = map(np.concatenate, zip(*parts, strict=True))
    of_contig = np.array([numbers[gene.design.contig] for gene in genes])
    return Coding(
        genes,
        contigs,
        sequences,
        [translate(codes) for codes in sequences],
        np.concatenate([codes[:length] for codes, length in zip(sequences, lengths, strict=True)]),
        np.cumsum([0, *lengths[:-1]]),
        np.repeat(np.arange(len(genes)), sizes),
        np.repeat(of_contig, sizes),
        *(position, np.repeat(forward, sizes), base, step),
        np.cumsum([0, *sizes[:-1]]),
    )


def trinucleotides(coding: Coding) -> tuple[np.ndarray, np.ndarray]:
    """Return the trinucleotide of each place, by its pyrimidine, and whether the contig's strand has that.

    It is 16 * (T in the middle) + 4 * base before + base behind.
    """
    offsets = np.cumsum([0, *[len(codes) for codes in coding.contigs.values()]])
    genome = np.concatenate(list(coding.contigs.values()))
    at = offsets[coding.contig] + coding.position
    before, ref, behind = genome[at - 1], genome[at], genome[at + 1]
    own = PYRIMIDINES[ref]
    before, ref, behind = (
        np.where(own, before, 3 - behind),
        np.where(own, ref, 3 - ref),
        np.where(own, behind, 3 - before),
    )
    return 16 * (ref == 3) + 4 * before.astype(int) + behind, own


def classes_of(
    coding: Coding, place: np.ndarray, alt: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Classify substitutions by bases of the contig: number in CLASSES, letters of both residues."""
    base, start = coding.base[place], coding.starts[coding.gene[place]]
    codons = coding.codes[(start + base - base % 3)[:, None] + np.arange(3)]
    changed = codons.copy()
    changed[np.arange(len(place)), base % 3] = np.where(coding.forward[place], alt, 3 - alt)
    before, after = (AMINO_ACIDS[each @ np.array([16, 4, 1])] for each in (codons, changed))
    conditions = [coding.step[place] != 0, before == after, base < 3, before == STOP, after == STOP]
    return np.select(conditions, [SPLICE, SILENT, START, NONSTOP, NONSENSE], MISSENSE), before, after


def substitutions(coding: Coding, place: np.ndarray, alt: np.ndarray, left_out: np.ndarray) -> pd.DataFrame:
    """Describe substitutions by bases of the contig, a row each (CHANGE).

    `left_out` is how many residues at its beginning an isoform lacks on which it is named.
    """
    kind, before, after = classes_of(coding, place, alt)
    forward, step = coding.forward[place], coding.step[place]
    base, residue = coding.base[place] - 3 * left_out, coding.residues(place) - left_out
    genome = [coding.contigs[name] for name in coding.contigs]
    ref = np.array(
        [genome[contig][at] for contig, at in zip(coding.contig[place], coding.position[place], strict=True)]
    )
    letters = [map(chr, LETTERS[np.where(forward, codes, 3 - codes)]) for codes in (ref, alt)]
    names_c = [
        f"c.{at + 1}{f'{offset:+d}' if offset else ''}{one}>{other}"
        for at, offset, one, other in zip(base, step, *letters, strict=True)
    ]
    ends = {SPLICE: "_splice", SILENT: "=", START: "?"}
    names_p = []
    for number, at, one, other in zip(kind, residue, before, after, strict=True):
        first = "X" if number == SPLICE else chr(one)
        last = chr(other) if number in (MISSENSE, NONSENSE, NONSTOP) else ""
        names_p.append(f"p.{first}{at}{last}{ends.get(number, '')}")
    for row in np.flatnonzero(kind == NONSTOP):
        names_p[row] += extension(coding, place[row], alt[row])
    table = pd.DataFrame({"gene": coding.gene[place], "start": coding.position[place] + 1})
    return table.assign(
        end=table.start,
        variant_type="SNP",
        ref=[chr(letter) for letter in LETTERS[ref]],
        alt=[chr(letter) for letter in LETTERS[alt]],
        classification=CLASSES[kind],
        **{"hgvs_c": names_c, "hgvs_p": names_p, "first": residue, "last": residue},
    )


def extension(coding: Coding, place: int, alt: int) -> str:
    """Say how much longer a protein becomes that a substitution in its stop codon extends."""
    number = coding.gene[place]
    changed = coding.sequences[number].copy()
    changed[coding.base[place]] = alt if coding.forward[place] else 3 - alt
    became = translate(changed)
    added = len(became) - len(coding.proteins[number])
    return f"ext*{added if became.endswith('*') else '?'}"


def is_coding_stretch(coding: Coding, place: int, length: int) -> bool:
    """Tell whether so many bases from a place on lie in one exon, and not in the start or the stop codon."""
    end, base = place + length - 1, int(coding.base[place])
    if place < 0 or end >= len(coding.gene) or coding.gene[place] != coding.gene[end]:
        return False
    last = 3 * len(coding.proteins[coding.gene[place]]) - 4
    apart = abs(int(coding.position[end]) - int(coding.position[place]))
    return (
        not coding.step[place]
        and not coding.step[end]
        and apart == length - 1
        and 3 <= base <= last - length + 1
    )


def protein_change(before: str, after: str, left_out: int) -> tuple[str, int, int]:
    """Name what becomes of a protein, both with their stops: HGVS, first and last residue.

    Of a change that keeps the frame, that is: as far towards the end as possible.
    """
    same = next(
        (at for at, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), len(after)
    )
    tail = 0
    while tail < min(len(before), len(after)) - same and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    lost, gained = before[same : len(before) - tail], after[same : len(after) - tail]
    first, last = same + 1 - left_out, same + len(lost) - left_out
    span = f"{before[same]}{first}" + (f"_{lost[-1]}{last}" if len(lost) > 1 else "")
    if not lost:
        if before[same - len(gained) : same] == gained:
            copied = f"{gained[0]}{first - len(gained)}" + (
                f"_{gained[-1]}{first - 1}" if len(gained) > 1 else ""
            )
            return f"p.{copied}dup", first - len(gained), first - 1
        return f"p.{before[same - 1]}{first - 1}_{before[same]}{first}ins{gained}", first - 1, first
    if len(lost) == len(gained) == 1:
        return f"p.{span}{gained}", first, last
    return f"p.{span}del" + (f"ins{gained}" if gained else ""), first, last


def shifted_left(
    contig: np.ndarray, start: int, end: int, inserted: np.ndarray
) -> tuple[int, int, np.ndarray]:
    """Move a deletion (or, of no length, an insertion) as far left on a contig as means the same."""
    while end > start and contig[start - 1] == contig[end - 1]:
        start, end = start - 1, end - 1
    while len(inserted) and contig[start - 1] == inserted[-1]:
        start, end, inserted = start - 1, end - 1, np.roll(inserted, 1)
    return start, end, inserted


def shifted_right(codes: np.ndarray, base: int, deleted: int, inserted: np.ndarray) -> tuple[int, np.ndarray]:
    """Move a deletion or an insertion as far to the end of a transcript as means the same, as HGVS does."""
    while deleted and base + deleted < len(codes) and codes[base] == codes[base + deleted]:
        base += 1
    while len(inserted) and base < len(codes) and codes[base] == inserted[0]:
        base, inserted = base + 1, np.roll(inserted, -1)
    return base, inserted


def coding_change(codes: np.ndarray, base: int, deleted: int, inserted: np.ndarray, left_out: int) -> str:
    """Name a doublet, a deletion or an insertion on the transcript."""
    if deleted and len(inserted):
        first = base + 1 - 3 * left_out
        turned = (reverse_complement(codes[base : base + deleted]) == inserted).all()
        return f"c.{first}_{first + deleted - 1}" + ("inv" if turned else f"delins{decode(inserted)}")
    base, inserted = shifted_right(codes, base, deleted, inserted)
    first = base + 1 - 3 * left_out
    if deleted:
        return f"c.{first}" + (f"_{first + deleted - 1}" if deleted > 1 else "") + "del"
    length = len(inserted)
    if (codes[base - length : base] == inserted).all():
        return f"c.{first - length}" + (f"_{first - 1}" if length > 1 else "") + "dup"
    return f"c.{first - 1}_{first}ins{decode(inserted)}"


def replaced(
    coding: Coding, place: int, deleted: int, inserted: np.ndarray, left_out: int = 0
) -> tuple | None:
    """Describe a doublet, a deletion or an insertion (before a place), on the gene's strand: a row of CHANGE.

    None if it or a spelling of it goes beyond a coding exon, or it changes start or stop codon, or brings
    a stop within the frame.
    """
    number, forward = int(coding.gene[place]), bool(coding.forward[place])
    base, codes, protein = int(coding.base[place]), coding.sequences[number], coding.proteins[number]
    contig = coding.contigs[coding.genes[number].design.contig]
    at = int(coding.position[place])
    start = at if forward else at - deleted + 1
    alt = inserted if forward else reverse_complement(inserted)
    doublet = deleted > 0 and len(inserted) > 0
    end = start + deleted
    if not doublet:
        start, end, alt = shifted_left(contig, start, end, alt)
    moved = abs(start - (at if forward else at - deleted + 1))
    moved_right = shifted_right(codes, base, deleted, inserted)[0] - base if not doublet else 0
    behind = moved_right if forward else max(moved, moved_right)
    before = moved if forward else 0
    if not is_coding_stretch(coding, place - before - 1, deleted + before + behind + 2):
        return None
    after = np.concatenate([codes[:base], inserted, codes[base + deleted :]])
    became = translate(after)
    if doublet:
        kind, name, first, last = doublet_change(protein, translate_all(after, len(protein)), base, left_out)
    elif (len(inserted) - deleted) % 3 == 0:
        if len(became) != len(protein) + (len(inserted) - deleted) // 3:
            return None
        kind = "In_Frame_Ins" if len(inserted) else "In_Frame_Del"
        name, first, last = protein_change(protein, became, left_out)
    else:
        kind = "Frame_Shift_Ins" if len(inserted) else "Frame_Shift_Del"
        same = next(at for at, pair in enumerate(zip(protein, became, strict=False)) if pair[0] != pair[1])
        first = last = same + 1 - left_out
        if became[same] == "*":
            name = f"p.{protein[same]}{first}*"
        else:
            stop = len(became) - same if became[-1] == "*" else "?"
            name = f"p.{protein[same]}{first}{became[same]}fs*{stop}"
    row = (number, start + 1, end, "DNP", decode(contig[start:end]), decode(alt))
    if not doublet:
        row = (number, start + 1, end, "DEL", decode(contig[start:end]), "-")
        if len(inserted):
            row = (number, start, start + 1, "INS", "-", decode(alt))
    return (*row, kind, coding_change(codes, base, deleted, inserted, left_out), name, first, last)


def translate_all(codes: np.ndarray, residues: int) -> str:
    """Translate so many codons, beyond stops."""
    return AMINO_ACIDS[codes[: 3 * residues].reshape(-1, 3) @ np.array([16, 4, 1])].tobytes().decode()


def doublet_change(before: str, after: str, base: int, left_out: int) -> tuple[str, str, int, int]:
    """Classify and name what a doublet does to the one or two residues that it touches."""
    touched = range(base // 3, (base + 1) // 3 + 1)
    differ = [at for at in touched if before[at] != after[at]] or [*touched]
    old, new = (protein[differ[0] : differ[-1] + 1] for protein in (before, after))
    new = new.split("*")[0] + "*" * ("*" in new)
    first, last = differ[0] + 1 - left_out, differ[-1] + 1 - left_out
    if new[0] == "*":
        return "Nonsense_Mutation", f"p.{old[0]}{first}*", first, first
    kind = "Silent" if new == old else "Nonsense_Mutation" if "*" in new else "Missense_Mutation"
    span = f"p.{old[0]}{first}" + (f"_{old[-1]}{last}" if len(old) > 1 else "")
    change = "=" if new == old else new if len(old) == 1 else f"delins{new}"
    return kind, span + change, first, last
