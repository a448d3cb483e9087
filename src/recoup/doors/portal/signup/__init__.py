"""An account of the sandbox, made by its own user."""
