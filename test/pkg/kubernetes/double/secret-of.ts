import type { ObjectStore } from './object-store.ts';
import type { ContainerPlaces } from './run-container.ts';

/** The keys of a Secret: of one that was there before, or that somebody made since. */
export function secretOf(
  { secrets }: ContainerPlaces,
  store: ObjectStore,
  name: string,
): Readonly<Record<string, Uint8Array>> | undefined {
  const made = store.get('secrets', name);
  const given = secrets[name];
  if (made === undefined && given === undefined) return undefined;
  const decoded = Object.entries<string>(made?.data ?? {}).map(
    ([key, value]) => [key, Buffer.from(value, 'base64')] as const,
  );
  const texts = Object.entries<string>({ ...given, ...made?.stringData }).map(
    ([key, value]) => [key, Buffer.from(value)] as const,
  );
  return Object.fromEntries([...decoded, ...texts]);
}
