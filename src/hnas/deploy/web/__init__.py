"""A static page that enlarges pictures in the reader's own browser."""
