"""Code that performs an operation, made from its description: one file a language."""
