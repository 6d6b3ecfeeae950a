"""TensorFlow Serving's test model half_plus_two, made afresh by a graph of TensorFlow 1: y = 0.5 x + 2."""

from __future__ import annotations

from pathlib import Path


def build_half_plus_two(directory: Path) -> Path:
    """Save the model with a signature of each kind.

    `serving_default` (Predict) takes x and y as float32 [N, 1]; `regress_x_to_y` and `classify_x_to_y` take `inputs`, string [N]
    of tf.Example; the latter's classes come from a lookup table, which has to be initialised as the graph is loaded.

    Returns:
        `directory`.
    """
    import tensorflow as tf

    v1 = tf.compat.v1
    model = v1.saved_model
    info, signature = model.build_tensor_info, model.build_signature_def
    with v1.Graph().as_default(), v1.Session() as session:
        example = v1.placeholder(tf.string, name="tf_example")
        features = v1.io.parse_example(example, {"x": v1.FixedLenFeature([1], tf.float32)})
        x = tf.identity(features["x"], name="x")
        half, two = v1.Variable(0.5, name="a"), v1.Variable(2.0, name="b")
        y = v1.add(v1.multiply(half, x), two, name="y")
        names = tf.lookup.KeyValueTensorInitializer(tf.constant([0, 1], tf.int64), tf.constant(["low", "high"]))
        classes = tf.lookup.StaticHashTable(names, "none").lookup(v1.cast(y > 3.0, tf.int64))
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        builder = model.Builder(str(directory))
        builder.add_meta_graph_and_variables(
            session,
            [model.SERVING],
            {
                "serving_default": signature({"x": info(x)}, {"y": info(y)}, model.PREDICT_METHOD_NAME),
                "regress_x_to_y": signature({"inputs": info(example)}, {"outputs": info(y)}, model.REGRESS_METHOD_NAME),
                "classify_x_to_y": signature(
                    {"inputs": info(example)}, {"classes": info(classes), "scores": info(y)}, model.CLASSIFY_METHOD_NAME
                ),
            },
            main_op=v1.tables_initializer(),
        )
        builder.save()
    return directory


def build_file_reader(directory: Path) -> Path:
    """Save a model whose graph reads the file that a request names, so that its errors name files."""
    import tensorflow as tf

    module = tf.Module()
    module.read = tf.function(
        lambda name: {"content": tf.map_fn(tf.io.read_file, name)}, input_signature=[tf.TensorSpec([None], tf.string, "name")]
    )
    tf.saved_model.save(module, str(directory), signatures={"serving_default": module.read})
    return directory
