/**
 * A client of a container engine's HTTP API (Docker's, which others speak too): the calls that running one program in one
 * container needs. It speaks the engine's own version of the API, from 1.40 to 1.51.
 */
import type { z } from 'zod';
import { askEngine, type EngineAnswer, EngineError, type EngineQuestion } from './ask-engine.ts';
import { type Attached, attach } from './attach.ts';
import { type ContainerSpec, containerBody } from './container-body.ts';
import type { EngineAddress } from './engine-address.ts';
import {
  containerShape,
  imageShape,
  listShape,
  pathShape,
  refusalShape,
  statsShape,
  topShape,
} from './shapes.ts';
import { type ContainerUsage, usageOf } from './stats.ts';

/** What is known of a container. */
export interface Container {
  readonly id: string;
  /** `created`, `running`, `paused`, `restarting`, `removing`, `exited`, `dead` */
  readonly status: string;
  readonly isRunning: boolean;
  /** of its first process, as the engine's machine counts; 0 when there is none */
  readonly pid: number;
  readonly exitCode: number;
  /** whether the kernel took a process of it for want of memory; certain once it has ended */
  readonly isOomKilled: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

/** What is known of an image. */
export interface Image {
  readonly id: string;
  /** `NAME=value` */
  readonly env: readonly string[];
}

const [oldestVersion, newestVersion] = ['1.40', '1.51'];
/** For questions that the engine answers from memory; ms. */
const askMs = 30_000;
/** For what it has to work for: an image may have to be copied; ms. */
const workMs = 180_000;
/** For bringing an image over the network; ms. */
const pullMs = 1_800_000;

/** A client of one engine. Nothing is asked before the first call; every method throws {@link EngineError}. */
export class Engine {
  readonly address: EngineAddress;
  #version: Promise<string> | null = null;

  constructor(address: EngineAddress) {
    this.address = address;
  }

  /** Which version of the API is spoken with this engine. */
  async version(): Promise<string> {
    this.#version ??= this.#negotiate();
    try {
      return await this.#version;
    } catch (error) {
      // asked again by the next call
      this.#version = null;
      throw error;
    }
  }

  /** Looks at an image; null when the engine does not have it. */
  async inspectImage(name: string): Promise<Image | null> {
    const path = `/images/${encodeURIComponent(name)}/json`;
    const found = await this.#read(imageShape, { path, toDo: `look at the image ${name}` });
    return found === null ? null : { id: found.Id, env: found.Config.env };
  }

  /** Brings an image from its registry. */
  async pullImage(name: string): Promise<void> {
    const toDo = `pull the image ${name}`;
    // without a tag every tag would come
    const tag = /[:@][^/]*$/.test(name) ? '' : '&tag=latest';
    const path = `/images/create?fromImage=${encodeURIComponent(name)}${tag}`;
    const { text } = await this.#do({ method: 'POST', path, toDo, timeoutMs: pullMs });
    // the answer is 200 before anything is brought; a failure is its last line
    const failure = /^\{.*"error":"((?:[^"\\]|\\.)*)"/m.exec(text)?.[1];
    if (failure !== undefined) throw this.#refused(toDo, 200, failure);
  }

  /**
   * Makes a container, and starts nothing.
   * @param name  null: the engine makes one up
   * @returns its id
   * @throws {EngineError} with status 409 when the name is taken, 404 when the image is not there
   */
  async create(name: string | null, spec: ContainerSpec): Promise<string> {
    const path = `/containers/create${name === null ? '' : `?name=${encodeURIComponent(name)}`}`;
    const toDo = `make ${name === null ? 'a container' : `the container ${name}`} of the image ${spec.image}`;
    const ask = { method: 'POST', path, toDo, body: containerBody(spec), timeoutMs: workMs } as const;
    return idIn((await this.#do(ask)).text);
  }

  /** Starts a container; one that runs already is left alone. */
  async start(name: string): Promise<void> {
    const toDo = `start the container ${name}`;
    await this.#do({ method: 'POST', path: `/containers/${name}/start`, toDo, timeoutMs: workMs });
  }

  /** Attaches to input and output of a container, best before it is started: nobody keeps what it printed before. */
  async attach(name: string): Promise<Attached> {
    const path = `/v${await this.version()}/containers/${name}/attach?stream=1&stdin=1&stdout=1&stderr=1`;
    return attach(this.address, { path, toDo: `attach to the container ${name}`, timeoutMs: askMs });
  }

  /** Looks at a container; null when there is none. */
  async inspect(name: string): Promise<Container | null> {
    const toDo = `look at the container ${name}`;
    const found = await this.#read(containerShape, { path: `/containers/${name}/json`, toDo });
    if (found === null) return null;
    const { State: state } = found;
    return {
      id: found.Id,
      status: state.Status,
      isRunning: state.Running,
      pid: state.Pid,
      exitCode: state.ExitCode,
      isOomKilled: state.OOMKilled,
      labels: found.Config.Labels ?? {},
    };
  }

  /** The containers that have a label of this value, in any state. */
  async list(
    label: string,
    value: string,
  ): Promise<
    readonly { readonly id: string; readonly status: string; readonly labels: Container['labels'] }[]
  > {
    const filters = encodeURIComponent(JSON.stringify({ label: [`${label}=${value}`] }));
    const path = `/containers/json?all=1&filters=${filters}`;
    const found = await this.#read(listShape, { path, toDo: 'list containers' });
    return (found ?? []).map(({ Id, State, Labels }) => ({ id: Id, status: State, labels: Labels ?? {} }));
  }

  /** Sends a signal to the first process of a container; one that does not run is left alone. */
  async signal(name: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const path = `/containers/${name}/kill?signal=${signal}`;
    const toDo = `send ${signal} to the container ${name}`;
    await this.#do({ method: 'POST', path, toDo, timeoutMs: askMs }, [404, 409]);
  }

  /** Removes a container, and ends what runs in it (SIGKILL); one that is not there, or is being removed, is left alone. */
  async remove(name: string): Promise<void> {
    const path = `/containers/${name}?force=1&v=1`;
    await this.#do(
      { method: 'DELETE', path, toDo: `remove the container ${name}`, timeoutMs: workMs },
      [404, 409],
    );
  }

  /** What a container has used; null when it does not run. */
  async usage(name: string): Promise<ContainerUsage | null> {
    const path = `/containers/${name}/stats?stream=false&one-shot=true`;
    const found = await this.#read(statsShape, { path, toDo: `measure the container ${name}` });
    return found === null ? null : usageOf(found);
  }

  /** The processes of a container, as the engine's machine counts them; none when it does not run. */
  async processes(name: string): Promise<readonly { readonly pid: number; readonly command: string }[]> {
    const path = `/containers/${name}/top?ps_args=${encodeURIComponent('-o pid,comm')}`;
    const found = await this.#read(
      topShape,
      { path, toDo: `list the processes of ${name}` },
      [404, 409, 500],
    );
    const [pid, command] = ['PID', 'COMMAND'].map((title) => found?.Titles.indexOf(title) ?? -1);
    return (found?.Processes ?? []).map((row) => ({
      pid: Number(row[pid ?? -1] ?? 0),
      command: row[command ?? -1] ?? '',
    }));
  }

  /** Runs a program in a container that runs, and waits for its end. @returns false when the container does not run */
  async exec(name: string, command: readonly string[]): Promise<boolean> {
    const toDo = `run ${command[0] ?? ''} in the container ${name}`;
    const body = { Cmd: command, AttachStdout: true, AttachStderr: true };
    const ask = { method: 'POST', toDo, timeoutMs: askMs } as const;
    const made = await this.#do({ ...ask, path: `/containers/${name}/exec`, body }, [404, 409]);
    if (made.status >= 300) return false;
    const id = idIn(made.text);
    const started = await this.#do(
      { ...ask, path: `/exec/${id}/start`, body: { Detach: false } },
      [404, 409],
    );
    return started.status < 300;
  }

  /**
   * Looks at a file of a container, in any state, through links.
   * @returns whether it is a file that may be executed; null when there is none
   */
  async isProgram(name: string, file: string, links = 8): Promise<boolean | null> {
    const path = `/containers/${name}/archive?path=${encodeURIComponent(file)}`;
    const toDo = `look at ${file} in the container ${name}`;
    const { status, headers } = await this.#do({ method: 'HEAD', path, toDo, timeoutMs: askMs }, [404]);
    const header = headers['x-docker-container-path-stat'];
    if (status === 404 || typeof header !== 'string') return null;
    const look = pathShape.parse(JSON.parse(Buffer.from(header, 'base64').toString()));
    const isLink = look.linkTarget !== '' && look.linkTarget !== file;
    if (isLink) return links === 0 ? null : this.isProgram(name, look.linkTarget, links - 1);
    // Go's type bits are above the permissions: only regular files have none
    return look.mode < 2 ** 19 && (look.mode & 0o111) !== 0;
  }

  async #negotiate(): Promise<string> {
    const toDo = 'be asked for its version';
    const answer = await askEngine(this.address, { method: 'GET', path: '/_ping', timeoutMs: askMs, toDo });
    const own = answer.headers['api-version'];
    if (answer.status !== 200 || typeof own !== 'string' || !/^1\.\d+$/.test(own)) {
      throw this.#refused(toDo, answer.status, 'what listens there is no container engine');
    }
    const minor = (version: string) => Number(version.slice(2));
    if (minor(own) < minor(oldestVersion)) {
      throw this.#refused(toDo, 200, `its API is ${own}, and ${oldestVersion} or newer is needed`);
    }
    return minor(own) < minor(newestVersion) ? own : newestVersion;
  }

  async #read<T extends z.ZodType>(
    shape: T,
    ask: { readonly path: string; readonly toDo: string },
    absent: readonly number[] = [404],
  ): Promise<z.infer<T> | null> {
    const { status, text } = await this.#do({ method: 'GET', ...ask, timeoutMs: askMs }, absent);
    if (status >= 300) return null;
    const found = shape.safeParse(asJson(text));
    if (found.success) return found.data;
    throw this.#refused(ask.toDo, status, 'its answer is not one of the API');
  }

  /** @param expected  statuses besides success that are an answer */
  async #do(question: EngineQuestion, expected: readonly number[] = []): Promise<EngineAnswer> {
    const path = `/v${await this.version()}${question.path}`;
    const answer = await askEngine(this.address, { ...question, path });
    if (answer.status < 400 || expected.includes(answer.status)) return answer;
    const said = refusalShape.safeParse(asJson(answer.text));
    throw this.#refused(
      question.toDo,
      answer.status,
      said.success ? said.data.message : `HTTP ${answer.status}`,
    );
  }

  #refused(toDo: string, status: number, reason: string): EngineError {
    return new EngineError(
      { address: this.address, toDo },
      { kind: 'refused', status, reason: reason.trim() },
    );
  }
}

/** The id of what was made. */
function idIn(text: string): string {
  return (JSON.parse(text) as { readonly Id: string }).Id;
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
