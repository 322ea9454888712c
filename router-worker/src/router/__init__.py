"""The HTTP edge: who asks, what they may, and what the other workers answer. It holds no trading logic and no state."""
