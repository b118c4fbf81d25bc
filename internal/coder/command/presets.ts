/**
 * Agents that are known by name. Each one works without asking and prints what it spends, as its own documentation says.
 * @see https://code.claude.com/docs/en/cli-reference
 * @see https://developers.openai.com/codex/noninteractive
 * @see https://geminicli.com/docs/cli/headless
 * @see https://aider.chat/docs/scripting.html
 */
import type { CommandTemplate } from './template.ts';

/** By name. */
export const presets = {
  claude: {
    command: 'claude',
    args: [
      '--print',
      ...['--output-format', 'stream-json', '--verbose'],
      // edits and commands without a question, and what its own settings deny stays denied
      ...['--permission-mode', 'acceptEdits', '--allowedTools', 'Bash'],
      ['--model', '{model}'],
      ['--max-turns', '{max_steps}'],
      ['--max-budget-usd', '{max_cost}'],
    ],
    prompt: 'stdin',
    output: 'claude',
    environment: ['ANTHROPIC_*', 'CLAUDE_*'],
    set: {},
  },
  codex: {
    command: 'codex',
    args: ['exec', '--json', '--sandbox', 'workspace-write', ['--model', '{model}'], '-'],
    prompt: 'stdin',
    output: 'codex',
    environment: ['OPENAI_*', 'CODEX_*'],
    set: {},
  },
  gemini: {
    command: 'gemini',
    args: [
      ...['--output-format', 'stream-json', '--approval-mode', 'yolo'],
      ['--model', '{model}'],
      // stdin stands before it; without it some versions want a terminal
      ...['--prompt', 'Do the task above.'],
    ],
    prompt: 'stdin',
    output: 'gemini',
    environment: ['GEMINI_*', 'GOOGLE_API_KEY', 'GOOGLE_CLOUD_*', 'GOOGLE_GENAI_*'],
    // else it asks whether the directory is trusted, and ends when nobody can answer
    set: { GEMINI_CLI_TRUST_WORKSPACE: 'true' },
  },
  aider: {
    command: 'aider',
    args: [
      ...['--message-file', '{prompt_file}', '--yes-always'],
      // it shall neither commit nor leave files of its own in the work tree
      ...['--no-auto-commits', '--no-dirty-commits', '--no-gitignore', '--map-tokens', '0'],
      ...[
        '--input-history-file',
        '{directory}/aider.input',
        '--chat-history-file',
        '{directory}/aider.chat.md',
      ],
      ...['--no-pretty', '--no-stream', '--no-fancy-input', '--no-check-update', '--no-show-release-notes'],
      ...[
        '--no-show-model-warnings',
        '--no-suggest-shell-commands',
        '--no-detect-urls',
        '--analytics-disable',
      ],
      ['--model', '{model}'],
      '{files}',
    ],
    prompt: 'file',
    output: 'aider',
    environment: ['OPENAI_*', 'ANTHROPIC_*', 'GEMINI_*', 'AIDER_*'],
    set: {},
  },
} as const satisfies Readonly<Record<string, CommandTemplate>>;

/** Name of a preset. */
export type PresetName = keyof typeof presets;
/** All names of presets. */
export const presetNames = Object.keys(presets) as readonly PresetName[];
