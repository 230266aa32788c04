/** Puts the tests of the suite to a contender. */

import { judge } from "./judge.ts";
import type { Contender } from "./socket_contender.ts";
import type { CrsTest } from "./suite.ts";

/** A test that did not go as the suite says. */
export interface Failure {
  readonly title: string;
  readonly description: string;
  readonly problems: readonly string[];
}

/** The result of a run. */
export interface SuiteResult {
  readonly passed: number;
  readonly failures: readonly Failure[];
}

/** Runs every test, as many at a time as the contender has lanes. */
export async function runSuite(
  contender: Contender,
  tests: readonly CrsTest[],
): Promise<SuiteResult> {
  const failures: Failure[] = [];
  const waiting = tests.values();
  const lane = async () => {
    for (const test of waiting) {
      const problems = await runTest(contender, test);
      if (problems.length > 0) {
        failures.push({
          title: test.title,
          description: test.description,
          problems,
        });
      }
    }
  };
  await Promise.all(Array.from({ length: contender.lanes }, lane));
  failures.sort((a, b) => a.title.localeCompare(b.title, "en", { numeric: true }));
  return { passed: tests.length - failures.length, failures };
}

async function runTest(contender: Contender, test: CrsTest): Promise<string[]> {
  const problems: string[] = [];
  for (const [index, stage] of test.stages.entries()) {
    const found = judge(stage.expectation, await contender.observe(stage));
    problems.push(
      ...found.map((each) => test.stages.length > 1 ? `stage ${index + 1}: ${each}` : each),
    );
  }
  return problems;
}
