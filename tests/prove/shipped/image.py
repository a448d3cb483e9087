"""Builds deploy/Containerfile without a container's engine: a folder from debootstrap is the base,
each command runs in it by chroot, with mounts that end with the command. Wants root."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.repo.test_house import ROOT

ALLOWED: Final = {
    "ARG",
    "FROM",
    "RUN",
    "WORKDIR",
    "COPY",
    "ENV",
    "USER",
    "VOLUME",
    "EXPOSE",
    "STOPSIGNAL",
    "HEALTHCHECK",
    "ENTRYPOINT",
    "CMD",
}


@dataclass
class Image:
    """What a stage has come to. `said`: the arguments of instructions that only declare."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)
    cwd: str = "/"
    user: str = "0:0"
    said: dict[str, str] = field(default_factory=dict)

    def command(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        mounts: Sequence[str] = (),
    ) -> list[str]:
        """As its user, on a read-only root: `mounts` are arguments of `mount`, made before. Secrets
        and volumes."""
        run = [f"mount --rbind {shlex.quote(str(self.root))} {shlex.quote(str(self.root))}"]
        run += [f"mount {one}" for one in mounts]
        run += [f"mount -o remount,ro,bind {shlex.quote(str(self.root))}"]
        uid, _, gid = self.user.partition(":")
        limits = (
            f"setpriv --reuid {uid} --regid {gid} --clear-groups --no-new-privs "
            "--bounding-set=-all --inh-caps=-all"
        )
        values = " ".join(shlex.quote(f"{k}={v}") for k, v in (self.env | dict(env or {})).items())
        run += [
            f"exec chroot {shlex.quote(str(self.root))} env -i -C {self.cwd} {values} {limits} "
            f"{shlex.join(command)}"
        ]
        return mounted(self.root, "\n".join(run))


def mounted(root: Path, script: str) -> list[str]:
    """A command that runs the script with the root's /proc and /dev."""
    quoted = shlex.quote(str(root))
    begin = f"set -e\nmount -t proc proc {quoted}/proc\nmount --rbind /dev {quoted}/dev\n"
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", begin + script]


def instructions(text: str) -> list[tuple[str, str]]:
    joined = re.sub(
        r"\\\n", " ", "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    )
    return [
        (line.split(None, 1)[0], line.split(None, 1)[1])
        for line in joined.splitlines()
        if line.strip()
    ]


def build(file: Path, base: Path, folder: Path) -> Image:
    """The last stage. `base`: what stands for the image of FROM."""
    stages: dict[str, Image] = {}
    image = Image(base)
    for word, rest in instructions(file.read_text()):
        assert word in ALLOWED, word
        if word == "FROM":
            name = rest.partition(" AS ")[2] or "last"
            subprocess.run(["cp", "-a", "--reflink=auto", base, folder / name], check=True)
            image = stages[name] = Image(folder / name)
        elif word == "RUN":
            _run(image, rest)
        elif word == "COPY":
            _copy(image, rest, stages)
        elif word == "ENV":
            image.env |= dict(one.split("=", 1) for one in shlex.split(rest))
        elif word == "USER":
            image.user = rest
        elif word == "WORKDIR":
            image.cwd = rest
            (image.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        else:
            image.said[word] = rest
    return image


def _run(image: Image, command: str) -> None:
    here = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("PIP_") or "proxy" in name.lower()
    }
    env = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "DEBIAN_FRONTEND": "noninteractive",
    }
    values = " ".join(shlex.quote(f"{k}={v}") for k, v in (env | here | image.env).items())
    chroot = (
        f"chroot {shlex.quote(str(image.root))} env -i -C {image.cwd} {values} /bin/sh -c "
        f"{shlex.quote(command)}"
    )
    script = "\n".join([*_as_this_machine(image.root), f"exec {chroot}"])
    ran = subprocess.run(mounted(image.root, script), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{command}\n{ran.stdout[-3000:]}{ran.stderr[-3000:]}"


def _as_this_machine(root: Path) -> list[str]:
    """Mounts of what this machine needs to reach its package registries, gone after the command."""
    asked = subprocess.run(
        ["pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    places = {
        "/etc/resolv.conf",
        "/etc/ssl/certs",
        "/etc/pip.conf",
        "/etc/xdg/pip",
        "/etc/apt/apt.conf.d",
    }
    places |= set(re.findall(r"(?<![\w.:/])(?:file://)?(/[\w./-]+)", asked))
    mounts = []
    for place in sorted(path for path in places if Path(path).exists()):
        inside = root / place.lstrip("/")
        if Path(place).is_dir():
            inside.mkdir(parents=True, exist_ok=True)
        elif not inside.exists():
            inside.parent.mkdir(parents=True, exist_ok=True)
            inside.touch()
        mounts.append(
            f"mount --bind {shlex.quote(os.path.realpath(place))} {shlex.quote(str(inside))}"
        )
    return mounts


def _copy(image: Image, rest: str, stages: Mapping[str, Image]) -> None:
    words = rest.split()
    source = stages[words.pop(0).partition("=")[2]].root if words[0].startswith("--from=") else None
    *names, target = words
    to = image.root / (target if target.startswith("/") else f"{image.cwd}/{target}").lstrip("/")
    for name in names:
        if source is not None:
            to.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", source / name.lstrip("/"), to], check=True)
        elif name == ".":
            for path in _context():
                (to / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / path, to / path)
        else:
            to.mkdir(parents=True, exist_ok=True) if target.endswith("/") else to.parent.mkdir(
                parents=True, exist_ok=True
            )
            shutil.copy(ROOT / name, to)


def _context() -> list[str]:
    """What the engine would be given: the repository's files but for what
    Containerfile.dockerignore leaves out."""
    left_out = (ROOT / "deploy/Containerfile.dockerignore").read_text().split()
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    tops = tuple(f"{one}/" for one in left_out if "*" not in one)
    return [
        name for name in listed if not name.startswith((".", *tops)) and (ROOT / name).is_file()
    ]
