"""The TFX components, one folder each: settings, component, executor, and the library that the executor calls."""
