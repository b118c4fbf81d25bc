/** The forms in which a secret turns up in output. Pure. */

/** Shortest value, and shortest form, that is looked for; bytes. Shorter ones would mask half of every text. */
export const minSecretBytes = 6;

/**
 * Every form of a value: as it is, its lines and their joins, and encoded. The value's last line end does not count.
 * @param value  of at least 6 bytes
 * @returns without doubles, each of at least 6 bytes
 */
export function formsOf(value: string): readonly Uint8Array[] {
  const text = value.replace(/[\r\n]+$/, '');
  const bytes = Buffer.from(text);
  const forms = [
    ...lineForms(text),
    ...base64Forms(bytes),
    ...wrappedForms(bytes),
    ...percentForms(bytes),
    ...jsonForms(text),
    ...shellForms(text),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
  ];
  return [...new Set(forms)].map((form) => Buffer.from(form)).filter((form) => form.length >= minSecretBytes);
}

/** A value of several lines is also printed line by line, with other line ends, or on one line. */
function lineForms(text: string): readonly string[] {
  const lines = text.split(/\r?\n/);
  const joins = ['\n', '\r\n', ' ', '\\n', ''].map((join) => lines.join(join));
  return lines.length === 1 ? [text] : [text, ...joins, ...lines.map((line) => line.trim())];
}

/**
 * In base64 the same bytes look in one of three ways, depending on how many bytes stand before them. The first and last
 * characters also depend on the neighbours and are left out.
 */
function base64Forms(bytes: Uint8Array): readonly string[] {
  return [0, 1, 2].flatMap((before) => {
    const all = Buffer.concat([Buffer.alloc(before), bytes]);
    const [first, last] = [Math.ceil((before * 8) / 6), Math.floor((all.length * 8) / 6)];
    return (['base64', 'base64url'] as const).map((encoding) => all.toString(encoding).slice(first, last));
  });
}

/** Programs break long base64 into lines: of 76 characters (`base64`, MIME) or 64 (PEM). */
function wrappedForms(bytes: Uint8Array): readonly string[] {
  const whole = Buffer.from(bytes)
    .toString('base64')
    .slice(0, Math.floor((bytes.length * 8) / 6));
  return [76, 64].flatMap((width) =>
    whole.length <= width
      ? []
      : Array.from({ length: Math.ceil(whole.length / width) }, (_, line) =>
          whole.slice(line * width, (line + 1) * width),
        ),
  );
}

/** What encoders leave as it is: JavaScript's, RFC 3986's (curl), Python's `quote`. */
const unreserved = [/[A-Za-z0-9\-_.!~*'()]/, /[A-Za-z0-9\-_.~]/, /[A-Za-z0-9\-_.~/]/];

function percentForms(bytes: Uint8Array): readonly string[] {
  const upper = unreserved.map((kept) =>
    [...bytes].map((byte) => {
      const character = String.fromCharCode(byte);
      return kept.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    }),
  );
  const lower = upper.map((parts) => parts.map((part) => (part.length === 3 ? part.toLowerCase() : part)));
  return [...upper, ...lower].flatMap((parts) => {
    const form = parts.join('');
    return [form, form.replaceAll('%20', '+')];
  });
}

/** As JavaScript writes strings, in ASCII (Python), with `\/` (PHP), and safe for HTML (Go). */
function jsonForms(text: string): readonly string[] {
  const plain = JSON.stringify(text).slice(1, -1);
  const inHex = (characters: RegExp) =>
    plain.replace(characters, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return [plain, inHex(/[^\x20-\x7e]/g), plain.replaceAll('/', '\\/'), inHex(/[<>&]/g)];
}

/** With backslashes (`printf %q`), and inside single, double and dollar quotes. */
function shellForms(text: string): readonly string[] {
  return [
    text.replace(/[^A-Za-z0-9_\-.,:/@%+=\u0080-\u{10ffff}]/gu, '\\$&'),
    text.replace(/[^A-Za-z0-9_\-./:@%+=\u0080-\u{10ffff}]/gu, '\\$&'),
    text.replaceAll("'", "'\\''"),
    text.replaceAll("'", `'"'"'`),
    text.replace(/["\\$`]/g, '\\$&'),
    text.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t'),
  ];
}
