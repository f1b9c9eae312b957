"""Read the rules of the call: YAML in the form of a JSON Schema, with thresholds that fit each other."""

import json
import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator, ValidationError

from common.cli import InputError
from common.sheets import meant, shown

# Of each pair the first is at most the second, or some values would be both positive and negative.
ORDERED = (
    ("nrf2_active.rows.target_genes.score_below", "nrf2_active.rows.target_genes.score_from"),
    ("nrf2_active.rows.are_reporter.low_above", "nrf2_active.rows.are_reporter.ratio_from"),
    ("nrf2_active.rows.are_reporter.high_below", "nrf2_active.rows.are_reporter.ratio_from"),
    ("nrf2_active.rows.nrf2_protein.ratio_to", "nrf2_active.rows.nrf2_protein.ratio_from"),
    ("nrf2_active.rows.keap1_one_copy.vaf_from", "nrf2_active.rows.keap1_both_copies.vaf_from"),
    ("nqo1_functional.rows.activity.inactive_below", "nqo1_functional.rows.activity.active_from"),
    ("nqo1_functional.rows.protein_lost.ratio_to", "nqo1_functional.protein_present_from"),
    (
        "nqo1_functional.rows.not_expressed.tpm_below",
        "nqo1_functional.rows.protein_or_intact_genes.tpm_from",
    ),
    (
        "nqo1_functional.rows.exon_4_skipped.reduced_from",
        "nqo1_functional.rows.exon_4_skipped.lost_from",
    ),
)
LARGEST = 2**20  # bytes
Fault = tuple[str, str, str]  # place, found, expected


class OnceLoader(yaml.SafeLoader):
    """A safe loader that takes no key twice, of which YAML would forget the first one silently, and no alias.

    Aliases of aliases make a few bytes into any number of values.
    """

    def compose_node(self, parent: yaml.Node | None, index: object) -> yaml.Node | None:
        """Make a node; an alias is an error."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.composer.ComposerError(None, None, "an alias (*): write out what it stands for", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        """Make a mapping; a key that comes again is an error."""
        seen: set[Hashable] = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if isinstance(name, Hashable) and name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{name} twice", key.start_mark)
            seen.add(name if isinstance(name, Hashable) else str(name))
        return super().construct_mapping(node, deep)


def found_at(rules: Mapping, place: str) -> object:
    """Return the value at a place such as nrf2_active.yes_from."""
    return reduce(lambda part, key: part[key], place.split("."), rules)


def expected_of(schema: Mapping, root: Mapping) -> str:
    """Return what a schema expects: its description, or that of the definition that it names."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return str((root["$defs"][name] if name else schema).get("description", "another value"))


def faults_of(error: ValidationError, root: Mapping) -> Iterator[Fault]:
    """Put an error of the schema into place, what was found and what was expected."""
    place, schema = ".".join(map(str, error.absolute_path)), error.schema
    inside = f"{place}." if place else ""
    if error.validator == "required":
        for key in schema["required"]:
            if key not in error.instance:
                yield f"{inside}{key}", "nothing", expected_of(schema["properties"][key], root)
    elif error.validator == "additionalProperties":
        known = list(schema["properties"])
        for key in error.instance:
            if key not in known:
                yield f"{inside}{key}", f"no such key{meant(str(key), known)}", f"one of {', '.join(known)}"
    else:
        yield place or "the file", shown(error.instance), expected_of(schema, root)


def not_finite(part: object, place: str = "") -> Iterator[Fault]:
    """Find .nan and .inf, which a schema's limits let pass."""
    if isinstance(part, Mapping):
        for key, value in part.items():
            yield from not_finite(value, f"{place}.{key}".lstrip("."))
    elif isinstance(part, float) and not math.isfinite(part):
        yield place, str(part), "a number"


def disordered(rules: Mapping) -> Iterator[Fault]:
    """Find thresholds that are on the wrong side of another."""
    for low, high in ORDERED:
        first, second = found_at(rules, low), found_at(rules, high)
        if first > second:
            name = high.removeprefix(low.rpartition(".")[0] + ".")
            yield low, f"{first:g}", f"at most {name}, {second:g}"


def check_rules(path: Path, schema: Path) -> tuple[dict, Sequence[Fault]]:
    """Read rules; return them, and what is wrong with them: place, found, expected."""
    if (size := path.stat().st_size) > LARGEST:
        return {}, [("the file", f"{size:,} bytes", f"the rules, in no more than {LARGEST:,}")]
    try:
        rules = yaml.load(path.read_text(encoding="utf-8-sig"), OnceLoader)
    except UnicodeDecodeError:
        return {}, [("the file", "text that is not UTF-8", "YAML in UTF-8")]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark else "the file"
        said = getattr(error, "problem", None) or "characters that are none of a text"
        return {}, [(place, " ".join(str(said).split()), "YAML, each key once")]
    root = json.loads(schema.read_text())
    errors = sorted(
        Draft202012Validator(root).iter_errors(rules), key=lambda error: list(map(str, error.path))
    )
    faults = [fault for error in errors for fault in faults_of(error, root)] + list(not_finite(rules))
    return rules, list(dict.fromkeys(faults or disordered(rules)))


def read_rules(path: Path, schema: Path) -> dict:
    """Read rules; a mistake is an InputError with place, what was found and what was expected."""
    rules, faults = check_rules(path, schema)
    if faults:
        place, found, expected = faults[0]
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise InputError(f"{path.name}, {place}: found {found}; expected {expected}{more}")
    return rules
