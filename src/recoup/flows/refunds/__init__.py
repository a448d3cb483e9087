"""Refunds of both dialects: how much, by whom, with whose consent."""
