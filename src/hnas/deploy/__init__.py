"""From weights to pictures: upscaling, export, sharing."""
