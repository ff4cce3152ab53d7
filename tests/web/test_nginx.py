"""Behind nginx, which strips the prefix or keeps it, every page, file and form is found; files come from its disk."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import uvicorn

from mainspring import App
from mainspring.web import Dashboard, ProxyHeader
from mainspring.web.assets import Assets
from mainspring.web.prefix import Prefixed
from servers import bound_to_parent, free_port
from support import until
from web.test_mounts import Visitor, answers
from web.tree import parse

NGINX = shutil.which("nginx")
PREFIX = "/shop/jobs"
CONFIG = """
user root; daemon off; worker_processes 1; pid {home}/pid; error_log {home}/log;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {home}; proxy_temp_path {home}; fastcgi_temp_path {home};
  uwsgi_temp_path {home}; scgi_temp_path {home};
  types {{ text/css css; text/javascript js; image/svg+xml svg; }}
  server {{
    listen 127.0.0.1:{port};
    location {prefix}/ {{
      proxy_pass http://127.0.0.1:{behind}{rest};
      proxy_set_header Host $http_host;
      proxy_set_header X-User $cookie_who;
    }}
    location {prefix}/static/ {{ alias {home}/static/; expires max; add_header X-From nginx; }}
  }}
}}
"""


@pytest.fixture(params=["kept", "stripped"])
def behind(request, server, tmp_path) -> Iterator[tuple[Visitor, App]]:
    """Serve the dashboard behind nginx; return a visitor of nginx's."""
    if NGINX is None:
        absent = "no nginx on this machine (Debian: apt-get install nginx-light)"
        if os.environ.get("CI") == "true":
            pytest.fail(absent)
        pytest.skip(absent)
    app = App(server.url)
    app.enqueue("shop.add", [1], queue="mail")
    dashboard = Dashboard(app, auth=ProxyHeader("X-User", trusted=["127.0.0.1"]), streams=True)
    listener = socket.create_server(("127.0.0.1", 0))
    web = uvicorn.Server(
        uvicorn.Config(Prefixed(dashboard, PREFIX, dashboard.knows), log_level="warning", lifespan="off")
    )
    thread = threading.Thread(target=web.run, args=([listener],), daemon=True)
    thread.start()
    port = free_port()
    rest = "" if request.param == "kept" else "/"
    words = {"home": tmp_path, "port": port, "behind": listener.getsockname()[1], "rest": rest, "prefix": PREFIX}
    (tmp_path / "nginx.conf").write_text(CONFIG.format_map(words))
    Assets().copy(tmp_path / "static")
    nginx = subprocess.Popen(
        [*bound_to_parent(), NGINX, "-c", str(tmp_path / "nginx.conf"), "-e", str(tmp_path / "log")]
    )
    try:
        until(lambda: web.started and answers(port), timeout=30)
        yield Visitor(port), app
    finally:
        nginx.terminate()
        nginx.wait()
        web.should_exit = True
        thread.join(10)
        listener.close()
        app.close()


def test_pages_files_and_forms_are_found(behind, tmp_path: Path):
    visitor, app = behind
    assert visitor.ask("GET", f"{PREFIX}/queues")[0] == 403
    visitor.cookies["who"] = "ada"

    for path in ("/", "/queues", "/queues/mail", "/jobs?q=queue:mail"):
        status, _, text = visitor.ask("GET", f"{PREFIX}{path}")
        assert status == 200, path
        links = [link["href"] for link in parse(text).all("a")]
        assert [link for link in links if not link.startswith((f"{PREFIX}/", "#"))] == []
    page = parse(visitor.ask("GET", f"{PREFIX}/queues")[2])
    for link in page.all("link[rel=stylesheet]"):
        status, headers, _ = visitor.ask("GET", link["href"])
        assert (status, headers["X-From"]) == (200, "nginx")

    form = {"name": "mail", "back": f"{PREFIX}/queues"}
    status, headers, _ = visitor.ask("POST", f"{PREFIX}/actions/queue.pause", form)
    assert (status, headers["Location"].partition(f":{visitor.port}")[2] or headers["Location"]) == (
        303,
        f"{PREFIX}/queues",
    )
    assert app.queue("mail").is_paused
    assert "mail" in parse(visitor.ask("GET", f"{PREFIX}/queues")[2]).one("#notices").text


def test_events_come_as_they_happen(behind):
    visitor, app = behind
    begun = app.operations.start("delete", state="dead")
    with closing(http.client.HTTPConnection("127.0.0.1", visitor.port, timeout=30)) as connection:
        connection.request("GET", f"{PREFIX}/operations/{begun.id}/events", headers={"Cookie": "who=ada"})
        answer = connection.getresponse()

        # It goes on, and this would wait for its end if nginx kept what comes.
        first = answer.readline()
        assert app.operations.cancel(begun.id)

        assert b'"running"' in first
        assert b'"cancelled"' in answer.read()
