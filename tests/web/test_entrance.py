"""Nobody sees or does anything that they may not, whatever the path looks like and whoever they say they are."""

from __future__ import annotations

import base64

import pytest
from starlette.requests import Request

from mainspring import InvalidOption
from mainspring.web import Anyone, Basic, Loopback, ProxyHeader, Token, User
from mainspring.web.routes import ACTIONS, PAGES
from web.client import Client

#: Ways to write a path that servers and proxies read differently.
TRICKS = [
    "{}",
    "/{}",
    "{}/",
    "{}//",
    "/.{}",
    "/x/..{}",
    "{};x",
    "{}%2e",
    "{}%2f",
    "/%2e%2e{}",
    "{}%00",
    "{}%5c",
    "{}.",
    "/static/..{}",
]
PATHS = (
    [page.path for page in PAGES] + [f"/actions/{action.name}" for action in ACTIONS] + ["/nowhere", "/api/v1/stats"]
)
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get"]
#: What everybody may see: files of the package.
OPEN = ("/static/",)


def request(host: str = "localhost:8080", client: str | None = "127.0.0.1", **headers: str) -> Request:
    """Return a request from an address."""
    sent = [
        (b"host", host.encode()),
        *((name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()),
    ]
    address = None if client is None else (client, 50_000)
    return Request(
        {"type": "http", "method": "GET", "path": "/", "headers": sent, "client": address, "query_string": b""}
    )


@pytest.mark.parametrize("trick", TRICKS)
def test_whoever_is_not_known_sees_nothing_by_any_path(app, trick):
    client = Client(app, auth=lambda _: None)

    for path in PATHS:
        for method in METHODS if trick == "{}" else ("GET", "POST"):
            answer = client.ask(method, trick.format(path))
            assert answer.status in {401, 403, 404, 405}, (method, trick, path)
            assert "mainspring_said" not in answer.headers.get("set-cookie", "")
            if answer.status != 404:
                # The same words whether there is such a page or not.
                assert "Not for you" in answer.text or not answer.text


def test_what_is_there_cannot_be_told_from_what_is_not(app):
    client = Client(app, auth=lambda _: None)

    # Programs are told in JSON, people by a page.
    for is_api in (True, False):
        paths = [path for path in (*PATHS, "/api/v1/nowhere") if path.startswith("/api/") is is_api]
        assert len({(client.get(path).status, client.get(path).text) for path in paths}) == 1


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_a_viewer_can_do_nothing_and_an_operator_not_what_destroys(app, server, action):
    before = server.client.dbsize()

    for role in ("viewer", "operator")[: 2 if action.role == "admin" else 1]:
        answer = Client(app, role=role).post(f"/actions/{action.name}", {action.resource: "default"})
        assert answer.status == 403
        assert action.name in answer.text
    assert server.client.dbsize() == before


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_nobody_can_do_anything_where_all_is_read_only(app, server, action):
    answer = Client(app, read_only=True).post(f"/actions/{action.name}", {action.resource: "default"})

    assert (answer.status, server.client.dbsize()) == (403, 0)


def test_every_action_says_who_may():
    assert {action.role for action in ACTIONS} <= {"operator", "admin"}
    assert len({action.name for action in ACTIONS}) == len(ACTIONS)


def test_an_authorize_of_ones_own_is_asked_for_each_thing(app):
    asked = []

    def authorize(user: User, action: str, resource: str) -> bool:
        asked.append((user.id, action, resource))
        return action == "see"

    client = Client(app, authorize=authorize)
    first = ACTIONS[0]

    assert client.get("/").status == 200
    assert client.post(f"/actions/{first.name}", {first.resource: "mail"}).status == 403
    assert ("ada", first.name, "mail") in asked


async def _nobody(_: Request) -> User | None:
    return None


async def _somebody(_: Request) -> User | None:
    return User("eve")


@pytest.mark.parametrize(
    ("auth", "status"),
    [(_nobody, 403), (_somebody, 200), (lambda request: [_somebody(request)][0], 200)],
    ids=["nobody", "somebody", "awaitable"],
)
def test_who_it_is_may_be_awaited(app, auth, status):
    assert Client(app, auth=auth).get("/").status == status


@pytest.mark.parametrize("wrong", ["admin", True, {"id": "eve"}])
def test_what_is_no_user_is_nobody(app, wrong):
    assert Client(app, auth=lambda _: wrong).get("/").status == 403


# --- without a sign-in -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "is_let_in"),
    [
        (request(), True),
        (request("127.0.0.1:8080"), True),
        (request("[::1]:8080", "::1"), True),
        (request("localhost", None), True),
        (request(client="10.0.0.7"), False),
        (request(client="::ffff:10.0.0.7"), False),
        # A name of a stranger's that leads to this machine, and a proxy on it that speaks for anybody.
        (request("evil.example:8080"), False),
        (request("localhost.evil.example"), False),
        (request(x_forwarded_for="10.0.0.7"), False),
        (request(forwarded="for=10.0.0.7"), False),
        (request(via="1.1 proxy"), False),
        (request(client="not an address"), False),
    ],
)
def test_without_a_sign_in_only_this_machine_is_served(asked, is_let_in):
    assert (Loopback()(asked) is not None) is is_let_in


def test_whoever_is_turned_away_is_told_what_to_do(app):
    answer = Client(app, auth=None).get("/")

    assert answer.status == 403
    assert "mainspring web --auth" in answer.tree.text
    assert answer.tree.find("nav") is None


# --- the sign-ins that come along ---------------------------------------------------------


def basic(text: str) -> Request:
    """Return a request with a name and a password."""
    return request(authorization="Basic " + base64.b64encode(text.encode()).decode())


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (basic("ada:correct horse"), "ada"),
        (basic("bob:pässwörter"), "bob"),
        (basic("ada:correct horsE"), None),
        (basic("ada:"), None),
        (basic("ada"), None),
        (basic(":correct horse"), None),
        (basic("eve:correct horse"), None),
        (request(authorization="Basic !!!"), None),
        (request(authorization="Basic " + base64.b64encode(b"\xff:\xfe").decode()), None),
        (request(authorization="Bearer correct horse"), None),
        (request(), None),
    ],
)
def test_a_password_lets_in_whose_it_is(asked, name):
    found = Basic({"ada": "correct horse", "bob": "pässwörter"}, {"bob": ["viewer"]})(asked)

    assert (found and found.id) == name


def test_a_password_is_asked_for(app):
    answer = Client(app, auth=Basic({"ada": "correct horse"})).get("/queues")

    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    ("authorization", "is_let_in"),
    [
        ("Bearer 0123456789abcdef", True),
        ("bearer 0123456789abcdef", True),
        ("Bearer 0123456789abcdeF", False),
        ("Basic x", False),
        ("", False),
    ],
)
def test_a_token_lets_in_whose_it_is(authorization, is_let_in):
    found = Token({"0123456789abcdef": User("deploys")})(request(authorization=authorization))

    assert (found is not None) is is_let_in


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (request(client="10.1.2.3", x_user="ada"), "ada"),
        (request(client="10.1.2.3", x_user=" "), None),
        (request(client="10.1.2.3"), None),
        (request(client="11.1.2.3", x_user="ada"), None),
        (request(client=None, x_user="ada"), None),
    ],
)
def test_a_header_counts_if_the_proxy_has_sent_it(asked, name):
    found = ProxyHeader("X-User", trusted=["10.0.0.0/8"])(asked)

    assert (found and found.id) == name


@pytest.mark.parametrize(
    "make",
    [
        lambda: Basic({}),
        lambda: Basic({"ada": "short"}),
        lambda: Token({}),
        lambda: Token({"short": User("x")}),
        lambda: ProxyHeader("X-User", trusted=[]),
        lambda: ProxyHeader("X-User", trusted=["10.0.0.0/99"]),
    ],
    ids=["no password", "a short password", "no token", "a short token", "no proxy", "no network"],
)
def test_a_sign_in_that_lets_in_anybody_or_nobody_is_refused(make):
    with pytest.raises(InvalidOption):
        make()


def test_anyone_is_let_in_where_something_else_guards(app):
    assert Client(app, auth=Anyone(["viewer"])).get("/").status == 200
