"""Finds scenarios: those that come along, and those in a file of the user's."""

import importlib
import importlib.util
import pkgutil
from pathlib import Path

from cluster.chaos import scenarios
from cluster.chaos.errors import BadScenarioFile, UnknownScenario
from cluster.chaos.scenario import Scenario

ALL = "all"


def known_scenarios(file: Path | None = None) -> dict[str, Scenario]:
    """Every scenario by its name, in the order of the names.

    Raises
    ------
    BadScenarioFile
        The user's file cannot be used, or one of its names is taken.
    """
    found: dict[str, Scenario] = {}
    for module in pkgutil.iter_modules(scenarios.__path__, f"{scenarios.__name__}."):
        _add(found, importlib.import_module(module.name).SCENARIOS, module.name)
    if file is not None:
        _add(found, _load(file), str(file))
    return dict(sorted(found.items()))


def chosen_scenarios(name: str, file: Path | None = None) -> list[Scenario]:
    """One scenario, or all of them.

    Raises
    ------
    UnknownScenario
        There is none of that name.
    """
    known = known_scenarios(file)
    if name == ALL:
        return list(known.values())
    if name not in known:
        raise UnknownScenario(f"there is no scenario {name!r}: see `braid chaos list`")
    return [known[name]]


def _add(found: dict[str, Scenario], more: tuple[Scenario, ...], where: str) -> None:
    for scenario in more:
        if scenario.name in found or scenario.name == ALL:
            raise BadScenarioFile(f"{where}: the name {scenario.name!r} is taken")
        found[scenario.name] = scenario


def _load(file: Path) -> tuple[Scenario, ...]:
    spec = importlib.util.spec_from_file_location("braid_user_scenarios", file)
    if spec is None or spec.loader is None:
        raise BadScenarioFile(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (OSError, SyntaxError, ImportError) as error:
        raise BadScenarioFile(f"{file} cannot be loaded: {error}") from error
    found = getattr(module, "SCENARIOS", None)
    if not isinstance(found, tuple) or not all(isinstance(entry, Scenario) for entry in found):
        raise BadScenarioFile(f"{file} has no tuple SCENARIOS of scenarios")
    return found
