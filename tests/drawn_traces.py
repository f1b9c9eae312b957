"""Sanger traces as arrays: of mixed sequences with Gaussian peaks, or mixed of a real one and itself."""

from collections.abc import Sequence

import numpy as np
from common.trace_files import CHANNELS, Trace

IUPAC = {"AC": "M", "AG": "R", "AT": "W", "CG": "S", "CT": "Y", "GT": "K"}
SPACING, WIDTH, HEIGHT = 12, 3.5, 1000.0
DYES = np.array([1.0, 0.6, 1.5, 0.8])  # channels differ in height


def calls_of(channels: np.ndarray, peaks: np.ndarray, codes: bool) -> tuple[str, np.ndarray]:
    """Call bases and qualities as a base caller does; with IUPAC codes where two peaks are alike."""
    heights = channels[:, peaks].T / DYES
    order = np.argsort(-heights, axis=1)
    shares = np.sort(heights, axis=1)[:, -2] / np.maximum(heights.sum(axis=1), 1e-9)
    bases = [
        IUPAC["".join(sorted(CHANNELS[number] for number in best[:2]))]
        if codes and share > 0.3
        else CHANNELS[best[0]]
        for best, share in zip(order, shares, strict=True)
    ]
    return "".join(bases), np.where(shares > 0.2, 8.0, 50.0)


def draw_trace(
    alleles: Sequence[tuple[float, str]],
    seed: int = 1,
    noise: float = 0.01,
    spread: float = 0.15,
    codes: bool = False,
    poor: int = 0,
) -> Trace:
    """Draw the trace of sequences that begin alike, each with its share.

    `noise` is the height of the floor, in peaks; `spread` the standard deviation of the logarithm of heights;
    `poor` bases at either end have a low quality.
    """
    random = np.random.default_rng(seed)
    length = min(len(sequence) for _, sequence in alleles)
    points = np.arange((length + 2) * SPACING)
    peaks = (np.arange(length) + 1.5) * SPACING + random.normal(0, 0.5, length)
    heights = HEIGHT * np.exp(random.normal(0, spread, length))
    channels = np.zeros((4, len(points)))
    for share, sequence in alleles:
        own = share * heights * np.exp(random.normal(0, spread / 4, length))
        for peak, height, base in zip(peaks, own, sequence, strict=False):
            near = slice(max(int(peak) - 20, 0), int(peak) + 21)
            bump = np.exp(-0.5 * ((points[near] - peak) / WIDTH) ** 2)
            channels[CHANNELS.index(base), near] += height * bump
    channels = channels * DYES[:, None] + 50
    floor = random.normal(0, noise * HEIGHT, channels.shape)
    channels = channels + np.abs(np.apply_along_axis(np.convolve, 1, floor, np.ones(3) / 1.7, "same"))
    places = np.round(peaks).astype(int)
    bases, qualities = calls_of(channels, places, codes)
    if poor:
        qualities[:poor] = qualities[-poor:] = 3
    return Trace(bases, qualities, places, channels)


def out_of_phase(trace: Trace, at: int, shift: int, share: float) -> Trace:
    """Mix a trace with itself, from base number `at` on shifted by bases: a deletion, or, below 0, a copy."""
    bases, points = np.arange(len(trace.peaks)), np.arange(trace.channels.shape[1])
    along = np.interp(points, trace.peaks, bases)
    base = np.floor(along + 0.5).astype(int)
    moved = np.where(base < at, base, base + shift) + along - base
    source = np.interp(np.clip(moved, 0, bases[-1]), bases, trace.peaks)
    other = np.array([np.interp(source, points, channel) for channel in trace.channels])
    channels = (1 - share) * trace.channels + share * other
    heights = channels[:, trace.peaks]
    called = "".join(CHANNELS[number] for number in heights.argmax(axis=0))
    qualities = np.array(trace.qualities)
    qualities[at:] = np.where(0 < share < 1, 5, qualities[at:])
    return Trace(called, qualities, trace.peaks, channels)
