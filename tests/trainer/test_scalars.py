"""TensorBoard's event files, to the byte."""

from trainer.scalars import crc32c, write_scalars

# What tensorboard 2.21 read back as two steps of these values.
READ_BY_TENSORBOARD = (
    "1800000000000000a37f4b220900002040fc54d9411a0d627261696e2e4576656e743a322b3531102000000000"
    "00000029eda9500900002040fc54d94110012a130a110a0a747261696e2f6c6f7373150000003f1784a4ca3c00"
    "000000000000c8b7a3520900006040fc54d94110ac022a2e0a110a0a747261696e2f6c6f7373150000803e0a19"
    "0a1276616c69646174696f6e2f726f635f617563150000403f3c1ed21b"
)


def test_the_checksum_is_that_of_the_standard() -> None:
    assert crc32c(b"123456789") == 0xE3069283


def test_epochs_are_written_as_tensorboard_reads_them() -> None:
    written = write_scalars(
        [
            (1700000000.5, 1, {"train/loss": 0.5, "not known": None}),
            (1700000001.5, 300, {"train/loss": 0.25, "validation/roc_auc": 0.75}),
        ]
    )
    assert written.hex() == READ_BY_TENSORBOARD
