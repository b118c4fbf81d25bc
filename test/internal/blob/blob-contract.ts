import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BlobStore } from '../../../internal/blob/blob.ts';

/** Where the blobs of one test rest; `open` may be called again after `close`. */
export interface BlobPlace {
  open(): Promise<BlobStore>;
  /** Removes it, after everything was closed. */
  remove(): Promise<void>;
}

const key = 'a-task/1/stdout';
const bytes = (text: string) => Buffer.from(text);

async function* pieces(...texts: string[]): AsyncIterable<Uint8Array> {
  for (const text of texts) yield bytes(text);
}

/** The laws of `internal/blob/blob.ts`; every adapter passes it. */
export function blobContract(name: string, newPlace: () => Promise<BlobPlace>): void {
  describe(`blobs in ${name}`, () => {
    let place: BlobPlace;
    let blob: BlobStore;
    beforeEach(async () => {
      place = await newPlace();
      blob = await place.open();
    });
    afterEach(async () => {
      await blob.close();
      await place.remove();
    });

    const text = async (of: string, from = 0, to?: number) => {
      const read: Uint8Array[] = [];
      for await (const piece of blob.read(of, from, to)) read.push(piece);
      return Buffer.concat(read).toString();
    };

    test('grow by appends at their end, from bytes or from pieces', async () => {
      expect(await blob.append(key, 0, bytes('one '))).toEqual({ ok: true, size: 4 });
      expect(await blob.append(key, 4, pieces('two', '', ' three'))).toEqual({ ok: true, size: 13 });
      expect(await blob.size(key)).toBe(13);
      expect(await text(key)).toBe('one two three');
    });

    test('are there after the store was opened again, and go on growing', async () => {
      await blob.append(key, 0, bytes('one '));
      await blob.close();
      blob = await place.open();
      expect(await blob.append(key, 4, bytes('two'))).toEqual({ ok: true, size: 7 });
      expect(await text(key)).toBe('one two');
    });

    test.each([0, 3, 5, 100])('do not change by an append at %i when they end at 4', async (offset) => {
      await blob.append(key, 0, bytes('four'));
      expect(await blob.append(key, offset, bytes('x'))).toEqual({ ok: false, size: 4 });
      expect(await blob.append(key, offset, pieces('x'))).toEqual({ ok: false, size: 4 });
      expect(await text(key)).toBe('four');
    });

    test('take one of two appends at the same offset; the other learns the new end', async () => {
      const both = await Promise.all([
        blob.append(key, 0, pieces('first', ' half')),
        blob.append(key, 0, pieces('other')),
      ]);
      const won = both.filter((one) => one.ok);
      expect(won).toHaveLength(1);
      expect(both.find((one) => !one.ok)).toEqual({ ok: false, size: won[0]?.size });
      expect(await blob.size(key)).toBe(won[0]?.size);
    });

    test('that were never written have size 0, read as empty, and are removed without error', async () => {
      expect(await blob.size(key)).toBe(0);
      expect(await text(key)).toBe('');
      expect(await blob.append(key, 7, bytes('x'))).toEqual({ ok: false, size: 0 });
      expect(await blob.append(key, 0, bytes(''))).toEqual({ ok: true, size: 0 });
      expect(await blob.append(key, 0, pieces())).toEqual({ ok: true, size: 0 });
      await blob.truncate(key, 0);
      await blob.delete(key);
      await blob.deleteAll('a-task');
      expect(await blob.size(key)).toBe(0);
    });

    test('keep nothing of an append whose source fails', async () => {
      await blob.append(key, 0, bytes('kept'));
      const fault = new Error('the client went away');
      const source = async function* () {
        yield Buffer.alloc(1_500_000, 'x');
        throw fault;
      };
      await expect(blob.append(key, 4, source())).rejects.toBe(fault);
      expect(await blob.size(key)).toBe(4);
      expect(await text(key)).toBe('kept');
      expect(await blob.append(key, 4, bytes('!'))).toEqual({ ok: true, size: 5 });
    });

    test('show only what was acknowledged while an append is under way', async () => {
      await blob.append(key, 0, bytes('kept'));
      let go = () => {};
      const gate = new Promise<void>((resolve) => {
        go = resolve;
      });
      let reached = () => {};
      const started = new Promise<void>((resolve) => {
        reached = resolve;
      });
      const appended = blob.append(
        key,
        4,
        (async function* () {
          yield Buffer.alloc(1_500_000, 'x');
          reached();
          await gate;
        })(),
      );
      await started;
      expect(await blob.size(key)).toBe(4);
      expect(await text(key)).toBe('kept');
      go();
      expect(await appended).toEqual({ ok: true, size: 1_500_004 });
    });

    test('are read from one offset to another, within what is there', async () => {
      await blob.append(key, 0, bytes('01234'));
      await blob.append(key, 5, bytes('56789'));
      expect(await text(key, 3)).toBe('3456789');
      expect(await text(key, 3, 7)).toBe('3456');
      expect(await text(key, 5, 5)).toBe('');
      expect(await text(key, 8, 99)).toBe('89');
      expect(await text(key, 10)).toBe('');
      expect(await text(key, 99)).toBe('');
    });

    test('are cut back, never lengthened, and go on from there', async () => {
      await blob.append(key, 0, bytes('01234'));
      await blob.append(key, 5, bytes('56789'));
      await blob.truncate(key, 20);
      expect(await blob.size(key)).toBe(10);
      await blob.truncate(key, 7);
      expect(await text(key)).toBe('0123456');
      await blob.truncate(key, 3);
      expect(await blob.append(key, 3, bytes('abc'))).toEqual({ ok: true, size: 6 });
      expect(await text(key)).toBe('012abc');
      await blob.truncate(key, 0);
      expect(await blob.size(key)).toBe(0);
    });

    test('are removed one by one, or all below a prefix', async () => {
      const keys = ['a/1/stdout', 'a/1/stderr', 'a/artifacts/x', 'ab/1/stdout', 'a.b/1/stdout'];
      for (const one of keys) await blob.append(one, 0, bytes('x'));
      await blob.delete('a/1/stdout');
      const sizes = () => Promise.all(keys.map((one) => blob.size(one)));
      expect(await sizes()).toEqual([0, 1, 1, 1, 1]);
      await blob.deleteAll('a');
      expect(await sizes()).toEqual([0, 0, 0, 1, 1]);
      expect(await blob.append('a/1/stderr', 0, bytes('new'))).toEqual({ ok: true, size: 3 });
      await blob.deleteAll('ab/');
      expect(await sizes()).toEqual([0, 3, 0, 0, 1]);
    });

    test.each(['', '/a', 'a/', 'a//b', '..', 'a/../b', 'a/.', 'A', 'a b', 'ä', 'a\0b', 'a\nb'])(
      'are refused under the key %j',
      async (bad) => {
        const refused = { code: 'KERUTA_ERR_BAD_VALUE' };
        await expect(blob.append(bad, 0, bytes('x'))).rejects.toMatchObject(refused);
        await expect(blob.size(bad)).rejects.toMatchObject(refused);
        await expect(text(bad)).rejects.toMatchObject(refused);
        await expect(blob.delete(bad)).rejects.toMatchObject(refused);
      },
    );

    test('hold more than memory should: 24 MiB in pieces come back byte for byte', async () => {
      const piece = Buffer.alloc(97_000);
      for (let index = 0; index < piece.length; index++) piece[index] = (index * 31) % 251;
      const count = 260;
      const source = async function* () {
        for (let index = 0; index < count; index++) yield piece;
      };
      const size = count * piece.length;
      expect(await blob.append(key, 0, source())).toEqual({ ok: true, size });
      let at = 0;
      let largest = 0;
      let wrong = 0;
      for await (const part of blob.read(key, 0)) {
        largest = Math.max(largest, part.length);
        for (let from = 0; from < part.length; ) {
          const within = (at + from) % piece.length;
          const length = Math.min(piece.length - within, part.length - from);
          const same = Buffer.compare(
            part.subarray(from, from + length),
            piece.subarray(within, within + length),
          );
          if (same !== 0) wrong++;
          from += length;
        }
        at += part.length;
      }
      expect([at, wrong]).toEqual([size, 0]);
      expect(largest).toBeLessThanOrEqual(1024 * 1024);
    });

    test('hold what a simple model holds after any order of appends and cuts', async () => {
      const step = fc.oneof(
        fc.record({ append: fc.string({ maxLength: 30 }), shift: fc.constantFrom(0, 0, 0, 1, -1) }),
        fc.record({ cut: fc.nat({ max: 60 }) }),
      );
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          const one = `model/${++run}`;
          let model = Buffer.alloc(0);
          for (const each of steps) {
            if ('cut' in each) {
              await blob.truncate(one, each.cut);
              model = model.subarray(0, each.cut);
            } else {
              const answer = await blob.append(one, model.length + each.shift, bytes(each.append));
              if (each.shift === 0) model = Buffer.concat([model, bytes(each.append)]);
              expect(answer).toEqual({ ok: each.shift === 0, size: model.length });
            }
          }
          expect(await text(one)).toBe(model.toString());
          expect(await blob.size(one)).toBe(model.length);
        }),
        { numRuns: 15 },
      );
    });
  });
}
