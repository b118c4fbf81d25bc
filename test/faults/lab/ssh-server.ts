/**
 * An ssh server that shows its host key, lets everybody come as far as the questions, and lets nobody in. Just enough of
 * the protocol for a real client: one method of each kind, no channels.
 * @see RFC 4253 (transport), RFC 4252 (authentication), RFC 8731 (curve25519), RFC 8709 (ed25519)
 */
import {
  type Cipheriv,
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  type Decipheriv,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
  sign,
} from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';

/** A server that listens on a port of 127.0.0.1. */
export interface SshServer {
  readonly port: number;
  /** its key as known_hosts has it: `ssh-ed25519 AAAA…` */
  readonly hostKey: string;
  /** methods of authentication that clients tried, in order */
  readonly tried: string[];
  close(): void;
}

/** Opens a server with a new host key. */
export async function openSshServer(): Promise<SshServer> {
  const key = generateKeyPairSync('ed25519');
  const blob = fields(text('ssh-ed25519'), text(rawKey(key.publicKey)));
  const tried: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    const talk = new Talk(socket, { blob, sign: (hash) => sign(null, hash, key.privateKey) }, tried);
    socket.on('data', (bytes: Buffer) => talk.take(bytes));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    port: (server.address() as { port: number }).port,
    hostKey: `ssh-ed25519 ${blob.toString('base64')}`,
    tried,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

interface HostKey {
  readonly blob: Buffer;
  readonly sign: (hash: Buffer) => Buffer;
}

/** Keys of one direction. */
interface Sealing {
  readonly cipher: Cipheriv | Decipheriv;
  readonly mac: Buffer;
}

const ownVersion = 'SSH-2.0-laboratory';
const [macBytes, blockBytes] = [32, 16];
const methods = 'publickey,password,keyboard-interactive';

/** One connection. */
class Talk {
  readonly #socket: Socket;
  readonly #hostKey: HostKey;
  readonly #tried: string[];
  readonly #ownInit = keyExchangeInit();
  #left: Buffer = Buffer.alloc(0);
  #version: string | null = null;
  #clientInit: Buffer = Buffer.alloc(0);
  /** the packet under way, once its length is known; decrypted as far as it has come */
  #head: Buffer | null = null;
  #sealedIn: Sealing | null = null;
  #sealedOut: Sealing | null = null;
  #next: { readonly in: Sealing; readonly out: Sealing } | null = null;
  #sent = 0;

  constructor(socket: Socket, hostKey: HostKey, tried: string[]) {
    this.#socket = socket;
    this.#hostKey = hostKey;
    this.#tried = tried;
    socket.write(`${ownVersion}\r\n`);
    this.#send(this.#ownInit);
  }

  take(bytes: Buffer): void {
    this.#left = Buffer.concat([this.#left, bytes]);
    if (this.#version === null) {
      const end = this.#left.indexOf('\n');
      if (end === -1) return;
      this.#version = this.#left.toString('latin1', 0, end).trimEnd();
      this.#left = this.#left.subarray(end + 1);
    }
    for (let payload = this.#packet(); payload !== null; payload = this.#packet()) this.#answer(payload);
  }

  /** The next whole packet's payload; null when it is not there yet. */
  #packet(): Buffer | null {
    const sealed = this.#sealedIn;
    const open = (bytes: Buffer) => (sealed === null ? bytes : sealed.cipher.update(bytes));
    if (this.#head === null && this.#left.length < blockBytes) return null;
    const head = this.#head ?? open(this.#cut(blockBytes));
    this.#head = head;
    const length = 4 + head.readUInt32BE(0);
    const [missing, mac] = [length - head.length, sealed === null ? 0 : macBytes];
    if (this.#left.length < missing + mac) return null;
    const packet = Buffer.concat([head, open(this.#cut(missing))]);
    // what it says is of no weight here, so nobody checks whether it is true
    this.#cut(mac);
    this.#head = null;
    return packet.subarray(5, length - (packet[4] ?? 0));
  }

  #cut(count: number): Buffer {
    const piece = this.#left.subarray(0, count);
    this.#left = this.#left.subarray(count);
    return piece;
  }

  #answer(payload: Buffer): void {
    const kind = payload[0];
    if (kind === 20) this.#clientInit = payload;
    else if (kind === 30) this.#exchangeKeys(readText(payload, 1));
    else if (kind === 21) this.#sealedIn = this.#next?.in ?? null;
    else if (kind === 5) this.#send(fields(byte(6), text(readText(payload, 1))));
    else if (kind === 50) this.#authenticate(payload);
    else if (kind === 1) this.#socket.end();
  }

  #exchangeKeys(theirs: Buffer): void {
    const mine = generateKeyPairSync('x25519');
    const header = Buffer.from('302a300506032b656e032100', 'hex');
    const publicKey = createPublicKey({
      key: Buffer.concat([header, theirs]),
      ...{ format: 'der', type: 'spki' },
    } as const);
    const shared = integer(diffieHellman({ privateKey: mine.privateKey, publicKey }));
    const own = rawKey(mine.publicKey);
    const said = [Buffer.from(this.#version ?? ''), Buffer.from(ownVersion), this.#clientInit, this.#ownInit];
    const all = fields(...[...said, this.#hostKey.blob, theirs, own].map(text), shared);
    const hash = createHash('sha256').update(all).digest();
    const signature = fields(text('ssh-ed25519'), text(this.#hostKey.sign(hash)));
    this.#send(fields(byte(31), text(this.#hostKey.blob), text(own), text(signature)));
    this.#send(byte(21));
    const derive = (letter: string, length: number) =>
      createHash('sha256')
        .update(fields(shared, hash, Buffer.from(letter), hash))
        .digest()
        .subarray(0, length);
    this.#next = {
      in: {
        cipher: createDecipheriv('aes-128-ctr', derive('C', 16), derive('A', 16)),
        mac: derive('E', macBytes),
      },
      out: {
        cipher: createCipheriv('aes-128-ctr', derive('D', 16), derive('B', 16)),
        mac: derive('F', macBytes),
      },
    };
    this.#sealedOut = this.#next.out;
  }

  /** Takes any key as one that would do, so that the client has to open it; and then nothing of what it brings. */
  #authenticate(payload: Buffer): void {
    const user = readText(payload, 1);
    const service = readText(payload, 5 + user.length);
    const at = 9 + user.length + service.length;
    const method = readText(payload, at).toString();
    this.#tried.push(method);
    const isQuestion = method === 'publickey' && payload[at + 4 + method.length] === 0;
    if (isQuestion) this.#send(Buffer.concat([byte(60), payload.subarray(at + 5 + method.length)]));
    else this.#send(fields(byte(51), text(methods), byte(0)));
  }

  #send(payload: Buffer): void {
    const padding = 2 * blockBytes - ((5 + payload.length) % blockBytes);
    const packet = Buffer.concat([Buffer.alloc(4), byte(padding), payload, randomBytes(padding)]);
    packet.writeUInt32BE(packet.length - 4, 0);
    const sealed = this.#sealedOut;
    if (sealed === null) this.#socket.write(packet);
    else {
      const number = Buffer.alloc(4);
      number.writeUInt32BE(this.#sent, 0);
      const mac = createHmac('sha256', sealed.mac).update(number).update(packet).digest();
      this.#socket.write(Buffer.concat([sealed.cipher.update(packet), mac]));
    }
    this.#sent++;
  }
}

function keyExchangeInit(): Buffer {
  const lists = [
    'curve25519-sha256',
    'ssh-ed25519',
    'aes128-ctr',
    'aes128-ctr',
    'hmac-sha2-256',
    'hmac-sha2-256',
  ];
  const all = [...lists, 'none', 'none', '', ''].map(text);
  return fields(byte(20), randomBytes(16), ...all, byte(0), Buffer.alloc(4));
}

const fields = (...parts: readonly Uint8Array[]) => Buffer.concat(parts);
const byte = (value: number) => Buffer.from([value]);

/** Bytes with their length in front. */
function text(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length, 0);
  return Buffer.concat([length, bytes]);
}

function readText(payload: Buffer, at: number): Buffer {
  return payload.subarray(at + 4, at + 4 + payload.readUInt32BE(at));
}

/** A number without needless zeros in front, and with one where it would look negative. */
function integer(bytes: Buffer): Buffer {
  const first = bytes.findIndex((value) => value !== 0);
  const bare = bytes.subarray(first);
  return text((bare[0] ?? 0) >= 0x80 ? Buffer.concat([byte(0), bare]) : bare);
}

/** The 32 bytes of a public key, which end its encoding. */
function rawKey(key: ReturnType<typeof createPublicKey>): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(-32);
}
