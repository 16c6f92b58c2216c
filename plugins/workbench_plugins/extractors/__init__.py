"""Hand-crafted feature extractors: uint8 images to float32 features."""
