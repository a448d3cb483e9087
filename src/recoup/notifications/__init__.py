"""Notifications and alerts: what is told to whom, and how."""
