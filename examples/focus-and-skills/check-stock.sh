#!/bin/sh
# What an agent would be given, and what it would be asked to find. Put your own program in place of the last command.
set -eu
keruta skill prompt > "$KERUTA_ARTIFACTS_DIR/prompt.md"
echo "focus: $KERUTA_FOCUS; the prompt has $(wc -l < "$KERUTA_ARTIFACTS_DIR/prompt.md") lines"
awk -F, '$2 < $3 { print $1 ": " $2 " there, " $3 " expected" }' stock.csv
