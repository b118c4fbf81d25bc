import type { ArtifactSource } from '../task-source.ts';

/**
 * Makes the form that carries a file: text parts `description`, `path`, `sha256`, `mimeType` first, so that the server
 * knows them when the bytes come, then the part `file` with the base name.
 *
 * @param boundary letters, digits, `-` and `_` that do not occur in the file
 * @returns headers with the exact length, and a body that can be made several times
 * @see RFC 7578; names are escaped as browsers do (WHATWG HTML, "multipart/form-data")
 */
export function multipartBody(
  artifact: ArtifactSource,
  boundary: string,
): { headers: Record<string, string>; body: () => AsyncIterable<Uint8Array> } {
  const { description, path, sha256, contentType } = artifact;
  const fields = Object.entries({ description, path, sha256, mimeType: contentType }).filter(
    ([, text]) => text,
  );
  const fileName = escapeName(path.slice(path.lastIndexOf('/') + 1));
  const head = Buffer.from(
    fields.map(([name, text]) => `--${boundary}\r\n${disposition(name)}\r\n\r\n${text}\r\n`).join('') +
      `--${boundary}\r\n${disposition('file')}; filename="${fileName}"\r\n` +
      `Content-Type: ${contentType.replace(/[^\x20-\x7e]/g, '')}\r\n\r\n`,
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  return {
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'content-length': String(head.length + artifact.size + tail.length),
    },
    body: async function* () {
      yield head;
      // what sends the form reads ahead, and the file may put its next piece in the same place
      for await (const piece of artifact.open(0)) yield Buffer.from(piece);
      yield tail;
    },
  };
}

const disposition = (name: string) => `Content-Disposition: form-data; name="${name}"`;

const escapeName = (name: string) =>
  name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
