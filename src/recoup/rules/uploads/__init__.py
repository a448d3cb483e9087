"""Files of many payments: from bytes to rows, without I/O."""
