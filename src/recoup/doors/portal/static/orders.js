// The keyboard of the list.
