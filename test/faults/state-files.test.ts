import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasEnded, until } from '../e2e/place.ts';
import { canFailCalls, failCalls } from './lab/failing-calls.ts';
import { Lab } from './lab/lab.ts';
import { has, hasOpen, isLiving, living } from './lab/processes.ts';
import { chance, rounds, seed, tally } from './lab/rounds.ts';

/** E. What the agent wrote down, and what became of it on a bad disk. */
let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open('state');
});
afterAll(() => lab.close());

/** What is done to a file. */
const damages: Readonly<Record<string, (file: string) => void>> = {
  'a torn tail': (file) => truncateSync(file, Math.max(0, readFileSync(file).length - 3)),
  'a flipped bit': (file) => {
    const bytes = readFileSync(file);
    // one in the name of the checksum makes a file of an older version, which had none
    const sum = bytes.lastIndexOf(',"crc32":');
    const at = Math.floor(chance(seed)() * (sum < 0 ? bytes.length : sum));
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(file, bytes);
  },
  'nothing in it': (file) => truncateSync(file, 0),
};

/** The directory of the one run of an agent. */
function runOf(session: string): string {
  const runs = lab.place.path(`base-${session}`, 'runs');
  return join(runs, readdirSync(runs)[0] ?? 'none');
}

describe('F-54: after the agent was killed', () => {
  test.each(Object.keys(damages))(
    'its cursor with %s: every line is there once, and every message, and what is secret since is masked',
    async (damage) => {
      const session = await lab.place.session(`f54 cursor ${damage}`);
      const agent = await lab.agent(session);
      const go = lab.place.path(`f54-${session}`);
      const id = await lab.submit(
        session,
        `for i in $(seq 1 2000); do echo "out $i"; done; keruta log INFO first; keruta progress 40
echo late-secret | keruta redact add; while [ ! -e '${go}' ]; do sleep 0.05; done
keruta log INFO "second late-secret"; echo late-secret; exit 9`,
      );
      await until(
        'all before the break was sent',
        async () =>
          (await said(id)).includes('first') && (await lab.place.logs(id, 'stdout')).endsWith('out 2000\n'),
      );
      const file = join(runOf(session), 'cursor.json');
      await until(
        'the cursor is written',
        () => existsSync(file) && /"controlSeq":[1-9].*late-secret/.test(readFileSync(file, 'utf8')),
      );
      await agent.stop('SIGKILL');
      damages[damage]?.(file);
      writeFileSync(go, '');
      const next = await lab.agent(session);
      const task = await lab.place.when(
        id,
        (seen) => hasEnded(seen.status) && seen.logComplete === true,
        30_000,
      );
      expect(task).toMatchObject({ status: 'FAILED', exitCode: 9, attempt: 1, reason: null });
      const text = await lab.place.logs(id, 'stdout');
      expect(text).toBe(
        `${Array.from({ length: 2000 }, (_, line) => `out ${line + 1}\n`).join('')}***********\n`,
      );
      const messages = await said(id);
      for (const word of ['first', 'second ***********'])
        expect(messages.split(`"${word}"`).length - 1).toBe(1);
      tally({ row: 'F-54', rounds: 1, lines: 2001, note: `cursor: ${damage}, seed ${seed}` });
      await next.stop('SIGKILL');
    },
  );

  test.each([
    { damage: 'a torn tail', late: 'nothing', arrives: 'nothing', lostBytes: 0 },
    { damage: 'a torn tail', late: 'late words', arrives: 'e words', lostBytes: 3 },
    { damage: 'a flipped bit', late: 'late words', arrives: 'late words', lostBytes: 0 },
    { damage: 'nothing in it', late: 'late words', arrives: 'nothing', lostBytes: 11 },
  ])(
    'its output with $damage: what the server has stays, once; of $late behind it $arrives comes, and $lostBytes bytes are told missing',
    async ({ damage, late, arrives, lostBytes }) => {
      const session = await lab.place.session(`f54 output ${damage} ${late}`);
      const base = lab.place.path(`base-${session}`);
      const agent = await lab.agent(session);
      const [speak, go] = ['speak', 'go'].map((name) => lab.place.path(`f54-${session}-${name}`));
      const id = await lab.submit(
        session,
        `wait_for() { while [ ! -e "$1" ]; do sleep 0.05; done; }; for i in $(seq 1 2000); do echo "out $i"; done; keruta log INFO sent
wait_for '${speak}'; keruta log INFO back; wait_for '${go}'; ${late === 'nothing' ? '' : `echo '${late}'`}`,
      );
      const early = `${Array.from({ length: 2000 }, (_, line) => `out ${line + 1}\n`).join('')}`;
      await until(
        'all of it was sent, and that is written down',
        () =>
          existsSync(join(runOf(session), 'cursor.json')) &&
          readFileSync(join(runOf(session), 'cursor.json'), 'utf8').includes(`"offset":${early.length}`),
      );
      await agent.stop('SIGKILL');
      damages[damage]?.(join(runOf(session), 'stdout'));
      writeFileSync(speak ?? '', '');
      const next = await lab.agent(session);
      // who heard that has looked at the file
      await until('it is taken up', async () => (await said(id)).includes('"back"'));
      writeFileSync(go ?? '', '');
      expect(await lab.place.whole(id, 30_000)).toMatchObject({ status: 'COMPLETED', attempt: 1 });
      expect(await lab.place.logs(id, 'stdout')).toBe(arrives === 'nothing' ? early : `${early}${arrives}\n`);
      const verdict = await lab.place.keruta(['log', 'verify', id, '--base-dir', base]);
      const told = verdict.stdout + (await said(id));
      if (lostBytes === 0) {
        expect(verdict.status, told).toBe(0);
        expect(told).not.toContain('are missing');
      } else {
        expect(verdict.status, told).not.toBe(0);
        expect(told).toContain(`up to ${lostBytes} bytes could not be kept`);
        expect(told).toContain(`Up to ${lostBytes} bytes of stdout are missing behind byte ${early.length}`);
      }
      tally({ row: 'F-54', rounds: 1, note: `output: ${damage}, ${lostBytes} bytes lost, seed ${seed}` });
      await next.stop('SIGKILL');
    },
  );

  test('its mailbox with a torn tail and a record that is damaged: the good records before and behind it arrive', async () => {
    const session = await lab.place.session('f54 mailbox');
    const agent = await lab.agent(session);
    const [speak, go] = [lab.place.path('f54-speak'), lab.place.path('f54-go')];
    const id = await lab.submit(
      session,
      `wait_for() { while [ ! -e "$1" ]; do sleep 0.05; done; }; echo up; wait_for '${speak}'
for i in 1 2 3 4 5 6 7 8; do keruta log INFO "word $i"; done; wait_for '${go}'; exit 4`,
    );
    await until('it runs', async () => (await lab.place.logs(id)) === 'up\n');
    await agent.stop('SIGKILL');
    writeFileSync(speak, '');
    const box = join(runOf(session), 'mailbox');
    await until('all was said', () => readFileSync(box, 'utf8').includes('word 8'));
    const bytes = readFileSync(box);
    // the length of the record of the fourth word becomes another one
    const at = bytes.lastIndexOf('\n@', bytes.indexOf('word 4')) + 2;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(box, bytes.subarray(0, bytes.length - 3));
    writeFileSync(go, '');
    const next = await lab.agent(session);
    expect(await lab.place.when(id, ({ logComplete }) => logComplete === true, 30_000)).toMatchObject({
      status: 'FAILED',
      exitCode: 4,
      attempt: 1,
    });
    const heard = [...(await said(id)).matchAll(/"word (\d)"/g)].map(([, number]) => number);
    expect([...heard].sort().join('')).toBe('123567');
    expect(await said(id)).toMatch(/bytes of what the script said could not be read/);
    tally({ row: 'F-54', rounds: 1, note: 'mailbox' });
    await next.stop('SIGKILL');
  });

  test.each(['a torn tail', 'a flipped bit'])(
    'the record of its run with %s: it is said, left as it is, and nothing is run a second time',
    async (damage) => {
      const session = await lab.place.session(`f54 record ${damage}`);
      const agent = await lab.agent(session);
      const ledger = await lab.ledger(session, { lines: 300, pauseSeconds: 10 });
      await until('it runs', async () => (await lab.place.logs(ledger.id)).length > 100);
      await agent.stop('SIGKILL');
      const directory = runOf(session);
      damages[damage]?.(join(directory, 'task.json'));
      const before = readFileSync(join(directory, 'task.json'));
      const next = await lab.agent(session);
      await until('it is said', () => next.stderr().includes(directory), 20_000);
      expect(readFileSync(join(directory, 'task.json'))).toEqual(before);
      expect(readFileSync(ledger.starts, 'utf8')).toBe('start 1\n');
      const looked = await lab.place.keruta(['doctor', '--base-dir', lab.place.path(`base-${session}`)]);
      expect(looked.stdout).toContain(`1 directory without record: ${basename(directory)}`);
      expect(isLiving(next.pid)).toBe(true);
      tally({ row: 'F-54', rounds: 1, note: `record: ${damage}, seed ${seed}` });
      await next.stop('SIGKILL');
    },
  );
});

/** What the agent and the script had to say in the log of a task. */
async function said(id: string): Promise<string> {
  return JSON.stringify(await lab.place.api('GET', `/tasks/${id}/logs`));
}

describe.skipIf(!has('strace'))('F-53: a disk that fails to keep what it took (needs strace)', () => {
  const failing = [
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    'trace=fsync,fdatasync',
    '-e',
    'inject=fsync,fdatasync:error=EIO',
  ];

  test('a request that was to be kept for later is not called kept, and nothing of it stays', async () => {
    const base = lab.place.path('base-f53');
    const env = {
      ...lab.place.env,
      KERUTA_API_URL: 'http://127.0.0.1:1',
      KERUTA_TASK_ID: 'f53',
      KERUTA_BASE_DIR: base,
    };
    for (let round = 0; round < rounds(2, 10); round++) {
      const words = [...failing, lab.place.executable, 'log', 'INFO', `line ${round}`];
      const ended = await lab.place.start('strace', words, { env, timeoutMs: 60_000 }).ended;
      expect(ended.status).not.toBe(0);
      expect(ended.stderr).toContain('EIO');
      expect(readdirSync(join(base, 'spool'))).toEqual([]);
    }
    const kept = await lab.place.keruta(['log', 'INFO', 'kept'], { env });
    expect(kept.status).toBe(0);
    expect(readdirSync(join(base, 'spool'))).toHaveLength(1);
    tally({ row: 'F-53', rounds: rounds(2, 10), note: 'spool' });
  });

  test('an agent whose disk does not take its identity does not start, and the next one does', async () => {
    const session = await lab.place.session('f53');
    const base = lab.place.path('base-f53-agent');
    const words = ['daemon', '--session-id', session, '--base-dir', base, '--port', '0'];
    const ended = await lab.place.start('strace', [...failing, lab.place.executable, ...words], {
      timeoutMs: 60_000,
    }).ended;
    expect(ended.status).not.toBe(0);
    expect(ended.stderr).toContain('EIO');
    expect(existsSync(join(base, 'agent-id.json'))).toBe(false);
    const agent = await lab.agent(session, { base: 'f53-agent' });
    const id = await lab.submit(session, 'echo done');
    expect(await lab.place.ended(id)).toMatchObject({ status: 'COMPLETED' });
    tally({ row: 'F-53', rounds: 1, note: 'identity' });
    await agent.stop('SIGKILL');
  });
});

test.skipIf(!canFailCalls)(
  'F-53: output that a failing disk does not take is counted and told, and what is written behind it arrives (needs root and strace)',
  async () => {
    const session = await lab.place.session('f53 output');
    const agent = await lab.agent(session);
    for (let round = 0; round < rounds(1, 10); round++) {
      const [speak, go] = ['speak', 'go'].map((name) => lab.place.path(`f53-${name}-${round}`));
      const script = `wait_for() { while [ ! -e "$1" ]; do sleep 0.05; done; }; echo before; wait_for '${speak}'; echo in the gap; wait_for '${go}'; echo behind; exit 3`;
      const id = await lab.submit(session, script);
      await until('it runs', async () => (await lab.place.logs(id)) === 'before\n');
      const stdout = join(lab.place.path(`base-${session}`, 'runs', `${id}.1`), 'stdout');
      const [writer] = living(/^(\S*\/)?cat$/).filter(({ pid }) => hasOpen(pid, 1, stdout));
      const mend = await failCalls({ pid: writer?.pid ?? 0, calls: ['write', 'splice'] });
      writeFileSync(speak ?? '', '');
      await until('it is written down', () => existsSync(join(stdout, '..', 'loss')));
      await mend();
      writeFileSync(go ?? '', '');
      expect(await lab.place.whole(id, 30_000)).toMatchObject({ status: 'FAILED', exitCode: 3, attempt: 1 });
      expect(await lab.place.logs(id, 'stdout')).toBe('before\nbehind\n');
      expect(await said(id)).toMatch(
        /Up to \d+ bytes of stdout are missing behind byte 7: the disk of the agent was full, or failed/,
      );
      const words = ['log', 'verify', id, '--base-dir', lab.place.path(`base-${session}`)];
      expect(await lab.place.keruta(words)).toMatchObject({
        status: 1,
        stdout: expect.stringMatching(/not whole.*up to \d+ bytes could not be kept/s),
      });
    }
    tally({ row: 'F-53', rounds: rounds(1, 10), note: 'output' });
    await agent.stop('SIGKILL');
  },
);
