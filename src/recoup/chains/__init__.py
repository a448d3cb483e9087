"""Stablecoins on real chains: addresses, deposits, sends."""
