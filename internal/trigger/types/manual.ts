import { z } from 'zod';
import { triggerType } from '../trigger-type.ts';

/** Fires when somebody says so. */
export const manual = triggerType({
  name: 'manual',
  doc: 'when somebody says so: every workflow can be fired by hand, this names the parameters',
  source: 'manual',
  spec: z.strictObject({
    /** names of the parameters that must be given */
    required: z.array(z.string().min(1).max(100)).max(100).optional(),
    /** whether it takes a second call to fire: the first one gives a token for it, good for ten minutes; default false */
    confirm: z.boolean().optional(),
  }),
});
