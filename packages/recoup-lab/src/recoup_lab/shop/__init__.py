"""A shop whose customers are drawn from the lab's world: its past at a processor, and its months in
the sandbox."""
