"""The subcommands of `forger`, a few lines each; nothing heavy is imported before it is needed."""
