"""Scores: what the facts of an account add up to, and how likely what comes next is. Likelihoods are learned only where the data carry them."""

from laer.scores.evaluation import Evaluation
from laer.scores.hazard import Hazard
from laer.scores.likelihood import Likelihood

__all__ = ["Evaluation", "Hazard", "Likelihood"]
