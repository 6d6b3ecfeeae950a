"""MLServer's custom runtime for the generator, as its documentation writes one."""

import os

import numpy as np
import tensorflow as tf
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Generator(MLModel):
    """Runs the signature `sample`."""

    async def load(self) -> bool:
        self._model = tf.saved_model.load(os.environ["GENERATOR"])
        self._sample = self._model.signatures["sample"]
        for rows in (1, 32):
            self._sample(seed=tf.zeros([rows], tf.int64), label=tf.zeros([rows], tf.int64))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        given = {one.name: np.asarray(NumpyCodec.decode_input(one), np.int64).reshape(-1) for one in payload.inputs}
        image = self._sample(seed=tf.constant(given["seed"]), label=tf.constant(given["label"]))["image"].numpy()
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("image", image)])
