"""Sites, campaigns and switches: what may be sent for whom."""
