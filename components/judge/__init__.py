"""The frozen feature network that the quality metrics look through."""
