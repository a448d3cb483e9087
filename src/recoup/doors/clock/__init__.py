"""The clock door: what comes due is run, what is committed is published, sealed and delivered."""
