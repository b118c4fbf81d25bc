import type { WorkRequest } from './coding-agent.ts';

/** The prompt of a request, with the files to begin with in words. */
export function promptWithFiles({ prompt, files = [] }: Pick<WorkRequest, 'prompt' | 'files'>): string {
  if (files.length === 0) return prompt;
  return `${prompt}\nBegin with these files:\n\n${files.map((file) => `- ${file}`).join('\n')}\n`;
}
