/** How many connections there are: in all, and from each address. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { UnavailableError } from '../domain/errors.ts';
import type { ServerLimits } from './limits.ts';
import { tooMany } from './too-many.ts';
import { isLoopback, plainAddress } from './trusted-proxies.ts';

/** So many connections over a limit are taken all the same, to be told why; the others are closed at once. */
const toldConnections = 16;
const retryAfterMs = 5_000;

/** What the counting depends on. */
export type ConnectionLimits = Pick<ServerLimits, 'maxConnections' | 'maxConnectionsPerAddress'> & {
  /** whether connections from an address stand for many clients: proxies */
  readonly isProxy: (address: string) => boolean;
  /** whether an address is of this machine; default: loopback. They have no limit of their own */
  readonly isLocal?: (address: string) => boolean;
};

/**
 * Counts connections. One over a limit gets a 429 for its first request, as long as there are few of those. What comes
 * through a proxy is counted by the address that the proxy names, a request under way being a connection.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #byAddress = new Map<string, number>();
  readonly #refused = new WeakMap<Socket, UnavailableError>();
  #total = 0;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** Counts the connections of a server from now on. */
  watch(server: Server): void {
    server.on('connection', (socket: Socket) => this.#open(socket));
  }

  /** Why the requests of a connection are refused; null when they are not. */
  refusal(socket: Socket): UnavailableError | null {
    return this.#refused.get(socket) ?? null;
  }

  /**
   * Counts a request that came through a proxy.
   * @param address  of the client, as the proxy names it
   * @returns what to do when it is over, and why it is refused, if it is
   */
  beginProxied(address: string): { readonly end: () => void; readonly refusal: UnavailableError | null } {
    const count = this.#add(`forwarded ${address}`);
    const { maxConnectionsPerAddress: max } = this.#limits;
    return {
      end: () => this.#remove(`forwarded ${address}`),
      refusal:
        count > max
          ? tooManyOf('maxConnectionsPerAddress', max, 'requests under way from one address')
          : null,
    };
  }

  #open(socket: Socket): void {
    const { maxConnections, maxConnectionsPerAddress, isProxy, isLocal = isLoopback } = this.#limits;
    const address = plainAddress(socket.remoteAddress ?? '');
    this.#total++;
    const count = this.#add(address);
    socket.once('close', () => {
      this.#total--;
      this.#remove(address);
    });
    const isCounted = !isLocal(address) && !isProxy(address);
    const over = Math.max(
      this.#total - maxConnections,
      isCounted ? count - maxConnectionsPerAddress : Number.NEGATIVE_INFINITY,
    );
    if (over <= 0) return;
    if (over > toldConnections) {
      socket.destroy();
      return;
    }
    this.#refused.set(
      socket,
      this.#total > maxConnections
        ? tooManyOf('maxConnections', maxConnections, 'connections at a time')
        : tooManyOf(
            'maxConnectionsPerAddress',
            maxConnectionsPerAddress,
            'connections at a time from one address',
          ),
    );
  }

  #add(key: string): number {
    const count = (this.#byAddress.get(key) ?? 0) + 1;
    this.#byAddress.set(key, count);
    return count;
  }

  #remove(key: string): void {
    const count = (this.#byAddress.get(key) ?? 1) - 1;
    if (count > 0) this.#byAddress.set(key, count);
    else this.#byAddress.delete(key);
  }
}

function tooManyOf(limit: string, max: number, of: string): UnavailableError {
  return tooMany({ limit, max, of, retryAfterMs });
}
