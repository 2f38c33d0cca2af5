"""Peak memory of the methods that take many passes, measured in a process of its own on the real network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
# Two full steps and part of a third: a step that kept what the one before needed would show.
SCRIPT = """
import resource, sys
from pathlib import Path
from derm_model.net.saliency.method import Settings
from derm_model.net.saliency.methods import METHODS
from derm_model.net.saliency.target import Target
from derm_model.taxonomy import read_taxonomy
from tests.net.saliency.networks import make_explainer
from tests.support import make_tiny_bundle, noise_image

explainer = make_explainer(make_tiny_bundle(Path(sys.argv[1]), architecture="inception_v3"), read_taxonomy())
settings = Settings(samples=9, steps=9, masks=17, patch_px=120)
for id in ("smoothgrad", "integrated_gradients", "guided_grad_cam", "occlusion", "rise"):
    explainer.explain(noise_image(1), METHODS[id], Target.predicted(), settings)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


@pytest.mark.slow
def test_methods_of_many_passes_stay_below_two_gigabytes(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "bundle")], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 2  # GiB; about 1 of it are the libraries and the network
