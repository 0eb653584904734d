"""Figures with a budget, and the rule by which one is missed."""

import statistics


class Figure:
    """`values` are in `unit`; `budget` None publishes a figure that has none."""

    def __init__(self, group, name, unit, budget, values):
        self.group, self.name, self.unit, self.budget = group, name, unit, budget
        self.values = sorted(values)
        self.was_busy = False

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def quartiles(self):
        if len(self.values) < 4:
            return self.values[0], self.values[-1]
        low, _, high = statistics.quantiles(self.values, n=4, method="inclusive")
        return low, high

    @property
    def verdict(self):
        """A busy machine makes figures larger, never smaller. So a budget is missed when even the quicker
        quarter of the runs is over it; when only the median is, or the machine never was quiet, nobody can tell."""
        if self.budget is None:
            return ""
        if self.median <= self.budget:
            return "ok"
        if self.was_busy:
            return "busy"
        return "MISSED" if self.quartiles[0] > self.budget else "noisy"

    def row(self):
        low, high = self.quartiles
        spread = f"{number(low)}..{number(high)}" if len(self.values) > 1 else ""
        budget = f"{number(self.budget)} {self.unit}" if self.budget is not None else "-"
        return [self.name, budget, f"{number(self.median)} {self.unit}", spread, str(len(self.values)), self.verdict]

    def plain(self):
        low, high = self.quartiles
        return {
            "group": self.group, "name": self.name, "unit": self.unit, "budget": self.budget, "median": self.median,
            "quarter": low, "threeQuarters": high, "runs": len(self.values), "verdict": self.verdict}


def number(value):
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def table(figures):
    """A table that is Markdown as well."""
    rows = [["figure", "budget", "median", "quartiles", "runs", ""]] + [figure.row() for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
