"""What a source has answered, as definitions for the store; and which of its rows are wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from mainspring.api.outside import Host, checked, mapping
from mainspring.base.errors import InvalidSchedule, MainspringError
from mainspring.schedule.source import MOST_ENTRIES
from mainspring.store.entries import Definition


@dataclass(slots=True)
class Answer:
    """What a source has answered.

    Attributes:
        definitions: What it wants to be stored, by name.
        wrong: What is wrong with other rows, by name; by their text, if they have none.
        is_whole: Whether each row has a name, so that an entry without a row has none.
    """

    definitions: dict[str, Definition] = field(default_factory=dict)
    wrong: dict[str, MainspringError] = field(default_factory=dict)
    is_whole: bool = True


class Reader:
    """Reads the rows of one source. A row that is as it was is not checked again."""

    def __init__(self, app: Host) -> None:
        """Begin without having read anything.

        Args:
            app: The App, for its jobs.
        """
        self._app = app
        self._known: dict[str, tuple[dict[str, object], Definition]] = {}

    def read(self, rows: Iterable[object]) -> Answer:
        """Return what *rows* say.

        Raises:
            InvalidSchedule: If there are more than a namespace may have.
            Exception: Whatever the source raises.
        """
        found = list(islice(rows, MOST_ENTRIES + 1))
        if len(found) > MOST_ENTRIES:
            raise InvalidSchedule("rows", f"there are more than {MOST_ENTRIES:,}")
        answer = Answer()
        for row in found:
            self._take(row, answer)
        self._known = {name: known for name, known in self._known.items() if name in answer.definitions}
        return answer

    def _take(self, row: object, answer: Answer) -> None:
        name = ""
        try:
            given = mapping(row)
            name = _name(given)
            if name in answer.definitions:
                raise InvalidSchedule(name, "name: two rows have it, and the first one counts")
            answer.definitions[name] = self._definition(name, given)
        except MainspringError as error:
            answer.wrong[name or f"{row!r:.200}"] = error
            answer.is_whole = answer.is_whole and bool(name)

    def _definition(self, name: str, given: dict[str, object]) -> Definition:
        before, definition = self._known.get(name, (None, None))
        if definition is None or before != given:
            definition = self._app.definition(checked(self._app, given))
            self._known[name] = given, definition
        return definition


def _name(given: Mapping[str, object]) -> str:
    name = given.get("name")
    if not isinstance(name, str) or not name:
        raise InvalidSchedule("name", "a row must have one")
    return name
