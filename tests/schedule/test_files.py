"""A schedule can lie in a file, in one's own keys or in Sidekiq's; what cannot be meant is refused with its line or name."""

from __future__ import annotations

import sys
import textwrap

import pytest

from mainspring.base.errors import BootError, InvalidSchedule
from mainspring.schedule import documents, files
from mainspring.schedule.catalog import collect
from mainspring.schedule.foreign.reading import read
from mainspring.schedule.row import Row

REPORT = Row(name="report", job="shop.report", every="1d", at="09:00", options={"args": [42]})


def rows(text, suffix=".yml"):
    return files.read(textwrap.dedent(text), suffix)


def test_toml_is_read():
    text = """
        [report]
        job = "shop.report"
        every = "1d"
        at = 09:00:00
        args = [42]

        [sweep]
        job = "shop.sweep"
        cron = "0 * * * *"
        start = 2026-12-01
        exclude = [2026-12-25]
    """

    sweep = Row(
        name="sweep",
        job="shop.sweep",
        cron="0 * * * *",
        options={"start": "2026-12-01", "exclude": ["2026-12-25"]},
    )
    assert rows(text, ".toml") == [REPORT, sweep]


@pytest.mark.parametrize(
    "text",
    [
        """
        report:
          job: shop.report
          every: 1d
          at: 09:00
          args: [42]
        """,
        """
        schedule:
          report: {job: shop.report, every: 1d, at: 09:00, args: [42]}
        """,
        """
        :scheduler:
          :schedule:
            report:
              :job: shop.report
              :every: 1d
              :at: "09:00"
              :args: [42]
        """,
        """
        - name: report
          job: shop.report
          every: 1d
          at: 09:00
          args:
          - 42
        """,
    ],
)
def test_yaml_is_read_wherever_the_schedule_lies(text):
    assert rows(text, ".yaml") == [REPORT]


def test_sidekiqs_keys_mean_what_they_mean_there():
    text = """
        nightly:
          class: HardWorker
          cron: 0 0 */2 * 1
          status: disabled
        checks:
          klass: CheckDaemon
          every: ["2 hours and 30 minutes"]
          args: one
          missed: all
    """

    assert rows(text) == [
        Row(name="nightly", job="HardWorker", cron="0 0 1-31/2 * 1", options={"paused": True}),
        Row(
            name="checks",
            job="CheckDaemon",
            every="2h30m",
            options={"skip_first_run": True, "args": ["one"], "missed": "all"},
        ),
    ]


@pytest.mark.parametrize(
    ("text", "suffix", "said"),
    [
        ("x: {job: a, every: 1d}", ".json", "'.json': a schedule's file ends with .toml, .yaml, .yml"),
        ("a = [", ".toml", "it is no TOML"),
        ("a: [\nb: 1", ".yml", "line 2: this is no YAML"),
        ("a: b: c", ".yml", "'a: b: c': line 1: this is no YAML"),
        ("", ".yml", "there is no schedule in it"),
        ("concurrency: 5", ".yml", "there is no schedule in it"),
        ("production: {concurrency: 5}", ".yml", "there is no schedule in it"),
        ("x: {job: a, evry: 1d}", ".yml", "'evry': in the entry 'x': there is no such key; did you mean every?"),
        ("x: {job: a}", ".yml", "neither is there"),
        ("x: {job: a, every: 1d}\ny: 5", ".yml", "'y': an entry is a mapping of its job and its times, not 5"),
        ("- {job: a, every: 1d}", ".yml", "'entry 1': name: in a list, each entry has a name"),
        ("x: {class: A, every: soon}", ".yml", "'x': 'soon': every: write a duration"),
        ("x: {class: A, in: 1h}", ".yml", "in: it runs once"),
        ("x: {class: A, cron: '@daily', include_metadata: true}", ".yml", "current_job().periodic.tick"),
    ],
)
def test_what_cannot_be_meant_is_refused(text, suffix, said):
    with pytest.raises(InvalidSchedule) as caught:
        files.read(text, suffix)

    assert said in str(caught.value)


def test_all_that_is_wrong_is_collected():
    text = "a: {job: x}\nb: {job: x, every: 1d}\nc: {class: X, in: 1h}"

    with collect() as problems:
        found = files.read(text, ".yml", "schedule.yml")

    assert [row.name for row in found] == ["b"]
    assert [problem.where for problem in problems] == ["schedule.yml"] * 2


# --- YAML --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("at: 12:30", {"at": "12:30"}),
        ("at: 12:30:15.5", {"at": "12:30:15.5"}),
        ("start: 2026-12-01 09:00:00", {"start": "2026-12-01 09:00:00"}),
        (":every: :hour", {"every": "hour"}),
        ("a: ':hour'", {"a": ":hour"}),
        ("a: [':', b]", {"a": [":", "b"]}),
        ("1: 2", {"1": 2}),
        ("on: yes", {"on": True}),
        ("a: &x {b: 1}\nc:\n  <<: *x\n  d: 2", {"a": {"b": 1}, "c": {"b": 1, "d": 2}}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
    ],
)
def test_yaml_is_read_as_it_is_meant(text, data):
    assert documents.yaml(text).data == data


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: <%= ENV['X'] %>", "\"<%= ENV['X'] %>\": line 2: this is ERB"),
        ("a:\n  b: 1\n  b: 2", "'b: 2': line 3: 'b' stands here for the second time, first in line 2"),
        ("a: !ruby/object:Foo {}", "line 1: !ruby/object:Foo is no plain data"),
        ("a: !!python/name:os.system", "is no plain data"),
        ("a: !!binary aGVsbG8=", "binary is no plain data"),
        ("a: &x\n  b: *x", "line 1: this holds itself"),
        ("? [a, b]\n: c", "line 1: a key must be a text"),
        ("a: 1\n--- \nb: 2", "line 2: this is no YAML: but found another document"),
        ("a: *nobody", "line 1: this is no YAML: found undefined alias"),
        ("a: 1\n\tb: 2", "line 2: this is no YAML"),
        ("a: 1\nb: \x07", "line 2: this is no YAML: special characters are not allowed"),
        ("[" * 5000, "nested too deep"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_line(text, said):
    with pytest.raises(InvalidSchedule) as caught:
        documents.yaml(text)

    assert said in str(caught.value)


def test_aliases_of_aliases_are_walked_once():
    lines = ["a0: &a0 [1, 1]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40))]

    assert len(documents.yaml("\n".join(lines)).data) == 40


@pytest.mark.parametrize(
    ("text", "path", "lines"),
    [
        ("a:\n  b: 1\n\n# of c\nc: 2\n", ("a",), (1, 4)),
        ("s:\n  a:\n    b: 1\n  c: 2\n", ("s", "a"), (2, 3)),
        ("s:\n  a: {b: 1}\n  c: 2\n", ("s", "a"), (2, 2)),
        ("- a: 1\n  b: 2\n- c: 3\n", (0,), (1, 2)),
        ("- a: 1\n  b: 2\n- c: 3", (1,), (3, 3)),
        ("a: |\n  x\n  y\nb: 1", ("a",), (1, 3)),
    ],
)
def test_it_is_known_on_which_lines_a_thing_stands(text, path, lines):
    assert documents.yaml(text).lines[path] == lines


def test_without_pyyaml_the_way_out_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)

    with pytest.raises(BootError, match=r'pip install "mainspring\[yaml\]"'):
        documents.yaml("a: 1")


# --- any format ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("*/5 * * * * /opt/a", "crontab"),
        ("# of mine\n\nSHELL=/bin/sh\n", "crontab"),
        ("@daily /opt/a", "crontab"),
        ("17 * * * * root /opt/a", "system-crontab"),
        ("a: {class: A, cron: '@daily'}", "sidekiq-cron"),
        ("- {name: a, class: A, cron: '@daily'}", "sidekiq-cron"),
        ("a: {cron: '@daily', status: enabled}", "sidekiq-cron"),
        ("a: {klass: A, cron: '@daily'}", "sidekiq-cron"),
        ("A: {cron: '@daily'}", "sidekiq-scheduler"),
        ("a: {class: A, every: 1h}", "sidekiq-scheduler"),
        ("schedule: {a: {class: A, cron: '@daily'}}", "sidekiq-scheduler"),
        (":scheduler:\n  :schedule:\n    a: {class: A, cron: '@daily'}", "sidekiq-scheduler"),
    ],
)
def test_a_file_is_known_by_what_it_says(text, kind):
    assert read(text).format == kind


@pytest.mark.parametrize(
    ("text", "kind", "args"),
    [
        ("a: {class: A, cron: '@daily', args: '[1]'}", "sidekiq-cron", [1]),
        ("a: {class: A, cron: '@daily', args: '[1]'}", "sidekiq-scheduler", ["[1]"]),
    ],
)
def test_whose_file_it_is_can_be_said(text, kind, args):
    assert read(text, of=kind).entries[0].row.options["args"] == args


def test_a_user_that_only_a_person_knows_can_be_said_too():
    text = "17 * * * * shop /opt/a"

    assert read(text).entries[0].command.text == "shop /opt/a"
    assert read(text, of="system-crontab").entries[0].command.text == "/opt/a"
    assert read("17 * * * * root /opt/a", of="crontab").entries[0].command.text == "root /opt/a"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{class: A, cron: 0 0 30 2 *}", "no such date ever comes"),
        ("{class: A, cron: 0 0 * * * Europe/Londno}", "Europe/Londno"),
        ("{class: A, cron: '@daily', queue: 'a b'}", "a b"),
        ("{class: ' A', cron: '@daily'}", "cannot name a job"),
        ("{class: A, cron: '@daily', missed: never}", "missed"),
    ],
)
def test_what_no_catalog_takes_is_not_taken_over(entry, said):
    (found,) = read(f"a: {entry}").entries

    assert found.row is None
    assert said in found.refused


def test_of_two_entries_with_one_name_the_first_is_taken():
    one, two = read("- {name: a, class: A, cron: '@daily'}\n- {name: a, class: B, cron: '@daily'}").entries

    assert one.row is not None
    assert "another entry has this name" in two.refused


def test_a_blank_file_is_refused():
    with pytest.raises(InvalidSchedule, match="it is blank"):
        read(" \n")
