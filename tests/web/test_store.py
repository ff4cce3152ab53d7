"""The page of the store says what is wrong with the server and what to do, and looks at no more keys than is cheap."""

from __future__ import annotations

import pytest

from mainspring import App
from mainspring.api.server import Server, family
from web.client import Client

WELL = {
    "valkey_version": "9.1.2",
    "maxmemory_policy": "noeviction",
    "aof_enabled": "1",
    "aof_last_write_status": "ok",
    "role": "master",
    "used_memory": "10",
    "maxmemory": "100",
    "connected_clients": "1",
    "maxclients": "100",
}


def checks(skew=0.0, **info):
    server = Server({**WELL, **info}, 0.001, skew, 1, (), 1)
    return {check.name: (check.severity, check.fix) for check in server.checks() if check.severity != "ok"}


def test_a_server_that_is_well_has_nothing_to_fix():
    assert checks() == {}


@pytest.mark.parametrize(
    ("info", "name", "severity", "fix"),
    [
        ({"maxmemory_policy": "allkeys-lru"}, "eviction", "bad", "noeviction"),
        ({"used_memory": "85"}, "memory", "warn", "maxmemory"),
        ({"used_memory": "99"}, "memory", "bad", "maxmemory"),
        ({"aof_enabled": "0"}, "persistence", "warn", "appendonly yes"),
        ({"aof_last_write_status": "err"}, "disk", "bad", "disk"),
        ({"rdb_last_bgsave_status": "err"}, "disk", "bad", "disk"),
        ({"role": "slave"}, "role", "bad", "primary"),
        ({"master_link_status": "down"}, "replication", "bad", "logs"),
        ({"valkey_version": "7.1.0"}, "version", "warn", "Upgrade"),
        ({"connected_clients": "90"}, "clients", "warn", "maxclients"),
        ({"skew": -3.0}, "clock", "warn", "NTP"),
    ],
)
def test_what_is_wrong_is_told_with_its_fix(info, name, severity, fix):
    (found,) = checks(**info).items()

    assert found[0] == name
    assert found[1][0] == severity
    assert fix in found[1][1]


def test_what_a_server_says_oddly_breaks_nothing():
    assert checks(used_memory="much", maxmemory="", maxclients="x", valkey_version="new") == {}


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("queue:mail", "queue:*"),
        ("{queue:a:b}:p:host:1:ab12cd", "{queue:*}:p"),
        ("mainspring:batch:b1:jobs", "mainspring:batch:*"),
        ("mainspring:bell", "mainspring:bell"),
        ("schedule", "schedule"),
        ("stat:processed:2026-11-22", "stat:*"),
        ("host:4121:0f1e2d3c4b5a", "HOST:PID:*"),
        ("host:4121:0f1e2d3c4b5a:work", "HOST:PID:*"),
        ("it-4f2c", "it-*"),
        ("session:8812", "(other)"),
        ("x" * 5000, "(other)"),
        ("a\nb", "(other)"),
    ],
)
def test_keys_are_told_by_families_and_not_one_by_one(key, name):
    assert family(key) == name


def test_the_page_shows_the_server_and_what_lies_in_it(server, app):
    app.enqueue("send", [1])
    server.client.mset({f"cache:{n}": "x" for n in range(3000)})
    page = Client(app, role="viewer").get("/store").page

    text = page.one("main").text
    assert "Valkey 9" in text
    assert "keeps no append-only file" in page.one("#check-persistence").text
    assert "noeviction" in page.one("#check-eviction").text
    assert "of a sample of" in text
    assert page.find("main form[method=post]") is None
    server.client.flushdb()


def test_who_may_not_ask_the_server_sees_what_there_is(server):
    rules = "reset on >secret ~* +@all -info -scan -dbsize -time"
    server.client.execute_command("ACL", "SETUSER", "blind", *rules.split())
    app = App(server.url.replace("://", "://blind:secret@", 1))

    page = Client(app).get("/store").page

    assert "+info" in page.one("#check-info").text
    assert "this user may not look" in page.one("main").text
    app.close()
    server.client.execute_command("ACL", "DELUSER", "blind")
