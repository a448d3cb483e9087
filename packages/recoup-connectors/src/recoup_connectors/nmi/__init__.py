"""NMI: cards in its customer vault, charged by reference over form posts. No number passes through
here."""
