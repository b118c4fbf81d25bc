import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { lacksDescriptors } from '../../../pkg/files/lacks-descriptors.ts';
import type { StreamName } from '../../domain/task.ts';
import type { StreamLoss } from '../executor.ts';
import { deletedStreams, readLosses, type SeenStream } from './run-losses.ts';

/** The output of a run, as its shim writes it down: one file per stream, read by offset. Holds no resource. */
export class RunStreams {
  readonly #directory: string;
  readonly #seen: Readonly<Record<StreamName, SeenStream>> = {
    stdout: { size: 0, readTo: 0 },
    stderr: { size: 0, readTo: 0 },
  };

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @see Run.size */
  async size(stream: StreamName): Promise<number> {
    const size = sizeOf(join(this.#directory, stream));
    this.#seen[stream].size = Math.max(this.#seen[stream].size, size);
    return size;
  }

  /** @see Run.read */
  async read(stream: StreamName, offset: number, maxBytes: number, into?: Uint8Array): Promise<Uint8Array> {
    // most looks find nothing new: this one costs a microsecond, opening the file a thread
    const path = join(this.#directory, stream);
    const seen = this.#seen[stream];
    seen.size = Math.max(seen.size, sizeOf(path));
    if (seen.size <= offset) return new Uint8Array();
    const file = await open(path).catch((error: unknown) => {
      // an empty answer would be taken for the end of the stream
      if (lacksDescriptors(error)) throw error;
      return null;
    });
    if (file === null) return new Uint8Array();
    try {
      const available = Math.max(0, (await file.stat()).size - offset);
      const wanted = Math.min(maxBytes, available);
      const buffer = into ?? Buffer.allocUnsafe(wanted);
      const { bytesRead } = await file.read(buffer, 0, wanted, offset);
      seen.readTo = Math.max(seen.readTo, offset + bytesRead);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  /** @see Run.losses */
  losses(): readonly StreamLoss[] {
    return [...readLosses(this.#directory), ...deletedStreams(this.#directory, this.#seen)];
  }
}

/** bytes; 0 = there is no file, or nobody can tell */
function sizeOf(path: string): number {
  try {
    return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  } catch {
    return 0;
  }
}
