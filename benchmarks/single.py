"""One benchmark, from its run to its result."""

from importlib import import_module

from benchmarks.result import save, this_machine, with_provenance
from benchmarks.tables import result_tables


def run(name: str) -> None:
    """Run one benchmark, print its tables and keep its result; where it cannot run, say why and keep what was there."""
    machine, benchmark = this_machine(), import_module(f"benchmarks.{name}")
    if reason := getattr(benchmark, "unavailable", lambda: None)():
        print(f"## {name}\n\nLeft out: {reason}.", flush=True)
        return
    outcome = benchmark.run()
    result = with_provenance(name, outcome, machine)
    save(result)
    print(f"## {name}\n\n{result_tables(result)}", flush=True)
