import { describe, expect, test } from 'vitest';
import { prepareScript } from '../../../internal/executor/shim/interpreter.ts';
import { parseExit } from '../../../internal/executor/shim/run-files.ts';

const place = { path: '/usr/local/bin:/usr/bin:/bin', workingDirectory: '/tmp' };
const interpreterOf = (script: string) => prepareScript(script, place).interpreter;

describe('the interpreter of a script', () => {
  test.each([
    ['echo', 'bash'],
    ['', 'bash'],
    ['#!\necho', 'bash'],
    ['# !/bin/none\n', 'bash'],
  ])('is bash when %j names none', (script, name) => {
    expect(interpreterOf(script)).toEqual([expect.stringMatching(new RegExp(`/${name}$`))]);
  });

  test('is sh when there is no bash on the PATH', () => {
    const { interpreter } = prepareScript('echo', { ...place, path: '/nowhere' });
    expect(interpreter).toEqual([expect.stringMatching(/\/sh$/)]);
  });

  test.each([
    ['#!/bin/sh', ['/bin/sh']],
    ['#! /bin/sh -eu \r\n', ['/bin/sh', '-eu']],
    ['#!/bin/sh -e -u\n', ['/bin/sh', '-e -u']],
    ['#!/usr/bin/env -i A=1 sh\n', ['/usr/bin/env', '-S', '-i A=1 sh']],
    ['#!/usr/bin/env A=1 sh\n', ['/usr/bin/env', '-S', 'A=1 sh']],
  ])('of %j is what the first line says', (script, words) => {
    expect(interpreterOf(script)).toEqual(words);
  });

  test.each(['#!/usr/bin/env sh -eu\n', '#!/usr/bin/env -S sh -eu\n'])('of %j is looked up', (script) => {
    expect(interpreterOf(script)).toEqual([expect.stringMatching(/\/sh$/), '-eu']);
  });

  test.each(['#!/opt/none/x', '#!/usr/bin/env no-such-language', '#!/tmp', '#!./none'])(
    'of %j is missed by name',
    (script) => {
      expect(() => interpreterOf(script)).toThrow(
        /asks for the interpreter ".+", which is not installed here/,
      );
    },
  );
});

describe('line ends of a script', () => {
  test.each(['a\r\nb\r\n', '#!/bin/sh\r\na\r\n', '#!/usr/bin/env bash\r\na\r\n'])(
    '%j becomes LF',
    (script) => {
      expect(prepareScript(script, place).text).not.toContain('\r');
    },
  );

  test.each(['a\r\nb\n', 'a\nb', '#!/bin/cat\r\na\r\n', 'printf "a\rb"\n'])('%j stays', (script) => {
    expect(prepareScript(script, place).text).toBe(script);
  });
});

describe('the exit file', () => {
  const times = '0m0.001s 0m0.002s\n1m1.250s 0m0,030s\n';

  test('tells code and time of the children', () => {
    expect(parseExit(`code 143\n${times}.\n`)).toEqual({ exitCode: 143, signal: null, cpuMs: 61_280 });
  });

  test('tells a signal by name, or by number when it has none', () => {
    expect(parseExit(`signal 143\n${times}.\n`)).toMatchObject({ exitCode: null, signal: 'SIGTERM' });
    expect(parseExit(`signal 168\n.\n`)).toEqual({ exitCode: null, signal: 'SIG40', cpuMs: null });
  });

  test.each(['', 'code 1', 'code 1\n', `code 1\n${times}`, `code 1\n${times}.`, 'what 1\n.\n'])(
    'says nothing before it is complete: %j',
    (text) => {
      expect(parseExit(text)).toBeNull();
    },
  );
});
