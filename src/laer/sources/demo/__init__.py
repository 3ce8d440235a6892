"""An invented firm from a seed: several hundred accounts with 24 months of history, told so that every page has something true to show."""

from laer.sources.demo.batches import firm, work

__all__ = ["firm", "work"]
