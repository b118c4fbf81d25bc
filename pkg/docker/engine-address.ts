/** Where a container engine listens. */

/** An address as Node connects to it. */
export type EngineAddress =
  | { readonly socketPath: string; readonly text: string }
  | { readonly host: string; readonly port: number; readonly text: string };

/** Where engines of this machine listen when nobody says otherwise. */
export const defaultEngineAddress = 'unix:///var/run/docker.sock';

/** An address that cannot be taken. Its message says why. */
export class EngineAddressError extends Error {}

/**
 * Reads an address as DOCKER_HOST has it: `unix:///path` or `tcp://host:port`; a bare path is that of a socket.
 * @throws {EngineAddressError} for ssh and TLS, which are not spoken here, and for what is no address
 */
export function parseEngineAddress(text: string): EngineAddress {
  const path = text.startsWith('unix://') ? text.slice('unix://'.length) : text;
  if (path.startsWith('/')) return { socketPath: path, text: `unix://${path}` };
  const [, host, port] = /^tcp:\/\/(\[[0-9a-fA-F:]+\]|[^/:@\s]+):(\d{1,5})\/?$/.exec(text) ?? [];
  if (host === undefined || port === undefined || Number(port) > 65_535) {
    throw new EngineAddressError(
      `"${text}" is not an address of a container engine; expected unix:///path or tcp://host:port`,
    );
  }
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port), text: `tcp://${host}:${port}` };
}
