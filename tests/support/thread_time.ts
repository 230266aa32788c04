/** Milliseconds that this thread was on a processor: other suites run at the same time and take turns with it. */
export function threadMs(): number {
  return Number(Deno.readTextFileSync("/proc/thread-self/schedstat").split(" ")[0]) / 1e6;
}
