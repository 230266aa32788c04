/** Transformations of the installed libmodsecurity 3, called right in this process. */

const SYMBOLS = {
  msc_init: { parameters: [], result: "pointer" },
  msc_set_log_cb: { parameters: ["pointer", "function"], result: "void" },
  msc_create_rules_set: { parameters: [], result: "pointer" },
  msc_rules_add: { parameters: ["pointer", "buffer", "buffer"], result: "i32" },
  msc_new_transaction: {
    parameters: ["pointer", "pointer", "pointer"],
    result: "pointer",
  },
  msc_process_connection: {
    parameters: ["pointer", "buffer", "i32", "buffer", "i32"],
    result: "i32",
  },
  msc_process_uri: {
    parameters: ["pointer", "buffer", "buffer", "buffer"],
    result: "i32",
  },
  msc_process_request_headers: { parameters: ["pointer"], result: "i32" },
  msc_transaction_cleanup: { parameters: ["pointer"], result: "void" },
} as const;

const LOG = { parameters: ["pointer", "pointer"], result: "void" } as const;

/** C's form of a text. */
function text(value: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${value}\0`);
}

/** What a library of ModSecurity makes of values. */
export class ModSecurity {
  readonly #names: readonly string[];
  readonly #library: Deno.DynamicLibrary<typeof SYMBOLS>;
  readonly #log: Deno.UnsafeCallback<typeof LOG>;
  readonly #engine: Deno.PointerValue;
  readonly #rules: Deno.PointerValue;
  readonly #results = new Map<number, string>();

  /** Null when the library is not installed. */
  static open(names: readonly string[]): ModSecurity | null {
    try {
      return new ModSecurity(
        Deno.dlopen("libmodsecurity.so.3", SYMBOLS),
        names,
      );
    } catch (error) {
      if (error instanceof Error && /libmodsecurity/.test(error.message)) {
        return null;
      }
      throw error;
    }
  }

  private constructor(
    library: Deno.DynamicLibrary<typeof SYMBOLS>,
    names: readonly string[],
  ) {
    this.#names = names;
    this.#library = library;
    const { symbols } = library;
    this.#engine = symbols.msc_init();
    this.#rules = symbols.msc_create_rules_set();
    this.#log = new Deno.UnsafeCallback(
      LOG,
      (_, line) => this.#note(Deno.UnsafePointerView.getCString(line!)),
    );
    symbols.msc_set_log_cb(this.#engine, this.#log.pointer);
    const lines = names.map((name, index) =>
      `SecRule ARGS:x "@rx ^.*$" "id:${
        index + 1
      },phase:1,pass,capture,t:none,t:${name},t:hexEncode,log,logdata:'x%{TX.0}x'"`
    );
    const problem = new Uint8Array(8);
    const added = symbols.msc_rules_add(
      this.#rules,
      text(["SecRuleEngine On", ...lines].join("\n")),
      problem,
    );
    if (added < 0) throw new Error("the rules were refused");
  }

  /** Results by name, one unit for each byte. The value is at most 45 bytes, or the log would cut the results. */
  transformed(value: string): Map<string, string> {
    const { symbols } = this.#library;
    this.#results.clear();
    const transaction = symbols.msc_new_transaction(
      this.#engine,
      this.#rules,
      null,
    );
    const escaped = [...value].map((byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, "0")}`).join("");
    symbols.msc_process_connection(
      transaction,
      text("192.0.2.1"),
      1,
      text("192.0.2.2"),
      80,
    );
    symbols.msc_process_uri(
      transaction,
      text(`/?x=${escaped}`),
      text("GET"),
      text("1.1"),
    );
    symbols.msc_process_request_headers(transaction);
    symbols.msc_transaction_cleanup(transaction);
    return new Map(
      this.#names.map((
        name,
        index,
      ) => [name, this.#results.get(index + 1) ?? "(no result)"]),
    );
  }

  close(): void {
    this.#log.close();
    this.#library.close();
  }

  #note(line: string): void {
    const found = /\[id "(\d+)"\].*\[data "x([0-9a-f]*)x"\]/.exec(line);
    if (!found) return;
    const bytes = found[2]!.replace(
      /../g,
      (digits) => String.fromCharCode(parseInt(digits, 16)),
    );
    this.#results.set(Number(found[1]), bytes);
  }
}
