import { totalmem } from 'node:os';
import { availableMemory, leastMemoryBytes, roundSize } from '../../health-checks.ts';
import { type Check, fail, ok, warn } from './check.ts';

/** Below this an ordinary task may be ended by the kernel; bytes. */
const scarceBytes = 256 * 1024 ** 2;

/** Memory that is left, also within the limit of a container. */
export const memoryCheck: Check = {
  name: 'memory',
  look: async () => {
    const limit = process.constrainedMemory();
    const isLimited = limit > 0 && limit < totalmem();
    const available = Math.min(
      availableMemory(),
      isLimited ? process.availableMemory() : Number.POSITIVE_INFINITY,
    );
    const of = isLimited ? `the ${roundSize(limit)} of this container` : roundSize(totalmem());
    const found = `${roundSize(available)} of ${of} available`;
    const advice = 'end what else runs here, or give the machine or container more';
    if (available < leastMemoryBytes) return fail(found, advice);
    return available < scarceBytes ? warn(found, advice) : ok(found);
  },
};
