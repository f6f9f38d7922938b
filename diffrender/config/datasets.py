"""Published image data sets: their files with checksums, and where these are found on this machine.

A file is looked for in the data folder (`--data-dir`, or the variable DIFFRENDER_DATA), then in the user's cache. The
checksums are those that the authors publish; with them the name of a data set stands for its bytes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diffrender.config.find import find_folder
from diffrender.config.sections import TargetConfig
from diffrender.core.errors import DiffrenderError
from diffrender.core.files import expanded

DATA_DIR = "DIFFRENDER_DATA"
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")


@dataclass(frozen=True)
class DataFile:
    """One published file: its name, its MD5 checksum, and how many bytes are downloaded for it."""

    name: str
    md5: str
    size: int = 0


@dataclass(frozen=True)
class DataSet:
    """Files of each split, the folders that they may lie in, the addresses they are published at.

    archive: the one file that all others come in; any of the others may then be missing.
    """

    title: str
    folders: tuple[str, ...]
    urls: tuple[str, ...]
    splits: Mapping[str, tuple[DataFile, ...]]
    archive: DataFile | None = None


def _pair(stem: str, *sums: tuple[str, int]) -> tuple[DataFile, DataFile]:
    """Images and labels of one split of MNIST or Fashion-MNIST."""
    (images, image_size), (labels, label_size) = sums
    return (
        DataFile(f"{stem}-images-idx3-ubyte.gz", images, image_size),
        DataFile(f"{stem}-labels-idx1-ubyte.gz", labels, label_size),
    )


DATA_SETS: Mapping[str, DataSet] = {
    "mnist": DataSet(
        "MNIST",
        ("mnist", "MNIST/raw", "MNIST"),
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        {
            "train": _pair(
                "train", ("f68b3c2dcbeaaa9fbdd348bbdeb94873", 9912422), ("d53e105ee54ea40749a09fcbcd1e9432", 28881)
            ),
            "test": _pair(
                "t10k", ("9fb629c4189551a2d022fa330f9573f3", 1648877), ("ec29112dd5afa0611ce80d1b7f02629c", 4542)
            ),
        },
    ),
    "fashion_mnist": DataSet(
        "Fashion-MNIST",
        ("fashion_mnist", "fashion-mnist", "FashionMNIST/raw", "FashionMNIST"),
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        {
            "train": _pair(
                "train", ("8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26421880), ("25c81989df183df01b3e8a0aad5dffbe", 29515)
            ),
            "test": _pair(
                "t10k", ("bef4ecab320f06d8554ea6380940ec79", 4422102), ("bb300cfdad3c16e7a12a480ee83cd310", 5148)
            ),
        },
    ),
    "cifar10": DataSet(
        "CIFAR-10",
        ("cifar-10-batches-py", "cifar10/cifar-10-batches-py", "cifar10"),
        ("https://www.cs.toronto.edu/~kriz/",),
        {
            "train": (
                DataFile("data_batch_1", "c99cafc152244af753f735de768cd75f"),
                DataFile("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
                DataFile("data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
                DataFile("data_batch_4", "634d18415352ddfa80567beed471001a"),
                DataFile("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
            ),
            "test": (DataFile("test_batch", "40351d587109b95175f43aff81a1287e"),),
        },
        DataFile("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a", 170498071),
    ),
}


def data_folder() -> Path | None:
    """The folder of data sets that the user named, or None; DiffrenderError if there is no such folder."""
    named = os.environ.get(DATA_DIR, "")
    if not named:
        return None
    folder = expanded(named)
    if not folder.is_dir():
        raise DiffrenderError(
            f"{folder}: no such folder of data sets.", f"It is named by --data-dir or the variable {DATA_DIR}."
        )
    return folder


def cache_folder() -> Path:
    """Where downloaded data sets are kept."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("diffrender", appauthor=False)) / "data"


def find(kind: str, split: str) -> dict[DataFile, Path]:
    """The files of a split that are on this machine, those of the first place that can serve it; {} if none can.

    Of a set that comes in one archive, the unpacked files that are there, else the archive; of any other, all files of
    the split.
    """
    data_set, named = DATA_SETS[kind], data_folder()
    for root in [named, cache_folder()] if named else [cache_folder()]:
        for folder in (*(root / sub for sub in data_set.folders), root):
            found = {file: folder / file.name for file in data_set.splits[split] if (folder / file.name).is_file()}
            if found and (data_set.archive or len(found) == len(data_set.splits[split])):
                return found
        for folder in (root, *(root / sub for sub in data_set.folders)):
            if data_set.archive and (folder / data_set.archive.name).is_file():
                return {data_set.archive: folder / data_set.archive.name}
    return {}


def content(kind: str, split: str) -> list[str]:
    """Checksums of the files that a split is read from, here or once they are downloaded: what its name stands for.

    An archive stands for the files in it, so the same images have the same key wherever they are read from.
    """
    files = DATA_SETS[kind].splits[split]
    found = find(kind, split)
    return [file.md5 for file in files if file in found] or [file.md5 for file in files]


def image_content(target: TargetConfig, folder: Path) -> dict[str, Any]:
    """What the images of a target are, beyond its keys: checksums of their files; {} for other targets."""
    if target.kind in DATA_SETS and "file" not in target.params:
        split = str(target.params.get("split", "train"))
        return {"content": content(target.kind, split)} if split in DATA_SETS[target.kind].splits else {}
    if target.kind == "image_folder" and isinstance(path := target.params.get("path"), str):
        return {"path": folder_digest(find_folder(path, folder))}
    return {}


def image_files(folder: Path) -> list[Path]:
    """Every image in a folder and its sub-folders, by name; hidden ones are left out."""
    inside = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in IMAGE_SUFFIXES)
    return [p for p in inside if not any(part.startswith(".") for part in p.relative_to(folder).parts) and p.is_file()]


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and bytes of all images in a folder, hexadecimal."""
    total = hashlib.sha256()
    for path in image_files(folder):
        with path.open("rb") as file:
            total.update(f"{path.relative_to(folder).as_posix()}\0".encode())
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()
