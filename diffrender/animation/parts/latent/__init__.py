"""The acts of the scene `latent`, each drawn on one plane of codes and in the room beside it."""
