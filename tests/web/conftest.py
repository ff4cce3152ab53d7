"""What tests of the dashboard share: an App on an empty store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mainspring import App


@pytest.fixture
def app(server) -> Iterator[App]:
    made = App(server.url, name="shop")
    yield made
    made.close()
