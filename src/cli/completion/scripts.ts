/**
 * What `udpchat completion` prints. The scripts know nothing of our commands: at each TAB they ask
 * the program (`complete.ts`), so that they need not be installed again with a new version.
 */

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** bash 3.2, which macOS has, and later. */
const BASH = `# udpchat completion for bash: eval "$(udpchat completion bash)" in ~/.bashrc
_udpchat() {
  local answer line
  COMPREPLY=()
  answer=$(command udpchat __complete bash "\${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" \\
    2>/dev/null </dev/null) || return
  case $answer in
    '') return ;;
    :files) compopt -o default 2>/dev/null; return ;;
    :folders) compopt -o dirnames 2>/dev/null; return ;;
  esac
  while IFS= read -r line; do COMPREPLY+=("$line"); done <<<"$answer"
}
complete -F _udpchat udpchat
`;

const ZSH = `#compdef udpchat
# udpchat completion for zsh: eval "$(udpchat completion zsh)" in ~/.zshrc, or this text as the
# file _udpchat in a folder of $fpath
_udpchat() {
  local answer line
  local -a values lines
  answer=$(command udpchat __complete zsh "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" \\
    2>/dev/null </dev/null) || return 1
  case $answer in
    '') return 1 ;;
    :files) _files; return ;;
    :folders) _files -/; return ;;
  esac
  for line in "\${(@f)answer}"; do
    values+=("\${line%%$'\\t'*}")
    lines+=("\${line#*$'\\t'}")
  done
  compadd -l -V udpchat -d lines -a values
}
if [ "$funcstack[1]" = _udpchat ]; then
  _udpchat "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
  compdef _udpchat udpchat
fi
`;

const FISH = `# udpchat completion for fish: save as ~/.config/fish/completions/udpchat.fish
function __udpchat_complete
    set -l before (commandline -opc)
    set -e before[1]
    set -l answer (command udpchat __complete fish $before (commandline -ct | string collect -N -a) 2>/dev/null </dev/null)
    switch "$answer[1]"
        case :files
            __fish_complete_path (commandline -ct)
        case :folders
            __fish_complete_directories (commandline -ct)
        case '?*'
            printf '%s\\n' $answer
    end
end
complete -c udpchat -f -a '(__udpchat_complete)'
`;

/** By shell. */
export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: BASH,
  zsh: ZSH,
  fish: FISH,
};
