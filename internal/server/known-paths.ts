/** Tells an address that does not exist from one that exists with another method. */
import { type KerutaError, NotFoundError } from '../domain/errors.ts';
import type { Route } from './route.ts';

/** @returns what to answer to a request that no route takes, and the methods that the address has */
export function makeNotFound(
  routes: readonly Pick<Route, 'method' | 'path'>[],
): (method: string, url: string) => { readonly error: KerutaError; readonly allow: string } {
  const known = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>();
  for (const { method, path } of routes) {
    const entry = known.get(path) ?? { pattern: toPattern(path), methods: new Set<string>() };
    entry.methods.add(method);
    known.set(path, entry);
  }
  return (method, url) => {
    const path = url.split('?', 1)[0] ?? '/';
    const methods = new Set<string>();
    for (const entry of known.values()) {
      if (entry.pattern.test(path)) for (const each of entry.methods) methods.add(each);
    }
    const allow = [...methods].sort().join(', ');
    const shown = path.slice(0, 200);
    return allow === ''
      ? {
          allow,
          error: new NotFoundError(
            'KERUTA_ERR_NOT_FOUND',
            `There is nothing at ${shown}; /docs lists every address.`,
          ),
        }
      : {
          allow,
          error: new NotFoundError('KERUTA_ERR_METHOD', `${shown} takes ${allow}, not ${method}.`, {
            details: { allow: [...methods].sort() },
          }),
        };
  };
}

function toPattern(path: string): RegExp {
  const escaped = path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/:\w+/g, '[^/]+')}/?$`);
}
