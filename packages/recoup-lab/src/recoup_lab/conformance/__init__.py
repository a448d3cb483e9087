"""The checks that a connector has to pass before a card is sent by it:
docs/contributing/connectors.md."""
