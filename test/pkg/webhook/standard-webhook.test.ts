import { expect, test } from 'vitest';
import { isSigned } from '../../../internal/trigger/webhook/signatures.ts';
import { standardHeaders } from '../../../pkg/webhook/standard-webhook.ts';

test('a message is signed as the example of the specification', () => {
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1614265330, body: '{"test": 2432232314}' };
  expect(standardHeaders('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', message)).toEqual({
    'webhook-id': message.id,
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test.each(['whsec_c2VjcmV0IG9mIG1vcmUgdGhhbiBhIGZldyBieXRlcw==', 'a plain secret'])(
  'a trigger of a webhook believes a message that was signed with %s, and no other',
  (secret) => {
    const now = Date.UTC(2026, 0, 1);
    const message = { id: 'm', timestamp: now / 1000, body: '{"größe":1}' };
    const request = { headers: standardHeaders(secret, message), body: Buffer.from(message.body), now };
    expect(isSigned({ type: 'standard' }, request, [secret])).toBe(true);
    expect(isSigned({ type: 'standard' }, { ...request, body: Buffer.from('{}') }, [secret])).toBe(false);
    expect(isSigned({ type: 'standard' }, request, ['another'])).toBe(false);
  },
);
