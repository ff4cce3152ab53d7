"""What the benchmarks start as processes of their own; each speaks in lines of JSON on its standard output."""

#: The job that notes when it starts.
STAMP = "stamp"

#: Runs of a job of a long run that always fails.
TRIES = 3
