/**
 * A double of the Kubernetes API for one namespace, with the controllers and the node that belong to it. Requests and its
 * own answers are held against the published OpenAPI, and each request against the rules of a role.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { freePort } from '../../../fixtures/free-port.ts';
import { type Document, makeCheck } from '../../../fixtures/schemas/make-check.ts';
import { Controllers } from './controllers.ts';
import { matches, ObjectStore } from './object-store.ts';
import { queryFault } from './query-fault.ts';
import { answer, answerClaim, objectFaults, refuse, statusOf, verbOf } from './replies.ts';
import { roleAllows } from './role.ts';
import type { ContainerPlaces } from './run-container.ts';

/** A fault that the API is told to have. */
export interface PlannedFault {
  /** of `METHOD /path?query` */
  readonly match: RegExp;
  readonly status: number;
  readonly retryAfterSeconds?: number;
  /** whether the request is done all the same, and only its answer is lost; default false */
  readonly isDone?: boolean;
  /** how often; default once */
  times?: number;
}

/** How it is made. */
export interface DoubleOptions extends ContainerPlaces {
  readonly namespace?: string;
  readonly token?: string;
  /** of a Role; default: everything is allowed */
  readonly rules?: readonly Document[];
}

const schema = 'kubernetes-1.36.json';
const checks = new Map<string, (document: Document) => readonly string[]>();
function check(definition: string, document: Document): readonly string[] {
  const known = checks.get(definition) ?? makeCheck(schema, definition);
  checks.set(definition, known);
  return known(document);
}
const definitionOf: Readonly<Record<string, string>> = { jobs: 'V1Job', pods: 'V1Pod', secrets: 'V1Secret' };
const kindOf: Readonly<Record<string, string>> = { jobs: 'JobList', pods: 'PodList' };

interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly body: Document;
  readonly response: ServerResponse;
}

export class ApiDouble {
  readonly store = new ObjectStore();
  readonly controllers: Controllers;
  readonly namespace: string;
  readonly token: string;
  /** `METHOD path?query` of every request that was taken */
  readonly requests: string[] = [];
  /** what did not fit the schemas or their parameters, was asked of nothing that there is, or was not allowed */
  readonly complaints: string[] = [];
  readonly #options: DoubleOptions;
  readonly #faults: PlannedFault[] = [];
  readonly #streams = new Map<ServerResponse, 'watch' | 'log'>();
  #server: Server;
  #port = 0;

  constructor(options: DoubleOptions) {
    this.#options = options;
    this.namespace = options.namespace ?? 'work';
    this.token = options.token ?? 'token-of-the-agent';
    this.controllers = new Controllers(this.store, options);
    this.#server = this.#makeServer();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Listens; after `goAway` again at the same port. */
  async listen(): Promise<this> {
    if (this.#port === 0) this.#port = await freePort();
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    return this;
  }

  /** Nobody answers any more; what runs goes on. */
  async goAway(): Promise<void> {
    const gone = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await gone;
    this.#server = this.#makeServer();
  }

  async stop(): Promise<void> {
    await this.controllers.stop();
    await this.goAway();
  }

  /** The next requests that match fail. */
  fail(fault: PlannedFault): void {
    this.#faults.push({ times: 1, ...fault });
  }

  /** Breaks all connections of one sort in the middle. @returns how many */
  drop(sort: 'watch' | 'log'): number {
    const found = [...this.#streams].filter(([, one]) => one === sort).map(([response]) => response);
    for (const response of found) response.destroy();
    return found.length;
  }

  /** Forgets what was, and says so to every watch. */
  expire(): void {
    this.store.compact();
    for (const [response, sort] of this.#streams) {
      if (sort !== 'watch') continue;
      const object = statusOf(410, 'Expired', 'too old resource version');
      response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
    }
  }

  #makeServer(): Server {
    return createServer((request, response) => void this.#take(request, response));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const text = Buffer.concat(parts).toString();
    const url = new URL(request.url ?? '/', 'http://double');
    const method = request.method ?? '';
    const line = `${method} ${url.pathname}${url.search}`;
    this.requests.push(line);
    const fault = this.#faults.find(({ match, times = 0 }) => times > 0 && match.test(line));
    if (fault !== undefined && fault.isDone !== true) {
      fault.times = (fault.times ?? 1) - 1;
      if (fault.retryAfterSeconds !== undefined) {
        response.setHeader('retry-after', String(fault.retryAfterSeconds));
      }
      refuse(response, fault.status, 'Fault', `a planned fault, ${fault.status}`);
      return;
    }
    if (request.headers.authorization !== `Bearer ${this.token}`) {
      refuse(response, 401, 'Unauthorized', 'Unauthorized');
      return;
    }
    const body = text === '' ? undefined : JSON.parse(text);
    if (fault?.isDone) {
      fault.times = 0;
      // what would have been sent goes nowhere
      response.end = () => response.destroy();
    }
    this.#route({ method, url, body, response });
  }

  #route(asked: Asked): ServerResponse {
    const { method, url, response, body } = asked;
    if (url.pathname === '/version') return answer(response, 200, { gitVersion: 'v1.36.0' });
    if (url.pathname === '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews' && method === 'POST') {
      return this.#review(asked);
    }
    const match =
      /^\/(?:api|apis\/(batch))\/v1\/namespaces\/([^/]+)\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(
        url.pathname,
      );
    const [, group = '', namespace, resource = '', name, subresource] = match ?? [];
    if (match === null || namespace !== this.namespace) return this.#complain(asked, 404, 'NotFound');
    const verb = verbOf(method, url, name);
    const asksFor = { verb, group, resource: subresource ? `${resource}/${subresource}` : resource };
    const { rules } = this.#options;
    if (rules !== undefined && !roleAllows(rules, asksFor)) {
      return this.#complain(asked, 403, 'Forbidden', `may not ${verb} ${asksFor.resource}`);
    }
    const wrong = queryFault(subresource ?? verb, url.searchParams);
    if (wrong !== null) return this.#complain(asked, 400, 'BadRequest', wrong);
    if (resource === 'persistentvolumeclaims') {
      const isThere = (name ?? '') in this.#options.claims;
      return answerClaim(response, { name: name ?? '', namespace, isThere });
    }
    if (subresource === 'log') return this.#log(asked, name ?? '');
    if (!(resource in definitionOf) || subresource !== undefined)
      return this.#complain(asked, 404, 'NotFound');
    if (verb === 'create') return this.#create(asked, resource);
    if (verb === 'list') return this.#list(asked, resource);
    if (verb === 'watch') return this.#watch(asked, resource);
    const object = this.store.get(resource, name ?? '');
    if (object === undefined) return refuse(response, 404, 'NotFound', `${resource} "${name}" not found`);
    if (verb === 'get') return answer(response, 200, object);
    const faults = body === undefined ? [] : check('V1DeleteOptions', body);
    if (faults.length > 0) return this.#complain(asked, 400, 'BadRequest', faults.join('; '));
    if (resource === 'secrets') this.store.delete(resource, name ?? '');
    else void this.controllers[resource === 'jobs' ? 'deleteJob' : 'deletePod'](name ?? '');
    return answer(response, 200, object);
  }

  #create({ url, body, response, method }: Asked, resource: string): ServerResponse {
    const faults = check(definitionOf[resource] ?? '', body);
    if (faults.length > 0) {
      return this.#complain({ url, body, response, method }, 422, 'Invalid', faults.join('; '));
    }
    const { name } = body.metadata;
    const fault = objectFaults(body, this.namespace);
    if (fault !== null) return this.#complain({ url, body, response, method }, 422, 'Invalid', fault);
    if (this.store.get(resource, name) !== undefined) {
      return refuse(response, 409, 'AlreadyExists', `${resource} "${name}" already exists`);
    }
    const metadata = { ...body.metadata, uid: `uid-${this.store.version}` };
    const status = resource === 'secrets' ? {} : { status: {} };
    return answer(response, 201, this.store.set(resource, { ...body, metadata, ...status }));
  }

  #list({ url, response }: Asked, resource: string): ServerResponse {
    const items = this.store.list(resource, url.searchParams.get('labelSelector') ?? '');
    const limit = Number(url.searchParams.get('limit') ?? '500');
    const from = Number(url.searchParams.get('continue') ?? '0');
    const rest = items.length > from + limit ? String(from + limit) : '';
    const body = {
      apiVersion: resource === 'jobs' ? 'batch/v1' : 'v1',
      kind: kindOf[resource],
      metadata: {
        resourceVersion: String(this.store.version),
        ...(rest === '' ? {} : { continue: rest }),
      },
      items: items.slice(from, from + limit),
    };
    this.complaints.push(...check(`V1${kindOf[resource]}`, body).map((text) => `our own list: ${text}`));
    return answer(response, 200, body);
  }

  #watch({ url, response }: Asked, resource: string): ServerResponse {
    const selector = url.searchParams.get('labelSelector') ?? '';
    const from = Number(url.searchParams.get('resourceVersion'));
    if (this.store.hasForgotten(from)) return refuse(response, 410, 'Expired', 'too old resource version');
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const stop = this.store.watch(from, ({ kind, type, object }) => {
      if (kind !== resource || response.writableEnded) return;
      const faults = check(definitionOf[resource] ?? '', object);
      this.complaints.push(...faults.map((text) => `our own ${resource}: ${text}`));
      if (matches(object, selector)) response.write(`${JSON.stringify({ type, object })}\n`);
    });
    this.#streams.set(response, 'watch');
    response.on('close', () => {
      stop();
      this.#streams.delete(response);
    });
    return response;
  }

  #log({ url, response }: Asked, name: string): ServerResponse {
    const container = this.controllers.running.get(name);
    if (container === undefined) {
      const isThere = this.store.get('pods', name) !== undefined;
      return isThere
        ? refuse(response, 400, 'BadRequest', 'container is waiting to start')
        : refuse(response, 404, 'NotFound', `pods "${name}" not found`);
    }
    const since = url.searchParams.get('sinceTime')?.slice(0, 19) ?? '';
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.flushHeaders();
    let told = 0;
    const tell = () => {
      for (; told < container.log.length; told += 1) {
        const { time, text } = container.log[told] as { time: string; text: string };
        if (time.slice(0, 19) >= since) response.write(`${time} ${text}\n`);
      }
      if (container.hasEnded() || url.searchParams.get('follow') !== 'true') response.end();
    };
    container.onLog.add(tell);
    this.#streams.set(response, 'log');
    response.on('close', () => {
      container.onLog.delete(tell);
      this.#streams.delete(response);
    });
    tell();
    return response;
  }

  #review(asked: Asked): ServerResponse {
    const faults = check('V1SelfSubjectAccessReview', asked.body);
    if (faults.length > 0) return this.#complain(asked, 422, 'Invalid', faults.join('; '));
    const { verb, group, resource, subresource, namespace } = asked.body.spec.resourceAttributes;
    const whole = subresource ? `${resource}/${subresource}` : resource;
    const { rules } = this.#options;
    const allowed =
      namespace === this.namespace &&
      (rules === undefined || roleAllows(rules, { verb, group, resource: whole }));
    return answer(asked.response, 201, { ...asked.body, status: { allowed } });
  }

  #complain(
    { method, url, response }: Asked,
    status: number,
    reason: string,
    message = reason,
  ): ServerResponse {
    this.complaints.push(`${method} ${url.pathname}: ${status} ${message}`);
    return refuse(response, status, reason, message);
  }
}
