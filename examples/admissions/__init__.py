"""An admissions office at work: the demo, and the code of the tutorial.

Run it with ``make demo`` or ``python -m examples.admissions``.  Read it in this order:

* `schema.sql` and `office` say what the office may do, and to whom;
* `mail`, `letters`, `references` and `search` are its tools;
* `jobs` is what it does in the background, and `clock` is when;
* `desk` is where applicants come in: what would be your web application;
* `demo`, `evidence` and `rules` watch it, kill a worker, and judge what is left.
"""
