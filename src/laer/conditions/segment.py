"""A segment: a condition with a name, whose members each pass finds."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from laer.records.definition import Definition

LINE = {"type": "string", "description": "a line of the condition language: docs/methods/conditions.md"}
CONDITION = {
    "description": "which accounts belong to it: a line, a list of which all hold, or a mapping with all, any or not",
    "anyOf": [
        LINE,
        {"type": "array", "minItems": 1, "items": {"anyOf": [LINE, {"type": "array"}, {"type": "object"}]}},
        {"type": "object", "minProperties": 1, "additionalProperties": False, "properties": {"all": True, "any": True, "not": True}},
    ],
}


class Segment(Definition):
    """Accounts for which a condition holds. What is unknown of an account makes it neither a member nor one that has left."""

    condition: Annotated[Any, WithJsonSchema(CONDITION)] = Field(description="which accounts belong to it")
