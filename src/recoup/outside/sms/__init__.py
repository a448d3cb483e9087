"""SMS to payers: by a signed call, or into the sandbox's own mailbox."""
