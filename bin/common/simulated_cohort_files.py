"""Write the files of the simulated cohorts: MAFs in two dialects, and what panels cover.

GDC         of exomes: a line of comment, FILTER and CONTEXT, residues with the protein's length, transcripts
            without version, and some genes by their previous symbols.
cBioPortal  of panels: no FILTER, contigs without chr, HGVS with the transcript and its version.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from common.mini_genome import Gene, parts_of
from common.sequence_files import decode
from common.simulated_mutations import Coding
from common.study_design import GENOME_BUILD, ISOFORM_2, PREVIOUS_SYMBOLS, Cohort, GenePanel

FOLDER = "cohort_files"
FLANK = 5  # bases of CONTEXT on either side
PADDING = 10  # bases of a panel's regions around coding exons
CONSEQUENCES = {
    **{"Missense_Mutation": "missense_variant", "Nonsense_Mutation": "stop_gained"},
    **{"Nonstop_Mutation": "stop_lost", "Translation_Start_Site": "start_lost"},
    **{"Silent": "synonymous_variant", "Splice_Site": "splice_region_variant"},
    **{"Frame_Shift_Del": "frameshift_variant", "Frame_Shift_Ins": "frameshift_variant"},
    **{"In_Frame_Del": "inframe_deletion", "In_Frame_Ins": "inframe_insertion"},
}


def plain(table: pd.DataFrame) -> bytes:
    """Write a table, tab-separated."""
    return table.to_csv(sep="\t", index=False, lineterminator="\n").encode()


def regions_of(gene: Gene) -> list[tuple[str, int, int, str]]:
    """List the regions of a gene: its coding exons and some bases around them."""
    design = gene.design
    parts = parts_of(gene, range(len(design.exons)), *design.cds)
    ranges = sorted(gene.on_genome(start, end) for start, end, _ in parts.values())
    return [(design.contig, start - PADDING, end + PADDING, design.gene_name) for start, end in ranges]


def panel_path(panel: GenePanel) -> str:
    """Name the file of a panel."""
    return f"{FOLDER}/{panel.name}.{'bed' if panel.regions else 'txt'}"


def panel_file(panel: GenePanel, names: Sequence[str], genes: Mapping[str, Gene]) -> tuple[str, bytes]:
    """Write the genes of a panel: the path of its file, and what it holds."""
    if not panel.regions:
        lines = [f"# genes of the simulated panel {panel.name}", *sorted(names)]
        return panel_path(panel), ("\n".join(lines) + "\n").encode()
    rows = sorted(row for name in names for row in regions_of(genes[name]))
    text = "".join("\t".join(map(str, row)) + "\n" for row in rows)
    return panel_path(panel), text.encode()


def contexts_of(coding: Coding, rows: pd.DataFrame) -> list[str]:
    """Return the bases around each position, as the GDC does."""
    letters = {name: decode(codes) for name, codes in coding.contigs.items()}
    return [
        letters[chrom][start - 1 - FLANK : start + FLANK]
        for chrom, start in zip(rows.chrom, rows.start, strict=True)
    ]


def maf_of(coding: Coding, cohort: Cohort, samples: pd.DataFrame, rows: pd.DataFrame) -> bytes:
    """Write a MAF: as the GDC does, or, of panels, as cBioPortal does."""
    names = np.array([gene.design.gene_name for gene in coding.genes], dtype=object)
    transcripts = np.array([gene.design.isoforms[0].transcript_id for gene in coding.genes], dtype=object)
    gene = rows.gene.to_numpy(int)
    transcript = np.where(rows.isoform_2.astype(bool), ISOFORM_2[1], transcripts[gene])
    first, last = rows["first"].astype(int).astype(str), rows["last"].astype(int).astype(str)
    residues = first.where(first == last, first + "-" + last)
    residues = residues.where(rows.classification != "Splice_Site", "")
    table = {"Hugo_Symbol": names[gene], "NCBI_Build": GENOME_BUILD, "Chromosome": rows.chrom}
    place = {"Start_Position": rows.start, "End_Position": rows.end}
    kind = {"Variant_Classification": rows.classification, "Variant_Type": rows.variant_type}
    alleles = {"Reference_Allele": rows.ref, "Tumor_Seq_Allele1": rows.ref, "Tumor_Seq_Allele2": rows.alt}
    sample = {"Tumor_Sample_Barcode": samples["sample"].to_numpy()[rows.owner]}
    named = {"HGVSc": rows.hgvs_c, "HGVSp_Short": rows.hgvs_p}
    counts = {"t_ref_count": rows.ref_reads, "t_alt_count": rows.alt_reads}
    if cohort.panels:
        table |= {"Chromosome": rows.chrom.str.removeprefix("chr")} | place
        table |= {"Consequence": rows.classification.map(CONSEQUENCES)} | kind | alleles | sample
        table |= {**named, "HGVSc": transcript + ":" + rows.hgvs_c, "Transcript_ID": transcript}
        table |= {"Protein_position": residues} | counts
        return plain(pd.DataFrame(table))
    length = np.array([len(protein) - 1 for protein in coding.proteins])[gene].astype(str)
    table["Hugo_Symbol"] = pd.Series(names[gene]).replace(PREVIOUS_SYMBOLS)
    table |= place | {"Strand": "+"} | kind | alleles | sample | named
    table |= {"Transcript_ID": [name.split(".")[0] for name in transcript]}
    table |= {
        "t_depth": rows.ref_reads + rows.alt_reads,
        **counts,
        "Protein_position": (residues + "/" + length).where(residues != "", ""),
    }
    table |= {"CONTEXT": contexts_of(coding, rows), "FILTER": rows["filter"].fillna("PASS")}
    return b"#version gdc-1.0.0\n" + plain(pd.DataFrame(table))
