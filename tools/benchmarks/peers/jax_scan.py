"""The standard job's model in JAX: an update per event, by `lax.scan`, or per minibatch.

Gradients are JAX's own. Pinned to one core, so that XLA's threads share it.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from . import job, model
from .model import EXPERTS, TASKS, UNITS

SINGLE = job.Arrays.FIELDS


def logits(dense, embedded, length):
    """The logits [2] of pCTR and pCVR of one example: embedded [40, 8], length of its list."""
    pooled = embedded[SINGLE:].sum(axis=0) / jnp.maximum(length, 1)
    x = jnp.concatenate([embedded[:SINGLE].reshape(-1), pooled])
    h = jax.nn.relu(dense["experts"] @ x + dense["experts_bias"]).reshape(EXPERTS, UNITS)
    gates = jax.nn.softmax((dense["gates"] @ x).reshape(TASKS, EXPERTS), axis=1)
    mixed = gates @ h
    bias = dense["towers_bias"].reshape(TASKS, -1)
    t = jax.nn.relu(jnp.einsum("tou,tu->to", dense["towers"], mixed) + bias)
    return (dense["outputs"] * t).sum(axis=1) + dense["outputs_bias"]


def loss(settings, dense, embedded, length, click, both):
    """The summed loss of one example, and (log pCTR, log pCTCVR)."""
    ctr, cvr = logits(dense, embedded, length)
    log_ctr = jax.nn.log_sigmoid(ctr)
    log_ctcvr = log_ctr + jax.nn.log_sigmoid(cvr)
    # 1 − p₁p₂ = (1 − p₁) + p₁ (1 − p₂)
    log_not = jnp.logaddexp(jax.nn.log_sigmoid(-ctr), log_ctr + jax.nn.log_sigmoid(-cvr))
    value = focal(settings, click, log_ctr, jax.nn.log_sigmoid(-ctr))
    value += focal(settings, both, log_ctcvr, log_not)
    return value, (log_ctr, log_ctcvr)


def focal(settings, label, log_p, log_q):
    hit = -settings.positive * jnp.exp(model.GAMMA * log_q) * log_p
    miss = -settings.negative * jnp.exp(model.GAMMA * log_p) * log_q
    return jnp.where(label > 0, hit, miss)


def step(method, settings, state, batch):
    """One update on the summed gradient of a batch; its predictions were made before it."""
    table, dense, table_n, dense_n = state
    rows, length, click, both = batch
    embedded = table[rows]

    def batch_loss(dense, embedded):
        losses = jax.vmap(functools.partial(loss, settings), in_axes=(None, 0, 0, 0, 0))
        values, predicted = losses(dense, embedded, length, click, both)
        return values.sum(), predicted

    (to_dense, to_embedded), predicted = jax.grad(batch_loss, argnums=(0, 1), has_aux=True)(
        dense, embedded
    )
    # What fills up the lists is the row of zeros, and stays so.
    to_embedded = jnp.where((rows == table.shape[0] - 1)[..., None], 0, to_embedded)
    if method == "sgd":
        table = table.at[rows].add(-settings.embedding_rate * to_embedded)
        dense = jax.tree.map(lambda w, g: w - settings.dense_rate * g, dense, to_dense)
    else:
        table_n = table_n.at[rows].add(to_embedded**2)
        scale = settings.embedding_rate * jax.lax.rsqrt(table_n[rows])
        table = table.at[rows].add(-scale * to_embedded)
        dense_n = jax.tree.map(lambda n, g: n + g * g, dense_n, to_dense)
        dense = jax.tree.map(
            lambda w, g, n: w - settings.dense_rate * g * jax.lax.rsqrt(n), dense, to_dense, dense_n
        )
    return (table, dense, table_n, dense_n), predicted


def main():
    options = job.arguments(
        __doc__, ["sgd", "adagrad"], {"--batch": {"type": int, "default": 1}}
    )
    batches = options.examples // options.batch
    arrays = job.Arrays(options.arrays, batches * options.batch)
    inputs = [
        jnp.asarray(values).reshape(batches, options.batch, *values.shape[1:])
        for values in (arrays.rows, arrays.length, arrays.click, arrays.conversion)
    ]
    settings = model.SETTINGS[options.method]
    one_step = functools.partial(step, options.method, settings)
    one_pass = jax.jit(lambda state, inputs: jax.lax.scan(one_step, state, inputs)[1])

    def prepare():
        dense = {
            name: jnp.asarray(values)
            for name, values in model.starting_parameters(settings, arrays.table_rows).items()
        }
        table = dense.pop("table")
        accumulators = jax.tree.map(
            lambda values: jnp.full_like(values, model.INITIAL_ACCUMULATOR), (table, dense)
        )
        state = (table, dense, *accumulators)
        return lambda: [np.asarray(of_task).reshape(-1) for of_task in one_pass(state, inputs)]

    prepare()()  # compiles
    how = "per event" if options.batch == 1 else f"minibatch {options.batch}"
    job.report(f"JAX, {how}, {options.method}", options, arrays, prepare)


if __name__ == "__main__":
    main()
