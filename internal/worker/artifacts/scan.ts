import { contentTypeOf } from '../../../pkg/mime/mime.ts';
import type { OwnPlaces } from './own-places.ts';
import { type Skipped, type WalkedFile, walkArtifacts } from './walk.ts';

/** How artifacts directories were at a time: absolute path → what tells a change. JSON-safe; may hold many entries. */
export type ArtifactSnapshot = Readonly<Record<string, string>>;

/** Where to look, and how much to take. */
export interface ScanRequest {
  /** absolute; missing ones are empty */
  readonly directories: readonly string[];
  /** what is keruta's own, and never taken */
  readonly own: OwnPlaces;
  /** only the file of this name in each directory itself; default: everything */
  readonly only?: string;
  /** from `snapshotArtifacts` before the run: only what is new or changed since is taken; null = everything */
  readonly previous: ArtifactSnapshot | null;
  /** per file; equal is allowed */
  readonly maxBytes: number;
  readonly maxCount: number;
  /** over all files */
  readonly maxTotalBytes: number;
}

/** A file to be sent. */
export interface ArtifactFile {
  readonly absolutePath: string;
  /** relative, with `/`, NFC; at most 1,024 bytes */
  readonly path: string;
  /** bytes when it was looked at */
  readonly size: number;
  /** epoch ms */
  readonly mtimeMs: number;
  readonly contentType: string;
  /** what the file was: `openArtifact` refuses another one in its place */
  readonly device: string;
  readonly inode: string;
  /** real path of the directory that it must be in */
  readonly root: string;
}

/** What a scan found. */
export interface Scan {
  /** by directory, then by name */
  readonly files: readonly ArtifactFile[];
  /** at most 1,000 are listed */
  readonly skipped: readonly Skipped[];
  /** all of them */
  readonly skippedCount: number;
}

const maxListedSkips = 1_000;

/** Remembers how artifacts directories are, before a run. */
export async function snapshotArtifacts(
  where: Pick<ScanRequest, 'directories' | 'own'>,
): Promise<ArtifactSnapshot> {
  const { files } = await walkArtifacts(where);
  return Object.fromEntries(files.map((file) => [file.absolutePath, stampOf(file)]));
}

/**
 * Finds the artifacts of a run: regular files that are new or changed. No file is opened, so nothing in the directory
 * can make this wait.
 */
export async function scanArtifacts(request: ScanRequest): Promise<Scan> {
  const walk = await walkArtifacts(request);
  const skipped: Skipped[] = [...walk.skipped];
  const files: ArtifactFile[] = [];
  const paths = new Set<string>();
  let total = 0;
  for (const file of walk.files) {
    const before = request.previous?.[file.absolutePath];
    if (before !== undefined && before === stampOf(file)) continue;
    const size = Number(file.stat.size);
    const reason = paths.has(file.path)
      ? 'another artifacts directory has a file of this path'
      : limitFault(request, { size, total, count: files.length });
    if (reason !== null) {
      skipped.push({ path: file.path, reason });
      continue;
    }
    paths.add(file.path);
    total += size;
    files.push(artifactOf(file));
  }
  return { files, skipped: skipped.slice(0, maxListedSkips), skippedCount: skipped.length };
}

function limitFault(
  limits: ScanRequest,
  now: { readonly size: number; readonly total: number; readonly count: number },
): string | null {
  if (now.size > limits.maxBytes)
    return `${now.size} bytes are over the limit of ${limits.maxBytes} for a file`;
  if (now.count >= limits.maxCount) return `over the limit of ${limits.maxCount} artifacts for a task`;
  if (now.total + now.size > limits.maxTotalBytes)
    return `over the limit of ${limits.maxTotalBytes} bytes for a task`;
  return null;
}

function artifactOf(file: WalkedFile): ArtifactFile {
  return {
    absolutePath: file.absolutePath,
    path: file.path,
    size: Number(file.stat.size),
    mtimeMs: Number(file.stat.mtimeMs),
    contentType: contentTypeOf(file.path),
    device: String(file.stat.dev),
    inode: String(file.stat.ino),
    root: file.root,
  };
}

/** Changes with every write, also when somebody sets the modification time back. */
function stampOf({ stat }: WalkedFile): string {
  return `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
}
