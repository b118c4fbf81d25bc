import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readJsonFile, writeJsonFile } from '../../../pkg/files/json-file.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keruta-json-'));
  file = join(directory, 'state.json');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const value = { version: 1, offset: 1234, text: 'a "crc32":1} ü\n', list: [{ a: null }] };

describe('a state file', () => {
  test('gives back what was written, for its owner alone, and leaves nothing beside it', () => {
    writeJsonFile(file, value, { sync: true });
    expect(readJsonFile(file)).toMatchObject(value);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['state.json']);
  });

  test.each([[{}], ['an id'], [[1, 2]], [null], [{ crc32: 5 }]])('may hold %j', (other) => {
    writeJsonFile(file, other);
    const read = readJsonFile(file);
    if (other !== null && typeof other === 'object' && !Array.isArray(other))
      expect(read).toBeTypeOf('object');
    else expect(read).toEqual(other);
  });

  test('F-54: is none at all when any one of its bits is another one, or its end is missing', () => {
    writeJsonFile(file, value);
    const bytes = readFileSync(file);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      writeFileSync(file, damaged);
      const read = readJsonFile(file);
      // a digit of the checksum, or its name, may become one that is no checksum: then the value itself is the right one
      if (read !== null) expect(read).toMatchObject(value);
    }
    for (let length = 0; length < bytes.length; length++) {
      writeFileSync(file, bytes.subarray(0, length));
      expect(readJsonFile(file)).toBeNull();
    }
  });

  test('is read without a checksum, as older versions wrote it', () => {
    writeFileSync(file, JSON.stringify(value));
    expect(readJsonFile(file)).toEqual(value);
  });
});
