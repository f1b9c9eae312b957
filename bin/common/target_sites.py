"""Find the target genes and the variants that are listed for them in a genome."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pysam

from common.annotation import Transcript, target_transcripts
from common.cli import InputError
from common.variant_sites import (
    MismatchError,
    Sequence,
    Variant,
    from_hgvs,
    normal_form,
    sequence_around,
    vcf_fields,
    write_sites,
)

BASES = re.compile("[ACGT]+")
SITE = ["gene", "locus", "source", "chrom", "pos", "ref", "alt"]
REASONS = {
    "no_transcript": "the annotation has none of {ids}",
    "no_cds": "{ids} has no coding sequence in the annotation, and that given is no open reading frame",
}
DESCRIPTIONS = {
    "GENE": "Target gene",
    "LOCUS": "Name of the variant in the sheet of loci",
    "SOURCE": "Why the site is here: locus (named), dna (found in DNA), rna (found in RNA)",
}


class Target(NamedTuple):
    """A gene with its exons, from left to right, and the stretch of the genome around it.

    A variant of DNA that is near no target gene is a target of its own, without transcript and exons.
    """

    gene: str
    transcript: Transcript | None
    exons: tuple[tuple[int, int], ...]
    sequence: Sequence

    def distance(self, contig: str, place: int) -> int | None:
        """Return the bases from a place to the nearest exon; None if it is not near the gene."""
        if contig != self.sequence.contig or not self.sequence.start <= place < self.sequence.end:
            return None
        return min((max(start - place, place - end + 1, 0) for start, end in self.exons), default=None)


class Site(NamedTuple):
    """A variant to count, and why: its name in the sheet of loci, and the sources between semicolons."""

    variant: Variant
    locus: str
    source: str


def reason_for(status: str, ids: str) -> str:
    """Say why a transcript cannot be used."""
    return REASONS[status].format(ids=ids.replace(";", ", "))


def find_targets(
    genes: pd.DataFrame, annotation: Path, genome: pysam.FastaFile
) -> dict[str, Transcript | str]:
    """Find the transcripts of target_genes.tsv in a GTF; a status stands for what cannot be found."""
    rows = genes.astype(object).where(genes.notna(), None).itertuples(index=False, name=None)
    return target_transcripts(rows, annotation, genome)


def targets_of(found: Mapping[str, Transcript | str], genome: pysam.FastaFile) -> dict[str, Target]:
    """Return the targets of the genes whose transcript was found."""
    targets = {}
    for gene, transcript in found.items():
        if isinstance(transcript, Transcript):
            exons = tuple(sorted(transcript.exons))
            around = sequence_around(genome, transcript.contig, exons[0][0], exons[-1][1])
            targets[gene] = Target(gene, transcript, exons, around)
    return targets


def map_loci(
    loci: pd.DataFrame, found: Mapping[str, Transcript | str], targets: Mapping[str, Target]
) -> tuple[dict[str, list[Site]], list[dict[str, str]]]:
    """Find the loci (gene, transcript, hgvs_c) of each gene, and describe those that cannot be found."""
    sites: dict[str, list[Site]] = {gene: [] for gene in targets}
    lost = []
    for row in loci.itertuples():
        entry = {"gene": row.gene, "locus": row.hgvs_c, "source": "locus"}
        target = targets.get(row.gene)
        if target is None:
            status = found.get(row.gene, "no_transcript")
            lost.append(entry | {"status": status, "reason": reason_for(status, row.transcript)})
            continue
        try:
            variant = from_hgvs(row.hgvs_c, target.transcript, target.sequence)
        except MismatchError as error:
            lost.append(entry | {"status": "reference_mismatch", "reason": str(error)})
        else:
            sites[row.gene].append(Site(variant, row.hgvs_c, "locus"))
    return sites, lost


def add_dna(
    variants: Iterable[tuple[str, int, str, str]],
    genome: pysam.FastaFile,
    targets: dict[str, Target],
    sites: dict[str, list[Site]],
) -> list[dict[str, object]]:
    """Add variants of DNA to the sites of the nearest gene; describe those that the genome contradicts.

    Symbolic alleles have no bases to count and are left out.
    """
    lost = []
    for contig, start, ref, alt in variants:
        if contig not in genome.references:
            raise InputError(f"{contig}:{start + 1}:{ref}>{alt}, found in DNA: the genome has no such contig")
        if not BASES.fullmatch(ref + alt) or ref == alt:
            continue
        near = {name: target.distance(contig, start) for name, target in targets.items()}
        near = {name: distance for name, distance in near.items() if distance is not None}
        name = min(near, key=near.get, default=f"{contig}:{start + 1}")
        if name not in targets:
            targets[name] = Target("", None, (), sequence_around(genome, contig, start, start + len(ref)))
        target, listed = targets[name], sites.setdefault(name, [])
        if (own := target.sequence.cut(start, start + len(ref))) != ref:
            place = {"chrom": contig, "pos": start + 1, "ref": ref, "alt": alt}
            status = {"status": "reference_mismatch", "reason": f"the genome has {own} instead of {ref}"}
            lost.append({"gene": target.gene, "locus": "", "source": "dna"} | place | status)
            continue
        variant = normal_form(start, ref, alt, target.sequence)
        known = [number for number, site in enumerate(listed) if site.variant == variant]
        for number in known:
            if listed[number].locus:
                listed[number] = listed[number]._replace(source="locus;dna")
        if not known:
            listed.append(Site(variant, "", "dna"))
    return lost


def describe_site(site: Site, target: Target) -> dict[str, object]:
    """Return the columns of tables that name a site."""
    fields = vcf_fields(site.variant, target.sequence)
    return dict(zip(SITE, (target.gene, site.locus, site.source, *fields), strict=True))


def write_vcf(path: Path, table: pd.DataFrame, genome: pysam.FastaFile) -> None:
    """Write the sites of a table (columns SITE) as VCF, each once, in the order of the genome."""
    order = {name: number for number, name in enumerate(genome.references)}
    merged: dict[tuple[int, int, str, str], dict[str, list[str]]] = {}
    for row in table.itertuples():
        values = merged.setdefault((order[row.chrom], row.pos, row.ref, row.alt), {})
        given = {"GENE": [row.gene], "LOCUS": [row.locus], "SOURCE": row.source.split(";")}
        for name, items in given.items():
            kept = values.setdefault(name, [])
            kept += [item for item in items if item and item not in kept]
    write_sites(
        path,
        zip(genome.references, genome.lengths, strict=True),
        DESCRIPTIONS,
        (
            (genome.references[contig], *fields, {name: ",".join(items) for name, items in values.items()})
            for (contig, *fields), values in sorted(merged.items(), key=lambda item: item[0])
        ),
    )
