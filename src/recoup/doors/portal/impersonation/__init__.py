"""The operator impersonates somebody of a shop."""
