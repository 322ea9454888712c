"""Venue bytes become validated candles: paced, retried, paged, deduplicated, with gaps found and asked for again."""
