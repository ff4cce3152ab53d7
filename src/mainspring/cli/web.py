"""``mainspring web``: serves the dashboard, by itself."""

from __future__ import annotations

import errno
import importlib.util
import ipaddress
import re
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from mainspring import config
from mainspring.cli import banner, boot
from mainspring.cli.failure import FAILED, MISCONFIGURED, Failure
from mainspring.cli.options import Session, app_option, begin_log, debug_option, examples, log_options
from mainspring.cli.output import counted
from mainspring.cli.presence import Presence, until_told
from mainspring.worker.signals import Signals

if TYPE_CHECKING:
    from mainspring.web.dashboard import Dashboard
    from mainspring.web.signin import Auth

#: What the extra ``web`` brings, and the dashboard needs.
_NEEDED: Final = ("jinja2", "starlette", "uvicorn")
_WAYS: Final = ("basic", "token", "proxy-header", "none")
_WAITING: Final = 128
# A part of a path that needs no quoting, and is no step up.
_PATH: Final = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)+")
#: Where it is looked for first.
PORT: Final = 8080


def is_able() -> bool:
    """Return whether the extra ``web`` is there."""
    return all(importlib.util.find_spec(name) for name in _NEEDED)


def free_port() -> int:
    """Return the port at which a dashboard for development is looked for first, or, where that is taken, a free one."""
    for port in (PORT, 0):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)) as found:
            return int(found.getsockname()[1])
    return PORT


def _require() -> None:
    if not is_able():
        raise Failure('the dashboard needs the extra "web": pip install "mainspring[web]"', MISCONFIGURED)


@click.group(
    invoke_without_command=True,
    epilog=examples(
        "mainspring web -A shop.jobs                          # for this machine only",
        "mainspring web -A shop.jobs --host 0.0.0.0 --auth basic",
        "mainspring web -A shop.jobs --auth token --root-path /jobs --read-only",
        "mainspring web assets --output /srv/mainspring/static",
    ),
)
@app_option
@click.option(
    "--auth",
    type=click.Choice(_WAYS),
    envvar="MAINSPRING_WEB_AUTH",
    show_envvar=True,
    help="How people sign in; what they show is in the environment: MAINSPRING_WEB_PASSWORD=user:password for basic,"
    " MAINSPRING_WEB_TOKEN for token, MAINSPRING_WEB_HEADER and MAINSPRING_WEB_TRUSTED for proxy-header."
    "  [default: only this machine is served]",
)
@click.option("--host", envvar="MAINSPRING_WEB_HOST", show_envvar=True, default="127.0.0.1", show_default=True)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    envvar=["MAINSPRING_WEB_PORT", "PORT"],
    show_envvar=True,
    default=PORT,
    show_default=True,
    help="0 for any that is free.",
)
@click.option("--root-path", default="", metavar="PATH", help="The path at which a proxy shows it, such as /jobs.")
@click.option("--read-only", is_flag=True, help="Nobody may change anything.")
@click.option("--title", default="", help="The name over the menu.  [default: the App's]")
@click.option("--environment", default="", help="A word on each page, such as production.")
@click.option("--language", default="", metavar="TAG", help="The one it speaks, such as de.  [default: each reader's]")
@log_options
@debug_option
@click.pass_context
def web(
    context: click.Context,
    *,
    app_name: str | None,
    auth: str | None,
    host: str,
    port: int,
    root_path: str,
    read_only: bool,
    title: str,
    environment: str,
    language: str,
    log_format: str | None,
    log_level: str,
) -> int:
    """Serve the dashboard, until TERM or Ctrl-C.

    Without --auth it serves this machine alone, and refuses to listen elsewhere.
    """
    if context.invoked_subcommand:
        return 0
    _require()
    begin_log("web", log_format, log_level)
    _guard(auth, host, root_path)
    prefix = _prefix(root_path)
    from mainspring.web.dashboard import Dashboard

    app = boot.any_app(app_name)
    sign_in = _sign_in(auth)
    dashboard = Dashboard(
        app,
        auth=sign_in,
        title=title,
        environment=environment,
        language=language,
        read_only=read_only,
        streams=True,
    )
    with _listen(host, port) as listener:
        return _serve(dashboard, listener, prefix, auth, context.ensure_object(Session))


@web.command()
@click.option(
    "--output", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder; made if missing."
)
def assets(*, output: Path) -> None:
    """Copy the dashboard's styles and scripts, for a server that hands them out itself."""
    _require()
    from mainspring.web.assets import Assets

    written = Assets().copy(output)
    click.echo(f"{counted(len(written), 'file')} in {output}: serve them below static/, with an expiry far away")


# --- serving ---------------------------------------------------------------------------


def _serve(dashboard: Dashboard, listener: socket.socket, prefix: str, auth: str | None, session: Session) -> int:
    from mainspring.web.server import Server, standing_alone

    app, signals = dashboard.app, Signals()
    found = banner.look(app)
    banner.show("web", app, found, (("web", _url(listener, prefix)), ("sign-in", _who(auth))))
    banner.guard(found)
    signals.listen()
    # To show itself it would have to write, which the store may not let it.
    presence = None if dashboard.settings.is_read_only else Presence(app, "web", signals.send)
    server = Server(standing_alone(dashboard, prefix), listener, lambda: signals.send("TERM"), dashboard.close)
    server.start()
    if presence:
        presence.start()
    took = time.monotonic() - session.started
    click.echo(f"  ready in {took:.2f} s {banner.dot()} Ctrl-C: end", err=True)
    until_told(signals)
    server.stop()
    if presence:
        presence.stop()
    return 0


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_WAITING)
    except OSError as error:
        way = "; choose another with --port" if error.errno == errno.EADDRINUSE else ""
        raise Failure(f"cannot listen on {host}, port {port}: {error.strerror or error}{way}", FAILED) from error


def _url(listener: socket.socket, prefix: str) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{prefix}/"


def _prefix(root_path: str) -> str:
    path = root_path.rstrip("/")
    if path and not _PATH.fullmatch(path):
        raise Failure(f"--root-path {root_path}: must be a path such as /jobs", MISCONFIGURED)
    return path


# --- who may ---------------------------------------------------------------------------


def _guard(auth: str | None, host: str, root_path: str) -> None:
    """Refuse to show a dashboard to strangers because nobody has said who may see it.

    Raises:
        Failure: If it would be shown beyond this machine.
    """
    if auth is not None or (_is_loopback(host) and not root_path):
        return
    where = f"--host {host} is reached from other machines" if not _is_loopback(host) else "--root-path means a proxy"
    raise Failure(
        f"{where}, and no sign-in was set up: whoever reached the dashboard could stop workers and delete jobs.\n"
        "Say who people are:\n"
        "  --auth basic          and MAINSPRING_WEB_PASSWORD=user:password in the environment\n"
        "  --auth token          and MAINSPRING_WEB_TOKEN\n"
        "  --auth proxy-header   and MAINSPRING_WEB_TRUSTED, the addresses of the proxy that signs people in\n"
        "  --auth none           if something in front of it lets in only those who may do everything",
        MISCONFIGURED,
    )


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _sign_in(auth: str | None) -> Auth | None:
    """Return what tells who somebody is, by the environment; tokens count beside every other way."""
    from mainspring.web.several import Several
    from mainspring.web.signin import Anyone, Basic, Loopback, ProxyHeader, Token
    from mainspring.web.users import User

    said = config.sign_in()
    token = Token({said.token: User("token", "token", ("admin",))}) if said.token else None
    match auth:
        case None:
            first: Auth = Loopback()
        case "basic":
            first = Basic(said.passwords)
        case "proxy-header":
            first = ProxyHeader(said.header, trusted=said.trusted)
        case "none":
            first = Anyone()
        case _:
            return token or Token({})
    return Several(first, token) if token else first


def _who(auth: str | None) -> str:
    told = {
        None: "none: whoever uses this machine may do everything",
        "basic": "name and password",
        "token": "token",
        "proxy-header": f"header {config.sign_in().header} of {', '.join(config.sign_in().trusted)}",
        "none": "none: whoever reaches it may do everything",
    }
    return told[auth]
