import { z } from 'zod';
import { apiPath } from '../base-url.ts';
import {
  type FileEventAnswer,
  type FileEventBody,
  fileEventAnswer,
  type WatchWire,
  watchShape,
} from '../watch-shapes.ts';
import type { CallOptions, Transport } from './transport.ts';

/** Calls of an agent about the directories that it watches. */
export interface WatchCalls {
  /** @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND, also from a server that knows no watches */
  list(sessionId: string, options?: CallOptions): Promise<WatchWire[]>;
  /** Hands in files that changed; may be repeated. @throws {NotFoundError} KERUTA_ERR_TRIGGER_NOT_FOUND */
  fire(triggerId: string, body: FileEventBody, options?: CallOptions): Promise<FileEventAnswer>;
}

/** @see WatchCalls */
export function watchCalls(transport: Transport): WatchCalls {
  return {
    list: (id, options) =>
      transport.json(
        {
          method: 'GET',
          path: apiPath('sessions', id, 'watches'),
          notFound: 'KERUTA_ERR_SESSION_NOT_FOUND',
          ...options,
        },
        z.array(watchShape),
      ),
    fire: (id, json, options) =>
      transport.json(
        {
          method: 'POST',
          path: apiPath('triggers', id, 'file-events'),
          json,
          notFound: 'KERUTA_ERR_TRIGGER_NOT_FOUND',
          ...options,
        },
        fileEventAnswer,
      ),
  };
}
