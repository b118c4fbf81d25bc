/**
 * Prints compose.yaml as it runs in an engine without bridges: all services share one network, where each is known by its name.
 *   node scripts/compose-on-host.ts [--without SERVICE,…] > FILE
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';

const composeShape = z.looseObject({
  services: z.record(z.string(), z.looseObject({ volumes: z.array(z.string()).optional() })),
  volumes: z.record(z.string(), z.unknown()),
});

const root = resolve(import.meta.dirname, '..');
const [, , flag, names = ''] = process.argv;
const without = flag === '--without' ? names.split(',') : [];
const { services, volumes } = composeShape.parse(parse(readFileSync(join(root, 'compose.yaml'), 'utf8')));
const kept = Object.entries(services).filter(([name]) => !without.includes(name));
const hosts = Object.keys(services).map((name) => `${name}:127.0.0.1`);
const changed = kept.map(([name, { ports: _ports, build: _build, ...service }]) => {
  const mounts = service.volumes?.map((mount) => mount.replace(/^\.\//, `${root}/`));
  return [
    name,
    { ...service, ...(mounts ? { volumes: mounts } : {}), network_mode: 'host', extra_hosts: hosts },
  ];
});
process.stdout.write(stringify({ services: Object.fromEntries(changed), volumes }, { lineWidth: 0 }));
