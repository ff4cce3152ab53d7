"""The text is what Prometheus's format asks for, whatever strangers have called their queues."""

from __future__ import annotations

import pytest

from mainspring.web.prometheus import Histogram, Histograms, Metric, single, text


def test_a_metric_has_help_type_and_a_line_for_each_value():
    metric = Metric("queue_size", "gauge", "Jobs that wait.", [({"queue": "mail"}, 3.0), ({"queue": "low"}, 0.5)])

    assert text([metric]) == (
        "# HELP mainspring_queue_size Jobs that wait.\n"
        "# TYPE mainspring_queue_size gauge\n"
        'mainspring_queue_size{queue="mail"} 3\n'
        'mainspring_queue_size{queue="low"} 0.5\n'
    )


def test_one_without_values_is_left_out_and_one_without_labels_has_no_braces():
    assert text([Metric("x", "gauge", "y"), single("up", "gauge", "z", 1)]).splitlines()[-1] == "mainspring_up 1"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ('a"b', r'"a\"b"'),
        ("a\\b", r'"a\\b"'),
        ('a\n} mainspring_up 7\n#"', r'"a\n} mainspring_up 7\n#\""'),
        ("\ud800", '"?"'),
        ("x" * 10_000, '"' + "x" * 200 + '"'),
    ],
)
def test_a_name_cannot_break_out_of_its_label(name, written):
    body = text([Metric("m", "gauge", "h", [({"queue": name}, 1)])])

    assert body.splitlines()[-1] == f"mainspring_m{{queue={written}}} 1"
    assert len(body.splitlines()) == 3
    body.encode()


@pytest.mark.parametrize(
    ("value", "written"),
    [(float("inf"), "+Inf"), (float("-inf"), "-Inf"), (float("nan"), "NaN"), (1e20, "1e+20"), (0.1, "0.1"), (7.0, "7")],
)
def test_numbers_are_written_as_the_format_has_them(value, written):
    assert text([single("m", "gauge", "h", value)]).splitlines()[-1] == f"mainspring_m {written}"


def test_a_histogram_has_its_buckets_the_last_without_an_end_a_sum_and_a_count():
    found = Histograms("run_seconds", "Runs.", [Histogram({"class": "send"}, [(0.1, 2), (1.0, 3)], 4, 7.5)])

    assert text([found]).splitlines()[1:] == [
        "# TYPE mainspring_run_seconds histogram",
        'mainspring_run_seconds_bucket{class="send",le="0.1"} 2',
        'mainspring_run_seconds_bucket{class="send",le="1"} 3',
        'mainspring_run_seconds_bucket{class="send",le="+Inf"} 4',
        'mainspring_run_seconds_sum{class="send"} 7.5',
        'mainspring_run_seconds_count{class="send"} 4',
    ]
