"""What a merchant has shown, what is next, and how it goes live."""
