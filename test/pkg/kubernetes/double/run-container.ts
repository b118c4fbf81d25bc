/** Runs the container of a pod as a process of this machine, in name spaces of its own, as a kubelet would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
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
export function runContainer(pod: Document, places: ContainerPlaces): RunningContainer {
  const [container] = pod.spec.containers;
  const setUp = ['mount -t proc proc /proc', ...mountCommands(pod, places)];
  const own = Object.fromEntries((container.env ?? []).map(({ name, value }: Document) => [name, value]));
  const given = (container.envFrom ?? []).map(({ secretRef }: Document) => places.secrets[secretRef.name]);
  const env = Object.assign({}, imageEnvironment, { HOSTNAME: pod.metadata.name }, ...given, own);
  const text = [...setUp, `cd ${quote(container.workingDir)}`, 'exec "$@"'].join(' && ');
  const root = getuid?.() === 0 ? [] : ['--map-root-user'];
  const child = spawn(
    'unshare',
    [...root, '--pid', '--fork', '--mount', '--kill-child', 'sh', '-c', text, 'sh', ...container.command],
    { env, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  return watchChild(child);
}

function mountCommands(pod: Document, { claims, secrets }: ContainerPlaces): readonly string[] {
  const volumes = new Map<string, Document>(pod.spec.volumes.map((one: Document) => [one.name, one]));
  return pod.spec.containers[0].volumeMounts.flatMap((mount: Document) => {
    const { mountPath, name, subPath = '', readOnly = false } = mount;
    const volume = volumes.get(name);
    const path = quote(mountPath);
    if (volume?.persistentVolumeClaim !== undefined) {
      const directory = claims[volume.persistentVolumeClaim.claimName];
      const real = subPath === '' ? directory : `${directory}/${subPath}`;
      if (real !== mountPath) throw new Error(`the claim lies at ${real}, not at ${mountPath}`);
      return readOnly ? [`mount --bind ${path} ${path}`, `mount -o remount,bind,ro ${path}`] : [];
    }
    if (volume?.emptyDir !== undefined) return [`mount -t tmpfs -o mode=777 tmpfs ${path}`];
    const files = Object.entries(secrets[volume?.secret?.secretName] ?? {});
    return [
      `mkdir -p ${path}`,
      `mount -t tmpfs tmpfs ${path}`,
      ...files.map(([file, value]) => `printf %s ${quote(value)} >${path}/${quote(file)}`),
    ];
  });
}

function watchChild(child: ChildProcess): RunningContainer {
  const log: LogLine[] = [];
  const onLog = new Set<() => void>();
  let isOver = false;
  const tell = () => {
    for (const each of [...onLog]) each();
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n').filter((one) => one !== '')) {
        log.push({ time: new Date().toISOString().replace('Z', '000001Z'), text: line });
      }
      tell();
    });
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
      else process.kill(first, signal);
    },
  };
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
