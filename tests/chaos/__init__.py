"""Desks in workerd, killed at any moment while their venues misbehave; judged by what the venues saw."""
