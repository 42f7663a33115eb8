"""A ready network for limits: the family, what this machine reaches, the choice, and what is handed over."""
