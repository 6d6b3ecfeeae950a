"""The adversarial loop: many steps inside one compiled call, exact resume, a clear stop when the numbers break."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from components.gan.input.source import Source, replica_rows
from components.gan.latents import step_seeds
from components.gan.recipes import RECIPES
from components.gan.settings import GanSettings
from components.gan.train_state import TrainState
from components.gan.training.augmentation import with_augmentation
from components.gan.training.best import Best
from components.gan.training.checkpoints import Checkpoints
from components.gan.training.devices import choose_strategy, describe, dtype_policy, unused_gpus
from components.gan.training.journal import Journal
from components.gan.training.journal_files import DISTANCE
from components.gan.training.outcome import End
from components.gan.training.provenance import Provenance, Stretch
from components.gan.training.samples import fixed_samples
from components.gan.training.workers import is_chief, worker_count
from components.progress import log_note, report_progress
from components.transform.pixels import scale
from serving.repository.errors import UserError, first_line

_LOG_EVERY = 100  # steps a compiled call: rare enough to cost nothing, often enough for a live progress bar
_FIGURES = ("d_loss", "g_loss", "d_accuracy", "d_grad_norm", "g_grad_norm", "diversity")


def train(
    source: Source,
    num_classes: int,
    settings: GanSettings,
    directory: Path,
    strategy: tf.distribute.Strategy | None = None,
) -> TrainState:
    """Train a GAN, or continue its training from the last checkpoint.

    Every draw is a function of the seed and the step, so a continued training ends with the weights of an uninterrupted one.

    Args:
        source: The real images, labels in 0..num_classes-1.
        num_classes: Classes of the dataset.
        settings: The knobs.
        directory: Working directory: checkpoints, metrics.jsonl, TensorBoard events, sample grids. Several workers share it.
        strategy: The devices that share each batch; by default, `devices.choose_strategy()`.

    Returns:
        The trained state; `ema_generator` is the one to export, the last or the best. `outcome.json` in the directory says which.

    Raises:
        UserError: There is no image, the devices can't share the batch evenly, a worker is gone, or a loss is no longer a finite
            number and no average before that is worth keeping.
    """
    devices = strategy or choose_strategy()
    if source.count == 0:
        raise UserError("there are no training images: check data.train_split")
    replicas = devices.num_replicas_in_sync
    least = replicas * RECIPES[settings.recipe].ROWS if replicas > 1 else 1
    if settings.batch_size % least:
        raise UserError(
            f"gan.batch_size={settings.batch_size} can't be shared evenly by {replicas} devices: choose a multiple of {least}"
        )
    try:
        return _train(source, num_classes, settings, directory, devices)
    except tf.errors.DataLossError as error:
        raise UserError(
            f"the training examples can't be read any more ({first_line(error, 120)}): mend the disk and run "
            "again; the training continues from its last checkpoint"
        ) from error
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError) as error:
        raise UserError(
            f"another worker of this training is gone ({first_line(error, 120)}): "
            "start all workers again, and the training continues from its last checkpoint"
        ) from error


def _train(
    source: Source, num_classes: int, settings: GanSettings, directory: Path, strategy: tf.distribute.Strategy
) -> TrainState:
    policy, chief = dtype_policy(settings), is_chief()
    settings = with_augmentation(settings, source.count)
    with strategy.scope():
        state = TrainState(RECIPES[settings.recipe], settings, num_classes, source.shape, policy)
    best = Best(state, source)
    with strategy.scope():
        saved = tf.train.Checkpoint(training=state.checkpoint(), best=best.checkpoint())
        checkpoints, provenance = Checkpoints(saved, directory / "checkpoints"), Provenance.read(directory)
        resumed = _restore(checkpoints, provenance.is_of(source.digest), chief)
    start = int(state.step.numpy())
    streamed = f", {source.count} images streamed from files" if source.kind == "stream" else ""
    log_note(f"training on {describe(strategy)} in {policy}{streamed}" + (f", continued from step {start}" if resumed else ""))
    if unused := unused_gpus():
        log_note(
            f"warning: TensorFlow can't use the {unused} NVIDIA GPU(s) here: `make setup EXTRAS=dev,gpu` adds CUDA's libraries, "
            "on a cluster the trainer needs the image that has them (gpu_image)"
        )
    if settings.augment:
        log_note(f"{source.count} images are few: the discriminator sees each changed with probability {settings.augment:.2f}")
    # The chief keeps the journal, the checkpoints and the best of all.
    if chief and start < settings.steps:
        provenance.go_on(source.digest, Stretch(step=start, precision=policy, devices=describe(strategy))).save(directory)
    journal = Journal(directory, start) if chief else None
    if chief and start in best.steps and not resumed:
        best.look(start)
    run, vote = compile_loop(state, source, strategy), compile_vote(strategy)
    began = time.monotonic()
    before, step, ended = start, start, best.verdict()
    while ended == "whole" and step < settings.steps:
        before, every = step, (_LOG_EVERY, settings.checkpoint_every, settings.sample_every)
        look = next((step for step in best.steps if step > before), settings.steps)
        target = min(look, *(_next(before, steps, settings.steps) for steps in every))
        figures: dict[str, float] = dict(zip(_FIGURES, run(tf.constant(target - before, tf.int64)).numpy().tolist(), strict=True))
        step = int(state.step.numpy())
        if chief and step in best.steps and _finite(figures):
            figures[DISTANCE] = best.look(step)
        ended = best.verdict() if _finite(figures) else "broke down"
        # Only the chief has looked, and all must leave together.
        if step in best.steps and vote(ended != "whole") and ended == "whole":
            ended = "stopped"
        if journal is None or ended == "broke down":
            continue
        figures["images_per_second"] = (step - start) * settings.batch_size / (time.monotonic() - began)
        last = step == settings.steps or ended == "stopped"
        journal.log(step, figures)
        if step % settings.sample_every == 0 or last:
            journal.draw(step, fixed_samples(state, state.average))
        if step % settings.checkpoint_every == 0 or last:
            checkpoints.save(step)
        shown = {name: figures[name] for name in ("d_loss", "d_accuracy", DISTANCE) if name in figures}
        report_progress("training the generator", step, settings.steps, "steps", **shown)
    if journal is not None:
        _conclude(journal, best, before, step, ended)
    return state


def _restore(checkpoints: Checkpoints, same_examples: bool, chief: bool) -> bool:
    """Restore the newest checkpoint, if it is one of these examples in this order; says whether there was one."""
    if same_examples:
        return checkpoints.restore()
    log_note("the examples lie in another order than when this training began (another engine wrote them?): it begins anew")
    if chief:
        checkpoints.forget()
    return False


def _conclude(journal: Journal, best: Best, before: int, step: int, ended: End) -> None:
    """Put the average to export into the state's EMA generator, and say which it is.

    Raises:
        UserError: The numbers broke down, and no average before that is worth keeping.
    """
    outcome = best.settle(step, ended)
    if outcome is None:
        raise UserError(
            f"training broke down between steps {before} and {step} (a figure is not finite): lower gan.learning_rate or raise "
            "gan.gamma"
        )
    log_note(outcome.sentence())
    if outcome.step != step:
        journal.draw(outcome.step, fixed_samples(best.state, best.state.ema_generator))
    journal.conclude(outcome)
    journal.close()


def _finite(figures: dict[str, float]) -> bool:
    return all(math.isfinite(value) for value in figures.values())


def _next(step: int, every: int, last: int) -> int:
    return min((step // every + 1) * every, last)


def compile_loop(state: TrainState, source: Source, strategy: tf.distribute.Strategy) -> Callable[[tf.Tensor], tf.Tensor]:
    """Compile (number of steps, int64 scalar, whole cycles) -> mean figures float32 [6], which goes on at the state's step."""
    settings, recipe = state.settings, state.recipe
    share = settings.batch_size // strategy.num_replicas_in_sync
    feed = source.feed(settings, state.step, strategy)

    def replica_step(images: tf.Tensor, labels: tf.Tensor, penalise: bool) -> tf.Tensor:
        """Train on one replica's share of a batch."""
        real = tf.ensure_shape(scale(images), [share, *state.shape])
        drawn = step_seeds(settings.seed, state.step, replica_rows(share), stream=0)
        result = recipe.train_step(state, real, labels, drawn, penalise)
        diversity = tf.math.divide_no_nan(_spread(result.fake), _spread(real))
        return tf.stack([*result[:-1], diversity])

    def one_step(penalise: bool) -> tf.Tensor:
        images, labels = feed()
        shares = strategy.run(replica_step, args=(images, labels, penalise))
        figures = strategy.reduce(tf.distribute.ReduceOp.MEAN, shares, axis=None)
        state.step.assign_add(1)
        return figures

    @tf.function
    def run(steps: tf.Tensor) -> tf.Tensor:
        total = tf.zeros([len(_FIGURES)])
        for _ in tf.range(steps // recipe.CYCLE):
            for position in range(recipe.CYCLE):
                total += one_step(penalise=position == 0)
        return total / tf.cast(steps, tf.float32)

    return run


def compile_vote(strategy: tf.distribute.Strategy) -> Callable[[bool], bool]:
    """Compile what all workers call at the same step, each with its own wish: whether any has it."""

    @tf.function
    def wishes(wish: tf.Tensor) -> tf.Tensor:
        return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(lambda: tf.identity(wish)), axis=None)

    if worker_count() <= 1:
        return lambda wish: wish
    return lambda wish: bool(wishes(tf.constant(float(wish))) > 0)


def _spread(images: tf.Tensor) -> tf.Tensor:
    """Mean over the pixels of their standard deviation over the batch: near 0 when all images are the same."""
    return tf.reduce_mean(tf.math.reduce_std(images, axis=0))
