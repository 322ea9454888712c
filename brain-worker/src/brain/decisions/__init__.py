"""From signals to proposals, in pure stages: score, bias, committee, policy, sizing."""

from brain.decisions.decider import Decider
from brain.decisions.decision import Decision
from brain.decisions.proposals import proposal_of
from brain.decisions.signals import PLACES, decimal_of, signal_of

__all__ = ["PLACES", "Decider", "Decision", "decimal_of", "proposal_of", "signal_of"]
