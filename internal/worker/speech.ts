import type { Clock } from '../../pkg/clock/clock.ts';
import type { NewMessage } from './control-lane.ts';
import type { Cursor } from './cursor.ts';
import type { Request } from './mailbox-words.ts';

/**
 * Understands one request of a script: notes what the agent must remember (a declared end, an added file), and makes the
 * message for the server.
 *
 * @param parts.mask  masks secrets in what the script wrote
 * @returns the message; null when the server is told in another way
 */
export function understand(
  parts: { readonly clock: Clock; readonly cursor: Cursor; readonly mask: (text: string) => string },
  request: Request,
): NewMessage | null {
  const at = new Date(parts.clock.now()).toISOString();
  const { state } = parts.cursor;
  switch (request.kind) {
    case 'start':
      return { kind: 'started', at, ...optional('message', parts.mask(request.message)) };
    case 'progress':
      return {
        kind: 'progress',
        at,
        progress: request.progress,
        ...optional('message', parts.mask(request.message)),
      };
    case 'log':
      return { kind: 'log', at, level: request.level, message: parts.mask(request.message) };
    case 'success':
    case 'fail': {
      const declared = {
        status: request.kind === 'fail' ? ('FAILED' as const) : ('COMPLETED' as const),
        message: parts.mask(request.message),
        errorCode: request.kind === 'fail' ? parts.mask(request.errorCode) : '',
        autoFix: request.kind === 'fail' ? request.autoFix : null,
        ...(request.kind === 'fail' && request.retryAfterMs !== undefined
          ? { retryAfterMs: request.retryAfterMs }
          : {}),
      };
      if (request.kind === 'success' && request.artifactsDir !== null)
        state.artifactsDir = request.artifactsDir;
      // a failure stands: a success that follows it changes nothing
      if (state.declared?.status !== 'FAILED' || declared.status === 'FAILED') state.declared = declared;
      return { kind: 'declared', at, ...declared };
    }
    case 'ask':
      return {
        kind: 'ask',
        at,
        key: request.key,
        how: 'ask',
        prompt: parts.mask(request.question),
        choices: request.choices.map(parts.mask),
        secret: request.secret,
      };
    case 'artifact': {
      const { file, name, description } = request;
      if (!state.added.some((added) => added.file === file && added.name === name)) {
        state.added.push({ file, name, description: parts.mask(description) });
      }
      return null;
    }
    case 'cost': {
      const { micro, key, tokensIn, tokensOut, model } = request;
      return { kind: 'cost', at, micro, key, tokensIn, tokensOut, model: parts.mask(model) };
    }
    case 'redact':
      return null;
  }
}

function optional(name: 'message', text: string): { message?: string } {
  return text === '' ? {} : { [name]: text };
}
