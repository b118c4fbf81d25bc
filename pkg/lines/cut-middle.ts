/**
 * Shortens a text to so many bytes of UTF-8: its beginning and its end stay, with a line between them that says how much is left out. No
 * character is torn.
 * @param maxBytes  >= 200; a text that has as many or fewer is given back as it is
 * @param headShare  how much of what stays is the beginning; 0 to 1, default a half
 */
export function cutMiddle(text: string, maxBytes: number, headShare = 0.5): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  const room = maxBytes - noteBytes;
  const head = characterStart(bytes, Math.floor(room * headShare));
  const tail = characterStart(bytes, bytes.length - (room - head) + 3);
  const note = `\n[… ${tail - head} of ${bytes.length} bytes are left out here …]\n`;
  return bytes.toString('utf8', 0, head) + note + bytes.toString('utf8', tail);
}

/** Room for the note, with the longest numbers, and for what is lost to whole characters. */
const noteBytes = 100;

/** Goes back to where the character that stands at a place begins: a byte 10xxxxxx goes on with the one before it. */
function characterStart(bytes: Uint8Array, at: number): number {
  let start = at;
  while (start > 0 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start -= 1;
  return start;
}
