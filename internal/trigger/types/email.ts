import { checkEmailSpec, emailShape } from '../email/email-spec.ts';
import { triggerType } from '../trigger-type.ts';

/** Fires when a message comes into a mailbox; the server watches it. */
export const email = triggerType({
  name: 'email',
  doc: 'when a message that the filters fit comes into a mailbox (IMAP), from a sender who is verified and allowed',
  source: 'email',
  spec: emailShape,
  check: checkEmailSpec,
});
