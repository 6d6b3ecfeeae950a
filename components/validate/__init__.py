"""The validation that stops a run: the curated schema, the statistics, the stock ExampleValidator made fatal."""
