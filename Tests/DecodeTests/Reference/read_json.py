"""Reads records as Python does. Standard input has one a line, in hexadecimal digits.

Prints a line for each: "-" if it is no JSON object in UTF-8, else "+" and its impression id, as text in
hexadecimal digits of UTF-8 if it is a string or an integer.
"""

import json
import sys


def refuse(constant):
    raise ValueError(constant)


def texts(value):
    """All strings in a value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for element in value:
            yield from texts(element)
    elif isinstance(value, Pairs):
        for key, element in value.pairs:
            yield key
            yield from texts(element)


class Pairs:
    """An object with all its fields, repeated ones too."""

    def __init__(self, pairs):
        self.pairs = pairs


def answer(line):
    try:
        record = json.loads(
            bytes.fromhex(line).decode("utf-8"),
            parse_constant=refuse, object_pairs_hook=Pairs,
        )
        # What UTF-8 cannot hold: Python lets half of a surrogate pair through.
        "".join(texts(record)).encode("utf-8")
    except ValueError:
        return "-"
    if not isinstance(record, Pairs):
        return "-"
    identifier = dict(record.pairs).get("impression_id")
    if isinstance(identifier, bool) or not isinstance(identifier, (str, int)):
        return "+"
    return "+" + str(identifier).encode("utf-8").hex()


sys.set_int_max_str_digits(0)
sys.stdout.write("".join(answer(line) + "\n" for line in sys.stdin))
