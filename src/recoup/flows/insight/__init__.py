"""Looking at what happened: outcomes, proofs, explanations."""
