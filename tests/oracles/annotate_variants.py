#!/usr/bin/env python3
"""Ask bcftools csq what random variants of two genes do; writes annotate_variants_csq.tsv.

Run as `cd tests/oracles && PYTHONPATH=../../bin:.. python annotate_variants.py`, with bcftools on the PATH.
The genome and its variants are those of tests/coding_genome.py; csq reads the same transcripts from a
GFF3 in the manner of Ensembl. Variants are given to it one at a time (--local-csq), left-aligned, and with
the base before them where their alleles differ in length: csq 1.16 misreads deletion-insertions without it.
"""

import subprocess
import tempfile
from pathlib import Path

import coding_genome

SEED, GENES, NUMBER = 20, 2, 700


def write_gff(transcripts: list, path: Path) -> Path:
    """Write coding transcripts as Ensembl's GFF3."""
    lines = ["##gff-version 3\n"]
    for each in transcripts:
        low, high = min(each.exons)[0] + 1, max(end for _, end in each.exons)
        gene, name = f"ID=gene:{each.gene_id}", f"transcript:{each.transcript_id}"
        parts = [
            ("gene", low, high, ".", f"{gene};Name={each.gene_name};biotype=protein_coding"),
            ("mRNA", low, high, ".", f"ID={name};Parent=gene:{each.gene_id};biotype=protein_coding"),
        ]
        parts += [("exon", start + 1, end, ".", f"Parent={name}") for start, end in sorted(each.exons)]
        coding = sorted(coding_genome.coding_rows(each))
        parts += [("CDS", start + 1, end, str(phase), f"Parent={name}") for start, end, phase in coding]
        first, behind = each.cds
        for kind, near, far in (
            ("five_prime_UTR", 0, first),
            ("three_prime_UTR", behind, each.length),
        ):
            for (start, end), offset in zip(each.exons, each.starts, strict=True):
                left, right = max(near, offset), min(far, offset + end - start)
                if left < right:
                    place = sorted((each.to_genome(left), each.to_genome(right - 1)))
                    parts.append((kind, place[0] + 1, place[1] + 1, ".", f"Parent={name}"))
        lines += [
            f"{each.contig}\tensembl\t{kind}\t{start}\t{end}\t.\t{each.strand}\t{phase}\t{attributes}\n"
            for kind, start, end, phase, attributes in parts
        ]
    path.write_text("".join(lines))
    return path


def main() -> None:
    """Run csq, and write a row a variant and transcript."""
    contigs, transcripts = coding_genome.genome(SEED, GENES)
    drawn = coding_genome.alleles(contigs, transcripts, SEED, NUMBER)
    placed = dict.fromkeys(coding_genome.anchored(contigs[each.contig], each) for each in drawn)
    version = subprocess.run(["bcftools", "--version"], capture_output=True, text=True).stdout.split()[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fasta = coding_genome.write_fasta(contigs, folder / "genome.fa")
        gff = write_gff(transcripts, folder / "genes.gff3")
        vcf = coding_genome.write_vcf(list(placed), folder / "variants.vcf")
        command = ["bcftools", "csq", "--local-csq", "--ncsq", "64", "-f", fasta, "-g", gff, vcf, "-Ov"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = []
    for line in done.stdout.splitlines():
        if not line.startswith("#"):
            contig, position, _, ref, alt, _, _, info, *_ = line.split("\t")
            for found in info.removeprefix("BCSQ=").split(",") if info.startswith("BCSQ=") else []:
                # consequence|gene|transcript|biotype|strand|amino acids|change of the DNA
                consequence, _, transcript, _, *rest = found.split("|")
                change = rest[1] if len(rest) > 1 else ""
                rows.append("\t".join([contig, position, ref, alt, transcript, consequence, change]))
    header = f"# bcftools csq {version}, --local-csq; made by annotate_variants.py\n"
    columns = "chrom\tpos\tref\talt\ttranscript\tconsequence\tamino_acids\n"
    Path("annotate_variants_csq.tsv").write_text(header + columns + "\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
