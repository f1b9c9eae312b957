"""Open BAM and CRAM files of unknown quality, and say what is wrong with them."""

from pathlib import Path

import pandas as pd
import pysam

INDEXES = {".bam": (".bai", ".csi"), ".cram": (".crai",)}


class UnusableError(ValueError):
    """A given alignment cannot be used; has a status, and a reason in words."""

    def __init__(self, status: str, reason: str) -> None:
        """Keep both; the reason is the error's text."""
        super().__init__(reason)
        self.status = status


def find_alignment(folder: Path) -> tuple[Path, Path | None]:
    """Find the alignment of a folder, and its index if that is not older."""
    (alignment,) = [path for path in folder.iterdir() if path.suffix in INDEXES]
    names = [
        alignment.with_name(name)
        for suffix in INDEXES[alignment.suffix]
        for name in (f"{alignment.name}{suffix}", f"{alignment.stem}{suffix}")
    ]
    made = alignment.stat().st_mtime
    return alignment, next((path for path in names if path.is_file() and path.stat().st_mtime >= made), None)


def check_file(alignment: Path) -> None:
    """Refuse what is no BAM or CRAM, what is not complete, and what says of itself that it is not sorted."""
    name = alignment.name
    if not alignment.stat().st_size:
        raise UnusableError("unreadable", f"{name} is empty")
    try:
        pysam.quickcheck("-vv", str(alignment))
    except pysam.SamtoolsError as error:
        if "missing EOF block" in str(error):
            reason = f"{name} has no end-of-file block: it is not complete"
            raise UnusableError("truncated", reason) from error
        if "no targets" in str(error):
            reason = f"{name} names no contigs: its reads are not aligned"
            raise UnusableError("contigs_disagree", reason) from error
        raise UnusableError("unreadable", f"{name} is no BAM or CRAM file") from error
    with pysam.AlignmentFile(alignment, check_sq=False) as opened:
        if opened.is_sam:
            raise UnusableError("unreadable", f"{name} is SAM text, not BAM or CRAM")
        order = opened.header.get("HD", {}).get("SO", "unknown")
    if order not in ("coordinate", "unknown"):
        raise UnusableError("unsorted", f"{name} has the order {order}, not coordinate")


def records(alignment: Path, index: Path) -> pd.DataFrame:
    """Return contig, length, mapped and unmapped records as the index has them; contig `*` is none."""
    lines = [
        line.split("\t") for line in pysam.idxstats("-X", str(alignment), str(index)).splitlines() if line
    ]
    columns = {"contig": "str", "length": "int64", "mapped": "int64", "unmapped": "int64"}
    return pd.DataFrame(lines, columns=list(columns)).astype(columns)


def can_be_read(alignment: Path, index: Path) -> bool:
    """Say whether an index can be read. What cannot be read, samtools idxstats would silently go without."""
    try:
        with pysam.AlignmentFile(alignment, index_filename=str(index), require_index=True):
            return True
    except OSError:
        return False


def read_index(alignment: Path, genome: Path, index: Path | None, new: Path) -> tuple[Path, pd.DataFrame]:
    """Return the index, and what it counts; make the new one where there is none that can be read."""
    if index and can_be_read(alignment, index):
        return index, records(alignment, index)
    try:
        pysam.index("-o", str(new), str(alignment))
        return new, records(alignment, new)
    except pysam.SamtoolsError as error:
        new.unlink(missing_ok=True)
        raise what_stops_an_index(alignment, genome) from error


def what_stops_an_index(alignment: Path, genome: Path) -> UnusableError:
    """Find the first record out of order, or that cannot be read."""
    before, number = (-1, -1), 0
    try:
        with pysam.AlignmentFile(alignment, reference_filename=str(genome)) as opened:
            for number, record in enumerate(opened, start=1):
                contig = record.reference_id if record.reference_id >= 0 else opened.nreferences
                if (contig, record.reference_start) < before:
                    place = f"{record.reference_name}:{record.reference_start + 1:,}"
                    return UnusableError(
                        "unsorted", f"{alignment.name}: record {number:,}, at {place}, is out of order"
                    )
                before = contig, record.reference_start
    except OSError:
        return UnusableError("unreadable", f"{alignment.name} is damaged after record {number:,}")
    return UnusableError("unreadable", f"{alignment.name}: no index can be made of it")


def check_bases(alignment: Path, index: Path, found: pd.DataFrame, genome: Path) -> None:
    """Read a CRAM's first record of each contig: by its checksums, it was written with this genome."""
    with pysam.FastaFile(str(genome)) as fasta:
        contigs = [contig for contig in found.contig[found.mapped > 0] if contig in fasta]
    with pysam.AlignmentFile(alignment, reference_filename=str(genome), index_filename=str(index)) as opened:
        for contig in contigs:
            try:
                next(opened.fetch(contig), None)
            except OSError as error:
                name = alignment.name
                reason = f"{name} was written with another {contig} than the genome's, or is damaged"
                raise UnusableError("reference_differs", reason) from error
