"""KServe's Python server with a custom model, as its documentation writes one. Arguments: gRPC port, HTTP port."""

import os
import sys

import numpy as np
import tensorflow as tf
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer


class Generator(Model):
    """Runs the signature `sample`."""

    def __init__(self) -> None:
        super().__init__("mnist_gan")
        self._model = tf.saved_model.load(os.environ["GENERATOR"])
        self._sample = self._model.signatures["sample"]
        for rows in (1, 32):
            self._sample(seed=tf.zeros([rows], tf.int64), label=tf.zeros([rows], tf.int64))
        self.ready = True

    def predict(self, payload: InferRequest, headers=None, response_headers=None) -> InferResponse:
        given = {one.name: np.asarray(one.as_numpy(), np.int64).reshape(-1) for one in payload.inputs}
        image = self._sample(seed=tf.constant(given["seed"]), label=tf.constant(given["label"]))["image"].numpy()
        output = InferOutput("image", list(image.shape), "UINT8")
        output.set_data_from_numpy(image, binary_data=True)
        return InferResponse(payload.id, self.name, [output])


if __name__ == "__main__":
    server = ModelServer(grpc_port=int(sys.argv[1]), http_port=int(sys.argv[2]), workers=1, enable_latency_logging=False)
    server.start([Generator()])
