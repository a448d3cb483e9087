"""Mail and SMS that is owed: kept, posted, posted again."""
