/** What a delivery brought, once it is known who sent it. Pure. */
import { InputError } from '../../domain/errors.ts';

/** A body as the task reads it. */
export interface ReadBody {
  readonly kind: 'empty' | 'json' | 'form' | 'text' | 'binary';
  /** the parsed value; base64 for `binary`; null for `empty` */
  readonly value: unknown;
}

/** How deep lists and objects may lie in each other. */
const maxDepth = 100;
/** Most fields of a form. */
const maxFields = 1000;

/**
 * Reads a body by its content type. JSON, forms and texts are read; everything else is base64. Without a type it is JSON
 * when it parses, else text, else base64.
 *
 * @throws {InputError} KERUTA_ERR_BAD_BODY when it is not what its type says; KERUTA_ERR_UNSUPPORTED_MEDIA for an unknown
 *         character set
 */
export function readBody(bytes: Uint8Array, contentType: string | undefined): ReadBody {
  if (bytes.length === 0) return { kind: 'empty', value: null };
  const [type = '', ...rest] = (contentType ?? '').toLowerCase().split(';');
  const name = type.trim();
  const charset = /charset\s*=\s*"?([^\s"]+)/.exec(rest.join(';'))?.[1] ?? 'utf-8';
  if (name === '') return guess(bytes);
  if (/^application\/([\w.+-]+\+)?json$/.test(name))
    return { kind: 'json', value: json(decoded(bytes, charset)) };
  if (name === 'application/x-www-form-urlencoded') return form(decoded(bytes, charset));
  if (name.startsWith('text/') || /^application\/([\w.+-]+\+)?xml$/.test(name))
    return { kind: 'text', value: decoded(bytes, charset) };
  return binary(bytes);
}

function guess(bytes: Uint8Array): ReadBody {
  try {
    const text = decoded(bytes, 'utf-8');
    try {
      return { kind: 'json', value: json(text) };
    } catch {
      return { kind: 'text', value: text };
    }
  } catch {
    return binary(bytes);
  }
}

function binary(bytes: Uint8Array): ReadBody {
  return { kind: 'binary', value: Buffer.from(bytes).toString('base64') };
}

/** A mark of the byte order is left out. */
function decoded(bytes: Uint8Array, charset: string): string {
  const decoder = decoderOf(charset);
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new InputError('KERUTA_ERR_BAD_BODY', `The body is not ${charset}, as its type says.`, { cause });
  }
}

function decoderOf(charset: string) {
  try {
    return new TextDecoder(charset, { fatal: true });
  } catch (cause) {
    const shown = JSON.stringify(charset.slice(0, 50));
    throw new InputError('KERUTA_ERR_UNSUPPORTED_MEDIA', `The character set ${shown} is not known.`, {
      cause,
    });
  }
}

function json(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InputError('KERUTA_ERR_BAD_BODY', 'The body is not JSON, as its type says.', { cause });
  }
  refuseDeep(value);
  return value;
}

/** What is deeper cannot be written again without overflow. Goes level by level, so that it does not overflow itself. */
function refuseDeep(value: unknown): void {
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth)
      throw new InputError('KERUTA_ERR_BAD_BODY', `The body is nested deeper than ${maxDepth} levels.`);
    const inner: unknown[] = [];
    for (const one of level) {
      if (typeof one !== 'object' || one === null) continue;
      for (const each of Object.values(one)) if (typeof each === 'object' && each !== null) inner.push(each);
    }
    level = inner;
  }
}

function form(text: string): ReadBody {
  const fields = new Map<string, string[]>();
  let count = 0;
  for (const [name, value] of new URLSearchParams(text)) {
    if (++count > maxFields)
      throw new InputError('KERUTA_ERR_BAD_BODY', `The form has more than ${maxFields} fields.`);
    fields.set(name, [...(fields.get(name) ?? []), value]);
  }
  const value = Object.fromEntries([...fields].map(([name, all]) => [name, all.length === 1 ? all[0] : all]));
  const { payload } = value;
  // GitHub and Slack put a JSON text into one field
  if (typeof payload !== 'string' || fields.size !== 1) return { kind: 'form', value };
  try {
    return { kind: 'form', value: json(payload) };
  } catch {
    return { kind: 'form', value };
  }
}
