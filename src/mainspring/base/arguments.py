"""The arguments of a job, checked against its signature and carried as JSON.

A signature is read once per job. Annotations are resolved at the first use and not
before, so that a job may name types that its module defines further down.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, repeat
from types import SimpleNamespace
from typing import Optional, TypeAlias, get_type_hints

from mainspring.base.converters import Converter, Json, Unfit, converter_for
from mainspring.base.errors import WrongArguments

_Turn: TypeAlias = Callable[[object], object]

_POSITIONAL = frozenset({inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD})
_KEYWORD = inspect.Parameter.KEYWORD_ONLY
_NAMED = frozenset({inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY})


@dataclass(frozen=True, slots=True)
class _Direction:
    """What to call on each argument, on the way out or on the way back."""

    positional: tuple[_Turn, ...]
    rest: tuple[_Turn, ...]  # of *args: one or none
    named: Mapping[str, _Turn]
    extra: tuple[_Turn, ...]  # of **kwargs: one or none


class Arguments:
    """What a job's signature says about its arguments.

    Positional arguments stay positional and keyword arguments keyword. A default
    that was not passed is not stored: the worker's release fills in its own.
    """

    def __init__(self, function: Callable[..., object], job: str) -> None:
        signature = inspect.signature(function)
        parameters = signature.parameters.values()
        self._job = job
        self._returns = signature.return_annotation
        self._hidden: Collection[str] = ()
        self._function = function
        self._parameters = tuple(parameters)
        self._positional = _names(parameters, _POSITIONAL)
        self._named = frozenset(_names(parameters, _NAMED))
        self._rest = _names(parameters, {inspect.Parameter.VAR_POSITIONAL})
        self._extra = _names(parameters, {inspect.Parameter.VAR_KEYWORD})
        self._required = _names([p for p in parameters if p.default is p.empty], _POSITIONAL | _NAMED)
        # The count of positional arguments that is right on its own, without any keyword.
        least = len(self._required) if set(self._required) <= set(self._positional) else len(self._positional) + 1
        self._counts = range(least, len(self._positional) + 1)

    @classmethod
    def of(cls, function: Callable[..., object], *, name: str | None = None) -> Arguments:
        """Read the signature of *function*.

        Args:
            function: The job's function.
            name: The job's name, for messages; the function's qualified name if left out.
        """
        return cls(function, name or str(getattr(function, "__qualname__", function)))

    def hiding(self, names: Collection[str] | None) -> Arguments:
        """Return the same, but that no error shows what the parameters *names* hold; None for all of them.

        The library that reads a value quotes it, and an error is kept with the job and in logs.
        """
        other = Arguments(self._function, self._job)
        other._hidden = {parameter.name for parameter in self._parameters} if names is None else names
        return other

    def refuse_hidden(self, args: Sequence[object], kwargs: Mapping[str, object], why: str) -> None:
        """Refuse the arguments of a call if one of them is hidden.

        Raises:
            WrongArguments: It says *why*.
        """
        parameter = self.first_hidden(args, kwargs)
        if parameter is not None:
            raise WrongArguments(self._job, parameter, why)

    def first_hidden(self, args: Sequence[object], kwargs: Mapping[str, object]) -> str | None:
        """Return the first hidden parameter for which a call has an argument, whether it fits or not; None for none."""
        positional = [*self._positional, *self._rest * max(0, len(args) - len(self._positional))]
        named = [name if name in self._named else "".join(self._extra) for name in kwargs]
        given = (*positional[: len(args)], *named)
        return next((parameter for parameter in given if parameter in self._hidden), None)

    @property
    def parameters(self) -> Sequence[inspect.Parameter]:
        """The parameters, in order."""
        return self._parameters

    @property
    def positional(self) -> Sequence[str]:
        """The names of the parameters that may be passed by position, in order."""
        return self._positional

    @cached_property
    def result(self) -> Converter:
        """What takes the function's result to JSON and back, by its annotation."""
        scope = getattr(inspect.unwrap(self._function), "__globals__", {})
        return _converter_of(inspect.Parameter("result", _KEYWORD, annotation=self._returns), scope)

    @cached_property
    def is_plain(self) -> bool:
        """True if no parameter needs conversion on the way back, so that a worker may skip `restore`."""
        return all(converter.is_plain for converter in self._converters.values())

    def bind(self, args: Sequence[object], kwargs: Mapping[str, object]) -> tuple[list[object], dict[str, object]]:
        """Return the arguments of one call as JSON builtins, ready to be stored.

        Raises:
            WrongArguments: If the call does not fit the signature, or an argument does not
                fit its annotation or has no JSON form.
        """
        return self._turn(args, kwargs, self._out)

    def bind_around(
        self, args: Sequence[object], kwargs: Mapping[str, object], is_gap: Callable[[object], bool]
    ) -> tuple[list[object], dict[str, object]]:
        """Return the arguments of one call as `bind`, but leave those alone that *is_gap* says are filled in later."""

        def around(turn: _Turn) -> _Turn:
            return lambda value: value if is_gap(value) else turn(value)

        way = self._out
        named = {name: around(turn) for name, turn in way.named.items()}
        positional, rest, extra = (tuple(map(around, turns)) for turns in (way.positional, way.rest, way.extra))
        return self._turn(args, kwargs, _Direction(positional, rest, named, extra))

    def restore(self, args: Sequence[object], kwargs: Mapping[str, object]) -> tuple[list[object], dict[str, object]]:
        """Return stored arguments as the annotated types.

        Raises:
            WrongArguments: If they do not fit the signature, as a push from another
                language, or from before a change of the signature, may not.
        """
        return self._turn(args, kwargs, self._back)

    def named(self, args: Sequence[object], kwargs: Mapping[str, object]) -> SimpleNamespace:
        """Return the arguments of one call as attributes, under the names of the parameters, defaults included.

        Raises:
            WrongArguments: If the call does not fit the signature.
        """
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise WrongArguments(self._job, None, str(error)) from error
        bound.apply_defaults()
        return SimpleNamespace(**bound.arguments)

    @cached_property
    def _signature(self) -> inspect.Signature:
        return inspect.signature(self._function)

    def _turn(
        self, args: Sequence[object], kwargs: Mapping[str, object], way: _Direction
    ) -> tuple[list[object], dict[str, object]]:
        if kwargs or len(args) not in self._counts:
            self._check_shape(len(args), kwargs)
        positional: list[object] = []
        try:
            turns = way.positional if len(args) <= len(way.positional) else chain(way.positional, repeat(*way.rest))
            # A loop, and not a comprehension, so that its progress tells which one raised.
            for turn, value in zip(turns, args, strict=False):
                positional.append(turn(value))
        except Unfit as error:
            parameter = (*self._positional, *self._rest)[min(len(positional), len(self._positional))]
            wrong = self._wrong(parameter, parameter, error)
        else:
            return positional, self._turn_named(kwargs, way) if kwargs else {}
        # Outside of the handler: a hidden value stands in the context of no error.
        raise wrong

    def _turn_named(self, kwargs: Mapping[str, object], way: _Direction) -> dict[str, object]:
        named: dict[str, object] = {}
        name = ""
        try:
            for name, value in kwargs.items():
                turn = way.named[name] if name in way.named else way.extra[0]
                named[name] = turn(value)
        except Unfit as error:
            wrong = self._wrong(name, name if name in way.named else self._extra[0], error)
        else:
            return named
        raise wrong

    def _wrong(self, name: str, parameter: str, error: Unfit) -> WrongArguments:
        """Return what to raise for an argument that does not fit; *parameter* is the one that takes it."""
        if parameter in self._hidden:
            return WrongArguments(self._job, name, "it does not fit its annotation; it is encrypted, and not shown")
        wrong = WrongArguments(self._job, name, str(error))
        wrong.__cause__ = error.__cause__
        return wrong

    def _check_shape(self, count: int, names: Collection[str]) -> None:
        """Refuse what calling the function would refuse."""
        if count > len(self._positional) and not self._rest:
            raise WrongArguments(self._job, None, _too_many(len(self._positional), count))
        taken = self._positional[:count]
        for name in names:
            if name not in self._named and not self._extra:
                raise WrongArguments(self._job, name, self._no_such(name))
            if name in taken and name in self._named:
                raise WrongArguments(self._job, name, "it is given twice, by position and by name")
        for name in self._required:
            if name not in taken and not (name in names and name in self._named):
                raise WrongArguments(self._job, name, "it is missing, and has no default")

    def _no_such(self, name: str) -> str:
        if name in self._positional:
            return "it can be given by position only"
        from difflib import get_close_matches

        close = get_close_matches(name, self._named, 1)
        return f"there is no such parameter; did you mean {close[0]!r}?" if close else "there is no such parameter"

    @cached_property
    def _converters(self) -> dict[str, Converter]:
        scope = getattr(inspect.unwrap(self._function), "__globals__", {})
        return {parameter.name: _converter_of(parameter, scope) for parameter in self._parameters}

    @cached_property
    def _out(self) -> _Direction:
        return self._direction({name: converter.send for name, converter in self._converters.items()})

    @cached_property
    def _back(self) -> _Direction:
        return self._direction({name: converter.receive for name, converter in self._converters.items()})

    def _direction(self, turns: Mapping[str, _Turn]) -> _Direction:
        return _Direction(
            positional=tuple(turns[name] for name in self._positional),
            rest=tuple(turns[name] for name in self._rest),
            named={name: turns[name] for name in self._named},
            extra=tuple(turns[name] for name in self._extra),
        )


def _names(parameters: Collection[inspect.Parameter], kinds: Collection[object]) -> tuple[str, ...]:
    return tuple(p.name for p in parameters if p.kind in kinds)


def _too_many(most: int, count: int) -> str:
    return f"it takes {most or 'no'} positional argument{'' if most == 1 else 's'}, and {count} were given"


def _converter_of(parameter: inspect.Parameter, scope: dict[str, object]) -> Converter:
    """Resolve one annotation by itself, so that a bad one leaves the others alone."""
    if parameter.annotation is parameter.empty:
        return Json()
    alone = SimpleNamespace(__annotations__={"it": parameter.annotation})
    try:
        annotation = get_type_hints(alone, scope, include_extras=True)["it"]
    # An annotation is the user's code: evaluating it may raise anything.
    except Exception as error:  # noqa: BLE001
        return Json(
            f"its annotation {parameter.annotation!r} cannot be resolved at run time ({error});"
            " define or import the type at the top of the module, outside of TYPE_CHECKING"
        )
    # ``x: int = None`` is old style, and its authors pass None as well.
    return converter_for(Optional[annotation] if parameter.default is None else annotation)  # noqa: UP045
