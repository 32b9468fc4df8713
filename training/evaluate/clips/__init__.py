"""Clips through the program that runs live: what is judged is what runs."""
