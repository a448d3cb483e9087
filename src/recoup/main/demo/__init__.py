"""The demo: a merchant with weeks of orders, played through the HTTP API."""
