"""From pictures to larger ones: tiles, opacity, any size, many files."""
