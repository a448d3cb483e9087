"""Reports, explanations and `verify`."""
