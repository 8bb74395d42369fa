"""Scores impressions with onnxruntime, as a client would, and compares with `freshet predict`.

usage: score_stream.py alter IMPRESSIONS COUNT SEED   prints impressions, some with fields taken away or nulled,
                                                      lists emptied or made long
       score_stream.py compare EXPORT IMPRESSIONS SCORES   prints the greatest differences as JSON
"""
import json
import random
import sys

try:
    import numpy as np
    import onnxruntime
    import xxhash
except ImportError as error:
    sys.exit(f"{error} in {sys.executable}: install it or name another Python in FRESHET_PYTHON")


def alter(path, count, seed):
    chance = random.Random(seed)
    for number, line in zip(range(count), open(path)):
        impression = json.loads(line)
        features = impression["features"]
        for name in list(features):
            draw = chance.random()
            if draw < 0.03:
                del features[name]
            elif draw < 0.05:
                features[name] = None
            elif isinstance(features[name], list) and draw < 0.15:
                features[name] = []
            elif isinstance(features[name], list) and draw < 0.17:
                features[name] = [chance.randrange(100_000) for _ in range(200)]
        impression["impression_id"] = number
        print(json.dumps(impression))


def inputs(fields, impressions):
    def row(field, value):
        return xxhash.xxh64_intdigest(str(value).encode(), int(field["seed"])) % field["rows"]

    result = {}
    for field in fields:
        values = [impression["features"].get(field["name"]) for impression in impressions]
        if field["kind"] == "numeric":
            result[field["name"]] = np.array(
                [field["missing_value"] if value is None else value for value in values], np.float32
            )
            continue
        missing = field["missing_row"]
        if field["kind"] == "categorical":
            rows = [missing if value is None else row(field, value) for value in values]
            result[field["name"]] = np.array(rows, np.int64)
            continue
        lists = [[missing] if value is None else [row(field, x) for x in value] for value in values]
        longest = max(map(len, lists))
        padded = [rows + [-1] * (longest - len(rows)) for rows in lists]
        result[field["name"]] = np.array(padded, np.int64).reshape(len(lists), longest)
    return result


def compare(export, impressions, scores):
    session = onnxruntime.InferenceSession(f"{export}/model.onnx")
    fields = json.load(open(f"{export}/features.json"))["fields"]
    names = ["ctr", "cvr", "ctcvr"]
    impressions = [json.loads(line) for line in open(impressions)]
    scores = [json.loads(line) for line in open(scores)]
    assert [str(x["impression_id"]) for x in impressions] == [x["impression_id"] for x in scores]
    worst = dict.fromkeys(names, 0.0)
    spread = 0.0
    for start in range(0, len(impressions), 512):
        batch = slice(start, start + 512)
        outputs = session.run(names, inputs(fields, impressions[batch]))
        for name, values in zip(names, outputs):
            expected = np.array([score[name] for score in scores[batch]])
            assert np.isfinite(values).all() and values.shape == expected.shape
            worst[name] = max(worst[name], float(np.abs(values - expected).max()))
            spread = max(spread, float(np.ptp(expected)))
    print(json.dumps({"count": len(impressions), "worst": worst, "spread": spread}))


if sys.argv[1] == "alter":
    alter(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
else:
    compare(*sys.argv[2:])
