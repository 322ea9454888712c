"""What the panel can be told."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from shared.model import Model


class Params(Model):
    """Of every measure; distances are in standard deviations of the series. Only the defaults have bands, and so a verdict."""

    lag: int = Field(default=1, ge=1, le=20, description="steps between the values of a vector, for all measures")
    lyapunov_dim: int = Field(default=3, ge=2, le=10, description="values of a vector whose neighbours are followed")
    lyapunov_apart: int = Field(default=10, ge=0, le=100, description="steps that neighbours are apart at least")
    lyapunov_steps: int = Field(default=5, ge=2, le=50, description="steps they are followed, the first included")
    dimension_dim: int = Field(default=4, ge=1, le=10, description="values of a vector of the correlation sums")
    dimension_least: float = Field(default=0.3, ge=0.01, le=10, description="the smallest radius")
    dimension_most: float = Field(default=1.0, ge=0.01, le=10, description="the largest radius, above the smallest")
    entropy_dim: int = Field(default=2, ge=1, le=10, description="values of a template of the sample entropy")
    entropy_tolerance: float = Field(default=0.2, ge=0.01, le=10, description="below it two values match")
    pattern_order: int = Field(default=4, ge=3, le=6, description="values of a pattern of the permutation entropy")
    recurrence_dim: int = Field(default=3, ge=1, le=10, description="values of a vector of the recurrence plot")
    recurrence_radius: float = Field(default=0.5, ge=0.01, le=10, description="up to it a vector recurs")
    recurrence_line: int = Field(default=3, ge=2, le=50, description="recurrent points of a line at least")

    @model_validator(mode="after")
    def _radii_ascend(self) -> Self:
        if self.dimension_least >= self.dimension_most:
            raise ValueError("dimension_least must be below dimension_most")
        return self


DEFAULT = Params()
