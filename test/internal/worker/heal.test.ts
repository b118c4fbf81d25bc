import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { askSocket } from '../../../pkg/local-http/ask-socket.ts';
import { identityOf } from '../../../pkg/process/process-identity.ts';
import { Place } from './agent-under-test.ts';

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

const localApi = { host: 'localhost', port: 0, allowRemote: false, acceptInput: true };

/** What the agent said about a task by itself. */
const notesOf = (task: ReturnType<Place['source']['add']>) =>
  JSON.stringify(place.source.attemptOf(task).messages.filter((message) => message.kind === 'log'));

describe('an agent whose task deletes', () => {
  test('its base directory is whole and can be asked before the next claim', async () => {
    const base = join(place.root, 'base');
    let healed = 0;
    place.start({ localApi }, { heal: () => void healed++ });
    // what makes them does so beside it
    const written = ['stdout', 'stderr'].map((name) => `[ -e "$KERUTA_RUN_DIR/${name}" ]`).join(' && ');
    const first = place.source.add(`until ${written}; do sleep 0.01; done; rm -rf '${base}'`);
    await place.source.until(() => place.source.attempts[0]?.report);
    const second = place.source.add('echo second');
    await place.source.until(() => place.source.attempts[1]?.report);
    expect(place.source.attemptOf(second).report).toMatchObject({ exitCode: 0 });
    // before each of the two claims, and the one that may be waiting
    expect(healed).toBeGreaterThanOrEqual(2);
    expect(place.source.attemptOf(first).report).toMatchObject({ exitCode: null, reason: 'shim_lost' });
    const { socket } = JSON.parse(readFileSync(join(base, 'agent.json'), 'utf8')) as { socket: string };
    const ask = async () => JSON.parse((await askSocket(socket, { path: '/health', timeoutMs: 5_000 })).text);
    await expect.poll(ask, { timeout: 40_000 }).toMatchObject({ status: 'healthy' });
  });

  test('its base directory, where another agent begins at once: gives way, and takes nothing from that one', async () => {
    const base = join(place.root, 'base');
    const { exit } = place.start();
    const go = join(place.root, 'go');
    place.source.add(`rm -rf '${base}'; : > '${go}'; until [ ! -e '${go}' ]; do sleep 0.01; done`);
    await expect.poll(() => existsSync(go), { timeout: 20_000 }).toBe(true);
    mkdirSync(base, { recursive: true, mode: 0o700 });
    writeFileSync(join(base, 'agent.lock'), JSON.stringify(identityOf(process.ppid)));
    rmSync(go);
    await expect(exit).rejects.toMatchObject({ code: 'KERUTA_ERR_AGENT_RUNNING' });
    expect(JSON.parse(readFileSync(join(base, 'agent.lock'), 'utf8')).pid).toBe(process.ppid);
  });

  test('its mailbox has a note about it, and one that deletes nothing has none', async () => {
    const go = join(place.root, 'go');
    const lost = place.source.add(
      `echo on; until [ -e '${go}' ]; do sleep 0.01; done; rm -f "$KERUTA_RUN_DIR/mailbox"`,
    );
    const { exit } = place.start({ once: true });
    // what was sent was read behind a look at the mailbox
    await place.source.until(() => (place.source.attempts[0]?.streams.stdout.length ?? 0) > 0);
    writeFileSync(go, '');
    await exit;
    expect(notesOf(lost)).toContain('mailbox of the run was deleted');
    const whole = place.source.add('echo fine');
    await place.once();
    expect(notesOf(whole)).not.toContain('deleted');
  });
});
