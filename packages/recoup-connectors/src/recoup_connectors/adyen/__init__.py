"""The connector to Adyen: cards that it stores, charged in one call that is its own question."""
