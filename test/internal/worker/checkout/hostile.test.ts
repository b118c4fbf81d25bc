import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer as createTlsServer, type Server } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProcess } from '../../../../pkg/process/run.ts';
import { heldUp } from '../../../faults/lab/starvation.ts';
import { commit, git, makeRepository, temporaryDirectory, write } from '../../../fixtures/git.ts';
import { badRefs, badUrls } from '../../../fixtures/hostile-names.ts';
import { makeDesk } from './checkout-fixture.ts';

describe('S-23: a clone that the task before has poisoned', () => {
  test('nothing that was planted runs, and the configuration is ours again', async () => {
    const remote = makeRepository({ 'a.txt': 'one', '.gitattributes': '* filter=evil\n' });
    const desk = makeDesk({ environment: { PATH: process.env.PATH, SECRET_TOKEN: 'hush' } });
    await desk.checkout(remote);
    const leak = join(temporaryDirectory('leak'), 'leak');
    const evil = join(desk.base, 'evil.sh');
    writeFileSync(evil, `#!/bin/sh\nenv >> ${leak}\ncat\n`, { mode: 0o755 });
    const settings = [
      ...['core.fsmonitor', 'core.sshCommand', 'core.gitProxy', 'core.editor', 'core.alternateRefsCommand'],
      ...['remote.origin.uploadpack', 'credential.helper', 'diff.external', 'gpg.program', 'core.askPass'],
      ...['filter.evil.clean', 'filter.evil.smudge', 'filter.evil.process', 'uploadpack.packObjectsHook'],
    ];
    for (const name of settings) git(desk.directory, 'config', name, evil);
    git(desk.directory, 'config', 'core.worktree', '/etc');
    git(desk.directory, 'config', 'url.ext::sh.insteadOf', remote);
    git(desk.directory, 'config', 'protocol.ext.allow', 'always');
    const dot = join(desk.directory, '.git');
    for (const hook of ['post-checkout', 'reference-transaction', 'post-index-change', 'fsmonitor-watchman'])
      write(dot, { [`hooks/${hook}`]: readFileSync(evil, 'utf8') });
    for (const hook of readdirSync(join(dot, 'hooks'))) chmodSync(join(dot, 'hooks', hook), 0o755);
    write(dot, {
      'info/attributes': '* filter=evil\n',
      'config.worktree': readFileSync(join(dot, 'config'), 'utf8'),
    });
    write(desk.directory, { 'b.txt': 'dirty' });
    commit(remote, { 'a.txt': 'two' }, 'second');

    const done = await desk.checkout(remote, { taskId: 'task-2' });
    expect(done.stashedRef).toBe('refs/keruta/task-2/before');
    expect(readFileSync(join(desk.directory, 'a.txt'), 'utf8')).toBe('two');
    expect(existsSync(leak)).toBe(false);
    expect(readdirSync(join(dot, 'hooks'))).toEqual([]);
    expect(readFileSync(join(dot, 'config'), 'utf8')).not.toContain('evil');
    expect(existsSync(join(dot, 'config.worktree')) || existsSync(join(dot, 'info/attributes'))).toBe(false);
  });

  test('links in the place of its own files are replaced, not followed', async () => {
    const remote = makeRepository({ 'a.txt': 'one' });
    const desk = makeDesk();
    await desk.checkout(remote);
    const outside = temporaryDirectory('outside');
    write(outside, { config: 'mine', 'hooks/keep': 'x', 'info/attributes': 'x' });
    const dot = join(desk.directory, '.git');
    for (const name of ['config', 'hooks', 'info']) {
      rmSync(join(dot, name), { recursive: true });
      symlinkSync(join(outside, name), join(dot, name));
    }
    write(dot, { commondir: outside });
    await desk.checkout(remote);
    expect(readFileSync(join(outside, 'config'), 'utf8')).toBe('mine');
    expect(readdirSync(join(outside, 'hooks'))).toEqual(['keep']);
    expect(existsSync(join(outside, 'info/attributes'))).toBe(true);
    for (const name of ['config', 'hooks', 'info'])
      expect(lstatSync(join(dot, name)).isSymbolicLink()).toBe(false);
  });

  test('S-27: a clone without its marker is not trusted any more', async () => {
    const remote = makeRepository({ 'a.txt': 'one' });
    const desk = makeDesk();
    await desk.checkout(remote);
    rmSync(join(desk.directory, '.git/keruta-clone.json'));
    await expect(desk.checkout(remote)).rejects.toMatchObject({ code: 'KERUTA_ERR_DIRECTORY' });
  });
});

describe('what is refused before git runs', () => {
  const refuse = async (repositoryUrl: string, ref: string) => {
    let started = 0;
    const run: typeof runProcess = (call) => {
      started += 1;
      return runProcess(call);
    };
    const desk = makeDesk({ run });
    const error = await desk.checkout(repositoryUrl, { ref, allowLocalGit: false }).catch((caught) => caught);
    expect(error).toMatchObject({ code: 'KERUTA_ERR_REPOSITORY_REFUSED' });
    expect(started).toBe(0);
    expect(readdirSync(desk.base)).toEqual([]);
  };

  test.each(badUrls)('S-21: an address: %s', (_what, url) => refuse(url, 'main'));

  test.each(badRefs.map((ref) => [JSON.stringify(ref.slice(0, 40)), ref]))(
    'S-22: the ref %s',
    (_shown, ref) => refuse('https://example.org/app.git', ref),
  );
});

test('S-25: submodules are not fetched, and odd paths in a repository run nothing', async () => {
  const remote = makeRepository({ 'a.txt': 'one' });
  write(remote, { '.gitmodules': '[submodule "x"]\n\tpath = x\n\turl = ext::touch /tmp/never\n' });
  git(remote, 'update-index', '--add', '--cacheinfo', `160000,${git(remote, 'rev-parse', 'HEAD')},x`);
  git(remote, 'add', '.gitmodules');
  git(remote, 'commit', '--quiet', '--message', 'submodule');
  const desk = makeDesk();
  const done = await desk.checkout(remote).catch((error) => error);
  // git's own check of objects may refuse the address; either way nothing ran
  expect(['KERUTA_ERR_GIT', undefined]).toContain(done.code);
  expect(existsSync('/tmp/never')).toBe(false);
});

describe('a remote that', () => {
  test.for(['https://', 'ssh://git@'])(
    'F-92, S-24: accepts by %s and never answers ends at the deadline, with all that waits for it',
    async (address, { skip }) => {
      skip(address.startsWith('ssh') && spawnSync('ssh', ['-V']).status !== 0, 'needs ssh');
      const closed: Promise<unknown>[] = [];
      const sink = createServer((socket) => {
        socket.on('error', () => {}).resume();
        closed.push(new Promise((resolve) => socket.once('close', resolve)));
      }).listen(0, '127.0.0.1');
      await new Promise((resolve) => sink.once('listening', resolve));
      const { port } = sink.address() as AddressInfo;
      const [before, held] = [performance.now(), heldUp()];
      // long enough for git and ssh to get there
      const error = await makeDesk()
        .checkout(`${address}127.0.0.1:${port}/app.git`, { timeoutMs: 4_000 })
        .catch((e) => e);
      const tookMs = performance.now() - before;
      sink.close();
      expect(error).toMatchObject({ code: 'KERUTA_ERR_REPOSITORY_UNREACHABLE' });
      expect(error.message).toContain('did not end within');
      expect(tookMs).toBeGreaterThanOrEqual(4_000);
      expect(tookMs).toBeLessThan(12_000 + held());
      expect(closed.length).toBeGreaterThan(0);
      await Promise.all(closed);
    },
  );

  test('is not there is unreachable', async () => {
    await expect(makeDesk().checkout('https://127.0.0.1:9/app.git')).rejects.toMatchObject({
      code: 'KERUTA_ERR_REPOSITORY_UNREACHABLE',
    });
  });

  test('an abort ends the wait with its own reason', async () => {
    const sink = createServer(() => {}).listen(0, '127.0.0.1');
    await new Promise((resolve) => sink.once('listening', resolve));
    const { port } = sink.address() as AddressInfo;
    const controller = new AbortController();
    sink.once('connection', () => controller.abort(new Error('stop')));
    const { signal } = controller;
    await expect(makeDesk().checkout(`https://127.0.0.1:${port}/a`, { signal })).rejects.toThrow('stop');
    sink.close();
  });

  test('is reached over ssh gets the command of the environment, or one that never asks', async () => {
    const desk = makeDesk();
    const log = join(desk.base, 'ssh.log');
    const bin = join(desk.base, 'bin');
    write(desk.base, { 'bin/ssh': `#!/bin/sh\necho "ssh $@" >> ${log}\nenv >> ${log}\nexit 255\n` });
    chmodSync(join(bin, 'ssh'), 0o755);
    write(desk.base, { 'bin/coder': `#!/bin/sh\necho "coder $@" >> ${log}\nexit 255\n` });
    chmodSync(join(bin, 'coder'), 0o755);
    const environment = {
      PATH: `${bin}:${process.env.PATH}`,
      SSH_AUTH_SOCK: '/agent',
      HOME: '/home/me',
      KERUTA_API_TOKEN: 'krt_hush',
    };
    const attempt = (more: object, mode: 'inherit' | 'none') =>
      makeDesk({ environment: { ...environment, ...more } })
        .checkout('git@example.org:team/app.git', { credentials: mode })
        .catch((error) => error);
    expect(await attempt({}, 'inherit')).toMatchObject({ code: 'KERUTA_ERR_REPOSITORY_UNREACHABLE' });
    const inherited = readFileSync(log, 'utf8');
    expect(inherited).toContain('-oStrictHostKeyChecking=accept-new');
    expect(inherited).toContain('-oBatchMode=yes');
    expect(inherited).toMatch(/SSH_AUTH_SOCK=\/agent\n/);
    expect(inherited).toMatch(/HOME=\/home\/me\n/);
    expect(inherited).not.toContain('krt_hush');
    rmSync(log);
    await attempt({}, 'none');
    expect(readFileSync(log, 'utf8')).toContain('-oIdentityAgent=none');
    expect(readFileSync(log, 'utf8')).not.toMatch(/\/agent|\/home\/me/);
    await attempt({ GIT_SSH_COMMAND: 'coder gitssh --' }, 'inherit');
    expect(readFileSync(log, 'utf8')).toContain('coder gitssh -- ');
  });
});

describe('a remote that asks for credentials', () => {
  let server: Server;
  let url = '';
  let certificate = '';
  const seen: string[] = [];

  beforeAll(async () => {
    const place = temporaryDirectory('tls');
    certificate = join(place, 'cert.pem');
    const options = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const output = ['-keyout', join(place, 'key.pem'), '-out', certificate];
    execFileSync('openssl', ['req', ...options, ...subject, ...output], { stdio: 'ignore' });
    const remote = makeRepository({ 'a.txt': 'one' });
    git(remote, 'update-server-info');
    const tls = { key: readFileSync(join(place, 'key.pem')), cert: readFileSync(certificate) };
    // A static ("dumb") git server behind basic authentication.
    server = createTlsServer(tls, (request, response) => {
      seen.push(request.headers.authorization ?? '');
      const path = new URL(request.url ?? '', 'https://x').pathname;
      const file = join(remote, '.git', path.replace(/^\/app/, ''));
      if (request.headers.authorization !== `Basic ${Buffer.from('me:s3cret-pass').toString('base64')}`)
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      else if (path.startsWith('/moved')) response.writeHead(302, { location: '/app/info/refs' }).end();
      else if (existsSync(file)) response.end(readFileSync(file));
      else response.writeHead(404).end();
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    url = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  const desk = (run: typeof runProcess = runProcess) =>
    makeDesk({ run, environment: { PATH: process.env.PATH, GIT_SSL_CAINFO: certificate } });
  const inherit = { credentials: 'inherit' as const };

  test('gets those of the address, which are in no argument, no configuration and no message', async () => {
    const args: string[] = [];
    const place = desk((call) => {
      args.push(...call.args);
      return runProcess(call);
    });
    await place.checkout(`https://me:s3cret-pass@${url}/app`, inherit);
    expect(readFileSync(join(place.directory, 'a.txt'), 'utf8')).toBe('one');
    expect(args.join(' ')).not.toContain('s3cret');
    expect(() => execFileSync('grep', ['-r', '-q', 's3cret-pass', place.base])).toThrow();
  });

  test('and gets wrong ones or none is an immediate, clear failure', async () => {
    for (const user of ['me:wrong-password@', 'someone-odd@', '']) {
      const error = await desk()
        .checkout(`https://${user}${url}/app`, inherit)
        .catch((caught) => caught);
      expect(error).toMatchObject({ code: 'KERUTA_ERR_REPOSITORY_AUTH' });
      expect(error.message).not.toMatch(/wrong-password|someone-odd/);
    }
    expect(seen.some((header) => header.startsWith('Basic'))).toBe(true);
  });

  test('and redirects is not followed', async () => {
    const error = await desk()
      .checkout(`https://me:s3cret-pass@${url}/moved`, inherit)
      .catch((caught) => caught);
    expect(error).toMatchObject({ code: 'KERUTA_ERR_REPOSITORY_UNREACHABLE' });
    expect(error.message).toContain('redirect');
  });
});

test('a machine without git is told so', async () => {
  const desk = makeDesk({ environment: { PATH: '/no/such/bin' } });
  await expect(desk.checkout(makeRepository({ a: 'a' }))).rejects.toThrow(/install git/);
});
