"""Your own images: one id for one content, wherever it lies; and what is said where it is gone."""

from __future__ import annotations

import io
import json
import os
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from analysis.tables.load import read_sweep
from frostline.cli import main
from orchestrator.schedule.plan import make_plan, save_record
from orchestrator.schedule.vocabulary import KnownWords
from orchestrator.store.gc import reached
from orchestrator.store.ledger import Ledger
from orchestrator.train.start import learn_contents
from sweeps.errors import SpecError
from sweeps.expand import expand
from sweeps.spec import RunSpec
from sweeps.store.records import sweep_keys
from sweeps.sweep import parse as parse_sweep
from tasks import canonical_name, check, checks, contents_of, held_out, missing_data, names, target_data
from tasks.files import content, known
from tasks.files.archives import BadArchive
from tasks.files.folders import read_content
from tasks.files.pictures import decode
from tasks.files.prepared import opened
from tasks.names import parse

SIDE = 12


def make_photos(
    folder: Path, number: int = 10, classes: tuple[str, ...] = ("cat", "dog", "red fox"), seed: int = 0
) -> Path:
    """Photographs of several sizes, one class in PNG; one file that is no picture's."""
    rng = np.random.default_rng(seed)
    for name in classes:
        (folder / name).mkdir(parents=True)
        for index in range(number):
            height, width = 20 + index, 34 - index
            image = Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
            image.save(folder / name / f"{index:02}.{'png' if name == 'cat' else 'bmp'}")
    (folder / "README.txt").write_text("photos")
    (folder / classes[0] / ".hidden.png").write_bytes(b"")
    return folder


def name_of(path: Path) -> str:
    """The canonical name of the task of a path, as a sweep writes it."""
    text = f"name: a\nbase: {json.dumps(base_of(str(path)))}\n"
    (spec,) = expand(parse_sweep(text), KnownWords()).values()
    return spec.target.task


def base_of(path: str, **model: Any) -> dict[str, Any]:
    return {
        "source": None,
        "target": {"task": {"name": "images", "path": path}, "size": 12},
        "model": {"family": "resnet", "depth": 8, "width": 2, "image_size": SIDE, "channels": 3, **model},
    }


def ids_of(path: Path) -> list[str]:
    return list(expand(parse_sweep(f"name: a\nbase: {json.dumps(base_of(str(path)))}\n"), KnownWords()))


def prepare(path: Path, side: int = SIDE) -> None:
    assert main(["data", "images", "--from", str(path), "--side", str(side), "--workers", "1"]) == 0


def test_copies_have_one_id_and_a_changed_pixel_another(data: Path, tmp_path: Path) -> None:
    first = make_photos(tmp_path / "some photos")
    ids = ids_of(first)
    second = tmp_path / "elsewhere" / "named, otherwise"
    shutil.copytree(first, second)
    assert ids_of(second) == ids
    os.rename(second / "dog" / "03.bmp", second / "dog" / "renamed.bmp")
    assert ids_of(second) == ids

    file = second / "dog" / "05.bmp"
    pixels = np.asarray(Image.open(file)).copy()
    pixels[3, 4, 1] ^= 1
    size = file.stat().st_size
    Image.fromarray(pixels).save(file)
    assert file.stat().st_size == size
    changed = ids_of(second)
    assert changed != ids and ids_of(first) == ids
    pixels[3, 4, 1] ^= 1
    Image.fromarray(pixels).save(file)
    assert ids_of(second) == ids
    os.rename(second / "dog", second / "hound")
    assert ids_of(second) not in (ids, changed)


def test_digests_are_computed_once_until_a_file_changes(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = make_photos(tmp_path / "photos")
    monkeypatch.setattr(content, "SETTLED_NS", 0)
    hashed: list[Path] = []
    original = content.file_sha256
    monkeypatch.setattr(content, "file_sha256", lambda path: hashed.append(path) or original(path))
    name = name_of(photos)
    assert len(hashed) == 30
    assert name_of(photos) == name and len(hashed) == 30
    os.utime(photos / "cat" / "00.png", ns=(1, 1))
    assert name_of(photos) == name and len(hashed) == 31


def test_a_file_that_has_just_changed_is_read_again(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "weights"
    seen = set()
    for value in range(20):
        file.write_bytes(bytes([value]))
        seen.add(content.content_digests(file, [file])[0])
    assert len(seen) == 20


def test_images_come_as_documented(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = make_photos(tmp_path / "photos")
    name = name_of(photos)
    task = parse(name)
    assert task.class_names == ("cat", "dog", "red fox") and task.dataset.pool == (8, 8, 8)
    assert held_out(name) == 6 and canonical_name(f"images[0,dog]({name.partition('(')[2]}").startswith("images[0-1](")
    (spec,) = expand(parse_sweep(f"name: a\nbase: {json.dumps(base_of(str(photos)))}\n"), KnownWords()).values()
    (line,) = missing_data([spec])
    assert f"frostline data images --side {SIDE} --from {photos}" in line
    prepare(photos)
    assert "3 classes, images 24 to train, 6 to test" in capsys.readouterr().out
    assert missing_data([spec]) == []
    found = target_data(spec)
    assert found.inputs.shape == (12, 3, SIDE, SIDE) and found.test_inputs.shape == (6, 3, SIDE, SIDE)
    assert found.labels.bincount().tolist() == [4, 4, 4]
    arrays = task.dataset.train((0, 1, 2), "target", 24, 0, SIDE)[0]
    assert not isinstance(arrays, np.ndarray)
    seen = {image.tobytes() for image in arrays.array}
    for file in sorted((photos / "dog").iterdir()):
        image = Image.open(file)
        edge = min(image.size)
        left, top = (image.width - edge) // 2, (image.height - edge) // 2
        square = image.crop((left, top, left + edge, top + edge)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        test = np.asarray(square).transpose(2, 0, 1).tobytes()
        assert test in seen or test in {image.tobytes() for image in _test_images(name)}


def _test_images(name: str) -> np.ndarray:
    pixels = parse(name).dataset.test((0, 1, 2), SIDE)[0]
    assert not isinstance(pixels, np.ndarray)
    return pixels.array


def spec_of(source: Path, target: Path, of_source: str = "", of_target: str = "", size: int = 12) -> RunSpec:
    """The run of two paths, of some of their classes."""
    base = base_of(str(target))
    base["target"]["task"]["name"] += of_target
    base["source"] = {"task": {"name": f"images{of_source}", "path": str(source)}, "size": size}
    (spec,) = expand(parse_sweep(f"name: a\nbase: {json.dumps(base)}\n"), KnownWords()).values()
    return spec


def test_two_collections_share_no_samples_and_one_does(data: Path, tmp_path: Path) -> None:
    one, two = make_photos(tmp_path / "one"), make_photos(tmp_path / "two", seed=1)
    check(spec_of(two, one))
    with pytest.raises(ValueError, match="share samples of class"):
        check(spec_of(one, one, size=20))


def test_a_source_does_not_train_on_images_that_its_target_is_tested_on(data: Path, tmp_path: Path) -> None:
    small, large = make_photos(tmp_path / "small"), make_photos(tmp_path / "large", number=15, seed=1)
    for file in small.glob("dog/*.bmp"):
        shutil.copy(file, large / "cat" / f"x{file.name}")
    before = (read_content(small).files["test"], read_content(large).files["train"])
    trained = {path.read_bytes() for path in before[1]}
    shared = sum(path.read_bytes() in trained for path in before[0])
    assert shared > 0
    said = rf"^source\.task images\(content=[^\n]*\): {shared} of its training images are test images of target\.task"
    with pytest.raises(ValueError, match=said):
        check(spec_of(large, small))
    # The classes count that the two use, not the contents.
    check(spec_of(large, small, "[dog,red fox]"))
    check(spec_of(large, small, "", "[cat,red fox]"))
    spec = spec_of(large, small)
    for file in (data / "contents").glob("*.keys"):
        file.write_bytes(file.read_bytes()[:-1])
    checks._tested_apart.cache_clear()
    check(spec)  # a machine that did not read the files cannot say
    checks._tested_apart.cache_clear()
    with pytest.raises(ValueError, match=said):
        check(spec_of(large, small))


def test_a_table_and_folders_of_splits(data: Path, tmp_path: Path) -> None:
    photos = make_photos(tmp_path / "photos", classes=("cat", "dog"))
    split = tmp_path / "split"
    rows = ["path,label,split"]
    for name in ("cat", "dog"):
        for number, file in enumerate(sorted(file for file in (photos / name).iterdir() if file.name[0] != ".")):
            part = "test" if number < 3 else "train"
            folder = split / ("val" if part == "test" else "train") / name
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, folder)
            rows.append(f"photos/{name}/{file.name},{name},{part}")
    table = tmp_path / "table.csv"
    table.write_text("\n".join(rows) + "\n")
    assert name_of(split) == name_of(table) != name_of(photos)
    task = parse(name_of(table))
    assert task.dataset.pool == (7, 7) and held_out(task.name) == 6


def test_a_folder_beside_the_splits_makes_no_classes_of_them(data: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    make_photos(photos / "train", classes=("cat", "dog"))
    make_photos(photos / "test", classes=("cat", "dog"), seed=1)
    name = name_of(photos)
    (photos / "meta").mkdir()
    (photos / "meta" / "about.txt").write_text("no image")
    assert name_of(photos) == name and parse(name).class_names == ("cat", "dog")
    shutil.copy(photos / "train" / "cat" / "00.png", photos / "meta")
    with pytest.raises(ValueError, match=r"^[^\n]*the folder meta holds images and stands beside train[^\n]*$"):
        name_of(photos)


@pytest.mark.parametrize(
    ("splits", "said"),
    [
        (
            ("Train", "Test"),
            "Test has the folders cat, dog, as a split has; allowed as splits are folders train and",
        ),
        (("training", "testing"), "testing has the folders cat, dog"),
        (("train", "eval"), "eval has the folders cat, dog"),
        (("fold 1", "fold 2"), "fold 1, fold 2 all have the folders cat, dog"),
    ],
)
def test_splits_under_other_names_make_no_classes(
    splits: tuple[str, str], said: str, data: Path, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    for split in splits:
        make_photos(photos / split, number=1, classes=("cat", "dog"))
    with pytest.raises(ValueError, match=rf"^[^\n]*photos: {said}[^\n]*$"):
        name_of(photos)


def test_folders_below_classes_and_a_class_named_train_are_fine(data: Path, tmp_path: Path) -> None:
    photos = make_photos(tmp_path / "photos", classes=("train", "Tram"))
    assert parse(name_of(photos)).class_names == ("Tram", "train")
    for seed, name in enumerate(("n01", "n02")):
        make_photos(tmp_path / "nested" / name, classes=("images",), seed=seed)
    assert parse(name_of(tmp_path / "nested")).class_names == ("n01", "n02")


def test_of_files_that_are_there_twice_none_is_tested_on(data: Path, tmp_path: Path) -> None:
    photos = make_photos(tmp_path / "photos")
    before = read_content(photos)
    drawn = [path.relative_to(photos) for path in before.files["test"]]
    # Of each class the first file that would be tested on, in that class again or in another one.
    first, second, third = drawn[::2]
    for file, folder in ((first, first.parent), (second, second.parent), (third, first.parent)):
        shutil.copy(photos / file, photos / folder / f"again {file.name}")
    content = read_content(photos)
    assert content.labels["test"] == [0, 0, 1, 1, 2, 2] and len(content.files["train"]) == 27
    trained = {path.read_bytes() for path in content.files["train"]}
    assert trained.isdisjoint(path.read_bytes() for path in content.files["test"])
    for file in photos.glob("dog/*.bmp"):
        shutil.copy(file, photos / "cat" / f"dog {file.name}")
    with pytest.raises(ValueError, match=r"^[^\n]*a class has no image that is there once[^\n]*$"):
        name_of(photos)


def test_the_draw_of_a_content_without_copies_is_as_it_was(data: Path, tmp_path: Path) -> None:
    for label, name in enumerate(("a", "b")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(6):
            header = b"P5 1 1 255\n"
            (tmp_path / "photos" / name / f"{number}.pgm").write_bytes(header + bytes([10 * number + label]))
    content = read_content(tmp_path / "photos")
    assert content.digest == "cf2a029d32d7ef41166ca1f15dbdc6ad31a16300"
    assert [file.name for file in content.files["test"]] == ["5.pgm", "2.pgm"]


def test_given_splits_with_a_file_in_both_are_refused(data: Path, tmp_path: Path) -> None:
    for seed, split in enumerate(("train", "test")):
        make_photos(tmp_path / "photos" / split, seed=seed)
    name_of(tmp_path / "photos")
    for name in ("03", "04"):
        shutil.copy(tmp_path / f"photos/train/dog/{name}.bmp", tmp_path / f"photos/test/red fox/x{name}.bmp")
    said = r"photos: 2 file\(s\) to test on are to train on too, byte for byte; first [^\n]*fox/x0"
    with pytest.raises(ValueError, match=rf"^[^\n]*{said}[^\n]*$"):
        name_of(tmp_path / "photos")


def test_a_folder_that_cannot_be_read_is_told(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = make_photos(tmp_path / "photos")
    original = os.scandir

    def refused(path: Any) -> Any:  # the tests may run as root, whom no folder refuses
        if str(path).endswith("dog"):
            raise PermissionError(13, "Permission denied", str(path))
        return original(path)

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(ValueError, match=r"^[^\n]*photos/dog: Permission denied[^\n]*$"):
        canonical_name(f"images(path={photos})")


def test_grey_pictures_make_grey_arrays_and_a_colour_network_reads_them(data: Path, tmp_path: Path) -> None:
    for shade, name in enumerate(("a", "b")):
        (tmp_path / "grey" / name).mkdir(parents=True)
        for number in range(6):
            image = np.full((9, 9), 20 * number + 5 + shade, dtype=np.uint8)
            Image.fromarray(image).save(tmp_path / "grey" / name / f"{number}.png")
    prepare(tmp_path / "grey", 8)
    base = base_of(str(tmp_path / "grey"), image_size=8)
    base["target"]["size"] = 10
    text = f"name: a\nbase: {json.dumps(base)}\n"
    (spec,) = expand(parse_sweep(text), KnownWords()).values()
    pixels = parse(spec.target.task).dataset.train((0, 1), "target", 10, 0, 8)[0]
    assert not isinstance(pixels, np.ndarray) and pixels.array.shape == (10, 1, 8, 8)
    inputs = target_data(spec).inputs
    assert inputs.shape == (10, 3, 8, 8) and (inputs[:, 0] == inputs[:, 2]).all()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "there is nothing"),
        (lambda path: path.mkdir(), "images of 0 class"),
        (lambda path: path.write_text("x"), "allowed are a folder"),
        (lambda path: make_photos(path, classes=("one",)), "images of 1 class"),
        (lambda path: make_photos(path, number=1), "at least 2"),
        (lambda path: (make_photos(path) / "cat" / "x.png").write_bytes(b"no"), "no picture of a known format"),
    ],
)
def test_what_is_no_collection_of_images_is_told_in_one_line(make: Any, said: str, data: Path, tmp_path: Path) -> None:
    make(tmp_path / "photos")
    for name in (f"images(path={tmp_path / 'photos'})",):
        with pytest.raises(ValueError, match=r"^[^\n]+$") as refusal:
            canonical_name(name)
        assert said in str(refusal.value)


@pytest.mark.parametrize("table", [False, True])
def test_an_unreadable_file_of_a_changed_collection_does_not_mean_the_old_one(
    table: bool, data: Path, tmp_path: Path
) -> None:
    photos = make_photos(tmp_path / "photos")
    place = photos
    if table:
        place = tmp_path / "photos.csv"
        rows = [f"photos/{name}/{index:02}.bmp,{name}" for name in ("dog", "red fox") for index in range(10)]
        place.write_text("\n".join(["path,label", *rows]) + "\n")
    before = name_of(place)
    (photos / "dog" / "05.bmp").unlink()
    (photos / "dog" / "05.bmp").symlink_to("nowhere")
    with pytest.raises(ValueError, match=rf"^[^\n]*images: path {place}: [^\n]*dog/05\.bmp: No such file[^\n]*$"):
        name_of(place)
    shutil.rmtree(photos)
    if table:
        place.unlink()
    assert name_of(place) == before


def test_a_home_folder_of_nobody_is_told_in_one_line(data: Path) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]*images: path ~nosuchuser/x: there is no such user[^\n]*$"):
        canonical_name("images(path=~nosuchuser/x)")


def test_a_changed_byte_of_prepared_images_is_found_before_a_launch(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = make_photos(tmp_path / "photos")
    prepare(photos)
    (array,) = (data / "prepared").glob("images-*/train.npy")
    content = bytearray(array.read_bytes())
    content[-1] ^= 1
    array.write_bytes(content)
    capsys.readouterr()
    file = written(tmp_path, photos)
    assert command("run", file, tmp_path / "store", "--runner", "local", "--wandb", "disabled") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "train.npy is not what was written" in line


def test_a_picture_of_broken_exif_is_told_in_one_line(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a description"
    exif[0x0112] = 6
    content = io.BytesIO()
    Image.new("RGB", (16, 16)).save(content, "JPEG", exif=exif)
    whole = content.getvalue()
    assert decode(whole, 8, 3, "x.jpg").shape == (3, 8, 8)
    tag = whole.index(b"Exif\0\0") + 6 + 8 + 2  # behind the header and the number of entries: that of the text
    assert whole[tag : tag + 2] == b"\x01\x0e"
    broken = whole[: tag + 1] + b"\0" + whole[tag + 2 :]  # a width that is a text
    with pytest.raises(BadArchive, match=r"^x\.jpg: [^\n]+$"):
        decode(broken, 8, 3, "x.jpg")


def test_a_broken_picture_leaves_nothing(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = make_photos(tmp_path / "photos")
    whole = (photos / "cat" / "04.png").read_bytes()
    (photos / "cat" / "04.png").write_bytes(whole[: len(whole) // 2])
    assert main(["data", "images", "--from", str(photos), "--workers", "1"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "cat/04.png" in line and "cannot be read to its end" in line
    assert not (data / "prepared").exists()


SWEEP = """
name: photos
base: %s
axes: {transfer.frozen: [0]}
"""


def written(tmp_path: Path, photos: Path) -> Path:
    file = tmp_path / "photos.yaml"
    base = base_of(str(photos)) | {"train": {"epochs": 1}}
    file.write_text(SWEEP % json.dumps(base))
    return file


def command(verb: str, file: Path, store: Path, *more: str) -> int:
    return main([verb, str(file), "--store", str(store), *more])


@pytest.mark.parametrize("runner", ["local", "ray"])
def test_a_moved_folder_is_found_by_its_content_or_refused_in_one_line(
    runner: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = make_photos(tmp_path / "photos")
    file, store = written(tmp_path, photos), tmp_path / "store"
    asked = ("--runner", runner, "--wandb", "disabled", *(("--workers", "1") if runner == "ray" else ()))

    assert command("plan", file, store) == 0
    assert "warning: images(content=sha256-" in capsys.readouterr().out
    assert command("run", file, store, *asked) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "has no prepared arrays" in line and f"--from {photos}" in line

    # Moved before it was decoded: its content is known, its place is not.
    moved = tmp_path / "moved"
    photos.rename(moved)
    assert command("run", file, store, *asked) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "where they are no longer" in line

    # Decoded where it is now: the sweep finds it by its content, whatever path it names.
    prepare(moved)
    assert command("run", file, store, *asked) == 0
    assert "1 of 1 runs done" in capsys.readouterr().out
    shutil.rmtree(moved)
    assert command("run", file, store, *asked) == 0
    assert "nothing to do" in capsys.readouterr().out

    # Never seen on this machine.
    shutil.rmtree(data / "contents")
    assert command("run", file, store, *asked) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "there is nothing" in line and "give the path" in line


def test_the_command_that_is_told_can_be_pasted(data: Path, tmp_path: Path) -> None:
    photos = make_photos(tmp_path / "my own photos; 'a'")
    (spec,) = expand(parse_sweep(f"name: a\nbase: {json.dumps(base_of(str(photos)))}\n"), KnownWords()).values()
    (line,) = missing_data([spec])
    told = shlex.split(line.partition("make them: ")[2])
    assert told == ["frostline", "data", "images", "--side", str(SIDE), "--from", str(photos)]
    assert main([*told[1:], "--workers", "1"]) == 0
    assert missing_data([spec]) == []


def test_rerun_learns_of_a_content_from_the_store(data: Path, tmp_path: Path) -> None:
    photos, store = make_photos(tmp_path / "photos"), tmp_path / "store"
    prepare(photos)
    assert command("run", written(tmp_path, photos), store, "--runner", "local", "--wandb", "disabled") == 0
    (result,) = store.glob("runs/*/*/result.json")
    os.environ["FROSTLINE_DATA"] = str(tmp_path / "of another machine")  # the fixture puts it back
    names._parsed.cache_clear()
    known._learnt.clear()
    try:
        assert main(["rerun", result.parent.name, "--store", str(store)]) == 0
    finally:
        known._learnt.clear()


def test_a_worker_elsewhere_learns_of_a_content_from_the_store(data: Path, tmp_path: Path) -> None:
    photos = make_photos(tmp_path / "photos")
    prepare(photos)
    (spec,) = expand(parse_sweep(f"name: a\nbase: {json.dumps(base_of(str(photos)))}\n"), KnownWords()).values()
    ledger = Ledger(tmp_path / "store")
    ledger.open()
    ledger.save_contents(contents_of([spec]))
    digest = target_data(spec).digest

    os.environ["FROSTLINE_DATA"] = str(tmp_path / "of another machine")  # the fixture puts it back
    names._parsed.cache_clear()
    with pytest.raises(ValueError, match="is not known on this machine"):
        target_data(spec)
    learn_contents(spec, ledger)
    try:
        assert target_data(spec).digest == digest
        about = data / "prepared" / next(iter((data / "prepared").iterdir())).name / "about.json"
        about.write_text(_other(about))
        opened.cache_clear()
        with pytest.raises(ValueError, match="made of other images"):
            target_data(spec)
    finally:
        known._learnt.clear()


def _other(about: Path) -> str:
    content = json.loads(about.read_text())
    content["source"] = {"content": "0" * 40}
    return json.dumps(content)


def test_other_content_at_the_path_of_a_recorded_sweep_is_checked_and_the_earlier_results_stay(
    data: Path, tmp_path: Path
) -> None:
    photos = make_photos(tmp_path / "photos")
    ledger = Ledger(tmp_path / "store")
    ledger.open()
    sweep = parse_sweep(f"name: a\nbase: {json.dumps(base_of(str(photos)))}\n")
    first = make_plan(sweep, ledger)
    save_record(first, ledger)
    shutil.copy(photos / "dog" / "05.bmp", photos / "cat" / "copy.bmp")
    second = make_plan(sweep, ledger)
    save_record(second, ledger)
    save_record(make_plan(sweep, ledger), ledger)
    assert first.runs.keys() != second.runs.keys()
    assert reached(ledger.store) == {("run", id) for id in (*first.runs, *second.runs)}
    assert len(sweep_keys(ledger.store, "a")) == 2
    assert read_sweep(sweep, ledger.root).record == second.record()
    for name in ("cat", "dog", "red fox"):  # fewer are left to train on than the 12 asked for
        for file in sorted((photos / name).glob("0*"))[4:]:
            file.unlink()
    with pytest.raises(SpecError, match=r"^[^\n]*target\.size 12: [^\n]* allows 2 to \d+ [^\n]*$"):
        make_plan(sweep, ledger)


def test_numbers_that_name_other_classes_are_refused(data: Path, tmp_path: Path) -> None:
    name = name_of(make_photos(tmp_path / "photos", 2, tuple(str(number) for number in range(12))))
    parameters = name.partition("(")[2]
    assert parse(name).class_names[:4] == ("0", "1", "10", "11")
    for written in ("1,2", "0-2", "2-4", "11,1"):
        with pytest.raises(ValueError, match=r"^[^\n]*write an index twice[^\n]*$"):
            canonical_name(f"images[{written}]({parameters}")
    assert canonical_name(f"images[0-11]({parameters}") == name
    task = parse(f"images[4-4,0,3-3,2-2]({parameters}")
    assert task.class_names == ("0", "10", "11", "2")
    assert task.name == f"images[0,2-2,3-3,4-4]({parameters}" and canonical_name(task.name) == task.name


@pytest.mark.parametrize("names", [("01", "02", "03"), ("1", "2", "3")])
def test_numbers_from_one_are_refused_too(names: tuple[str, ...], data: Path, tmp_path: Path) -> None:
    parameters = name_of(make_photos(tmp_path / "photos", 4, names)).partition("(")[2]
    with pytest.raises(ValueError, match=f"0-0 is class '{names[0]}', 1-1 is class '{names[1]}'"):
        canonical_name(f"images[{names[0]},{names[1]}]({parameters}")
