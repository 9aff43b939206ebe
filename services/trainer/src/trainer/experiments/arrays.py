"""Any labelled array: patches or pictures that are not in the catalog."""

from trainer.experiments.declared import Declared
from trainer.spec import TrainingSettings

LABELLED_ARRAY = Declared(
    name="labelled-array",
    version=1,
    title="A labelled array",
    description=(
        "Trains on `images.npy` (uint8, n x side x side) and `samples.json` of a folder that the "
        "lab keeps for the workers: one label, split and patient per image."
    ),
    task="classification",
    dataset_kind="array",
    classes=(),
    models=("resnet18", "convnext_tiny", "tiny_cnn"),
    profiles={
        "quick": TrainingSettings(
            model="tiny_cnn",
            weights="none",
            input_size=64,
            epochs=10,
            batch_size=16,
            learning_rate=1e-3,
            optimiser="adam",
            normalisation="dataset",
            fit="pad",
        ),
    },
    default_profile="quick",
)
