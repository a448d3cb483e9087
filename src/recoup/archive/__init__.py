"""Archive: a merchant's ended orders of a month leave for a file that proves itself."""
