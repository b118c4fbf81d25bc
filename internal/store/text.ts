/** The form of a name in which it is searched: case does not count. */
export function fold(text: string): string {
  return text.toLowerCase();
}

/** A pattern for LIKE … ESCAPE '\' that finds `text` anywhere. */
export function anywhere(text: string): string {
  return `%${literal(text)}%`;
}

/** A pattern for LIKE … ESCAPE '\' that finds `text` at the beginning. */
export function atStart(text: string): string {
  return `${literal(text)}%`;
}

function literal(text: string): string {
  return text.replace(/[\\%_]/g, (sign) => `\\${sign}`);
}
