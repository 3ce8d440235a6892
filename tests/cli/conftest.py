from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def other(made: Path, installation: Path, tmp_path: Path) -> Path:
    """A second home without a book, and none elsewhere (but with the static files, whose compression takes seconds)."""
    folder = tmp_path / "other"
    if (made / "static").exists():
        shutil.copytree(made / "static", folder / "static")
    return folder
