"""Simulated atlases with known truth: how much pretraining can help is a knob, and the answer is exact."""

from harness.synthetic.files import WORLD_VERSION, identity, materialise, write
from harness.synthetic.population import Population
from harness.synthetic.toy import toy_cells
from harness.synthetic.world import WORLDS, World

__all__ = [
    "WORLDS",
    "WORLD_VERSION",
    "Population",
    "World",
    "identity",
    "materialise",
    "toy_cells",
    "write",
]
