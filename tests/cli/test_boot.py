"""`-A` finds the App, or says what is wrong and what would be right; the exit code is then 78."""

from __future__ import annotations

import pytest


def test_a_module_with_one_app_is_enough(ms):
    assert ms("run", "-A", "shop.jobs", "add", "1", "2").out == "3\n"


def test_an_attribute_may_be_named(ms):
    assert ms("run", "-A", "shop.jobs:app", "add", "1", "2").out == "3\n"


def test_the_environment_may_name_it(ms, monkeypatch):
    monkeypatch.setenv("MAINSPRING_APP", "shop.jobs")

    assert ms("run", "add", "1", "2").out == "3\n"


def test_pyproject_may_name_it(ms, write):
    write("pyproject.toml", '[tool.mainspring]\napp = "shop.jobs"')

    assert ms("run", "add", "1", "2").out == "3\n"


def test_one_app_under_two_names_is_one(ms, write):
    write("twice.py", "from shop.jobs import app\nalso = app")

    assert ms("run", "-A", "twice", "add", "1", "2").out == "3\n"


WRONG = {
    "nothing named": ((), ["Write -A module", "MAINSPRING_APP", "[tool.mainspring]"]),
    "no such module": (("-A", "shop.jbos"), ["no module shop.jbos", "did you mean shop.jobs?"]),
    "no such package": (("-A", "jobs"), ["no module jobs", "did you mean shop.jobs"]),
    "a file's path": (("-A", "shop/jobs.py"), ["file's path", "-A shop.jobs"]),
    "no name at all": (("-A", "."), ["no module's name"]),
    "no such attribute": (("-A", "shop.jobs:ap"), ["no 'ap'", "did you mean shop.jobs:app?"]),
    "an attribute that is no App": (("-A", "shop.jobs:date"), ["no App, but a type"]),
    "a package without an App": (("-A", "shop"), ["no App in shop/__init__.py", "did you mean -A shop.jobs?"]),
    "a module without an App": (("-A", "empty"), ["no App in empty.py", "mainspring.App()"]),
    "two Apps": (("-A", "two"), ["2 Apps, first and second", "-A two:first or -A two:second"]),
    "an error": (("-A", "broken"), ["ZeroDivisionError", "broken.py:3", "x = 1 / 0"]),
    "an error of syntax": (("-A", "syntax"), ["SyntaxError", "syntax.py:1", "def f(:"]),
    "an exit": (("-A", "leaves"), ["SystemExit: 3", "leaves.py:2"]),
    "an import that fails": (("-A", "needs"), ["No module named 'no_such_library'", "needs.py:1"]),
}


@pytest.fixture
def mistakes(write):
    write("empty.py", "")
    write("two.py", "from mainspring import App\nfirst, second = App(), App()")
    write("broken.py", "\n\nx = 1 / 0")
    write("syntax.py", "def f(:")
    write("leaves.py", "import sys\nsys.exit(3)")
    write("needs.py", "import no_such_library")


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_with_the_way_out_and_no_traceback(ms, mistakes, name):
    options, texts = WRONG[name]

    ended = ms("run", *options, "add", "1", "2")

    assert ended.code == 78
    assert [text for text in texts if text not in ended.err] == []
    assert "Traceback" not in ended.err
    assert ended.out == ""


@pytest.mark.parametrize(
    ("text", "hint"), [("[tool.mainspring", "cannot be read"), ("[tool.mainspring]\napp = 5", "must be a text")]
)
def test_a_pyproject_that_is_wrong_is_told_of(ms, write, text, hint):
    write("pyproject.toml", text)

    ended = ms("run", "add", "1", "2")

    assert ended.code == 78
    assert hint in ended.err


def test_debug_shows_the_traceback(ms, mistakes):
    ended = ms("run", "-A", "broken", "add", "--debug")

    assert "Traceback" in ended.err
    assert "ZeroDivisionError" in ended.err


def test_what_only_reads_the_store_needs_no_app(ms):
    assert ms("queues").code == 0


def test_an_app_that_is_named_wrongly_is_not_passed_over(ms):
    assert ms("queues", "-A", "nowhere").code == 78
