"""What is measured of a list: one file for each question."""
