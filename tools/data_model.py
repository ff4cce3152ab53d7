"""Writes docs/data-model.md from the table in store/model.py; `make check` fails if the page is another.

Usage: python tools/data_model.py [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path

from mainspring.store.model import FOREVER, TABLE

PAGE = Path(__file__).parent.parent / "docs" / "data-model.md"

HEAD = """# Data model

Every key that mainspring reads or writes, made from `store/model.py` by `tools/data_model.py`.

Keys of owner Sidekiq are in its form, so a Ruby process can read and steer what we write. Ours begin with
`mainspring:`, or with the queue's name in braces, which on a cluster puts them beside the queue itself.
A key without a lifetime stays until what it holds is used up.

| key | type | lifetime | owner | holds |
|---|---|---|---|---|
"""


def page() -> str:
    """Return the page's text."""
    rows = [
        f"| `{key.pattern.replace('|', chr(92) + '|')}` | {key.type} | {'' if key.ttl == FOREVER else key.ttl} "
        f"| {key.owner} | {key.meaning.replace('|', chr(92) + '|')} |\n"
        for key in TABLE
    ]
    return HEAD + "".join(rows)


if __name__ == "__main__":
    if "--check" not in sys.argv:
        PAGE.write_text(page(), "utf-8")
    elif not PAGE.exists() or PAGE.read_text("utf-8") != page():
        sys.exit("docs/data-model.md is not what store/model.py says: run python tools/data_model.py")
