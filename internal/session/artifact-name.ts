import { InputError } from '../domain/errors.ts';

/** Longest relative path of an artifact; bytes of UTF-8. */
const maxPathBytes = 1_024;

/**
 * Makes the path of an artifact as it is stored: relative, with `/`, NFC, without `.` and empty parts. It is data: no
 * place on any disk is made of it.
 *
 * @throws {InputError} KERUTA_ERR_ARTIFACT_REFUSED for `..`, control characters, nothing, or more than 1024 bytes
 */
export function readPath(text: string): string {
  const path = tidyPath(text);
  const parts = path.split('/');
  if (path === '') throw refused(text, 'it names no file');
  if (parts.includes('..')) throw refused(text, 'it leads out of the artifacts directory');
  if (hasControls(path)) throw refused(text, 'it has control characters');
  if (Buffer.byteLength(path) > maxPathBytes) throw refused(text, `it is longer than ${maxPathBytes} bytes`);
  return path;
}

/** The same path in the one form in which paths are compared; nothing is refused. */
export function tidyPath(text: string): string {
  return text
    .toWellFormed()
    .normalize('NFC')
    .replaceAll('\\', '/')
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

/** Makes a safe path of a file name that a client sent: its last part, control characters replaced. Never refuses. */
export function readFileName(text: string): string {
  const name = tidyPath(text).split('/').at(-1) ?? '';
  const safe = [...name].map((character) => (hasControls(character) ? '_' : character)).join('');
  const short = Buffer.from(safe)
    .subarray(0, 255)
    .toString()
    .replace(/\uFFFD+$/, '');
  return /^\.{0,2}$/.test(short) ? 'unnamed' : short;
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.split('/').at(-1) ?? path;
}

/** C0, C1, DEL and the marks that turn the direction of text, with which a name can be made to look like another. */
function hasControls(text: string): boolean {
  return /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(text);
}

function refused(text: string, why: string): InputError {
  return new InputError(
    'KERUTA_ERR_ARTIFACT_REFUSED',
    `the artifact path ${JSON.stringify(text.slice(0, 100))} is refused: ${why}; ` +
      'it must be relative, without .., and at most 1024 bytes long',
  );
}
