/** How a GitHub App shows who it is. @see https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app */
import { createPrivateKey, createSign, type KeyObject } from 'node:crypto';

/** How far our clock may run ahead of GitHub's; s. */
const skewS = 60;
/** How long a proof holds; GitHub takes 10 min at most; s. */
const lifeS = 540;

/**
 * Reads the private key of an App: PEM, its line ends written as they are or as `\n`.
 * @throws {Error} when it is no RSA key; the message never holds any of it
 */
export function readAppKey(text: string): KeyObject {
  const fault = () =>
    new Error(
      'expected an RSA private key in PEM, as GitHub gives it out for an App (-----BEGIN RSA PRIVATE KEY-----)',
    );
  let key: KeyObject;
  try {
    key = createPrivateKey(text.replaceAll('\\r', '').replaceAll('\\n', '\n').trim());
  } catch {
    throw fault();
  }
  if (key.asymmetricKeyType !== 'rsa') throw fault();
  return key;
}

/** Makes a proof (JWT, RS256) that holds for nine minutes. @param nowMs  epoch ms */
export function signAppProof(appId: string, key: KeyObject, nowMs: number): string {
  const now = Math.floor(nowMs / 1000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ iat: now - skewS, exp: now + lifeS, iss: appId })}`;
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key, 'base64url')}`;
}
