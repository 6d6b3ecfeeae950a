"""The calibration as a TFX artifact."""

from __future__ import annotations

from tfx.types.artifact import Artifact


class GateCalibration(Artifact):
    """How the gate's figures behave on one dataset: `Calibration` and `TrainReference`, beside each other."""

    TYPE_NAME = "GateCalibration"
