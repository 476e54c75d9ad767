#!/usr/bin/env python3
"""Writes target/release/THIRD-PARTY.txt: the licence texts of every library and font that the binary holds.

MIT, BSD, OFL and others ask that their notice goes wherever the program goes; each package ships this file. It reads what cargo
has fetched for the machine that it runs on, and nothing else. Same texts are written once.
"""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGINNINGS = ("licen", "copying", "copyright", "notice", "unlicense")
# A file of that name with one of these endings is code or a list, not a licence.
NOT_TEXTS = (".rs", ".toml", ".json", ".html")


def cargo(*args):
    command = [os.environ.get("CARGO", "cargo"), *args]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def in_the_binary(host):
    """`(name, version)` of what is linked: ordinary dependencies with the features in use. Build tools and macros are left out."""
    tree = cargo("tree", "--locked", "--edges", "normal,no-proc-macro", "--target", host, "--prefix", "none", "--format", "{p}")
    found = {tuple(line.split()[:2]) for line in tree.splitlines() if line.strip()}
    return {(name, version.removeprefix("v")) for name, version in found}


def texts_of(folder):
    """The licence files of one package, in the order of their names."""
    names = sorted(path for path in folder.rglob("*") if path.is_file() and path.name.lower().startswith(BEGINNINGS))
    return [path for path in names if path.suffix not in NOT_TEXTS]


def main():
    host = next(line.split()[1] for line in cargo("-vV").splitlines() if line.startswith("host: "))
    metadata = json.loads(cargo("metadata", "--locked", "--format-version", "1", "--filter-platform", host))
    wanted = in_the_binary(host)
    own = metadata["resolve"]["root"]
    by_text, listed, without = {}, [], []
    for package in sorted(metadata["packages"], key=lambda it: (it["name"], it["version"])):
        if package["id"] == own or (package["name"], package["version"]) not in wanted:
            continue
        name = f"{package['name']} {package['version']}"
        listed.append(f"{name}: {package['license'] or 'see its text'}")
        paths = texts_of(pathlib.Path(package["manifest_path"]).parent)
        if not paths:
            without.append(f"{name}: {package['license']}, by {', '.join(package['authors']) or 'its authors'}")
        for path in paths:
            text = path.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n").strip()
            by_text.setdefault(text, []).append(name)
    for path in sorted((ROOT / "assets").rglob("LICENSE-*.txt")):
        text = path.read_text(encoding="utf-8").strip()
        by_text.setdefault(text, []).append(f"assets/{path.parent.name}: {path.stem.removeprefix('LICENSE-')}")
    if not listed or not by_text:
        sys.exit("no dependency was found: nothing is written")

    rule = "\n\n" + "=" * 100 + "\n\n"
    parts = ["Flowyard holds these libraries:\n\n" + "\n".join(listed)]
    if without:
        parts.append("These ship no text of their own; the licence that they name is among the texts below:\n\n" + "\n".join(without))
    for text, names in sorted(by_text.items(), key=lambda it: it[1][0]):
        parts.append(", ".join(dict.fromkeys(names)) + "\n\n" + text)
    target = pathlib.Path(metadata["target_directory"]) / "release"
    target.mkdir(parents=True, exist_ok=True)
    out = target / "THIRD-PARTY.txt"
    out.write_text(rule.join(parts) + "\n", encoding="utf-8")
    print(f"{out}: {len(listed)} libraries, {len(by_text)} texts, {len(without)} without a text of their own")


if __name__ == "__main__":
    main()
