import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CommandContext } from '../../cmd/keruta/command.ts';
import { type StartedServer, startServer } from '../../cmd/keruta/roles/start-server.ts';
import { loadSettings } from '../../internal/config/load-settings.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { silentLog } from '../../pkg/log/log.ts';
import { systemRandom } from '../../pkg/random/random.ts';
import { cli } from '../cmd/harness.ts';

const guide = readFileSync(resolve(import.meta.dirname, '../../docs/ledger.md'), 'utf8');
const commands = [...guide.matchAll(/^\$ keruta (.*)$/gm)].map(([, words = '']) => words);

let home = '';
let server: StartedServer;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'keruta-ledger-guide-'));
  const uid = process.getuid?.() ?? 0;
  const context = { clock: systemClock, random: systemRandom, uid, version: '9.9.9' } as CommandContext;
  const sources = { env: { PORT: '0' }, isServer: true, home, uid, cwd: home };
  server = await startServer(context, loadSettings(sources).values, silentLog);
}, 60_000);
afterAll(async () => {
  await server.close();
  rmSync(home, { recursive: true, force: true });
});

test('every command of the guide to the ledger succeeds in turn', async () => {
  const keruta = (words: string) => {
    const argv = [...words.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
    return cli(argv, { home, cwd: home, env: { KERUTA_API_URL: server.url } });
  };
  const nightly = 'name: nightly\nrun: "true"\ntriggers:\n  - type: cron\n    expression: "0 3 * * *"\n';
  writeFileSync(join(home, 'nightly.yaml'), nightly);
  expect(await keruta('apply -f nightly.yaml')).toMatchObject({ status: 0 });
  expect(commands.length).toBeGreaterThan(10);
  for (const line of commands) {
    const { status, err } = await keruta(line);
    expect({ line, status, err: status === 0 ? '' : err }).toEqual({ line, status: 0, err: '' });
  }
}, 60_000);
