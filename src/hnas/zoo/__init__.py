"""Models in numbers: plans that train them, their cards, and published systems beside them (Table II and others)."""
