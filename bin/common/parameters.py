"""Check the parameters of a run by nextflow_schema.json."""

import re
from collections.abc import Mapping

from jsonschema import Draft202012Validator

from common.sheets import Problems, nearest, shown
from common.specifications import specifications

# Stricter than float(), which also takes nan, inf and 1_000.
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)


def asked_beside(given: Mapping, schema: Mapping) -> list[tuple[str, list[str]]]:
    """List the parameters that are given and ask for others, and which those are."""
    groups = schema["$defs"].values()
    needs = {name: others for group in groups for name, others in group.get("dependentRequired", {}).items()}
    return [(name, others) for name, others in needs.items() if given.get(name)]


def typed(value: object, spec: Mapping) -> object:
    """Turn text into what the schema asks for, and a number into text where it asks for that.

    Parameters of a command line are text in some Nextflows and numbers in others.
    """
    numeric = spec["type"] in ("number", "integer")
    if numeric and isinstance(value, str) and NUMBER.fullmatch(value.strip()):
        value = float(value)
    if numeric and isinstance(value, float) and value.is_integer():
        return int(value)
    if spec["type"] == "boolean" and isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower(), value)
    if spec["type"] == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value


def check_parameters(given: Mapping, schema: Mapping, problems: Problems) -> dict[str, object]:
    """Find parameters that are unknown, out of range or not given though another is.

    Returns those that are right, each of its type, in the schema's order. A field of a form that was
    left empty is a parameter that was not given.
    """
    specs, right = specifications(schema), {}
    for name in given:
        if name not in specs:
            near = nearest(name, specs)
            problems.add(f"--{name}", "no such parameter", f"--{near}" if near else "one that --help lists")
    for name, spec in specs.items():
        value = typed(given.get(name), spec)
        if value == "" and "default" not in spec:
            continue
        if isinstance(given.get(name), str) and not given[name].isprintable():
            problems.add(
                f"--{name}", f"{shown(given[name])} with a line break or the like", spec["description"]
            )
        elif Draft202012Validator(spec).is_valid(value):
            right[name] = value
        elif value is not None or "default" in spec:
            no_value = value is True and spec["type"] == "string"
            problems.add(f"--{name}", "no value" if no_value else shown(value), spec["description"])

    lacking: dict[str, list[str]] = {}
    for name, needed in asked_beside(given, schema):
        for other in needed:
            if not given.get(other):
                lacking.setdefault(other, []).append(f"--{name}")
    for name, others in lacking.items():
        problems.add(f"--{name}", f"nothing, with {' and '.join(others)}", specs[name]["description"])
    return right
