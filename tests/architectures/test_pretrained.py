"""Pre-trained weights: timm's own logits to the bit, the file known by its content, errors in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor

from architectures import Network, build, canonical_model, freeze, inherit
from architectures.pretrained import pretrained_tensors
from architectures.weight_files import content_of, known_path
from sweeps.spec import ModelSpec
from tests.architectures.small_networks import named, network

SIZE, CLASSES = 32, 7
MODELS = ["resnet18", "densenet121", "test_vit", "test_convnext", "test_efficientnet", "mobilenetv3_small_050"]


def timms(name: str, classes: int = CLASSES, **kwargs: Any) -> Any:
    """A model as timm makes it, its norms having seen data, in evaluation mode."""
    sized = {"img_size": SIZE} if timm.get_pretrained_cfg(name).fixed_input_size else {}  # pyright: ignore
    torch.manual_seed(3)
    net = timm.create_model(name, num_classes=classes, **{**sized, **kwargs})
    if kwargs.get("in_chans", 3) == 3:
        net.train()(images())
    return net.eval()


def images(channels: int = 3) -> Tensor:
    return torch.randn(4, channels, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


def saved(net: Any, path: Path) -> str:
    save_file({key: tensor.contiguous() for key, tensor in net.state_dict().items()}, path)
    return str(path)


def loaded(model: ModelSpec, classes: int = CLASSES) -> Network:
    """A network of ours with the weights of `model.weights`, as a worker makes it."""
    model = canonical_model(model)
    assert model.weights is not None
    made = build(model, classes, 0)
    inherit(made, pretrained_tensors(model, content_of(model.weights, known_path(model.weights))))
    return made.eval()


@pytest.mark.parametrize("name", MODELS)
def test_a_safetensors_file_gives_timms_own_logits_to_the_bit(tmp_path: Path, name: str) -> None:
    """The head is always a new one: timm's model is given ours, and nothing else is changed in it."""
    net = timms(name)
    model = named(name, SIZE).model_copy(update={"weights": saved(net, tmp_path / "w.safetensors")})
    ours = loaded(model)
    theirs = net(images())
    assert not torch.equal(ours(images()), theirs)
    with torch.no_grad():
        net.get_classifier().weight.copy_(ours.head.weight)
        net.get_classifier().bias.copy_(ours.head.bias)
    assert torch.equal(ours(images()), net(images()))
    freeze(ours, 2, "eval")
    cut = ours.prefix(images(), 2)
    assert torch.equal(ours.suffix(cut, 2), net(images()))


def test_a_file_without_a_head_is_enough(tmp_path: Path) -> None:
    net = timms("test_resnet", classes=0)
    ours = loaded(named("test_resnet", SIZE).model_copy(update={"weights": saved(net, tmp_path / "w.safetensors")}))
    features = ours.prefix(images(), len(ours.units) - 1)
    assert torch.equal(features[0].flatten(1), net(images()))


def test_timm_adapts_the_number_of_channels(tmp_path: Path) -> None:
    net = timms("test_resnet")
    path = saved(net, tmp_path / "w.safetensors")
    grey = loaded(named("test_resnet", SIZE, 1).model_copy(update={"weights": path}))
    grey_image = images(1)
    with torch.no_grad():
        net.get_classifier().weight.copy_(grey.head.weight)
        net.get_classifier().bias.copy_(grey.head.bias)
    assert torch.allclose(grey(grey_image), net(grey_image.expand(-1, 3, -1, -1)), atol=1e-4)


def test_our_own_families_read_their_own_state_dicts(tmp_path: Path) -> None:
    model = network("resnet", 8)
    net = build(model, 3, seed=9)
    ours = loaded(model.model_copy(update={"weights": saved(net, tmp_path / "w.safetensors")}))
    for key, tensor in ours.state_dict().items():
        assert ours.units[-1].holds(key) or torch.equal(tensor, net.state_dict()[key])


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    net = timms("test_resnet")
    first, second = (saved(net, tmp_path / name) for name in ("a.safetensors", "b.safetensors"))
    by_path = [canonical_model(named("test_resnet").model_copy(update={"weights": path})) for path in (first, second)]
    assert by_path[0] == by_path[1] and (by_path[0].weights or "").startswith("sha256:")
    assert canonical_model(by_path[0]) is by_path[0]
    with torch.no_grad():
        next(net.parameters()).view(-1)[0] += 1e-3
    changed = canonical_model(named("test_resnet").model_copy(update={"weights": saved(net, Path(second))}))
    assert changed.weights != by_path[0].weights
    assert canonical_model(named("test_resnet.r160_in1k")).name == "test_resnet"


def test_a_home_folder_of_nobody_is_told_in_one_line() -> None:
    weights = "~nosuchuser/w.safetensors"
    with pytest.raises(ValueError, match=r"^model\.weights = '~nosuchuser/w\.safetensors': there is no such user$"):
        canonical_model(named("test_resnet").model_copy(update={"weights": weights}))


def test_the_content_is_checked_when_it_is_read(tmp_path: Path) -> None:
    path = Path(saved(timms("test_resnet"), tmp_path / "w.safetensors"))
    model = canonical_model(named("test_resnet").model_copy(update={"weights": str(path)}))
    assert model.weights is not None
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ValueError, match="has another content now; plan the sweep again"):
        content_of(model.weights, path)
    path.unlink()
    with pytest.raises(ValueError, match="No such file or directory; plan the sweep again"):
        content_of(model.weights, path)
    with pytest.raises(ValueError, match="no file of this content is known"):
        content_of(model.weights, None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file or directory"),
        (b"", "is not a safetensors file"),
        (b"\x80\x04pickle me", "is not a safetensors file"),
        ((1 << 62).to_bytes(8, "little"), "is not a safetensors file"),
    ],
)
def test_what_is_no_file_of_weights_is_refused(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "w.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=said):
        canonical_model(named("test_resnet").model_copy(update={"weights": str(path)}))
    with pytest.raises(ValueError, match=r"allowed: a \.safetensors file, 'pretrained' or a digest"):
        canonical_model(named("test_resnet").model_copy(update={"weights": "weights.bin"}))


@pytest.mark.parametrize("other", ["test_resnet", "resnet"])
def test_weights_of_another_network_are_refused_in_one_line(tmp_path: Path, other: str) -> None:
    path = saved(timms("test_vit"), tmp_path / "w.safetensors")
    model = named(other, SIZE) if other != "resnet" else network("resnet", 8)
    with pytest.raises(ValueError, match=r"from these weights|source weights: tensor") as refused:
        loaded(model.model_copy(update={"weights": path}))
    assert "\n" not in str(refused.value)


def test_timms_own_weights_come_from_the_cache_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    model = named("test_resnet.r160_in1k", SIZE).model_copy(update={"weights": "pretrained"})
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(ValueError, match=r"fetch it with `hf download timm/test_resnet\.r160_in1k model\.safetensors`"):
        canonical_model(model)
    # The layout in which huggingface_hub keeps what it has fetched.
    snapshot = tmp_path / "hub" / "models--timm--test_resnet.r160_in1k" / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    refs = snapshot.parents[1] / "refs"
    refs.mkdir()
    (refs / "main").write_text("0" * 40)
    path = saved(timms("test_resnet", classes=1000), snapshot / "model.safetensors")
    by_file = canonical_model(named("test_resnet", SIZE).model_copy(update={"weights": path}))
    assert canonical_model(model) == by_file
    with pytest.raises(ValueError, match="allowed with the family timm alone"):
        canonical_model(network("resnet", 8).model_copy(update={"weights": "pretrained"}))
    with pytest.raises(ValueError, match="has no weights of timm"):
        canonical_model(named("test_resnet.nothing").model_copy(update={"weights": "pretrained"}))
