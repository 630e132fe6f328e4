# under_kernel.sh <kernel> <sextant_kernel_name> <program> [args]: runs the program with SEXTANT_KERNEL=<kernel>.
# Exit status 77 (ctest: skipped) where this CPU cannot run that kernel.
SEXTANT_KERNEL=$1
export SEXTANT_KERNEL
chosen=$("$2")
if [ "$chosen" != "$1" ]; then
    echo "skipped: this machine runs '$chosen' when asked for '$1'"
    exit 77
fi
shift 2
exec "$@"
