"""What card networks publish: response codes, limits, dispute reasons, test cards."""
