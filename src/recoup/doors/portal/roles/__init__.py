"""/roles: what each role may do, may refund, and sees of customers."""
