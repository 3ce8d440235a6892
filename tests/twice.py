"""`python -m tests.twice LANE ARGUMENTS…`: a lane of pytest whose tests live with the clock. What fails beside other work is done once more, alone.

A browser, a server and a kill share two processors with everything else, and what only came too late is no fault of laer's. So the tests that failed are
run again, one at a time. Those that fail again fail the lane: a fault that is there is there twice. The end of the output names both kinds.

Nothing is done again where the run itself broke (pytest says another number than 1), or where so much fails that it cannot be the clock.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

MOST = 20  # failures that may be the machine's
FAILURES = 1  # what pytest ends with when tests failed


def failed(cache: Path) -> list[str]:
    """The tests that failed in the last run with this cache."""
    found = cache / "v" / "cache" / "lastfailed"
    return sorted(json.loads(found.read_text())) if found.exists() else []


def lane(name: str, arguments: list[str]) -> int:
    """What the lane ends with: 0 where every test passed, together or alone."""
    cache = Path(".pytest_cache") / name  # of its own: lanes run beside each other
    (cache / "v" / "cache" / "lastfailed").unlink(missing_ok=True)  # of another day
    pytest = [sys.executable, "-m", "pytest", "-q", "-o", f"cache_dir={cache}", *arguments]
    said = subprocess.run(pytest, check=False).returncode
    again = failed(cache)
    if said != FAILURES or not 0 < len(again) <= MOST:
        return said
    print(f"\n== {name}: {len(again)} failed beside other work and are done once more, alone:", *again, sep="\n  ", flush=True)
    said = subprocess.run([*pytest, "-n", "0", "--dist", "no", "--last-failed", "--last-failed-no-failures", "none"], check=False).returncode
    still = (failed(cache) or again) if said else []
    print(f"\n== {name}: done twice", *(f"{'failed twice' if one in still else 'passed alone'}  {one}" for one in sorted({*again, *still})), sep="\n  ")
    return said


if __name__ == "__main__":
    sys.exit(lane(sys.argv[1], sys.argv[2:]))
