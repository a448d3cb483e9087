"""Rules and data that card networks publish: response codes, limits, dispute reasons, test
cards."""
