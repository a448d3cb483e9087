"""Channels: how stablecoin payments are instructed, given back, settled and inquired about."""
