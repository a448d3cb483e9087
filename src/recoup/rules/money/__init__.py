"""What money may do: what each happening posts, fees, refunds, disputes, exposure, settlement, other people's
statements. Pure, in integers."""
