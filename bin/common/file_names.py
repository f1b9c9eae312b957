"""Say which file is meant without its name: it may tell whose tumour the file is of."""

from collections.abc import Mapping


def without_names(text: str, words: Mapping[str, str]) -> str:
    """Replace names of files in a text by the words for them, the longest first."""
    for name in sorted(words, key=len, reverse=True):
        text = text.replace(name, words[name])
    return text
