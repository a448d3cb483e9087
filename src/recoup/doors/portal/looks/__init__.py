"""The operator looks as somebody of a shop."""
