import type { ClientHello } from "./client_hello.ts";
import { cipherSuite, type KeyType } from "./cipher_suites.ts";

/** Something with a key, to be shown to who asks for one of its names. */
export interface NamedCredential {
  readonly keyType: KeyType;
  /** Signature schemes (RFC 8446 §4.2.3) that its key can sign with. */
  readonly schemes: readonly number[];
}

/** The certificates of one name: at most one of each kind of key. */
export interface CredentialSet<C extends NamedCredential> {
  readonly ecdsa?: C;
  readonly rsa?: C;
}

/** One certificate, or two with different kinds of keys, and the names it is for. */
export interface NamedSet<C extends NamedCredential> {
  readonly names: readonly string[];
  /** Names for which this one comes before others that have them too. */
  readonly priorityNames: readonly string[];
  readonly set: CredentialSet<C>;
  /** For messages: the certificate's file. */
  readonly label: string;
}

/** Which certificates are shown for a name: exact names first, then wildcards of nearer and farther parents. */
export class ServerNames<C extends NamedCredential> {
  readonly #exact = new Map<string, CredentialSet<C>>();
  /** By what follows `*.`. */
  readonly #wildcards = new Map<string, CredentialSet<C>>();

  /** Throws an `Error` for people when two certificates claim one name and neither, or both, have priority for it. */
  constructor(entries: readonly NamedSet<C>[]) {
    const owners = new Map<string, NamedSet<C>>();
    const hasPriority = (entry: NamedSet<C>, name: string) =>
      entry.priorityNames.map(normalName).includes(name);
    for (const entry of entries) {
      for (const name of new Set([...entry.names, ...entry.priorityNames].map(normalName))) {
        const owner = owners.get(name);
        if (owner === undefined || (hasPriority(entry, name) && !hasPriority(owner, name))) {
          owners.set(name, entry);
          this.#add(name, entry.set);
        } else if (hasPriority(entry, name) === hasPriority(owner, name)) {
          const merged = disjoint(owner.set, entry.set);
          if (merged === undefined) {
            throw new Error(
              `Ambiguous SNI configuration: "${name}" is in ${owner.label} and in ${entry.label}; ` +
                `name it in priority-hostnames of one of them`,
            );
          }
          owners.set(name, { ...owner, set: merged });
          this.#add(name, merged);
        }
      }
    }
  }

  /** The certificates for a name as the client sent it; undefined when there are none. */
  find(serverName: string): CredentialSet<C> | undefined {
    const name = normalName(serverName);
    const exact = this.#exact.get(name);
    if (exact !== undefined || this.#wildcards.size === 0) return exact;
    for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
      const found = this.#wildcards.get(name.slice(dot + 1));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #add(name: string, set: CredentialSet<C>): void {
    if (name.startsWith("*.")) this.#wildcards.set(name.slice(2), set);
    else this.#exact.set(name, set);
  }
}

/** Names are compared without case, and without the root's dot. */
export function normalName(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith(".") ? lower.slice(0, -1) : lower;
}

/** Two sets as one, when they have no kind of key in common. */
function disjoint<C extends NamedCredential>(
  a: CredentialSet<C>,
  b: CredentialSet<C>,
): CredentialSet<C> | undefined {
  const collide = (a.ecdsa !== undefined && b.ecdsa !== undefined) ||
    (a.rsa !== undefined && b.rsa !== undefined);
  return collide ? undefined : { ...a, ...b };
}

/** The certificate of a set that a client can use: ECDSA where it can, as it is cheaper for both. */
export function chooseCredential<C extends NamedCredential>(set: CredentialSet<C>, hello: ClientHello): C {
  const { ecdsa, rsa } = set;
  if (ecdsa === undefined || rsa === undefined) return (ecdsa ?? rsa)!;
  const signs = ecdsa.schemes.some((scheme) => hello.signatureSchemes.includes(scheme));
  // The suites of TLS 1.3 say nothing about keys; those of TLS 1.2 do.
  const negotiates = hello.offersTls13 ||
    hello.cipherSuites.some((id) => cipherSuite(id)?.keyType === "ecdsa");
  return signs && negotiates ? ecdsa : rsa;
}
