/** Certificates of a certificate authority of our own, made by openssl, and a proxy that speaks TLS with one of them. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createServer, type Server, type TLSSocket } from 'node:tls';

/** Certificate and key in PEM. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** What {@link makeCertificates} makes; all but `selfSigned` are signed by the authority. */
export interface Certificates {
  /** file with the authority's certificate, in PEM */
  readonly authority: string;
  /** for localhost and 127.0.0.1, valid for ten days */
  readonly good: Certificate;
  /** the same, until yesterday */
  readonly expired: Certificate;
  /** for another host */
  readonly wrongName: Certificate;
  /** for localhost, by itself */
  readonly selfSigned: Certificate;
}

/** Makes them in a directory. Takes about a second. */
export function makeCertificates(directory: string): Certificates {
  const at = (name: string) => join(directory, name);
  const openssl = (...words: readonly string[]) => execFileSync('openssl', words, { stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const self = (name: string, subject: string, ...more: readonly string[]) =>
    openssl(
      ...['req', '-x509', ...key, '-days', '10', '-subj', `/CN=${subject}`, ...more],
      ...['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)],
    );
  const read = (name: string): Certificate => ({
    cert: readFileSync(at(`${name}.pem`)),
    key: readFileSync(at(`${name}.key`)),
  });
  const signed = (name: string, host: string, days: number): Certificate => {
    openssl('req', ...key, '-subj', `/CN=${host}`, '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`));
    const names = host === 'localhost' ? 'DNS:localhost,IP:127.0.0.1' : `DNS:${host}`;
    writeFileSync(at(`${name}.ext`), `subjectAltName=${names}\n`);
    openssl(
      ...['x509', '-req', '-in', at(`${name}.csr`), '-out', at(`${name}.pem`), '-days', String(days)],
      ...['-CA', at('authority.pem'), '-CAkey', at('authority.key'), '-CAcreateserial'],
      ...['-extfile', at(`${name}.ext`)],
    );
    return read(name);
  };
  self('authority', 'authority of the laboratory');
  self('self-signed', 'localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1');
  return {
    authority: at('authority.pem'),
    good: signed('good', 'localhost', 10),
    expired: signed('expired', 'localhost', -1),
    wrongName: signed('wrong-name', 'other.example', 10),
    selfSigned: read('self-signed'),
  };
}

/** @see TlsProxy.listen */
export class TlsProxy {
  /** what clients sent behind the handshake; bytes */
  received = 0;
  /** handshakes that clients began */
  connections = 0;
  readonly #server: Server;
  readonly #live = new Set<TLSSocket>();

  private constructor(certificate: Certificate, targetPort: number) {
    this.#server = createServer({ ...certificate }, (client) => {
      const target = connect(targetPort, '127.0.0.1');
      this.#live.add(client);
      client.on('data', ({ length }: Buffer) => {
        this.received += length;
      });
      client.on('error', () => target.destroy()).on('close', () => target.destroy());
      target.on('error', () => client.destroy()).on('close', () => client.destroy());
      client.pipe(target).pipe(client);
    });
    this.#server.on('connection', () => {
      this.connections += 1;
    });
    this.#server.on('tlsClientError', () => {});
  }

  /** Starts before a port of 127.0.0.1, on a free one. */
  static async listen(certificate: Certificate, targetPort: number): Promise<TlsProxy> {
    const proxy = new TlsProxy(certificate, targetPort);
    await new Promise<void>((done) => proxy.#server.listen(0, '127.0.0.1', done));
    return proxy;
  }

  get url(): string {
    return `https://localhost:${(this.#server.address() as { port: number }).port}`;
  }

  close(): void {
    for (const socket of this.#live) socket.destroy();
    this.#server.close();
  }
}
