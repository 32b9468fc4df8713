"""One training run: its recipe, its course, the batches, the losses, and what it leaves."""
