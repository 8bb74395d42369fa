"""Peers on the standard job: each trains on one core and prints a line of JSON per run."""
