"""Tables that somebody else wrote: from bytes to cells, amounts, moments and ids. One reader for
all uses."""
