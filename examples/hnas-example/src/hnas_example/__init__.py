"""What a package adds to HNAS-SR without changing it: its pyproject.toml names each part as an entry point."""
