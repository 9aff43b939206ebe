"""How good predictions are: pure functions of target, probabilities and patients."""
