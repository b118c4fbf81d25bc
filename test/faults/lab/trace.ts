/** Reads what strace saw (`-f -y`): which call ended before which one began, and so what a power loss would have left. */
import { dirname } from 'node:path';

/** One call of the system. */
export interface TracedCall {
  readonly name: string;
  /** what stood between the brackets; descriptors with their paths, as `3</tmp/x>` */
  readonly args: string;
  /** such as `0`, or `-1 ENOENT (No such file or directory)` */
  readonly result: string;
  /** places in the trace: a call that ended at a smaller one than another began was over before it */
  readonly began: number;
  readonly ended: number;
}

/** A request and its answer, on one connection. */
export interface Answered {
  /** method and path */
  readonly request: string;
  readonly asked: TracedCall;
  readonly answer: TracedCall;
}

const sockets = /^\d+<(socket:\[\d+\])>/;
const writing = new Set(['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2']);

/** @see the head of this file */
export class Trace {
  /** in the order in which they ended */
  readonly calls: readonly TracedCall[];

  constructor(text: string) {
    this.calls = readCalls(text);
  }

  /** Requests that were answered with success, in the order of their answers. */
  answered(): readonly Answered[] {
    const found: Answered[] = [];
    const open = new Map<string, { request: string; asked: TracedCall }>();
    for (const call of this.calls) {
      const socket = sockets.exec(call.args)?.[1];
      if (socket === undefined) continue;
      const request = /, "((?:GET|HEAD|POST|PUT|PATCH|DELETE) \S*)/.exec(call.args)?.[1];
      if (call.name === 'read' && request !== undefined) open.set(socket, { request, asked: call });
      const begun = open.get(socket);
      if (call.name === 'read' || !begun || !call.args.includes('"HTTP/1.1 ')) continue;
      open.delete(socket);
      if (call.args.includes('"HTTP/1.1 2')) found.push({ ...begun, answer: call });
    }
    return found;
  }

  /** The flushes of a file or directory that were over before a call began, the last one last. */
  flushes(path: string, before: TracedCall): readonly TracedCall[] {
    return this.calls.filter(
      ({ name, args, result, ended }) =>
        /^f(?:data)?sync$/.test(name) &&
        /^0\b/.test(result) &&
        args.endsWith(`<${path}>`) &&
        ended < before.began,
    );
  }

  /** The writes to a file that began before a call began. */
  writes(path: string, before: TracedCall): readonly TracedCall[] {
    return this.calls.filter(
      ({ name, args, began }) =>
        writing.has(name) && args.slice(0, path.length + 20).includes(`<${path}>`) && began < before.began,
    );
  }

  /** Whether everything that was written to a file until a call was flushed before it. Nothing written = no. */
  isFlushed(path: string, before: TracedCall): boolean {
    const written = Math.max(...this.writes(path, before).map(({ ended }) => ended));
    return this.flushes(path, before).some(({ began }) => began > written) && written >= 0;
  }

  /** The names from `path` up to below `top` that were made in this trace and not flushed in their directory before a call. */
  unnamed(path: string, top: string, before: TracedCall): readonly string[] {
    const missing: string[] = [];
    for (let name = path; name.startsWith(`${top}/`); name = dirname(name)) {
      const made = this.calls.find((call) => makes(call, name));
      const flushes = this.flushes(dirname(name), before);
      if (made && !flushes.some(({ began }) => began > made.ended)) missing.push(name);
    }
    return missing;
  }
}

function makes({ name, args, result }: TracedCall, path: string): boolean {
  if (result.startsWith('-1') || !args.includes(`"${path}"`)) return false;
  return name.startsWith('mkdir') || (name.startsWith('open') && args.includes('O_CREAT'));
}

function readCalls(text: string): readonly TracedCall[] {
  const calls: TracedCall[] = [];
  const begun = new Map<string, { readonly head: string; readonly began: number }>();
  for (const [place, line] of text.split('\n').entries()) {
    const [, pid = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const half = /^(\w+\(.*?),? *<unfinished \.\.\.>$/.exec(rest)?.[1];
    if (half !== undefined) {
      begun.set(pid, { head: half, began: place });
      continue;
    }
    const more = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)?.[1];
    const open = more === undefined ? undefined : begun.get(pid);
    if (more !== undefined) begun.delete(pid);
    const whole = more === undefined ? rest : `${open?.head ?? ''}${/^[)]/.test(more) ? '' : ', '}${more}`;
    const [, name = '', args = '', result = ''] = /^(\w+)\((.*)\) += (.*)$/.exec(whole) ?? [];
    if (name !== '') calls.push({ name, args, result, began: open?.began ?? place, ended: place });
  }
  return calls;
}
