"""The nodes' names, in the order in which they run: TFX's ids, and what the terminal, the report and Kubeflow call them."""

EXAMPLE_GEN = "TfdsExampleGen"
SCHEMA_GEN = "ImportSchemaGen"
STATISTICS_GEN = "StatisticsGen"
EXAMPLE_VALIDATOR = "FatalExampleValidator"
TRANSFORM = "Transform"
JUDGE_TRAINER = "JudgeTrainer"
CALIBRATOR = "GateCalibrator"
GAN_TRAINER = "GanTrainer"
BASELINE = "Baseline"
GATE = "Gate"
USEFULNESS = "Usefulness"  # only where a setting asks for it
INFRA_VALIDATOR = "GeneratorInfraValidator"
PUSHER = "GeneratorPusher"

NODES = (
    EXAMPLE_GEN,
    SCHEMA_GEN,
    STATISTICS_GEN,
    EXAMPLE_VALIDATOR,
    TRANSFORM,
    JUDGE_TRAINER,
    CALIBRATOR,
    GAN_TRAINER,
    BASELINE,
    GATE,
    USEFULNESS,
    INFRA_VALIDATOR,
    PUSHER,
)
