/** Fix tasks on the word of a plain client. */
import { z } from 'zod';
import { longText } from '../../api/limited.ts';
import { taskShape } from '../../api/shapes.ts';
import { autoFix } from '../../session/auto-fix.ts';
import { toTaskWire } from '../../session/wire.ts';
import { type Route, route, speakers } from '../route.ts';

/** Why there is no fix task. */
const refusalShape = z.object({ created: z.literal(false), reason: z.string() });

/** Asking for a fix task. */
export const autoFixRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/tasks/:id/auto-fix',
    masked: true,
    access: speakers,
    summary:
      'Makes the fix task of a failing task, once per attempt; 200 with created: false when the rules refuse one.',
    tag: 'tasks',
    params: z.object({ id: z.string() }),
    body: z.object({ errorMessage: longText.nullish(), errorCode: longText.nullish() }),
    answers: { 201: taskShape, 200: refusalShape },
    handle: async ({ params, body, caller }, parts) => {
      const { errorMessage, errorCode } = body;
      const said = { errorMessage: errorMessage ?? '', errorCode: errorCode ?? '' };
      const made = await autoFix(parts, { caller, taskId: params.id, ...said });
      if (made.task === null) return { status: 200, body: { created: false, reason: made.refusal } };
      return { status: 201, body: toTaskWire(made.task) };
    },
  }),
];
