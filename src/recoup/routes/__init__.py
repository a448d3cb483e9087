"""Card routes and a merchant's own connections at processors."""
