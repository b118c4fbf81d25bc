/**
 * What an agent runs for a task of kind `playbook` or `agent`: the runner, in the place of a script. An agent that is too old to know of
 * such tasks fails by it, instead of taking them for done.
 */
export const runnerScript = 'exec "$KERUTA_EXECUTABLE" runner run --file "$KERUTA_CONTEXT_FILE"\n';
