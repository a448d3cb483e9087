"""The books and what leaves them: pages, settlements, bank payouts, exposure, statements of others, reports."""
