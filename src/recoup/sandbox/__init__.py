"""The sandbox's clock and samples."""
