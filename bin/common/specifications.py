"""What nextflow_schema.json says of each parameter, and how the value of one is written."""

from collections.abc import Mapping


def specifications(schema: Mapping) -> dict[str, dict]:
    """Return the specification of each parameter, of all groups."""
    return {name: spec for group in schema["$defs"].values() for name, spec in group["properties"].items()}


def as_text(value: object) -> str:
    """Write a parameter in one way, whether it came as text or as a number."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else str(value)
