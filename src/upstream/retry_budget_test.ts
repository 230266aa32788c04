import assert from "node:assert/strict";
import { SharedTotals, totalBytes } from "../counters/shared_totals.ts";
import { LOAD_NUMBERS, RetryBudget } from "./retry_budget.ts";

/** The budgets of some threads over one memory. */
function budgets(limits: { share: number; minimum: number }, count = 2): RetryBudget[] {
  const memory = new SharedArrayBuffer(totalBytes(LOAD_NUMBERS, count));
  return Array.from({ length: count }, (_, index) => {
    return new RetryBudget(new SharedTotals(memory, { index, count }), limits);
  });
}

Deno.test("retry budget: the minimum, and above it a share of the waiting requests of all threads", () => {
  const rows = [
    { waiting: 0, share: 0.2, minimum: 0, want: 0 },
    { waiting: 4, share: 0.2, minimum: 0, want: 0 },
    { waiting: 5, share: 0.2, minimum: 0, want: 1 },
    { waiting: 14, share: 0.2, minimum: 3, want: 3 },
    { waiting: 15, share: 0.2, minimum: 3, want: 3 },
    { waiting: 20, share: 0.2, minimum: 3, want: 4 },
    { waiting: 7, share: 1, minimum: 0, want: 7 },
    { waiting: 100, share: 0, minimum: 2, want: 2 },
  ];
  for (const { waiting, share, minimum, want } of rows) {
    const [a, b] = budgets({ share, minimum });
    for (let i = 0; i < waiting; i++) (i % 2 === 0 ? a! : b!).enter();
    let taken = 0;
    for (let i = 0; i < 50; i++) if ((i % 3 === 0 ? a! : b!).tryTake()) taken++;
    assert.equal(taken, want, JSON.stringify({ waiting, share, minimum }));
    assert.equal(a!.taken, want);
  }
});

Deno.test("retry budget: what is given back can be taken again, by any thread", () => {
  const [a, b] = budgets({ share: 0, minimum: 1 });
  assert.ok(a!.tryTake());
  assert.ok(!b!.tryTake());
  a!.giveBack();
  assert.ok(b!.tryTake());
  assert.equal(a!.taken, 1);
});
