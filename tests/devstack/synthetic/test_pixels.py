"""Drawn mammograms: what is in them, and what must not be told by them."""

from dataclasses import replace

import numpy as np
import pytest
from devstack.synthetic.anatomy import Frame, lesion_centre, lesion_radius, shape_breast
from devstack.synthetic.pixels import ImageSpec, LesionSpec, render_image
from devstack.synthetic.pixels.noise import Image

PLAIN = ImageSpec(
    empi=91234567, side=0, view="CC", rows=416, columns=320, height_mm=232.96, width_mm=179.2,
    breast_density=2, number=5,
)  # fmt: skip
MASS = LesionSpec(rank=0, severity=1.0, kind="mass", shape="X", margin="S", density="+")


def _centre(spec: ImageSpec, rank: int = 0) -> tuple[int, int, float]:
    """Row, column and radius of a lesion, in pixels."""
    frame = Frame(*(np.array([v]) for v in (spec.height_mm, spec.width_mm, spec.view == "MLO")))
    key = np.array([spec.empi]), np.array([spec.side]), np.array([rank])
    y, x = lesion_centre(*key, frame)
    radius = lesion_radius(*key, np.array([1.0]))
    scale = spec.rows / spec.height_mm
    return round(float(y[0]) * scale), round(float(x[0]) * scale), float(radius[0]) * scale


def contrast_at(image: Image, row: float, column: float, radius: float) -> float:
    """Mean brightness of the inner half of a disc less that of the ring around it."""
    y, x = np.ogrid[: image.shape[0], : image.shape[1]]
    distance = np.hypot(y - row, x - column)
    ring = (distance > 1.7 * radius) & (distance < 2.4 * radius) & (image > 0.02)
    return float(image[distance < 0.5 * radius].mean() - image[ring].mean())


@pytest.mark.parametrize("view", ["CC", "MLO"])
@pytest.mark.parametrize("patient", [91234567, 92345678, 93456789])
def test_a_cancer_is_bright_where_the_anatomy_puts_it(view: str, patient: int) -> None:
    spec = replace(PLAIN, view=view, empi=patient, lesions=(MASS,))
    row, column, radius = _centre(spec)
    with_lesion = contrast_at(render_image(spec), row, column, radius)
    without = contrast_at(render_image(replace(spec, lesions=())), row, column, radius)
    assert with_lesion > 0.15
    assert with_lesion > without + 0.12


def test_contrast_grows_with_severity() -> None:
    row, column, radius = _centre(PLAIN)
    contrasts = [
        contrast_at(
            render_image(replace(PLAIN, lesions=(replace(MASS, severity=severity, margin="D"),))),
            row, column, radius,
        )
        for severity in (0.0, 0.3, 0.62, 1.0)
    ]  # fmt: skip
    assert contrasts == sorted(contrasts)
    assert contrasts[-1] > contrasts[0] + 0.1


@pytest.mark.parametrize("kind", ["asymmetry", "distortion", "calcification"])
def test_every_kind_of_finding_changes_the_pixels_around_its_place(kind: str) -> None:
    code, distribution = ("A", "G") if kind == "calcification" else ("", "")
    lesion = LesionSpec(0, 0.62, kind, calcifications=code, distribution=distribution)
    with_lesion = render_image(replace(PLAIN, lesions=(lesion,)))
    difference = np.abs(with_lesion - render_image(PLAIN))
    row, column, radius = _centre(PLAIN)
    y, x = np.ogrid[: PLAIN.rows, : PLAIN.columns]
    near = np.hypot(y - row, x - column) < 1.5 * radius
    assert difference[near].max() > 0.08
    assert difference[near].mean() > 2 * difference[~near & (with_lesion > 0.02)].mean()


@pytest.mark.parametrize(
    ("distribution", "spread"), [("G", (0, 1.3)), ("R", (1.3, 4.0)), ("D", (2.0, 12.0))]
)
def test_calcifications_spread_by_distribution(
    distribution: str, spread: tuple[float, float]
) -> None:
    lesion = LesionSpec(0, 0.2, "calcification", calcifications="P", distribution=distribution)
    big = replace(PLAIN, rows=832, columns=640)
    difference = render_image(replace(big, lesions=(lesion,))) - render_image(big)
    found = np.argwhere(difference > 0.12)
    row, column, radius = _centre(big)
    distance = np.hypot(found[:, 0] - row, found[:, 1] - column)
    assert len(found) > 5
    assert spread[0] <= np.percentile(distance, 75) / radius <= spread[1]


def test_the_lesion_hardly_tells_in_mean_or_spread() -> None:
    """Exposure takes most of what a bright lesion adds to either out again."""
    means, spreads = [], []
    for patient in range(91000000, 91000016):
        plain = replace(PLAIN, empi=patient, number=patient)
        for spec in (plain, replace(plain, lesions=(MASS,))):
            image = render_image(spec)
            breast = image[image > 0.02]
            means.append(float(breast.mean()))
            spreads.append(float(breast.std()))
    mean = np.array(means).reshape(-1, 2)
    spread = np.array(spreads).reshape(-1, 2)
    assert abs((mean[:, 1] - mean[:, 0]).mean()) < mean[:, 0].std()
    assert abs((spread[:, 1] / spread[:, 0]).mean() - 1) < 0.12


def test_background_is_black_and_the_breast_is_at_the_chest_wall() -> None:
    image = render_image(PLAIN)
    assert image.min() == 0
    assert image.max() <= 1
    assert (image[:, -3:] == 0).all()
    middle = image[PLAIN.rows // 2]
    assert (middle[:40] > 0.1).all()
    assert 0.2 < (image > 0).mean() < 0.6


def test_pectoral_muscle_is_bright_in_mlo_only() -> None:
    corner = {view: render_image(replace(PLAIN, view=view))[15:40, 4:20] for view in ("CC", "MLO")}
    assert corner["MLO"].mean() > 0.35
    assert corner["CC"].mean() < 0.1


def test_denser_breasts_are_brighter_inside() -> None:
    shares = []
    for density in (1, 2, 3, 4):
        spec = replace(PLAIN, breast_density=density)
        images = [render_image(replace(spec, empi=91234567 + i)) for i in range(4)]
        shares.append(np.mean([image[image > 0.02].mean() for image in images]))
    assert shares == sorted(shares)


def test_a_c_view_shows_the_same_breast_at_0_6() -> None:
    flat = render_image(replace(PLAIN, lesions=(MASS,)))
    twin = replace(PLAIN, rows=250, columns=192, synthetic_2d=True, lesions=(MASS,))
    again = render_image(twin)
    rows = (np.arange(250) + 0.5) * 416 / 250
    columns = (np.arange(192) + 0.5) * 320 / 192
    sampled = flat[rows.astype(int)][:, columns.astype(int)]
    assert np.corrcoef(sampled.ravel(), again.ravel())[0, 1] > 0.99


def test_left_and_right_differ_and_repeats_differ_only_in_noise() -> None:
    left, right = render_image(PLAIN), render_image(replace(PLAIN, side=1))
    repeat = render_image(replace(PLAIN, number=6))
    assert np.abs(left - right).mean() > 0.02
    assert np.corrcoef(left.ravel(), repeat.ravel())[0, 1] > 0.99
    assert (left != repeat).any()
    np.testing.assert_array_equal(left, render_image(PLAIN))


def test_a_spot_view_is_centred_on_the_lesion_and_enlarged() -> None:
    spec = replace(PLAIN, lesions=(replace(MASS, margin="D"),), zoom=1.8)
    image = render_image(spec)
    _, column, radius = _centre(PLAIN)
    column = column if column < 160 / 1.8 else 160
    assert contrast_at(image, 208, 160 if column == 160 else column * 1.8, 1.8 * radius) > 0.1


def test_lesions_lie_within_the_breast() -> None:
    patients = np.arange(90_000_000, 90_002_000)
    n = len(patients)
    for oblique in (False, True):
        frame = Frame(np.full(n, 232.96), np.full(n, 179.2), np.full(n, oblique))
        for rank in range(3):
            side = np.zeros(n, np.int64)
            y, x = lesion_centre(patients, side, np.full(n, rank), frame)
            breast = shape_breast(patients, side, frame)
            assert ((x > 10) & (x < breast.depth - 10)).all()
            assert (y > breast.nipple_y - breast.above).all()
            assert (y < breast.nipple_y + breast.below).all()
            assert ((y > 8) & (y < 225)).all()
