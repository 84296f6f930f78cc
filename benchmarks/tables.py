"""Results as Markdown."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from benchmarks.result import Case, FigureTable, Measure, Result, TimingTable

MEASURES: dict[Measure, Callable[[float, float], float]] = {
    "ms": lambda seconds, work: 1e3 * seconds,
    "s": lambda seconds, work: seconds,
    "ns per weight": lambda seconds, work: 1e9 * seconds / work,
    "network-steps per second": lambda seconds, work: work / seconds,
    "ns per pair": lambda seconds, work: 1e9 * seconds / work,
    "µs per network-epoch": lambda seconds, work: 1e6 * seconds / work,
}


def result_tables(result: Result) -> str:
    """All tables of a result, each under its title."""
    tables = [_timing_table(table) for table in result.timings] + [_figure_table(table) for table in result.figures]
    return "\n".join(tables)


def _timing_table(table: TimingTable) -> str:
    """Medians, with the time relative to the first competitor in brackets."""
    names = list(dict.fromkeys(name for case in table.cases for name in case.seconds))
    rows = ([case.name, *(_timing_cell(case, name, table.measure) for name in names)] for case in table.cases)
    return _titled(f"{table.title} ({table.measure})", ["", *names], rows)


def _timing_cell(case: Case, name: str, measure: Measure) -> str:
    """One competitor in one case."""
    if name not in case.median:
        return "–"
    return f"{number(MEASURES[measure](case.median[name], case.work))} ({number(case.ratio[name], 2)}×)"


def _figure_table(table: FigureTable) -> str:
    """Numbers as they are."""
    rows = ([cell if isinstance(cell, str) else number(cell) for cell in row] for row in table.rows)
    return _titled(table.title, table.columns, rows)


def number(value: float, digits: int = 3) -> str:
    """A number to some significant digits, with an exponent only when it is very small or very large."""
    if value != 0 and not 1e-3 <= abs(value) < 1e7:
        return f"{value:.{digits - 2}e}"
    return f"{float(f'{value:.{digits - 1}e}'):g}" if abs(value) < 1e5 else f"{value:.0f}"


def _titled(title: str, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table under its title."""
    return "\n".join(_table_lines(title, headers, rows))


def _table_lines(title: str, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table."""
    yield f"**{title}**\n"
    yield f"| {' | '.join(headers)} |"
    yield f"|---{'|---:' * (len(headers) - 1)}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
