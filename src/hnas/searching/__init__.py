"""Search: controller, reward, strategies behind ask and tell, Algorithm 1, derivation. No pictures, no tables."""
