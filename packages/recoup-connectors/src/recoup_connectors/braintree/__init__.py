"""Braintree: cards in its vault, charged by reference over GraphQL. No number passes through
here."""
