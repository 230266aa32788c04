/**
 * Gives memory back that nothing refers to any more. A thread that has little to do collects hardly ever, so what it
 * let go of would count for hours. Takes some tens of milliseconds, so it is for threads that serve no requests.
 */
export async function collectGarbage(): Promise<void> {
  // Only now, as the two cost a start tens of milliseconds. The engine hands its collector to contexts that are made
  // while the flag is set.
  const [{ default: v8 }, { default: vm }] = await Promise.all([import("node:v8"), import("node:vm")]);
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc") as (() => void) | undefined;
  v8.setFlagsFromString("--no-expose-gc");
  collect?.();
}
