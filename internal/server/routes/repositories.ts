/** Repositories that clients registered. Their credentials go in and never come out. */
import { z } from 'zod';
import type { Repository } from '../../domain/records.ts';
import {
  createRepository,
  deleteRepository,
  editRepository,
  getRepository,
  listRepositories,
  toggleRepository,
} from '../../session/repositories.ts';
import { toInstant } from '../../session/wire.ts';
import { readIdempotencyKey } from '../idempotency-key.ts';
import { type Access, admins, type Route, route } from '../route.ts';
import { idPath } from './path.ts';

const tag = 'repositories';
const watchers: Access = ['admin', 'read-only'];
const commonFields = {
  id: z.string(),
  name: z.string(),
  description: z.string(),
  url: z.string(),
  branch: z.string(),
  authType: z.string(),
  isActive: z.boolean(),
  tags: z.array(z.string()),
  createdAt: z.string(),
  updatedAt: z.string(),
};
const repositoryShape = z.object({ ...commonFields, hasInstallScript: z.boolean() });
const detailShape = z.object({ ...commonFields, installScript: z.string(), authConfigPresent: z.boolean() });
const text = z.string().trim().min(1).max(2048);
const optionalFields = {
  description: z.string().nullish(),
  authConfig: z.record(z.string(), z.string()).nullish(),
  tags: z.array(z.string()).nullish(),
  installScript: z.string().nullish(),
  isActive: z.boolean().nullish(),
};
const newRepository = z.object({ name: text, url: text, branch: text, authType: text, ...optionalFields });
const changes = newRepository.partial();
const one = { 200: repositoryShape };

/** Routes of `/api/v1/repositories`. */
export const repositoryRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/repositories',
    access: watchers,
    summary: 'Lists repositories by name; a search looks at name and URL.',
    tag,
    query: z.object({ search: z.string().optional(), activeOnly: z.string().optional() }),
    answers: { 200: z.array(repositoryShape) },
    handle: async ({ query, caller }, parts) => {
      const filter = { search: query.search ?? '', activeOnly: query.activeOnly === 'true' };
      return { status: 200, body: (await listRepositories(parts, caller, filter)).map(toWire) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/repositories',
    access: admins,
    summary: 'Registers a repository.',
    tag,
    body: newRepository,
    answers: one,
    handle: async ({ body, caller }, parts) => ({
      status: 200,
      body: toWire(await createRepository(parts, caller, body)),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/repositories/:id',
    access: watchers,
    summary: 'Gives one repository; its credentials only as a yes or no.',
    tag,
    params: idPath,
    answers: { 200: detailShape },
    handle: async ({ params, caller }, parts) => ({
      status: 200,
      body: toDetail(await getRepository(parts, caller, params.id)),
    }),
  }),
  route({
    method: 'PUT',
    path: '/api/v1/repositories/:id',
    access: admins,
    summary: 'Changes a repository; what is left out stays.',
    tag,
    params: idPath,
    body: changes,
    answers: one,
    handle: async ({ params, body, caller }, parts) => ({
      status: 200,
      body: toWire(await editRepository(parts, { caller, id: params.id }, body)),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/repositories/:id/toggle-status',
    access: admins,
    summary:
      'Makes an active repository inactive, and the other way round; with an Idempotency-Key header once per key.',
    tag,
    params: idPath,
    answers: one,
    handle: async ({ params, caller, headers }, parts) => {
      const key = readIdempotencyKey(headers);
      return { status: 200, body: toWire(await toggleRepository(parts, { caller, id: params.id, key })) };
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/repositories/:id',
    access: admins,
    summary: 'Removes a repository from the list.',
    tag,
    params: idPath,
    answers: { 200: z.object({ status: z.string(), message: z.string(), repositoryId: z.string() }) },
    handle: async ({ params, caller }, parts) => {
      await deleteRepository(parts, caller, params.id);
      const message = 'The repository was removed.';
      return { status: 200, body: { status: 'success', message, repositoryId: params.id } };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/repositories/:id/script',
    access: watchers,
    summary: 'Gives the set-up script of a repository.',
    tag,
    params: idPath,
    answers: { 200: z.object({ repositoryId: z.string(), installScript: z.string() }) },
    handle: async ({ params, caller }, parts) => {
      const { id: repositoryId, installScript } = await getRepository(parts, caller, params.id);
      return { status: 200, body: { repositoryId, installScript } };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/repositories/tags',
    access: watchers,
    summary: 'Lists the tags of all repositories, sorted.',
    tag,
    answers: { 200: z.array(z.string()) },
    handle: async ({ caller }, parts) => {
      const repositories = await listRepositories(parts, caller, {});
      return { status: 200, body: [...new Set(repositories.flatMap((each) => each.tags))].sort() };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/repositories/stats',
    access: watchers,
    summary: 'Counts repositories.',
    tag,
    handle: async ({ caller }, parts) => ({
      status: 200,
      body: statsOf(await listRepositories(parts, caller, {})),
    }),
  }),
];

function statsOf(repositories: readonly Repository[]): Record<string, unknown> {
  const active = repositories.filter((each) => each.isActive).length;
  const tags = countBy(repositories.flatMap((each) => each.tags));
  const top = Object.entries(tags).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return {
    totalRepositories: repositories.length,
    activeRepositories: active,
    inactiveRepositories: repositories.length - active,
    authTypeDistribution: countBy(repositories.map((each) => each.authType)),
    topTags: top.slice(0, 10).map(([first, second]) => ({ first, second })),
    hasInstallScript: repositories.filter((each) => each.installScript !== '').length,
  };
}

function countBy(words: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return Object.fromEntries(counts);
}

function toWire({ authConfig, installScript, ...rest }: Repository): z.infer<typeof repositoryShape> {
  return { ...datesAsText(rest), hasInstallScript: installScript !== '' };
}

function toDetail({ authConfig, ...rest }: Repository): z.infer<typeof detailShape> {
  return { ...datesAsText(rest), authConfigPresent: Object.keys(authConfig).length > 0 };
}

function datesAsText<R extends Pick<Repository, 'tags' | 'createdAt' | 'updatedAt'>>(repository: R) {
  const { createdAt, updatedAt, tags } = repository;
  return { ...repository, tags: [...tags], createdAt: toInstant(createdAt), updatedAt: toInstant(updatedAt) };
}
