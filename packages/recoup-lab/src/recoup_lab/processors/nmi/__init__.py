"""A stand-in of NMI's gateway."""
