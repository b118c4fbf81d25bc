/**
 * What a delivery of GitHub does: it is told by its signature, over the bytes as they came and before anything is looked at,
 * and then fires every trigger that waits for it. Triggers of other repositories and events are not concerned: they keep no
 * record of it.
 */
import { DeniedError, InputError } from '../domain/errors.ts';
import type { Occurrence } from '../domain/workflow.ts';
import { isConcerned, needsPaths, refusalOf, refusalOfPaths } from '../trigger/github/filter.ts';
import { type GithubSpec, githubShape } from '../trigger/github/github-spec.ts';
import { type GithubEvent, readGithubEvent } from '../trigger/github/read-event.ts';
import { isSigned } from '../trigger/webhook/signatures.ts';
import { fireEvent } from './fire-event.ts';
import type { Caller, GithubParts, SessionParts } from './parts.ts';
import { UnderWay } from './under-way.ts';

/** A request as it came. */
export interface GithubDelivery {
  /** names in lower case */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly bytes: Uint8Array;
  /** who wants it to run although it is known; null = nobody */
  readonly rerunBy: Caller | null;
}

/** What became of it at one trigger. */
export interface GithubDelivered {
  readonly workflow: string;
  readonly trigger: string;
  readonly status: 'accepted' | 'duplicate' | 'skipped';
  /** why it ran, or why not */
  readonly reason: string;
  /** what did not fit; null: it fitted, or another reason was enough */
  readonly filteredBy: string | null;
  /** null: nothing runs */
  readonly taskId: string | null;
  readonly occurrenceId: string;
}

/** So often, at most, an operator is told of deliveries that are refused; ms. */
const tellEveryMs = 60_000;
const toldAt = new WeakMap<object, number>();

/** For everything that GitHub is asked before a delivery is answered; ms. GitHub waits for ten seconds. */
const maxAskMs = 3_000;

/**
 * Hands in a delivery. When it returns, its events are durable.
 * @returns one for each trigger that is concerned; null when GitHub only looked whether somebody is there
 * @throws {DeniedError} KERUTA_ERR_UNAUTHENTICATED: no secret is set up here, no signature, a wrong one, always the same; or
 *         a wish to run it once more that is no administrator's
 * @throws {InputError} KERUTA_ERR_BAD_BODY, KERUTA_ERR_BAD_VALUE
 * @throws {UnavailableError} when there is no room for one of the tasks; it may be sent again, and runs the others once
 */
export async function deliverGithub(
  parts: SessionParts,
  delivery: GithubDelivery,
): Promise<readonly GithubDelivered[] | null> {
  checkSignature(parts, delivery);
  const { headers, rerunBy } = delivery;
  if (rerunBy !== null && rerunBy.scope !== 'admin')
    throw new DeniedError(
      'KERUTA_ERR_UNAUTHENTICATED',
      'A delivery runs once more (rerun=1) for administrators only; send Authorization: Bearer krt_….',
    );
  const kind = headers['x-github-event'] ?? '';
  if (kind === 'ping') return null;
  const id = headers['x-github-delivery'] ?? '';
  if (!/^[\w-]{1,100}$/.test(id) || !/^\w{1,100}$/.test(kind))
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `Expected the id of the delivery in X-GitHub-Delivery and its event in X-GitHub-Event; got ${shown(id)} and ${shown(kind)}.`,
    );
  const payload = readPayload(delivery);
  const event = readGithubEvent(kind, payload);
  const names = new Map((await parts.store.workflows()).map((one) => [one.id, one.name]));
  const done: GithubDelivered[] = [];
  const faults: unknown[] = [];
  for (const trigger of await parts.store.triggers({ type: 'github' })) {
    const spec = githubShape.safeParse(trigger.definition.spec);
    if (!spec.success || !isConcerned(spec.data, event)) continue;
    const workflow = names.get(trigger.workflowId) ?? trigger.workflowId;
    const given = { triggerId: trigger.id, spec: spec.data, id, event, payload, rerunBy };
    try {
      done.push({ workflow, trigger: trigger.name, ...(await handTo(parts, given)) });
    } catch (error) {
      faults.push(error);
    }
  }
  if (faults.length > 0) throw faults[0];
  return done;
}

function shown(text: string): string {
  return text === '' ? 'nothing' : JSON.stringify(text.slice(0, 60));
}

function checkSignature(
  { github, clock, log, store }: SessionParts,
  { headers, bytes }: GithubDelivery,
): void {
  const secrets = github?.secrets ?? [];
  // without a secret the same work is done, so that the answer takes the same time
  const tried = secrets.length > 0 ? secrets : ['nobody has this secret'];
  const isIts = isSigned({ type: 'github' }, { headers, body: bytes, now: clock.now() }, tried);
  if (isIts && secrets.length > 0) return;
  const now = clock.monotonicMs();
  if (now - (toldAt.get(store) ?? Number.NEGATIVE_INFINITY) >= tellEveryMs) {
    toldAt.set(store, now);
    const why =
      secrets.length === 0
        ? 'GITHUB_WEBHOOK_SECRET is not set'
        : 'it is not signed with GITHUB_WEBHOOK_SECRET';
    log.warn('a delivery of GitHub was refused', { why });
  }
  throw new DeniedError(
    'KERUTA_ERR_UNAUTHENTICATED',
    'The delivery is not taken: there is no webhook here, or it is not signed as the webhook asks.',
  );
}

/** GitHub sends JSON, or a form with one field that holds it. */
function readPayload({ headers, bytes }: GithubDelivery): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded');
    return JSON.parse(isForm ? (new URLSearchParams(text).get('payload') ?? '') : text);
  } catch (cause) {
    throw new InputError('KERUTA_ERR_BAD_BODY', 'The delivery was expected to hold JSON in UTF-8.', {
      cause,
    });
  }
}

interface Given {
  readonly triggerId: string;
  readonly spec: GithubSpec;
  readonly id: string;
  readonly event: GithubEvent;
  readonly payload: unknown;
  readonly rerunBy: Caller | null;
}

type BecameOf = Omit<GithubDelivered, 'workflow' | 'trigger'>;

/** by trigger and key */
const underWay = new UnderWay<BecameOf>();

async function handTo(parts: SessionParts, given: Given): Promise<BecameOf> {
  const { triggerId, id, rerunBy } = given;
  const key = rerunBy === null ? `delivery:${id}` : `delivery:${id}:${parts.random.uuid4()}`;
  const name = `${triggerId} ${key}`;
  const { result, isCopy } = await underWay.join(parts.store, name, () => handIn(parts, given, key));
  return isCopy ? { ...result, status: 'duplicate' } : result;
}

async function handIn(parts: SessionParts, given: Given, key: string): Promise<BecameOf> {
  const { triggerId, event, rerunBy } = given;
  const known = await parts.store.occurrence(triggerId, key);
  if (known !== null) return told(known, false);
  const refusal = await judge(parts, given);
  const { occurrence, isNew } = await fireEvent(parts, {
    ...{ triggerId, source: 'github', key, kind: event.event, data: dataOf(given) },
    ...(refusal === null ? {} : { isFiltered: true, filteredBy: refusal }),
    isHandedInAgain: true,
    actor: rerunBy?.actor ?? 'system',
  });
  return told(occurrence, isNew);
}

function told({ decision, reason, taskId, id, details }: Occurrence, isNew: boolean): BecameOf {
  const status = decision === 'run' ? 'accepted' : 'skipped';
  const filteredBy = typeof details.filteredBy === 'string' ? details.filteredBy : null;
  return { status: isNew ? status : 'duplicate', reason, filteredBy, taskId, occurrenceId: id };
}

async function judge({ github, clock, log }: SessionParts, { spec, event }: Given): Promise<string | null> {
  const app = github?.app ?? null;
  const refusal = refusalOf(spec, event, await isOwn(app, event));
  if (refusal !== null) return refusal === 'own' ? 'self_caused' : refusal;
  if (app === null || !needsPaths(spec, event)) return refusalOfPaths(spec, event.paths);
  const late = new AbortController();
  const timer = clock.after(maxAskMs, () => late.abort(new Error('GitHub did not answer in time')));
  try {
    const { files, isComplete } = await askPaths(app, event, late.signal);
    return refusalOfPaths(spec, { listed: [...event.paths.listed, ...files], isComplete });
  } catch (error) {
    log.warn('GitHub does not say which files changed', { repository: event.repository?.fullName, error });
    return refusalOfPaths(spec, event.paths);
  } finally {
    timer();
  }
}

async function askPaths(app: NonNullable<GithubParts['app']>, event: GithubEvent, signal: AbortSignal) {
  const { repository, before, sha, number } = event;
  if (repository === null) return { files: [], isComplete: false };
  if (event.event === 'push' && before !== null && sha !== null)
    return app.changedFiles(repository, { base: before, head: sha }, signal);
  if (event.event.startsWith('pull_request') && number !== null)
    return app.pullFiles(repository, number, signal);
  return { files: [], isComplete: false };
}

/** What the App pushed and wrote itself bears its login, checks bear its number. */
async function isOwn(app: GithubParts['app'], { appId, sender }: GithubEvent): Promise<boolean> {
  if (app === null) return false;
  if (String(appId) === app.appId) return true;
  return sender.isBot && sender.login === (await app.login().catch(() => null));
}

/** What the task reads. */
function dataOf({ id, event, payload }: Given): Readonly<Record<string, unknown>> {
  const {
    action,
    repository,
    ref,
    sha,
    before,
    number,
    isPull,
    sender,
    labels,
    isFork,
    isForced,
    isDeleted,
  } = event;
  return {
    ...{ delivery: id, event: event.event, action, repository, ref, sha, before, number, isPull },
    ...{ sender: sender.login, labels, isFork, isForced, isDeleted, payload },
  };
}
