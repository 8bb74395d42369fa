"""Figures of several runs, and the table that they are printed as."""

import dataclasses
import statistics


class Failure(Exception):
    """A section cannot be measured; the message says why in one line."""


class Figures(dict):
    """Figures by name; one that is missing is a failure."""

    def __missing__(self, name):
        raise Failure(f"no figure {name} among {', '.join(self)}")


@dataclasses.dataclass
class Row:
    """A line of the table: what was measured, a value per run, and what to hold it against.

    A row of two quantities of one unit has the second one's values in `beside`.
    """

    what: str
    values: list
    unit: str
    note: str = ""
    beside: list = dataclasses.field(default_factory=list)

    @property
    def median(self):
        return statistics.median(self.values)

    def text(self):
        figure = " / ".join(map(spread, filter(None, (self.values, self.beside))))
        return f"| {self.what} | {figure} {self.unit} | {self.note} |"

    def record(self, section):
        """What goes into the JSON file."""
        return {
            "section": section, "what": self.what, "median": self.median, "values": self.values,
            **({"beside": self.beside} if self.beside else {}), "unit": self.unit,
            "note": self.note,
        }


def spread(values):
    """The median of several values, with the least and the greatest where there are some."""
    if len(values) == 1:
        return rounded(values[0])
    median = rounded(statistics.median(values))
    return f"{median} ({rounded(min(values))} to {rounded(max(values))})"


def rounded(value):
    """Three digits, or all of the whole number, of what is not below one: 0.702, 12.3, 1,234."""
    whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    return "0" if value == 0 else f"{value:,.{max(0, 3 - whole)}f}"


def ratios(numerators, denominators):
    """Run by run."""
    return [numerator / denominator for numerator, denominator in zip(numerators, denominators)]
