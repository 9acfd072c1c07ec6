"""Scenarios of one's own, in files beside the package: Python, or TOML (`tomlfile`).

In a Python file every `Scenario` among the module's names counts.
"""

import importlib.util
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cucmsim.errors import Problem, SettingsError
from cucmsim.scenarios.model import Scenario
from cucmsim.scenarios.tomlfile import load_toml

__all__ = ["load_scenarios", "scenario_files"]

_SUFFIXES: Final = (".py", ".toml")


def scenario_files(directory: Path) -> Iterator[Path]:
    """Yield the files of a directory that may hold scenarios, by name. Raises SettingsError."""
    try:
        found = sorted(directory.iterdir())
    except OSError as error:
        raise _problem(directory, "directory", str(error.strerror), "a directory") from None
    yield from (one for one in found if one.suffix in _SUFFIXES and not one.name.startswith("_"))


def load_scenarios(path: Path) -> list[Scenario]:
    """Return the scenarios of a file. Raises SettingsError with everything that is wrong."""
    if path.suffix not in _SUFFIXES:
        raise _problem(path, "name", f'"{path.suffix}"', "a file that ends with .py or .toml")
    if not path.is_file():
        raise _problem(path, "file", "nothing", "a file with scenarios")
    return [load_toml(path)] if path.suffix == ".toml" else _load_python(path)


def _load_python(path: Path) -> list[Scenario]:
    name = f"_cucmsim_scenarios_{path.stem}_{abs(hash(path.resolve()))}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # noqa: S101 - the suffix is .py
    assert spec.loader is not None  # noqa: S101 - so there is a loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses of the file look themselves up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
        raise _problem(path, _line_of(error, path), found, "Python that can be loaded") from error
    finally:
        del sys.modules[name]
    scenarios = list({id(one): one for one in _scenarios_in(vars(module))}.values())
    if not scenarios:
        raise _problem(path, "file", "no scenario", "a function with @scenario(...) at least")
    return scenarios


def _scenarios_in(names: dict[str, object]) -> Iterator[Scenario]:
    for value in names.values():
        if isinstance(value, Scenario):
            yield value


def _line_of(error: Exception, path: Path) -> str:
    """Return the line of the file where it failed."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}"
    frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename == str(path)]
    return f"line {frames[-1].lineno}" if frames else "file"


def _problem(path: Path, key: str, found: str, expected: str) -> SettingsError:
    return SettingsError((Problem(str(path), key, found, expected),))
