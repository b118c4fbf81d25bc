/** A server for https with a certificate of its own, in the place of a repository's. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** What is answered to requests whose path begins with this word; 404 to all others. */
export type Answers = Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>>;

/** A server that listens on a port of 127.0.0.1. */
export interface TlsRemote {
  /** such as `https://127.0.0.1:4711` */
  readonly origin: string;
  /** file of the certificate, for GIT_SSL_CAINFO */
  readonly certificate: string;
  /** paths that were asked for, in order */
  readonly asked: string[];
  close(): void;
}

/** Opens a server. @param directory  for its key and its certificate */
export async function openTlsRemote(directory: string, answers: Answers): Promise<TlsRemote> {
  const [key, certificate] = [join(directory, 'remote-key.pem'), join(directory, 'remote-cert.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const output = ['-keyout', key, '-out', certificate];
  execFileSync('openssl', ['req', ...kind, ...subject, ...output], { stdio: 'ignore' });
  const asked: string[] = [];
  const tls = { key: readFileSync(key), cert: readFileSync(certificate) };
  const server = createServer(tls, (request, response) => {
    const path = request.url ?? '/';
    asked.push(path);
    const answer = answers[path.split('/')[1] ?? ''];
    if (answer) answer(request, response);
    else response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    certificate,
    asked,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
