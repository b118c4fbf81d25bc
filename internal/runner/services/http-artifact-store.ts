import { z } from 'zod';
import { contentTypeOf } from '../../../pkg/mime/mime.ts';
import type { ArtifactStore } from '../services.ts';
import { openArtifact } from './artifact-file.ts';
import { askService, type Service, serviceError } from './ask-service.ts';

const answerShape = z.object({
  uri: z
    .string()
    .max(8192)
    .regex(/^[A-Za-z][A-Za-z0-9+.-]*:[^\p{Cc}\s]+$/u),
});

/** A store may put a large file elsewhere before it answers; ms. */
const keepMs = 120_000;

/**
 * An artifact store over HTTP: `POST /artifacts?type=…&name=…&taskId=…` with the bytes as they are, answered by `uri`.
 * A file is sent as it comes from the disk, from its start again when it is repeated.
 */
export function httpArtifactStore(service: Omit<Service, 'name'>): ArtifactStore {
  const store: Service = { ...service, name: 'artifact store' };
  return {
    upload: async ({ taskId, type, name, file, signal }) => {
      const question = {
        method: 'POST',
        path: `/artifacts?${new URLSearchParams({ type, name, taskId })}`,
      } as const;
      const { handle, sizeBytes, bytes } = await openArtifact(file);
      try {
        const body = { type: contentTypeOf(name), sizeBytes, open: bytes };
        const answer = answerShape.safeParse(
          await askService(store, { ...question, body, waitMs: keepMs, signal }),
        );
        if (answer.success) return answer.data.uri;
        throw serviceError(store, question, { words: 'expected uri in its answer, got something else' });
      } finally {
        await handle.close();
      }
    },
  };
}
