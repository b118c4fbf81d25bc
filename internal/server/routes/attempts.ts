/** What an agent says about the attempt that it runs, and the list of attempts. */

import { z } from 'zod';
import {
  checkoutAnswer,
  checkoutRequest,
  claimRequest,
  exitedRequest,
  finishAnswer,
  finishRequest,
  messagesAnswer,
  messagesRequest,
  renewAnswer,
  renewRequest,
} from '../../api/protocol.ts';
import { claimAnswer } from '../../api/shapes.ts';
import { defaultTiming } from '../../domain/attempt.ts';
import type { Task } from '../../domain/task.ts';
import { checkoutSource } from '../../session/checkout-source.ts';
import { claim } from '../../session/claim.ts';
import { environmentOfTask } from '../../session/event-of-task.ts';
import { reportExited } from '../../session/exited.ts';
import { finish } from '../../session/finish.ts';
import { githubOrigin } from '../../session/github-origin.ts';
import { applyMessages } from '../../session/messages.ts';
import type { SessionParts } from '../../session/parts.ts';
import { renew } from '../../session/renew.ts';
import { type Story, storyOf } from '../../session/story.ts';
import { toSessionWire, toTaskWire } from '../../session/wire.ts';
import { operators, type Route, route, speakers } from '../route.ts';

/** The path of one attempt, and its shape. */
export const attemptPath = '/api/v1/tasks/:id/attempts/:n';
/** @see attemptPath */
export const attemptParams = z.object({ id: z.string(), n: z.coerce.number().int().positive() });

/** Largest batch of control messages: a thousand log lines of the largest kind do not come at once; bytes. */
const maxMessagesBytes = 16 * 1024 * 1024;

/** Claiming, renewing, control messages and reports. */
export const attemptRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/sessions/:id/claim',
    access: operators,
    summary: 'Claims the next task of a session for an agent; waits for one up to waitMs.',
    tag: 'attempts',
    unmetered: true,
    waits: true,
    params: z.object({ id: z.string() }),
    body: claimRequest,
    answers: { 200: claimAnswer },
    handle: async ({ params, body, caller, signal }, parts) => {
      const found = await claim(parts, { caller, sessionId: params.id, request: body, signal });
      const session = toSessionWire(found.session);
      if (!found.claim) {
        const { agentId = '', taskId = '' } = found.holder ?? {};
        const heldBy = found.holder ? { agentId, taskId } : null;
        return { status: 200, body: { claim: null, session, heldBy } };
      }
      const { task, attempt, token } = found.claim;
      const { number, reason } = attempt;
      const given = {
        task: toTaskWire(task),
        environment: await environmentOfTask(parts, task),
        ...(task.kind === 'script' ? {} : copyOf(await storyOf(parts.store, task))),
        ...((await isOfGithub(parts, task)) ? { asksForCheckout: true } : {}),
        attempt: { number, reason, leaseMs: (parts.timing ?? defaultTiming).leaseMs, token },
      };
      return { status: 200, body: { claim: given, session } };
    },
  }),
  route({
    method: 'POST',
    path: `${attemptPath}/renew`,
    access: operators,
    summary:
      'Extends the lease of an attempt; tells of a cancel and of answers, and waits for them up to waitMs.',
    tag: 'attempts',
    unmetered: true,
    waits: true,
    params: attemptParams,
    body: renewRequest,
    answers: { 200: renewAnswer },
    handle: async ({ params, body, caller, signal }, parts) => {
      const { id: taskId, n: number } = params;
      return { status: 200, body: await renew(parts, { caller, taskId, number, request: body, signal }) };
    },
  }),
  route({
    method: 'POST',
    path: `${attemptPath}/checkout`,
    access: operators,
    summary:
      'Tells the agent of an attempt what to check out, with a token that reads its repository; for tasks that GitHub fired.',
    tag: 'attempts',
    unmetered: true,
    params: attemptParams,
    body: checkoutRequest,
    answers: { 200: checkoutAnswer },
    handle: async ({ params, body, caller }, parts) => {
      const ref = { caller, taskId: params.id, number: params.n, request: body };
      const headers = { 'cache-control': 'no-store' };
      return { status: 200, headers, body: { checkout: await checkoutSource(parts, ref) } };
    },
  }),
  route({
    method: 'POST',
    path: `${attemptPath}/messages`,
    masked: true,
    access: speakers,
    summary: 'Applies control messages of an attempt in order; numbers that were applied are passed over.',
    tag: 'attempts',
    unmetered: true,
    params: attemptParams,
    body: messagesRequest,
    maxBodyBytes: maxMessagesBytes,
    answers: { 200: messagesAnswer },
    handle: async ({ params, body, caller }, parts) => {
      const { id: taskId, n: number } = params;
      const controlSeq = await applyMessages(parts, { caller, taskId, number, messages: body.messages });
      return { status: 200, body: { controlSeq } };
    },
  }),
  route({
    method: 'POST',
    path: `${attemptPath}/exited`,
    masked: true,
    access: speakers,
    summary: 'Makes the end of a run visible at once; its last bytes may still come.',
    tag: 'attempts',
    unmetered: true,
    params: attemptParams,
    body: exitedRequest,
    answers: { 200: z.object({}) },
    handle: async ({ params, body, caller }, parts) => {
      await reportExited(parts, { caller, taskId: params.id, number: params.n, report: body });
      return { status: 200, body: {} };
    },
  }),
  route({
    method: 'POST',
    path: `${attemptPath}/finish`,
    masked: true,
    access: speakers,
    summary: 'Closes an attempt once everything of it is here; 409 tells what is missing.',
    tag: 'attempts',
    unmetered: true,
    params: attemptParams,
    body: finishRequest,
    maxBodyBytes: maxMessagesBytes,
    answers: { 200: finishAnswer },
    handle: async ({ params, body, caller }, parts) => ({
      status: 200,
      body: await finish(parts, { caller, taskId: params.id, number: params.n, report: body }),
    }),
  }),
];

/** A server that takes no deliveries of GitHub need not look. */
async function isOfGithub({ github, store }: SessionParts, task: Task): Promise<boolean> {
  if (!github || github.secrets.length === 0) return false;
  return (await githubOrigin(store, task)) !== null;
}

function copyOf({ story, dependencies }: Story) {
  return { story: [...story], dependencies: [...dependencies] };
}
