"""The Beam steps on a real Flink cluster (`make test-scale`); too long for `make test`."""
