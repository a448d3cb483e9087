"""Connectors to card processors: Stripe, Adyen, Braintree and NMI."""
