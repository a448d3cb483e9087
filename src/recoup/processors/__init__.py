"""The port to acquirers, banks and channels: connectors, bridge, outcomes and the sandbox
issuer."""
