"""Disputes: received, answered with evidence, ended."""
