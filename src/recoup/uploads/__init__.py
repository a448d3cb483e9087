"""Files of many payments, worked row by row."""
