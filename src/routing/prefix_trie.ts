/** A radix tree from prefixes to lists of items. Walk it from `root` by `next`; nothing is allocated. */
export class PrefixTrie<T> {
  readonly root: TrieNode<T> = new TrieNode("");

  /** Adds an item behind those that the prefix has already. */
  add(prefix: string, item: T): void {
    this.root.reach(prefix).items.push(item);
  }
}

/** The end of one prefix, or a fork on the way to longer ones. */
export class TrieNode<T> {
  /** What this node adds to its parent's prefix. */
  readonly label: string;
  readonly items: T[] = [];
  /** First units of the children's labels, in step with `#children`. */
  readonly #units: number[] = [];
  readonly #children: TrieNode<T>[] = [];

  constructor(label: string) {
    this.label = label;
  }

  /** The child whose label stands in `text` at `at`, which is where this node's prefix ends. */
  next(text: string, at: number): TrieNode<T> | undefined {
    if (at >= text.length) return undefined;
    const index = this.#units.indexOf(text.charCodeAt(at));
    if (index < 0) return undefined;
    const child = this.#children[index]!;
    return child.label.length === 1 || text.startsWith(child.label, at) ? child : undefined;
  }

  /** The node for `rest` below this one, made when it is missing. */
  reach(rest: string): TrieNode<T> {
    if (rest === "") return this;
    const index = this.#units.indexOf(rest.charCodeAt(0));
    if (index < 0) {
      const leaf = new TrieNode<T>(rest);
      this.#adopt(leaf);
      return leaf;
    }
    const child = this.#children[index]!;
    const shared = sharedLength(child.label, rest);
    if (shared === child.label.length) return child.reach(rest.slice(shared));
    const fork = new TrieNode<T>(rest.slice(0, shared));
    fork.#adopt(child.#relabelled(child.label.slice(shared)));
    this.#children[index] = fork;
    return fork.reach(rest.slice(shared));
  }

  #adopt(child: TrieNode<T>): void {
    this.#units.push(child.label.charCodeAt(0));
    this.#children.push(child);
  }

  #relabelled(label: string): TrieNode<T> {
    const node = new TrieNode<T>(label);
    node.items.push(...this.items);
    for (const child of this.#children) node.#adopt(child);
    return node;
  }
}

function sharedLength(a: string, b: string): number {
  let i = 0;
  while (i < a.length && i < b.length && a[i] === b[i]) i++;
  return i;
}
