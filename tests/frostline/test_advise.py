"""`frostline advise`: from a sweep, and from a folder of images by the real path: sweep written, run, answered."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

from architectures import build
from frostline.cli import main
from frostline.own_images.budget import choices, fitting, seconds_of
from frostline.own_images.pictures import Pictures, channels_of_weights
from frostline.own_images.sweep import Choice, Network, depths_of, name_for, sizes_of, sweep_text
from orchestrator.store.ledger import Ledger
from sweeps.errors import InputError
from sweeps.spec import ModelSpec
from sweeps.sweep import parse

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
Told = pytest.CaptureFixture[str]
SIDE = 12


def make_pictures(folder: Path, number: int = 25) -> Path:
    """Grey pictures: a bright row, column or square on noise."""
    rng = np.random.default_rng(0)
    for name in ("row", "column", "square"):
        (folder / name).mkdir(parents=True)
        for index in range(number):
            image = rng.integers(0, 90, (SIDE, SIDE + 3), dtype=np.uint8)
            at = rng.integers(2, SIDE - 3)
            image[at if name != "column" else slice(None), at if name == "column" else slice(None)] += 150
            if name == "square":
                image[at : at + 3, at : at + 3] = 250
            Image.fromarray(image).save(folder / name / f"{index:02}.png")
    return folder


def make_weights(file: Path, channels: int = 1, width: int = 2) -> Path:
    """Of a network with another head than the pictures need."""
    model = ModelSpec.model_validate({"family": "resnet", "depth": 8, "width": width, "channels": channels})
    save_file({key: value.contiguous() for key, value in build(model, 10, 0).state_dict().items()}, file)
    return file


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: pictures, weights and a data folder of the test's own."""
    monkeypatch.setenv("FROSTLINE_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("FROSTLINE_STORE", raising=False)
    monkeypatch.chdir(tmp_path)
    make_pictures(tmp_path / "my pictures")
    make_weights(tmp_path / "w.safetensors")
    return tmp_path


ASKED = ("advise", "--images", "my pictures", "--model", "resnet8-w2", "--weights", "w.safetensors")
QUICK = ("--epochs", "2", "--seeds", "3", "--runner", "local")


def test_images_weights_a_sweep_its_runs_and_an_answer(folder: Path, capsys: Told) -> None:
    assert main([*ASKED, *QUICK]) == 0
    told = capsys.readouterr().out
    written = folder / "advise-my-pictures.yaml"
    text = written.read_text()
    sweep = parse(text)
    assert sweep.name == "advise-my-pictures" and "frostline run advise-my-pictures.yaml" in text
    assert "advise-my-pictures.yaml: written" in told
    assert "54 runs: 54 missing" in told and "device time: " in told  # its cost, before it runs
    assert "54 of 54 runs done" in told
    # 60 images to train on, 15 to test on; the quarter would leave 5 of each class.
    assert sweep.blocks[0].axes == {"target.size": [60, 30], "transfer.frozen": [*range(8)], "seed": "0..2"}
    for size in (60, 30):
        assert f"advise-my-pictures: resnet8-w2, target.size = {size}" in told
    assert "freeze " in told and "n = 3 seeds, the lowest mean" in told
    assert "against training from scratch: " in told and "more target data: resnet8-w2" in told
    assert "the same 15 images" in told and "At least 3 seeds" in told

    # Edited and extended like any other: what has run is not run again, and the answer is of all.
    written.write_text(text.replace("seed: 0..2", "seed: 0..3").replace("[60, 30]", "[60]"))
    assert main(["run", written.name, "--runner", "local", "--wandb", "disabled"]) == 0
    assert "36 runs: 27 done, 9 missing" in capsys.readouterr().out
    assert main(["advise", written.name, "--json"]) == 0
    (network,) = json.loads(capsys.readouterr().out)["networks"]
    assert network["seeds"] == 4 and network["best"] in network["among_best"] and len(network["depths"]) == 8
    assert network["depths"][3]["unit"] and network["depths"][3]["seconds"] > 0

    # The same command goes on with what was edited; another one does not overwrite it, and the way on is told.
    assert main([*ASKED, *QUICK]) == 0
    told = capsys.readouterr().out
    assert "there already, used as it is" in told and "nothing to do, all 36 runs" in told and "n = 4 seeds" in told
    assert main([*ASKED, *QUICK, "--side", "8"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "is there already, and not from this command" in err
    assert "advise advise-my-pictures.yaml`" in err


def test_a_plan_alone_writes_the_sweep_and_runs_nothing(folder: Path, capsys: Told) -> None:
    assert main([*ASKED, *QUICK, "--plan", "--out", "mine.yaml"]) == 0
    told = capsys.readouterr().out
    assert "mine.yaml: written" in told and "wall time: " in told
    assert parse((folder / "mine.yaml").read_text()).name == "mine"
    assert not (folder / "store").exists()
    assert main([*ASKED, *QUICK, "--plan", "--out", "mine.yaml"]) == 0  # the same again: as it is


def test_json_alone_is_on_standard_output(folder: Path, capsys: Told) -> None:
    text = (*ASKED, *QUICK, "--json", "--side", "8", "--budget", "10h", "--epochs", "1")
    assert main([*text]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["sweep"] == "advise-my-pictures" and "54 of 54 runs done" in told.err
    assert "image_size: 8" in (folder / "advise-my-pictures.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["advise"], "give a sweep, or --images with --model and --weights"),
        (["advise", "quickstart", "--images", "my pictures"], "a sweep or images; allowed is one of them"),
        (["advise", "quickstart", "--budget", "15m"], "--budget 15m: allowed with --images alone"),
        (["advise", "quickstart", "--plan"], "--plan: allowed with --images alone"),
        (["advise", "quickstart", "--epochs", "30"], "--epochs 30: allowed with --images alone"),
        (["advise", "quickstart", "--seeds", "5"], "--seeds 5: allowed with --images alone"),
        (["advise", "quickstart", "--runner", "local"], "--runner local: allowed with --images alone"),
        (["advise", "quickstart", "--workers", "2"], "--workers 2: allowed with --images alone"),
        (["advise", "quickstrat"], "did you mean 'quickstart'?"),
        (["advise", "quickstart"], "no such folder; --store or FROSTLINE_STORE names another"),
        ([*ASKED[:3]], "--model: missing; --images needs --model and --weights"),
        ([*ASKED[:5]], "--weights: missing; --images needs --model and --weights"),
        (["advise", "--images", "none", *ASKED[3:]], "--images none: there is nothing"),
        (["advise", "--images", "w.safetensors", *ASKED[3:]], "allowed are a folder with a folder of images"),
        ([*ASKED, "--budget", "soon"], "--budget soon: allowed are a number above 0 and a unit: 90s, 15m or 1.5h"),
        ([*ASKED, *QUICK, "--budget", "0.01s"], "the smallest sweep, 4 depths and 3 seeds, is expected to take"),
        ([*ASKED, "--seeds", "2"], "--seeds"),
        ([*ASKED, "--out", "mine.txt"], "--out mine.txt: allowed is a file that ends in .yaml"),
        ([*ASKED[:5], "--weights", "none.safetensors"], "none.safetensors: No such file or directory"),
        ([*ASKED[:5], "--weights", "my pictures/row/00.png"], "allowed: a .safetensors file"),
        ([*ASKED[:4], "resnet9-w2", *ASKED[5:]], "model: depth 9 is no resnet"),
        ([*ASKED[:4], "resnot18", *ASKED[5:]], "not a model of timm; did you mean resnet18?"),
        ([*ASKED[:4], "resnet8-w4", *ASKED[5:], *QUICK], "--weights w.safetensors: "),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    arguments: list[str], message: str, folder: Path, capsys: Told
) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1
    assert told.err.startswith("error: ") and message in told.err
    assert list(folder.glob("*.yaml")) == [] and not (folder / "store").exists()


def test_golden_results_are_answered(capsys: Told) -> None:
    assert main(["advise", str(GOLDEN / "sweep.yaml"), "--store", str(GOLDEN / "store")]) == 0
    told = capsys.readouterr().out
    assert told.startswith("golden: ") and "freeze " in told and "n = 3 seeds" in told


def pictures(train: int, classes: int = 5) -> Pictures:
    names = tuple(f"class {index}" for index in range(classes))
    return Pictures(Path('a "folder": of #mine'), train, train // 4, names, 32, 3)


NETWORK = Network("resnet18", {"family": "timm", "name": "resnet18", "weights": 'a "file".safetensors'}, 10)


def test_the_text_is_yaml_whatever_the_names_hold() -> None:
    text = sweep_text(pictures(1000), NETWORK, Choice(6, 4, 3), 7, Path("out/1 : b.yaml"), "frostline advise")
    sweep = parse(text)
    assert sweep.name == "1-b" and sweep.base["target"]["task"] == {"name": "images", "path": 'a "folder": of #mine'}
    assert sweep.base["model"]["weights"] == 'a "file".safetensors' and sweep.base["train"]["epochs"] == 7
    assert sweep.blocks[0].axes == {
        "target.size": [1000, 500, 250],
        "transfer.frozen": [0, 2, 4, 5, 7, 9],
        "seed": "0..3",
    }
    assert sweep.blocks[1].base == {"model": {"weights": None}} and "transfer.frozen" not in (
        sweep.blocks[1].axes or {}
    )
    assert name_for(Path("...yaml")) == "images"


def test_depths_are_spread_and_sizes_leave_enough_of_each_class() -> None:
    assert depths_of(5, 8) == [0, 1, 2, 3, 4] and depths_of(14, 4) == [0, 4, 9, 13]
    for length in range(4, 60):
        for number in range(4, 9):
            depths = depths_of(length, number)
            assert depths == sorted(set(depths)) and (depths[0], depths[-1]) == (0, length - 1)
            assert len(depths) == min(length, number)
    assert sizes_of(pictures(1000), 3) == [1000, 500, 250]
    assert sizes_of(pictures(150), 3) == [150, 75]
    assert sizes_of(pictures(20), 3) == [20]


def test_a_budget_takes_the_largest_sweep_that_fits(folder: Path) -> None:
    assert [seconds_of(text) for text in ("90s", "15m", "15 min", "1.5h")] == [90, 900, 900, 5400]
    asked = list(choices(5))
    assert (asked[0], asked[-1]) == (Choice(8, 5, 3), Choice(4, 3, 1))
    costs = [choice.depths * choice.seeds * choice.sizes for choice in asked]
    assert costs == sorted(costs, reverse=True) and len(set(asked)) == len(asked)
    assert list(choices(3))[-1] == Choice(4, 3, 1)

    def text_of(choice: Choice) -> str:
        return (
            "name: a\nbase: {source: null, target: {task: digits, size: 100}, "
            "model: {family: resnet, depth: 8, width: 2}}"
            f"\naxes: {{seed: 1..{choice.depths * choice.seeds * choice.sizes}}}\n"
        )

    ledger = Ledger(folder / "store")
    assert fitting(text_of, 5, None, ledger, 1) == text_of(asked[0])
    assert fitting(text_of, 5, 1e9, ledger, 1) == text_of(asked[0])
    with pytest.raises(InputError, match="the smallest sweep"):
        fitting(text_of, 5, 1e-3, ledger, 1)
    middle = fitting(text_of, 5, _expected(text_of(asked[0]), ledger) / 2, ledger, 1)
    assert middle not in (text_of(asked[0]), text_of(asked[-1]))
    assert _expected(middle, ledger) <= _expected(text_of(asked[0]), ledger) / 2


def _expected(text: str, ledger: Ledger) -> float:
    from orchestrator.schedule.forecast import forecast
    from orchestrator.schedule.plan import make_plan

    return forecast(make_plan(parse(text), ledger), 1).wall_seconds


def test_the_channels_of_weights_are_those_of_the_first_convolution(folder: Path) -> None:
    assert channels_of_weights(folder / "w.safetensors") == 1
    assert channels_of_weights(make_weights(folder / "colour.safetensors", channels=3, width=4)) == 3
