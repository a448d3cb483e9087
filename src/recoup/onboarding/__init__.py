"""Onboarding: sign-up, applications, the live check, going live."""
