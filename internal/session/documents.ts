import { NotFoundError } from '../domain/errors.ts';
import type { Document } from '../domain/records.ts';
import type { Reads } from '../store/store.ts';
import { requireUnbound } from './authorize.ts';
import { oncePerKey } from './once-per-key.ts';
import type { Caller, SessionParts } from './parts.ts';

/** What a document is made of. */
export interface DocumentWish {
  readonly title: string;
  readonly content: string;
  readonly tags?: readonly string[] | null | undefined;
}

/**
 * Makes a document.
 * @param options.key  chosen by the client: the same document with the same key again is the one that was made
 * @throws {ConflictError} KERUTA_ERR_IDEMPOTENCY
 * @throws {NotFoundError} KERUTA_ERR_DOCUMENT_NOT_FOUND when the one that the key made was removed
 */
export async function createDocument(
  parts: SessionParts,
  caller: Caller,
  wish: DocumentWish,
  options: { readonly key?: string | undefined } = {},
): Promise<Document> {
  requireUnbound(caller, 'documents');
  const now = await parts.store.now();
  const { title, content, tags } = wish;
  const document = {
    id: parts.random.uuid4(),
    title,
    content,
    tags: tags ?? [],
    createdAt: now,
    updatedAt: now,
  };
  const request = { caller, act: 'document', key: options.key, wish, now };
  return parts.store.transact((tx) =>
    oncePerKey(tx, request, {
      first: async () => {
        await tx.putDocument(document);
        return document;
      },
      again: (id) => found(tx, id),
    }),
  );
}

/** Replaces a document. @throws {NotFoundError} KERUTA_ERR_DOCUMENT_NOT_FOUND */
export async function replaceDocument(
  parts: SessionParts,
  ref: { readonly caller: Caller; readonly id: string },
  wish: DocumentWish,
): Promise<Document> {
  requireUnbound(ref.caller, 'documents');
  const now = await parts.store.now();
  return parts.store.transact(async (tx) => {
    const before = await found(tx, ref.id);
    const { title, content, tags } = wish;
    const document = { ...before, title, content, tags: tags ?? [], updatedAt: now };
    await tx.putDocument(document);
    return document;
  });
}

/** One document. @throws {NotFoundError} KERUTA_ERR_DOCUMENT_NOT_FOUND */
export async function getDocument(parts: SessionParts, caller: Caller, id: string): Promise<Document> {
  requireUnbound(caller, 'documents');
  return found(parts.store, id);
}

/** Documents, newest first. `title`: part of it, in any case; `tag`: exact. */
export async function listDocuments(
  parts: SessionParts,
  caller: Caller,
  filter: { readonly title?: string; readonly tag?: string },
): Promise<Document[]> {
  requireUnbound(caller, 'documents');
  return parts.store.documents(filter);
}

/** Removes a document. @throws {NotFoundError} KERUTA_ERR_DOCUMENT_NOT_FOUND */
export async function deleteDocument(parts: SessionParts, caller: Caller, id: string): Promise<void> {
  requireUnbound(caller, 'documents');
  await parts.store.transact(async (tx) => {
    await found(tx, id);
    await tx.deleteDocument(id);
  });
}

async function found(reads: Reads, id: string): Promise<Document> {
  const document = await reads.document(id);
  if (document !== null) return document;
  throw new NotFoundError(
    'KERUTA_ERR_DOCUMENT_NOT_FOUND',
    `There is no document ${JSON.stringify(id.slice(0, 80))}; GET /api/v1/documents lists them.`,
  );
}
