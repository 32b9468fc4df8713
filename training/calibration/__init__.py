"""Calibration: from logits to probabilities by picture quality, and the alarm's threshold."""
