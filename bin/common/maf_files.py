"""Read tables of mutations in their dialects: MAF of the GDC, Oncotator and cBioPortal, C-CAT's exports."""

import csv
import gzip
import re
from collections.abc import Callable, Container, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow

from common.cli import InputError
from common.multiqc import listed
from common.protein_names import SHORT

LONGEST_LINE = 2**24  # bytes of a header, decompressed
C_CAT = (
    "c_cat調査結果_変異情報_"  # of the table that C-CAT's portal exports, as github.com/MANO-B/FELIS reads it
)
# Columns of each field, the first that a file has: in lower case, with _ for all but letters and digits.
FIELDS = {
    "sample": ("tumor_sample_barcode", "sample_id", "tumor_sample", "c_cat調査結果_基本項目_ハッシュid"),
    "gene": ("hugo_symbol", "gene_symbol", "symbol", C_CAT + "マーカー"),
    "chrom": ("chromosome", "chrom", "chr", C_CAT + "クロモソーム番号"),
    "position": ("start_position", "start_pos", "start", "position", C_CAT + "物理位置"),
    "ref": ("reference_allele", "ref", C_CAT + "リファレンス塩基"),
    "alt": ("tumor_seq_allele2", "variant_allele", "alt", "var", C_CAT + "塩基変化"),
    "alt_1": ("tumor_seq_allele1",),
    "classification": ("variant_classification", "mutation_type"),
    "filter": ("filter",),
    "origin": ("mutation_status", C_CAT + "変異由来"),
    "kind": (C_CAT + "変異種類",),
    "transcript": (
        "transcript_id",
        "annotation_transcript",
        "refseq_mrna_id",
        "refseq",
        "feature",
        C_CAT + "転写産物id",
    ),
    "hgvs_c": ("hgvsc", "hgvs_c", "cdna_change"),
    "hgvs_p": (
        *("hgvsp_short", "protein_change", "amino_acid_change", "hgvsp", "hgvs_p", "aa_change"),
        C_CAT + "変異内容",
    ),
    "protein_position": ("protein_position",),
    "context": ("context", "ref_context"),
    "t_ref": ("t_ref_count",),
    "t_alt": ("t_alt_count",),
    "t_depth": ("t_depth",),
    "build": ("ncbi_build", "genome_build"),
    "vaf": ("t_vaf", "vaf", "tumor_f", "i_tumor_f", "allele_freq_t", C_CAT + "変異アレル頻度"),
}
NEEDED = {
    "sample": "Tumor_Sample_Barcode",
    "gene": "Hugo_Symbol",
    "chrom": "Chromosome",
    "position": "Start_Position",
    "ref": "Reference_Allele",
    "alt": "Tumor_Seq_Allele2",
}
MISSING = ("", ".", "NA", "__UNKNOWN__")

# The vocabulary of Variant_Classification, and further names of the same.
STANDARD = (
    *("Missense_Mutation", "Nonsense_Mutation", "Frame_Shift_Del", "Frame_Shift_Ins", "In_Frame_Del"),
    *("In_Frame_Ins", "Splice_Site", "Splice_Region", "Translation_Start_Site", "Nonstop_Mutation", "Silent"),
    *("3'UTR", "5'UTR", "3'Flank", "5'Flank", "Intron", "IGR", "RNA", "lincRNA", "Targeted_Region"),
    *("De_novo_Start_InFrame", "De_novo_Start_OutOfFrame", "Start_Codon_SNP", "Start_Codon_Del"),
    *("Start_Codon_Ins", "Stop_Codon_Del", "Stop_Codon_Ins"),
)
FURTHER = {
    "missense": "Missense_Mutation",
    "missense_variant": "Missense_Mutation",
    "nonsense": "Nonsense_Mutation",
    "stop_gained": "Nonsense_Mutation",
    "frame_shift_deletion": "Frame_Shift_Del",
    "frame_shift_insertion": "Frame_Shift_Ins",
    "inframe_deletion": "In_Frame_Del",
    "in_frame_deletion": "In_Frame_Del",
    "inframe_insertion": "In_Frame_Ins",
    "in_frame_insertion": "In_Frame_Ins",
    "splice_acceptor_variant": "Splice_Site",
    "splice_donor_variant": "Splice_Site",
    "splice_region_variant": "Splice_Region",
    "start_lost": "Translation_Start_Site",
    "stop_lost": "Nonstop_Mutation",
    "synonymous": "Silent",
    "synonymous_variant": "Silent",
    "3_prime_utr_variant": "3'UTR",
    "5_prime_utr_variant": "5'UTR",
    "downstream_gene_variant": "3'Flank",
    "upstream_gene_variant": "5'Flank",
    "intron_variant": "Intron",
}


class Maf(NamedTuple):
    """A file's rows: the values of each field as text, empty if missing; and which columns they are from."""

    fields: dict[str, pa.Array]
    columns: dict[str, str]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.fields["sample"])


def plain(name: str) -> str:
    """Write a column's name as FIELDS has it."""
    return re.sub(r"[\W_]+", "_", name.strip().strip('"').lower()).strip("_")


NAMES = {plain(name): name for name in STANDARD} | FURTHER


def find_columns(header: Sequence[str]) -> dict[str, int]:
    """Return the number of the column of each field that a header has."""
    numbers: dict[str, int] = {}
    for number, name in enumerate(header):
        numbers.setdefault(plain(name), number)
    found = {
        field: next((numbers[name] for name in names if name in numbers), -1)
        for field, names in FIELDS.items()
    }
    return {field: number for field, number in found.items() if number >= 0}


class Header(NamedTuple):
    """How a file begins."""

    lines: int  # before its rows
    columns: list[str]
    delimiter: str
    encoding: str


def read_header(path: Path) -> Header:
    """Read the header of a file, below comment lines; without one it is an InputError."""
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    with gzip.open(path) if compressed else path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), 1):  # noqa: B007
            if len(line) == LONGEST_LINE:
                found = f"more characters than are read in a line ({LONGEST_LINE:,})"
                raise InputError(f"{path.name}: {found} (expected the columns of a MAF)")
            content = line.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")
            if content and not content.startswith(b"#"):
                break
        else:
            raise InputError(f"{path.name}: no header (expected the columns of a MAF)")
    try:
        header, encoding = content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        header, encoding = content.decode("cp932", errors="replace"), "cp932"
    if "\t" in header:
        return Header(number, [name.strip('"') for name in header.split("\t")], "\t", encoding)
    return Header(number, next(csv.reader([header])), ",", encoding)


def read_maf(path: Path) -> Maf:
    """Read what is needed of a MAF; a column that lacks, or a row of another length, is an InputError."""
    header = read_header(path).columns
    numbers = find_columns(header)
    if lacking := [column for field, column in NEEDED.items() if field not in numbers]:
        has = ", ".join(header[:20]) + (", …" if len(header) > 20 else "")
        raise InputError(f"{path.name}: no column {listed(lacking)} (has {has})")
    if not numbers.keys() & {"classification", "hgvs_p"}:
        raise InputError(f"{path.name}: no column Variant_Classification or HGVSp_Short (has neither)")
    fields = read_fields(path, FIELDS)
    if "alt_1" in fields:
        same = pc.or_(pc.equal(fields["alt"], fields["ref"]), pc.equal(fields["alt"], ""))
        fields["alt"] = pc.if_else(same, fields["alt_1"], fields["alt"])
    return Maf(fields, {field: header[number] for field, number in numbers.items()})


def read_fields(path: Path, fields: Container[str]) -> dict[str, pa.Array]:
    """Read those of the fields that a MAF has; a row of another length is an InputError."""
    before, header, delimiter, encoding = read_header(path)
    numbers = {field: number for field, number in find_columns(header).items() if field in fields}
    names = [str(number) for number in range(len(header))]
    wanted = [names[number] for number in dict.fromkeys(numbers.values())]
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    try:
        with pa.input_stream(str(path), compression="gzip" if compressed else None) as stream:
            table = arrow.read_csv(
                stream,
                arrow.ReadOptions(
                    column_names=names, skip_rows=before, encoding=encoding, block_size=1 << 24
                ),
                arrow.ParseOptions(
                    delimiter=delimiter,
                    quote_char='"' if delimiter == "," else False,
                    newlines_in_values=delimiter == ",",
                ),
                arrow.ConvertOptions(
                    column_types=dict.fromkeys(wanted, pa.string()),
                    include_columns=wanted,
                    strings_can_be_null=False,
                    quoted_strings_can_be_null=False,
                ),
            )
    except pa.ArrowInvalid as error:
        if "Empty CSV" not in str(error):
            raise InputError(f"{path.name}: {str(error).splitlines()[0][:200]}") from error
        table = pa.table({name: pa.array([], pa.string()) for name in wanted})
    return {field: cleaned(table[names[number]]) for field, number in numbers.items()}


def cleaned(column: pa.ChunkedArray) -> pa.Array:
    """Trim values, and leave those empty that say that there is none."""
    values = pc.utf8_trim_whitespace(column.combine_chunks())
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    values = pc.if_else(pc.is_in(values, pa.array(MISSING)), "", values)
    if pc.any(pc.match_substring_regex(values, '["\t\n]')).as_py():
        values = pc.replace_substring_regex(values, '["\t\n]+', " ")
    return values


class Coded(NamedTuple):
    """A column of few different words: each row's number among them."""

    codes: np.ndarray
    words: list[str]

    def map(self, function: Callable[[str], object], dtype: object = object) -> np.ndarray:
        """Return what the function says of each row's word."""
        return np.array([function(word) for word in self.words] or [None], dtype)[self.codes]

    def recoded(self, function: Callable[[str], str]) -> "Coded":
        """Replace each word by what the function says of it; words may become one."""
        replaced = [function(word) for word in self.words]
        words = list(dict.fromkeys(replaced))
        numbers = {word: number for number, word in enumerate(words)}
        return Coded(np.array([numbers[word] for word in replaced] or [0])[self.codes], words)


def coded(column: pa.Array) -> Coded:
    """Code a column by its different words."""
    encoded = column.dictionary_encode()
    return Coded(encoded.indices.to_numpy(zero_copy_only=False), encoded.dictionary.to_pylist())


def number_of(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Turn text into numbers; what is none is missing."""
    pattern = r"^\d+$" if pa.types.is_integer(kind) else r"^\d*\.?\d+(?:[eE][-+]?\d+)?$"
    none = pa.scalar(None, pa.string())
    return pc.if_else(pc.match_substring_regex(column, pattern), column, none).cast(kind)


def standard_name(classification: str) -> str:
    """Return the name in MAF's vocabulary of what Variant_Classification says; what is not known stays."""
    return NAMES.get(plain(classification), classification)


def short_changes(column: pa.Array) -> pa.Array:
    """Write changes of proteins as p.E79Q: no accession, no parentheses, one letter a residue, * for stop."""
    names = pc.replace_substring_regex(column, r"^(?:.*:)?(?:p\.)?\(?(?:p\.)?|\)$", "")
    long = pc.match_substring_regex(names, "[A-Z][a-z]{2}")
    if pc.any(long).as_py():
        spelt = names.filter(long)
        for residue, letter in SHORT.items():
            spelt = pc.replace_substring(spelt, residue, letter)
        names = pc.replace_with_mask(names, long, spelt)
    names = pc.replace_substring_regex(names, r"(\d)X$|(fs)X", r"\1\2*")
    names = pc.replace_substring(names, "%3D", "=")
    return pc.if_else(pc.equal(names, ""), "", pc.binary_join_element_wise("p.", names, ""))


def first_number(column: pa.Array) -> pa.Array:
    """Return the number of the first residue of changes (p.X125_splice: 125) or positions (79/605: 79)."""
    found = pc.extract_regex(column, r"^(?:p\.[A-Z*]*)?(?P<number>[0-9]{1,6})")
    return pc.struct_field(found, "number").cast(pa.int64())
