"""Back-tests: a policy or model against what happened."""
