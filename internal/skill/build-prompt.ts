/** Makes the part of a prompt that tells an agent of its skills. Pure. */
import { chooseSkills } from './choose-skills.ts';
import type { Skill } from './skill.ts';

/** What a prompt is made of. */
export interface PromptInput {
  readonly skills: readonly Skill[];
  /** what the task is about; empty = all skills */
  readonly focus: readonly string[];
  /** most that the prompt may have, in UTF-8; at least `leastPromptBytes` */
  readonly maxBytes: number;
}

/** A prompt, and what had no room in it. */
export interface SkillPrompt {
  /** ends with a line feed; at most `maxBytes` */
  readonly text: string;
  /** names of the skills that were chosen, in their order */
  readonly skills: readonly string[];
  /** what was left out, in the order of the skills */
  readonly cut: readonly SkillCut[];
}

/** What is missing of one skill. */
export interface SkillCut {
  readonly name: string;
  /** of the content; in UTF-8 */
  readonly keptBytes: number;
  readonly contentBytes: number;
  /** whether name and description are there */
  readonly isListed: boolean;
}

/** With less there is no room to say what was cut. */
export const leastPromptBytes = 4096;
/** Room of a prompt when nobody says another. */
export const defaultPromptBytes = 64 * 1024;

/** Kept free for the last lines, which say what was left out. */
const noteBytes = 256;
/** Of a content of which less than this would be kept nothing is. */
const leastPieceBytes = 200;

/**
 * Writes focus, then all names with their descriptions, then the contents one after another, ordered by name. What has no room
 * is cut from the end: contents before descriptions; a content that is cut ends with a line that says so.
 */
export function buildPrompt({ skills, focus, maxBytes }: PromptInput): SkillPrompt {
  const chosen = chooseSkills(skills, focus);
  const names = chosen.map(({ name }) => name);
  const page = new Page(maxBytes - noteBytes);
  page.add(focus.length === 0 ? '# Skills\n' : `# Skills\n\nFocus: ${shortened(focus.join(', '), 500)}\n`);
  if (chosen.length === 0) {
    const none = focus.length === 0 ? 'There are no skills.' : 'No skill is for this focus.';
    return { text: `${page.text}\n${none}\n`, skills: names, cut: [] };
  }
  page.add('\n');
  const isListed = chosen.map((skill) => page.add(listLine(skill)));
  const cut: SkillCut[] = [];
  chosen.forEach((skill, index) => {
    const contentBytes = Buffer.byteLength(skill.content);
    const keptBytes = isListed[index] ? addContent(page, skill) : 0;
    if (isListed[index] && keptBytes === contentBytes) return;
    cut.push({ name: skill.name, keptBytes, contentBytes, isListed: isListed[index] === true });
  });
  return { text: page.text + noteOf(cut, maxBytes), skills: names, cut };
}

/** A text that grows as long as there is room. */
class Page {
  text = '';
  left: number;

  constructor(maxBytes: number) {
    this.left = maxBytes;
  }

  /** Adds the whole of a piece, or nothing. */
  add(piece: string): boolean {
    const bytes = Buffer.byteLength(piece);
    if (bytes > this.left) return false;
    this.text += piece;
    this.left -= bytes;
    return true;
  }
}

const listLine = ({ name, description }: Skill) =>
  description === '' ? `- ${name}\n` : `- ${name}: ${description}\n`;

/** @returns how many bytes of the content found room */
function addContent(page: Page, { name, content }: Skill): number {
  if (content === '') return 0;
  const title = `\n## ${name}\n\n`;
  const contentBytes = Buffer.byteLength(content);
  if (page.add(`${title}${content}\n`)) return contentBytes;
  const ending = (kept: number) =>
    `\n[cut here: ${contentBytes - kept} of ${contentBytes} bytes are left out]\n`;
  const room = page.left - Buffer.byteLength(title) - Buffer.byteLength(ending(0));
  if (room < leastPieceBytes) return 0;
  const piece = beginning(content, room);
  const kept = Buffer.byteLength(piece);
  return page.add(`${title}${piece}${ending(kept)}`) ? kept : 0;
}

/** As much of a text as has room, and no half character; whole lines, unless the last one is long. */
function beginning(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  let end = maxBytes;
  // a byte 10xxxxxx goes on with the character before it
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  const piece = bytes.toString('utf8', 0, end);
  const lineEnd = piece.lastIndexOf('\n');
  return lineEnd > piece.length / 2 ? piece.slice(0, lineEnd) : piece;
}

/** At most `noteBytes`: numbers only. */
function noteOf(cut: readonly SkillCut[], maxBytes: number): string {
  if (cut.length === 0) return '';
  const listed = cut.filter((one) => one.isListed);
  const without = listed.filter(({ keptBytes }) => keptBytes === 0).length;
  const said = [
    [listed.length - without, 'cut short'],
    [without, 'named without content'],
    [cut.length - listed.length, 'not named at all'],
  ] as const;
  const parts = said.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return `\n[for want of room (${maxBytes} bytes) skills are missing: ${parts.join(', ')}]\n`;
}

const shortened = (text: string, max: number) => (text.length > max ? `${text.slice(0, max)} …` : text);
