"""Finds the App that ``-A`` names, and says what is wrong where there is none."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType

import click

from mainspring import config
from mainspring.app import App
from mainspring.cli.failure import MISCONFIGURED, Failure


class NoApp(Failure):
    """The App cannot be had."""

    def __init__(self, text: str) -> None:
        super().__init__(text, MISCONFIGURED)


def require(name: str | None) -> App:
    """Return the App that *name*, the environment or pyproject.toml names.

    Args:
        name: ``module`` or ``module:attribute``; None if nothing was typed.

    Raises:
        NoApp: If none is named, or it cannot be had.
    """
    found = named(name)
    if found is None:
        raise NoApp(
            "which App? Nothing names one.\n"
            "Write -A module, such as -A shop.jobs; or set MAINSPRING_APP; or write into pyproject.toml:\n"
            '  [tool.mainspring]\n  app = "shop.jobs"'
        )
    return found


def named(name: str | None) -> App | None:
    """Return the App that *name*, the environment or pyproject.toml names; None if none of them does.

    Raises:
        NoApp: If it cannot be had.
        InvalidOption: If pyproject.toml cannot be read, or names no App.
    """
    found = name or config.app_name(Path.cwd())
    return _closed_at_the_end(load(found)) if found else None


def any_app(name: str | None) -> App:
    """Return the App that is named, or else one without jobs, for the store that the environment names.

    Raises:
        NoApp: If one is named, and cannot be had.
    """
    return named(name) or _closed_at_the_end(App())


def _closed_at_the_end(app: App) -> App:
    """Return *app*, which is closed when the command has ended: it has connections, perhaps a share in a server."""
    command = click.get_current_context(silent=True)
    if command is not None:
        command.call_on_close(app.close)
    return app


def load(name: str) -> App:
    """Import the App *name*, ``module`` or ``module:attribute``.

    Raises:
        NoApp: If there is no such module, it fails, or it has no App or several.
    """
    path, _, attribute = name.partition(":")
    if path.endswith(".py") or "/" in path:
        right = path.removesuffix(".py").strip("./").replace("/", ".")
        raise NoApp(f"-A {name}: this is a file's path; write the module: -A {right}")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    module = _import(path)
    return _attribute(module, attribute) if attribute else _only(module)


# --- importing -----------------------------------------------------------------------


def _import(path: str) -> ModuleType:
    if not all(part.isidentifier() for part in path.split(".")):
        raise NoApp(f"-A {path}: this is no module's name; write -A shop.jobs, or -A shop.jobs:app")
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name and (path == error.name or path.startswith(f"{error.name}.")):
            raise NoApp(_missing(path)) from error
        raise NoApp(_failed(path, error)) from error
    except (Exception, SystemExit) as error:
        raise NoApp(_failed(path, error)) from error


def _missing(path: str) -> str:
    known = sorted(_modules(Path.cwd()))
    close = get_close_matches(path, known, 3, 0.75) or [name for name in known if name.endswith(f".{path}")][:3]
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    return f"-A {path}: there is no module {path} in {Path.cwd()} or on the Python path{hint}"


def _modules(root: Path) -> Iterator[str]:
    """Yield the modules of a project, down to the third level."""
    for pattern in ("*.py", "*/*.py", "*/*/*.py", "src/*/*.py"):
        for file in root.glob(pattern):
            parts = file.relative_to(root).with_suffix("").parts
            if all(part.isidentifier() for part in parts):
                yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _failed(path: str, error: BaseException) -> str:
    what = f"{type(error).__name__}: {error}".rstrip(": ")
    if isinstance(error, SyntaxError):
        where = f"  {error.filename}:{error.lineno}\n    {(error.text or '').strip()}"
    else:
        where = _where(error)
    return f"-A {path}: importing it failed: {what}\n{where}".rstrip()


def _where(error: BaseException) -> str:
    """Return the line of the user's code that raised: the last that is neither a library's nor the import system's."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<frozen")]
    theirs = [frame for frame in frames if Path(frame.filename).is_relative_to(Path.cwd())] or frames[2:]
    return f"  {_short(theirs[-1].filename)}:{theirs[-1].lineno}\n    {theirs[-1].line}" if theirs else ""


def _short(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file


# --- looking -------------------------------------------------------------------------


def _attribute(module: ModuleType, attribute: str) -> App:
    found: object = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            close = get_close_matches(part, dir(found), 1) or sorted(_apps(module))
            hint = f"; did you mean {module.__name__}:{close[0]}?" if close else ""
            raise NoApp(f"-A {module.__name__}:{attribute}: there is no {part!r} in it{hint}")
        found = getattr(found, part)
    if not isinstance(found, App):
        raise NoApp(f"-A {module.__name__}:{attribute}: that is no App, but a {type(found).__name__}")
    return found


def _only(module: ModuleType) -> App:
    apps = _apps(module)
    if len(apps) == 1:
        return next(iter(apps.values()))
    if apps:
        choices = " or ".join(f"-A {module.__name__}:{name}" for name in sorted(apps))
        raise NoApp(f"-A {module.__name__}: it has {len(apps)} Apps, {' and '.join(sorted(apps))}; write {choices}")
    elsewhere = _submodule(module)
    hint = f"did you mean -A {elsewhere}?" if elsewhere else "make one in it: app = mainspring.App()"
    raise NoApp(f"-A {module.__name__}: there is no App in {_short(module.__file__ or module.__name__)}; {hint}")


def _apps(module: ModuleType) -> dict[str, App]:
    """Return the Apps of *module*, each under the first of its names."""
    found: dict[int, tuple[str, App]] = {}
    for name, value in vars(module).items():
        if isinstance(value, App):
            found.setdefault(id(value), (name, value))
    return dict(found.values())


def _submodule(module: ModuleType) -> str | None:
    """Return a module of a package whose text makes an App."""
    for folder in getattr(module, "__path__", ()):
        for file in sorted(Path(folder).glob("*.py")):
            if "= App(" in file.read_text("utf-8", "replace") or "mainspring.App(" in file.read_text(
                "utf-8", "replace"
            ):
                return f"{module.__name__}.{file.stem}"
    return None
