"""Judges what tuning found: refits the best trial of each candidate, tests it once, and writes the leaderboard."""
