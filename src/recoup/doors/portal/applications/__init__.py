"""Applications to become a merchant: filled in by those who apply, decided by the operator."""
