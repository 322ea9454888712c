"""Strategies on recorded bars, and what to think of the outcome."""
