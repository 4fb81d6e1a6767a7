"""The lexicon's loader: a broken file is refused, by name, line and fault."""

from pathlib import Path

import pytest

from companion.triage.cues import CUES
from companion.triage.lexicon import LexiconError, find, load
from companion.triage.reader import load_shipped_protocol

_CUES = "\n".join(f"{name} = []" for name in CUES if name != "deny")
_SIGNS = "\n".join(
    f'[sign.{name}]\npatterns = ["{name.replace("_", " ")}"]'
    for name in load_shipped_protocol().signs
    if name not in ("vision_change", "open_sore")
)
_SORE = "sore = '''\n  sore\n  ulcer|@raw'''"
# As small as a lexicon can be that has everything.
SMALL = f"""language = "en"
common = ["the", "my"]

[sets]
eye = "eye eyes"
{_SORE}
raw = "raw"

[spelling]
endings = "in>ing"
ulcr = "ulcer"

[cues]
deny = ["no", "not", "no .. sign|trace"]
{_CUES}

[innocent]
patterns = [
  "dark rings",
  "eye & liner",
]

[sign.vision_change]
passes = true
patterns = [
  "@eye .. dark",
  "dark ~ @eye",
]

[sign.open_sore]
certain = ["open ^@sore"]
treated = ["lips"]

{_SIGNS}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_small_lexicon_is_read_and_finds_what_it_lists(tmp_path: Path) -> None:
    lexicon = load(written(tmp_path, SMALL))
    assert [one.sign for one in find("The eye is dark. An open ulcr.", [lexicon])] == ["open_sore", "vision_change"]


@pytest.mark.parametrize(
    ("find_", "put", "fault"),
    [
        ("[cues]", "¶[clues]", "clues is an unknown key; did you mean 'cues'"),
        ("deny = ", "¶denies = ", "cues.denies is an unknown key"),
        ('deny = ["no"', '¶deny = ["no|@noo"', "cues.deny names an unknown set, 'noo'"),
        ('deny = ["no"', '¶deny = "no" # ["no"', "cues.deny must be a list of texts"),
        ("and = []", "¶and = [3]", "cues.and must be a text"),
        ("[sets]", "¶[sets", "not written as TOML has it"),
        (
            _SORE,
            _SORE.replace("sore =", "¶sore =").replace("@raw", "@rawer"),
            "sets.sore names an unknown set, 'rawer'",
        ),
        (_SORE, _SORE.replace("sore =", "¶sore =").replace("@raw", "@sore"), "sets.sore names itself, by way of sore"),
        ('eye = "', "¶eye = 3 # ", "sets.eye must be words"),
        ("common = [", "¶common = 3 # [", "common must be a list of texts"),
        ('language = "en"', '¶language = ""', "language must be a text"),
        ('"in>ing"', '"in ing"¶', "spelling.endings must be pairs"),
        ('"in>ing"', "3¶", "spelling.endings must be words"),
        ("[sign.vision_change]", "¶[sign.vison_change]", "unknown sign, 'vison_change'; did you mean 'vision_change'"),
        ("passes = true", "¶pases = true", "sign.vision_change.pases is an unknown key; did you mean 'passes'"),
        ("passes = true", '¶passes = "yes"', "sign.vision_change.passes must be true or false"),
        ('treated = ["lips', '¶treated = ["lipz', "unknown area, 'lipz'; did you mean 'lips'"),
        ("treated = [", "¶treated = 3 # [", "sign.open_sore.treated must be a list of texts"),
        ("[sign.open_sore]\ncertain", "¶[sign.open_sore]\nunless", "sign.open_sore has no pattern"),
        ('"@eye .. dark",', '"@eye .. dark",\n¶  "@nothing .. dark",', "unknown set, 'nothing'"),
        ('"@eye .. dark",', '"@eye .. dark",\n¶  "",', "must be a text"),
        ('  "eye & liner",', '¶  "eye &  & liner",', "innocent.patterns has nothing to look for"),
        ('  "eye & liner",', '¶  "..",', "innocent.patterns has nothing to look for"),
        ('  "eye & liner",', '¶  "dark ^",', "innocent.patterns has nothing to look for"),
        ('  "eye & liner",', '¶  "dark ~ ",', "innocent.patterns has nothing to look for"),
        ('  "eye & liner",', '¶  "a & b & c & d & e & f",', "more than 5 parts"),
        ("passes = true", f"¶passes = {'[' * 5000}{']' * 5000}", "too many brackets within brackets"),
        ("passes = true", f"¶passes = {'9' * 5000}", "a number with too many digits"),
    ],
)
def test_a_broken_lexicon_is_named_with_its_line(tmp_path: Path, find_: str, put: str, fault: str) -> None:
    assert find_ in SMALL
    before, _, after = SMALL.replace(find_, put, 1).partition("¶")
    line = before.count("\n") + 1
    with pytest.raises(LexiconError, match=rf"^own\.toml, line {line}: .*({fault})"):
        load(written(tmp_path, before + after))


def test_a_missing_sign_or_cue_is_named(tmp_path: Path) -> None:
    with pytest.raises(LexiconError, match="sign lacks 'seizure'"):
        load(written(tmp_path, SMALL.replace('[sign.seizure]\npatterns = ["seizure"]\n', "")))
    with pytest.raises(LexiconError, match="cues lacks 'asks'"):
        load(written(tmp_path, SMALL.replace("\nasks = []", "")))


def test_a_lexicon_in_another_code_is_named(tmp_path: Path) -> None:
    path = tmp_path / "fr.toml"
    path.write_bytes("language = 'fr'\ncommon = ['été']\n".encode("latin-1"))
    with pytest.raises(LexiconError, match=r"^fr\.toml, line 2: this is no text in UTF-8"):
        load(path)
