"""Draw Sanger traces of PCR products, and write them as AB1 files.

Trace
  Peaks      Gaussian, 12 points apart with slow waves and jitter, heights log-normal (SD 0.25) and falling
             along the read; each kind of molecules adds its own, so that a heterozygous base has two of
             about half height, and behind a heterozygous indel two sequences run side by side out of phase.
  Beginning  of 30 bases: peaks come irregularly and unevenly, and blobs of dye lie over them.
  End        of 80 bases: peaks widen and sink until they run into each other.
  Noise      a floor of 1.5 % of a peak, crosstalk between dyes of 2 %. A trace that cannot be read is of
             several products, with a floor five times as high.
  Calls      the dye that is highest at a peak's place; the quality falls with the second one's share of it.

Format: Applied Biosystems Genetic Analysis Data File Format (2006), version 1.01: a header, the data of the
tags, and a directory of them; all numbers big-endian.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from common.sequence_files import decode, encode, reverse_complement
from common.simulated_dna import Placed, Template, stretch

SPACING, WIDTHS = 12.0, (3.0, 7.0)  # points; standard deviation of a peak at the start and at the very end
HEIGHT, HEIGHT_SD, ALLELE_SD = 1200.0, 0.25, 0.1
POOR_START, POOR_END = 30, 80  # bases
FLOOR, CROSSTALK = 0.015, 0.02
UNREADABLE_FLOOR, FURTHER_PRODUCTS = 0.075, (0.7, 0.5)
LEAD = 60  # points before the first base
REACH = 24  # points to both sides of a peak
BLOBS = ((8, 1.3, 22.0), (21, 0.9, 16.0), (72, 0.25, 14.0))  # base, height, standard deviation in points
BEST_QUALITY = 60
PRODUCT = (230, 290)  # bases before and behind the middle of a product, about
JITTER = 30
DYES = "GATC"  # order of the channels DATA9 to DATA12

VERSION, DIRECTORY_ENTRY = 101, ">4sI2H4I"
CHAR, SHORT, FLOAT, PASCAL = 2, 4, 7, 18  # types of elements
ELEMENT_SIZES = {CHAR: 1, SHORT: 2, FLOAT: 4, PASCAL: 1}
HEADER_LENGTH = 128


class Trace(NamedTuple):
    """A trace as it comes from the sequencer."""

    channels: np.ndarray  # of A, C, G and T x points
    places: np.ndarray  # point of each base
    bases: np.ndarray  # codes
    qualities: np.ndarray  # Phred


def products_of(
    random: np.random.Generator,
    contigs: Mapping[str, np.ndarray],
    middle: Placed,
    forward: bool,
    templates: Sequence[Template],
) -> list[tuple[float, np.ndarray]]:
    """Return what a PCR around a place makes of each kind of molecules: (share, codes as read).

    `forward` is the forward strand of the contig.
    """
    before, behind = PRODUCT + random.integers(-JITTER, JITTER + 1, 2)
    left, right = (before, behind) if forward else (behind, before)
    contig, start = middle.contig, max(middle.start - left, 0)
    end = min(middle.start + right, len(contigs[contig]))
    pieces = [stretch(contigs, contig, start, end, template.variants) for template in templates]
    return [
        (template.share, piece if forward else reverse_complement(piece))
        for template, piece in zip(templates, pieces, strict=True)
    ]


def draw_trace(
    random: np.random.Generator, products: Sequence[tuple[float, np.ndarray]], readable: bool = True
) -> Trace:
    """Draw the trace of a mixture of products."""
    length = min(len(codes) for _, codes in products)
    products, floor = list(products), FLOOR
    if not readable:
        products += [(share, random.integers(0, 4, length)) for share in FURTHER_PRODUCTS]
        floor = UNREADABLE_FLOOR
    base = np.arange(length)
    from_end = np.clip((base - (length - POOR_END)) / POOR_END, 0, 1)
    early = base < POOR_START
    spacing = SPACING + 0.8 * np.sin(base / 55 + random.uniform(0, 6)) + random.normal(0, 0.4, length)
    spacing = np.maximum(spacing + np.where(early, random.normal(0, 2.0, length), 0), 6)
    places = LEAD + np.cumsum(spacing)
    widths = WIDTHS[0] + base / 1000 + (WIDTHS[1] - WIDTHS[0]) * from_end**2 + 0.8 * early
    heights = HEIGHT * random.lognormal(0, HEIGHT_SD + 0.25 * early) * np.exp(-base / 700)
    heights *= 1 - 0.75 * from_end

    points = int(places[-1]) + LEAD
    signal = np.zeros((4, points))
    window = np.arange(-REACH, REACH + 1)
    at = np.rint(places).astype(int)[:, None] + window
    shapes = np.exp(-(((at - places[:, None]) / widths[:, None]) ** 2) / 2)
    for share, codes in products:
        uneven = random.lognormal(0, ALLELE_SD, length)
        peaks = shapes * (share * heights * uneven)[:, None]
        np.add.at(signal, (codes[:length, None], at), peaks)
    time = np.arange(points)
    for number, height, width in BLOBS:
        middle = places[min(number, length - 1)] + random.normal(0, 15)
        signal[random.integers(4)] += height * HEIGHT * np.exp(-(((time - middle) / width) ** 2) / 2)
    signal += CROSSTALK * (signal.sum(axis=0) - signal)
    noise = random.normal(0, 1, (4, points + 4))
    smooth = sum(noise[:, shift : points + shift] for shift in range(5)) / np.sqrt(5)
    channels = np.clip(np.rint(signal + floor * HEIGHT * np.abs(smooth)), 0, 2**15 - 1).astype(np.int64)

    places = np.rint(places).astype(int)
    seen = np.sort(channels[:, places], axis=0)
    purity = 1 - seen[2] / np.maximum(seen[3], 1)
    resolved = np.clip(1.6 - widths / 4.5, 0, 1) * np.where(early, 0.4, 1)
    qualities = np.clip(np.rint(BEST_QUALITY * purity * resolved), 2, BEST_QUALITY).astype(int)
    return Trace(channels, places, channels[:, places].argmax(axis=0), qualities)


def abif(entries: Sequence[tuple[str, int, int, bytes]]) -> bytes:
    """Return an ABIF file of entries (tag, number, type of elements, big-endian data)."""
    data, directory = b"", b""
    for tag, number, kind, content in sorted(entries):
        size, at = ELEMENT_SIZES[kind], HEADER_LENGTH + len(data)
        if len(content) > 4:
            data += content
        else:  # it stands in the place of its offset
            (at,) = struct.unpack(">I", content.ljust(4, b"\0"))
        counted = (kind, size, len(content) // size, len(content), at, 0)
        directory += struct.pack(DIRECTORY_ENTRY, tag.encode(), number, *counted)
    length = struct.calcsize(DIRECTORY_ENTRY)
    root = (b"tdir", 1, 1023, length, len(entries), len(directory), HEADER_LENGTH + len(data), 0)
    header = b"ABIF" + struct.pack(">H", VERSION) + struct.pack(DIRECTORY_ENTRY, *root)
    return header.ljust(HEADER_LENGTH, b"\0") + data + directory


def ab1(trace: Trace, name: str) -> bytes:
    """Return a trace as an AB1 file; calls and places stand in it twice, as edited and as they were made."""
    channels = trace.channels[encode(DYES)].astype(">i2")
    entries = [("DATA", number, SHORT, channel.tobytes()) for number, channel in enumerate(channels, start=9)]
    for number in (1, 2):
        entries += [
            ("PBAS", number, CHAR, decode(trace.bases).encode()),
            ("PCON", number, CHAR, trace.qualities.astype(np.uint8).tobytes()),
            ("PLOC", number, SHORT, trace.places.astype(">i2").tobytes()),
        ]
    entries += [
        ("FWO_", 1, CHAR, DYES.encode()),
        ("SMPL", 1, PASCAL, bytes([len(name)]) + name.encode()),
        ("SPAC", 1, FLOAT, struct.pack(">f", np.diff(trace.places).mean())),
    ]
    return abif(entries)
