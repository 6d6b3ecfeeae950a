"""A request on its way, whichever protocol it came by: checked, batched, run, refused."""
