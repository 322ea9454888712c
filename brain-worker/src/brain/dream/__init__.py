"""The DreamEngine: what chaos theory and fractal analysis say of a price series, and the regime it is in."""
