"""Deep networks: classifiers over uint8 images."""
