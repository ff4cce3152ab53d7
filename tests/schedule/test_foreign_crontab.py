"""A crontab is read by cron's own rules: what stands in each line, and what it runs."""

from __future__ import annotations

import pytest

from mainspring.base.errors import InvalidSchedule
from mainspring.schedule.foreign import crontab
from mainspring.schedule.foreign.commands import named, split


def entries(*lines, **options):
    return crontab.read("\n".join(lines), **options).entries


def test_an_entry_is_its_expression_and_its_command():
    (found,) = entries("  */10 8-18\t* * mon-fri   /opt/sweep --all  ")

    assert (found.row.cron, found.command.text, found.name) == ("*/10 8-18 * * mon-fri", "/opt/sweep --all", "sweep")
    assert (found.line, found.source) == (1, ("*/10 8-18\t* * mon-fri   /opt/sweep --all",))


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_lines_end_as_they_like(ending):
    read = crontab.read(f"A=1{ending}@daily /opt/a{ending}")

    assert [(found.command.text, found.command.environment) for found in read.entries] == [("/opt/a", {"A": "1"})]


def test_remarks_right_above_an_entry_describe_it():
    found = entries(
        "# Edit this file to introduce tasks.",
        "",
        "# Nightly backup,",
        "# off site.",
        "@daily /opt/backup",
        "@daily /opt/other",
        "# of a variable",
        "A=1",
        "@daily /opt/third",
        "# of what is no more",
        "#@daily /opt/gone",
        "# ------------",
        "@daily /opt/fourth",
        "# m h dom mon dow command",
        "@daily /opt/fifth",
    )

    assert [one.row.options.get("description") for one in found] == [
        "Nightly backup, off site.",
        None,
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("PATH=/bin:/usr/bin", "PATH", "/bin:/usr/bin"),
        (" A = b c ", "A", "b c"),
        ('A="b c "', "A", "b c "),
        ("A='b'", "A", "b"),
        ("'A'=b", "A", "b"),
        ("A=", "A", ""),
        ("A=b # c", "A", "b # c"),
    ],
)
def test_a_setting_counts_for_the_entries_below_it(line, name, value):
    before, after = entries("@daily /opt/a", line, "@daily /opt/b")

    assert (before.command.environment, after.command.environment) == ({}, {name: value})


def test_cron_tz_is_the_zone_of_the_entries_below_it():
    found = entries("@daily a", "CRON_TZ=Europe/Berlin", "@daily b", "CRON_TZ=", "@daily c")

    assert [one.row.tz for one in found] == [None, "Europe/Berlin", None]
    assert found[1].command.environment == {}


@pytest.mark.parametrize(
    ("lines", "noted"), [(["MAILTO=a@b.c"], 1), (['MAILTO=""'], 0), (["RANDOM_DELAY=5"], 1), (["A=1"], 0)]
)
def test_what_cron_alone_does_is_noted(lines, noted):
    assert len(crontab.read("\n".join([*lines, "@daily a"])).notes) == noted


def test_reboot_has_no_equivalent():
    (found,) = entries("@reboot /opt/tunnel")

    assert found.row is None
    assert "knows no boot" in found.refused


@pytest.mark.parametrize(
    ("line", "command", "stdin"),
    [
        ("cat", "cat", ""),
        ("cat%a%b", "cat", "a\nb\n"),
        ("cat %a%", "cat", "a\n"),
        (r"date +\%F", "date +%F", ""),
        (r"a \\%b", r"a \\", "b\n"),
        (r"a\%b%c\%d", "a%b", "c%d\n"),
        (r"grep '\.py$'", r"grep '\.py$'", ""),
        ("a%", "a", ""),
    ],
)
def test_a_percent_sign_begins_the_standard_input(line, command, stdin):
    assert split(line) == (command, stdin)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("/usr/local/bin/backup.sh --all", "backup"),
        ("cd /srv/shop && bin/rails runner 'Invoice.sweep'", "rails_runner_invoice_sweep"),
        ("/usr/bin/python3 /srv/manage.py sync_all >/dev/null 2>&1", "manage_sync_all"),
        ("FOO=1 nice -n 10 /opt/clean", "clean"),
        ("test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }", "run_parts_cron_daily"),
        ("[ -f /x ] && /opt/x | logger", "x"),
        ("a b c d e", "a_b_c"),
        ("%%%", "command"),
        ("/opt/" + "x" * 99, "x" * 40),
        ("taken", "taken_3"),
    ],
)
def test_a_command_has_a_name_that_python_takes(command, name):
    assert named(command, ["taken", "taken_2"]) == name
    assert name.isidentifier()


def test_one_command_at_two_times_is_one_job():
    one, two, other = entries("@daily /opt/a", "@hourly /opt/a", "@hourly /opt/a b")

    assert [one.name, two.name, other.name] == ["a", "a_2", "a_b"]
    assert [one.job, two.job, other.job] == ["a", "a", "a_b"]


# --- the column of users -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "has_users"),
    [
        (["17 * * * * root cd / && run-parts"], True),
        (["17 * * * * root /opt/a", "@daily shop /opt/b"], True),
        (["# *  *  *  *  * user-name command to be executed", "17 * * * * shop /opt/a"], True),
        (["# m h dom mon dow user\tcommand", "17 * * * * shop /opt/a"], True),
        (["17 * * * * php /opt/a.php", "@daily python b.py"], False),
        (["17 * * * * root /opt/a", "@daily /opt/b"], False),
        (["17 * * * * root"], False),
    ],
)
def test_a_column_of_users_is_seen_if_it_is_clearly_there(lines, has_users):
    read = crontab.read("\n".join(lines))

    assert read.format == ("system-crontab" if has_users else "crontab")
    assert all(bool(found.notes) == has_users for found in read.entries)


def test_a_user_is_no_part_of_the_command():
    (found,) = entries("17 * * * * shop\t/opt/a b", has_users=True)

    assert found.command.text == "/opt/a b"
    assert "the user shop" in found.notes[0]


# --- what is no crontab --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "options", "said"),
    [
        (["@daily a", "", "* * * * *"], {}, "'* * * * *': line 3: this is no line of a crontab"),
        (["hello world"], {}, "line 1: this is no line of a crontab; write five fields and a command"),
        (["@daily"], {}, "line 1"),
        (["a b c d e f"], {}, "line 1"),
        (["17 * * * * /opt/a"], {"has_users": True}, "line 1: in a system's crontab, a user stands before the command"),
    ],
)
def test_a_line_that_is_none_is_said(lines, options, said):
    with pytest.raises(InvalidSchedule) as caught:
        entries(*lines, **options)

    assert said in str(caught.value)
