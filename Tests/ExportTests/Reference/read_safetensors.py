"""Reads a safetensors file with the format's own library and prints what it holds, as JSON."""

import base64
import json
import sys

import numpy
from safetensors import safe_open

with safe_open(sys.argv[1], framework="numpy") as file:
    tensors = {}
    for name in file.keys():
        tensor = file.get_tensor(name)
        assert tensor.dtype == numpy.float32
        values = base64.b64encode(tensor.astype("<f4").tobytes()).decode()
        tensors[name] = {"shape": list(tensor.shape), "values": values}
    metadata = file.metadata()
    statistics = [
        [field["name"], field["count"], field["mean"].hex(), field["squared_deviations"].hex()]
        for field in json.loads(metadata.pop("numeric_statistics"))
    ]
    print(json.dumps({"metadata": metadata, "statistics": statistics, "tensors": tensors}))
