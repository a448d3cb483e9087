"""What processors tell us by themselves."""
