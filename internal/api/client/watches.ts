import { apiPath } from '../base-url.ts';
import {
  type FileEventsAnswer,
  type FileEventsBody,
  fileEventsAnswer,
  type WatcherAnswer,
  watcherAnswer,
} from '../watch-shapes.ts';
import { type CallOptions, maxWordBytes, type Transport } from './transport.ts';

/** Calls of an agent about the directories that it watches. */
export interface WatchCalls {
  /** Asks what to watch. @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND, also from a server that knows no watches */
  claim(sessionId: string, agentId: string, options?: CallOptions): Promise<WatcherAnswer>;
  /** Hands in files that changed; may be repeated. @throws {NotFoundError} KERUTA_ERR_TRIGGER_NOT_FOUND */
  fire(triggerId: string, body: FileEventsBody, options?: CallOptions): Promise<FileEventsAnswer>;
}

/** @see WatchCalls */
export function watchCalls(transport: Transport): WatchCalls {
  return {
    claim: (id, agentId, options) =>
      transport.json(
        {
          method: 'POST',
          path: apiPath('sessions', id, 'watches'),
          json: { agentId },
          maxBytes: maxWordBytes,
          notFound: 'KERUTA_ERR_SESSION_NOT_FOUND',
          ...options,
        },
        watcherAnswer,
      ),
    fire: (id, json, options) =>
      transport.json(
        {
          method: 'POST',
          path: apiPath('triggers', id, 'file-events'),
          json,
          maxBytes: maxWordBytes,
          notFound: 'KERUTA_ERR_TRIGGER_NOT_FOUND',
          ...options,
        },
        fileEventsAnswer,
      ),
  };
}
