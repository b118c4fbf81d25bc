/**
 * Whether a text matches a pattern: `*` is anything, `?` one character; letters in any case. No expression of a user ever
 * becomes a regular expression: this takes at most pattern × text steps.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  const [wanted, given] = [[...pattern.toLowerCase()], [...text.toLowerCase()]];
  let [p, t] = [0, 0];
  let star = -1;
  let starText = 0;
  while (t < given.length) {
    if (wanted[p] === '*') {
      star = p++;
      starText = t;
    } else if (p < wanted.length && (wanted[p] === '?' || wanted[p] === given[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      // the last star takes one more
      p = star + 1;
      t = ++starText;
    } else return false;
  }
  while (wanted[p] === '*') p++;
  return p === wanted.length;
}
