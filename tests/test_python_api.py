from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import hnas


@pytest.mark.parametrize("name", hnas.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(hnas, name) is not None
    assert name in dir(hnas)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="upscalle"):
        _ = hnas.upscalle  # type: ignore[attr-defined]


def test_importing_a_room_does_not_hide_a_function() -> None:
    script = "import hnas.searching, hnas.training, hnas.evaluation, hnas.deploy, hnas; print(callable(hnas.search))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_train_evaluate_and_upscale_from_python(tmp_path: Path) -> None:
    from hnas.data.pictures import write_picture
    from hnas.data.sample import sample_pictures

    pictures = tmp_path / "pictures"
    write_picture(pictures / "rocket.png", sample_pictures()["rocket"][100:228, 200:328])
    job = hnas.TrainingJob(
        model="HNAS-A",
        data=(pictures,),
        network=hnas.NetworkOptions(channels=2, scale=2),
        settings=hnas.TrainingSettings(steps=1, batch=1, patch=16),
    )
    hnas.train(job, tmp_path / "run")
    psnr = hnas.evaluate(tmp_path / "run", [pictures])["pictures"].psnr
    assert 20 < psnr < 60
    small = np.zeros((12, 10, 3), np.uint8)
    assert hnas.load(tmp_path / "run").upscale(small).shape == (24, 20, 3)


def test_nothing_is_said_before_somebody_listens() -> None:
    script = """
import logging, hnas
log = logging.getLogger("hnas.training")
log.warning("unheard")
logging.getLogger("hnas").addHandler(logging.StreamHandler())
log.warning("heard")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "heard\n")
