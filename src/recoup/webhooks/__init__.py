"""Webhooks: endpoints, feed, deliveries, replays, samples."""
