"""How somebody becomes a merchant, and when a merchant may go live."""
