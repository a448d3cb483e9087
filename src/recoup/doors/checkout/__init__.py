"""What the payer sees: one page an order, under a link that we signed."""
