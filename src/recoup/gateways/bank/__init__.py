"""The way to banks: the file of a payout, and what became of it."""
