import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { hasEnded, pause, type Started, until } from '../e2e/place.ts';
import { Lab } from './lab/lab.ts';
import { isStopped, maxAgentMebibytes, peakMegabytes } from './lab/processes.ts';
import { rounds, tally } from './lab/rounds.ts';
import { noStarvation, Starvation } from './lab/starvation.ts';

/** J. Artifacts: what a task leaves to be collected, and what happens to it on the way. */
let lab: Lab;
let session: string;
let agent: Started;
beforeAll(async () => {
  lab = await Lab.open('artifacts');
  session = await lab.place.session('artifacts');
  agent = await lab.agent(session, { args: ['--max-file-size', '20MB'] });
});
afterAll(() => lab.close());

async function leave(script: string, timeoutMs = 60_000) {
  const id = await lab.submit(session, `cd "$KERUTA_ARTIFACTS_DIR"; rm -rf ./*; ${script}`);
  // the end is told before all files have arrived
  const task = await lab.place.when(id, (seen) => hasEnded(seen.status) && seen.logComplete, timeoutMs);
  const artifacts = await lab.place.artifacts(id);
  return { id, task, artifacts, names: artifacts.map(({ path }) => path).sort() };
}

test('F-103: links, also those of directories and to devices, are left out and named', async () => {
  const { id, names, task } = await leave(
    'echo mine > mine; ln -s /etc/passwd passwd; ln -s /etc etc; ln -s /dev/zero zero; ln /etc/hostname hard 2>/dev/null; mkdir d; ln -s ../mine d/inner; ln -s / d/root; true',
  );
  expect(task.status).toBe('COMPLETED');
  expect(names).toEqual(['mine']);
  const said = JSON.stringify(await lab.place.api('GET', `/tasks/${id}/logs`));
  for (const name of ['passwd', 'etc', 'zero', 'd/inner', 'd/root']) expect(said).toContain(name);
  tally({ row: 'F-103', rounds: 1 });
});

test('S-34: nothing that holds credentials or is keruta’s own becomes an artifact, in whatever way a task names it', async () => {
  const base = lab.place.path(`base-${session}`);
  const home = lab.place.path('s34');
  const script = [
    `mkdir -p '${home}'; cd '${home}'; mkdir -p .git .ssh clear; ln -s .ssh open`,
    'for f in .env .netrc .npmrc .git/config .ssh/id clear/.ENV plain; do echo mine > $f; done',
    `for f in .env .netrc .npmrc .git/config .ssh/id open/id clear/.ENV '${base}/local.token' '${base}/agent.json' "$KERUTA_RUN_DIR/task.json"`,
    'do "$KERUTA_EXECUTABLE" artifact add "$f" --name innocent 2>&1; echo "exit $?"; done',
    // a link as a whole is refused before, and what a task makes of its own is taken
    'ln -s .env link; "$KERUTA_EXECUTABLE" artifact add link >&2; "$KERUTA_EXECUTABLE" artifact add plain >&2; "$KERUTA_EXECUTABLE" artifact add "$0" --name script >&2',
    'mkdir -p "$KERUTA_ARTIFACTS_DIR/.ssh"; echo x > "$KERUTA_ARTIFACTS_DIR/.ssh/id"; echo x > "$KERUTA_ARTIFACTS_DIR/admin.token"',
    `"$KERUTA_EXECUTABLE" success --artifacts-dir '${base}'`,
  ].join('\n');
  const { id, names, task } = await leave(script);
  expect(task.status).toBe('COMPLETED');
  expect(names).toEqual(['plain', 'script']);
  const told = await lab.place.logs(id, 'stdout');
  expect(told.match(/cannot be an artifact: (private|part of the state of keruta)/g)).toHaveLength(10);
  expect(told.match(/^exit 2$/gm)).toHaveLength(10);
  const said = JSON.stringify(await lab.place.api('GET', `/tasks/${id}/logs`));
  for (const skipped of ['.ssh: private', 'admin.token: private', `${base}: part of the state of keruta`])
    expect(said).toContain(`skipped: ${skipped}`);

  const outside = await lab.place.submit(await lab.place.session('s34 outside'), 'true');
  const add = (file: string) => lab.place.keruta(['artifact', 'add', file, '--task-id', outside]);
  for (const file of ['.env', '.git/config', 'open/id', 'clear/.ENV'])
    expect(await add(`${home}/${file}`)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('cannot be an artifact: private'),
    });
  const words = ['artifact', 'add', join(base, 'agent.json'), '--task-id', outside, '--base-dir', base];
  expect(await lab.place.keruta(words)).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('cannot be an artifact: part of the state of keruta'),
  });
  expect((await add(`${home}/plain`)).status).toBe(0);
  expect((await lab.place.artifacts(outside)).map(({ path }) => path)).toEqual(['s34/plain']);
  tally({ row: 'S-34', rounds: 1 });
});

test.skipIf(noStarvation)(
  `F-104: eight FIFOs, a socket and a device hold up nothing: health answers within a second all the while${noStarvation ? ` (${noStarvation})` : ''}`,
  async () => {
    const api = /"api":"(http[^"]+)"/.exec(agent.stderr())?.[1] ?? '';
    const script =
      'for i in 1 2 3 4 5 6 7 8; do mkfifo fifo$i; done; mknod null c 1 3 2>/dev/null; python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\'sock\')" 2>/dev/null; echo real > real; seq 1 20000';
    const id = await lab.submit(session, `cd "$KERUTA_ARTIFACTS_DIR"; rm -rf ./*; ${script}`);
    const machine = new Starvation(agent.pid);
    onTestFinished(() => machine.stop());
    let [worstMs, asked] = [0, 0];
    for (let over = false; !over; ) {
      const before = performance.now();
      expect((await fetch(`${api}/health`)).status).toBe(200);
      worstMs = Math.max(worstMs, performance.now() - before);
      asked += 1;
      over = (await lab.place.task(id)).logComplete;
      await pause(10);
    }
    expect((await lab.place.artifacts(id)).map(({ path }) => path)).toEqual(['real']);
    expect((await lab.place.logs(id, 'stdout')).split('\n')).toHaveLength(20_001);
    expect(worstMs - machine.othersMs(worstMs)).toBeLessThan(1000);
    tally({ row: 'F-104', rounds: 1, note: `${asked} looks at health, the worst ${Math.round(worstMs)} ms` });
  },
);

test('F-105: a file that changes while it is sent arrives as one state of it, or is marked', async () => {
  for (let round = 0; round < rounds(3, 50); round++) {
    // the writer outlives the script by a moment, so that it meets the collection
    const script = `yes a | head -c 3000000 > f; (trap "" TERM; for i in $(seq 1 60); do yes $i | head -c $((3000000 + i * 1000)) > f; done) & sleep 0.0${round % 10}; exit 0`;
    const { id, artifacts } = await leave(script);
    for (const artifact of artifacts) {
      const file = lab.place.path('f105');
      const got = await lab.place.bash(
        `curl -fsS -H "Authorization: Bearer $KERUTA_API_TOKEN" "$KERUTA_API_URL/api/v1/tasks/${id}/artifacts/${artifact.id}/content" -o '${file}' && sha256sum < '${file}' && stat -c %s '${file}'`,
      );
      const [sha256, size] = got.stdout.split('\n');
      expect(sha256?.slice(0, 64)).toBe(artifact.sha256);
      expect(Number(size)).toBe(artifact.size);
      const kinds = new Set((await lab.place.bash(`sort -u '${file}' | wc -l`)).stdout.trim());
      if (!artifact.unstable) expect(Number([...kinds].join(''))).toBeLessThanOrEqual(2);
    }
  }
  tally({ row: 'F-105', rounds: rounds(3, 50) });
});

test('F-105: a file that vanishes before its turn is named, and the others arrive whole', async () => {
  const own = await lab.place.session('f105 vanished');
  const slow = await lab.agent(own, { failpoint: 'mid_artifact:stop' });
  const large = ['a1', 'a2', 'a3', 'a4'];
  const script = `cd "$KERUTA_ARTIFACTS_DIR"; for f in ${large.join(' ')}; do head -c 6000000 /dev/zero > $f; done; echo gone > z; pwd > '${lab.place.path('f105-where')}'`;
  const id = await lab.submit(own, script);
  // as many as are sent at a time are under way, and the last one waits
  await until('it stands still', () => isStopped(slow.child.pid ?? 0), 60_000);
  rmSync(join(readFileSync(lab.place.path('f105-where'), 'utf8').trim(), 'z'));
  slow.child.kill('SIGCONT');
  await lab.place.whole(id, 60_000);
  const artifacts = (await lab.place.artifacts(id)).map(({ path, size }) => `${path} ${size}`);
  expect(artifacts.toSorted()).toEqual(large.map((name) => `${name} 6000000`));
  const said = JSON.stringify(await lab.place.api('GET', `/tasks/${id}/logs`));
  expect(said).toMatch(/An artifact was skipped: z: .*it cannot be opened any more/);
  await slow.stop('SIGKILL');
  tally({ row: 'F-105', rounds: 1, note: 'vanished before its turn' });
});

test('F-106: odd names arrive as data, and no path on the server is made from them', async () => {
  const { task, names } = await leave(
    `printf 1 > -rf; printf 2 > 'a b'; printf 3 > "$(printf 'n\\nl')"; printf 4 > "$(printf '\\033[31m')"; printf 5 > "$(printf '\\342\\200\\256txt')"; printf 6 > "$(printf '\\377\\376')"; printf 7 > ${'x'.repeat(255)}; printf 8 > UP; printf 9 > up; mkdir d..d; printf 10 > 'd..d/x..'; true`,
  );
  expect(task.status).toBe('COMPLETED');
  expect(names).toEqual(expect.arrayContaining(['-rf', 'UP', 'a b', 'up', 'x'.repeat(255), 'd..d/x..']));
  for (const name of names) expect(name).not.toMatch(/[\p{Cc}]/u);
  const stored = readdirSync(lab.place.path('server'), { recursive: true }).map(String);
  expect(stored.filter((path) => /-rf|xxxx|d\.\.d|a b/.test(path))).toEqual([]);
  tally({ row: 'F-106', rounds: 1, note: `${names.length} of 11 taken` });
});

test('F-107: a sparse terabyte, a file over the limit and one more than a task may have are left out before they are read; many small ones arrive, in bounded memory', async () => {
  const count = rounds(300, 10_000);
  const most = 10_000;
  const before = Date.now();
  const { id, names } = await leave(
    `truncate -s 1T sparse; head -c 21000000 /dev/zero > big; head -c 20000000 /dev/zero > fits; for i in $(seq 1 ${count}); do echo $i > s$i; done`,
    1_500_000,
  );
  expect(names).toHaveLength(Math.min(count + 1, most));
  expect(names).toContain('fits');
  const said = JSON.stringify(await lab.place.api('GET', `/tasks/${id}/logs`));
  for (const name of ['sparse', 'big']) expect(said).toContain(`skipped: ${name}: `);
  // by name the last
  if (count + 1 > most) expect(said).toContain(`skipped: s9999: over the limit of ${most} artifacts`);
  const peak = peakMegabytes(agent.pid);
  expect(peak).toBeGreaterThan(0);
  expect(peak).toBeLessThan(maxAgentMebibytes);
  const note = `${count} files in ${Date.now() - before} ms, agent ${peak} MiB at most`;
  tally({ row: 'F-107', rounds: 1, note });
});

test('F-109: a byte that flips on the way is noticed, and the file is sent again', async () => {
  const random = createHash('sha256').update('f109').digest('hex');
  const id = await lab.submit(
    session,
    `cd "$KERUTA_ARTIFACTS_DIR"; rm -rf ./*; yes ${random} | head -c 400000 > f; sha256sum < f; while [ ! -e '${lab.place.path('f109-go')}' ]; do sleep 0.02; done`,
  );
  // the task removes first what the one before it left
  await until('the file is written', async () => (await lab.place.logs(id, 'stdout')).length > 60, 60_000);
  let flips = 0;
  lab.proxy.change = (bytes) => {
    const at = flips === 0 ? bytes.indexOf(random.slice(0, 32)) : -1;
    if (at < 0) return bytes;
    flips += 1;
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    return changed;
  };
  await lab.place.bash(`touch '${lab.place.path('f109-go')}'`);
  await lab.place.whole(id, 60_000);
  lab.proxy.change = null;
  expect(flips).toBe(1);
  const [artifact] = await lab.place.artifacts(id);
  expect(await lab.place.logs(id, 'stdout')).toContain(artifact?.sha256);
  tally({ row: 'F-109', rounds: 1 });
});

test('F-110: a page that is an artifact cannot act when it is opened from the server', async () => {
  const { id, artifacts } = await leave(
    `echo '<script>alert(1)</script>' > page.html; echo '<svg onload="alert(1)"/>' > image.svg`,
  );
  expect(artifacts).toHaveLength(2);
  for (const artifact of artifacts) {
    const answer = await lab.place.bash(
      `curl -sS -D - -o /dev/null -H "Authorization: Bearer $KERUTA_API_TOKEN" "$KERUTA_API_URL/api/v1/tasks/${id}/artifacts/${artifact.id}/content"`,
    );
    expect(answer.stdout.toLowerCase()).toContain('content-disposition: attachment');
    expect(answer.stdout.toLowerCase()).toContain('x-content-type-options: nosniff');
    expect(answer.stdout.toLowerCase()).toMatch(/content-security-policy: .*sandbox/);
  }
  tally({ row: 'F-110', rounds: 1 });
});
