"""Scores inputs with onnxruntime: an exported model as a serving system sees it.

Takes a folder with model.onnx and job.json, a list of batches; each batch maps an input's name to the type,
the shape and the file of its values. Writes outputs.bin: ctr, cvr and ctcvr of all batches, each as float32.
"""

import json
import pathlib
import sys

import numpy
import onnx
import onnxruntime

folder = pathlib.Path(sys.argv[1])
model = str(folder / "model.onnx")
onnx.checker.check_model(model, full_check=True)

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.log_severity_level = 2
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
columns = []
for batch in json.loads((folder / "job.json").read_text()):
    inputs = {
        name: numpy.fromfile(folder / values["file"], values["type"]).reshape(values["shape"])
        for name, values in batch.items()
    }
    columns.append(session.run(["ctr", "cvr", "ctcvr"], inputs))
numpy.concatenate(columns, axis=1).astype("<f4").tofile(folder / "outputs.bin")
(folder / "metadata.json").write_text(json.dumps(session.get_modelmeta().custom_metadata_map))
