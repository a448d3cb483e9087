"""Stripe: cards that it keeps, charged by reference. No number passes through here."""
