"""Candles to R2, KV and D1, and back."""
