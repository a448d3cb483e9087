"""The rescue engine: beliefs, plan, learning."""
