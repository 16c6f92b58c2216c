"""Feature selectors and reducers: features to fewer features."""
