"""What is installed is what is in the tree: the wheel carries every script, and one version is everywhere."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile

import pytest
from packaging.requirements import Requirement

from house.source import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
VERSION = re.findall(r'__version__ = "(.+)"', (ROOT / "src/mainspring/__about__.py").read_text())[0]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel with what is installed here, so that nothing is downloaded."""
    folder = tmp_path_factory.mktemp("wheel")
    code = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def names(wheel: zipfile.ZipFile) -> set[str]:
    return set(wheel.namelist())


def test_the_wheel_carries_every_file_of_the_package(wheel):
    package = ROOT / "src"
    ours = {path.relative_to(package).as_posix() for path in package.glob("mainspring/**/*") if path.is_file()}
    wanted = {name for name in ours if "__pycache__" not in name}

    carried = {name for name in names(wheel) if name.startswith("mainspring/")}

    assert carried == wanted
    assert "mainspring/py.typed" in carried
    assert "mainspring/store/lua/jobs_fetch.lua" in carried
    assert any(name.startswith("mainspring/store/lua/lib/") for name in carried)


def test_the_wheel_carries_nothing_beside_the_package(wheel):
    strangers = {
        name for name in names(wheel) if not name.startswith(("mainspring/", f"mainspring-{VERSION}.dist-info/"))
    }

    assert strangers == set()


def test_the_wheel_gives_the_command_and_the_license(wheel):
    about = f"mainspring-{VERSION}.dist-info"

    assert "mainspring = mainspring.cli.main:main" in wheel.read(f"{about}/entry_points.txt").decode()
    assert "MIT License" in wheel.read(f"{about}/licenses/LICENSE").decode()


def test_an_installation_without_extras_asks_for_nothing_heavy(wheel):
    metadata = wheel.read(f"mainspring-{VERSION}.dist-info/METADATA").decode()

    plain = {
        re.split(r"[<>=!~ ;]", line)[1] for line in re.findall(r"Requires-Dist: .*", metadata) if "extra ==" not in line
    }

    assert plain == {"click", "cronsim", "hiredis", "msgspec", "redis", "tzdata"}


def test_constraints_pin_everything_that_an_extra_names():
    pinned = re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    project = PYPROJECT["project"]
    asked = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]

    missing = {name for one in asked if (name := re.match(r"[\w.-]+", one)[0]) not in {pin.lower() for pin in pinned}}

    assert missing == set()


def test_the_pins_lie_within_what_the_package_asks_for():
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    wanted = [Requirement(one) for one in PYPROJECT["project"]["dependencies"]]

    assert [str(one) for one in wanted if one.name in pins and pins[one.name] not in one.specifier] == []


@pytest.mark.parametrize("name", ["redis", "msgspec"])
def test_a_client_older_than_those_that_the_tests_run_with_is_not_asked_for(name):
    # Their inner calls, or their bytes, are what we build on; no other series was tried.
    (asked,) = [one for one in map(Requirement, PYPROJECT["project"]["dependencies"]) if one.name == name]
    pin = re.search(rf"^{name}==(\d+)\.(\d+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    older = f"{int(pin[1]) - 1}.99" if int(pin[1]) else f"0.{int(pin[2]) - 1}"

    assert older not in asked.specifier


def test_constraints_hold_names_and_versions_only():
    lines = (ROOT / "constraints.txt").read_text().splitlines()

    assert [line for line in lines if not re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[A-Za-z0-9._+!-]+", line)] == []


def test_the_changelog_begins_with_the_version_of_the_package():
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert newest is not None
    assert newest[1] == VERSION


def test_a_changelog_of_another_version_fails_the_check(tmp_path):
    for name in ("src/mainspring/__about__.py", "tools/changelog_version.py", "CHANGELOG.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text())
    check = [sys.executable, str(tmp_path / "tools/changelog_version.py")]

    assert subprocess.run(check, capture_output=True).returncode == 0

    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## 9.9.9\n")

    assert b"make them equal" in subprocess.run(check, capture_output=True).stderr


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="only a clone knows which files are the project's")
def test_no_file_names_this_machine_or_the_host_of_a_registry():
    """What is written on one machine must mean the same on another."""
    # In two halves, so that this file does not find itself.
    strangers = [
        "/" + "work/",
        "/" + "root/",
        "/" + "opt/pypi",
        "files.python" + "hosted",
        "registry." + "npmjs",
        "deb." + "debian.org",
    ]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    paths = [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]

    found = [
        f"{path.relative_to(ROOT)}: {stranger}"
        for path in paths
        for stranger in strangers
        if stranger in path.read_text(errors="replace")
    ]

    assert len(paths) > 50
    assert found == []
