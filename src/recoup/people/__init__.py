"""People: accounts, roles, sessions and the portal that they sign in to."""
