import { createHash } from 'node:crypto';
import { stripVTControlCharacters } from 'node:util';
import type { FailureBundle } from './bundle.ts';

/** How many of the last lines decide what a failure looks like. */
const lineCount = 20;

/**
 * A short text that is equal for failures that look the same: same end, same command, same last words, where numbers,
 * ids, times and temporary paths do not count. Pure.
 * @param said  what is known to say it all, in the place of command and last words; default: nothing is
 * @returns 32 lower-case hex digits
 */
export function fingerprint(bundle: FailureBundle, said?: string): string {
  const printed = bundle.stderrTail.length > 0 ? bundle.stderrTail : bundle.stdoutTail;
  const words = said?.split('\n') ?? printed;
  const parts = [
    String(bundle.exitCode),
    String(bundle.signal),
    String(bundle.reason),
    said === undefined ? (bundle.failing.command ?? '') : '',
    ...words.slice(-lineCount).map(normalise),
  ];
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32);
}

/** Takes out of a line what differs from run to run. Pure. */
export function normalise(line: string): string {
  return stripVTControlCharacters(line)
    .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, '<id>')
    .replace(/\b\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?)?/g, '<time>')
    .replace(/\b\d\d?:\d\d(:\d\d([.,]\d+)?)?\b/g, '<time>')
    .replace(/(\/(?:var\/)?tmp|\/private\/var\/folders|\/dev\/shm)\/[^\s:'")]*/g, '<temporary>')
    .replace(/\b0x[0-9a-f]+\b/gi, '<n>')
    .replace(/\b(?=[0-9a-f]*\d)[0-9a-f]{7,}\b/gi, '<n>')
    .replace(/\d+([.,]\d+)*/g, '<n>')
    .replace(/\s+/g, ' ')
    .trim();
}
