"""Past attempts out of files: read whole, taken over some at a time, shown again."""
