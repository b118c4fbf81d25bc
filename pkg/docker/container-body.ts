/** A container as the API takes it. */

/** A directory or file of the engine's machine, in a container. */
export interface Mount {
  /** absolute; must exist */
  readonly source: string;
  /** absolute */
  readonly target: string;
  readonly readOnly: boolean;
}

/** What a container shall be. */
export interface ContainerSpec {
  readonly image: string;
  /** program and arguments, in place of those of the image */
  readonly command: readonly string[];
  readonly workingDirectory: string;
  /** `uid:gid`, or a name of the image; null: what the image says */
  readonly user: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  /** name of a network or mode (`none`, `host`); null: the engine's default */
  readonly network: string | null;
  /** memory and swap together; null: no limit */
  readonly memoryBytes: number | null;
  /** processors, in parts; null: no limit */
  readonly cpus: number | null;
  /** processes and threads; null: no limit */
  readonly pidsLimit: number | null;
  /** whether it has an input, which ends when who attached to it goes away; default false: it is empty */
  readonly hasInput?: boolean;
}

/**
 * The body of `POST /containers/create`. The engine keeps no output, starts nothing by itself, checks no health, and lets no
 * program gain rights.
 */
export function containerBody(spec: ContainerSpec): unknown {
  return {
    Image: spec.image,
    Entrypoint: spec.command.slice(0, 1),
    Cmd: spec.command.slice(1),
    WorkingDir: spec.workingDirectory,
    ...(spec.user === null ? {} : { User: spec.user }),
    Labels: spec.labels,
    Tty: false,
    OpenStdin: spec.hasInput === true,
    StdinOnce: spec.hasInput === true,
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      Mounts: spec.mounts.map(({ source, target, readOnly }) => ({
        Type: 'bind',
        Source: source,
        Target: target,
        ReadOnly: readOnly,
      })),
      ...(spec.network === null ? {} : { NetworkMode: spec.network }),
      ...(spec.memoryBytes === null ? {} : { Memory: spec.memoryBytes, MemorySwap: spec.memoryBytes }),
      ...(spec.cpus === null ? {} : { NanoCpus: Math.round(spec.cpus * 1e9) }),
      ...(spec.pidsLimit === null ? {} : { PidsLimit: spec.pidsLimit }),
      LogConfig: { Type: 'none' },
      RestartPolicy: { Name: 'no' },
      SecurityOpt: ['no-new-privileges'],
    },
  };
}
