"""The sandbox's processor and issuer: deterministic, with a committed book of their own, able to misbehave on demand."""
