/** Tells what is in a repository, in as many words as there is room for. Pure. */

/** Room of a map when nobody says another; bytes. */
export const defaultMapBytes = 16 * 1024;
/** Kept free for the line that says what is left out. */
const noteBytes = 80;

interface Folder {
  readonly folders: Map<string, Folder>;
  readonly files: string[];
  /** of files, at any depth */
  count: number;
}

/**
 * Makes an indented list of files and directories. What has no room is told by its number: directories are closed from the deepest level
 * on, until the rest fits; when even the top does not, its list is cut.
 *
 * @param paths  relative, with `/`; in any order
 * @param maxBytes  of UTF-8; >= 200
 * @returns ends with a line feed; the same paths give the same text
 */
export function repositoryMap(paths: readonly string[], maxBytes: number = defaultMapBytes): string {
  if (paths.length === 0) return '(no files)\n';
  const root = treeOf(paths);
  const deepest = paths.reduce((most, path) => Math.max(most, path.split('/').length), 1);
  for (let depth = Math.min(deepest, 32); depth >= 1; depth--) {
    const text = render(root, depth, maxBytes);
    if (text !== null) return text;
  }
  return cutList(root, maxBytes);
}

function treeOf(paths: readonly string[]): Folder {
  const root: Folder = { folders: new Map(), files: [], count: 0 };
  for (const path of [...paths].sort()) {
    const parts = path.split('/');
    let folder = root;
    folder.count += 1;
    for (const part of parts.slice(0, -1)) {
      const next = folder.folders.get(part) ?? { folders: new Map(), files: [], count: 0 };
      folder.folders.set(part, next);
      next.count += 1;
      folder = next;
    }
    folder.files.push(parts.at(-1) ?? '');
  }
  return root;
}

/** @returns null when it is over the limit */
function render(root: Folder, depth: number, maxBytes: number): string | null {
  const lines: string[] = [];
  let left = maxBytes;
  const add = (line: string) => {
    lines.push(line);
    left -= Buffer.byteLength(line) + 1;
    return left >= 0;
  };
  const walk = (folder: Folder, level: number): boolean => {
    const indent = '  '.repeat(level);
    for (const [name, inner] of folder.folders) {
      const isClosed = level + 1 >= depth;
      if (!add(`${indent}${name}/${isClosed ? ` (${filesOf(inner.count)})` : ''}`)) return false;
      if (!isClosed && !walk(inner, level + 1)) return false;
    }
    return folder.files.every((name) => add(indent + name));
  };
  return walk(root, 0) ? `${lines.join('\n')}\n` : null;
}

function cutList(root: Folder, maxBytes: number): string {
  const entries = [
    ...[...root.folders].map(([name, { count }]) => ({ line: `${name}/ (${filesOf(count)})`, count })),
    ...root.files.map((line) => ({ line, count: 1 })),
  ];
  let text = '';
  let left = maxBytes - noteBytes;
  let missing = root.count;
  for (const { line, count } of entries) {
    left -= Buffer.byteLength(line) + 1;
    if (left < 0) break;
    text += `${line}\n`;
    missing -= count;
  }
  return `${text}(and ${filesOf(missing)} more, for which there is no room)\n`;
}

const filesOf = (count: number) => (count === 1 ? '1 file' : `${count} files`);
