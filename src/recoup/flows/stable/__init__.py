"""Stablecoin orders: charged, paid, settled; the balance paid out; subscriptions that charge again."""
