import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { shimScript } from '../../../internal/executor/shim/shim-script.ts';

const hasBash = existsSync('/bin/bash') && existsSync('/usr/bin/cat') && existsSync('/usr/bin/mkfifo');

test.skipIf(!hasBash)(
  'a spare whose wait is over in the middle of the word that gives it its run takes the run all the same (needs bash)',
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'spare-word-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const at = (name: string) => join(directory, name);
    writeFileSync(at('shim.sh'), shimScript);
    mkdirSync(at('pipes'));
    writeFileSync(at('script'), 'exit 3\n');
    writeFileSync(
      at('text'),
      `cd '${directory}' || exit 1\nset -- '${directory}' 'none' '/bin/sh' 'script'\n`,
    );
    const text = openSync(at('text'), 'r');
    const words = ['shim.sh', 'spare', '/usr/bin/cat', '/usr/bin/sleep', '/usr/bin/mkfifo', '0022'];
    const child = spawn('/bin/bash', [...words, String(process.pid)], {
      ...{ cwd: directory, detached: true, env: {} },
      stdio: ['ignore', 'ignore', 'ignore', text],
    });
    const over = new Promise((done) => child.once('close', done));
    await expect.poll(() => existsSync(at('ready')), { timeout: 20_000 }).toBe(true);
    const go = openSync(at('go'), 'r+');
    writeSync(go, 'g');
    // its wait takes five seconds: this is longer than one, and shorter than two
    await new Promise((done) => setTimeout(done, 6_500));
    writeSync(go, 'o\n');
    await over;
    closeSync(go);
    closeSync(text);
    expect(readFileSync(at('exit'), 'utf8')).toMatch(/^code 3\n/);
  },
  40_000,
);
