import type { StreamName } from '../domain/task.ts';

/** Output of one attempt that a reader follows, and how far it has come; bytes. */
export interface Follow {
  readonly taskId: string;
  readonly number: number;
  readonly offsets: Record<StreamName, number>;
}

/** Where a live reader is: which events it has, and how much of which output. */
export interface LivePosition {
  /** the last event it has */
  seq: number;
  /** oldest first */
  follows: Follow[];
}

/** More attempts than this are never followed at once: one session runs one, others are ending or lost. */
export const maxFollows = 8;

/** Writes a position as the id of an event, e.g. `42;<task>.1.4096.0`. */
export function writePosition({ seq, follows }: LivePosition): string {
  const outputs = follows.map(
    ({ taskId, number, offsets }) => `;${taskId}.${number}.${offsets.stdout}.${offsets.stderr}`,
  );
  return seq + outputs.join('');
}

/** Reads what a client sends back as Last-Event-ID; null when it is none of ours. */
export function readPosition(text: string | undefined): LivePosition | null {
  const [seq, ...outputs] = (text ?? '').split(';');
  if (!/^\d{1,15}$/.test(seq ?? '') || outputs.length > maxFollows) return null;
  const follows: Follow[] = [];
  for (const output of outputs) {
    const match = /^([\w-]{1,64})\.(\d{1,9})\.(\d{1,15})\.(\d{1,15})$/.exec(output);
    if (!match) return null;
    const [, taskId = '', number, stdout, stderr] = match;
    follows.push({
      taskId,
      number: Number(number),
      offsets: { stdout: Number(stdout), stderr: Number(stderr) },
    });
  }
  return { seq: Number(seq), follows };
}
