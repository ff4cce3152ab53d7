"""The client of the other tests reads pages as a browser does."""

from __future__ import annotations

from web.client import Client
from web.tree import fields, parse


def test_the_first_page_is_read_and_says_who_looks(app):
    app.enqueue("shop.jobs.add")

    page = Client(app, role="viewer", user="grace").get("/").page

    assert page.one("h1").text == "Overview"
    assert page.one("#user").text == "Grace"


def test_a_path_is_asked_for_without_where_the_dashboard_is_mounted(app):
    app.enqueue("shop.jobs.add")

    page = Client(app, root="/admin/jobs").get("/").page

    assert page.one("a.brand")["href"] == "/admin/jobs/"


def test_elements_are_found_by_tag_id_class_and_attribute():
    tree = parse('<table><tr id="queue-a"><td class="num big">1<td></table><p id="x y">2 &lt;b&gt; <b>3</b></p>')

    assert tree.one("tr#queue-a td.num.big").text == "1"
    assert tree.one('[id="x y"]').text == "2 <b> 3"
    assert tree.find("tr p") is None
    assert [node.tag for node in tree.all("[id]")] == ["tr", "p"]


def test_a_form_is_sent_as_it_stands():
    form = parse(
        '<form><input name="a" value="1"><input type=checkbox name=b value=2><input type=checkbox name=c value=3 checked>'
        "<select name=d><option value=4>x<option value=5 selected>y</select><textarea name=e>\nsix</textarea></form>"
    )

    assert fields(form) == [("a", "1"), ("c", "3"), ("d", "5"), ("e", "six")]
