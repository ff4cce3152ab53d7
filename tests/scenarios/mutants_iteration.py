"""Known faults of iteration; the checker must find each."""

from __future__ import annotations

from mainspring.features.iteration import running
from scenarios.iteration import line_of


def ahead() -> None:
    """Save a cursor that stands behind items which are not done, as one does who saves what comes next."""
    save = running._Journey.save

    def save_ahead(self: running._Journey, held: bytes | None = None) -> running.Command[running.Saved]:
        assert isinstance(self._wire, int)
        self._wire += 3 * len(line_of(0))
        return save(self, held)

    running._Journey.save = save_ahead  # type: ignore[method-assign]


def forgetful() -> None:
    """Save nothing, as a job does that begins anew each time."""
    running.Runner._write = lambda self, journey: running.Saved(is_ours=True, cancelled=False)  # type: ignore[method-assign]
