"""Files of banks: statements (camt.053, camt.054, MT940, BAI2) and answers to payouts (NACHA returns, pain.002)."""
