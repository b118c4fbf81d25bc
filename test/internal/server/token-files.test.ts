import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openFileBlobStore } from '../../../internal/blob/file-blob-store.ts';
import { openSqliteStore } from '../../../internal/store/sqlite-store.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { mintOfEachKind } from './minted-tokens.ts';
import { startServer } from './start-server.ts';

test('S-02: no byte of the files of a store is of a token, while they are open and when they are closed', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'keruta-tokens-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'keruta.db');
  const store = await openSqliteStore({ file, clock: systemClock, log: silentLog });
  const blob = openFileBlobStore({ directory: join(directory, 'blobs'), log: silentLog });
  const server = await startServer({ parts: { store, blob } });
  const { secrets, hashes } = await mintOfEachKind(server);
  const contents = () =>
    (readdirSync(directory, { recursive: true }) as string[])
      .filter((name) => statSync(join(directory, name)).isFile())
      .map((name) => [name, readFileSync(join(directory, name)).toString('latin1')] as const);
  const found = () =>
    contents().flatMap(([name, text]) => secrets.filter((secret) => text.includes(secret)).map(() => name));

  expect(contents().map(([name]) => name)).toContain('keruta.db-wal');
  expect(found()).toEqual([]);
  await server.close();
  await store.close();
  await blob.close();
  expect(found()).toEqual([]);
  const all = contents()
    .map(([, text]) => text)
    .join();
  for (const hash of hashes) expect(all).toContain(hash);
});
