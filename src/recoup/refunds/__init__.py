"""Refunds and captures: limits, requests, approvals, sends."""
