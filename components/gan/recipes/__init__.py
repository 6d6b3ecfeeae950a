"""The recipes: networks, losses and one training step each; `components.gan.train_state.Recipe` says what a recipe offers."""

from __future__ import annotations

from components.gan.recipes import article, conv
from components.gan.train_state import Recipe

RECIPES: dict[str, Recipe] = {"conv": conv, "article": article}  # by the setting `gan.recipe`
