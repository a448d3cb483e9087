"""What became of an order, by any of its ids."""
