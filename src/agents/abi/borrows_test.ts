import { deepEqual, equal, notEqual, throws } from "node:assert/strict";
import { AgentTrap } from "../guest.ts";
import { Borrow, HandleNumbers } from "./borrows.ts";

function malformed(error: unknown): boolean {
  return error instanceof AgentTrap && error.kind === "malformed";
}

Deno.test("borrows: a handle is good until the call ends", () => {
  const requests = new Borrow<{ id: number }>("request", new HandleNumbers());
  const handle = requests.lend({ id: 1 });
  equal(requests.value(handle).id, 1);
  requests.end();
  throws(() => requests.value(handle), malformed);
  const next = requests.lend({ id: 2 });
  notEqual(next, handle);
  throws(() => requests.value(handle), malformed);
  equal(requests.value(next).id, 2);
});

Deno.test("borrows: a dropped handle is gone, and cannot be dropped again", () => {
  const requests = new Borrow<object>("request", new HandleNumbers());
  const handle = requests.lend({});
  requests.drop(handle);
  throws(() => requests.value(handle), malformed);
  throws(() => requests.drop(handle), malformed);
});

Deno.test("borrows: handles of one type are no handles of another", () => {
  const numbers = new HandleNumbers();
  const requests = new Borrow<object>("request", numbers);
  const responses = new Borrow<object>("response", numbers);
  const request = requests.lend({});
  const response = responses.lend({});
  throws(() => requests.value(response), malformed);
  throws(() => responses.drop(request), malformed);
});

Deno.test("borrows: 0, -1 and guesses are no handles", () => {
  const requests = new Borrow<object>("request", new HandleNumbers());
  for (const guess of [0, -1, 1, 0xfff_ffff]) throws(() => requests.value(guess), malformed);
  const handle = requests.lend({});
  for (const guess of [0, -1, handle + 1]) throws(() => requests.value(guess), malformed);
});

Deno.test("borrows: numbers are positive and not used again soon", () => {
  const numbers = new HandleNumbers();
  const seen = new Set<number>();
  for (let count = 0; count < 1000; count++) seen.add(numbers.next());
  equal(seen.size, 1000);
  equal([...seen].every((number) => number > 0 && number <= 0xfff_ffff), true);
});

Deno.test("borrows: after going back the numbers come again, and none from before the mark", () => {
  const numbers = new HandleNumbers();
  const requests = new Borrow<object>("request", numbers);
  const responses = new Borrow<object>("response", numbers);
  const kept = requests.lend({});
  requests.end();
  requests.mark();
  const call = () => {
    const handles = [requests.lend({}), responses.lend({})];
    throws(() => requests.value(kept), malformed);
    requests.end();
    responses.end();
    return handles;
  };
  const first = call();
  call();
  requests.rewind();
  deepEqual(call(), first);
});
