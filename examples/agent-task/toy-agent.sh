#!/bin/sh
# A coding agent for trying things out: it reads the task from stdin, and puts the greeting right that the test asks for.
prompt=$(cat)
echo "The task: $(printf '%s\n' "$prompt" | head -1)"
printf 'echo "Hello, %s!"\n' '$1' >greet.sh
# what it spent, and its last words, as lines of JSON
echo '{"usage": {"model": "toy", "tokens_in": 120, "tokens_out": 30, "cost_usd": 0.01}, "summary": "The greeting ends with an exclamation mark."}'
