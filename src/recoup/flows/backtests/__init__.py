"""Back-tests that are kept: asked for, and of a policy before it is saved."""
