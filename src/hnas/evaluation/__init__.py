"""PSNR and SSIM as the field computes them, and benchmarks. No training here."""
