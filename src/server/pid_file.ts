/**
 * Writes the process id to a file; the result removes it again, unless another process has taken the
 * file over meanwhile. Throws a readable error when the file cannot be written.
 */
export function writePidFile(path: string): () => void {
  const content = `${Deno.pid}\n`;
  try {
    Deno.writeTextFileSync(path, content, { mode: 0o644 });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot write the pid file ${path}: ${why}`, { cause });
  }
  return () => {
    try {
      if (Deno.readTextFileSync(path) === content) Deno.removeSync(path);
    } catch {
      // It is gone already.
    }
  };
}
