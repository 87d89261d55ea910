"""Lets test modules of every folder import the helpers that stand here, such as `plans`."""
