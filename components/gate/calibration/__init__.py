"""How sharp the gate is on these data: real against real, a catalogue of faults, and the limits that follow from both."""
