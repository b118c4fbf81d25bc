/**
 * Skills: Markdown files that tell an agent how something is done here. A file begins with front matter (name, description,
 * what it is for), the rest is its content. This room reads them, chooses those that a focus is about, and makes the part
 * of a prompt out of them.
 *
 * Laws: a file that cannot be taken never keeps others from being read, and is named with its line; nothing outside of the folders
 * is read; the same files give the same prompt, byte for byte, in whatever order the disk has them.
 */

/** One skill. */
export interface Skill {
  /** as workflows are named; unique after the folders were put together */
  readonly name: string;
  /** one line; `''` = none */
  readonly description: string;
  /** what it is for; none: it is chosen only when no focus is asked for */
  readonly focus: readonly string[];
  /** for people */
  readonly labels: readonly string[];
  /** Markdown; lines end with a line feed, no blank lines at either end */
  readonly content: string;
}

/** Something in a folder of skills that is not taken. */
export interface SkillFault {
  /** as it is shown */
  readonly file: string;
  /** from 1 */
  readonly line: number;
  /** what was expected and what came; safe to show once control characters are made visible */
  readonly message: string;
}

/** Largest file of a skill; bytes. A prompt has room for less. */
export const maxSkillBytes = 256 * 1024;
