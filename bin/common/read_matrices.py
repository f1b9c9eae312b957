"""Lay reads over a stretch of the genome, as matrices of bases and qualities: a row a read, a column a place.

For reads that lie alike, as those of an amplicon do.
"""

import numpy as np

from common.aligned_reads import DELETION, MATCH, Reads

GAP = ord("-")  # what is deleted


def extents(reads: Reads) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return where the aligned bases of each read begin and end, and how many are clipped on both sides.

    A read without aligned bases begins at 0 and ends at -1.
    """
    matched = np.flatnonzero(reads.kind == MATCH)
    start = np.zeros(len(reads.fragment), dtype=np.int64)
    end = np.full(len(reads.fragment), -1, dtype=np.int64)
    start[reads.owner[matched[::-1]]] = reads.place[matched[::-1]]
    end[reads.owner[matched]] = reads.place[matched] + reads.length[matched]
    behind = np.append(reads.begin, len(reads.bases))[1:]
    return start, end, reads.first - reads.begin, behind - reads.end


def spread(
    reads: Reads, rows: np.ndarray, number: int, start: int, end: int
) -> tuple[np.ndarray, np.ndarray]:
    """Lay reads over the places from start to end: bases (ASCII) and qualities, `number` rows.

    `rows` has the row of each read (-1: none; two reads never share one). What a read does not cover is 0 in
    both; what is deleted is GAP, with the lower quality of the bases beside it.
    """
    width = end - start
    bases = np.zeros((number, width), dtype=np.uint8)
    qualities = np.zeros((number, width), dtype=np.uint8)
    near = (rows[reads.owner] >= 0) & (reads.place < end) & (reads.place + reads.length > start)
    matched = np.flatnonzero(near & (reads.kind == MATCH))
    if not len(matched):
        return bases, qualities
    owner = reads.owner[matched]
    left = reads.place[matched] - start
    # Where the bases of the first column would be, if the match went on to it.
    origin = reads.query[matched] - left
    low, high = int(origin.min()), int(origin.max()) + width
    column = np.arange(width)
    inside = (column >= left[:, None]) & (column < (left + reads.length[matched])[:, None])
    ordinal = np.arange(len(matched)) - np.searchsorted(owner, owner)  # of a match in its read
    for source, target in ((reads.bases, bases), (reads.qualities, qualities)):
        piece = np.zeros(high - low, dtype=np.uint8)
        known = slice(max(low, 0), min(high, len(source)))
        piece[known.start - low : known.stop - low] = source[known]
        laid = np.lib.stride_tricks.sliding_window_view(piece, width)[origin - low]
        laid *= inside
        for turn in range(ordinal.max() + 1):
            some = ordinal == turn
            target[rows[owner[some]]] |= laid[some]
    for gap in np.flatnonzero(near & (reads.kind == DELETION)):
        row, query = rows[reads.owner[gap]], reads.query[gap]
        places = slice(max(reads.place[gap] - start, 0), reads.place[gap] + reads.length[gap] - start)
        bases[row, places] = GAP
        qualities[row, places] = reads.qualities[max(query - 1, 0) : query + 1].min()
    return bases, qualities
