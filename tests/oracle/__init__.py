"""The oracle: a plain, slow program that computes what foule must publish and shares no code with it."""
