"""What a partner's people look at: its merchants, their switches and keys."""
