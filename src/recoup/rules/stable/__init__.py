"""Stablecoin orders: channels as data, amounts, how calls and webhooks are signed, when cycles fall due."""
