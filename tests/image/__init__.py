"""The container image, truly built and run: `make test-image`; apart from the suite, because it takes root and minutes."""
