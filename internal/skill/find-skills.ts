/** Finds the skills of some folders. */
import type { Dirent } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { FileRefusedError, isInside, readInside } from '../../pkg/files/read-inside.ts';
import { byName } from './choose-skills.ts';
import { parseSkill } from './parse-skill.ts';
import { maxSkillBytes, type Skill, type SkillFault } from './skill.ts';

/** A folder of skills. */
export interface SkillFolder {
  /** absolute */
  readonly path: string;
  /** absolute; the folder may not be a link out of it; null = it may be a link anywhere */
  readonly within: string | null;
  /** such as `repository`: told with each skill */
  readonly source: string;
}

/** A skill, and where it stands. */
export interface FoundSkill extends Skill {
  /** absolute */
  readonly file: string;
  readonly source: string;
}

/** What is there. */
export interface FoundSkills {
  /** by name */
  readonly skills: readonly FoundSkill[];
  /** what was passed over, in the order of the folders and their names */
  readonly faults: readonly SkillFault[];
}

/** Most entries of a folder that are looked at. */
const maxEntries = 1000;
/** Of all skills of a folder together; bytes. */
const maxFolderBytes = 16 * 1024 * 1024;

/**
 * Reads `NAME.md` and `NAME/SKILL.md` of each folder. The first folder that has a name wins; a name that comes twice in one
 * folder is a fault. A folder that is not there is empty. Hidden entries, `README.md` and what does not end in `.md` do not count.
 */
export async function findSkills(folders: readonly SkillFolder[]): Promise<FoundSkills> {
  const skills = new Map<string, FoundSkill>();
  const faults: SkillFault[] = [];
  const seen = new Set<string>();
  for (const folder of folders) {
    const root = await realpath(folder.path).catch(() => null);
    if (root === null || seen.has(root)) continue;
    seen.add(root);
    const within = folder.within === null ? root : await realpath(folder.within).catch(() => folder.within);
    if (!isInside(root, within ?? root)) {
      faults.push({
        file: folder.path,
        line: 1,
        message: `leads out of ${folder.within}; expected a folder in it`,
      });
      continue;
    }
    const found = await readFolder(folder, root);
    faults.push(...found.faults);
    for (const skill of found.skills) if (!skills.has(skill.name)) skills.set(skill.name, skill);
  }
  return { skills: [...skills.values()].toSorted(byName), faults };
}

async function readFolder(folder: SkillFolder, root: string): Promise<FoundSkills> {
  const skills = new Map<string, FoundSkill>();
  const faults: SkillFault[] = [];
  const fault = (file: string, message: string) => faults.push({ file, line: 1, message });
  const entries = await readdir(root, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => cause);
  if (!Array.isArray(entries)) {
    fault(folder.path, `cannot be read (${entries.code ?? entries.message})`);
    return { skills: [], faults };
  }
  const candidates = entries.flatMap(candidateOf).toSorted(byName);
  if (candidates.length > maxEntries)
    fault(folder.path, `has ${candidates.length} entries; only the first ${maxEntries} are looked at`);
  let left = maxFolderBytes;
  for (const { name, path } of candidates.slice(0, maxEntries)) {
    const file = join(folder.path, path);
    const text = await textOf({ root, path });
    if (text === null) continue;
    if (text instanceof FileRefusedError) {
      fault(file, text.message);
      continue;
    }
    left -= Buffer.byteLength(text);
    if (left < 0) {
      fault(file, `is one too many: all skills of a folder may have ${maxFolderBytes} bytes`);
      break;
    }
    const parsed = parseSkill({ file, defaultName: name, text });
    if (parsed.faults) {
      faults.push(...parsed.faults);
      continue;
    }
    const first = skills.get(parsed.skill.name);
    if (first === undefined) skills.set(parsed.skill.name, { ...parsed.skill, file, source: folder.source });
    else fault(file, `expected a name of its own, got ${parsed.skill.name}, which ${first.file} has too`);
  }
  return { skills: [...skills.values()], faults };
}

interface Candidate {
  /** of the skill, when its front matter has none */
  readonly name: string;
  /** relative to the folder */
  readonly path: string;
}

function candidateOf(entry: Dirent): Candidate[] {
  const { name } = entry;
  if (name.startsWith('.')) return [];
  if (name.endsWith('.md') && !entry.isDirectory())
    return name.toLowerCase() === 'readme.md' ? [] : [{ name: name.slice(0, -3), path: name }];
  return entry.isDirectory() || entry.isSymbolicLink() ? [{ name, path: join(name, 'SKILL.md') }] : [];
}

/** The text; null: a directory has no skill in it, or is no directory. */
async function textOf(at: { readonly root: string; readonly path: string }) {
  try {
    return await readInside({ ...at, maxBytes: maxSkillBytes });
  } catch (error) {
    if (!(error instanceof FileRefusedError)) throw error;
    const { code } = (error.cause ?? {}) as NodeJS.ErrnoException;
    return at.path.endsWith('SKILL.md') && (code === 'ENOENT' || code === 'ENOTDIR') ? null : error;
  }
}
