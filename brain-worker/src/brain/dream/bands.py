"""What white noise gives: points -> measure -> (1st percentile, mean, 99th percentile).

Made by `python -m tools.dream bands` from 2000 shuffles for each length; do not edit.
"""

from typing import Final

BANDS: Final[dict[int, dict[str, tuple[float, float, float]]]] = {
    128: {
        "autocorrelation": (-0.2071, -0.0060, 0.2039),
        "lyapunov": (0.3234, 0.3650, 0.4083),
        "hurst": (0.2988, 0.4957, 0.6795),
        "dfa": (0.2821, 0.5096, 0.7636),
        "correlation_dimension": (3.0044, 4.1540, 5.5406),
        "sample_entropy": (1.6650, 2.3190, 3.3787),
        "permutation_entropy": (0.9440, 0.9729, 0.9912),
        "missing_patterns": (0.0000, 0.0920, 1.0000),
        "recurrence_rate": (0.0155, 0.0197, 0.0252),
        "determinism": (0.0500, 0.1710, 0.3140),
    },
    256: {
        "autocorrelation": (-0.1498, -0.0031, 0.1431),
        "lyapunov": (0.3990, 0.4266, 0.4544),
        "hurst": (0.3721, 0.4985, 0.6280),
        "dfa": (0.3485, 0.5062, 0.6705),
        "correlation_dimension": (3.3977, 4.0617, 5.0773),
        "sample_entropy": (1.9108, 2.2294, 2.6101),
        "permutation_entropy": (0.9732, 0.9872, 0.9953),
        "missing_patterns": (0.0000, 0.0005, 0.0000),
        "recurrence_rate": (0.0181, 0.0204, 0.0234),
        "determinism": (0.1166, 0.1792, 0.2456),
    },
    512: {
        "autocorrelation": (-0.1005, -0.0010, 0.0996),
        "lyapunov": (0.4619, 0.4827, 0.5033),
        "hurst": (0.4097, 0.4989, 0.5884),
        "dfa": (0.3845, 0.5030, 0.6272),
        "correlation_dimension": (3.6015, 3.9435, 4.3091),
        "sample_entropy": (2.0422, 2.2074, 2.3827),
        "permutation_entropy": (0.9865, 0.9937, 0.9979),
        "missing_patterns": (0.0000, 0.0000, 0.0000),
        "recurrence_rate": (0.0193, 0.0207, 0.0225),
        "determinism": (0.1494, 0.1834, 0.2176),
    },
    1024: {
        "autocorrelation": (-0.0720, -0.0005, 0.0744),
        "lyapunov": (0.5213, 0.5356, 0.5503),
        "hurst": (0.4294, 0.4989, 0.5678),
        "dfa": (0.4137, 0.5024, 0.5978),
        "correlation_dimension": (3.7471, 3.9096, 4.0795),
        "sample_entropy": (2.1105, 2.1958, 2.2869),
        "permutation_entropy": (0.9934, 0.9969, 0.9990),
        "missing_patterns": (0.0000, 0.0000, 0.0000),
        "recurrence_rate": (0.0199, 0.0209, 0.0220),
        "determinism": (0.1660, 0.1852, 0.2065),
    },
}
