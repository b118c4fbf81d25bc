# A fragment of a Coder template: starts the agent of a workspace when the workspace starts. Put it beside the template's coder_agent
# "main". The agent finds its session by CODER_WORKSPACE_ID and CODER_WORKSPACE_NAME, which Coder sets.

variable "keruta_api_url" {
  description = "Address of the keruta server, such as https://keruta.example.org"
  type        = string
}

variable "keruta_api_token" {
  description = "Token of the agent; its scope is session"
  type        = string
  sensitive   = true
}

variable "keruta_download_url" {
  description = "Where the executable keruta for the workspace's architecture is; empty when the image has it"
  type        = string
  default     = ""
}

resource "coder_env" "keruta_api_url" {
  agent_id = coder_agent.main.id
  name     = "KERUTA_API_URL"
  value    = var.keruta_api_url
}

# In a file, not in the environment: every process of the workspace could read it there.
resource "coder_script" "keruta" {
  agent_id     = coder_agent.main.id
  display_name = "keruta"
  icon         = "/icon/terminal.svg"
  run_on_start = true

  script = <<-EOT
    #!/bin/sh
    set -eu
    mkdir -p "$HOME/.keruta" "$HOME/.local/bin"
    chmod 700 "$HOME/.keruta"
    umask 077
    printf '%s' '${var.keruta_api_token}' > "$HOME/.keruta/api-token"
    umask 022
    PATH="$HOME/.local/bin:$PATH"
    if [ -n '${var.keruta_download_url}' ] && ! command -v keruta >/dev/null; then
      curl -fsSL '${var.keruta_download_url}' -o "$HOME/.local/bin/keruta.new"
      chmod 755 "$HOME/.local/bin/keruta.new"
      mv "$HOME/.local/bin/keruta.new" "$HOME/.local/bin/keruta"
    fi
    export KERUTA_API_TOKEN_FILE="$HOME/.keruta/api-token"
    # exit 4: no agent runs
    keruta daemon status >/dev/null || keruta daemon start --keep-alive
  EOT
}

resource "coder_script" "keruta_stop" {
  agent_id           = coder_agent.main.id
  display_name       = "keruta: let the task end"
  icon               = "/icon/terminal.svg"
  run_on_stop        = true
  start_blocks_login = false

  script = <<-EOT
    #!/bin/sh
    PATH="$HOME/.local/bin:$PATH" keruta daemon stop || true
  EOT
}
