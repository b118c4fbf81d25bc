/** The checks of `keruta health`. Each says what it found, or throws what is wrong. */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { formatSize } from '../../internal/config/size.ts';
import { type KerutaError, UnavailableError } from '../../internal/domain/errors.ts';
import { findAccess } from './client.ts';
import type { CommandContext } from './command.ts';

/** With less free space than this a task can fail at any time; bytes. */
export const leastSpaceBytes = 100 * 1024 ** 2;
/** With less free memory than this the kernel may soon take a process; bytes. */
export const leastMemoryBytes = 64 * 1024 ** 2;

/** All checks by name. */
export const checkers = { api: checkApi, disk: checkDisk, memory: checkMemory, config: checkConfig } as const;

async function checkApi(context: CommandContext): Promise<string> {
  const client = await context.makeClient();
  const before = context.clock.monotonicMs();
  const answer = await client.health.check({ signal: context.signal });
  if (answer.status === 'DOWN') throw down(`${client.baseUrl} says that it is down: ${answer.message}`);
  const tookMs = Math.round(context.clock.monotonicMs() - before);
  return `${client.baseUrl} answers within ${tookMs} ms${answer.version === '' ? '' : `, version ${answer.version}`}`;
}

async function checkDisk(context: CommandContext): Promise<string> {
  const { values } = await context.settings();
  const said: string[] = [];
  for (const directory of [values.baseDir, values.artifactsDir].filter((path) => path !== null)) {
    const place = nearestExisting(directory);
    accessSync(place, constants.W_OK);
    const found = await statfs(place);
    const free = found.bavail * found.bsize;
    const text = `${roundSize(free)} free at ${directory}`;
    if (free < leastSpaceBytes) throw down(`only ${text}; expected at least ${formatSize(leastSpaceBytes)}`);
    said.push(text);
  }
  return said.join(', ');
}

async function checkMemory(): Promise<string> {
  const available = availableMemory();
  const text = `${roundSize(available)} of ${roundSize(totalmem())} available`;
  if (available < leastMemoryBytes)
    throw down(`only ${text}; expected at least ${formatSize(leastMemoryBytes)}`);
  return text;
}

async function checkConfig(context: CommandContext): Promise<string> {
  const settings = await context.settings();
  const { url, token } = findAccess(settings);
  if (token === null) throw down(`no token is set for ${url}; set KERUTA_API_TOKEN or KERUTA_API_TOKEN_FILE`);
  const notes = settings.warnings.length === 0 ? '' : ` (${settings.warnings.length} warnings)`;
  return `every setting can be read; API ${url}${notes}`;
}

function down(message: string): KerutaError {
  return new UnavailableError('KERUTA_ERR_UNHEALTHY', message);
}

function nearestExisting(path: string): string {
  return existsSync(path) || path === '/' ? path : nearestExisting(dirname(path));
}

/** What programs can still have, caches included, which the kernel gives back. @see proc(5), MemAvailable */
export function availableMemory(): number {
  try {
    const [, kilobytes] = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8')) ?? [];
    if (kilobytes !== undefined) return Number(kilobytes) * 1024;
  } catch {
    // no /proc here
  }
  return freemem();
}

/** Writes a size for people: `1.5 GB`, `12.0 MB`. */
export function roundSize(bytes: number): string {
  const [size, unit] = bytes >= 1024 ** 3 ? [1024 ** 3, 'GB'] : [1024 ** 2, 'MB'];
  return `${(bytes / size).toFixed(1)} ${unit}`;
}
