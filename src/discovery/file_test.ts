import assert from "node:assert/strict";
import { fakePorts, finderOf } from "../../tests/support/discovery_rig.ts";
import { parseTargetLines } from "./target_lines.ts";

const FOREVER = new AbortController().signal;

/** A file of the test's own, in a world where nothing else is. */
function fileOf(path: string, first: string | Error) {
  let content = first;
  let changed = () => {};
  let isWatched = false;
  const ports = fakePorts({
    files: {
      readText: () => typeof content === "string" ? Promise.resolve(content) : Promise.reject(content),
      watch: (_path, tell) => {
        changed = tell;
        isWatched = true;
        return () => isWatched = false;
      },
    },
  });
  const write = (next: string | Error, { isSeen = true } = {}) => {
    content = next;
    if (isSeen) changed();
  };
  return {
    finder: finderOf(`discovery "file" { path "${path}"; }`, ports),
    write,
    ports,
    watched: () => isWatched,
  };
}

Deno.test("file: every form of a list", async () => {
  const want = [{ address: "10.0.0.1:80", weight: 2, priority: 1, zone: "eu" }, {
    address: "[fd00::1]:80",
    weight: 1,
    priority: 0,
  }];
  const objects =
    '[{"address":"10.0.0.1:80","weight":2,"priority":1,"zone":"eu"},{"address":"[fd00::1]:80"}]';
  const cases: { path: string; text: string }[] = [
    { path: "/a.json", text: ` ${objects}` },
    { path: "/a.json", text: `{"targets":${objects}}` },
    { path: "/a.JSON", text: `{"target":${objects}}` },
    {
      path: "/a.kdl",
      text: 'target "10.0.0.1:80" weight=2 priority=1 zone="eu"\ntarget { address "[fd00::1]:80"; }\n',
    },
    {
      path: "/a.toml",
      text: '[[targets]]\naddress = "10.0.0.1:80"\nweight = 2\npriority = 1\nzone = "eu"\n' +
        '[[targets]]\naddress = "[fd00::1]:80"\n',
    },
    { path: "/a.txt", text: "# a list\n10.0.0.1:80 weight=2 priority=1 zone=eu # one\r\n\n [fd00::1]:80\n" },
  ];
  for (const { path, text } of cases) {
    const { targets } = await fileOf(path, text).finder.next(FOREVER);
    assert.deepEqual(targets.map((target) => ({ priority: 0, ...target })), want, path + text);
  }
});

Deno.test("file: what makes no sense is a failure with its place", async () => {
  const cases: { path: string; text: string; want: RegExp }[] = [
    { path: "/a.json", text: '[{"address":"10.0.0.1:80"}', want: /^\/a\.json: \d+:\d+: / },
    {
      path: "/a.json",
      text: '[{"address":"10.0.0.1"}]',
      want: /^\/a\.json: \d+:\d+: "address" needs a host and a port/,
    },
    { path: "/a.json", text: '{"servers":[]}', want: /unknown name "servers"/ },
    { path: "/a.json", text: '["10.0.0.1:80"]', want: /a\.json: / },
    { path: "/a.kdl", text: 'target "10.0.0.1:80" weight=-1', want: /^\/a\.kdl: 1:29: "weight" expects/ },
    { path: "/a.kdl", text: 'include "/etc/passwd"', want: /unknown name "include"/ },
    { path: "/a.kdl", text: "target {", want: /^\/a\.kdl: / },
    { path: "/a", text: "10.0.0.1:80\n10.0.0.2", want: /^\/a: line 2: the address needs a host and a port/ },
    { path: "/a", text: "10.0.0.1:80 wieght=1", want: /line 1: unknown option "wieght=1"/ },
    { path: "/a", text: "10.0.0.1:80 weight=1000001", want: /line 1: weight expects an integer/ },
    { path: "/a", text: "10.0.0.1:80 priority=-1", want: /line 1: priority expects an integer/ },
  ];
  for (const { path, text, want } of cases) {
    await assert.rejects(fileOf(path, text).finder.next(FOREVER), { message: want }, text);
  }
  assert.deepEqual(parseTargetLines("a:1 weight=1000000"), [{ address: "a:1", weight: 1_000_000 }]);
});

Deno.test("file: another content is an answer; the same one, whatever is told, is none", async () => {
  const { finder, write, ports } = fileOf("/a", "a:1");
  await finder.next(FOREVER);
  let answers = 0;
  const next = finder.next(FOREVER).then(({ targets }) => (answers++, targets));
  write("a:1");
  await ports.time.advance(0);
  assert.equal(answers, 0);
  write("b:1");
  assert.deepEqual(await next, [{ address: "b:1", weight: 1 }]);
});

Deno.test("file: a change that nobody told of is found in time", async () => {
  const { finder, write, ports } = fileOf("/a", "a:1");
  await finder.next(FOREVER);
  const next = finder.next(FOREVER);
  write("b:1", { isSeen: false });
  await ports.time.advance(30_000);
  assert.deepEqual((await next).targets, [{ address: "b:1", weight: 1 }]);
});

Deno.test("file: a bad content fails once, and then another is waited for; so does a missing file", async () => {
  const { finder, write, watched } = fileOf("/a", new Error("there is no such file"));
  await assert.rejects(finder.next(FOREVER), /no such file/);
  const next = finder.next(FOREVER);
  write(new Error("there is no such file"));
  write("half");
  await assert.rejects(next, /line 1/);
  const good = finder.next(FOREVER);
  write("half");
  write("a:1");
  assert.deepEqual((await good).targets, [{ address: "a:1", weight: 1 }]);
  assert(watched());
  finder.close();
  assert(!watched());
});

Deno.test("file: a file that comes back with the same content is an answer again", async () => {
  const { finder, write } = fileOf("/a", "a:1");
  await finder.next(FOREVER);
  const gone = finder.next(FOREVER);
  write(new Error("there is no such file"));
  await assert.rejects(gone, /no such file/);
  const back = finder.next(FOREVER);
  write("a:1");
  assert.equal((await back).targets.length, 1);
});
