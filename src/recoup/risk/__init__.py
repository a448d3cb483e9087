"""Risk of advances: learned, decided, bounded, collected."""
