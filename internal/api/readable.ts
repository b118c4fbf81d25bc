/**
 * Whether the body of a good answer can be what an API said: nothing, plain words, or whole JSON. A web page, compressed
 * bytes, or JSON that was cut off came from something on the way, and say nothing about what became of the request.
 */
export function isReadable(text: string): boolean {
  const begin = text.trimStart();
  if (begin === '') return true;
  if (begin.startsWith('<') || begin.charCodeAt(0) < 0x20) return false;
  if (!/^[[{"]/.test(begin)) return true;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
