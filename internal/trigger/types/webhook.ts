import { InputError } from '../../domain/errors.ts';
import { type SecretRef, secretName } from '../../domain/secret-ref.ts';
import { type ScheduleContext, triggerType } from '../trigger-type.ts';
import { leastSecretBytes } from '../webhook/secret-ref.ts';
import { readWebhook, webhookShape } from '../webhook/webhook-spec.ts';

/** Fires when somebody calls its address and shows that he may. */
export const webhook = triggerType({
  name: 'webhook',
  doc: 'when a request comes to its address that is signed, or carries its secret',
  source: 'webhook',
  spec: webhookShape,
  check: (input, { host }: ScheduleContext) => {
    const { verification, secrets } = readWebhook(input);
    if (host === undefined) return [];
    if (verification.type === 'none' && !host.isLoopback)
      throw new InputError(
        'KERUTA_ERR_BAD_VALUE',
        'auth: none is for servers that listen on a loopback address only, and this one can be reached by others; name a secret',
      );
    const warnings = secrets.flatMap((ref) => warningsOf(ref, host.secret(ref)));
    return verification.type === 'none' ? ['auth: none: whoever reaches the server can fire it'] : warnings;
  },
});

function warningsOf(ref: SecretRef, secret: string | null): readonly string[] {
  if (secret === null)
    return [`auth: ${secretName(ref)} cannot be read on this server, so nobody can fire it`];
  const bytes = Buffer.byteLength(secret);
  if (bytes >= leastSecretBytes) return [];
  return [
    `auth: the secret in ${secretName(ref)} has ${bytes} bytes; ${leastSecretBytes} or more cannot be guessed`,
  ];
}
