"""The laboratory's verbs of `recoup`, which finds them by the entry points of its group
`recoup.verbs`."""
