# bash completion for stoker and stokerd.
#
# What there is to complete is asked of the program itself, by its --help: it cannot go stale.

# "--name" or "--name ARGUMENT" a line, of a program and perhaps its sub-command.
_stoker_options() {
    "$@" --help 2>/dev/null | sed -nE 's/^ +(-[A-Za-z], )?(--[a-z-]+( [A-Z]+)?) .*/\2/p'
}

_stoker_sub_commands() {
    "$1" --help 2>/dev/null | sed -nE 's/^  ([a-z]+) .*/\1/p'
}

# Daemons of this host, by their local sockets.
_stoker_sockets() {
    compgen -G '/run/stoker*/*.sock'
}

# Their endpoints, and below them their streams.
_stoker_urls() {
    local socket
    for socket in $(_stoker_sockets); do
        printf 'ipc://%s\n' "$socket"
        "$1" streams "ipc://$socket" --timeout 1 2>/dev/null |
            sed -nE "1d; s|^([^ ]+) .*|ipc://$socket/\1|p"
    done
    echo tcp://localhost:7654
}

_stoker() {
    local cur prev words cword program=$1 options argument
    _get_comp_words_by_ref -n : cur prev words cword
    if [[ ${program##*/} == stoker && $cword -eq 1 ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_stoker_sub_commands "$program") --help --version" \
            -- "$cur")
        return
    fi
    if [[ ${program##*/} == stoker ]]; then
        options=$(_stoker_options "$program" "${words[1]}")
    else
        options=$(_stoker_options "$program")
    fi
    [[ $prev == -c ]] && prev=--config
    argument=
    [[ $prev =~ ^--[a-z-]+$ ]] && argument=$(sed -n "s/^$prev //p" <<<"$options")
    if [[ -n $argument ]]; then
        [[ $argument == FILE ]] && mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    elif [[ $cur == -* || ${program##*/} == stokerd ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(cut -d ' ' -f 1 <<<"$options") --help" -- "$cur")
    else
        [[ ${words[1]} == index ]] ||
            mapfile -t COMPREPLY < <(compgen -W "$(_stoker_urls "$program")" -- "$cur")
        [[ ${words[1]} =~ ^(doctor|index)$ ]] && mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY \
            < <(compgen -f -- "$cur")
        __ltrim_colon_completions "$cur"
    fi
}

complete -o filenames -o bashdefault -F _stoker stokerd
complete -o nospace -F _stoker stoker
