"""What tests of the ground floor share."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

import pytest

from mainspring.base import logs


@pytest.fixture
def own_logger(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave the package's logger as it was, and read local times as UTC."""
    logger = logging.getLogger(logs.LOGGER)
    before = logger.handlers[:], logger.level, logger.propagate
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    logger.handlers[:], logger.propagate = before[0], before[2]
    logger.setLevel(before[1])
    monkeypatch.undo()
    time.tzset()
