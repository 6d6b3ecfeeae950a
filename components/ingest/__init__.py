"""The data doors, and the components that turn a prepared TFDS dataset into validated examples."""
