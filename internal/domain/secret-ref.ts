/** Names one secret: a variable in the environment of the server, or a file on its disk. */
export type SecretRef =
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string };

/** How a secret is called in messages. */
export function secretName(ref: SecretRef): string {
  return ref.kind === 'variable' ? `the variable ${ref.name}` : `the file ${ref.path}`;
}
