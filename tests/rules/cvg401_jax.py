"""A flow policy in JAX: the path is mapped over the batch."""

import jax
import jax.numpy as jnp
import optax


class Flow:
    def between(self, t, data, noise):
        return t * data + (1 - t) * noise

    def loss(self, key, model, t, data):
        noise = jax.random.normal(key, data.shape)
        x_t = jax.vmap(self.between)(t, data, noise)
        return optax.squared_error(model(t, x_t), data - noise).mean()


def update(key, model, actions):
    flow = Flow()
    t = jax.random.uniform(key, (actions.shape[0],))  # CVG401
    return flow.loss(key, model, t, actions)


def careful_update(key, model, actions):
    flow = Flow()
    t = jax.random.uniform(key, (actions.shape[0],), minval=1e-3)
    return flow.loss(key, model, t, actions)


def beta_update(key, model, actions):
    flow = Flow()
    t = jnp.asarray(jax.random.beta(key, 1.5, 1, (actions.shape[0],)) * 0.999 + 0.001)
    return flow.loss(key, model, t, actions)
