"""An order: lifecycle, snapshot, lock, log, ledger and due work."""
