/**
 * Keeps the state of this version as a fixture: a server's data directory and the base directory of an agent that was killed
 * before it could report. Later versions must read it (test/faults/upgrade.test.ts). To be run once for each release:
 *
 *   node scripts/keep-state.ts        writes test/fixtures/state/<version>.tar.gz
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Lab } from '../test/faults/lab/lab.ts';

const root = resolve(import.meta.dirname, '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const lab = await Lab.open('keep-state');
try {
  const session = await lab.place.session('kept');
  const whole = await lab.ledger(session, { lines: 20 });
  const first = await lab.agent(session, { base: 'kept' });
  await lab.check(whole);
  await first.stop('SIGKILL');
  const cut = await lab.ledger(session, { lines: 300 });
  const waiting = await lab.submit(session, 'echo later', { priority: -1 });
  const dying = await lab.agent(session, { base: 'kept', failpoint: 'before_final:kill' });
  await dying.ended;
  await lab.server.stop('SIGTERM');
  const about = { version, session, whole: whole.id, cut: cut.id, cutLines: 300, waiting };
  writeFileSync(lab.place.path('about.json'), JSON.stringify(about));
  mkdirSync(join(root, 'test/fixtures/state'), { recursive: true });
  const archive = join(root, 'test/fixtures/state', `${version}.tar.gz`);
  const what = ['about.json', 'server', 'base-kept'];
  execFileSync('tar', [
    '--sort=name',
    '-C',
    lab.place.directory,
    '-czf',
    archive,
    '--exclude=*.sock',
    ...what,
  ]);
  console.log(`${archive}: ${readFileSync(archive).length} bytes`);
} finally {
  await lab.close();
}
