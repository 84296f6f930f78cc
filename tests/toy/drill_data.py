"""The points of `toy.drill`, with a data set."""

from dataclasses import replace

from pydantic import Field

from toy import drill


class DrillDataParameters(drill.DrillParameters):
    dataset: str = Field(default="numbers", description="data set")


EXPERIMENT = replace(drill.EXPERIMENT, parameters=DrillDataParameters)
