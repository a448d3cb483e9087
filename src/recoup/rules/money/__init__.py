"""What money may do: how much can be refunded, what each happening posts, what a fee is. Pure, in integers."""
