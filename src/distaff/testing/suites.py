"""The checks of a plug-in by its kind, and their outcomes, one at a time."""

from __future__ import annotations

import traceback
import unittest
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distaff.errors import DistaffError
from distaff.plugins.contract import require, violations
from distaff.plugins.file import REQUIRED
from distaff.plugins.registry import Registry
from distaff.plugins.spec import Spec
from distaff.testing.check import Check, CheckFailed, Property, expect
from distaff.testing.files import registry_named

FIRST = "it_is_read_and_imported_and_keeps_its_contract"


def checks_of(kind: str, name: str, *, inapplicable: bool = False) -> list[Check]:
    """The checks of the plug-in `name` of a kind, such as `checks_of("method", "beta_vae(beta=4)")`.

    Each is a call that raises where something does not hold:

        @pytest.mark.parametrize("check", checks_of("method", "my_idea"), ids=str)
        def test_my_idea(check):
            check()

    With `inapplicable`, those are among them that need not hold of this plug-in, with the reason; a call of one raises
    `unittest.SkipTest`. Of a plug-in that cannot be read or imported the first check alone is there, and fails.
    Raises `DistaffError` where there is no plug-in of that name.
    """
    registry = registry_named(kind)
    plain = name.partition("(")[0].strip()
    registry.path(plain)  # raises with the nearest name
    first = Check(registry.kind, plain, FIRST, lambda: _keeps_contract(registry, name))
    try:
        spec = registry.parse(name)
        subject, suite = _suite(registry, spec)
        absent = _absent(registry, spec)
        found = [
            Check(spec.kind, spec.name, one.name, _bound(one, subject), absent or one.unless(subject)) for one in suite
        ]
    except Exception:  # noqa: BLE001  # whatever a stranger's file raises: the first check is about it
        return [first]
    return [first, *(check for check in found if inapplicable or not check.inapplicable)]


def _keeps_contract(registry: Registry, text: str) -> None:
    """Raise what is wrong with a plug-in by its file, its import, and one trial call."""
    plain = text.partition("(")[0].strip()
    wrong = violations(registry, plain)
    if len(wrong) == 1:
        require(registry, plain)  # raises it, with the exception behind it
    expect(not wrong, " ".join(wrong))
    plugin = registry.plugin(plain)
    missing = [p.name for p in plugin.parameters if p.default is REQUIRED]
    values = ", ".join(f"{name}=..." for name in missing)
    expect("(" in text or not missing, f"it needs values: check it as {plain}({values})")
    expect(plugin.summary, "it has no docstring, which lists and pages show")
    registry.parse(text)


def _bound(one: Property[Any], subject: Any) -> Callable[[], None]:
    return lambda: one.holds(subject)


def _absent(registry: Registry, spec: Spec) -> str:
    """Why nothing can be said of a published data set here: its files are not on this machine."""
    if registry.kind != "dataset":
        return ""
    from distaff.data import published

    dataset, source = registry.bind(spec)(), published(spec.name)
    fetched = dataset.cached is None or source is None or dataset.cached.exists
    return "" if fetched else f"its files are not on this machine: distaff data fetch {spec.name}"


def _suite(registry: Registry, spec: Spec) -> tuple[Any, list[Property[Any]]]:
    """What is checked and by which properties; what a kind needs is imported with it."""
    if registry.kind in ("metric", "task"):
        from distaff.testing import metric_invariances
        from distaff.testing.metric_evaluations import evaluations
        from distaff.testing.metric_form import ANY, METRICS_ONLY

        del metric_invariances  # which adds to both
        return evaluations(spec), [*ANY, *(METRICS_ONLY if registry.kind == "metric" else [])]
    if registry.kind == "method":
        from distaff.testing import method_training
        from distaff.testing.method_outputs import method_of
        from distaff.testing.methods import METHOD_PROPERTIES

        del method_training
        return method_of(spec), METHOD_PROPERTIES
    if registry.kind == "dataset":
        from distaff.testing.datasets import DATASET_PROPERTIES, dataset_under_check

        return dataset_under_check(spec), DATASET_PROPERTIES
    if registry.kind == "figure":
        from distaff.testing.figures import FIGURE_PROPERTIES, figure_under_check

        return figure_under_check(spec), FIGURE_PROPERTIES
    from distaff.testing.networks import CRITIC_PROPERTIES, NETWORK_PROPERTIES, modules_under_check

    suite = CRITIC_PROPERTIES if registry.kind == "critic" else NETWORK_PROPERTIES
    return modules_under_check(spec), suite


def path_of(kind: str, name: str) -> Path:
    """The file of a plug-in that a kind and a name, with parameters or without, mean."""
    return registry_named(kind).path(name.partition("(")[0].strip()).resolve()


@dataclass(frozen=True)
class Outcome:
    """What a check showed: passed, failed or skipped, the reason in one line, and the error behind it."""

    check: Check
    status: str
    reason: str = ""
    error: BaseException | None = None

    @property
    def traceback(self) -> str:
        """The traceback of the error, where there is one."""
        return "" if self.error is None else "".join(traceback.format_exception(self.error))


def outcomes(checks: Iterable[Check], path: Path) -> Iterator[Outcome]:
    """The outcome of each check as soon as it is there; `path` is the plug-in's file, whose lines reasons name."""
    for check in checks:
        try:
            check()
        except unittest.SkipTest as skipped:
            yield Outcome(check, "skipped", str(skipped))
        except Exception as error:  # noqa: BLE001  # it is the outcome
            yield Outcome(check, "failed", reason_of(error, path), error)
        else:
            yield Outcome(check, "passed")


def reason_of(error: BaseException, path: Path) -> str:
    """An error in one line, with the line of the plug-in's file that it came from where there is one."""
    text = " ".join(str(error).split())
    if not isinstance(error, (CheckFailed, DistaffError)):
        text = f"{type(error).__name__}: {text}"
    places = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).name == path.name
    ]
    named = f"{path.name}:" in text
    return f"{text} ({path.name}:{places[-1]})" if places and not named else text
