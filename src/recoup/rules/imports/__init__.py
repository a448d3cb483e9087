"""Files of past payments, as processors and billing systems export them: from bytes to attempts, without I/O."""
