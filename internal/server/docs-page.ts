/** The description of the API as one page: made on the server, without scripts or anything from elsewhere. */
import type { OpenApiDocument } from './openapi.ts';

const policy =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Headers of the page: the browser may run nothing and load nothing. */
export const docsHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': policy,
  'referrer-policy': 'no-referrer',
};

interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly format?: string;
  readonly default?: unknown;
}

interface Operation {
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema?: Schema;
  }[];
  readonly requestBody?: { readonly content?: Content };
  readonly responses?: Readonly<
    Record<string, { readonly description?: string; readonly content?: Content }>
  >;
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>;

interface Entry extends Operation {
  readonly method: string;
  readonly path: string;
}

const style = `
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:60rem;margin:2rem auto;padding:0 1rem}
code,pre{font-family:ui-monospace,monospace;font-size:.9em}
details{border:1px solid #8884;border-radius:.4rem;margin:.4rem 0;padding:.3rem .7rem}
summary{cursor:pointer}
.method{display:inline-block;min-width:4.2rem;font-weight:700}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:.15rem .6rem .15rem 0;border-bottom:1px solid #8882}
nav a{margin-right:.8rem;white-space:nowrap}
.muted{opacity:.7}`;

/** Makes the page of a document. */
export function docsPage(document: OpenApiDocument): string {
  const info = document.info as {
    readonly title: string;
    readonly version: string;
    readonly description?: string;
  };
  const groups = groupByTag(document.paths as Readonly<Record<string, Readonly<Record<string, Operation>>>>);
  const nav = [...groups.keys()]
    .map((tag) => `<a href="#${escapeHtml(tag)}">${escapeHtml(tag)}</a>`)
    .join('\n');
  const sections = [...groups].map(
    ([tag, entries]) =>
      `<h2 id="${escapeHtml(tag)}">${escapeHtml(tag)}</h2>${entries.map(renderEntry).join('')}`,
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(info.title)} API</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><style>${style}</style></head><body>
<h1>${escapeHtml(info.title)} API <span class="muted">${escapeHtml(info.version)}</span></h1>
<p>${escapeHtml(info.description ?? '')} The same as a document: <a href="/api/v1/openapi.json">openapi.json</a>.</p>
<p>Send <code>Authorization: Bearer krt_…</code>. Errors are <code>{"error": {code, message, status, details?}, "meta": {timestamp, version}}</code>.</p>
<nav>${nav}</nav>${sections.join('')}</body></html>`;
}

function groupByTag(
  paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>,
): ReadonlyMap<string, Entry[]> {
  const groups = new Map<string, Entry[]>();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags?.[0] ?? 'other';
      groups.set(tag, [...(groups.get(tag) ?? []), { ...operation, method: method.toUpperCase(), path }]);
    }
  }
  return groups;
}

function renderEntry(entry: Entry): string {
  const parameters = (entry.parameters ?? []).map(
    (each) =>
      `<tr><td><code>${escapeHtml(each.name)}</code></td><td>${escapeHtml(each.in)}${each.required ? ', required' : ''}</td><td>${typeOf(each.schema)}</td></tr>`,
  );
  const answers = Object.entries(entry.responses ?? {}).map(
    ([status, answer]) => `<h4>${escapeHtml(status)}</h4>${renderContent(answer.content)}`,
  );
  return `<details><summary><span class="method">${entry.method}</span> <code>${escapeHtml(entry.path)}</code> ${escapeHtml(entry.summary ?? '')}</summary>
<p class="muted">${escapeHtml(entry.description ?? '')}</p>
${parameters.length > 0 ? `<h4>Parameters</h4><table>${parameters.join('')}</table>` : ''}
${entry.requestBody ? `<h4>Body</h4>${renderContent(entry.requestBody.content)}` : ''}${answers.join('')}</details>`;
}

function renderContent(content: Content | undefined): string {
  const [first] = Object.entries(content ?? {});
  if (!first) return '<p class="muted">empty</p>';
  const [type, { schema }] = first;
  const fields = (schema?.items ?? schema)?.properties;
  const head = `<p><code>${escapeHtml(type)}</code> ${typeOf(schema)}</p>`;
  if (!fields) return head;
  const required = (schema?.items ?? schema)?.required ?? [];
  const rows = Object.entries(fields).map(
    ([name, field]) =>
      `<tr><td><code>${escapeHtml(name)}</code>${required.includes(name) ? '' : ' <span class="muted">optional</span>'}</td><td>${typeOf(field)}</td></tr>`,
  );
  return `${head}<table>${rows.join('')}</table>`;
}

function typeOf(schema: Schema | undefined): string {
  if (!schema) return 'anything';
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.map(typeOf).join(' or ');
  if (schema.enum) return schema.enum.map((value) => escapeHtml(JSON.stringify(value))).join(' | ');
  if (schema.const !== undefined) return escapeHtml(JSON.stringify(schema.const));
  if (schema.items) return `array of ${typeOf(schema.items)}`;
  const type = typeof schema.type === 'string' ? schema.type : (schema.type ?? ['anything']).join(' or ');
  const preset = schema.default === undefined ? '' : `, default ${JSON.stringify(schema.default)}`;
  return escapeHtml(type + (schema.format ? ` (${schema.format})` : '') + preset);
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
