"""Tell which residues of a protein belong to which of its domains and motifs, and where that is said."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd


class Region(NamedTuple):
    """A part of a protein: which of its residues belong to it."""

    domain: str
    kind: str  # domain, outside, motif, combined
    start: int
    end: int
    held: np.ndarray

    @property
    def about(self) -> dict[str, object]:
        """Return what tables say of it; residues that do not follow each other have no first and last."""
        whole = self.end - self.start + 1 == self.held.sum()
        ends = {"start": self.start, "end": self.end} if whole else {}
        return {"domain": self.domain, "kind": self.kind, "residues": int(self.held.sum()), **ends}


def region(name: str, kind: str, held: np.ndarray) -> Region:
    """Make a region of the residues that it holds."""
    residues = np.flatnonzero(held) + 1
    return Region(name, kind, int(residues[0]), int(residues[-1]), held)


def regions_of(features: pd.DataFrame, residues: int, joined: Mapping[str, Sequence[str]]) -> list[Region]:
    """List domains, what is outside of them, motifs, and domains joined, by the name of the whole.

    `features` has name, kind, start and end; they are cut at the protein's end. Repeats are left out.
    """
    places = np.arange(1, residues + 1)
    found = [
        region(row.name, row.kind, held)
        for row in features[["name", "kind", "start", "end"]].itertuples(index=False)
        if row.kind != "repeat" and (held := (places >= row.start) & (places <= row.end)).any()
    ]
    domains = sorted([each for each in found if each.kind == "domain"], key=lambda each: each.start)
    motifs = [each for each in found if each.kind == "motif"]
    outside = ~np.any([each.held for each in domains], axis=0) if domains else np.ones(residues, dtype=bool)
    rest = [region("outside", "outside", outside)] if domains and outside.any() else []
    by_name = {each.domain: each for each in domains}
    combined = [
        region(name, "combined", np.any([by_name[part].held for part in parts], axis=0))
        for name, parts in joined.items()
        if by_name.keys() >= set(parts)
    ]
    return [*domains, *rest, *motifs, *combined]


def partition(regions: Sequence[Region]) -> np.ndarray:
    """Tell of domains and what is outside of them which residues are each one's own: the first's."""
    held = np.array([each.held for each in regions if each.kind in ("domain", "outside")])
    return held & (np.cumsum(held, axis=0) == 1)


def fitted(features: pd.DataFrame, residues: int) -> pd.DataFrame:
    """Cut features at the end of a protein; those beyond it are not drawn."""
    beyond, cut = features.start > residues, features.end > residues
    reason = np.select([beyond, cut], ["beyond the protein's end", "cut at the protein's end"], "")
    return features.assign(
        element=features.kind,
        end=features.end.where(beyond, features.end.clip(upper=residues)),
        drawn=np.where(beyond, "no", "yes"),
        status=np.where(cut, "beyond_end", "ok"),
        reason=reason,
    )


def notes_of(features: pd.DataFrame) -> list[str]:
    """Say where domains, repeats and motifs are from."""
    heads = {"domain": "Domains", "repeat": "Repeats", "motif": "Motifs"}
    sources = {kind: features.source[features.kind == kind].dropna().unique() for kind in heads}
    return [f"{heads[kind]}: {'; '.join(found)}." for kind, found in sources.items() if len(found)]
