"""Money, ids, time, scope, world, problem: the closed list of pure values every room shares."""
