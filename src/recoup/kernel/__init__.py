"""Values and mechanisms that every subject shares: money, ids, time, problems, features and their
places."""
