"""Bad input: each case says where, what, and what to do; and one run reports everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from project_files import CODES, ORG, acme, loaded, problems, write
from wrapctl.config import project, vendor
from wrapctl.errors import ConfigError, UsageError

REAL = "kind: Org\nplatform: genesys\norganization_id: 3c0f\ncredentials: {client_id: {env: A}, client_secret: {env: B}}\n"
RULES = (
    'kind: Project\ncategories: {sales: {}}\nrules: {name_pattern: "^[^<>]{1,10}$", require: [category]}\n'
)


def codes(*lines: str) -> str:
    return "kind: WrapUpCodes\ncodes:\n" + "".join(f"  {line}\n" for line in lines)


def queues(*lines: str, sets: str = "") -> str:
    return f"kind: Queues\n{sets}queues:\n" + "".join(f"  {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("platfrom: x\n", "4:1: error: unknown key `platfrom` (did you mean `platform`?)"),
        ("manage: {mode: observed}\n", "4:16: error: `mode`: `observed` is not allowed (did you mean `observe`?)"),
        ("manage:\n", "4:1: error: `manage`: nothing is written here (write [] to clear, or remove the key)"),
        ("limits: {creates: {max: many}}\n", "4:25: error: `max`: `many` is not a whole number"),
        ("limits: {creates: {percent: 120}}\n", "4:29: error: `percent`: 120 percent is more than all (write 0 to 100)"),
        (
            "limits: {creates: {}}\n",
            "4:19: error: `creates`: a limit needs max or percent (write {max: 10}, or remove the key for the default)",
        ),
        (
            'windows: [{days: [mon], from: "20:00", to: "20:00"}]\n',
            "4:11: error: `windows`: a window that ends when it starts (leave `windows` out for no restriction)",
        ),
        (
            'windows: [{days: [mon-fru], from: "20:00", to: "06:00"}]\n',
            "4:19: error: `days`: `mon-fru` names no weekday (did you mean `fri`?)",
        ),
        (
            'windows: [{days: [mon], from: "24:00", to: "06:00"}]\n',
            '4:31: error: `from`: `24:00` is not a time (write "08:00" to "23:59")',
        ),
        ("timezone: Europe/Berln\n", "4:11: error: unknown time zone `Europe/Berln` (use an IANA name such as Europe/Berlin)"),
        ("timezone: ../../etc/passwd\n", "4:11: error: unknown time zone `../../etc/passwd` (use an IANA name such as Europe/Berlin)"),
        (
            "manage: {unmanaged: prune}\n",
            '4:21: error: `unmanaged: prune` without divisions (say what may be deleted: `divisions: [Sales]`, or ["*"] for all)',
        ),
        ("include: ../catalog/x.yaml\n", "4:10: error: `include` must be a list (write [../catalog/sales.yaml])"),
        ("genesys: {x: y}\n", "4:1: error: Genesys Cloud has no options here (remove the key)"),
        ("cxone: {x: y}\n", "4:1: error: options of cxone in an org of another platform (remove it here, or move it to the orgs that can hold it)"),
        ("region: eu-west-1\n", "3:11: error: both `region` and `endpoint` (keep the one that is meant)"),
        ("credentials: {client_id: {env: A}}\n", "4:1: error: credentials lack client_secret (write client_secret: {env: ACME_CLIENT_SECRET})"),
        ("apply: {lock: git}\n", "4:15: error: `lock`: `git` is not allowed (did you mean `git-ref`?)"),
        ("apply: {mode: review}\n", "4:15: error: `mode`: `review` is not allowed (did you mean `reviewed`?)"),
        ("journal: {store: git-brunch}\n", "4:18: error: `store`: `git-brunch` is not allowed (did you mean `git-branch`?)"),
        *(
            (f"journal: {{branch: {name}}}\n", f"4:19: error: `branch`: `{name}` is not a name for a branch (such as wrapctl-journal)")
            for name in ("-x", "a..b", "a b", "x.lock", "a//b", "/a", "a/", "a.", "refs~1", ".a")
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_in_org_yaml(tmp_path: Path, extra: str, message: str) -> None:
    assert f"org.yaml:{message}" in problems(acme(tmp_path, org=ORG + extra))


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("", "1:1: error: neither `region` nor `endpoint`: wrapctl does not know where this org is (write a region such as eu-central-1, or `endpoint: sandbox`)"),
        ("region: eu-centrall-1\n", "5:9: error: Genesys Cloud has no region `eu-centrall-1` (did you mean `eu-central-1`?)"),
        ("endpoint: sandbx\n", "5:11: error: the endpoint is neither `sandbox` nor a URL (write https://host, or `sandbox`)"),
        ("endpoint: http://example.com\n", "5:11: error: plain http to another machine (use https; http is for 127.0.0.1 and localhost only)"),
        ("endpoint: http://127.0.0.1.example.com\n", "5:11: error: plain http to another machine (use https; http is for 127.0.0.1 and localhost only)"),
        ("endpoint: https://me:hunter2@example.com\n", "5:11: error: credentials inside the endpoint's URL (write them as references under `credentials`)"),
        ('endpoint: "https://x:99999"\n', "5:11: error: the endpoint is neither `sandbox` nor a URL (write https://host, or `sandbox`)"),
        ("endpoint: ftp://example.com\n", "5:11: error: the endpoint is neither `sandbox` nor a URL (write https://host, or `sandbox`)"),
    ],
)  # fmt: skip
def test_where_an_org_cannot_be(tmp_path: Path, extra: str, message: str) -> None:
    assert problems(acme(tmp_path, org=REAL + extra)) == [f"org.yaml:{message}"]


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:8080", "http://[::1]:1", "http://localhost:1", "https://x.example"]
)
def test_where_an_org_can_be(tmp_path: Path, endpoint: str) -> None:
    assert problems(acme(tmp_path, org=f'{REAL}endpoint: "{endpoint}"\n')) == []


def test_a_real_endpoint_needs_the_organization_and_not_a_sandbox_one(tmp_path: Path) -> None:
    org = REAL.replace("organization_id: 3c0f\n", "region: eu-west-1\n")
    assert problems(acme(tmp_path, org=org)) == [
        (
            "org.yaml:1:1: error: `organization_id` is missing "
            "(a real endpoint needs it, so that credentials of another org are refused at once)"
        )
    ]
    org = REAL.replace("3c0f", "5a5a5a5a-1") + "region: eu-west-1\n"
    assert problems(acme(tmp_path, org=org)) == [
        "org.yaml:3:18: error: this is the id of a sandbox org (use the id of the real organization)"
    ]


def test_a_platform_that_this_release_does_not_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendor, "vendor", lambda _: None)
    monkeypatch.setattr(vendor, "known", lambda: ("genesys",))
    found = problems(acme(tmp_path, org="kind: Org\nplatform: cxone\nendpoint: sandbox\n"))
    assert found == [
        "org.yaml:2:11: error: the platform cxone is not supported (this release knows: genesys)"
    ]


def test_a_literal_secret_is_refused_and_never_repeated(tmp_path: Path) -> None:
    org = ORG + "credentials: {client_id: {env: A, file: b}, client_secret: hunter2-hunter2}\n"
    found = problems(acme(tmp_path, org=org))
    assert [line.split(" (")[0] for line in found] == [
        "org.yaml:4:26: error: `client_id`: a secret needs exactly one of env, file and command",
        "org.yaml:4:60: error: `client_secret`: a literal secret in a file",
    ]
    assert "hunter2" not in "".join(found)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("sale: {name: Sale}", "3:3: error: the key `sale` is not upper case (write `SALE`; a code's key is made of A-Z, 0-9, _ and -)"),
        ("A B: {name: Sale}", "3:3: error: the key `A B` is not allowed (a code's key is made of A-Z, 0-9, _ and -)"),
        (f"{'A' * 129}: {{name: Sale}}", "3:3: error: a key of 129 characters (keys have at most 128)"),
        ("A: {}", "3:3: error: A: `name` is missing"),
        ("A: text", "3:6: error: `A` must be a map"),
        ("A:", "3:3: error: `A`: nothing is written here (write values below it)"),
        ('A: {name: ""}', "3:13: error: `name`: a name cannot be empty"),
        ('A: {name: "a\\nb"}', "3:13: error: `name`: a control character (U+000A) in a name (names are one line of visible text)"),
        (f"A: {{name: {'x' * 257}}}", "3:13: error: `name`: a name of 257 characters (names have at most 256)"),
        ("A: {name: a, tgas: [x]}", "3:16: error: unknown key `tgas` (did you mean `tags`?)"),
        ("A: {name: a, tags: ~}", "3:16: error: `tags`: nothing is written here (write [] to clear, or remove the key)"),
        ("A: {name: a, tags: [x, ~]}", "3:26: error: an empty item in a list (remove it)"),
        ("A: {name: a, tags: x}", "3:22: error: `tags` must be a list, not text"),
        ("A: {name: [a]}", "3:13: error: `name` must be text, not a list"),
        ("A: {name: a, outbound: [right_party_contact]}", "3:27: error: `outbound`: `right_party_contact` is not allowed (did you mean `right-party-contact`?)"),
        ("A: {name: a, valid_from: tomorrow}", "3:28: error: `valid_from`: `tomorrow` is not a date (write it as 2026-12-31)"),
        ("A: {name: a, valid_from: 2026-02-30}", "3:28: error: `valid_from`: `2026-02-30` is not a day of the calendar"),
        ("A: {name: a, valid_from: 2026-02-02, valid_through: 2026-02-01}", "3:55: error: A: `valid_through` is before `valid_from` (swap the two days)"),
        ("A: {name: a, unassign_everywhere: yes}", "3:37: error: `unassign_everywhere`: `yes` is neither true nor false"),
        ("A: {name: a, unassign_everywhere: true}", "3:37: error: A: `unassign_everywhere` without a delete (it belongs to `state: absent`)"),
        ("A: {name: a, state: omitted}", "3:23: error: A: nothing that is included declares this code (`omitted` declines a code of the catalog; `absent` deletes one)"),
        ("A: {name: ININ-OUTBOUND-X}", "3:13: error: A: `ININ-OUTBOUND-X` is reserved by the platform"),
        ("A: {name: inin-x}", "3:13: error: A: `inin-x` is reserved by the platform"),
        ("A: {name: ZZ_x}", "3:13: error: A: `ZZ_x` is ignored by `manage.ignore` (ZZ_*) (rename the code, or narrow the pattern)"),
        ("A: {name: Fraud 1, state: absent}", "3:29: error: A: `state: absent` on a name that `manage.protect` keeps (Fraud*) (take it out of `protect` first, in a change of its own)"),
        ("A: {name: a, id: i-1, state: absent}", "3:32: error: A: `state: absent` on a name that `manage.protect` keeps (i-1) (take it out of `protect` first, in a change of its own)"),
        ("A: {name: a, previously: [a]}", "3:29: error: A: `previously` holds the name of today (remove it from the list)"),
        ("A: {name: a, crm: {sf: x}}", "3:22: error: acme has no mapping for the CRM system `sf` (add crm/<system>.yaml with `kind: CrmMapping`)"),
        ("A: {name: a, genesys: {x: y}}", "3:16: error: Genesys Cloud has no options here (remove the key)"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_codes_yaml(tmp_path: Path, line: str, message: str) -> None:
    org = ORG + 'manage: {ignore: ["ZZ_*"], protect: ["Fraud*", i-1]}\n'
    assert f"codes.yaml:{message}" in problems(acme(tmp_path, org=org, codes=codes(line)))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["A: {name: x}", "B: {name: x}"], "4:13: error: B: a second code named `x` (A in wrapups/acme/codes.yaml:3:13 has it too)"),
        (["A: {name: x, id: 1}", "B: {name: y, id: 1}"], "4:20: error: B: A is pinned to the same id"),
        (["A: {name: x}", "B: {name: y, previously: [x]}"], "4:29: error: B: `previously` holds `x`, the name of A (to swap names, pin `id` on both codes; else remove it)"),
        (["A: {name: x, id: 1, previously: [y]}", "B: {name: y, previously: [z]}"], "3:36: error: A: `previously` holds `y`, the name of B (to swap names, pin `id` on both codes; else remove it)"),
    ],
)  # fmt: skip
def test_who_may_not_claim_whose_name(tmp_path: Path, lines: list[str], message: str) -> None:
    assert problems(acme(tmp_path, codes=codes(*lines))) == [f"codes.yaml:{message}"]


def test_a_swap_with_pins_and_a_pinned_tombstone_are_fine(tmp_path: Path) -> None:
    lines = ["A: {name: x, id: 1, previously: [y]}", "B: {name: y, id: 2, previously: [x]}"]
    lines += ["OLD: {name: z, id: 3, state: absent}", "NEW: {name: z}", "C: {name: Z}"]
    assert problems(acme(tmp_path, codes=codes(*lines))) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("q: {codes: ~}", "3:7: error: `codes`: nothing is written here (write [] to clear, or remove the key)"),
        ("q: {codes: [SALES]}", "3:15: error: q lists `SALES`, which no file declares (did you mean `SALE`?)"),
        ("q: {codes: [GONE]}", "3:15: error: q lists GONE, which is `state: absent` (take it out of the list)"),
        ('q: {codes: ["set:mni"]}', "3:15: error: there is no set `mni` (did you mean `mini`?)"),
        ("q: {codes: [mini]}", "3:15: error: q lists `mini`, which is a set (write set:mini)"),
        ('q: {codes: ["set:empty"]}', "3:14: error: q: the list resolves to nothing (to clear the queue write a literal [])"),
        ("q: {assign: exactly}", "3:15: error: `assign`: `exactly` is not allowed (did you mean `exact`?)"),
        ("q: {media: [telepathy]}", "3:15: error: `media`: `telepathy` is not allowed (one of: voice, callback, chat, email, message, voicemail, work-item, sms, social, digital)"),
        ("q: {after_call_work: {}}", "3:7: error: q: `after_call_work` says nothing (write prompt or timeout, or remove the key)"),
        ("q: {after_call_work: {prompt: mandatory_timeout}}", "3:33: error: `prompt`: `mandatory_timeout` is not allowed (did you mean `mandatory-timeout`?)"),
        ("q: {after_call_work: {timeout: 45}}", "3:34: error: `timeout`: `45` is not a duration (write 45s, 5m or 1h)"),
        ("q: {after_call_work: {timeout: 2h}}", "3:34: error: q: the timeout is out of bounds (Genesys Cloud takes 1 s to 60 min)"),
        ("q: {after_call_work: {timeout: 500ms}}", "3:34: error: q: the timeout is out of bounds (Genesys Cloud takes 1 s to 60 min)"),
        ("q: {after_call_work: {prompt: optional, timeout: 5s}}", "3:52: error: q: a timeout with the prompt optional (remove it, or use agent-requested, mandatory-forced-timeout, mandatory-timeout)"),
        ("q: {previously: [q]}", "3:20: error: q: `previously` holds the name of today (remove it from the list)"),
        ("q: {cods: []}", "3:7: error: unknown key `cods` (did you mean `codes`?)"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_queues_yaml(tmp_path: Path, line: str, message: str) -> None:
    more = (
        codes("SALE: {name: Sale}", "GONE: {name: Gone, state: absent}") + "sets: {mini: [SALE], empty: []}\n"
    )
    assert problems(acme(tmp_path, codes=more, queues=queues(line))) == [f"queues.yaml:{message}"]


def test_a_literal_empty_list_and_an_overnight_window_are_meant(tmp_path: Path) -> None:
    org = ORG + 'windows: [{days: [fri], from: "20:00", to: "06:00"}]\n'
    root = acme(tmp_path, org=org, queues=queues("q: {codes: []}"))
    assert problems(root) == []
    desired = loaded(root).orgs["acme"].desired
    assert desired.queues[0].codes == ()
    assert (desired.policy.windows[0].start, desired.policy.windows[0].end) == (20 * 60, 6 * 60)


def test_too_many_codes_on_one_queue(tmp_path: Path) -> None:
    root = acme(
        tmp_path,
        org=ORG + "limits: {codes_per_queue: 1}\n",
        codes=CODES,
        queues=queues("q: {codes: [SALE, LOST]}"),
    )
    assert problems(root) == [
        "queues.yaml:3:14: error: q: 2 codes on one queue (`limits.codes_per_queue` is 1)"
    ]


def test_two_queues_may_not_share_a_name_or_an_id(tmp_path: Path) -> None:
    root = acme(tmp_path, queues=queues("q: {id: 1}", "r: {name: q, id: 1}"))
    assert problems(root) == [
        "queues.yaml:4:13: error: a second queue named `q` (q has it too)",
        "queues.yaml:4:20: error: the queue q is pinned to the same id",
    ]


def test_sets_may_not_name_what_is_not_there_nor_themselves(tmp_path: Path) -> None:
    sets = 'sets: {a: [SALE, NOPE], b: ["set:c"], c: ["set:b"], d: text, e: }\n'
    found = problems(acme(tmp_path, codes=CODES, queues=queues("q: {codes: [SALE]}", sets=sets)))
    assert found == [
        "queues.yaml:2:18: error: the set `a` lists `NOPE`, which no file declares",
        "queues.yaml:2:43: error: a set that contains itself: b → c → b (take one of them out)",
        "queues.yaml:2:56: error: the set `d` must be a list of codes",
        "queues.yaml:2:62: error: the set `e`: nothing is written here (write [] to clear, or remove the key)",
    ]


def test_a_code_that_is_wrong_is_reported_once_and_not_again_by_each_list(tmp_path: Path) -> None:
    root = acme(tmp_path, codes=codes("SALE: {name: Sale, state: gone}"), queues=queues("q: {codes: [SALE]}"))
    assert problems(root) == [
        "codes.yaml:3:29: error: `state`: `gone` is not allowed (one of: present, absent, omitted)"
    ]


def test_an_unreadable_file_hides_nothing_and_invents_nothing(tmp_path: Path) -> None:
    root = acme(
        tmp_path,
        org=ORG + "timezone: Nowhere\n",
        codes="kind: [\n",
        queues=queues("q: {codes: [SALE], x: y}"),
    )
    assert [line.partition(": error")[0] for line in problems(root)] == [
        "codes.yaml:2:1", "org.yaml:4:11", "queues.yaml:3:22",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("codes: {}\n", "1:1: error: `kind` is missing (one of: Org, WrapUpCodes, Queues, CrmMapping, Project, Allow)"),
        ("kind: WrapUpCode\n", "1:7: error: unknown kind `WrapUpCode` (did you mean `WrapUpCodes`?)"),
        ("kind: WrapUpCodes\ncode: {}\n", "2:1: error: unknown key `code` (did you mean `codes`?)"),
        ("kind: WrapUpCodes\ncodes: []\n", "2:8: error: `codes` must be a map (write `KEY:` and the values below it)"),
        ("kind: WrapUpCodes\ncodes:\n", "2:1: error: `codes`: nothing is written here (remove the key)"),
        ("kind: Project\n", "1:7: error: a Project file inside an org (its place is wrapups/wrapctl.yaml)"),
        ("kind: Org\nplatform: genesys\nendpoint: sandbox\n", "1:1: error: a second org document in acme (the first is wrapups/acme/codes.yaml)"),
    ],
)  # fmt: skip
def test_what_a_file_must_be(tmp_path: Path, text: str, message: str) -> None:
    found = problems(acme(tmp_path, codes=text))
    assert any(line.split(":", 1)[1] == message for line in found), found


def test_an_allowance_is_a_token_with_a_reason(tmp_path: Path) -> None:
    allow = """
        kind: Allow
        allow:
          - {token: deletes=14@3f9c1a2b, reason: agreed}
          - {token: deletes, reason: agreed}
          - {token: deletes=14@xyz, reason: agreed}
          - {token: deletes=14@3f9c1a2b}
    """
    assert [line.split(" (")[0] for line in problems(acme(tmp_path, acme__allow=allow))] == [
        "allow.yaml:4:13: error: `token`: not a token of the guard",
        "allow.yaml:5:13: error: `token`: not a token of the guard",
        "allow.yaml:6:5: error: `reason` is missing",
    ]


def test_house_rules_hold_for_every_code_that_is_kept(tmp_path: Path) -> None:
    lines = [
        "A: {name: <b>x</b>, category: sales}",
        "B: {name: b, category: sale}",
        "C: {name: c}",
        "D: {name: d, state: absent}",
    ]
    root = write(acme(tmp_path, codes=codes(*lines)), wrapctl=RULES)
    assert problems(root) == [
        "codes.yaml:3:13: error: A: the house rules do not allow this name (name_pattern in wrapctl.yaml: ^[^<>]{1,10}$)",
        "codes.yaml:4:26: error: B: no category `sale` (did you mean `sales`?)",
        "codes.yaml:5:3: error: C: the house rules require `category` (see `require` in wrapctl.yaml)",
    ]


def test_house_rules_are_warnings_while_an_org_is_only_observed(tmp_path: Path) -> None:
    root = acme(tmp_path, org=ORG + "manage: {mode: observe}\n", codes=codes("A: {name: a}"))
    write(root, wrapctl=RULES)
    assert problems(root) == []
    assert [warning.message for warning in loaded(root).warnings] == ["A: the house rules require `category`"]


def test_the_project_file_is_checked_too(tmp_path: Path) -> None:
    rules = 'kind: Project\nrules: {name_pattern: "["}\nstages: [[acme-test], ["*"]]\ncategory: {}\n'
    assert [line.split(" (")[0] for line in problems(write(acme(tmp_path), wrapctl=rules))] == [
        "wrapctl.yaml:2:23: error: `name_pattern` is no regular expression: unterminated character set at position 0",
        "wrapctl.yaml:3:11: error: no org is called `acme-test`",
        "wrapctl.yaml:4:1: error: unknown key `category`",
    ]


def test_files_and_folders_that_belong_to_no_org(tmp_path: Path) -> None:
    root = write(acme(tmp_path), stray=CODES, Sales__codes=CODES, empty__codes=CODES, catalog__x=ORG)
    assert [line.split(" (")[0] for line in problems(root)] == [
        "Sales/codes.yaml: error: the folder `Sales` cannot be an org",
        "catalog/x.yaml:1:7: error: a file of kind Org in the catalog",
        "empty: error: the folder empty has no org.yaml",
        "stray.yaml: error: a file that belongs to no org",
    ]


def test_an_empty_project_says_how_to_begin(tmp_path: Path) -> None:
    (tmp_path / "wrapups").mkdir()
    assert problems(tmp_path) == [
        "wrapups: error: there is no org here (an org is a folder with an org.yaml; start with `wrapctl init ORG`)"
    ]
    with pytest.raises(UsageError, match="no folder `wrapups/`"):
        project.find_root(Path("/"))


def test_an_org_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        project.load(acme(tmp_path), orgs=["acmee"])
    assert caught.value.hint == "did you mean `acme`?"


def test_everything_wrong_in_all_files_comes_in_one_sorted_report(tmp_path: Path) -> None:
    root = acme(tmp_path, org=ORG + "x: y\n", codes=codes("a: {}"), queues=queues("q: {codes: [B]}"))
    write(root, other__org=ORG + "y: z\n", wrapctl="kind: Project\nz: a\n", catalog__c="kind: Queues\nb: c\n")
    with pytest.raises(ConfigError) as caught:
        project.load(root)
    assert [problem.source.file for problem in caught.value.problems] == [
        "wrapups/acme/codes.yaml",
        "wrapups/acme/org.yaml",
        "wrapups/acme/queues.yaml",
        "wrapups/catalog/c.yaml",
        "wrapups/other/org.yaml",
        "wrapups/wrapctl.yaml",
    ]
