"""The agents in simulated time, over simulated logs, on a scheduler that a seed decides."""
