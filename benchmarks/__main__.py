"""`python -m benchmarks [--full] [--write] [NAME…]`: every benchmark of this folder, or the named ones.

--full   more repetitions and the long forms
--write  put the tables in benchmarks/RESULTS.md too
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import platform
import sys
from datetime import date
from pathlib import Path

import benchmarks

RESULTS = Path(__file__).parent / "RESULTS.md"


def names() -> list[str]:
    """Modules of this folder that can be run."""
    found = (m.name for m in pkgutil.iter_modules(benchmarks.__path__) if not m.name.startswith("_"))
    return sorted(n for n in found if hasattr(importlib.import_module(f"benchmarks.{n}"), "run"))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    there = names()
    unknown = sorted(set(asked.names) - set(there))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(there)}")
    machine = f"{date.today()}, {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, load before {os.getloadavg()[0]:.1f}"
    texts, missed = [f"# Results\n\n{machine}. Made by `python -m benchmarks{' --full' if asked.full else ''} --write`.\n"], 0
    for name in asked.names or there:
        for table in importlib.import_module(f"benchmarks.{name}").run(asked.full):
            print(table.text(), flush=True)
            texts.append(table.text())
            missed += sum(row[-1].startswith("no") for row in table.rows)
    if asked.write:
        RESULTS.write_text("\n".join(texts), encoding="utf-8")
        print(f"written to {RESULTS}", file=sys.stderr)
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
