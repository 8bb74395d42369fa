"""The standard job's model in numba, per event: a forward, the prediction, an update.

What LLVM makes of plain loops with fast-math. A unit whose gradient is exactly zero, behind a dead
ReLU, is skipped, as in Freshet. An id that a list names twice is updated twice.
"""

import dataclasses

import numpy as np
from numba import njit

from . import job, model
from .model import DIMENSION, EXPERTS, INPUTS, TASKS, TOWER_UNITS, UNITS

# Everything is a matrix and a row of it: numba counts references for every view of a row, which
# takes half of the time.

compiled = njit(fastmath=True, error_model="numpy")
inlined = njit(fastmath=True, error_model="numpy", inline="always")
SINGLE = job.Arrays.FIELDS
POOLED = SINGLE * DIMENSION
ZERO, ONE = np.float32(0), np.float32(1)


@inlined
def sgd(weights, accumulators, row, column, gradient, rate):
    weights[row, column] -= rate * gradient


@inlined
def adagrad(weights, accumulators, row, column, gradient, rate):
    accumulators[row, column] += gradient * gradient
    weights[row, column] -= rate * gradient / np.sqrt(accumulators[row, column])


@compiled
def dot(weights, row, inputs, input_row):
    total = ZERO
    for i in range(weights.shape[1]):
        total += weights[row, i] * inputs[input_row, i]
    return total


@compiled
def logit_gradients(ctr_logit, cvr_logit, click, both, positive, negative):
    """pCTR, pCTCVR and the gradient of both focal losses (γ = 2) by both logits.

    With p = p₁p₂, q = 1 − p: (1 − p₁)/q and (1 − p₂)/q stay finite, since q = (1−p₁) + p₁(1−p₂).
    """
    p1, q1 = ONE / (ONE + np.exp(-ctr_logit)), ONE / (ONE + np.exp(ctr_logit))
    p2, q2 = ONE / (ONE + np.exp(-cvr_logit)), ONE / (ONE + np.exp(cvr_logit))
    p, q = p1 * p2, q1 + p1 * q2
    two = np.float32(2)
    if click > 0:
        to_ctr = positive * q1 * q1 * (two * p1 * np.log(p1) - q1)
    else:
        to_ctr = negative * p1 * p1 * (p1 - two * q1 * np.log(q1))
    if both > 0:
        common = positive * q * q * (two * p * np.log(p) / q - ONE)
        to_ctr += common * q1
        to_cvr = common * q2
    else:
        common = negative * p * p
        to_ctr += common * (p * q1 / q - two * q1 * np.log(q))
        to_cvr = common * (p * q2 / q - two * q2 * np.log(q))
    return p1, p, to_ctr, to_cvr


def make_trainer(update):
    """train(arrays, parameters, accumulators, settings) -> predictions, with a way of updating."""

    @compiled
    def backward(weights, accumulators, row, inputs, inputs_gradient, input_row, gradient, rate):
        """dInput += w · d, then w by d · input."""
        for i in range(weights.shape[1]):
            inputs_gradient[input_row, i] += gradient * weights[row, i]
            update(weights, accumulators, row, i, gradient * inputs[input_row, i], rate)

    @compiled
    def update_embedding(table, accumulators, row, gradients, start, rate):
        for i in range(DIMENSION):
            update(table, accumulators, row, i, gradients[0, start + i], rate)

    @compiled
    def train(rows, length, click, conversion, parameters, accumulators, settings):
        table, experts, experts_bias, gates, towers, towers_bias, outputs, outputs_bias = parameters
        (table_n, experts_n, experts_bias_n, gates_n, towers_n, towers_bias_n, outputs_n,
         outputs_bias_n) = accumulators
        embedding_rate, rate, positive, negative = settings
        ctr, ctcvr = np.empty(len(rows), np.float32), np.empty(len(rows), np.float32)
        x, dx = np.empty((1, INPUTS), np.float32), np.empty((1, INPUTS), np.float32)
        h, dh = np.empty((EXPERTS, UNITS), np.float32), np.empty((EXPERTS, UNITS), np.float32)
        g, dg = np.empty((TASKS, EXPERTS), np.float32), np.empty((TASKS, EXPERTS), np.float32)
        mixed, dmixed = np.empty((TASKS, UNITS), np.float32), np.empty((TASKS, UNITS), np.float32)
        t = np.empty((TASKS, TOWER_UNITS), np.float32)
        logits, dlogits = np.empty(TASKS, np.float32), np.empty(TASKS, np.float32)

        for event in range(len(rows)):
            # Embeddings
            in_list = length[event]
            share = ONE / np.float32(max(in_list, 1))
            for field in range(SINGLE):
                for i in range(DIMENSION):
                    x[0, field * DIMENSION + i] = table[rows[event, field], i]
            for i in range(DIMENSION):
                x[0, POOLED + i] = ZERO
            for position in range(SINGLE, SINGLE + in_list):
                for i in range(DIMENSION):
                    x[0, POOLED + i] += share * table[rows[event, position], i]

            # Experts, gates, towers
            for expert in range(EXPERTS):
                for unit in range(UNITS):
                    row = expert * UNITS + unit
                    h[expert, unit] = max(ZERO, dot(experts, row, x, 0) + experts_bias[0, row])
            for task in range(TASKS):
                total = ZERO
                for expert in range(EXPERTS):
                    g[task, expert] = np.exp(dot(gates, task * EXPERTS + expert, x, 0))
                    total += g[task, expert]
                for i in range(UNITS):
                    mixed[task, i] = ZERO
                for expert in range(EXPERTS):
                    g[task, expert] /= total
                    for i in range(UNITS):
                        mixed[task, i] += g[task, expert] * h[expert, i]
                logits[task] = outputs_bias[0, task]
                for unit in range(TOWER_UNITS):
                    row = task * TOWER_UNITS + unit
                    t[task, unit] = max(ZERO, dot(towers, row, mixed, task) + towers_bias[0, row])
                    logits[task] += outputs[task, unit] * t[task, unit]

            # The head
            ctr[event], ctcvr[event], dlogits[0], dlogits[1] = logit_gradients(
                logits[0], logits[1], click[event], conversion[event], positive, negative
            )

            # Towers, gates, experts
            dx[:] = ZERO
            dh[:] = ZERO
            dmixed[:] = ZERO
            for task in range(TASKS):
                d = dlogits[task]
                update(outputs_bias, outputs_bias_n, 0, task, d, rate)
                for unit in range(TOWER_UNITS):
                    if t[task, unit] > ZERO:
                        row = task * TOWER_UNITS + unit
                        to_unit = d * outputs[task, unit]
                        update(outputs, outputs_n, task, unit, d * t[task, unit], rate)
                        update(towers_bias, towers_bias_n, 0, row, to_unit, rate)
                        backward(towers, towers_n, row, mixed, dmixed, task, to_unit, rate)
                mean = ZERO
                for expert in range(EXPERTS):
                    dg[task, expert] = dot(dmixed, task, h, expert)
                    mean += g[task, expert] * dg[task, expert]
                    for i in range(UNITS):
                        dh[expert, i] += g[task, expert] * dmixed[task, i]
                for expert in range(EXPERTS):
                    to_gate = g[task, expert] * (dg[task, expert] - mean)
                    backward(gates, gates_n, task * EXPERTS + expert, x, dx, 0, to_gate, rate)
            for expert in range(EXPERTS):
                for unit in range(UNITS):
                    if h[expert, unit] > ZERO and dh[expert, unit] != ZERO:
                        row, to_unit = expert * UNITS + unit, dh[expert, unit]
                        update(experts_bias, experts_bias_n, 0, row, to_unit, rate)
                        backward(experts, experts_n, row, x, dx, 0, to_unit, rate)

            # Embeddings
            for field in range(SINGLE):
                update_embedding(
                    table, table_n, rows[event, field], dx, field * DIMENSION, embedding_rate
                )
            for i in range(POOLED, INPUTS):
                dx[0, i] *= share
            for position in range(SINGLE, SINGLE + in_list):
                update_embedding(table, table_n, rows[event, position], dx, POOLED, embedding_rate)
        return ctr, ctcvr

    return train


def main():
    options = job.arguments(__doc__, ["sgd", "adagrad"])
    arrays = job.Arrays(options.arrays, options.examples)
    method = {"sgd": sgd, "adagrad": adagrad}[options.method]
    settings = model.SETTINGS[options.method]
    numbers = tuple(map(np.float32, dataclasses.astuple(settings)))
    train = make_trainer(method)

    def prepare(examples=None):
        parameters = tuple(
            np.ascontiguousarray(values.reshape(-1, values.shape[-1]) if values.ndim > 1
                                 else values[None])
            for values in model.starting_parameters(settings, arrays.table_rows).values()
        )
        accumulators = tuple(np.full_like(p, model.INITIAL_ACCUMULATOR) for p in parameters)
        part = slice(examples)
        return lambda: train(
            arrays.rows[part], arrays.length[part], arrays.click[part], arrays.conversion[part],
            parameters, accumulators, numbers,
        )

    prepare(100)()  # compiles
    job.report(f"numba, per event, {options.method}", options, arrays, prepare)


if __name__ == "__main__":
    main()
