/** Runs the container of a pod as a process of this machine, in name spaces of its own, as a kubelet would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getuid } from 'node:process';
import type { Document } from '../../../fixtures/schemas/make-check.ts';

/** One line of a container's log. */
export interface LogLine {
  /** RFC 3339 with nanoseconds */
  readonly time: string;
  readonly text: string;
}

/** A container that runs. */
export interface RunningContainer {
  readonly log: readonly LogLine[];
  /** told of each line, and of the end */
  readonly onLog: Set<() => void>;
  readonly ended: Promise<number>;
  readonly hasEnded: () => boolean;
  /** signals its first process; SIGKILL ends all of it */
  readonly signal: (signal: NodeJS.Signals) => void;
}

/** What its volumes and secrets really are. */
export interface ContainerPlaces {
  /** directories by claim: a pod finds its claim under the same path as everybody else here */
  readonly claims: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** a directory with programs that every image has, first on its PATH */
  readonly programs?: string;
}

/** One container of a pod. */
export interface ContainerSpec {
  readonly pod: Document;
  readonly container: Document;
  /** of the pod: where its volumes lie that are its own */
  readonly scratch: string;
  readonly places: ContainerPlaces;
  /** the keys of a Secret that is there */
  readonly secretOf: (name: string) => Readonly<Record<string, Uint8Array>> | undefined;
}

/** What an image says about itself, and what Kubernetes says to everybody. */
const imageEnvironment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  FROM_IMAGE: 'yes',
  KUBERNETES_SERVICE_HOST: '10.0.0.1',
  KUBERNETES_SERVICE_PORT: '443',
};

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** Starts it. @throws when its volumes are not as this double can make them */
export function runContainer(spec: ContainerSpec): RunningContainer {
  const { pod, container, places, secretOf } = spec;
  const setUp = ['mount -t proc proc /proc', ...mountCommands(spec)];
  const own = Object.fromEntries((container.env ?? []).map(({ name, value }: Document) => [name, value]));
  const given = (container.envFrom ?? []).map(({ secretRef }: Document) =>
    Object.fromEntries(
      Object.entries(secretOf(secretRef.name) ?? {}).map(([key, value]) => [
        key,
        Buffer.from(value).toString(),
      ]),
    ),
  );
  const env = Object.assign({}, imageEnvironment, { HOSTNAME: pod.metadata.name }, ...given, own);
  if (places.programs !== undefined) env.PATH = `${places.programs}:${env.PATH}`;
  const directory = container.workingDir ?? '/';
  const text = [...setUp, `cd ${quote(directory)}`, 'exec "$@"'].join(' && ');
  const root = getuid?.() === 0 ? [] : ['--map-root-user'];
  const child = spawn(
    'unshare',
    [...root, '--pid', '--fork', '--mount', '--kill-child', 'sh', '-c', text, 'sh', ...container.command],
    { env, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  return watchChild(child);
}

function mountCommands(spec: ContainerSpec): readonly string[] {
  const { pod, container } = spec;
  const volumes = new Map<string, Document>(pod.spec.volumes.map((one: Document) => [one.name, one]));
  const mounts: readonly Document[] = container.volumeMounts ?? [];
  // what a node would make in the image is not to be made on this machine
  const hasRun = mounts.some(({ mountPath }) => mountPath.startsWith('/run/'));
  return [
    ...(hasRun ? ['mount -t tmpfs tmpfs /run'] : []),
    ...mounts.flatMap((mount) => mountCommand(spec, volumes.get(mount.name), mount)),
  ];
}

function mountCommand(spec: ContainerSpec, volume: Document, mount: Document): readonly string[] {
  const { places, scratch } = spec;
  const { mountPath, name, subPath = '', readOnly = false } = mount;
  const path = quote(mountPath);
  const readable = readOnly ? [`mount -o remount,bind,ro ${path}`] : [];
  if (volume?.persistentVolumeClaim !== undefined) {
    const directory = places.claims[volume.persistentVolumeClaim.claimName];
    const real = subPath === '' ? directory : `${directory}/${subPath}`;
    if (real !== mountPath) throw new Error(`the claim lies at ${real}, not at ${mountPath}`);
    return readOnly ? [`mount --bind ${path} ${path}`, ...readable] : [];
  }
  const source = join(scratch, name);
  mkdirSync(source, { recursive: true });
  chmodSync(source, 0o777);
  if (volume?.secret !== undefined) writeSecret(source, volume.secret, spec);
  const place = subPath === '' ? `mkdir -p ${path}` : `{ [ -e ${path} ] || : >${path}; }`;
  return [place, `mount --bind ${quote(join(source, subPath))} ${path}`, ...readable];
}

function writeSecret(directory: string, volume: Document, { secretOf }: ContainerSpec): void {
  const data = secretOf(volume.secretName) ?? {};
  const all = Object.keys(data).map((key) => ({ key, path: key }));
  for (const { key, path, mode = volume.defaultMode ?? 0o644 } of (volume.items ?? all) as Document[]) {
    rmSync(join(directory, path), { force: true });
    writeFileSync(join(directory, path), data[key] ?? '', { mode });
  }
}

function watchChild(child: ChildProcess): RunningContainer {
  const log: LogLine[] = [];
  const onLog = new Set<() => void>();
  let isOver = false;
  const tell = () => {
    for (const each of [...onLog]) each();
  };
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    const add = (text: string) => {
      if (text !== '') log.push({ time: new Date().toISOString().replace('Z', '000001Z'), text });
    };
    stream
      ?.setEncoding('utf8')
      .on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        lines.forEach(add);
        tell();
      })
      .on('end', () => add(rest));
  }
  const ended = new Promise<number>((resolve) => {
    child.on('close', (code, signal) => {
      isOver = true;
      resolve(code ?? (signal === 'SIGKILL' ? 137 : 128));
      tell();
    });
  });
  return {
    log,
    onLog,
    ended,
    hasEnded: () => isOver,
    signal: (signal) => {
      const first = firstProcess(child.pid);
      if (isOver) return;
      if (first === null) child.kill('SIGKILL');
      else send(first, signal);
    },
  };
}

/** One that has ended meanwhile needs no signal. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The container's first process, as this machine counts; null before it is there. */
function firstProcess(pid: number | undefined): number | null {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children === '' ? null : Number(children.split(' ')[0]);
  } catch {
    return null;
  }
}

/** What a container that went wrong leaves as its message, when it is told to. */
export function messageOf(spec: Document, container: RunningContainer, exitCode: number): string {
  if (exitCode === 0 || spec.terminationMessagePolicy !== 'FallbackToLogsOnError') return '';
  return container.log
    .map(({ text }) => text)
    .join('\n')
    .slice(-2048);
}
