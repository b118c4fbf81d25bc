/** The law of the commit gate: what may be committed without a person having looked at it. Pure. */
import { formsOf } from '../../pkg/redact/forms.ts';
import { makeRedactor, type NamedSecret, type Redactor } from '../../pkg/redact/redactor.ts';
import { forbiddenName } from './forbidden-names.ts';
import type { DiffLine, FileDiff } from './parse-diff.ts';

/** A path whose content in the index differs from HEAD. Deleted ones are none. */
export interface StagedFile {
  readonly path: string;
  readonly kind: 'file' | 'link' | 'submodule' | 'unmerged';
  /** of the new content; 0 for a submodule */
  readonly bytes: number;
  /** whether the content differs, not the mode alone */
  readonly isChanged: boolean;
}

/** What is looked for. */
export interface GateRules {
  readonly secrets: readonly NamedSecret[];
  /** largest file; bytes */
  readonly maxFileBytes: number;
}

/** Why something is not committed. */
export type GateReason =
  | 'secret'
  | 'too-large'
  | 'conflict-marker'
  | 'forbidden-name'
  | 'unmerged'
  | 'unread';

/** One thing that keeps a commit back. Holds no secret. */
export interface Finding {
  /** secrets in it are masked */
  readonly file: string;
  /** from 1; null: the file as a whole */
  readonly line: number | null;
  readonly reason: GateReason;
  /** for people, a part of a sentence: `line 3 holds the value of DEPLOY_TOKEN` */
  readonly detail: string;
}

/** Most findings of one file: one is enough to keep the commit back. */
const maxFindings = 20;

/**
 * Judges what is staged.
 * @param diffs  of the files in `staged` that are not too large; null when they could not be read whole
 * @returns nothing when it may be committed
 */
export function judgeCommit(
  rules: GateRules,
  staged: readonly StagedFile[],
  diffs: readonly FileDiff[] | null,
): readonly Finding[] {
  const redactor = makeRedactor(rules.secrets);
  const read = new Map<string, DiffLine[]>();
  // a file that became a link has two parts
  for (const { path, lines } of diffs ?? []) read.set(path, (read.get(path) ?? []).concat(lines));
  return staged.flatMap((file) => {
    const lines = read.get(file.path) ?? null;
    const found = [...ofFile(rules, file, lines)];
    if (lines !== null) found.push(...markersIn(lines), ...secretsIn(rules, redactor, lines));
    if (redactor.text(file.path) !== file.path)
      found.unshift(whole('secret', 'its name holds a known secret'));
    const shown = redactor.text(file.path);
    return found.slice(0, maxFindings).map((finding) => ({ ...finding, file: shown }));
  });
}

type Found = Omit<Finding, 'file'>;

function whole(reason: GateReason, detail: string): Found {
  return { line: null, reason, detail };
}

const unread = 'it could not be looked through: it has over a million lines, or its name is not UTF-8';

function* ofFile(rules: GateRules, file: StagedFile, lines: readonly DiffLine[] | null): Generator<Found> {
  const why = forbiddenName(file.path);
  if (why !== null) yield whole('forbidden-name', why);
  if (file.kind === 'unmerged') yield whole('unmerged', 'it is in conflict');
  else if (file.bytes > rules.maxFileBytes)
    yield whole('too-large', `it has ${file.bytes} bytes, ${rules.maxFileBytes} are allowed`);
  // what was not looked at is not let through
  else if (file.isChanged && file.bytes > 0 && (lines ?? []).length === 0) yield whole('unread', unread);
}

/** Seven of one character at the start of a line, as git leaves them; `=======` alone also underlines a heading. */
const marker = /^(<{7}|>{7}|\|{7})(\s|$)/;

function* markersIn(lines: readonly DiffLine[]): Generator<Found> {
  const added = lines.filter(({ isAdded }) => isAdded);
  const found = added.filter(({ text }) => marker.test(text));
  for (const { number, text } of found.slice(0, maxFindings)) {
    const detail = `line ${number} begins with ${text.slice(0, 7)}`;
    yield { line: number, reason: 'conflict-marker', detail };
  }
}

/** Looks through the new lines with the old ones around them: a secret of several lines may be half old. */
function secretsIn(rules: GateRules, redactor: Redactor, lines: readonly DiffLine[]): readonly Found[] {
  const bytes = Buffer.from(lines.map(({ text }) => text).join('\n'));
  const found = new Map<string, Found>();
  let next = 0;
  let nextStart = 0;
  let added = { number: 0, end: -1 };
  // places come in the order of their ends
  redactor.matcher().read(bytes, 0, 0, (start, end) => {
    for (let line = lines[next]; line !== undefined && nextStart < end; line = lines[next]) {
      const lineEnd = nextStart + Buffer.byteLength(line.text);
      if (line.isAdded) added = { number: line.number, end: lineEnd };
      next += 1;
      nextStart = lineEnd + 1;
    }
    if (added.end <= start || found.size >= maxFindings) return;
    const name = nameOf(rules.secrets, bytes.subarray(start, end));
    const detail = `line ${added.number} holds the value of ${name}`;
    found.set(detail, { line: added.number, reason: 'secret', detail });
  });
  return [...found.values()];
}

function nameOf(secrets: readonly NamedSecret[], form: Uint8Array): string {
  const found = secrets.find(({ value }) => formsOf(value).some((one) => Buffer.compare(one, form) === 0));
  return found === undefined || found.name === '' ? 'a known secret' : found.name;
}
