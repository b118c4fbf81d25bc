/** Models that want out of their slot, or want to know what they are not told. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { calls, done, lastMessage, messagesOf, says } from '../../../fake-server/chat.ts';
import { lives } from '../../../fixtures/lives.ts';
import { key, makePlace, type Place, secret } from './place.ts';

let place: Place;
beforeEach(async () => {
  place = await makePlace();
  place.put('text', 'inside\n');
  symlinkSync(place.outside, join(place.slot, 'out'));
  symlinkSync(join(place.outside, 'text'), join(place.slot, 'file'));
  symlinkSync('.git', join(place.slot, 'repository'));
});
afterEach(() => place.close());

/** What an attack must not change. */
const state = () => [
  readdirSync(place.outside).map((name) => [name, readFileSync(join(place.outside, name), 'utf8')]),
  readFileSync(join(place.slot, '.git/config'), 'utf8'),
];

describe('no tool leaves the slot', () => {
  const ways = (outside: string) => [
    'out/text',
    'file',
    '../outside/text',
    'out/../out/text',
    'a/../../outside/text',
    `${outside}/text`,
    '/etc/passwd',
    '.git/config',
    './.git/config',
    '.GIT/config',
    'repository/config',
    '.git',
  ];

  test.each([
    ['read_file', (path: string) => ({ path })],
    ['write_file', (path: string) => ({ path, content: 'caught' })],
    ['patch_file', (path: string) => ({ path, edits: [{ old: 'outside', new: 'caught' }] })],
    ['list_files', (path: string) => ({ path })],
    ['search', (path: string) => ({ path, text: 'utsid' })],
  ] as const)('%s, by no way', async (name, args) => {
    const before = state();
    const all = ways(place.outside);
    const ended = await place.work([...all.map((path) => calls(name, args(path))), done()]);
    expect(ended.outcome).toBe('done');
    const results = place.server.requests.slice(1).map(lastMessage);
    for (const [at, result] of results.entries())
      expect([all[at], result]).toEqual([all[at], expect.stringMatching(/^refused: /)]);
    expect(state()).toEqual(before);
    const heard = messagesOf(place.server.requests.at(-1)).filter(({ role }) => role === 'tool');
    expect(JSON.stringify(heard)).not.toMatch(/outside[^/]|\[core\]/);
  });

  test('lists and searches pass over links and the repository itself', async () => {
    await place.work([calls('list_files', { depth: 10 }), calls('search', { text: 'e' }), done()]);
    const [, list, found] = place.server.requests.map(lastMessage);
    expect(list).toBe('file@\nout@\nrepository@\ntext');
    expect(found).toBe('text:1: inside');
  });

  test('a file of another name outside is not written through', async () => {
    execFileSync('ln', [join(place.outside, 'text'), join(place.slot, 'twin')]);
    const before = state();
    await place.work([calls('write_file', { path: 'twin', content: 'caught' }), done()]);
    expect([place.read('twin'), state()]).toEqual(['caught', before]);
  });
});

describe('no secret is sent, told or written', () => {
  test('that a command prints, in whatever form', async () => {
    const command =
      'echo "$SECRET"; printf %s "$SECRET" | base64; printf %s "$SECRET" | od -An -tx1 | tr -d " \\n"; exit 3';
    const ended = await place.work([
      calls('run_command', { command }),
      calls('finish', { outcome: 'done', summary: `it is ${secret}` }),
    ]);
    expect(lastMessage(place.server.requests[1])).toMatch(/^exit status 3\n\*{20}\n/);
    expect(ended.summary).toBe(`it is ${'*'.repeat(secret.length)}`);
    for (const form of [
      secret,
      Buffer.from(secret).toString('base64').slice(0, 20),
      Buffer.from(secret).toString('hex'),
    ])
      expect(place.seen().includes(form)).toBe(false);
  });

  test('that stands in the prompt, in a file, in its name, or in what the model says', async () => {
    place.put('.env', `TOKEN=${secret}\nKEY=${key}\n`);
    place.put(secret, 'x');
    const ended = await place.work(
      [
        calls('read_file', { path: '.env' }, { text: `I look for ${secret}` }),
        calls('search', { text: secret }),
        calls('list_files', {}),
        calls(secret, { path: secret }),
        says({ text: `no ${key}` }),
        done(),
      ],
      { prompt: `The token is ${secret}.` },
    );
    expect(ended.outcome).toBe('done');
    expect([place.seen().includes(secret), place.seen().includes(key)]).toEqual([false, false]);
  });

  test('is still in the file that a model wrote with it: only what is told is masked', async () => {
    await place.work([calls('run_command', { command: 'echo "$SECRET" > copy' }), done()]);
    expect(place.read('copy')).toBe(`${secret}\n`);
  });
});

describe('a command of a model', () => {
  test('that leaves something behind leaves nothing', async () => {
    await place.work([calls('run_command', { command: 'setsid sleep 4716.01 & echo started' }), done()]);
    expect(lives('4716.01')).toBe(false);
    expect(lastMessage(place.server.requests[1])).toBe('exit status 0\nstarted\n');
  });

  test('that prints without end is ended at its time, and its output is cut', async () => {
    await place.work([calls('run_command', { command: 'yes', timeout_seconds: 10 }), done()]);
    const result = lastMessage(place.server.requests[1]);
    expect(result).toMatch(/^did not end within 10 s and was ended\ny\n/);
    expect(result.length).toBeLessThan(60_000);
  });
});
