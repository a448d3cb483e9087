"""What files of the orders' list say, column by column."""
