import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { replaceText } from './replace-text.ts';

/**
 * Writes a JSON file so that a reader sees the old content or the new one, never a part. Mode 0600. An object gets one field
 * more, a checksum of its text, by which a reader knows that the disk gave back what was written.
 *
 * @param options.sync  whether the bytes are forced to disk first; default false
 * @param options.isPlain  leaves the checksum out: for what scripts read, and for secrets, of which it would tell something;
 *                         default false
 * @see replaceText
 */
export function writeJsonFile(
  file: string,
  value: unknown,
  options: { readonly sync?: boolean; readonly isPlain?: boolean } = {},
): void {
  const text = JSON.stringify(value);
  replaceText(file, options.isPlain === true ? text : withSum(text), options);
}

/**
 * Reads a JSON file; null when it is missing, is not JSON (torn by a power loss), or its checksum is another. One without
 * a checksum, as older versions wrote it, is taken. The caller checks the shape.
 */
export function readJsonFile(file: string): unknown {
  try {
    const text = withoutSum(readFileSync(file, 'utf8'));
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

function withSum(text: string): string {
  return /^\{./.test(text) && text !== '{}' ? `${text.slice(0, -1)},"crc32":${crc32(text)}}` : text;
}

/** The text without its checksum; null when that is not its checksum. */
function withoutSum(text: string): string | null {
  const match = /^\{[\s\S]*(,"crc32":(\d{1,10})\})$/.exec(text);
  if (match === null) return text;
  const bare = `${text.slice(0, -(match[1] ?? '').length)}}`;
  return crc32(bare) === Number(match[2]) ? bare : null;
}
