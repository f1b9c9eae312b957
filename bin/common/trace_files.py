"""Read Sanger traces from AB1 files (Applied Biosystems' ABIF format)."""

import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
from Bio import SeqIO

CHANNELS = "ACGT"
COMPLEMENT = str.maketrans("ACGTRYSWKMBDHVN", "TGCAYRSWMKVHDBN")
MARK = b"ABIF"  # the first bytes of such a file
LARGEST = 2**24  # bytes; a trace has some 300,000
# What Biopython raises where a file ends too early or says of itself what is not so.
DAMAGED = (ValueError, struct.error, AssertionError, AttributeError, IndexError, OverflowError)


class TraceError(ValueError):
    """A file is no trace that can be read; the message says why."""


class Trace(NamedTuple):
    """A trace: what the base caller wrote, and the four channels."""

    bases: str  # in capitals; with IUPAC codes and N where the base caller wrote them
    qualities: np.ndarray | None  # Phred scores; None where the base caller gave none
    peaks: np.ndarray  # the point at which each base has its peak, rising
    channels: np.ndarray  # 4 x points: fluorescence of A, C, G and T, processed by the instrument

    def reverse_complement(self) -> "Trace":
        """Return the trace as the other strand would read it."""
        return Trace(
            self.bases.translate(COMPLEMENT)[::-1],
            None if self.qualities is None else self.qualities[::-1],
            self.channels.shape[1] - 1 - self.peaks[::-1],
            self.channels[::-1, ::-1],
        )


def read_trace(path: Path) -> Trace:
    """Read an AB1 file; TraceError if it is none, or lacks what a trace needs.

    The base calls are those of the base caller, without a user's edits. Quality values that are all zero
    are none: base callers before phred wrote them so.
    """
    with path.open("rb") as file:
        if (mark := file.read(len(MARK))) != MARK:
            raise TraceError(f"{path.name} is no AB1 file: it starts with {mark!r}, not with {MARK!r}")
        file.seek(0)
        if (size := path.stat().st_size) > LARGEST:
            raise TraceError(f"{path.name} has {size:,} bytes, more than a trace has ({LARGEST:,})")
        try:
            record = SeqIO.read(file, "abi")
        except DAMAGED as error:
            raise TraceError(f"{path.name} is an AB1 file that breaks off or is damaged") from error
    tags = record.annotations["abif_raw"]
    bases = str(record.seq).upper()
    order = tags.get("FWO_1")
    order = order.decode(errors="replace").upper() if isinstance(order, bytes) else ""
    data = [tags.get(f"DATA{number}") for number in range(9, 13)]
    peaks = np.array(tags.get("PLOC2") or tags.get("PLOC1") or (), dtype=np.int64).ravel()
    if not bases:
        raise TraceError(f"{path.name} has no base calls")
    if sorted(order) != sorted(CHANNELS) or not all(isinstance(channel, tuple) for channel in data):
        raise TraceError(f"{path.name} has no processed channels of all four bases")
    points = min(map(len, data))
    if len(peaks) != len(bases) or (np.diff(peaks) < 0).any() or peaks[0] < 0 or peaks[-1] >= points:
        raise TraceError(f"{path.name} does not say where each of its {len(bases):,} bases has its peak")
    channels = np.array([data[order.index(base)][:points] for base in CHANNELS], dtype=np.float64)
    qualities = np.array(record.letter_annotations.get("phred_quality") or (), dtype=np.float64)
    given = len(qualities) == len(bases) and qualities.any()
    return Trace(bases, qualities if given else None, peaks, channels)
