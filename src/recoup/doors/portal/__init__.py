"""What people look at: a merchant's, a partner's and the operator's. HTML made here, complete without a script."""
