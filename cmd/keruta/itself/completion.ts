import { command } from '../command.ts';

/** `keruta completion` */
export const completion = command({
  name: 'completion',
  summary: 'Prints the script that makes a shell complete the words of keruta.',
  description:
    'bash: put `source <(keruta completion bash)` into ~/.bashrc\n' +
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is zsh's
    'zsh: `keruta completion zsh > "${fpath[1]}/_keruta"`, then start a new shell\n' +
    'fish: `keruta completion fish > ~/.config/fish/completions/keruta.fish`',
  positionals: { shell: { kind: 'enum', choices: ['bash', 'zsh', 'fish'], doc: 'the shell' } },
  options: {},
  examples: ['source <(keruta completion bash)'],
  run: async (context, { shell }) => {
    const { completionScript } = await import('../completion-scripts.ts');
    const { loadCommands } = await import('../commands.ts');
    const script = completionScript(shell as 'bash' | 'zsh' | 'fish', await loadCommands());
    await context.stdout.write(context.json ? `${JSON.stringify({ shell, script })}\n` : script);
    return 0;
  },
});
