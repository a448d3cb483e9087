"""A seeded month of merchants on the simulated clock, with faults and crashes, proved as it
goes."""
