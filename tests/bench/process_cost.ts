/** What a process and its children cost, read from /proc. */

/** Clock ticks per second of /proc/PID/stat; 100 on every Linux a distribution ships. */
const TICKS_PER_SECOND = 100;

interface Stat {
  readonly pid: number;
  readonly parent: number;
  /** User plus system time of all threads. */
  readonly ticks: number;
}

function readStat(pid: number): Stat | undefined {
  let text: string;
  try {
    text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  } catch {
    return undefined;
  }
  // The second field is the program's name in parentheses and may hold spaces.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { pid, parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
}

function allStats(): Stat[] {
  const stats: Stat[] = [];
  for (const entry of Deno.readDirSync("/proc")) {
    const pid = Number(entry.name);
    const stat = Number.isInteger(pid) ? readStat(pid) : undefined;
    if (stat) stats.push(stat);
  }
  return stats;
}

/** The process and everything below it. */
export function processTree(root: number): number[] {
  const stats = allStats();
  const tree = [root];
  for (let i = 0; i < tree.length; i++) {
    for (const { pid, parent } of stats) if (parent === tree[i]) tree.push(pid);
  }
  return tree;
}

/** Microseconds of CPU (user and system) used so far by the process and its living children. */
export function cpuMicros(root: number): number {
  const ticks = processTree(root).reduce((sum, pid) => sum + (readStat(pid)?.ticks ?? 0), 0);
  return ticks / TICKS_PER_SECOND * 1e6;
}

/** Resident memory of the process and its children, in bytes. */
export function residentBytes(root: number): number {
  let sum = 0;
  for (const pid of processTree(root)) {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    sum += Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  }
  return sum;
}
