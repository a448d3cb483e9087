"""A part of an amount, where the whole is declined."""
