"""Fetch the browser files we ship, at exact versions, and write their checksums for the pages.

python tools/vendor.py           fetch with npm, check npm's sha512, write webapp/static/vendor
python tools/vendor.py --check   compare the files with vendor.json; no network
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

DESTINATION = Path(__file__).parent.parent / "webapp" / "static" / "vendor"
WANTED = {
    "htmx.org@2.0.11": {"package/dist/htmx.min.js": "htmx.min.js"},
    "htmx-ext-sse@2.2.4": {"package/dist/sse.min.js": "htmx-ext-sse.min.js"},
    "@tabler/core@1.6.1": {"package/dist/css/tabler.min.css": "tabler.min.css"},
}
FOR_TESTS = {"axe-core@4.14.0": {"package/axe.min.js": "axe.min.js"}}
TEST_DESTINATION = Path(__file__).parent.parent / "tests" / "e2e" / "vendor"


def integrity(content: bytes, kind: str) -> str:
    """A subresource-integrity value, `sha384-...`."""
    return f"{kind}-{base64.b64encode(hashlib.new(kind, content).digest()).decode()}"


def npm(*arguments: str, cwd: str | None = None) -> object:
    """npm's JSON answer."""
    done = subprocess.run(["npm", *arguments, "--json", "--loglevel=error"], cwd=cwd, capture_output=True, check=True)
    return json.loads(done.stdout)


def fetch(wanted: dict[str, dict[str, str]], destination: Path) -> None:
    """Fetch every package of `wanted` and keep the named files, with a manifest of checksums."""
    destination.mkdir(parents=True, exist_ok=True)
    manifest = {}
    for package, files in wanted.items():
        with tempfile.TemporaryDirectory() as folder:
            npm("pack", package, cwd=folder)
            archive = next(Path(folder).glob("*.tgz"))
            promised = npm("view", package, "dist.integrity")
            promised = promised[0] if isinstance(promised, list) else promised
            if promised != integrity(archive.read_bytes(), "sha512"):
                sys.exit(f"{package}: the archive is not the one the registry promises")
            with tarfile.open(archive) as tar:
                for source, name in files.items():
                    member = tar.extractfile(source)
                    assert member is not None
                    content = member.read()
                    (destination / name).write_bytes(content)
                    manifest[name] = {"package": package, "integrity": integrity(content, "sha384")}
                for entry in tar.getmembers():
                    if entry.name.lower().startswith("package/license") and (text := tar.extractfile(entry)):
                        plain = package.replace("@", "").replace("/", "-")
                        (destination / f"{plain}.LICENSE").write_bytes(text.read())
    (destination / "vendor.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")


def changed() -> list[str]:
    """Names of shipped files that differ from the manifest."""
    manifest = json.loads((DESTINATION / "vendor.json").read_text())
    return [
        name
        for name, entry in manifest.items()
        if integrity((DESTINATION / name).read_bytes(), "sha384") != entry["integrity"]
    ]


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(f"changed: {', '.join(bad)}" if (bad := changed()) else 0)
    fetch(WANTED, DESTINATION)
    fetch(FOR_TESTS, TEST_DESTINATION)
