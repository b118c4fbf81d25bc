import { InputError, NotFoundError } from '../domain/errors.ts';
import type { Repository } from '../domain/records.ts';
import type { Reads } from '../store/store.ts';
import { requireUnbound } from './authorize.ts';
import { oncePerKey } from './once-per-key.ts';
import type { Caller, SessionParts } from './parts.ts';

/** What a repository is made of; on a change, absent = as it is. */
export interface RepositoryWish {
  readonly name?: string | undefined;
  readonly url?: string | undefined;
  readonly branch?: string | undefined;
  /** in any case */
  readonly authType?: string | undefined;
  readonly description?: string | null | undefined;
  readonly authConfig?: Readonly<Record<string, string>> | null | undefined;
  readonly tags?: readonly string[] | null | undefined;
  readonly installScript?: string | null | undefined;
  readonly isActive?: boolean | null | undefined;
}

const authTypes: readonly Repository['authType'][] = ['NONE', 'USERNAME_PASSWORD', 'SSH_KEY', 'ACCESS_TOKEN'];

/**
 * Registers a repository.
 * @throws {InputError} KERUTA_ERR_BAD_VALUE, KERUTA_ERR_REPOSITORY_REFUSED, also when the URL is registered already
 */
export async function createRepository(
  parts: SessionParts,
  caller: Caller,
  wish: RepositoryWish & Required<Pick<RepositoryWish, 'name' | 'url' | 'branch' | 'authType'>>,
): Promise<Repository> {
  requireUnbound(caller, 'repositories');
  const now = await parts.store.now();
  return parts.store.transact(async (tx) => {
    const blank: Repository = {
      id: parts.random.uuid4(),
      name: '',
      description: '',
      url: '',
      branch: 'main',
      authType: 'NONE',
      authConfig: {},
      isActive: true,
      tags: [],
      installScript: '',
      createdAt: now,
      updatedAt: now,
    };
    const repository = await changed(tx, blank, wish);
    await tx.putRepository(repository);
    return repository;
  });
}

/** Changes a repository. @throws {NotFoundError} KERUTA_ERR_REPOSITORY_NOT_FOUND; and as createRepository */
export async function editRepository(
  parts: SessionParts,
  ref: { readonly caller: Caller; readonly id: string },
  wish: RepositoryWish,
): Promise<Repository> {
  requireUnbound(ref.caller, 'repositories');
  const now = await parts.store.now();
  return parts.store.transact(async (tx) => {
    const repository = { ...(await changed(tx, await found(tx, ref.id), wish)), updatedAt: now };
    await tx.putRepository(repository);
    return repository;
  });
}

/**
 * Makes an active repository inactive, and the other way round.
 * @param ref.key  chosen by the client: the same key again changes nothing more
 * @throws {NotFoundError} KERUTA_ERR_REPOSITORY_NOT_FOUND
 */
export async function toggleRepository(
  parts: SessionParts,
  ref: { readonly caller: Caller; readonly id: string; readonly key: string | undefined },
): Promise<Repository> {
  const { caller, id, key } = ref;
  requireUnbound(caller, 'repositories');
  const now = await parts.store.now();
  return parts.store.transact(async (tx) => {
    // two that toggle at the same time would both see what was before
    await tx.lockSession(`repository ${id}`);
    const before = await found(tx, id);
    return oncePerKey(
      tx,
      { caller, act: `toggle ${id}`, key, wish: null, now },
      {
        first: async () => {
          const repository = { ...before, isActive: !before.isActive, updatedAt: now };
          await tx.putRepository(repository);
          return repository;
        },
        again: async () => before,
      },
    );
  });
}

/** One repository. @throws {NotFoundError} KERUTA_ERR_REPOSITORY_NOT_FOUND */
export async function getRepository(parts: SessionParts, caller: Caller, id: string): Promise<Repository> {
  requireUnbound(caller, 'repositories');
  return found(parts.store, id);
}

/** Repositories by name. A search looks at inactive ones too. */
export async function listRepositories(
  parts: SessionParts,
  caller: Caller,
  filter: { readonly search?: string; readonly activeOnly?: boolean },
): Promise<Repository[]> {
  requireUnbound(caller, 'repositories');
  return parts.store.repositories(filter.search ? { search: filter.search } : filter);
}

/** Removes a repository. @throws {NotFoundError} KERUTA_ERR_REPOSITORY_NOT_FOUND */
export async function deleteRepository(parts: SessionParts, caller: Caller, id: string): Promise<void> {
  requireUnbound(caller, 'repositories');
  await parts.store.transact(async (tx) => {
    await found(tx, id);
    await tx.deleteRepository(id);
  });
}

async function changed(reads: Reads, before: Repository, wish: RepositoryWish): Promise<Repository> {
  const url = wish.url ?? before.url;
  if (url !== before.url) await checkUrl(reads, url);
  return {
    ...before,
    url,
    name: wish.name ?? before.name,
    branch: wish.branch ?? before.branch,
    authType: wish.authType === undefined ? before.authType : readAuthType(wish.authType),
    description: wish.description ?? before.description,
    authConfig: wish.authConfig ?? before.authConfig,
    tags: wish.tags ?? before.tags,
    installScript: wish.installScript ?? before.installScript,
    isActive: wish.isActive ?? before.isActive,
  };
}

async function checkUrl(reads: Reads, url: string): Promise<void> {
  if (!/^(https:\/\/|http:\/\/|git@|ssh:\/\/)[^\s-]\S*$/.test(url)) {
    throw new InputError(
      'KERUTA_ERR_REPOSITORY_REFUSED',
      'url: expected one that begins with https://, http://, git@ or ssh://; what came does not.',
    );
  }
  if ((await reads.repositoryByUrl(url)) !== null) {
    throw new InputError('KERUTA_ERR_BAD_VALUE', 'url: a repository with this URL is registered already.');
  }
}

function readAuthType(text: string): Repository['authType'] {
  const type = authTypes.find((each) => each === text.trim().toUpperCase());
  if (type !== undefined) return type;
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `authType: expected one of ${authTypes.join(', ')}; got ${JSON.stringify(text.slice(0, 40))}.`,
  );
}

async function found(reads: Reads, id: string): Promise<Repository> {
  const repository = await reads.repository(id);
  if (repository !== null) return repository;
  throw new NotFoundError(
    'KERUTA_ERR_REPOSITORY_NOT_FOUND',
    `There is no repository ${JSON.stringify(id.slice(0, 80))}; GET /api/v1/repositories lists them.`,
  );
}
