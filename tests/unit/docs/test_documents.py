"""What the documents say of the tree is true: links, paths, nodes, commands, make targets."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pipeline.cli import cli
from pipeline.config import Config, resolve_config
from pipeline.home.memory import NEEDED_BYTES
from pipeline.nodes import NODES
from serving.repository.errors import UserError

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = [
    *(
        ROOT / name
        for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "serving/deploy/README.md", "serving/client/README.md")
    ),
    *sorted((ROOT / "docs").glob("*.md")),
]
ROOMS = ("pipeline", "components", "serving", "tests", "tools", "docs", ".github", ".ci")
_CODE_BLOCK = re.compile(r"^(?: {2,})?```(\w*)[^\n]*\n(.*?)^(?: {2,})?```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")

documents = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())


def prose(document: Path) -> str:
    """The text without code blocks."""
    return _CODE_BLOCK.sub("", document.read_text("utf-8"))


def blocks(document: Path, *languages: str) -> list[str]:
    """The code blocks in some languages."""
    return [body for language, body in _CODE_BLOCK.findall(document.read_text("utf-8")) if language in languages]


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub makes of headings."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def command_lines(document: Path) -> Iterator[str]:
    """All that starts with `forger` in shell blocks and in inline code; continued lines as one."""
    for block in blocks(document, "sh", ""):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|;|\$ ", line.split(" #")[0]):
                if part.strip().startswith("forger "):
                    yield part.strip()
    for code in _INLINE.findall(prose(document).replace("\\|", "|")):
        if code.startswith("forger "):
            yield code


def settings_of(document: Path) -> list[str]:
    """All that is called like a setting, or follows `--set`: in inline code and in shell blocks."""
    sections = "|".join(Config.model_fields)
    code = [*_INLINE.findall(prose(document)), *(line for block in blocks(document, "sh", "") for line in block.splitlines())]
    called = [one for one in code if re.fullmatch(rf"(?:{sections})\.[a-z_]+(?:=\S+)?", one)]
    files = ("json", "md", "py")
    return [
        *(one for one in called if one.partition(".")[2] not in files),
        *(word for one in code for word in re.findall(r"--set[ =]([a-z_]+\.[a-z_]+=[^\s,;)]+)", re.sub("[\"']", "", one))),
    ]


def unknown_in(line: str) -> str:
    """What of a `forger` command line the command line does not know; "" if it knows all."""
    words = shlex.split(line.replace("[", " ").replace("]", " ").replace("...", " "))[1:]
    command: click.Command = cli
    while words:
        word = words.pop(0)
        if word.startswith("--"):
            options = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help"}
            if word.split("=")[0] not in options:
                return word
        elif isinstance(command, click.Group):
            for name in word.split("|"):
                if name not in command.commands:
                    return name
            command = command.commands[word.split("|")[0]]
    return ""


def is_pattern(path: str) -> bool:
    return any(mark in path for mark in "*<>{}$")


@documents
def test_relative_links_lead_somewhere(document):
    broken = []
    for target in (one or other for one, other in _LINK.findall(prose(document))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (document.parent / path).resolve() if path else document
        if not place.exists() or (anchor and anchor not in anchors(place)):
            broken.append(target)
    assert not broken


@documents
def test_paths_of_the_tree_exist(document):
    missing = []
    made = set(re.findall(r"^ *`([^`\n]+)`:\n\n *```python", document.read_text("utf-8"), re.MULTILINE))  # by a recipe
    for code in set(_INLINE.findall(prose(document))) - made:
        for word in code.split():
            path = word.strip("()[],:\"'").split("::")[0]
            if not re.match(rf"(?:{'|'.join(map(re.escape, ROOMS))})/", path):
                continue
            found = any(ROOT.glob(path)) if "*" in path else (ROOT / path).exists()
            if not found and not is_pattern(path.replace("*", "")):
                missing.append(path)
    assert not missing


@documents
def test_nodes_are_called_what_they_are(document):
    text = document.read_text("utf-8")
    written = re.findall(r"\b[A-Za-z]*(?:Gen|Validator|Trainer|Pusher|Evaluator|Baseline|Gate)\b", text)
    allowed = {*NODES, "ImportExampleGen"}  # TFX's component for what `forger generate` writes
    if document.name == "kubeflow.md":
        allowed.add("InfraValidator")  # TFX's own, in the comparison with its compiler
    assert not [word for word in written if re.search(r"[a-z][A-Z]", word) and word not in allowed]


@documents
def test_commands_and_options_exist(document):
    unknown = {line: word for line in command_lines(document) if (word := unknown_in(line))}
    assert not unknown


@documents
def test_settings_exist_and_take_their_values(document):
    own = set(re.findall(r"^ *\+ +(\w+): [^\n]* = Field\(", document.read_text("utf-8"), re.MULTILINE))  # of a recipe
    wrong = {}
    for text in settings_of(document):
        section, name, value = re.fullmatch(r"(\w+)\.(\w+)(?:=(.*))?", text).groups()
        known = Config.model_fields[section].annotation.model_fields
        if name not in known and name not in own:
            wrong[text] = "no such setting"
        elif name in known and value and not re.search(r"[A-Z$~]|^folder/", value):  # VALUE, or what is not here
            try:
                resolve_config("quick", [text])
            except UserError as error:
                wrong[text] = str(error)
    assert not wrong


@documents
def test_make_targets_exist(document):
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile, re.MULTILINE))
    code = "\n".join([*blocks(document, "sh", ""), *_INLINE.findall(prose(document))])
    named = re.findall(r"(?:^|&& )make (?:[A-Z]+=\S+ )*([a-z][\w-]*)", code, re.MULTILINE)
    assert set(named) <= targets


def test_the_index_lists_every_document():
    listed = {(ROOT / "docs" / one).resolve() for one, _ in _LINK.findall((ROOT / "docs/README.md").read_text("utf-8"))}
    assert {path for path in DOCUMENTS if path.parent not in (ROOT / "docs", ROOT) or path.name != "README.md"} <= listed


@documents
def test_benchmarks_exist(document):
    named = re.findall(r"make bench ARGS=\"?([a-z_]+)", document.read_text("utf-8"))
    places = [ROOT / "tests/benchmarks" / name for name in named]
    assert not [place.name for place in places if not place.is_dir() and not place.with_suffix(".py").is_file()]


def test_the_readme_says_which_commands_take_json():
    without = set()
    for name, command in cli.commands.items():
        leaves = command.commands.values() if isinstance(command, click.Group) else [command]
        if not all(any("--json" in parameter.opts for parameter in leaf.params) for leaf in leaves):
            without.add(name)
    said = re.search(
        r"^All commands but `(\w+)` and `(\w+)` take `--json`", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE
    )
    assert said and set(said.groups()) == without


def test_symptoms_in_the_readme_are_messages_of_the_code():
    table = (ROOT / "README.md").read_text("utf-8").partition("## Troubleshooting")[2].partition("\n## ")[0]
    rooms = ("components", "pipeline", "serving", "tests/support", "tools")
    code = "\n".join(path.read_text("utf-8") for room in rooms for path in (ROOT / room).rglob("*.py"))
    quoted = [
        code for row in re.findall(r"^\| (`.+`) \|", table, re.MULTILINE) for code in _INLINE.findall(row.partition(" | ")[0])
    ]
    assert len(quoted) > 5
    for symptom in quoted:
        text = re.sub(r"^(setup: |mnist )", "", symptom)
        assert all(part.strip() in code for part in text.split("...")), symptom


def test_the_readme_says_how_much_memory_a_run_asks_for():
    said = re.findall(r"(\d+) GiB of memory|a run needs (\d+) GiB", (ROOT / "README.md").read_text("utf-8"))
    assert [int(one or other) << 30 for one, other in said] == [NEEDED_BYTES, NEEDED_BYTES]


def test_a_wrong_line_is_found():
    assert unknown_in("forger run --no-such-option") == "--no-such-option"
    assert unknown_in("forger kubeflow compil") == "compil"
    assert unknown_in("forger kubeflow compile|submit") == ""
    assert unknown_in("forger sample [--server HOST:PORT | --model DIR] --out FILE") == ""
