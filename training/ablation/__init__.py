"""Ablation: variants of one recipe at the same budget and seed, judged on the same sets."""
