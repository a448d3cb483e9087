"""A stand-in of Stripe's API, for tests and the sandbox: the calls that a route makes, and no
more."""
