"""The payer's page, under a link that we signed."""
