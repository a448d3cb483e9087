"""The sandbox's processor and issuer: deterministic, with a book of their own, misbehaving on
demand."""
