/** A TCP proxy that can be told to misbehave, between an agent and its server. In this process, on loopback. */
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * | mode        | what happens to a connection                                                     |
 * | ----------- | -------------------------------------------------------------------------------- |
 * | `pass`      | nothing                                                                          |
 * | `refuse`    | reset at once                                                                    |
 * | `blackhole` | accepted, read, never answered; also on connections that were kept (`keep`)      |
 * | `reset`     | reset at the first byte of a request: the request is lost                        |
 * | `eat`       | the request is passed on, its answer is eaten and the connection reset           |
 * | `cut`       | reset after `amount` bytes of requests                                           |
 * | `slow`      | at most `amount` bytes of requests a second                                      |
 * | `delay`     | requests arrive `amount` ms later                                                |
 */
export type ProxyMode = 'pass' | 'refuse' | 'blackhole' | 'reset' | 'eat' | 'cut' | 'slow' | 'delay';

/** @see ProxyMode */
export class FlakyProxy {
  mode: ProxyMode = 'pass';
  amount = 0;
  /** changes what passes from client to server; null = nothing */
  change: ((bytes: Buffer) => Buffer) | null = null;
  /** asked for each piece of an answer: true loses it, as `eat` does; null = nothing is lost */
  loses: (() => boolean) | null = null;
  /** connections that came */
  connections = 0;
  /** connections of now, both ends */
  readonly #live = new Set<Socket>();
  readonly #server: Server;
  #targetPort: number;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#serve(client));
  }

  /** Starts a proxy in front of a port of 127.0.0.1. @param at  where; default: a free port of 127.0.0.1 */
  static async listen(
    targetPort: number,
    at: { readonly host?: string; readonly port?: number } = {},
  ): Promise<FlakyProxy> {
    const proxy = new FlakyProxy(targetPort);
    const { host = '127.0.0.1', port = 0 } = at;
    await new Promise<void>((done, fail) => {
      proxy.#server.once('error', fail).listen(port, host, done);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Changes how it behaves, from now on and, by resetting them, for the connections that there are. */
  set(mode: ProxyMode, amount = 0, options: { readonly keep?: boolean } = {}): void {
    this.mode = mode;
    this.amount = amount;
    if (!options.keep) for (const socket of this.#live) socket.resetAndDestroy();
  }

  /** Leads to another port from now on. */
  pointAt(port: number): void {
    this.#targetPort = port;
    for (const socket of this.#live) socket.resetAndDestroy();
  }

  close(): void {
    for (const socket of this.#live) socket.destroy();
    this.#server.close();
  }

  #serve(client: Socket): void {
    this.connections += 1;
    this.#keep(client);
    if (this.mode === 'refuse') return void client.resetAndDestroy();
    if (this.mode === 'blackhole') return void client.on('data', () => {});
    const server = connect(this.#targetPort, '127.0.0.1');
    this.#keep(server);
    server.on('close', () => client.destroy());
    server.on('error', () => client.resetAndDestroy());
    client.on('close', () => server.destroy());
    let seen = 0;
    client.on('data', (bytes: Buffer) => {
      if (this.mode === 'blackhole') return;
      seen += bytes.length;
      this.#pass(client, server, this.change?.(bytes) ?? bytes, seen);
    });
    client.on('end', () => this.mode !== 'eat' && server.end());
    server.on('data', (bytes: Buffer) => {
      if (this.mode === 'blackhole') return;
      if (this.mode === 'eat' || this.loses?.()) client.resetAndDestroy();
      else if (!client.write(bytes)) {
        server.pause();
        client.once('drain', () => server.resume());
      }
    });
    server.on('end', () => client.end());
  }

  #pass(client: Socket, server: Socket, bytes: Buffer, seen: number): void {
    const { mode, amount } = this;
    if (mode === 'reset') {
      server.destroy();
      client.resetAndDestroy();
    } else if (mode === 'cut' && seen > amount) {
      server.write(bytes.subarray(0, Math.max(0, bytes.length - (seen - amount))));
      server.end();
      client.resetAndDestroy();
    } else if (mode === 'delay') setTimeout(() => server.write(bytes), amount);
    else if (mode === 'slow') {
      client.pause();
      server.write(bytes);
      setTimeout(() => client.resume(), (bytes.length / Math.max(1, amount)) * 1000);
    } else if (!server.write(bytes)) {
      client.pause();
      server.once('drain', () => client.resume());
    }
  }

  #keep(socket: Socket): void {
    this.#live.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#live.delete(socket));
  }
}
