"""ESMM over MMoE with focal loss, one example at a time, in NumPy and float64.

    python3 esmm_reference.py FOLDER

reads FOLDER/job.json (settings, starting parameters, examples), trains on the examples in their order and
writes FOLDER/trained.json (the parameters). It follows the formulas of the papers, through probabilities
and the chain rule; it is there to be held against, not to be fast.
"""
import json
import os
import sys

try:
    import numpy as np
except ImportError:
    sys.exit(f"NumPy is missing in {sys.executable}: install it or name another Python in FRESHET_PYTHON")


class Parameter:
    """A tensor with its optimizer; `step` takes the gradient, of the rows named or of all."""

    def __init__(self, values, settings, rate):
        self.w = values
        self.settings = settings
        self.rate = rate
        method = settings["method"]
        if method == "adagrad":
            self.n = np.full_like(values, settings["initial_accumulator"])
        elif method == "ftrl":
            self.n = np.zeros_like(values)
            # The z whose weight is the one that is there.
            self.z = -values * (settings["beta"] / rate + settings["l2"]) - np.sign(values) * settings["l1"]

    def step(self, gradient, rows=slice(None)):
        s, rate, g = self.settings, self.rate, gradient
        if s["method"] == "sgd":
            self.w[rows] -= rate * g
        elif s["method"] == "adagrad":
            self.n[rows] = np.minimum(self.n[rows] + g ** 2, s["accumulator_max"])
            self.w[rows] -= rate * g / np.sqrt(self.n[rows] + s["epsilon"])
        else:
            n = self.n[rows] + g ** 2
            sigma = (np.sqrt(n) - np.sqrt(self.n[rows])) / rate
            z = self.z[rows] + g - sigma * self.w[rows]
            w = -(z - np.sign(z) * s["l1"]) / ((s["beta"] + np.sqrt(n)) / rate + s["l2"])
            self.n[rows], self.z[rows], self.w[rows] = n, z, np.where(np.abs(z) <= s["l1"], 0, w)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def focal_slope(label, p, gamma, alpha):
    """dFL/dp for FL = -alpha_t (1 - p_t)^gamma ln p_t."""
    positive, negative = (1, 1) if alpha is None else (alpha, 1 - alpha)
    if label:
        return positive * (gamma * (1 - p) ** (gamma - 1) * np.log(p) - (1 - p) ** gamma / p)
    return negative * (-gamma * p ** (gamma - 1) * np.log(1 - p) + p ** gamma / (1 - p))


# Tensors of one table per field: embeddings, and the linear part's shares of the two logits.
TABLES = ("embedding", "wide")


class Model:
    def __init__(self, job):
        self.job = job
        self.p = {}
        for name, values in job["parameters"].items():
            values = np.array(values, dtype=np.float64)
            part = name.split(".")[0]
            optimizer = job["optimizer"]
            rate = optimizer[f"{part}_rate" if part in TABLES else "dense_rate"]
            if part in TABLES:
                values = values.reshape(-1, job["dimension"] if part == "embedding" else 2)
            self.p[name] = Parameter(values, optimizer, rate)
        # A weight [outputs, inputs] has as many outputs as its bias; a gate as many as experts.
        for name, parameter in self.p.items():
            part = name.split(".")[0]
            if part not in TABLES and name.endswith(".weight"):
                bias = self.p.get(name.replace(".weight", ".bias"))
                outputs = job["experts"] if part == "gate" else len(bias.w)
                again = Parameter(parameter.w.reshape(outputs, -1), parameter.settings, parameter.rate)
                parameter.__dict__ = again.__dict__

    def inputs(self, values):
        parts = []
        for (name, kind), value in zip(self.job["fields"], values):
            if kind == "number":
                parts.append([value])
                continue
            table = self.p[f"embedding.{name}.weight"].w
            if kind == "row":
                parts.append(table[value])
            else:
                total = table[value].sum(axis=0) if value else np.zeros(table.shape[1])
                parts.append(total / len(value) if kind == "mean" and value else total)
        return np.concatenate(parts)

    def wide_features(self, values):
        """Which rows of the linear part's tables count how much: (table, row, factor)."""
        for (name, kind), value in zip(self.job["fields"], values):
            table = self.p.get(f"wide.{name}.weight")
            if table is None:
                continue
            if kind == "number":
                yield table, 0, value
            elif kind == "row":
                yield table, value, 1
            else:
                for row in sorted(set(value)):
                    yield table, row, value.count(row) / (len(value) if kind == "mean" else 1)

    def layers(self, prefix, count, x, last_is_linear):
        """The activations of a stack of layers, its input first."""
        activations = [x]
        for layer in range(count):
            y = self.p[f"{prefix}.{layer}.weight"].w @ activations[-1] + self.p[f"{prefix}.{layer}.bias"].w
            is_linear = last_is_linear and layer == count - 1
            activations.append(y if is_linear else np.maximum(y, 0))
        return activations

    def layers_backward(self, prefix, activations, d, last_is_linear, steps):
        for layer in reversed(range(len(activations) - 1)):
            if not (last_is_linear and layer == len(activations) - 2):
                d = d * (activations[layer + 1] > 0)
            steps.append((f"{prefix}.{layer}.weight", np.outer(d, activations[layer])))
            steps.append((f"{prefix}.{layer}.bias", d))
            d = self.p[f"{prefix}.{layer}.weight"].w.T @ d
        return d

    def train(self, values, ctr, ctcvr, ctr_weight, ctcvr_weight):
        job = self.job
        tasks = ["ctr", "cvr"]
        gate_of = {task: "shared" if job["shared_gate"] else task for task in tasks}

        # Forward.
        x = self.inputs(values)
        experts = [self.layers(f"expert.{i}", job["expert_layers"], x, False) for i in range(job["experts"])]
        f = np.stack([activations[-1] for activations in experts])
        gates, towers, logit = {}, {}, {}
        for task in tasks:
            scores = self.p[f"gate.{gate_of[task]}.weight"].w @ x
            e = np.exp(scores - scores.max())
            gates[task] = e / e.sum()
            towers[task] = self.layers(f"tower.{task}", job["tower_layers"] + 1, gates[task] @ f, True)
            logit[task] = towers[task][-1][0]
        for table, row, factor in self.wide_features(values):
            logit["ctr"] += factor * table.w[row, 0]
            logit["cvr"] += factor * table.w[row, 1]
        p1, p2 = sigmoid(logit["ctr"]), sigmoid(logit["cvr"])
        p = p1 * p2

        # Gradients by the logits.
        d_logit = {"ctr": 0.0, "cvr": 0.0}
        if ctr is not None:
            d_logit["ctr"] += ctr_weight * focal_slope(ctr, p1, job["gamma"], job["alpha"]) * p1 * (1 - p1)
        if ctcvr is not None:
            slope = ctcvr_weight * focal_slope(ctcvr, p, job["gamma"], job["alpha"])
            d_logit["ctr"] += slope * p * (1 - p1)
            d_logit["cvr"] += slope * p * (1 - p2)

        # Backward: all gradients first, then all steps.
        steps = []
        d_f, d_x, d_gate = np.zeros_like(f), np.zeros_like(x), {}
        for task in tasks:
            d_mixture = self.layers_backward(
                f"tower.{task}", towers[task], np.array([d_logit[task]]), True, steps)
            d_f += np.outer(gates[task], d_mixture)
            g, d_g = gates[task], f @ d_mixture
            d_scores = (np.diag(g) - np.outer(g, g)) @ d_g
            d_x += self.p[f"gate.{gate_of[task]}.weight"].w.T @ d_scores
            name = f"gate.{gate_of[task]}.weight"
            d_gate[name] = d_gate.get(name, 0) + np.outer(d_scores, x)
        steps.extend(d_gate.items())
        for i, activations in enumerate(experts):
            d_x += self.layers_backward(f"expert.{i}", activations, d_f[i], False, steps)
        for name, gradient in steps:
            self.p[name].step(gradient)
        self.update_embeddings(values, d_x)
        for table, row, factor in self.wide_features(values):
            table.step(factor * np.array([d_logit["ctr"], d_logit["cvr"]]), row)

    def update_embeddings(self, values, d_x):
        position = 0
        for (name, kind), value in zip(self.job["fields"], values):
            if kind == "number":
                position += 1
                continue
            table = self.p[f"embedding.{name}.weight"]
            d = d_x[position:position + table.w.shape[1]]
            position += table.w.shape[1]
            rows = [value] if kind == "row" else value
            share = 1 / len(rows) if kind == "mean" and rows else 1
            for row in sorted(set(rows)):
                table.step(rows.count(row) * share * d, row)


def main(folder):
    with open(os.path.join(folder, "job.json")) as file:
        job = json.load(file)
    model = Model(job)
    for example in job["examples"]:
        model.train(*example)
    with open(os.path.join(folder, "trained.json"), "w") as file:
        json.dump({name: parameter.w.ravel().tolist() for name, parameter in model.p.items()}, file)


main(sys.argv[1])
