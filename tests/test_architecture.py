"""Who may import whom, and who may touch the request: the house's rules, checked in the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STANDARD_ONLY = ROOT / "sipbridge" / "events.py"


def sources(package: str) -> list[Path]:
    return sorted(path for path in (ROOT / package).rglob("*.py") if "versions" not in path.parts)


def imports(path: Path) -> Iterator[str]:
    """Dotted names a file imports, `a.b` for `from a import b` too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(path.relative_to(ROOT).parts[: -node.level]) if node.level else ""
            module = ".".join(part for part in (package, node.module) if part)
            yield from (f"{module}.{alias.name}" for alias in node.names)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def is_view(path: Path) -> bool:
    """`views.py`, or a module of the folder `views` where a package has many pages."""
    return path.name == "views.py" or path.parent.name == "views"


@pytest.mark.parametrize("path", sources("webapp"), ids=name)
def test_the_desk_knows_the_contract_and_nothing_else_of_the_bridge(path: Path) -> None:
    foreign = [n for n in imports(path) if n.split(".")[0] == "sipbridge" and not n.startswith("sipbridge.events")]
    assert not foreign


@pytest.mark.parametrize("path", sources("sipbridge"), ids=name)
def test_the_bridge_knows_nothing_of_the_desk(path: Path) -> None:
    foreign = {"webapp", "flask", "sqlalchemy"} & {n.split(".")[0] for n in imports(path)}
    assert not foreign
    if "pyvoip" not in path.relative_to(ROOT / "sipbridge").parts:
        assert "pyVoIP" not in {n.split(".")[0] for n in imports(path)}


@pytest.mark.parametrize("path", [STANDARD_ONLY, *sources("service")], ids=name)
def test_what_both_sides_import_needs_only_the_standard_library(path: Path) -> None:
    import sys

    assert {n.split(".")[0] for n in imports(path)} <= sys.stdlib_module_names


@pytest.mark.parametrize("path", sources("webapp"), ids=name)
def test_only_views_touch_the_request(path: Path) -> None:
    if is_view(path) or path.name == "hx.py":
        return
    touched = {n for n in imports(path) if n in ("flask.request", "flask.session", "htmx_flask.request")}
    assert not touched


@pytest.mark.parametrize("path", [p for p in sources("webapp") if not is_view(p)], ids=name)
def test_verbs_never_import_views(path: Path) -> None:
    assert not [n for n in imports(path) if ".views" in n]


@pytest.mark.parametrize("path", sources("webapp"), ids=name)
def test_the_clock_is_read_at_entry_points_only(path: Path) -> None:
    if path.name in ("clock.py", "run.py", "cli.py", "worker.py"):
        return
    calls = {
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    }
    assert not calls & {"datetime.now", "datetime.utcnow", "time.time", "date.today", "datetime.today", "clock.now"}


def test_every_view_says_who_may_use_it(tmp_path: Path) -> None:
    from webapp import config, create_app

    app = create_app(config.load({"SECONDRING_DATA": str(tmp_path)}))
    unmarked = [e for e, view in app.view_functions.items() if e != "static" and not hasattr(view, "access")]
    assert not unmarked
