"""Past payments out of files of processors and billing systems."""
