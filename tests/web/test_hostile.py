"""Whatever strangers have stored, or write into a URL, is text: no page gets an element, an attribute or a link by it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from mainspring.web.routes import PAGES
from web.client import Client
from web.tree import Node

#: What breaks out of elements, attributes, scripts, styles, URLs and templates where somebody was careless.
PAYLOADS = [
    "<script>alert(1)</script>",
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "</title><svg onload=alert(1)>",
    "</textarea><b id=x>",
    "<!--<b>--><b>",
    "]]><b>",
    "javascript:alert(1)",
    "data:text/html,<b>",
    "//evil.example/x",
    "\\\\evil.example",
    "' autofocus onfocus=alert(1) x='",
    '" style="x" data-x="',
    "`onmouseover=alert(1)",
    "{{7*7}}",
    "{% raw %}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "&lt;b&gt;",
    "&#60;b&#62;",
    "%3Cb%3E",
    "%253Cb%253E",
    "\u003cb\u003e",
    "\u2028alert(1)\u2029",
    "\u202eevil",
    "\ufeff<b>",
    "\x00<b>",
    "\x1b[31m<b>",
    "a\r\nSet-Cookie: x=1",
    "<b\t/onclick=alert(1)>",
    "<b/x=</b>",
    "<math><mi//xlink:href='data:x,<b>'>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0>",
    "<link rel=import href=x>",
    "<iframe srcdoc='<b>'>",
    "<form action=//evil.example><button>",
    "<template><b>",
    "<select><option><b>",
    "<table><tr><td><b>",
    "<plaintext>",
    "<xmp><b>",
    "<a href=javascript:alert(1)>x</a>",
    "+ADw-b+AD4-",
    "\U0001f600" * 50,
    "../../../etc/passwd",
    "'; DROP TABLE jobs; --",
    "(a+)+$",
    "[" * 200,
    "*" * 200,
    "x" * 3_000,
]
#: Several at once: what one of them opens, the others would fall into.
GROUPS = ["\n".join(PAYLOADS[begin :: len(PAYLOADS) // 6]) for begin in range(len(PAYLOADS) // 6)]
HARMLESS = "harmless"
JID, PROCESS = "a" * 24, "host:7:abc"
#: What a page may be asked for, by any name that any page has.
ASKED = (
    "q",
    "state",
    "queue",
    "class",
    "tag",
    "cursor",
    "period",
    "job",
    "name",
    "sort",
    "action",
    "spread",
    "at",
    "back",
    "format",
)


def shape(node: Node) -> tuple[str, list[str], list[Any]]:
    """Return the elements and attributes of a page, without any text."""
    inner = [shape(child) for child in node.children if isinstance(child, Node)]
    return node.tag, sorted(node.attributes), inner


def kinds(shape: tuple[str, list[str], list[Any]]) -> set[tuple[str, ...]]:
    """Return which elements there are in a page's shape, wherever they stand."""
    tag, attributes, inner = shape
    return {(tag, *attributes)}.union(*map(kinds, inner))


def job(text: str) -> str:
    """Return a stored job of which every text is *text*."""
    times = dict.fromkeys(("created_at", "enqueued_at", "failed_at"), 1_790_000_000.0)
    names = (
        "class",
        "queue",
        "error_class",
        "error_message",
        "error_signature",
        "display_class",
        "wrapped",
        "traceparent",
    )
    record = {
        "args": [text, {text: [text]}],
        "kwargs": {"x": text},
        "jid": JID,
        "tags": [text],
        "retry_count": 3,
        "retry": 25,
        "flow": {"lock": text, "bid": text, "gates": [text]},
    }
    return json.dumps(times | dict.fromkeys(names, text) | record)


def store(server, text: str) -> None:
    """Write jobs and a process into the store of which every text is *text*."""
    now, raw, client = time.time(), job(text), server.client
    for key in ("retry", "schedule", "dead"):
        client.zadd(key, {raw if key == "retry" else raw.replace(JID, JID[:-1] + key[0]): now + 1000})
    client.sadd("queues", text)
    client.lpush(f"queue:{text}", raw.replace(JID, "b" * 24))
    info = dict.fromkeys(("hostname", "tag", "version"), text)
    info |= {"pid": 7, "started_at": now - 9, "queues": [text], "labels": [text]}
    client.sadd("processes", PROCESS)
    client.hset(PROCESS, mapping={"info": json.dumps(info), "busy": 1, "concurrency": 5, "beat": now, "quiet": "false"})
    work = {"queue": text, "payload": raw.replace(JID, "c" * 24), "run_at": now - 5}
    client.hset(f"{PROCESS}:work", "slot", json.dumps(work))
    for key in (PROCESS, f"{PROCESS}:work"):
        client.expire(key, 60)


def paths() -> list[str]:
    """Return a path of each page."""
    samples = {"jid": JID, "identity": PROCESS}
    return [
        page.path.replace(":path}", "}").format_map(samples)
        for page in PAGES
        if set(samples) >= {part.partition("}")[0].removesuffix(":path") for part in page.path.split("{")[1:]}
    ]


@pytest.mark.parametrize("group", range(len(GROUPS)))
def test_what_is_stored_is_text(app, server, group):
    begun, shapes = time.time(), []
    app.time.now = lambda: begun
    for text in (HARMLESS, GROUPS[group]):
        server.flush()
        store(server, text)
        client = Client(app)
        shapes.append({path: shape(client.get(path).tree) for path in paths()})

    server.flush()
    for path in paths():
        # The store's page has a row for each family of keys, and a colon in a name makes one more.
        one, other = (kinds(each[path]) if path == "/store" else each[path] for each in shapes)
        assert one == other, path


@pytest.mark.parametrize("group", range(len(GROUPS)))
def test_what_is_asked_is_text(app, group):
    client = Client(app)

    for path in paths():
        # One by one with one group, all at once with the others.
        for names in [(name,) for name in ASKED] if group == 0 else [ASKED]:
            name = "&".join(f"{each}={_coded(GROUPS[group][:3_000])}" for each in names)
            answer = client.ask("GET", f"{path}?{name}")
            page = answer.tree
            assert answer.status < 500, (path, name)
            assert not page.all("main script[src]"), (path, name)
            assert not page.all("main b[id=x]"), (path, name)
            links = [node["href"] for node in page.all("a")] if "html" in answer.headers.get("content-type", "") else []
            assert [link for link in links if not link.startswith(("/", "#")) or link.startswith("//")] == [], (
                path,
                name,
            )


def _coded(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    "number", ["-1", "0", "1000000000", "1e309", "NaN", "0x10", "\u0663", "9" * 10_000, "", "1" + "0" * 400]
)
def test_no_number_breaks_a_page(app, monkeypatch, number):
    client = Client(app)

    for path in paths():
        for name in ("cursor", "page", "count", "period", "at", "spread", "q"):
            answer = client.get(f"{path}?{name}={_coded(number)}&{name}=2&{name}[]=3")
            assert answer.status < 500, (path, name)
            assert len(answer.body) < 500_000
