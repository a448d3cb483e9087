"""Cards on file: vault, stored methods, joined prints."""
