"""Where the Beam steps run: this machine, Flink, Spark or Dataflow."""
