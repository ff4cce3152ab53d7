"""The header of a Lua script is its contract: what it says is what the body does, and what the verbs pass."""

from __future__ import annotations

import re

import pytest

from house import lua, verbs
from house.source import PACKAGE, ROOT, Source, files

FOLDER = ROOT / PACKAGE / "store/lua"
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.lua"))
LIBS = sorted(path.stem for path in (FOLDER / "lib").glob("*.lua"))

GOOD = """\
-- door_open: open a door, unless it is locked.
--
-- A door that is open stays open.
--
-- KEYS[1]  hash  door:<name>  its state
-- KEYS[2]  set   doors        every door ever opened
--
-- ARGV[1]     name  the door's name
-- ARGV[2...]  who   people, to be let in
--
-- Returns  1   opened
--          -1  it is locked

local door, doors = KEYS[1], KEYS[2]
local name = ARGV[1]

if redis.call("HEXISTS", door, "locked") == 1 then
  return -1
end
redis.call("SADD", doors, name)
for i = 2, #ARGV do
  redis.call("HSET", door, ARGV[i], 1)
end
return 1
"""


def script(name: str) -> lua.Script:
    return lua.parse((FOLDER / f"{name}.lua").read_text())


# --- the scripts -------------------------------------------------------------------


def test_there_are_scripts_to_check():
    assert len(SCRIPTS) > 10


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_header_says_what_its_script_does(name):
    assert lua.lies(script(name), name) == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_uses_each_file_that_it_includes(name):
    body = script(name).body

    for included in script(name).includes:
        defined = re.findall(r"^local function (\w+)", (FOLDER / f"lib/{included}.lua").read_text(), re.MULTILINE)
        assert any(re.search(rf"\b{function}\(", body) for function in defined), included


@pytest.mark.parametrize("name", LIBS)
def test_an_included_file_says_what_it_does_and_holds_functions_only(name):
    text = (FOLDER / f"lib/{name}.lua").read_text()

    assert re.match(rf"-- {name}: .+\.\n", text)
    assert re.findall(r"^(?!local function |end$|--|$)\S.*$", text, re.MULTILINE) == []


def test_each_included_file_is_included():
    included = {name for one in SCRIPTS for name in script(one).includes}
    for _ in LIBS:
        included |= {name for one in included for name in lua.included((FOLDER / "lib" / f"{one}.lua").read_text())}
    assert included == set(LIBS)


# --- the verbs ---------------------------------------------------------------------


def test_each_script_is_called_by_a_verb_of_the_store():
    called = {call.script for call in verbs.calls(files("src/mainspring/store"))}

    assert set(SCRIPTS) - called == set()


def test_verbs_pass_the_keys_and_arguments_that_the_headers_name():
    scripts = {name: script(name) for name in SCRIPTS}

    assert [lie for call in verbs.calls(files("src")) for lie in verbs.lies(call, scripts)] == []


# --- the check itself --------------------------------------------------------------


def test_a_good_script_passes():
    assert lua.lies(lua.parse(GOOD), "door_open") == []


@pytest.mark.parametrize(
    ("before", "after", "lie"),
    [
        ("-- door_open:", "-- door_shut:", "the file 'door_open'"),
        ("unless it is locked.", "unless it is locked", "the header calls it ''"),
        ("-- KEYS[2]  set   doors        every door ever opened\n", "", "KEYS[2] is used, and the header"),
        ("-- KEYS[2]", "-- KEYS[3]", "without gaps"),
        ("-- KEYS[1]  hash", "-- KEYS[1]  dict", "no type of the server's"),
        ("doors        every door ever opened", "doors every door ever opened", "has no meaning"),
        ("-- KEYS[1]  hash  door:<name>  its state", "-- KEYS[1] door", "of the agreed form"),
        ("-- ARGV[1]     name  the door's name\n", "", "without gaps"),
        ("-- ARGV[2...]  who   people, to be let in", "-- ARGV[2]     who   people", "must say ARGV[n...]"),
        ("i = 2, #ARGV do\n  redis.call(\"HSET\", door, ARGV[i], 1)", "i = 2, 3 do\n  count(i)", "to its end"),
        ("local name = ARGV[1]", "local name = \"front\"", "ARGV[1] (name) stands 0 times"),
        ("redis.call(\"SADD\", doors, name)", "redis.call(\"SADD\", KEYS[2], name)", "KEYS[2] (doors) stands 2 times"),
        ("redis.call(\"SADD\", doors, name)\n", "", "is named 'doors' and never used"),
        ("local door, doors = KEYS[1], KEYS[2]", "local door, doors, other = KEYS[1], KEYS[2], KEYS[3]", "KEYS[3] is used"),
        ("-- KEYS[2]  set   doors ", "-- KEYS[2...]  set   doors ", "does not read KEYS to its end"),
        ("for i = 2, #ARGV do", "for i = 2, #ARGV + #KEYS do", "must say KEYS[n...]"),
        ("-- KEYS[1]  hash  door:<name> ", "-- KEYS[1...]  hash  door:<name> ", "only the last KEYS"),
        ("-- Returns  1   opened\n--          -1  it is locked\n", "", "Returns is missing"),
        ("--          -1  it is locked\n", "", "returns -1, and the header does not say"),
        ("--          -1  it is locked", "--          -1  it is locked\n--          -2  it is gone", "returns -2, and it never"),
        ("return 1\n", "return 2\n", "returns 2, and the header"),
        ("redis.call(\"HEXISTS\", door,", "redis.call(\"HEXISTS\", \"door:\" .. name,", "a key that is not one of KEYS"),
        ("redis.call(\"SADD\", doors, name)", "redis.call(\"SADD\", name, doors)", "a key that is not one of KEYS"),
        ("redis.call(\"SADD\", doors, name)", "redis.call(\"DEL\", doors, \"x\", name)", "a key that is not one of KEYS"),
        ("redis.call(\"SADD\", doors, name)", "redis.call(name, doors)", "name the command, in capitals"),
        ("redis.call(\"SADD\", doors, name)", "redis.call(\"KEYS\", doors, name)", "looks at every key"),
        ("redis.call(\"SADD\", doors, name)", "redis.pcall(\"SADD\", doors, name)", "must not be swallowed"),
        ("redis.call(\"SADD\", doors, name)", "redis.call(\"SADD\", doors, os.time() .. name)", "time is an argument"),
        ("redis.call(\"SADD\", doors, name)", "redis.call(\"SADD\", doors, cjson.encode(name))", "cjson.encode"),
        ("redis.call(\"SADD\", doors, name)", "count = redis.call(\"SADD\", doors, name)", "count is a global"),
        ("for i = 2, #ARGV do", "while true do", "unbounded loop"),
    ],
)  # fmt: skip
def test_a_lie_is_caught(before, after, lie):
    assert before in GOOD

    found = lua.lies(lua.parse(GOOD.replace(before, after, 1)), "door_open")

    assert any(lie in text for text in found), found


@pytest.mark.parametrize(
    ("code", "lie"),
    [
        ('Command("door_shut", (A, B), (1, 2), int)', "no script is named 'door_shut'"),
        ('Command("door_open", (A,), (1, 2), int)', "takes 2 keys and is given 1"),
        ('Command("door_open", (A, B), (), int)', "does not take 0 arguments"),
        ('Command("door_open", keys=(A, B, C), args=(1, *many))', "takes 2 keys and is given 3"),
        ('Command(name, (A, B), (1, 2), int)', "no script is named ''"),
        ('Command("door_open", (A, B), (1, *many), int)', None),
        ('Command("door_open", (A, B), (1, 2, 3), int)', None),
        ('Command("LLEN", (A,), (), int, plain=True)', None),
    ],
)  # fmt: skip
def test_a_verb_that_does_not_fit_its_script_is_caught(code, lie):
    source = Source("src/mainspring/store/doors.py", f"from mainspring.store.command import Command\n{code}")

    found = [text for call in verbs.calls([source]) for text in verbs.lies(call, {"door_open": lua.parse(GOOD)})]

    assert found == [] if lie is None else any(lie in text for text in found)
