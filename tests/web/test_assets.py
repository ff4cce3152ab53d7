"""Files are served under names that change with their content, are few, small, and those that were vendored."""

from __future__ import annotations

import gzip
import hashlib
import json

import pytest

from house.source import PACKAGE, ROOT
from mainspring.web.assets import Assets
from web.client import Client

FOLDER = ROOT / PACKAGE / "web/static"
#: Bytes of all scripts and styles together, compressed.
MOST = 45_000


def test_vendored_files_are_as_they_were_listed():
    listed = json.loads((FOLDER / "vendor/vendored.json").read_text())

    assert {each["file"]: each["sha256"] for each in listed} == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (FOLDER / "vendor").iterdir()
        if path.suffix in {".js", ".css"}
    }
    assert all((FOLDER / "vendor" / f"{each['file'].partition('.')[0]}.LICENSE.txt").exists() for each in listed)


def test_scripts_and_styles_stay_small():
    sizes = {
        path.name: len(gzip.compress(path.read_bytes(), 9))
        for path in FOLDER.rglob("*")
        if path.suffix in {".js", ".css"}
    }

    assert sum(sizes.values()) <= MOST, sizes


@pytest.mark.parametrize(
    "name", ["app.css", "app.0000000000.css", "..%2fdashboard.py", "../dashboard.py", "vendor/uplot.js", ""]
)
def test_nothing_else_is_served(app, name):
    assert Client(app).get(f"/static/{name}").status == 404


def test_a_server_of_ones_own_can_hand_them_out(tmp_path, app):
    written = Assets().copy(tmp_path / "static")

    page = Client(app).get("/").page
    asked = [node["href"] for node in page.all("link")] + [node["src"] for node in page.all("script") if "src" in node]
    assert {path.rpartition("/")[2] for path in asked} <= {path.name for path in written}
