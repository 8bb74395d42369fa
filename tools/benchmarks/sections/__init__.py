"""The sections of `tools/bench`: each takes a `Bench` and returns rows of the table."""
