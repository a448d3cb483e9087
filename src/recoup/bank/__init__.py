"""Bank accounts, payouts and the files that banks send."""
