"""After the store lost its history it numbers deliveries anew: what ran before must not be taken for what runs now."""

from __future__ import annotations

from scenarios.harness import check, eventually


def test_a_job_that_outlived_the_history_does_not_acknowledge_the_one_that_has_its_number_now(private_server, offices):
    office = offices(private_server(), timing={"LEASE": 2, "BEAT": 0.4, "SWEEP": 0.4, "GRACE": 1})
    worker = office.start(concurrency=2).ready()
    old = office.push("sleeper", 4)
    eventually(lambda: office.runs("start", old))
    office.server.kill9()
    office.server.start()
    eventually(lambda: office.server.client.scard("{queue:default}:owners"))
    new = office.push("sleeper", 60)
    eventually(lambda: office.runs("start", new))
    assert office.runs("start", old)[0]["fence"] == office.runs("start", new)[0]["fence"] == 1

    eventually(lambda: old in office.done())
    # The acknowledgement of the old one is on its way at once.
    eventually(lambda: worker.events("job.fenced") or new not in office.in_flight(), 5)

    assert new in office.in_flight()
    worker.kill9(with_pacemaker=True)
    office.start(concurrency=2)
    office.until_done()
    assert check(office, "reused-numbers").lost == 0
