"""The stablecoin API's webhook secret, made anew."""

import secrets


def new_webhook_secret() -> str:
    """Signs, and encrypts, what the stablecoin API delivers."""
    return f"whsec_{secrets.token_hex(24)}"
