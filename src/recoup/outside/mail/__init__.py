"""Mail to payers: by SMTP, or into the sandbox's own mailbox."""
