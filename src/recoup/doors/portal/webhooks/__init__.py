"""Webhooks: endpoints, what was sent there, and sending it again."""
