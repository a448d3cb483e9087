"""The portal's pages over many subjects: list, order, customers, overview."""
