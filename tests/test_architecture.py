"""The layers: who may import whom, what stays pure, and that everything that waits has a bound.

Imports are read from the source, also those inside functions, and nothing is run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from engines.table import ENGINES
from stream.sinks import SINKS
from stream.sources import SCHEMES

ROOT: Final = Path(__file__).resolve().parents[1]
PACKAGES: Final = ("stream", "engines", "export", "training", "benchmarks")
SPECS: Final = ("engines.base", "engines.spec", "engines.errors")

ARROWS: Final[Mapping[str, tuple[str, ...]]] = {
    "engines": ("engines",),
    "stream.types": (),
    "stream.errors": (),
    "stream.clock": (),
    "stream.slot": (),
    "stream.fanout": (),
    "stream.backoff": (),
    "stream.rates": (),
    "stream.latency": (),
    "stream.memory": (),
    "stream.access": (),
    "stream.refusals": ("stream.errors",),
    "stream.problems": ("stream.refusals",),
    "stream.pump": (),
    "stream.guard": ("stream.access", "stream.problems"),
    "stream.body": (),
    "stream.faces": ("stream.faces", "stream.types", *SPECS),
    "stream.scoring": ("stream.scoring", "stream.types", "engines.spec"),
    "stream.mounted": ("stream.errors",),
    "stream.config": (
        "stream.errors", "stream.faces.options", "stream.mounted", "stream.scoring.options",
        "stream.rtc.options",
        "stream.files.options",
    ),
    "stream.analyzer": ("stream.faces", "stream.scoring", "stream.types", *SPECS),
    "stream.answer": (),
    "stream.backlog": ("stream.answer", "stream.types"),
    "stream.load": (),
    "stream.canary": (
        "stream.backlog", "stream.lane", "stream.scheduler", "engines.canary", *SPECS,
    ),
    "stream.succession": (
        "stream.answer", "stream.lane", "stream.scheduler", "engines.canary", *SPECS,
    ),
    "stream.upkeep": (
        "stream.canary", "stream.lane", "stream.load", "stream.metrics", "stream.scheduler",
        "stream.succession", "engines.spec",
    ),
    "stream.lane": ("stream.answer", "stream.backlog", "stream.faces", "stream.types", *SPECS),
    "stream.scheduler": ("stream.backlog", "stream.lane", "stream.types", *SPECS),
    "stream.messages": ("stream.clock", "stream.scoring", "stream.types"),
    "stream.metrics": ("stream.latency",),
    "stream.journal": (
        "stream.clock", "stream.latency", "stream.messages", "stream.metrics", "stream.rates",
        "stream.types",
    ),
    "stream.conversion": ("stream.types",),
    "stream.preview": ("stream.fanout", "stream.types"),
    "stream.pull": ("stream.sources", "stream.types"),
    "stream.sources": (
        "stream.sources", "stream.types", "stream.errors", "stream.clock", "stream.load",
    ),
    "stream.sinks": ("stream.sinks", "stream.messages", "stream.errors"),
    "stream.session": (
        "stream.analyzer", "stream.clock", "stream.conversion", "stream.errors",
        "stream.fanout", "stream.journal", "stream.latency", "stream.messages", "stream.metrics",
        "stream.policy", "stream.preview", "stream.pull", "stream.rates", "stream.scheduler",
        "stream.sinks", "stream.slot", "stream.sources", "stream.types", *SPECS,
    ),
    "stream.policy": ("stream.backlog", "stream.backoff", "stream.errors"),
    "stream.networks": (
        "stream.config", "stream.faces", "engines.precision", "engines.table", "engines.trial",
        *SPECS,
    ),  # the four models, opened for `run_stream` and shared by the service's streams
    "stream.service": ("stream", "engines.errors", "engines.spec"),
    "stream.rtc.options": (),
    "stream.rtc.assembly": (),
    "stream.rtc": (
        "stream.rtc", "stream.access", "stream.clock", "stream.errors", "stream.fanout",
        "stream.messages", "stream.refusals", "stream.service", "stream.session", "stream.sources",
        "stream.types",
    ),  # peers: they hand frames to a session's source and its messages to data channels
    "stream.files.options": (),
    "stream.files.errors": ("stream.refusals",),
    "stream.files.wire": (),
    "stream.files.result": ("stream.types",),
    "stream.files.course": (
        "stream.files.result", "stream.faces", "stream.messages", "stream.scoring", "stream.types",
        "engines.spec",
    ),
    "stream.files.routes": (
        "stream.files", "stream.access", "stream.guard", "stream.problems", "stream.pump",
        "stream.refusals",
    ),
    "stream.files": (
        "stream.files", "stream.analyzer", "stream.clock", "stream.errors", "stream.messages",
        "stream.refusals", "stream.session", "stream.sources", "stream.types", "engines.spec",
    ),  # files that were sent: each is a source of a session, which the service makes
    "stream.files.words": ("stream.files.result", "stream.types"),
    "stream.files.chart": ("stream.files.result", "stream.types"),
    "stream.files.report": (
        "stream.files.chart", "stream.files.result", "stream.files.words", "stream.scoring.options",
        "engines.spec",
    ),
    "stream.files.command": (
        "stream.files", "stream.config", "stream.errors", "stream.networks", "stream.service",
        "engines.errors",
    ),  # `analyze`: a program of its own, beside the server
    "stream.signalling": (
        "stream.rtc", "stream.access", "stream.body", "stream.guard", "stream.problems",
    ),
    "stream.roster": (
        "stream.errors", "stream.refusals", "stream.service", "stream.session", "stream.sources",
    ),
    "stream.listing": ("stream.messages",),
    "stream.client": (
        "stream.access", "stream.errors", "stream.files.jobs", "stream.files.result",
        "stream.listing", "stream.messages",
    ),  # another process: it shares the messages' types with the server, and nothing else
    "stream.directory": (
        "stream.access", "stream.body", "stream.guard", "stream.listing", "stream.problems",
        "stream.refusals", "stream.roster", "stream.scoring.options", "stream.service",
        "stream.session", "engines.spec",
    ),
    "stream.listener": ("stream.access", "stream.config", "stream.errors"),
    "stream.server": ("stream", "engines.table", *SPECS),
    "run_stream": ("stream", "engines"),
    "training": ("training", "engines", "stream.faces", "stream.scoring", "stream.analyzer",
                 "stream.sources", "stream.types", "stream.errors", "stream.clock",
                 "stream.config"),
    "export": ("export", "training", "engines", "stream.config", "stream.faces"),
    "benchmarks": ("benchmarks", "stream", "engines"),
}  # fmt: skip
"""Module or package -> the first-party modules and packages that it may import."""

ABOVE_SERVICE: Final = (
    "stream.server", "stream.signalling", "stream.roster", "stream.directory", "stream.guard",
    "stream.rtc.exchange", "stream.listener", "stream.files.routes", "stream.files.command",
    "run_stream",
)  # fmt: skip
"""What neither the service nor anything under it may know."""

PURE: Final = (
    "stream.types", "stream.faces", "stream.scoring", "stream.analyzer", "stream.messages",
    "stream.backlog", "stream.load",
    "stream.backoff", "stream.rates", "stream.latency", "stream.access", "stream.config",
    "stream.files.options", "stream.files.result", "stream.files.course", "engines",
)  # fmt: skip
IMPURE_MODULES: Final = frozenset(
    {"asyncio", "threading", "time", "socket", "fastapi", "uvicorn", "starlette", "multiprocessing"}
)
HEAVY: Final = frozenset({"torch", "torchvision", "timm", "facenet_pytorch", "onnx", "skimage"})
RUNTIMES: Final = frozenset({"onnxruntime", "openvino", "tensorrt", "tensorrt_rtx", *HEAVY})
CUT_BY_TIME: Final = {
    "stream/rates.py": "marks older than RATE_WINDOW_S are forgotten at each new one",
    "stream/scoring/window.py": "samples older than the window are forgotten at each look",
}
"""Files whose only deque is bounded by time instead of a length."""


# -- reading the source -------------------------------------------------------------------------


@cache
def sources() -> Mapping[str, Path]:
    """Module name -> file, of all that ships."""
    files = [ROOT / "run_stream.py"]
    for package in PACKAGES:
        files += sorted((ROOT / package).rglob("*.py"))
    return {module_name(file): file for file in files}


def module_name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(sources()[module].read_text(encoding="utf-8"))


def named_by(node: ast.AST, module: str) -> Iterator[str]:
    """The modules that an import statement names; of ``from a import b``, a.b where it is one."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert not node.level, f"{module} imports relatively"
        assert node.module
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            yield full if full in sources() else node.module


@cache
def imports(module: str) -> frozenset[str]:
    return frozenset(name for node in ast.walk(tree(module)) for name in named_by(node, module))


def first_party(module: str) -> set[str]:
    names = {*PACKAGES, "run_stream", "tests", "scripts"}
    return {name for name in imports(module) if name.partition(".")[0] in names}


def under(module: str, places: tuple[str, ...]) -> bool:
    return any(module == place or module.startswith(place + ".") for place in places)


def rule_for(module: str) -> tuple[str, ...]:
    owners = [place for place in ARROWS if under(module, (place,))]
    assert owners, f"{module} has no place in the layers yet: give it a line in ARROWS"
    return ARROWS[max(owners, key=len)]


def functions(module: str) -> Iterator[ast.AST]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    return (node for node in ast.walk(tree(module)) if isinstance(node, kinds))


def shipped(*packages: str) -> list[str]:
    return [module for module in sources() if under(module, packages) and module not in PACKAGES]


RUNTIME: Final = shipped("stream", "engines", "run_stream")
ALL: Final = shipped(*PACKAGES, "run_stream")


# -- the arrows ---------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ALL)
def test_a_module_imports_only_what_its_layer_may(module: str) -> None:
    wrong = {name for name in first_party(module) if not under(name, rule_for(module))}
    assert not wrong, f"{module} may import only {rule_for(module)}"


def test_nothing_imports_the_program_the_tests_or_the_benchmarks() -> None:
    for module in ALL:
        own = ("benchmarks",) if under(module, ("benchmarks",)) else ()
        upwards = {"run_stream", "tests", "benchmarks"}.difference(own)
        assert not [name for name in first_party(module) if under(name, tuple(upwards))], module


def test_the_service_and_all_below_it_know_nothing_of_the_server() -> None:
    for module in shipped("stream"):
        if not under(module, ABOVE_SERVICE):
            assert not [name for name in first_party(module) if under(name, ABOVE_SERVICE)], module


def test_there_is_no_import_cycle() -> None:
    graph = {module: first_party(module) & sources().keys() for module in sources()}
    order: list[str] = []
    while free := [module for module, needs in graph.items() if not needs - {module}]:
        order += free
        graph = {
            module: needs.difference(free) for module, needs in graph.items() if module not in free
        }
    assert not graph, f"these import each other: {sorted(graph)}"
    assert len(order) == len(sources())


def test_the_data_types_import_numpy_only() -> None:
    standard = {"__future__", "collections.abc", "dataclasses", "enum", "typing"}
    assert imports("stream.types") - standard <= {"numpy", "numpy.typing"}


# -- purity -------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [module for module in RUNTIME if under(module, PURE)])
def test_pure_parts_know_no_tasks_threads_clocks_or_http(module: str) -> None:
    assert not {name.partition(".")[0] for name in imports(module)} & IMPURE_MODULES


@pytest.mark.parametrize("module", RUNTIME)
def test_the_runtime_needs_no_torch(module: str) -> None:
    used = {name.partition(".")[0] for name in imports(module)}
    if not re.fullmatch(r"engines\.torch\w*", module):
        assert not used & HEAVY


@pytest.mark.parametrize("module", shipped("engines"))
def test_a_runtime_is_imported_only_when_it_is_loaded_and_one_a_file(module: str) -> None:
    inside = {
        name.partition(".")[0]
        for function in functions(module)
        for node in ast.walk(function)
        for name in named_by(node, module)
    }
    at_all = {name.partition(".")[0] for name in imports(module)} & RUNTIMES
    everywhere = [node for node in tree(module).body for name in named_by(node, module)
                  if name.partition(".")[0] in RUNTIMES]  # fmt: skip
    assert at_all <= inside
    assert not everywhere
    assert len(at_all) <= (2 if module == "engines.torch_tensorrt" else 1)


@pytest.mark.parametrize("module", RUNTIME)
def test_no_first_party_import_hides_in_a_function(module: str) -> None:
    hidden = [
        name
        for function in functions(module)
        for node in ast.walk(function)
        for name in named_by(node, module)
        if name.partition(".")[0] in (*PACKAGES, "run_stream")
    ]
    assert not hidden


@pytest.mark.parametrize("module", [module for module in ALL if module != "stream.config"])
def test_only_the_configuration_reads_the_environment(module: str) -> None:
    reads = [
        node.lineno
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    ]
    assert not reads


# -- tables -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "name"),
    [(table, name) for table in (ENGINES, SCHEMES, SINKS) for name in table],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_tables_entry_names_a_class_that_is_there(table: Mapping[str, str], name: str) -> None:
    module, _, cls = table[name].partition(":")
    assert module in sources(), f"{name} names {module}, which is not there"
    classes = [node.name for node in tree(module).body if isinstance(node, ast.ClassDef)]
    assert cls in classes


# -- bounds -------------------------------------------------------------------------------------


def calls(module: str, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in names:
                yield node


def is_bounded(call: ast.Call, argument: str, position: int) -> bool:
    given = [keyword.value for keyword in call.keywords if keyword.arg == argument]
    given += call.args[position : position + 1]
    return bool(given) and not (
        isinstance(given[0], ast.Constant) and (given[0].value is None or given[0].value == 0)
    )


@pytest.mark.parametrize("module", RUNTIME)
def test_every_queue_has_a_size(module: str) -> None:
    assert not [call.lineno for call in calls(module, "SimpleQueue")], "it cannot be bounded"
    for call in calls(module, "Queue", "LifoQueue", "PriorityQueue", "JoinableQueue"):
        assert is_bounded(call, "maxsize", 0), f"line {call.lineno}"


@pytest.mark.parametrize("module", RUNTIME)
def test_every_deque_has_a_length_or_is_cut_by_time(module: str) -> None:
    unbounded = [call for call in calls(module, "deque") if not is_bounded(call, "maxlen", 1)]
    file = sources()[module].relative_to(ROOT).as_posix()
    assert len(unbounded) <= (1 if file in CUT_BY_TIME else 0)


def test_the_files_excused_from_a_length_are_there() -> None:
    assert all((ROOT / file).is_file() for file in CUT_BY_TIME)


@pytest.mark.parametrize("module", RUNTIME)
def test_every_task_has_an_owner(module: str) -> None:
    dropped = [
        node.lineno
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Attribute)
        and node.value.func.attr in {"create_task", "ensure_future"}
        and getattr(node.value.func.value, "id", "") != "group"  # a TaskGroup owns its tasks
    ]
    assert not dropped
