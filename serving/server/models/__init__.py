"""Which models and versions a server serves, and their life: load, warm up, serve, drain, unload."""
