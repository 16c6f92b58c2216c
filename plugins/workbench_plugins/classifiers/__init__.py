"""Shallow classifiers over features."""
