"""From crop scores to a rolling probability and a state: pure, media time only."""
