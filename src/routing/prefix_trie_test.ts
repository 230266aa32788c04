import assert from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import { PrefixTrie } from "./prefix_trie.ts";

function itemsFor(trie: PrefixTrie<string>, text: string): string[] {
  const found: string[] = [];
  let at = 0;
  for (let node: typeof trie.root | undefined = trie.root; node !== undefined;) {
    found.push(...node.items);
    node = node.next(text, at);
    at += node?.label.length ?? 0;
  }
  return found;
}

Deno.test("a walk finds the items of exactly the prefixes of the text, shortest first", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 6 });
  fc.assert(fc.property(fc.array(word, { maxLength: 20 }), word, (prefixes, text) => {
    const trie = new PrefixTrie<string>();
    for (const prefix of prefixes) trie.add(prefix, prefix);
    const want = prefixes.filter((prefix) => text.startsWith(prefix)).sort((a, b) => a.length - b.length);
    assert.deepEqual(itemsFor(trie, text), want);
  }));
});
