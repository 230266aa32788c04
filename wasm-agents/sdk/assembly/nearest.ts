/** Finds the word that somebody most likely meant. */

/** The other word in `words` with the fewest changes to `wrong`; empty when all are too far from it. */
export function nearest(wrong: string, words: string[]): string {
  let best = "";
  let fewest = 1 + wrong.length / 3;
  for (let index = 0; index < words.length; index++) {
    const changes = changesBetween(wrong, words[index]);
    if (changes == 0 || changes > fewest || (changes == fewest && best != "")) continue;
    fewest = changes;
    best = words[index];
  }
  return best;
}

/** The number of letters to put in, take out or replace (Levenshtein's distance). */
function changesBetween(from: string, to: string): i32 {
  let row = new Array<i32>(to.length + 1);
  for (let index = 0; index <= to.length; index++) row[index] = index;
  for (let line = 1; line <= from.length; line++) {
    const above = row;
    row = new Array<i32>(to.length + 1);
    row[0] = line;
    for (let index = 1; index <= to.length; index++) {
      const replaced = above[index - 1] + (from.charCodeAt(line - 1) == to.charCodeAt(index - 1) ? 0 : 1);
      row[index] = min(replaced, min(above[index], row[index - 1]) + 1);
    }
  }
  return row[to.length];
}
