"""Problems found in a configuration: collected, worded for a person, with the nearest valid name.

`Findings` gathers them all before anything is refused. What pydantic finds is translated here, and
what a key should have held is read from the schema of the models, so that it is written once.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cucmsim.errors import Problem
from cucmsim.services.wording import nearest, show

__all__ = ["Findings", "Schema", "Spot", "describe", "key_of", "nearest", "schema_of", "show"]

Schema = Mapping[str, object]
Spot = tuple[str | int, ...]
"""Where in the file: keys and list indices from the top."""

_ModelT = TypeVar("_ModelT", bound=BaseModel)

_SECRETS = frozenset({"security_password", "token", "authentication_string", "database"})
_ROUNDS = 3
"""How often a table is read: what is wrong once, and what only then comes to light."""


def key_of(spot: Spot) -> str:
    """Format where something is: `nodes[0].ports.tvs`."""
    text = ""
    for part in spot:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


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
        self._broken: set[tuple[str, Spot]] = set()

    def add(
        self, spot: Spot, found: str, expected: str, hint: str | None = None, *, file: str = ""
    ) -> None:
        """Note a problem at `spot`; `hint` is the nearest valid name.

        Nothing more is said of a value that `read` could not read.
        """
        if self.is_broken(spot, file=file):
            return
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

    def is_broken(self, spot: Spot, *, file: str = "") -> bool:
        """Tell whether the value at `spot`, or one that holds it, could not be read."""
        return bool(self._broken) and any(
            (file, spot[:length]) in self._broken for length in range(1, len(spot) + 1)
        )

    def is_damaged(self, spot: Spot) -> bool:
        """Tell whether anything at or below `spot` could not be read."""
        return any(place[: len(spot)] == spot for _, place in self._broken)

    def read(
        self,
        model: type[_ModelT],
        value: object,
        spot: Spot,
        *,
        file: str = "",
        stand_ins: Mapping[str, object] | None = None,
    ) -> _ModelT | None:
        """Return `value` as a `model`, or note each problem.

        With problems, what can be read is returned, so that it takes part in further checks. Keys
        that are wrong are left out, or replaced by one of `stand_ins` (by key: `lines[].number`);
        `is_broken` tells them from the others. None where that is not enough.
        """
        for _ in range(_ROUNDS):
            try:
                return model.model_validate(value)
            except ValidationError as error:
                places = self._translate(error, value, model, spot, file)
            for place in places:
                value = without(value, place, stand_ins or {})
                self._broken.add((file, (*spot, *place)))
        return None

    def _translate(
        self, error: ValidationError, value: object, model: type[BaseModel], spot: Spot, file: str
    ) -> list[Spot]:
        """Note everything that pydantic found in `value`, and return where."""
        root = schema_of(model)
        places: list[Spot] = []
        for detail in _causes(error):
            where = detail["loc"]
            schema: Schema | None = root
            above = root
            for part in where:
                above = schema or above
                schema = step(schema, part, root) if schema else None
            places.append(_as_written(value, where))
            place = (*spot, *places[-1])
            if detail["type"] == "extra_forbidden":
                properties = above.get("properties")
                self.add_unknown(place, properties if isinstance(properties, Mapping) else ())
                continue
            found = _found(detail["type"], where[-1] if where else "", detail["input"])
            expected = describe(schema, root) if schema else "another value"
            hint = _nearest_choice(detail["input"], schema)
            self.add(place, found, expected, hint, file=file)
        return places


def _causes(error: ValidationError) -> list[ErrorDetails]:
    """Return what pydantic found, without lists that lack only the entries it could not read."""
    details = error.errors(include_url=False, include_context=False)
    return [
        detail
        for detail in details
        if detail["type"] != "too_short"
        or not any(other["loc"][:-1] == detail["loc"] for other in details)
    ]


def _as_written(value: object, where: Spot) -> Spot:
    """Return `where` without the index of a value that stands alone instead of in a list."""
    for depth, part in enumerate(where):
        if isinstance(part, int) and not isinstance(value, list):
            return where[:depth]
        value = (
            value[part]
            if isinstance(part, int) and isinstance(value, list)
            else (value.get(part) if isinstance(value, dict) else None)
        )
    return where


def without(value: object, place: Spot, stand_ins: Mapping[str, object], path: str = "") -> object:
    """Return a copy of `value` without what is at `place`, or with its stand-in there.

    Where nothing stands in for an entry of a list, the list is left as it is.
    """
    if not place:
        return stand_ins.get(path, value)
    part, rest = place[0], place[1:]
    if isinstance(value, dict):
        key = f"{path}.{part}" if path else str(part)
        others = {name: held for name, held in value.items() if name != part}
        if rest and part in value:
            return {**others, part: without(value[part], rest, stand_ins, key)}
        return {**others, part: stand_ins[key]} if key in stand_ins else others
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        changed = without(value[part], rest, stand_ins, f"{path}[]")
        return [*value[:part], changed, *value[part + 1 :]]
    return stand_ins.get(path, value)


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
