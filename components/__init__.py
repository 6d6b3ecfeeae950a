"""The TFX components, one folder each: settings, component, executor, and the library that the executor calls."""

from __future__ import annotations

from components.keras_choice import settle_keras

# At import: a Beam worker that an engine has started comes to Keras through the classes here and nothing else of ours.
settle_keras()
