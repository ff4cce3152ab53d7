"""`mainspring web` serves the dashboard to whom it was told to, never by mistake to strangers, and ends when told."""

from __future__ import annotations

import base64
import http.client
import importlib.util
import json
import re
import signal
import socket

import pytest

from mainspring.base.errors import InvalidOption
from mainspring.cli import web
from mainspring.cli.web import free_port
from mainspring.config import sign_in
from support import until

TOKEN = "a-token-of-some-length"


@pytest.fixture
def serve(start):
    """Start `mainspring web` on a free port; return it and its address."""

    def serve(*options, **environment):
        running = start("web", "-A", "shop.jobs", "--port", "0", *options, MAINSPRING_BEAT="0.2s", **environment)
        until(lambda: "ready in" in running.err or running.process.poll() is not None, 20)
        assert running.process.poll() is None, running.err
        (port,) = re.findall(r"http://127.0.0.1:(\d+)/", running.err)
        return running, int(port)

    return serve


def get(port, path, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_it_serves_this_machine_shows_itself_and_ends_with_0(server, serve, ms):
    running, port = serve("--title", "Shop's jobs", "--environment", "canary")

    status, text = get(port, "/")
    until(lambda: "web" in ms("stats").out)
    running.send(signal.SIGTERM)

    assert status == 200
    assert "Shop&#39;s jobs" in text
    assert "canary" in text
    assert get_refused(port, running)
    assert running.wait() == 0
    assert not server.client.exists("processes")
    assert json.loads(running.out.splitlines()[0])["service"] == "web"


def get_refused(port, running):
    running.wait()
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass
    return True


def test_below_a_prefix_people_and_programs_sign_in_and_a_proxy_may_strip_it_or_keep_it(serve):
    environment = {"MAINSPRING_WEB_PASSWORD": "ada:lovelace", "MAINSPRING_WEB_TOKEN": TOKEN}
    running, port = serve("--auth", "basic", "--root-path", "/jobs", **environment)
    ada = "Basic " + base64.b64encode(b"ada:lovelace").decode()

    assert get(port, "/jobs/")[0] == 401
    assert get(port, "/", Authorization="Basic " + base64.b64encode(b"ada:wrong").decode())[0] == 401
    kept, stripped = get(port, "/jobs/", Authorization=ada), get(port, "/", Authorization=f"Bearer {TOKEN}")

    assert (kept[0], stripped[0]) == (200, 200)
    for _, text in (kept, stripped):
        assert 'href="/jobs/queues"' in text
        (style,) = re.findall(r'"(/jobs/static/app\.\w+\.css)"', text)
    assert get(port, style)[0] == get(port, style.removeprefix("/jobs"))[0] == 200
    assert "ada" not in running.out + running.err
    assert TOKEN not in running.out + running.err


@pytest.mark.parametrize(
    "options", [("--host", "0.0.0.0"), ("--host", "::"), ("--host", "jobs.example"), ("--root-path", "/jobs")]
)
def test_without_a_sign_in_it_refuses_to_be_reached_from_elsewhere(ms, options):
    ended = ms("web", "--port", "0", *options)

    assert ended.code == 78
    assert "could stop workers" in ended.err
    assert "--auth basic" in ended.err
    assert "MAINSPRING_WEB_PASSWORD" in ended.err


@pytest.mark.parametrize(
    ("auth", "environment", "told"),
    [
        ("basic", {}, "nobody could sign in"),
        ("basic", {"MAINSPRING_WEB_PASSWORD": "ada"}, "user:password"),
        ("basic", {"MAINSPRING_WEB_PASSWORD": "ada:short"}, "fewer than 8"),
        ("token", {}, "no token"),
        ("token", {"MAINSPRING_WEB_TOKEN": "short"}, "fewer than 16"),
        ("proxy-header", {}, "proxy's address"),
        ("proxy-header", {"MAINSPRING_WEB_TRUSTED": "everybody"}, "everybody"),
    ],
)
def test_a_sign_in_that_is_not_set_up_is_78_and_tells_no_secret(ms, monkeypatch, auth, environment, told):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    ended = ms("web", "--port", "0", "--auth", auth)

    assert ended.code == 78
    assert told in ended.err
    assert "short" not in ended.err.replace("shorter", "")


def test_a_port_that_is_taken_is_told(ms):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = ms("web", "--port", str(taken.getsockname()[1]))

    assert ended.code == 1
    assert "--port" in ended.err


@pytest.mark.parametrize("path", ["/a b", "/../x", "/a//b", "/\u00e4"])
def test_a_root_path_that_is_none_is_78(ms, path):
    ended = ms("web", "--port", "0", "--auth", "none", "--root-path", path)

    assert ended.code == 78


def test_without_the_extra_it_says_what_to_install(ms, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    ended = ms("web")

    assert ended.code == 78
    assert 'pip install "mainspring[web]"' in ended.err
    assert not web.is_able()


def test_assets_are_copied_under_the_names_that_pages_link_to(ms, tmp_path):
    ended = ms("web", "assets", "--output", str(tmp_path / "static"))

    names = {path.name.partition(".")[0] for path in (tmp_path / "static").iterdir()}
    assert ended.code == 0
    assert {"app", "theme", "idiomorph"} <= names


def test_a_port_for_development_is_free():
    with socket.create_server(("127.0.0.1", free_port())):
        pass


def test_the_environment_may_name_several_people():
    said = sign_in({"MAINSPRING_WEB_PASSWORD": "ada:one:two\n bob:three \n"})

    assert said.passwords == {"ada": "one:two", "bob": "three"}
    with pytest.raises(InvalidOption):
        sign_in({"MAINSPRING_WEB_PASSWORD": ":secret"})
