"""Mutation testing of the desk's core."""
