"""The stablecoin API and its orders: charged, paid, settled, swept, repeated."""
