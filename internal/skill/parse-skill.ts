/** Reads one skill out of its text. Pure. */
import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { focusPattern, maxFocuses } from '../domain/focus.ts';
import { workflowNamePattern } from '../domain/workflow.ts';
import type { Skill, SkillFault } from './skill.ts';

/** A text that may be a skill. */
export interface SkillText {
  /** as it is shown in faults */
  readonly file: string;
  /** its name when the front matter has none */
  readonly defaultName: string;
  readonly text: string;
}

/** A skill, or everything that is wrong with its front matter. */
export type ParsedSkill =
  | { readonly skill: Skill; readonly faults?: undefined }
  | { readonly skill?: undefined; readonly faults: readonly SkillFault[] };

/** Longest front matter, so that a file without an end of it is not read as YAML; characters. */
const maxFrontMatter = 16 * 1024;
/** Most faults that are told of one file. */
const maxFaults = 10;

const listOf = (element: z.ZodType<string>, max: number) =>
  z
    .preprocess(
      (value) => (typeof value === 'string' ? [value] : (value ?? [])),
      z.array(element, 'expected a text or a list of texts').max(max, `expected at most ${max}`),
    )
    .optional();

const nameFault =
  'expected letters, digits, dots, dashes and underscores, at most 100, not beginning with a sign';
const focusFault = 'expected 1 to 100 characters without commas and control characters';

/** Other keys are left alone: programs of other makers have their own in the same files. */
const frontMatterShape = z.looseObject(
  {
    name: z.string(nameFault).regex(workflowNamePattern, nameFault).nullish(),
    description: z.string('expected a text').max(2000, 'expected at most 2000 characters').nullish(),
    focus: listOf(z.string(focusFault).trim().regex(focusPattern, focusFault), maxFocuses),
    labels: listOf(z.string('expected a text').max(100, 'expected at most 100 characters'), 50),
  },
  'expected keys and values, such as description: …',
);

/** Reads a skill. Never throws: what is wrong comes back, each with its line. */
export function parseSkill(source: SkillText): ParsedSkill {
  const faultAt = (line: number, message: string): SkillFault => ({ file: source.file, line, message });
  const text = source.text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
  const parts = split(text);
  if (typeof parts === 'string') return { faults: [faultAt(1, parts)] };
  const lines = new LineCounter();
  const document = parseDocument(parts.frontMatter, {
    lineCounter: lines,
    prettyErrors: false,
    merge: false,
    logLevel: 'error',
  });
  // the front matter begins on the second line of the file
  const lineAt = (offset: number) => lines.linePos(offset).line + 1;
  if (document.errors.length > 0) {
    const told = document.errors.slice(0, maxFaults);
    return { faults: told.map(({ pos, message }) => faultAt(lineAt(pos[0]), firstLine(message))) };
  }
  const read = frontMatterShape.safeParse(saidBy(document) ?? {});
  if (!read.success) {
    const faults = read.error.issues.slice(0, maxFaults).map(({ path, message }) => {
      const node = nearest(document, path.map(String));
      const field = path.length === 0 ? '' : `${path.join('.')}: `;
      return faultAt(node === null ? 2 : lineAt(node), `${field}${message}`);
    });
    return { faults };
  }
  const { name, description, focus, labels } = read.data;
  const own = name ?? source.defaultName;
  if (!workflowNamePattern.test(own)) return { faults: [faultAt(1, `name: ${nameFault}`)] };
  return {
    skill: {
      name: own,
      description: (description ?? '').replace(/\s+/g, ' ').trim(),
      focus: focus ?? [],
      labels: labels ?? [],
      content: parts.content.replace(/^(?:[^\S\n]*\n)+/, '').trimEnd(),
    },
  };
}

/** Takes front matter and content apart, or says what is missing. */
function split(text: string): { readonly frontMatter: string; readonly content: string } | string {
  const [, start = ''] = /^(---[ \t]*(?:\n|$))/.exec(text) ?? [];
  if (start === '') return 'expected front matter: a first line --- and what it is called, then --- again';
  const rest = text.slice(start.length);
  const end = /^---[ \t]*(?:\n|$)/m.exec(rest.slice(0, maxFrontMatter));
  if (end === null)
    return `expected a second line --- at the end of the front matter, within ${maxFrontMatter / 1024} KiB`;
  return { frontMatter: rest.slice(0, end.index), content: rest.slice(end.index + end[0].length) };
}

/** What the front matter says; a text that is no map when it goes round in circles, or multiplies itself. */
function saidBy(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch {
    return 'aliases';
  }
}

/** Where a field begins, or what is nearest above it; null: nowhere. */
function nearest(document: Document.Parsed, path: readonly string[]): number | null {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return null;
}

const firstLine = (message: string) => message.split('\n')[0]?.slice(0, 200) ?? '';
