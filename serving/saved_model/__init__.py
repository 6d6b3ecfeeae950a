"""A generator's SavedModel, loaded into this process."""
