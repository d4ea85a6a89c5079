# Stands in for conda in images of the SWE-bench shape: `activate` switches between the
# environments that exist. It installs nothing; that was done when the image was built.
# Plain sh, and safe under `set -eu`: graders source it in scripts of their own.

_conda_root=/opt/miniconda3

_conda_use() {
    if [ "$1" = base ]; then _conda_prefix=$_conda_root; else _conda_prefix=$_conda_root/envs/$1; fi
    if [ ! -d "$_conda_prefix/bin" ]; then
        echo "conda: there is no environment $1 in this image" >&2
        return 1
    fi
    _conda_path=":$PATH:"
    if [ -n "${CONDA_PREFIX:-}" ]; then
        while :; do
            case $_conda_path in
                *":$CONDA_PREFIX/bin:"*)
                    _conda_path="${_conda_path%%":$CONDA_PREFIX/bin:"*}:${_conda_path#*":$CONDA_PREFIX/bin:"}" ;;
                *) break ;;
            esac
        done
    fi
    _conda_path=${_conda_path#:}
    PATH="$_conda_prefix/bin:${_conda_path%:}"
    CONDA_PREFIX=$_conda_prefix
    CONDA_DEFAULT_ENV=$1
    CONDA_SHLVL=1
    export PATH CONDA_PREFIX CONDA_DEFAULT_ENV CONDA_SHLVL
    hash -r 2> /dev/null || true
}

conda() {
    case "${1:-}" in
        activate) _conda_use "${2:-base}" ;;
        deactivate) _conda_use base ;;
        env | info)
            for _conda_env in "$_conda_root"/envs/*/; do
                _conda_env=${_conda_env%/}
                echo "${_conda_env##*/}  $_conda_env"
            done ;;
        run)
            shift
            _conda_name=base
            while :; do
                case "${1:-}" in
                    -n | --name) _conda_name=$2; shift 2 ;;
                    -*) shift ;;
                    *) break ;;
                esac
            done
            (_conda_use "$_conda_name" && exec "$@") ;;
        *)
            echo "conda: this image knows only activate, deactivate, env, info and run" >&2
            return 1 ;;
    esac
}
