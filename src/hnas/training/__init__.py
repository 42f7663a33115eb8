"""Training any network: one loop, its settings, losses, averaged weights, checkpoints and run folders."""
