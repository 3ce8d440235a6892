"""Exports as people have them: each shape is a fixture, and what must come of it stands here."""

from __future__ import annotations

from pathlib import Path

import pytest

from laer.sources.tabular.read import open_tables

EXPORTS = Path(__file__).parent / "exports"
