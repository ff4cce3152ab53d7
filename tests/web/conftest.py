"""What tests of the dashboard share: an App on an empty store."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from jinja2 import Environment
from jinja2.bccache import Bucket, BytecodeCache

from mainspring import App
from mainspring.web import rendering


class _Compiled(BytecodeCache):
    """Keeps what templates were compiled to, which takes longer than all else that a page does."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], object] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key, bucket.checksum] = bucket.code


@pytest.fixture(scope="session", autouse=True)
def _templates_are_compiled_once() -> Iterator[None]:
    """Let the dashboards of all tests share compiled templates."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rendering, "Environment", partial(Environment, bytecode_cache=_Compiled()))
        yield


@pytest.fixture
def app(server) -> Iterator[App]:
    made = App(server.url, name="shop")
    yield made
    made.close()
