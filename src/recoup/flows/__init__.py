"""What happens, one file a happening, each read from top to bottom. Flows open transactions and call gateways; nothing
else does both."""
