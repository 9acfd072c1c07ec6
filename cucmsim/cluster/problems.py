"""Problems found in a configuration: collected, worded for a person, with the nearest valid name.

`Findings` gathers them all before anything is refused. What pydantic finds is translated here, and
what a key should have held is read from the schema of the models, so that it is written once.
"""

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from cucmsim.errors import Problem

__all__ = ["Findings", "Schema", "Spot", "describe", "key_of", "nearest", "schema_of", "show"]

Schema = Mapping[str, object]
Spot = tuple[str | int, ...]
"""Where in the file: keys and list indices from the top."""

_ModelT = TypeVar("_ModelT", bound=BaseModel)

_SECRETS = frozenset({"security_password", "token", "authentication_string", "database"})
_LONGEST = 60


def show(value: object) -> str:
    """Format what was found, short, on one line."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str | bool | int | float):
        text = json.dumps(value, ensure_ascii=False)
        return text if len(text) <= _LONGEST else text[:_LONGEST] + '..."'
    return str(value)[:_LONGEST]


def key_of(spot: Spot) -> str:
    """Format where something is: `nodes[0].ports.tvs`."""
    text = ""
    for part in spot:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def nearest(name: object, valid: Iterable[str]) -> str | None:
    """Return the valid name that looks most like `name`, if one does."""
    names = {candidate.lower(): candidate for candidate in valid}
    found = difflib.get_close_matches(str(name).lower(), names, n=1, cutoff=0.6)
    return names[found[0]] if found else None


@cache
def schema_of(model: type[BaseModel]) -> Schema:
    """Return the JSON schema of `model`, made once."""
    return model.model_json_schema()


def resolve(schema: Schema, root: Schema) -> Schema:
    """Return `schema` with its reference followed and `or nothing` taken away."""
    reference = schema.get("$ref")
    if isinstance(reference, str):
        definitions = root["$defs"]
        assert isinstance(definitions, Mapping)  # noqa: S101  pydantic's own output
        return resolve(definitions[reference.rpartition("/")[2]], root)
    options = schema.get("anyOf")
    if isinstance(options, Sequence):
        return resolve(next(option for option in options if option != {"type": "null"}), root)
    return schema


def step(schema: Schema, part: str | int, root: Schema) -> Schema | None:
    """Return the schema one key or index further down, None where there is none."""
    if isinstance(part, int):
        below = schema.get("items")
    else:
        properties = schema.get("properties")
        below = properties.get(part) if isinstance(properties, Mapping) else None
    return resolve(below, root) if isinstance(below, Mapping) else None


def describe(schema: Schema, root: Schema) -> str:
    """Return what a person is to write for a value of `schema`."""
    schema = resolve(schema, root)
    expected, choices, kind = (schema.get(name) for name in ("expected", "enum", "type"))
    if isinstance(expected, str):
        return expected
    if isinstance(choices, Sequence):
        return "one of " + ", ".join(json.dumps(choice) for choice in choices)
    if kind == "array":
        return _describe_list(schema, root)
    if kind in ("integer", "number"):
        return _describe_number(schema)
    words = {"boolean": "true or false", "object": "a table", "string": "a text"}
    return words.get(str(kind), "a value")


def _describe_list(schema: Schema, root: Schema) -> str:
    """Describe a list by its items and its length."""
    items = schema.get("items")
    of = describe(items, root) if isinstance(items, Mapping) else "values"
    longest = schema.get("maxItems")
    bound = f" (at most {longest})" if longest else ""
    return f"a list{bound}, each {of}"


def _describe_number(schema: Schema) -> str:
    """Describe an integer by its bounds."""
    low, high = schema.get("minimum"), schema.get("maximum")
    return "an integer" if low is None else f"an integer from {low} to {high}"


class Findings:
    """All problems of one configuration.

    `file` is shown with each, unless the value came from the environment: `overridden` says which
    spots did, and by which variable.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.overridden: dict[Spot, str] = {}
        self.problems: list[Problem] = []

    def add(
        self, spot: Spot, found: str, expected: str, hint: str | None = None, *, file: str = ""
    ) -> None:
        """Note a problem at `spot`; `hint` is the nearest valid name."""
        above = (spot[:length] for length in range(len(spot), 0, -1))
        variable = next((self.overridden[place] for place in above if place in self.overridden), "")
        if variable:
            self.problems.append(Problem("environment", variable, found, expected, hint))
        else:
            key = ", ".join(map(str, spot)) if file else key_of(spot)
            self.problems.append(Problem(file or self.file, key, found, expected, hint))

    def add_unknown(self, spot: Spot, valid: Iterable[str]) -> None:
        """Note a key that means nothing."""
        names = sorted(valid)
        expected = "one of " + ", ".join(names)
        self.add(spot, "an unknown key", expected, nearest(spot[-1], names))

    def add_reference(
        self, spot: Spot, name: str, what: str, valid: Iterable[str], *, file: str = ""
    ) -> None:
        """Note a name that refers to nothing."""
        names = list(valid)
        known = ", ".join(f'"{name}"' for name in names[:20]) or "none is described"
        self.add(spot, show(name), f"the name of {what} ({known})", nearest(name, names), file=file)

    def read(
        self, model: type[_ModelT], value: object, spot: Spot, *, file: str = ""
    ) -> _ModelT | None:
        """Return `value` as a `model`, or note each problem and return None."""
        try:
            return model.model_validate(value)
        except ValidationError as error:
            self._translate(error, model, spot, file)
            return None

    def _translate(
        self, error: ValidationError, model: type[BaseModel], spot: Spot, file: str
    ) -> None:
        """Note everything that pydantic found."""
        root = schema_of(model)
        for detail in error.errors(include_url=False, include_context=False):
            where = detail["loc"]
            schema: Schema | None = root
            above = root
            for part in where:
                above = schema or above
                schema = step(schema, part, root) if schema else None
            place = (*spot, *where)
            if detail["type"] == "extra_forbidden":
                properties = above.get("properties")
                self.add_unknown(place, properties if isinstance(properties, Mapping) else ())
                continue
            found = _found(detail["type"], where[-1] if where else "", detail["input"])
            expected = describe(schema, root) if schema else "another value"
            hint = _nearest_choice(detail["input"], schema)
            self.add(place, found, expected, hint, file=file)


def _found(kind: str, name: str | int, value: object) -> str:
    """Format what pydantic was given; a secret is not shown."""
    if kind == "missing":
        return "nothing"
    return "a value not shown here" if name in _SECRETS else show(value)


def _nearest_choice(value: object, schema: Schema | None) -> str | None:
    """Return the nearest of the values that `schema` lists."""
    choices = schema.get("enum") if schema else None
    if not isinstance(choices, Sequence) or not isinstance(value, str):
        return None
    return nearest(value, [str(choice) for choice in choices])
