"""What `tools/bench` measures with: a section of its table per module, and what they share."""
