/** What runners in containers are made with, and what stands on these. */
import { pid } from 'node:process';
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Mount } from '../../../pkg/docker/container-body.ts';
import type { Engine } from '../../../pkg/docker/engine.ts';
import type { EngineAddress } from '../../../pkg/docker/engine-address.ts';
import type { Log } from '../../../pkg/log/log.ts';
import { identityOf, isAlive } from '../../../pkg/process/process-identity.ts';

/** How runners are put into containers. */
export interface DockerPlace {
  readonly clock: Clock;
  readonly log: Log;
  readonly address: EngineAddress;
  readonly image: string;
  /** whether an image that is missing is brought from its registry */
  readonly pull: boolean;
  /** directories here, and places there */
  readonly volumes: Readonly<Record<string, string>>;
  /** name of a network or mode; null: the engine's default */
  readonly network: string | null;
  /** `uid:gid`, or a name of the image */
  readonly user: string;
  /** null: no limit */
  readonly pidsLimit: number | null;
  /** for images that have no keruta of their own: the executable of this one; null: there is none that a container could run */
  readonly executable: string | null;
}

/** What is written on containers: that they are runners, and which process they belong to. */
export const label = { runner: 'keruta.runner', owner: 'keruta.runner-owner' } as const;

/** The volumes that are asked for, to be written to. */
export const volumesOf = ({ volumes }: DockerPlace): readonly Mount[] =>
  Object.entries(volumes).map(([source, target]) => ({ source, target, readOnly: false }));

/** Mounts something at the same place. */
export const mountOf = (path: string, readOnly: boolean): Mount => ({ source: path, target: path, readOnly });

/** This process, so that another one can tell whether it is still there. */
export function ownerText(): string {
  const { startTicks, bootId } = identityOf(pid) ?? { startTicks: null, bootId: '' };
  return `${bootId} ${pid} ${startTicks ?? ''}`;
}

/** Removes what processes left that were killed: containers that have ended, and those of a look. */
export async function removeAbandoned(engine: Engine): Promise<void> {
  const ours = [...(await engine.list(label.runner, 'task')), ...(await engine.list(label.runner, 'look'))];
  for (const { id, status, labels } of ours) {
    const [bootId = '', owner, startTicks] = (labels[label.owner] ?? '').split(' ');
    const isOwned = isAlive({ bootId, pid: Number(owner), startTicks: Number(startTicks) || null });
    if (!isOwned && status !== 'running') await engine.remove(id);
  }
}
