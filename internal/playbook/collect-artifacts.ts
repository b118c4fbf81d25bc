/** Keeps files that a step made: copies them into the artifacts directory. */
import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, readdir, realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { isInside } from '../../pkg/files/read-inside.ts';
import { pathMatcher } from '../../pkg/glob/path-matcher.ts';
import { hasPrivateName } from '../domain/private-names.ts';

/** What is kept, and where. */
export interface CollectRequest {
  /** absolute; where the step ran */
  readonly directory: string;
  /** absolute; made when there is something to keep */
  readonly artifactsDirectory: string;
  /** relative to `directory`; one without a slash counts at any depth */
  readonly patterns: readonly string[];
  /** whether a file or directory must not be kept, by where it is: absolute and real; default: none beside those of private names */
  readonly isPrivate?: (path: string) => boolean;
}

/** What was kept. */
export interface Collected {
  /** relative to the artifacts directory */
  readonly files: readonly string[];
  /** what was not, and why; safe to show */
  readonly notes: readonly string[];
}

/** Most entries that are looked at, and most files that are kept, for one step. */
const [maxEntries, maxFiles] = [100_000, 10_000];
/** Never entered, beside what is private: what tools keep there is nobody's result. */
const closed = 'node_modules';

/** Copies regular files that a pattern means, under their paths; links are not followed, and a file of the same name is replaced. */
export async function collectArtifacts(request: CollectRequest): Promise<Collected> {
  const { patterns, artifactsDirectory } = request;
  if (patterns.length === 0) return { files: [], notes: [] };
  const root = await realpath(request.directory);
  const target = await realpath(artifactsDirectory).catch(() => resolve(artifactsDirectory));
  const notes: string[] = [];
  const isPrivate = (path: string) =>
    hasPrivateName(relative(root, path)) || request.isPrivate?.(path) === true;
  if (isPrivate(root)) return { files: [], notes: [`artifacts: ${root} is private, nothing of it is kept`] };
  const found = await listFiles({ root, except: target, isPrivate });
  if (found.length >= maxEntries) notes.push(`artifacts: only the first ${maxEntries} files were looked at`);
  const kept = new Set<string>();
  const refused = new Set<string>();
  for (const pattern of patterns) {
    const matches = pathMatcher([pattern.replace(/^\.\//, '')]);
    const fitting = found.filter(matches);
    if (fitting.length === 0) notes.push(`artifacts: no file is called ${pattern}`);
    for (const path of fitting)
      if (isPrivate(join(root, path))) refused.add(path);
      else kept.add(path);
  }
  for (const path of refused) notes.push(`artifacts: ${path} is not kept: private`);
  if (kept.size > maxFiles)
    notes.push(`artifacts: only the first ${maxFiles} of ${kept.size} files were kept`);
  const files: string[] = [];
  for (const path of [...kept].slice(0, maxFiles)) {
    try {
      await keep(join(root, path), join(target, path));
      files.push(path);
    } catch (error) {
      notes.push(
        `artifacts: ${path} could not be kept (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
      );
    }
  }
  return { files, notes };
}

/** Regular files below a directory, by name. */
async function listFiles({
  root,
  except,
  isPrivate,
}: {
  readonly root: string;
  readonly except: string;
  readonly isPrivate: (path: string) => boolean;
}): Promise<readonly string[]> {
  const files: string[] = [];
  const directories = [root];
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(directory, entry.name);
      if (entry.isFile()) files.push(relative(root, path));
      else if (entry.isDirectory() && entry.name !== closed && !isInside(path, except) && !isPrivate(path))
        directories.push(path);
      if (files.length >= maxEntries) return files;
    }
  }
  return files.toSorted();
}

async function keep(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  const there = await lstat(to).catch(() => null);
  if (there !== null && !there.isFile()) throw Object.assign(new Error('in the way'), { code: 'EEXIST' });
  await copyFile(from, to, constants.COPYFILE_FICLONE);
}
