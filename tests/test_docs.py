"""Every block of code in README and docs: programs and configs are read as the product reads them, commands are parsed
by the command line itself, names of things are looked up; what is whole and quick is run by other tests."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import yaml

from diffrender.cli.app import app
from diffrender.config.find import configs, scenes
from diffrender.config.load import load_config
from diffrender.core.errors import DiffrenderError
from diffrender.lecture.file import known as known_lectures, load as load_lecture

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.S | re.M)
INDENTED = re.compile(r"(?:\A|\n\n)((?:    .*\n(?:\n(?=    ))?)+)")
OTHER_PROGRAMS = ("dask", "ssh", "make", "brew", "py", "pip", "git", "manim")
PROGRAM = typer.main.get_command(app)


def blocks(text):
    """(language, code) of every fenced block, and ("", code) of every indented one."""
    found = FENCED.findall(text)
    return found + [("", block) for block in INDENTED.findall(FENCED.sub("", text))]


def commands(text):
    """Every `diffrender …` that a page tells one to type: in blocks, and between backticks."""
    lines = [line.strip() for language, code in blocks(text) for line in code.splitlines() if language in ("", "sh")]
    lines += re.findall(r"`(diffrender [^`]+)`", FENCED.sub("", text))
    for line in lines:
        line = re.sub(r"^(\w+\$ +)", "", line)
        if line.startswith("diffrender ") and not re.search(r"SCENE|CONFIG|SECTION|NAME|FILE|RECORDING|…", line):
            yield line.split("  #")[0].split("   ")[0]


def parse(line):
    """Parse a command as the program would, and look up the scene, config or lecture that it names."""
    line = re.sub(r"--data-dir \S+", "--data-dir .", line)  # a folder that is there
    name, *arguments = shlex.split(re.split(r" > | && | # ", line)[0])[1:]
    if name.startswith("-"):
        return PROGRAM.make_context("diffrender", [name], resilient_parsing=True)
    command = PROGRAM.commands[name]
    if not arguments:
        return None  # the command is spoken of
    context = command.make_context(name, arguments)
    given = context.params
    if (scene := given.get("scene")) and not scene.split(":")[0].endswith(".py"):
        assert scene in {*scenes(), "walk"}, line
    config = given.get("config")
    if config and "." not in Path(config).name:
        assert config in {*configs(), "mine"}, line
    lecture = given.get("lecture")
    if lecture and not lecture.endswith(".yaml"):
        assert lecture in known_lectures(), line
    return context


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_command_is_one(page):
    for line in commands(page.read_text()):
        parse(line)


def test_pages_have_commands():
    assert sum(len(list(commands(page.read_text()))) for page in PAGES) > 60


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("diffrender render denoise --qualty l", "No such option"),
        ("diffrender traim spiral", "traim"),
        ("diffrender train --seed 3", "config"),
    ],
)
def test_a_command_that_is_wrong_is_seen(line, wrong):
    """The control."""
    with pytest.raises(Exception, match=wrong):
        parse(line)


def test_a_scene_that_is_not_there_is_seen():
    with pytest.raises(AssertionError):
        parse("diffrender render denoize")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_block_reads(page, tmp_path):
    for language, code in blocks(page.read_text()):
        if language == "python":
            ast.parse(code)
        elif language == "yaml":
            read_yaml(code, tmp_path)
        elif language == "" and not code.lstrip().startswith(
            ("{", "outputs/", "config  ──►", "cli, api", "diffrender render langevin\n      ")
        ):
            check_lines(code, tmp_path)
        else:
            assert language in ("", "json"), f"a block of {language!r}, which nothing reads"


def read_yaml(code, folder):
    file = folder / "block.yaml"
    file.write_text(code)
    (folder / "voice").mkdir(exist_ok=True)
    if "entries:" in code:
        for name in re.findall(r"(?:video|narration): (\S+)", code):
            (folder / name).touch()
        try:
            load_lecture(file)
        except DiffrenderError as error:
            if "is no " not in str(error) and "cannot be read" not in str(error):  # of the empty sound and video
                raise
    elif "target:" in code:
        load_config(file)
    else:
        assert yaml.safe_load(code)


def check_lines(code, folder):
    """An indented block: Python, YAML, or lines for a shell, each of a program that is known."""
    text = "\n".join(line[4:] for line in code.strip("\n").splitlines())
    program = [line for line in text.splitlines() if not line.startswith("diffrender ")]
    try:
        ast.parse("\n".join(program).replace("…", "..."))
        return
    except SyntaxError:
        if re.match(r"(import|from|with|def|class) ", text):
            raise
    for line in text.splitlines():
        line = re.sub(r"^\w+\$ +", "", line).split("  #")[0].strip()
        if not line or line.startswith(("#", "diffrender/")):
            continue
        if re.match(r"[a-z_]+: ", line):
            assert yaml.safe_load(line.replace("…", "x"))
        elif line.startswith("diffrender "):
            continue  # parsed above
        else:
            words = [word for word in line.split() if "=" not in word]
            assert words[0] in OTHER_PROGRAMS, line


def test_a_block_that_does_not_read_is_seen(tmp_path):
    """The control."""
    with pytest.raises(SyntaxError):
        check_lines("    from x import\n", tmp_path)
    with pytest.raises(AssertionError):
        check_lines("    difrender render denoise\n", tmp_path)
    with pytest.raises(DiffrenderError):
        read_yaml("target: spiral\nsampler: {stesp: 3, steps: none}\n", tmp_path)


def test_the_reference_of_configs_is_that_of_the_program():
    done = subprocess.run([sys.executable, ROOT / ".ci/reference.py", "--check"], cwd=ROOT)
    assert done.returncode == 0, "run: python .ci/reference.py"


def test_the_reference_describes_every_key():
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \| (.*) \|$", (ROOT / "docs/config.md").read_text(), re.M)
    assert len(rows) > 35
    assert [name for name, meaning in rows if not meaning.strip()] == []


def test_nobody_is_told_to_install_the_other_project_of_that_name():
    """`diffrender` on the Python package index is not this program, and this one is not there under any name."""
    wrong = re.compile(r"pip3? install (?:-\S+ )*['\"]?diffrender(?:-video)?(?![\w/.-])")
    texts = [*PAGES, *(ROOT / "diffrender").rglob("*.py"), ROOT / "Makefile", *(ROOT / ".ci").iterdir()]
    for file in texts:
        if file.is_file():
            assert not wrong.search(file.read_text(errors="ignore")), file
    assert wrong.search("pip install 'diffrender[cluster]'"), "the control"
    assert wrong.search("pip install --upgrade diffrender"), "the control"
    assert wrong.search("pip install 'diffrender-video[voice]'"), "the control"
    assert 'name = "diffrender"' not in (ROOT / "pyproject.toml").read_text()
