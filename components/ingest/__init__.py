"""Where data come from, and the component that turns a prepared TFDS dataset into examples."""
