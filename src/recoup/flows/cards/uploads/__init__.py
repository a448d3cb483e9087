"""Files of many payments: taken whole, worked row by row through the flows of single calls, answered."""
