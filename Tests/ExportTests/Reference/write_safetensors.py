"""Writes a safetensors file anew with the format's own library, which chooses an order of its own."""

import sys

from safetensors import safe_open
from safetensors.numpy import save_file

with safe_open(sys.argv[1], framework="numpy") as file:
    tensors = {name: file.get_tensor(name) for name in file.keys()}
    save_file(tensors, sys.argv[2], metadata=file.metadata())
