"""The jobs of one App, by name."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar

from mainspring.base.errors import InvalidName, InvalidOption, UnknownJob
from mainspring.job import Enqueuer, Job, Weaver
from mainspring.options import Options

P = ParamSpec("P")
R = TypeVar("R")


class Registry:
    """Names and jobs; what stands here may be run, and nothing else."""

    def __init__(self, weave: Weaver | None = None) -> None:
        """Begin without jobs.

        Args:
            weave: Returns what ties the jobs of a class with its options.
        """
        self._jobs: dict[str, Job[Any, Any]] = {}
        self._weave = weave

    @property
    def jobs(self) -> Mapping[str, Job[Any, Any]]:
        """The jobs by full name."""
        return MappingProxyType(self._jobs)

    def add(self, function: Callable[P, R], name: str | None, options: Options, client: Enqueuer) -> Job[P, R]:
        """Make *function* a job.

        Raises:
            InvalidOption: If it is no function, or a generator.
            InvalidName: If another job has the name.
        """
        if not callable(function) or isinstance(function, type | Job):
            raise InvalidOption(
                f"{function!r} cannot be a job: decorate a def or an async def; with iterable=True, also a class"
            )
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise InvalidOption(
                f"{function.__qualname__} cannot be a job: it is a generator, so calling it runs nothing;"
                " one that yields its cursor can, with @app.job(iterable=True)"
            )
        name = _check(_name_of(function) if name is None else name)
        known = self._jobs.get(name)
        if known is not None and not _is_same(known.function, function):
            raise InvalidName(f"two jobs are named {name!r}; give one of them @app.job(name=...)")
        job: Job[P, R] = Job(function, name=name, options=options, client=client, weave=self._weave)
        self._jobs[name] = job
        return job

    def named(self, name: str) -> Job[Any, Any]:
        """Return the job *name*, which may be short (``function``) where that is unambiguous.

        Raises:
            UnknownJob: If there is none, or several.
        """
        if not isinstance(name, str):
            raise UnknownJob(name)
        if name in self._jobs:
            return self._jobs[name]
        fitting = self._ending_in(name)
        if len(fitting) == 1:
            return self._jobs[fitting[0]]
        if fitting:
            raise UnknownJob(name, fitting, ambiguous=True)
        from difflib import get_close_matches

        short = {full.rpartition(".")[2]: full for full in self._jobs}
        close = get_close_matches(name, [*self._jobs, *short], n=3, cutoff=0.6)
        raise UnknownJob(name, sorted({short.get(match, match) for match in close}))

    def known(self, name: str) -> Job[Any, Any] | None:
        """Return the job *name*; None if it lives elsewhere.

        Raises:
            InvalidName: If nothing can have this name.
            UnknownJob: If it is a short name that fits several.
        """
        if _check(name) in self._jobs or self._ending_in(name):
            return self.named(name)
        return None

    def _ending_in(self, name: str) -> list[str]:
        return sorted(full for full in self._jobs if full.endswith(f".{name}"))


def _check(name: str) -> str:
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= 255 or name != name.strip():
        raise InvalidName(f"{name!r} cannot name a job: use 1 to 255 printable characters without blanks around them")
    return name


def _name_of(function: Callable[..., Any]) -> str:
    qualname = getattr(function, "__qualname__", None)
    if qualname is None:
        raise InvalidOption(f"{function!r} has no name of its own; give it one: app.job(name=...)({function!r})")
    module = function.__module__
    if module == "__main__":
        # A worker imports the same file by its own name.
        main = sys.modules["__main__"]
        spec = getattr(main, "__spec__", None)
        module = spec.name.removesuffix(".__main__") if spec else Path(getattr(main, "__file__", None) or "main").stem
    return f"{module}.{qualname}".replace(".<locals>", "")


def _is_same(one: Callable[..., Any], other: Callable[..., Any]) -> bool:
    """Return True for a function that was defined twice at one place, as reloading does.

    Functions with values of their enclosing call in them are made many times at one place, and differ.
    """
    one, other = inspect.unwrap(one), inspect.unwrap(other)
    if getattr(one, "__closure__", None) or getattr(other, "__closure__", None):
        return one is other
    return getattr(one, "__code__", one) == getattr(other, "__code__", other)
